//! Finding what was said.

use crate::ids::{ConversationId, MessageId, Timestamp};
use crate::message::Role;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A part of a snippet: plain text, marked when it is what was searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SnippetPart {
    /// The text.
    pub text: String,
    /// It matches.
    pub hit: bool,
}

/// A message (or a title) that matches a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HistoryHit {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its title.
    pub title: String,
    /// The message; `None` when the title matches.
    pub message: Option<MessageId>,
    /// Who said it.
    pub role: Option<Role>,
    /// When.
    pub at: Timestamp,
    /// The text around the hit.
    pub snippet: Vec<SnippetPart>,
}
