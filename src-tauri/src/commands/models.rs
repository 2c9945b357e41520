//! The catalogue.

use super::Answer;
use domain::Catalogue;
use engine::Engine;
use tauri::State;

#[tauri::command]
pub async fn catalogue(engine: State<'_, Engine>, refresh: bool) -> Answer<Catalogue> {
    engine.models().catalogue(refresh).await
}
