//! What was typed and not sent. It survives a restart; sending clears it in the same transaction (`turns`).

use crate::error::Result;
use crate::store::Store;
use domain::ConversationId;
use rusqlite::{OptionalExtension, params};

impl Store {
    /// The draft of a conversation, or of the one that is not begun yet; empty when there is none.
    pub fn draft(&self, conversation: Option<&ConversationId>) -> Result<String> {
        self.look(|tx| {
            let text: Option<String> = tx
                .prepare_cached("SELECT text FROM draft WHERE conversation = ?1")?
                .query_row([name(conversation)], |row| row.get(0))
                .optional()?;
            Ok(text.unwrap_or_default())
        })
    }

    /// Keeps a draft; an empty text removes it.
    pub fn set_draft(&self, conversation: Option<&ConversationId>, text: &str) -> Result<()> {
        self.change(|tx| {
            if text.is_empty() {
                tx.execute("DELETE FROM draft WHERE conversation = ?1", [name(conversation)])?;
            } else {
                tx.execute(
                    "INSERT INTO draft (conversation, text) VALUES (?1, ?2)
                     ON CONFLICT (conversation) DO UPDATE SET text = excluded.text",
                    params![name(conversation), text],
                )?;
            }
            Ok(())
        })
    }
}

fn name(conversation: Option<&ConversationId>) -> &str {
    conversation.map_or("", ConversationId::as_str)
}
