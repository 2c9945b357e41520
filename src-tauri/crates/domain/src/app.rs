//! The app itself: where its data lies, in which state the database is, what is dropped on the window.

use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What opening the database found. Each state has its screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum DatabaseState {
    /// It is open (and was perhaps made just now).
    Ok,
    /// It was made by a newer Edgewise.
    Newer {
        /// Its schema version.
        found: u32,
        /// The newest that this Edgewise knows.
        known: u32,
    },
    /// It is damaged; the file was not touched.
    Damaged {
        /// What the check said.
        detail: String,
        /// Copies that can be restored, newest first.
        copies: Vec<BackupCopy>,
    },
    /// Another program holds it.
    Locked,
    /// It cannot be read or written.
    Unreadable {
        /// Why.
        fault: Fault,
    },
}

/// A copy of the database made before a migration or by the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BackupCopy {
    /// File name within the copies' folder.
    pub name: String,
    /// Size in bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// When it was made.
    pub made_at: crate::ids::Timestamp,
}

/// What the window needs before it draws anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    /// Edgewise's version.
    pub version: String,
    /// Where everything lies.
    pub data_dir: String,
    /// The language to use: forced by `EDGEWISE_LOCALE`, else set, else the system's.
    pub locale: String,
    /// `linux`, `macos` or `windows`.
    pub platform: String,
    /// The database's state.
    pub database: DatabaseState,
}

/// Files over the window. Paths stay on the Rust side: the page gets names and a grant to use once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "phase")]
pub enum DropEvent {
    /// They came over the window.
    Enter {
        /// Their names, without their folders.
        names: Vec<String>,
    },
    /// They move; logical pixels from the window's top left.
    Over {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// They left.
    Leave,
    /// They were dropped.
    Dropped {
        /// The right to use these files.
        grant: Grant,
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
}

/// The right to use files that the person chose by a drop or a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Names the files on the Rust side.
    pub id: String,
    /// What the person may be told of them.
    pub files: Vec<GrantedFile>,
}

/// One chosen file or folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct GrantedFile {
    /// Its name, without its folder.
    pub name: String,
    /// It is a folder.
    pub folder: bool,
    /// Bytes, for files.
    #[ts(type = "number")]
    pub size: u64,
}
