//! Messages as a tree: a message's children are what followed it, children of one role are its versions. A conversation
//! shows one path, from a first message to its `leaf`; each message remembers which child was last shown below it.

use crate::conversations;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::words;
use domain::{
    Attachment, AttachmentId, ConversationId, Message, MessageId, MessageStatus, ModelId, PathItem, Role,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// No path is longer; a damaged tree that runs in a circle ends here.
const LONGEST_PATH: u32 = 1_000_000;

/// A message with its place among its versions.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMessage {
    /// The message. While it streams, its text is what has arrived and been journalled so far.
    pub message: Message,
    /// Its place among its versions, from 1.
    pub version: u32,
    /// How many versions there are.
    pub versions: u32,
    /// The versions' ids, in order.
    pub siblings: Vec<MessageId>,
}

/// A message as its row in the tree.
pub(crate) struct Node {
    pub(crate) key: i64,
    pub(crate) conversation: i64,
    pub(crate) parent: Option<i64>,
}

impl Store {
    /// The shown path, first message to last; with `leaf`, the path that ends there.
    pub fn path(&self, conversation: &ConversationId, leaf: Option<&MessageId>) -> Result<Vec<PathItem>> {
        self.look(|tx| {
            let end = match leaf {
                Some(leaf) => Some(node(tx, leaf)?.key),
                None => shown_leaf(tx, conversation)?,
            };
            let mut query = tx.prepare_cached(&format!(
                "WITH RECURSIVE path (id, role, length, parent) AS (
                    SELECT id, role, length, parent FROM message WHERE key = ?1
                    UNION ALL
                    SELECT m.id, m.role, m.length, m.parent FROM path JOIN message m ON m.key = path.parent
                    LIMIT {LONGEST_PATH})
                 SELECT id, role, length FROM path"
            ))?;
            let rows = query.query_map([end], |row| {
                let role: String = row.get(1)?;
                Ok(PathItem { id: MessageId(row.get(0)?), role: role_named(&role), length: row.get(2)? })
            })?;
            let mut path = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            path.reverse();
            Ok(path)
        })
    }

    /// Messages with their bodies, in the order asked for. Ids that do not exist are left out.
    pub fn messages(&self, ids: &[MessageId]) -> Result<Vec<StoredMessage>> {
        let mut found = self.look(|tx| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(read_message(tx, id)?);
            }
            Ok(found)
        })?;
        if self.is_abandoned() {
            found.iter_mut().for_each(abandoned);
        }
        Ok(found)
    }

    /// One message with its body.
    pub fn message(&self, id: &MessageId) -> Result<StoredMessage> {
        let mut found = self.look(|tx| read_message(tx, id)?.ok_or_else(|| missing(id)))?;
        if self.is_abandoned() {
            abandoned(&mut found);
        }
        Ok(found)
    }

    /// Shows this version: the path leads through it and on to what was last shown below it. Returns its conversation.
    pub fn select_version(&self, message: &MessageId) -> Result<ConversationId> {
        self.change(|tx| {
            let node = node(tx, message)?;
            show(tx, &node)?;
            let id =
                tx.query_row("SELECT id FROM conversation WHERE key = ?1", [node.conversation], |row| {
                    row.get(0)
                })?;
            Ok(ConversationId(id))
        })
    }

    /// Copies the path that ends at `message` into a new conversation, with new ids from `next_id`. Runs in flight are
    /// copied as what they have reached.
    pub fn fork_conversation(
        &self,
        message: &MessageId,
        new: &conversations::NewConversation,
        title: &str,
        next_id: &mut dyn FnMut() -> MessageId,
    ) -> Result<domain::ConversationSummary> {
        let conversation = self.message(message)?.message.conversation;
        let ids: Vec<MessageId> =
            self.path(&conversation, Some(message))?.into_iter().map(|item| item.id).collect();
        let mut originals = self.messages(&ids)?;
        self.change(|tx| {
            let key = conversations::insert(tx, new)?;
            tx.execute("UPDATE conversation SET title = ?2 WHERE key = ?1", params![key, title])?;
            crate::search::index_title(tx, &new.id)?;
            let mut parent = None;
            for original in &mut originals {
                let copy = &mut original.message;
                copy.id = next_id();
                if copy.status == MessageStatus::Streaming {
                    copy.status = MessageStatus::Interrupted;
                }
                parent = Some(insert_whole(tx, key, parent, copy)?);
            }
            tx.execute("UPDATE conversation SET leaf = ?2 WHERE key = ?1", params![key, parent])?;
            conversations::find(tx, &new.id)
        })
    }
}

