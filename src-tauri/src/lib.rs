//! The desktop shell: it adapts the operating system and the web view to the engine. No rule of the product lives here.
//!
//! Contents: [`commands`] what the page may call · [`window`] the window and where its page may go · [`drops`] files that
//! the person drops or picks · [`dialogs`] the system's file dialogs · [`logs`] what is
//! logged and where · [`media`] pictures for the page · [`sink`] a channel
//! as a sink of events.

mod commands;
mod demo;
mod dialogs;
mod drops;
mod logs;
mod media;
mod sink;
mod window;

use engine::Engine;
use std::process::ExitCode;
use tauri::{Manager, RunEvent, WindowEvent};

/// Runs the app until its window is closed.
pub fn run() -> ExitCode {
    logs::begin();

    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _, _| window::bring_forward(app)))
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_clipboard_manager::init())
        .register_asynchronous_uri_scheme_protocol(media::SCHEME, media::serve)
        .manage(drops::Grants::default())
        .invoke_handler(commands::handler())
        .setup(|app| {
            let handle = app.handle().clone();
            let options = engine::Options::from_environment(handle.path().app_data_dir().ok(), demo::Door);
            logs::keep_in(&options.data_dir);
            // The web view's processes start while the database is opened. The page's first question comes through this
            // thread's loop, and so after the engine is here.
            let engine = tauri::async_runtime::spawn(Engine::open(options));
            window::open(&handle)?;
            app.manage(tauri::async_runtime::block_on(engine)?);
            Ok(())
        })
        .on_window_event(|window, event| {
            if let WindowEvent::DragDrop(drag) = event {
                drops::announce(window.app_handle(), drag);
            }
        })
        .build(tauri::generate_context!());
    let app = match app {
        Ok(app) => app,
        Err(error) => {
            tracing::error!(%error, "Edgewise could not start");
            return ExitCode::FAILURE;
        }
    };
    app.run(|handle, event| {
        if let RunEvent::Exit = event
            && let Some(engine) = handle.try_state::<Engine>()
        {
            // What arrived is written before the process goes.
            tauri::async_runtime::block_on(engine.close());
        }
    });
    ExitCode::SUCCESS
}
