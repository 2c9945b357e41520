//! Conversations as rows of the sidebar: list, make, name, pin, archive, and the trash with its undo.

use crate::error::{Error, Result};
use crate::search;
use crate::store::Store;
use crate::words;
use domain::{
    ConversationId, ConversationOptions, ConversationPage, ConversationSummary, ModelId, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// The columns that [`summary`] reads. No JSON among them: one odd row cannot spoil the list.
const COLUMNS: &str =
    "c.id, c.title, c.renamed, c.pinned, c.archived, c.temporary, c.model, c.created_at, c.updated_at,
    EXISTS (SELECT 1 FROM run WHERE run.conversation = c.key AND run.ended_at IS NULL)";

/// A conversation to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConversation {
    /// Its id.
    pub id: ConversationId,
    /// Its settings.
    pub options: ConversationOptions,
    /// It is forgotten at the next start, and is in no search, export or backup.
    pub temporary: bool,
    /// When it is begun.
    pub created_at: Timestamp,
}

impl Store {
    /// A page of the sidebar: pinned ones first, then by the time of the last word. One indexed query.
    pub fn conversations(&self, offset: u32, limit: u32, archived: bool) -> Result<ConversationPage> {
        self.look(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM conversation c WHERE c.deleted_at IS NULL AND c.archived = ?1
                 ORDER BY c.pinned DESC, c.updated_at DESC, c.key DESC LIMIT ?2 OFFSET ?3"
            );
            let mut query = tx.prepare_cached(&sql)?;
            let rows = query.query_map(params![archived, i64::from(limit) + 1, offset], summary)?;
            let mut conversations = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            if self.is_abandoned() {
                conversations.iter_mut().for_each(|conversation| conversation.streaming = false);
            }
            let more = conversations.len() > limit as usize;
            conversations.truncate(limit as usize);
            Ok(ConversationPage { conversations, more })
        })
    }

    /// One row of the sidebar; `NotFound` when it is in the trash.
    pub fn conversation(&self, id: &ConversationId) -> Result<ConversationSummary> {
        let mut found = self.look(|tx| find(tx, id))?;
        found.streaming &= !self.is_abandoned();
        Ok(found)
    }

    /// Conversations in the trash, last deleted first.
    pub fn trash(&self) -> Result<Vec<ConversationSummary>> {
        self.look(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM conversation c WHERE c.deleted_at IS NOT NULL ORDER BY c.deleted_at DESC"
            );
            let mut query = tx.prepare_cached(&sql)?;
            let rows = query.query_map([], summary)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Begins an empty conversation.
    pub fn create_conversation(&self, new: &NewConversation) -> Result<ConversationSummary> {
        self.change(|tx| {
            insert(tx, new)?;
            find(tx, &new.id)
        })
    }

    /// The person's name for it: no title is made any more.
    pub fn rename_conversation(&self, id: &ConversationId, title: &str) -> Result<ConversationSummary> {
        self.change(|tx| {
            let title = title.trim();
            tx.execute(
                "UPDATE conversation SET title = ?2, renamed = 1 WHERE id = ?1",
                params![id.as_str(), title],
            )?;
            search::index_title(tx, id)?;
            find(tx, id)
        })
    }

    /// A title that was made in the background; `false` when the person has named it meanwhile, or it is gone.
    pub fn set_title_if_not_renamed(&self, id: &ConversationId, title: &str) -> Result<bool> {
        self.change(|tx| {
            let changed = tx.execute(
                "UPDATE conversation SET title = ?2 WHERE id = ?1 AND renamed = 0",
                params![id.as_str(), title.trim()],
            )?;
            if changed > 0 {
                search::index_title(tx, id)?;
            }
            Ok(changed > 0)
        })
    }

    /// Keeps it at the top, or no longer.
    pub fn set_pinned(&self, id: &ConversationId, pinned: bool) -> Result<ConversationSummary> {
        self.change(|tx| {
            tx.execute("UPDATE conversation SET pinned = ?2 WHERE id = ?1", params![id.as_str(), pinned])?;
            find(tx, id)
        })
    }

    /// Puts it away, or takes it back.
    pub fn set_archived(&self, id: &ConversationId, archived: bool) -> Result<ConversationSummary> {
        self.change(|tx| {
            tx.execute(
                "UPDATE conversation SET archived = ?2 WHERE id = ?1",
                params![id.as_str(), archived],
            )?;
            find(tx, id)
        })
    }

    /// Its settings. Fields that cannot be read have their defaults.
    pub fn options(&self, id: &ConversationId) -> Result<ConversationOptions> {
        self.look(|tx| {
            let json: Option<String> = tx
                .prepare_cached("SELECT options FROM conversation WHERE id = ?1")?
                .query_row([id.as_str()], |row| row.get(0))
                .optional()?;
            let json = json.ok_or_else(|| missing(id))?;
            Ok(words::read(Some(&json)))
        })
    }

    /// Changes its settings.
    pub fn set_options(&self, id: &ConversationId, options: &ConversationOptions) -> Result<()> {
        self.change(|tx| {
            let model = options.model.as_ref().map(ModelId::as_str);
            let json = serde_json::to_string(options)?;
            let changed = tx.execute(
                "UPDATE conversation SET options = ?2, model = ?3 WHERE id = ?1",
                params![id.as_str(), json, model],
            )?;
            if changed == 0 { Err(missing(id)) } else { Ok(()) }
        })
    }

    /// Moves it to the trash. Nothing is removed before [`purge_trash`](Self::purge_trash).
    pub fn delete_conversation(&self, id: &ConversationId, now: Timestamp) -> Result<()> {
        self.change(|tx| {
            let changed = tx.execute(
                "UPDATE conversation SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL",
                params![id.as_str(), now.0],
            )?;
            if changed == 0 { Err(missing(id)) } else { Ok(()) }
        })
    }

    /// Takes it back from the trash.
    pub fn restore_conversation(&self, id: &ConversationId) -> Result<ConversationSummary> {
        self.change(|tx| {
            tx.execute("UPDATE conversation SET deleted_at = NULL WHERE id = ?1", [id.as_str()])?;
            find(tx, id)
        })
    }

    /// Removes for good what has been in the trash since `before` or longer, with attachments that nothing else uses and
    /// that were added before then. Returns how many conversations went.
    pub fn purge_trash(&self, before: Timestamp) -> Result<usize> {
        let purged = self.change(|tx| purge(tx, "deleted_at <= ?1", params![before.0]))?;
        self.remove_unused_attachments(before)?;
        Ok(purged)
    }
}

