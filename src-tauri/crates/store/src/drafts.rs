//! What was typed and not sent: text, files, and messages that wait for their turn. It survives a restart; sending
//! replaces it in the same transaction (`turns`).

use crate::error::Result;
use crate::store::Store;
use domain::{Attachment, ConversationId, Draft, QueuedMessage};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

/// The name of the draft of the conversation that is not begun yet.
pub(crate) const NOT_BEGUN: &str = "";

/// What a draft holds besides its text.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Waiting {
    attachments: Vec<Attachment>,
    queue: Vec<QueuedMessage>,
}

impl Store {
    /// The draft of a conversation, or of the one that is not begun yet; empty when there is none.
    pub fn draft(&self, conversation: Option<&ConversationId>) -> Result<Draft> {
        self.look(|tx| {
            let found: Option<(String, Option<String>)> = tx
                .prepare_cached("SELECT text, waiting FROM draft WHERE conversation = ?1")?
                .query_row([name(conversation)], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((text, waiting)) = found else { return Ok(Draft::default()) };
            // What a newer Edgewise wrote there and this one cannot read costs the files and not the text.
            let waiting: Waiting =
                waiting.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
            Ok(Draft { text, attachments: waiting.attachments, queue: waiting.queue })
        })
    }

    /// Keeps a draft; an empty one is removed.
    pub fn set_draft(&self, conversation: Option<&ConversationId>, draft: &Draft) -> Result<()> {
        self.change(|tx| put(tx, name(conversation), draft))
    }
}

/// Writes the draft named `name` within a transaction.
pub(crate) fn put(tx: &Transaction<'_>, name: &str, draft: &Draft) -> Result<()> {
    if draft.is_empty() {
        tx.prepare_cached("DELETE FROM draft WHERE conversation = ?1")?.execute([name])?;
        return Ok(());
    }
    let waiting = Waiting { attachments: draft.attachments.clone(), queue: draft.queue.clone() };
    let waiting = (draft.files().next().is_some() || !draft.queue.is_empty())
        .then(|| serde_json::to_string(&waiting))
        .transpose()?;
    tx.prepare_cached(
        "INSERT INTO draft (conversation, text, waiting) VALUES (?1, ?2, ?3)
         ON CONFLICT (conversation) DO UPDATE SET text = excluded.text, waiting = excluded.waiting",
    )?
    .execute(params![name, draft.text, waiting])?;
    Ok(())
}

fn name(conversation: Option<&ConversationId>) -> &str {
    conversation.map_or(NOT_BEGUN, ConversationId::as_str)
}
