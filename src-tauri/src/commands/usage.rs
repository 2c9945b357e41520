//! Neurons: today's, and the ledger.

use super::Answer;
use domain::{UsageReport, UsageToday};
use engine::Engine;
use tauri::State;

#[tauri::command]
pub async fn usage_today(engine: State<'_, Engine>) -> Answer<UsageToday> {
    engine.usage().usage_today().await
}

#[tauri::command]
pub async fn usage_report(engine: State<'_, Engine>, days: u32) -> Answer<UsageReport> {
    engine.usage().usage_report(days).await
}