/// Removes all conversations for which the condition holds. The ledger keeps their lines under their last titles.
pub(crate) fn purge(tx: &Transaction<'_>, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<usize> {
    let doomed: Vec<(i64, String, String)> = tx
        .prepare(&format!("SELECT key, id, title FROM conversation WHERE {condition}"))?
        .query_map(values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (key, id, title) in &doomed {
        tx.execute("UPDATE ledger SET title = ?2 WHERE conversation = ?1", params![id, title])?;
        tx.execute("DELETE FROM draft WHERE conversation = ?1", [id])?;
        search::forget_conversation(tx, *key)?;
        tx.execute("DELETE FROM conversation WHERE key = ?1", [key])?;
    }
    Ok(doomed.len())
}

pub(crate) fn insert(tx: &Transaction<'_>, new: &NewConversation) -> Result<i64> {
    tx.prepare_cached(
        "INSERT INTO conversation (id, temporary, model, created_at, updated_at, options) VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
    )?
    .execute(params![
        new.id.as_str(),
        new.temporary,
        new.options.model.as_ref().map(ModelId::as_str),
        new.created_at.0,
        serde_json::to_string(&new.options)?
    ])?;
    Ok(tx.last_insert_rowid())
}

pub(crate) fn find(tx: &Connection, id: &ConversationId) -> Result<ConversationSummary> {
    let sql = format!("SELECT {COLUMNS} FROM conversation c WHERE c.id = ?1 AND c.deleted_at IS NULL");
    tx.prepare_cached(&sql)?.query_row([id.as_str()], summary).optional()?.ok_or_else(|| missing(id))
}

/// The key of a conversation, in the trash or not.
pub(crate) fn key(tx: &Connection, id: &ConversationId) -> Result<i64> {
    tx.prepare_cached("SELECT key FROM conversation WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| missing(id))
}

pub(crate) fn missing(id: &ConversationId) -> Error {
    Error::NotFound(format!("conversation {id}"))
}

fn summary(row: &Row<'_>) -> rusqlite::Result<ConversationSummary> {
    Ok(ConversationSummary {
        id: ConversationId(row.get(0)?),
        title: row.get(1)?,
        renamed: row.get(2)?,
        pinned: row.get(3)?,
        archived: row.get(4)?,
        temporary: row.get(5)?,
        model: row.get::<_, Option<String>>(6)?.map(ModelId),
        created_at: Timestamp(row.get(7)?),
        updated_at: Timestamp(row.get(8)?),
        streaming: row.get(9)?,
    })
}
