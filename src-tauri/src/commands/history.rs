//! Conversations: listed, opened, named, put away, found, saved elsewhere and brought back.

use super::Answer;
use crate::dialogs;
use domain::{
    ConversationId, ConversationOptions, ConversationPage, ConversationSummary, Draft, HistoryHit, MessageId,
    MessageView, Transcript,
};
use engine::{Engine, ExportFormat};
use tauri::{AppHandle, State};

#[tauri::command]
pub async fn conversations(
    engine: State<'_, Engine>,
    offset: u32,
    limit: u32,
    archived: bool,
) -> Answer<ConversationPage> {
    engine.history().conversations(offset, limit, archived).await
}

#[tauri::command]
pub async fn transcript(engine: State<'_, Engine>, conversation: ConversationId) -> Answer<Transcript> {
    engine.history().transcript(conversation).await
}

#[tauri::command]
pub async fn messages(engine: State<'_, Engine>, ids: Vec<MessageId>) -> Answer<Vec<MessageView>> {
    engine.history().messages(ids).await
}

#[tauri::command]
pub async fn select_version(engine: State<'_, Engine>, message: MessageId) -> Answer<Transcript> {
    engine.history().select_version(message).await
}

#[tauri::command]
pub async fn rename_conversation(
    engine: State<'_, Engine>,
    conversation: ConversationId,
    title: String,
) -> Answer<ConversationSummary> {
    engine.history().rename_conversation(conversation, title).await
}

#[tauri::command]
pub async fn pin_conversation(
    engine: State<'_, Engine>,
    conversation: ConversationId,
    pinned: bool,
) -> Answer<ConversationSummary> {
    engine.history().pin_conversation(conversation, pinned).await
}

#[tauri::command]
pub async fn archive_conversation(
    engine: State<'_, Engine>,
    conversation: ConversationId,
    archived: bool,
) -> Answer<ConversationSummary> {
    engine.history().archive_conversation(conversation, archived).await
}

#[tauri::command]
pub async fn delete_conversation(engine: State<'_, Engine>, conversation: ConversationId) -> Answer<()> {
    engine.history().delete_conversation(conversation).await
}

#[tauri::command]
pub async fn undelete_conversation(
    engine: State<'_, Engine>,
    conversation: ConversationId,
) -> Answer<ConversationSummary> {
    engine.history().undelete_conversation(conversation).await
}

#[tauri::command]
pub async fn fork_conversation(engine: State<'_, Engine>, message: MessageId) -> Answer<ConversationSummary> {
    engine.history().fork_conversation(message).await
}

#[tauri::command]
pub async fn set_conversation_options(
    engine: State<'_, Engine>,
    conversation: ConversationId,
    options: ConversationOptions,
) -> Answer<ConversationOptions> {
    engine.history().set_conversation_options(conversation, options).await
}

#[tauri::command]
pub async fn save_draft(
    engine: State<'_, Engine>,
    conversation: Option<ConversationId>,
    draft: Draft,
) -> Answer<()> {
    engine.history().save_draft(conversation, draft).await
}

#[tauri::command]
pub async fn draft(engine: State<'_, Engine>, conversation: Option<ConversationId>) -> Answer<Draft> {
    engine.history().draft(conversation).await
}

#[tauri::command]
pub async fn search_history(engine: State<'_, Engine>, query: String, limit: u32) -> Answer<Vec<HistoryHit>> {
    engine.history().search_history(query, limit).await
}

/// Writes conversations (all when `ids` is empty) to a file that the person chooses; `None` when the choice was cancelled.
#[tauri::command]
pub async fn export_conversations(
    app: AppHandle,
    engine: State<'_, Engine>,
    ids: Vec<ConversationId>,
    format: ExportFormat,
) -> Answer<Option<String>> {
    let Some(file) = dialogs::save(&app, "edgewise-conversations", format.extension()).await else {
        return Ok(None);
    };
    engine.history().export_conversations(ids, format, file.clone()).await?;
    Ok(Some(file.display().to_string()))
}

/// Reads conversations from a file that the person chooses; how many are new.
#[tauri::command]
pub async fn import_conversations(app: AppHandle, engine: State<'_, Engine>) -> Answer<Option<u32>> {
    let Some(file) = dialogs::open_one(&app, &["json", "zip"]).await else { return Ok(None) };
    engine.history().import_conversations(file).await.map(Some)
}

/// Writes a backup of everything but secrets to a file that the person chooses.
#[tauri::command]
pub async fn back_up(app: AppHandle, engine: State<'_, Engine>) -> Answer<Option<String>> {
    let Some(file) = dialogs::save(&app, "edgewise-backup", "edgewise").await else { return Ok(None) };
    engine.history().back_up(file.clone()).await?;
    Ok(Some(file.display().to_string()))
}

/// Brings back a backup that the person chooses; `false` when the choice was cancelled.
#[tauri::command]
pub async fn restore_backup(app: AppHandle, engine: State<'_, Engine>) -> Answer<bool> {
    let Some(file) = dialogs::open_one(&app, &["edgewise"]).await else { return Ok(false) };
    engine.history().restore_backup(file).await?;
    Ok(true)
}
