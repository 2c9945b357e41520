//! The system's file dialogs. They run on the Rust side, so that the page never names a path.

use std::path::PathBuf;
use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt, FilePath};
use tokio::sync::oneshot;

/// Where to save; `None` when the person cancelled.
pub async fn save(app: &AppHandle, name: &str, extension: &str) -> Option<PathBuf> {
    let (answer, chosen) = oneshot::channel();
    app.dialog()
        .file()
        .set_file_name(format!("{name}.{extension}"))
        .add_filter(extension, &[extension])
        // The dialog may outlive the question; then nobody wants the answer.
        .save_file(move |file| drop(answer.send(file)));
    path(chosen.await.ok().flatten()?)
}

/// One file with one of these extensions.
pub async fn open_one(app: &AppHandle, extensions: &[&str]) -> Option<PathBuf> {
    let (answer, chosen) = oneshot::channel();
    app.dialog()
        .file()
        .add_filter(extensions.join(", "), extensions)
        .pick_file(move |file| drop(answer.send(file)));
    path(chosen.await.ok().flatten()?)
}

/// Any number of files; none when the person cancelled.
pub async fn open_several(app: &AppHandle) -> Vec<PathBuf> {
    let (answer, chosen) = oneshot::channel();
    app.dialog().file().pick_files(move |files| drop(answer.send(files)));
    chosen.await.ok().flatten().unwrap_or_default().into_iter().filter_map(path).collect()
}

/// A folder; `None` when the person cancelled.
pub async fn open_folder(app: &AppHandle) -> Option<PathBuf> {
    let (answer, chosen) = oneshot::channel();
    app.dialog().file().pick_folder(move |folder| drop(answer.send(folder)));
    path(chosen.await.ok().flatten()?)
}

fn path(chosen: FilePath) -> Option<PathBuf> {
    chosen.into_path().ok()
}
