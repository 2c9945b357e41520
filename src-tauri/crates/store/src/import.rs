//! Conversations from files: our own JSON, and the export of ChatGPT (`conversations.json`, or the zip around it). Both
//! can be imported again and again: what is there already, by its id, is not made twice.

mod chatgpt;

use crate::attachments::NewAttachment;
use crate::conversations::{self, NewConversation};
use crate::error::{Error, Result};
use crate::export::{Exported, ExportedFile, FORMAT, Head, VERSION};
use crate::messages::{insert_whole, node};
use crate::search;
use crate::store::Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Attachment, Message, MessageId, MessageStatus, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use zip::ZipArchive;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Conversations that were not there before.
    pub conversations: u32,
    /// Messages that were not there before.
    pub messages: u32,
    /// Entries of the file that could not be read and were left out.
    pub left_out: u32,
}

/// A conversation from a file, as both forms become it. Parents come before their children.
pub(crate) struct Foreign {
    pub(crate) head: Head,
    pub(crate) messages: Vec<Exported>,
}

/// Our JSON form. Its entries are read one by one, so that an odd one costs itself only.
#[derive(Deserialize)]
struct Ours {
    format: String,
    version: u32,
    #[serde(default)]
    conversations: Vec<OurConversation>,
    #[serde(default)]
    attachments: Vec<Value>,
}

#[derive(Deserialize)]
struct OurConversation {
    conversation: Value,
    #[serde(default)]
    messages: Vec<Value>,
}

impl Store {
    /// Imports a file: our JSON, ChatGPT's `conversations.json`, or the zip that ChatGPT sends.
    pub fn import_file(&self, file: &Path, now: Timestamp) -> Result<Imported> {
        let open = || File::open(file).map_err(|source| Error::io("opening", file, source));
        match ZipArchive::new(BufReader::new(open()?)) {
            Ok(mut archive) => {
                let entry = archive
                    .by_name("conversations.json")
                    .map_err(|_| Error::Invalid("it holds no conversations.json".into()))?;
                self.import(&mut BufReader::new(entry), now)
            }
            Err(_) => self.import(&mut BufReader::new(open()?), now),
        }
    }

    /// Imports our JSON (an object) or ChatGPT's (an array).
    pub fn import(&self, from: &mut dyn BufRead, now: Timestamp) -> Result<Imported> {
        match first_sign(from)? {
            b'{' => self.import_ours(from, now),
            b'[' => {
                let (conversations, left_out) = chatgpt::read(from)?;
                self.take_in(&conversations, left_out)
            }
            _ => Err(Error::Invalid("it is neither an export of Edgewise nor of ChatGPT".into())),
        }
    }

    fn import_ours(&self, from: &mut dyn BufRead, now: Timestamp) -> Result<Imported> {
        let ours: Ours = serde_json::from_reader(from).map_err(|error| not_readable(&error))?;
        if ours.format != FORMAT {
            return Err(Error::Invalid(format!("its format is \"{}\"", ours.format)));
        }
        if ours.version > VERSION {
            return Err(Error::Newer { found: ours.version, known: VERSION });
        }
        let mut left_out = 0;
        for file in ours.attachments {
            left_out += u32::from(!self.take_in_file(file, now)?);
        }
        let mut conversations = Vec::new();
        for conversation in ours.conversations {
            let Ok(head) = serde_json::from_value(conversation.conversation) else {
                left_out += 1;
                continue;
            };
            let total = conversation.messages.len();
            let messages: Vec<Exported> = conversation
                .messages
                .into_iter()
                .filter_map(|value| serde_json::from_value(value).ok())
                .collect();
            left_out += u32::try_from(total - messages.len()).unwrap_or(u32::MAX);
            conversations.push(Foreign { head, messages });
        }
        self.take_in(&conversations, left_out)
    }

    /// Stores a file of an export; `false` when it is not what it says.
    fn take_in_file(&self, value: Value, now: Timestamp) -> Result<bool> {
        let Ok(file) = serde_json::from_value::<ExportedFile>(value) else { return Ok(false) };
        let Ok(bytes) = STANDARD.decode(&file.data) else { return Ok(false) };
        let known = file.attachment;
        if blake3::hash(&bytes).to_hex().as_str() != known.id.as_str() {
            return Ok(false);
        }
        if self.attachment_bytes(&known.id).is_ok() && self.attachment(&known.id).is_ok() {
            return Ok(true);
        }
        let new = NewAttachment {
            name: &known.name,
            media_type: &known.media_type,
            pixels: known.width.zip(known.height),
        };
        self.add_attachment(&new, &bytes, now)?;
        Ok(true)
    }

    fn take_in(&self, conversations: &[Foreign], left_out: u32) -> Result<Imported> {
        let mut imported = Imported { left_out, ..Imported::default() };
        for foreign in conversations {
            let (is_new, messages) = self.change(|tx| take_in_conversation(tx, foreign))?;
            imported.conversations += u32::from(is_new);
            imported.messages += messages;
        }
        Ok(imported)
    }
}

pub(crate) fn not_readable(error: &dyn std::error::Error) -> Error {
    Error::Invalid(format!("it cannot be read: {error}"))
}

/// The first byte that is not white space; a byte order mark is skipped.
fn first_sign(from: &mut dyn BufRead) -> Result<u8> {
    loop {
        let buffer = from.fill_buf().map_err(|error| not_readable(&error))?;
        match buffer.first() {
            None => return Err(Error::Invalid("it is empty".into())),
            Some(b' ' | b'\n' | b'\r' | b'\t' | 0xef | 0xbb | 0xbf) => from.consume(1),
            Some(sign) => return Ok(*sign),
        }
    }
}

