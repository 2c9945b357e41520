//! The app itself: its state, its news, and the two ways out of the window.

use super::Answer;
use crate::sink::Page;
use domain::{AppEvent, AppInfo, Fault, FaultCode};
use engine::Engine;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;

#[tauri::command]
pub async fn app_info(engine: State<'_, Engine>) -> Answer<AppInfo> {
    Ok(engine.app().app_info())
}

#[tauri::command]
pub async fn subscribe(engine: State<'_, Engine>, events: Channel<AppEvent>) -> Answer<()> {
    engine.app().subscribe(Page(events));
    Ok(())
}

/// Opens a link outside, in the person's browser or mail program; nothing but these schemes leaves.
#[tauri::command]
pub async fn open_link(app: AppHandle, url: String) -> Answer<()> {
    let refused =
        || Fault::new(FaultCode::InvalidInput).with_detail("only web and mail addresses open outside");
    let parsed = url::Url::parse(&url).map_err(|_| refused())?;
    if !matches!(parsed.scheme(), "http" | "https" | "mailto") {
        return Err(refused());
    }
    app.opener()
        .open_url(parsed.as_str(), None::<&str>)
        .map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))
}

#[tauri::command]
pub async fn reveal_data_folder(app: AppHandle, engine: State<'_, Engine>) -> Answer<()> {
    app.opener()
        .open_path(engine.app().app_info().data_dir, None::<&str>)
        .map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))
}

#[tauri::command]
pub async fn restore_copy(engine: State<'_, Engine>, name: String) -> Answer<AppInfo> {
    engine.app().restore_copy(&name).await
}

#[tauri::command]
pub async fn start_fresh(engine: State<'_, Engine>) -> Answer<AppInfo> {
    engine.app().start_fresh().await
}
