//! `history`: conversations listed, shown, found, written out and read in.

use crate::arguments::{Format, History};
use crate::output;
use domain::{ConversationId, ConversationSummary, Fault, HistoryHit, Message, Role};
use engine::{Engine, ExportFormat};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct ConversationLine<'a> {
    conversation: &'a str,
    title: &'a str,
    model: Option<&'a str>,
    created_at_ms: i64,
    updated_at_ms: i64,
}

#[derive(Serialize)]
struct HitLine<'a> {
    conversation: &'a str,
    title: &'a str,
    message: Option<&'a str>,
    at_ms: i64,
    text: String,
}

/// Messages are asked for in batches of this many.
const BATCH: usize = 100;

/// Does what was asked.
pub async fn history(engine: &Engine, which: History) -> Result<(), Fault> {
    match which {
        History::List { limit, json } => list(engine, limit, json).await,
        History::Show { conversation, json } => show(engine, conversation.into(), json).await,
        History::Search { query, limit, json } => search(engine, query, limit, json).await,
        History::Export { file, conversations, format } => export(engine, file, conversations, format).await,
        History::Import { file } => import(engine, file).await,
    }
}

async fn list(engine: &Engine, limit: u32, json: bool) -> Result<(), Fault> {
    for row in engine.history().conversations(0, limit, false).await?.conversations {
        if json {
            output::line(&conversation_line(&row))?;
        } else {
            output::print(&format!("{}  {}\n", row.id, output::plain(title(&row))))?;
        }
    }
    Ok(())
}

fn conversation_line(row: &ConversationSummary) -> ConversationLine<'_> {
    ConversationLine {
        conversation: row.id.as_str(),
        title: &row.title,
        model: row.model.as_ref().map(domain::ModelId::as_str),
        created_at_ms: row.created_at.0,
        updated_at_ms: row.updated_at.0,
    }
}

fn title(row: &ConversationSummary) -> &str {
    if row.title.is_empty() { "(no title)" } else { &row.title }
}

async fn show(engine: &Engine, conversation: ConversationId, json: bool) -> Result<(), Fault> {
    let transcript = engine.history().transcript(conversation).await?;
    if !json {
        output::print(&format!("# {}\n", output::plain(title(&transcript.conversation))))?;
    }
    for batch in transcript.path.chunks(BATCH) {
        let ids = batch.iter().map(|item| item.id.clone()).collect();
        for view in engine.history().messages(ids).await? {
            if json { output::line(&view.message)? } else { output::print(&message_text(&view.message))? }
        }
    }
    Ok(())
}

fn message_text(message: &Message) -> String {
    let speaker = match message.role {
        Role::User => "You",
        Role::Assistant => message.model.as_ref().map_or("Assistant", |model| model.as_str()),
    };
    format!("\n## {}\n\n{}\n", output::plain(speaker), output::plain(&message.text))
}

async fn search(engine: &Engine, query: String, limit: u32, json: bool) -> Result<(), Fault> {
    for hit in engine.history().search_history(query, limit).await? {
        if json { output::line(&hit_line(&hit))? } else { output::print(&hit_text(&hit))? }
    }
    Ok(())
}

fn hit_line(hit: &HistoryHit) -> HitLine<'_> {
    HitLine {
        conversation: hit.conversation.as_str(),
        title: &hit.title,
        message: hit.message.as_ref().map(domain::MessageId::as_str),
        at_ms: hit.at.0,
        text: hit.snippet.iter().map(|part| part.text.as_str()).collect(),
    }
}

fn hit_text(hit: &HistoryHit) -> String {
    let marked: String = hit
        .snippet
        .iter()
        .map(|part| if part.hit { format!("[{}]", part.text) } else { part.text.clone() })
        .collect();
    format!(
        "{}  {}\n    {}\n",
        hit.conversation,
        output::plain(&hit.title),
        output::plain(&marked).replace('\n', " ")
    )
}

async fn export(
    engine: &Engine,
    file: PathBuf,
    conversations: Vec<String>,
    format: Format,
) -> Result<(), Fault> {
    let format = match format {
        Format::Markdown => ExportFormat::Markdown,
        Format::Html => ExportFormat::Html,
        Format::Json => ExportFormat::Json,
    };
    let ids = conversations.into_iter().map(ConversationId).collect();
    engine.history().export_conversations(ids, format, file.clone()).await?;
    output::note(&format!("Written: {}", file.display()));
    Ok(())
}

async fn import(engine: &Engine, file: PathBuf) -> Result<(), Fault> {
    let count = engine.history().import_conversations(file).await?;
    output::note(&format!("New conversations: {count}"));
    Ok(())
}
