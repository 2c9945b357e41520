//! Conversations as files for people and programs: Markdown, plain safe HTML, and JSON without loss. Written message by
//! message, so that there is no ceiling on their size.

use crate::conversations::find;
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::messages::{StoredMessage, read_message};
use crate::store::Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{
    Attachment, ConversationId, ConversationOptions, ConversationSummary, Message, MessageId, MessageStatus,
    Role, Timestamp,
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// The shown path, to read and to paste.
    Markdown,
    /// The shown path as one page without scripts and without anything fetched.
    Html,
    /// Everything: all versions, settings, sources and files. [`Store::import`] reads it.
    Json,
}

pub(crate) const FORMAT: &str = "edgewise.conversations";
pub(crate) const VERSION: u32 = 1;

/// A message, and the version below it that was last shown.
type Shown = (MessageId, Option<MessageId>);

/// A conversation in the JSON form, without its messages, which follow it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    pub(crate) id: ConversationId,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) renamed: bool,
    #[serde(default)]
    pub(crate) pinned: bool,
    #[serde(default)]
    pub(crate) archived: bool,
    #[serde(default)]
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) updated_at: Timestamp,
    #[serde(default)]
    pub(crate) options: ConversationOptions,
    #[serde(default)]
    pub(crate) leaf: Option<MessageId>,
}

/// A message in the JSON form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exported {
    #[serde(flatten)]
    pub(crate) message: Message,
    /// The version below that was last shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shown_child: Option<MessageId>,
}

/// A file in the JSON form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExportedFile {
    #[serde(flatten)]
    pub(crate) attachment: Attachment,
    /// Its bytes in base64.
    pub(crate) data: String,
}

impl Store {
    /// Writes these conversations, or all (archive included, trash and temporary ones not) when `ids` is empty.
    pub fn export(&self, ids: &[ConversationId], format: ExportFormat, to: &mut dyn Write) -> Result<()> {
        let ids = if ids.is_empty() { self.all_ids()? } else { ids.to_vec() };
        match format {
            ExportFormat::Json => self.export_json(&ids, to),
            ExportFormat::Markdown => {
                for (number, id) in ids.iter().enumerate() {
                    if number > 0 {
                        put(to, "\n---\n\n")?;
                    }
                    self.export_markdown(id, to)?;
                }
                Ok(())
            }
            ExportFormat::Html => {
                put(to, HTML_HEAD)?;
                for id in &ids {
                    self.export_html(id, to)?;
                }
                put(to, "</body></html>\n")
            }
        }
    }

    /// The same into a file, which appears whole or not at all.
    pub fn export_file(&self, ids: &[ConversationId], format: ExportFormat, file: &Path) -> Result<()> {
        write_whole(file, |writer| self.export(ids, format, writer))
    }

