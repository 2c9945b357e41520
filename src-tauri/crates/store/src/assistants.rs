//! Assistants: named ways to begin a conversation.

use crate::error::Result;
use crate::store::Store;
use domain::{Assistant, AssistantId, ConversationOptions};
use rusqlite::params;

impl Store {
    /// All assistants, oldest first. Options that a newer Edgewise wrote and this one cannot read are the defaults.
    pub fn assistants(&self) -> Result<Vec<Assistant>> {
        self.look(|tx| {
            let mut query = tx.prepare_cached("SELECT id, name, options FROM assistant ORDER BY id")?;
            let rows = query.query_map([], |row| {
                let options: String = row.get(2)?;
                Ok(Assistant {
                    id: AssistantId(row.get(0)?),
                    name: row.get(1)?,
                    options: serde_json::from_str::<ConversationOptions>(&options).unwrap_or_default(),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Keeps an assistant; one with the same id is replaced.
    pub fn save_assistant(&self, assistant: &Assistant) -> Result<()> {
        let options = serde_json::to_string(&assistant.options)?;
        self.change(|tx| {
            tx.prepare_cached(
                "INSERT INTO assistant (id, name, options) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, options = excluded.options",
            )?
            .execute(params![assistant.id.as_str(), assistant.name, options])?;
            Ok(())
        })
    }

    /// Removes an assistant; conversations that began with it stay as they are.
    pub fn delete_assistant(&self, id: &AssistantId) -> Result<()> {
        self.change(|tx| {
            tx.prepare_cached("DELETE FROM assistant WHERE id = ?1")?.execute([id.as_str()])?;
            Ok(())
        })
    }
}
