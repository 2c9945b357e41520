//! Conversations out of Edgewise and into it: exports, imports, backups. Secrets are in none of them, because the
//! store never has any.

use crate::history::History;
use domain::{AppEvent, ConversationId, Fault};
use serde::Deserialize;
use std::path::PathBuf;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExportFormat {
    /// To read and to paste.
    Markdown,
    /// A page that needs nothing else.
    Html,
    /// Everything, versions, sources and files included; can be imported again.
    Json,
}

impl ExportFormat {
    /// The usual ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Json => "json",
        }
    }

    fn of_store(self) -> store::ExportFormat {
        match self {
            Self::Markdown => store::ExportFormat::Markdown,
            Self::Html => store::ExportFormat::Html,
            Self::Json => store::ExportFormat::Json,
        }
    }
}

impl History {
    /// Writes conversations to a file, which appears whole or not at all; all of them when `ids` is empty, but for the
    /// trash and the temporary ones.
    ///
    /// # Errors
    /// `NotFound` for an unknown conversation, and the disk's.
    pub async fn export_conversations(
        &self,
        ids: Vec<ConversationId>,
        format: ExportFormat,
        file: PathBuf,
    ) -> Result<(), Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let home = ids.first().map_or(&shelf.disk, |id| shelf.home(id));
                Ok(home.export_file(&ids, format.of_store(), &file)?)
            })
            .await
    }

    /// Reads conversations from our JSON or from ChatGPT's export; how many are new. What is there already is not
    /// doubled.
    ///
    /// # Errors
    /// `InvalidInput` or `FormatUnknown` for another kind of file, and the disk's.
    pub async fn import_conversations(&self, file: PathBuf) -> Result<u32, Fault> {
        let now = self.engine.now();
        let imported =
            self.engine.database().write(move |shelf| Ok(shelf.disk.import_file(&file, now)?)).await?;
        // The sidebar is told of the newest: they are what it shows first.
        for conversation in self.conversations(0, 50, false).await?.conversations {
            self.engine.news().tell(&AppEvent::ConversationChanged { conversation });
        }
        Ok(imported.conversations)
    }

    /// Writes a backup of everything but secrets and temporary conversations.
    ///
    /// # Errors
    /// The disk's.
    pub async fn back_up(&self, file: PathBuf) -> Result<(), Fault> {
        let now = self.engine.now();
        self.engine.database().read(move |shelf| Ok(shelf.disk.backup(&file, now)?)).await
    }

    /// Puts a backup in the place of everything. Answers in flight are stopped first, and the present database is
    /// copied. Tokens stay where they are kept.
    ///
    /// # Errors
    /// `InvalidInput` or `DatabaseDamaged` for what is no sound backup (nothing is changed then), and the disk's.
    pub async fn restore_backup(&self, file: PathBuf) -> Result<(), Fault> {
        self.engine.app().stop_everything().await;
        let now = self.engine.now();
        self.engine.database().write(move |shelf| Ok(shelf.disk.restore(&file, now)?)).await?;
        self.engine.app().reload().await;
        Ok(())
    }
}