/// An answer whose process died and that cannot be marked.
fn abandoned(stored: &mut StoredMessage) {
    if stored.message.status == MessageStatus::Streaming {
        stored.message.status = MessageStatus::Interrupted;
    }
}

pub(crate) fn missing(id: &MessageId) -> Error {
    Error::NotFound(format!("message {id}"))
}

/// A role that is not known here degrades to the model's: it is shown and never sent as the person's words.
pub(crate) fn role_named(name: &str) -> Role {
    if name == "user" { Role::User } else { Role::Assistant }
}

pub(crate) fn node(tx: &Connection, id: &MessageId) -> Result<Node> {
    tx.prepare_cached("SELECT key, conversation, parent FROM message WHERE id = ?1")?
        .query_row([id.as_str()], |row| {
            Ok(Node { key: row.get(0)?, conversation: row.get(1)?, parent: row.get(2)? })
        })
        .optional()?
        .ok_or_else(|| missing(id))
}

pub(crate) fn shown_leaf(tx: &Connection, conversation: &ConversationId) -> Result<Option<i64>> {
    tx.prepare_cached("SELECT leaf FROM conversation WHERE id = ?1")?
        .query_row([conversation.as_str()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| conversations::missing(conversation))
}

/// Makes the shown path lead through `node`, down to the end of what was last shown below it.
pub(crate) fn show(tx: &Transaction<'_>, node: &Node) -> Result<()> {
    tx.prepare_cached("UPDATE message SET shown_child = ?2 WHERE key = ?1")?
        .execute(params![node.parent, node.key])?;
    tx.prepare_cached(&format!(
        "WITH RECURSIVE below (key, child) AS (
            SELECT key, shown_child FROM message WHERE key = ?2
            UNION ALL
            SELECT m.key, m.shown_child FROM below JOIN message m ON m.key = below.child
            LIMIT {LONGEST_PATH})
         UPDATE conversation SET leaf = (SELECT key FROM below WHERE child IS NULL) WHERE key = ?1"
    ))?
    .execute(params![node.conversation, node.key])?;
    Ok(())
}

/// Adds a message below `parent` and shows it, with everything it holds. Returns its key.
pub(crate) fn insert_whole(
    tx: &Transaction<'_>,
    conversation: i64,
    parent: Option<i64>,
    message: &Message,
) -> Result<i64> {
    tx.prepare_cached(
        "INSERT INTO message (id, conversation, parent, role, status, length, model, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        message.id.as_str(),
        conversation,
        parent,
        words::name(&message.role)?,
        words::name(&message.status)?,
        characters(&message.text),
        message.model.as_ref().map(ModelId::as_str),
        message.created_at.0,
    ])?;
    let key = tx.last_insert_rowid();
    tx.prepare_cached("INSERT INTO body (message) VALUES (?1)")?.execute([key])?;
    write_body(tx, key, message)?;
    for (position, attachment) in message.attachments.iter().enumerate() {
        attach(tx, key, position, attachment.id.as_str(), &attachment.name)?;
    }
    show(tx, &Node { key, conversation, parent })?;
    if message.status != MessageStatus::Streaming {
        crate::search::index_message(tx, key, &message.text)?;
    }
    Ok(key)
}

/// Writes everything but the message's place and its attachments.
pub(crate) fn write_body(tx: &Transaction<'_>, key: i64, message: &Message) -> Result<()> {
    tx.prepare_cached(
        "UPDATE body SET text = ?2, thinking = ?3, thinking_ms = ?4, first_token_ms = ?5, stream_ms = ?6, finish = ?7,
            fault = ?8, usage = ?9, tool_calls = ?10, sources = ?11, pictures = ?12, dropped_parameters = ?13
         WHERE message = ?1",
    )?
    .execute(params![
        key,
        message.text,
        message.thinking,
        message.thinking_ms,
        message.first_token_ms,
        message.stream_ms,
        message.finish.as_ref().map(words::name).transpose()?,
        words::json(message.fault.as_ref())?,
        words::json(message.usage.as_ref())?,
        words::json_list(&message.tool_calls)?,
        words::json_list(&message.sources)?,
        words::json_list(&message.pictures)?,
        words::json_list(&message.dropped_parameters)?,
    ])?;
    Ok(())
}

pub(crate) fn attach(tx: &Connection, message: i64, position: usize, id: &str, name: &str) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO message_attachment (message, position, attachment, name) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![message, i64::try_from(position).unwrap_or(i64::MAX), id, name])?;
    Ok(())
}