/// Adds what is not there. Whether the conversation is new, and how many messages are.
fn take_in_conversation(tx: &Transaction<'_>, foreign: &Foreign) -> Result<(bool, u32)> {
    let head = &foreign.head;
    let present = conversations::key(tx, &head.id).ok();
    let key = match present {
        Some(key) => {
            tx.execute("UPDATE conversation SET deleted_at = NULL WHERE key = ?1", [key])?;
            key
        }
        None => insert_head(tx, head)?,
    };
    let leaf: Option<i64> =
        tx.query_row("SELECT leaf FROM conversation WHERE key = ?1", [key], |row| row.get(0))?;
    let mut added = 0;
    for exported in parents_first(&foreign.messages) {
        if node(tx, &exported.message.id).is_ok() {
            continue;
        }
        let parent = exported.message.parent.as_ref().and_then(|parent| node(tx, parent).ok());
        let parent = parent.filter(|parent| parent.conversation == key).map(|parent| parent.key);
        let message = whole(&exported.message);
        know_attachments(tx, &message.attachments, message.created_at)?;
        insert_whole(tx, key, parent, &message)?;
        added += 1;
    }
    if added > 0 {
        show_as_exported(tx, key, foreign, leaf)?;
    }
    Ok((present.is_none(), added))
}

fn insert_head(tx: &Transaction<'_>, head: &Head) -> Result<i64> {
    let new = NewConversation {
        id: head.id.clone(),
        options: head.options.clone(),
        temporary: false,
        created_at: head.created_at,
    };
    let key = conversations::insert(tx, &new)?;
    tx.execute(
        "UPDATE conversation SET title = ?2, renamed = ?3, pinned = ?4, archived = ?5, updated_at = ?6 WHERE key = ?1",
        params![key, head.title, head.renamed, head.pinned, head.archived, head.updated_at.0],
    )?;
    search::index_title(tx, &head.id)?;
    Ok(key)
}

/// Nothing streams in a file.
fn whole(message: &Message) -> Message {
    let mut message = message.clone();
    if message.status == MessageStatus::Streaming {
        message.status = MessageStatus::Interrupted;
    }
    message
}

/// Files that a message names but the export did not hold keep their row, so that the message keeps their names.
fn know_attachments(tx: &Transaction<'_>, attachments: &[Attachment], at: Timestamp) -> Result<()> {
    for file in attachments {
        tx.prepare_cached(
            "INSERT INTO attachment (id, name, media_type, size, width, height, added_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            file.id.as_str(),
            file.name,
            file.media_type,
            i64::try_from(file.size).unwrap_or(i64::MAX),
            file.width,
            file.height,
            at.0
        ])?;
    }
    Ok(())
}

/// Shows what the file showed; in a conversation that was there already, what was shown there.
fn show_as_exported(tx: &Transaction<'_>, key: i64, foreign: &Foreign, leaf: Option<i64>) -> Result<()> {
    for exported in &foreign.messages {
        if let Some(child) = &exported.shown_child {
            tx.prepare_cached(
                "UPDATE message SET shown_child = child.key FROM message AS child
                 WHERE message.id = ?1 AND child.id = ?2 AND child.parent = message.key",
            )?
            .execute(params![exported.message.id.as_str(), child.as_str()])?;
        }
    }
    let exported = foreign.head.leaf.as_ref().map(MessageId::as_str);
    let exported: Option<i64> = tx
        .query_row(
            "SELECT key FROM message WHERE id = ?1 AND conversation = ?2",
            params![exported, key],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(shown) = leaf.or(exported) {
        tx.execute("UPDATE conversation SET leaf = ?2 WHERE key = ?1", params![key, shown])?;
    }
    Ok(())
}

/// The messages in an order in which each parent that is among them comes before its children, versions in their order.
fn parents_first(messages: &[Exported]) -> Vec<&Exported> {
    let ids: HashSet<&str> = messages.iter().map(|exported| exported.message.id.as_str()).collect();
    let mut waiting: HashMap<&str, Vec<&Exported>> = HashMap::new();
    let mut ready = Vec::new();
    for exported in messages {
        match &exported.message.parent {
            Some(parent) if ids.contains(parent.as_str()) => {
                waiting.entry(parent.as_str()).or_default().push(exported)
            }
            _ => ready.push(exported),
        }
    }
    let mut ordered: Vec<&Exported> = Vec::with_capacity(messages.len());
    let in_order = messages.iter().enumerate().map(|(at, exported)| (exported.message.id.as_str(), at));
    let place: HashMap<&str, usize> = in_order.collect();
    let mut queue: std::collections::BTreeMap<usize, &Exported> =
        ready.into_iter().map(|exported| (place[exported.message.id.as_str()], exported)).collect();
    while let Some((_, next)) = queue.pop_first() {
        ordered.push(next);
        for child in waiting.remove(next.message.id.as_str()).unwrap_or_default() {
            queue.insert(place[child.message.id.as_str()], child);
        }
    }
    ordered
}

/// Reads all of a file that must be held in memory anyway to be understood.
pub(crate) fn read_all(from: &mut dyn BufRead) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).map_err(|error| not_readable(&error))?;
    Ok(bytes)
}
