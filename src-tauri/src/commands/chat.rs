//! Turns of a conversation, and the runs behind them.

use super::Answer;
use crate::sink::Page;
use domain::{
    ActiveRun, AttachmentId, ContextMeter, ConversationId, ConversationOptions, CopyForm, MessageId, ModelId,
    RunEvent, RunId, SendRequest, Started,
};
use engine::Engine;
use tauri::State;
use tauri::ipc::Channel;

#[tauri::command]
pub async fn send_message(
    engine: State<'_, Engine>,
    request: SendRequest,
    events: Channel<RunEvent>,
) -> Answer<Started> {
    engine.chat().send_message(request, Page(events)).await
}

#[tauri::command]
pub async fn regenerate(
    engine: State<'_, Engine>,
    message: MessageId,
    model: Option<ModelId>,
    events: Channel<RunEvent>,
) -> Answer<Started> {
    engine.chat().regenerate(message, model, Page(events)).await
}

#[tauri::command]
pub async fn edit_message(
    engine: State<'_, Engine>,
    message: MessageId,
    text: String,
    attachments: Vec<AttachmentId>,
    events: Channel<RunEvent>,
) -> Answer<Started> {
    engine.chat().edit_message(message, text, attachments, Page(events)).await
}

#[tauri::command]
pub async fn continue_answer(
    engine: State<'_, Engine>,
    message: MessageId,
    events: Channel<RunEvent>,
) -> Answer<Started> {
    engine.chat().continue_answer(message, Page(events)).await
}

#[tauri::command]
pub async fn stop_run(engine: State<'_, Engine>, run: RunId) -> Answer<()> {
    engine.chat().stop_run(&run).await
}

#[tauri::command]
pub async fn attach_run(
    engine: State<'_, Engine>,
    run: RunId,
    after: u64,
    events: Channel<RunEvent>,
) -> Answer<()> {
    engine.chat().attach_run(&run, after, Page(events)).await
}

#[tauri::command]
pub async fn active_runs(engine: State<'_, Engine>) -> Answer<Vec<ActiveRun>> {
    Ok(engine.chat().active_runs())
}

#[tauri::command]
pub async fn context_meter(
    engine: State<'_, Engine>,
    conversation: Option<ConversationId>,
    options: ConversationOptions,
    draft: String,
    attachments: Vec<AttachmentId>,
) -> Answer<ContextMeter> {
    engine.chat().context_meter(conversation, options, draft, attachments).await
}

#[tauri::command]
pub async fn copy_message(engine: State<'_, Engine>, message: MessageId, form: CopyForm) -> Answer<String> {
    engine.chat().copy_message(message, form).await
}
