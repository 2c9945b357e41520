//! Conversations out of Edgewise and into it: exports, imports, backups. Secrets are in none of them, because the
//! store never has any.

use serde::Deserialize;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExportFormat {
    /// To read and to publish.
    Markdown,
    /// A page that needs nothing else.
    Html,
    /// Everything, sources and files included; can be imported again.
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
}
