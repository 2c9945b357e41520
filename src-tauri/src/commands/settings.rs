//! Settings.

use super::Answer;
use crate::window;
use domain::Settings;
use engine::Engine;
use tauri::{AppHandle, State};

#[tauri::command]
pub async fn settings(engine: State<'_, Engine>) -> Answer<Settings> {
    engine.settings().settings().await
}

#[tauri::command]
pub async fn save_settings(
    app: AppHandle,
    engine: State<'_, Engine>,
    settings: Settings,
) -> Answer<Settings> {
    let saved = engine.settings().save_settings(settings).await?;
    window::apply(&app, &saved);
    Ok(saved)
}