pub(crate) fn characters(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

pub(crate) fn read_message(tx: &Connection, id: &MessageId) -> Result<Option<StoredMessage>> {
    let found = tx
        .prepare_cached(
            "SELECT m.key, m.parent, c.id, p.id, m.role, m.status, m.model, m.created_at, b.text, b.thinking,
                b.thinking_ms, b.first_token_ms, b.stream_ms, b.finish, b.fault, b.usage, b.tool_calls, b.sources,
                m.conversation, b.pictures,
                (SELECT json_extract(w.json, '$.findings.considered') FROM why_answer w WHERE w.message = m.id),
                b.dropped_parameters
             FROM message m JOIN conversation c ON c.key = m.conversation LEFT JOIN message p ON p.key = m.parent
             LEFT JOIN body b ON b.message = m.key WHERE m.id = ?1",
        )?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(18)?, message_of(row, id)?)))
        .optional()?;
    let Some((key, parent, conversation, mut message)) = found else { return Ok(None) };
    if message.status == MessageStatus::Streaming {
        crate::turns::add_journal(tx, key, &mut message.text, &mut message.thinking)?;
    }
    message.attachments = attachments_of(tx, key)?;
    let siblings = siblings(tx, conversation, parent, message.role)?;
    let place = siblings.iter().position(|sibling| sibling == id).unwrap_or(0);
    Ok(Some(StoredMessage {
        version: u32::try_from(place + 1).unwrap_or(u32::MAX),
        versions: u32::try_from(siblings.len()).unwrap_or(u32::MAX),
        siblings,
        message,
    }))
}

fn message_of(row: &Row<'_>, id: &MessageId) -> rusqlite::Result<Message> {
    let text = |column: usize| row.get_ref(column).map(|value| value.as_str().ok().map(str::to_owned));
    Ok(Message {
        id: id.clone(),
        conversation: ConversationId(row.get(2)?),
        parent: text(3)?.map(MessageId),
        role: role_named(&row.get::<_, String>(4)?),
        text: text(8)?.unwrap_or_default(),
        thinking: text(9)?,
        thinking_ms: row.get(10).unwrap_or_default(),
        status: words::variant(&row.get::<_, String>(5)?).unwrap_or(MessageStatus::Complete),
        fault: words::read(text(14)?.as_deref()),
        model: text(6)?.map(ModelId),
        created_at: Timestamp(row.get(7)?),
        finish: text(13)?.and_then(|name| words::variant(&name)),
        usage: words::read(text(15)?.as_deref()),
        first_token_ms: row.get(11).unwrap_or_default(),
        stream_ms: row.get(12).unwrap_or_default(),
        attachments: Vec::new(),
        tool_calls: words::read(text(16)?.as_deref()),
        sources: words::read(text(17)?.as_deref()),
        considered: row.get(20)?,
        pictures: words::read(text(19)?.as_deref()),
        dropped_parameters: words::read(text(21)?.as_deref()),
    })
}

fn attachments_of(tx: &Connection, message: i64) -> Result<Vec<Attachment>> {
    let mut query = tx.prepare_cached(
        "SELECT a.id, u.name, a.media_type, a.size, a.width, a.height
         FROM message_attachment u JOIN attachment a ON a.id = u.attachment WHERE u.message = ?1 ORDER BY u.position",
    )?;
    let rows = query.query_map([message], attachment)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn attachment(row: &Row<'_>) -> rusqlite::Result<Attachment> {
    Ok(Attachment {
        id: AttachmentId(row.get(0)?),
        name: row.get(1)?,
        media_type: row.get(2)?,
        size: row.get::<_, i64>(3)?.unsigned_abs(),
        width: row.get(4)?,
        height: row.get(5)?,
    })
}

fn siblings(tx: &Connection, conversation: i64, parent: Option<i64>, role: Role) -> Result<Vec<MessageId>> {
    let mut query = tx.prepare_cached(
        "SELECT id, role FROM message WHERE conversation = ?1 AND parent IS ?2 ORDER BY key",
    )?;
    let rows = query.query_map(params![conversation, parent], |row| {
        Ok((MessageId(row.get(0)?), role_named(&row.get::<_, String>(1)?)))
    })?;
    let mut ids = Vec::new();
    for row in rows {
        let (id, sibling_role) = row?;
        if sibling_role == role {
            ids.push(id);
        }
    }
    Ok(ids)
}
