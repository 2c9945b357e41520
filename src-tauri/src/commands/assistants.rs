//! Assistants.

use super::Answer;
use domain::{Assistant, AssistantId, ConversationOptions};
use engine::Engine;
use tauri::State;

#[tauri::command]
pub async fn assistants(engine: State<'_, Engine>) -> Answer<Vec<Assistant>> {
    engine.assistants().assistants().await
}

#[tauri::command]
pub async fn save_assistant(
    engine: State<'_, Engine>,
    id: Option<AssistantId>,
    name: String,
    options: ConversationOptions,
) -> Answer<Assistant> {
    engine.assistants().save_assistant(id, name, options).await
}

#[tauri::command]
pub async fn delete_assistant(engine: State<'_, Engine>, id: AssistantId) -> Answer<()> {
    engine.assistants().delete_assistant(id).await
}