    fn all_ids(&self) -> Result<Vec<ConversationId>> {
        self.look(|tx| {
            let mut query = tx.prepare(
                "SELECT id FROM conversation WHERE deleted_at IS NULL AND temporary = 0 ORDER BY created_at, key",
            )?;
            let rows = query.query_map([], |row| row.get(0).map(ConversationId))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn export_json(&self, ids: &[ConversationId], to: &mut dyn Write) -> Result<()> {
        put(to, &format!("{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"conversations\":["))?;
        let mut files: BTreeMap<String, Attachment> = BTreeMap::new();
        for (number, id) in ids.iter().enumerate() {
            put(to, if number > 0 { ",\n{\"conversation\":" } else { "\n{\"conversation\":" })?;
            let (head, messages) = self.head(id)?;
            put_json(to, &head)?;
            put(to, ",\"messages\":[")?;
            for (number, (message, shown_child)) in messages.into_iter().enumerate() {
                put(to, if number > 0 { ",\n" } else { "\n" })?;
                let mut message = self.message(&message)?.message;
                if message.status == MessageStatus::Streaming {
                    message.status = MessageStatus::Interrupted;
                }
                for file in &message.attachments {
                    files.entry(file.id.0.clone()).or_insert_with(|| file.clone());
                }
                put_json(to, &Exported { message, shown_child })?;
            }
            put(to, "]}")?;
        }
        put(to, "],\"attachments\":[")?;
        let mut separator = "\n";
        for attachment in files.into_values() {
            // A file whose bytes are lost leaves its name in the message, and nothing here.
            let Ok(bytes) = self.attachment_bytes(&attachment.id) else { continue };
            put(to, separator)?;
            put_json(to, &ExportedFile { attachment, data: STANDARD.encode(bytes) })?;
            separator = ",\n";
        }
        put(to, "]}\n")
    }

    /// A conversation's row, and its messages in order of their making with what is shown below each.
    fn head(&self, id: &ConversationId) -> Result<(Head, Vec<Shown>)> {
        let options = self.options(id)?;
        self.look(|tx| {
            let summary = find(tx, id)?;
            let leaf: Option<String> = tx.query_row(
                "SELECT m.id FROM conversation c LEFT JOIN message m ON m.key = c.leaf WHERE c.id = ?1",
                [id.as_str()],
                |row| row.get(0),
            )?;
            let mut query = tx.prepare_cached(
                "SELECT m.id, s.id FROM message m JOIN conversation c ON c.key = m.conversation
                 LEFT JOIN message s ON s.key = m.shown_child WHERE c.id = ?1 ORDER BY m.key",
            )?;
            let rows = query.query_map([id.as_str()], |row| {
                Ok((MessageId(row.get(0)?), row.get::<_, Option<String>>(1)?.map(MessageId)))
            })?;
            let messages = rows.collect::<rusqlite::Result<_>>()?;
            Ok((head_of(summary, options, leaf.map(MessageId)), messages))
        })
    }

    /// Calls `each` with the messages of the shown path, one at a time.
    fn along_path(
        &self,
        id: &ConversationId,
        mut each: impl FnMut(&StoredMessage) -> Result<()>,
    ) -> Result<()> {
        for item in self.path(id, None)? {
            if let Some(message) = self.look(|tx| read_message(tx, &item.id))? {
                each(&message)?;
            }
        }
        Ok(())
    }

    fn export_markdown(&self, id: &ConversationId, to: &mut dyn Write) -> Result<()> {
        let row = self.conversation(id)?;
        put(to, &format!("# {}\n\n*{}*\n", one_line(title(&row)), date(row.created_at)))?;
        self.along_path(id, |stored| {
            let message = &stored.message;
            put(to, &format!("\n## {}\n\n", speaker(message)))?;
            for file in &message.attachments {
                put(to, &format!("*[{}]*\n\n", one_line(&file.name)))?;
            }
            put(to, message.text.trim_end())?;
            put(to, "\n")?;
            if message.status != MessageStatus::Complete {
                put(to, &format!("\n*({})*\n", state(message)))?;
            }
            for source in &message.sources {
                let page = source.page.map(|page| format!(", p. {page}")).unwrap_or_default();
                put(to, &format!("\n[{}] {}{page}\n", source.n, one_line(&source.title)))?;
            }
            Ok(())
        })
    }

    fn export_html(&self, id: &ConversationId, to: &mut dyn Write) -> Result<()> {
        let row = self.conversation(id)?;
        put(to, &format!("<section><h1>{}</h1><p>{}</p>\n", escape(title(&row)), date(row.created_at)))?;
        self.along_path(id, |stored| {
            let message = &stored.message;
            put(to, &format!("<article><h2>{}</h2>\n", escape(&speaker(message))))?;
            for file in &message.attachments {
                put(to, &self.html_of(file))?;
            }
            put(to, &format!("<div class=\"text\">{}</div>\n", escape(&message.text)))?;
            if message.status != MessageStatus::Complete {
                put(to, &format!("<p>({})</p>\n", state(message)))?;
            }
            for source in &message.sources {
                let page = source.page.map(|page| format!(", p. {page}")).unwrap_or_default();
                put(to, &format!("<p>[{}] {}{page}</p>\n", source.n, escape(&source.title)))?;
            }
            put(to, "</article>\n")
        })?;
        put(to, "</section>\n")
    }

    /// A picture inside the page, any other file by its name.
    fn html_of(&self, file: &Attachment) -> String {
        let shown =
            ["image/png", "image/jpeg", "image/webp", "image/gif"].contains(&file.media_type.as_str());
        match self.attachment_bytes(&file.id) {
            Ok(bytes) if shown => format!(
                "<p><img alt=\"{}\" src=\"data:{};base64,{}\"></p>\n",
                escape(&file.name),
                file.media_type,
                STANDARD.encode(bytes)
            ),
            _ => format!("<p>[{}]</p>\n", escape(&file.name)),
        }
    }
}

const HTML_HEAD: &str =
    "<!doctype html>\n<html><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\"
 content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"><title>Edgewise</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
h2{font-size:1rem;margin:1.5rem 0 .25rem}.text{white-space:pre-wrap;overflow-wrap:anywhere}img{max-width:100%}
</style></head><body>\n";

fn head_of(summary: ConversationSummary, options: ConversationOptions, leaf: Option<MessageId>) -> Head {
    Head {
        id: summary.id,
        title: summary.title,
        renamed: summary.renamed,
        pinned: summary.pinned,
        archived: summary.archived,
        created_at: summary.created_at,
        updated_at: summary.updated_at,
        options,
        leaf,
    }
}

fn put(to: &mut dyn Write, text: &str) -> Result<()> {
    to.write_all(text.as_bytes()).map_err(failed)
}

fn put_json(to: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    to.write_all(&serde_json::to_vec(value)?).map_err(failed)
}

fn failed(source: io::Error) -> Error {
    Error::io("writing", Path::new("the export"), source)
}

fn title(row: &ConversationSummary) -> &str {
    if row.title.is_empty() { "Conversation" } else { &row.title }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn speaker(message: &Message) -> String {
    match (message.role, &message.model) {
        (Role::User, _) => "You".into(),
        (Role::Assistant, Some(model)) => format!("Assistant ({model})"),
        (Role::Assistant, None) => "Assistant".into(),
    }
}

fn state(message: &Message) -> &'static str {
    match message.status {
        MessageStatus::Complete => "complete",
        MessageStatus::Streaming | MessageStatus::Interrupted => "interrupted",
        MessageStatus::Stopped => "stopped",
        MessageStatus::Failed => "failed",
    }
}

fn date(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
