//! What the page may call: one thin function for each use case of the engine. The list in [`handler`], the permission
//! file and the interface's `Backend` are the same names; `tests/contract` compares them.
//!
//! How to add a command: write the engine's method; a one-line function here in the file of its noun; its name in
//! [`handler`], in `src-tauri/permissions/main.toml`, and in `ui/src/ipc/backend.ts`.

mod account;
mod app;
mod attachments;
mod chat;
mod history;
mod models;
mod settings;
mod usage;

use tauri::ipc::Invoke;

/// What a command answers: a value, or a fault that the page has a sentence for.
type Answer<T> = Result<T, domain::Fault>;

/// Dispatches calls from the page.
pub fn handler() -> impl Fn(Invoke) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        app::app_info,
        app::subscribe,
        app::open_link,
        app::reveal_data_folder,
        app::restore_copy,
        app::start_fresh,
        account::account_state,
        account::discover_accounts,
        account::check_account,
        account::connect_account,
        account::try_demo,
        account::switch_account,
        account::disconnect_account,
        account::unlock_key_file,
        account::retry_keychain,
        chat::send_message,
        chat::regenerate,
        chat::edit_message,
        chat::continue_answer,
        chat::stop_run,
        chat::attach_run,
        chat::active_runs,
        chat::context_meter,
        chat::copy_message,
        history::conversations,
        history::transcript,
        history::messages,
        history::select_version,
        history::rename_conversation,
        history::pin_conversation,
        history::archive_conversation,
        history::delete_conversation,
        history::undelete_conversation,
        history::fork_conversation,
        history::set_conversation_options,
        history::save_draft,
        history::draft,
        history::search_history,
        history::export_conversations,
        history::import_conversations,
        history::back_up,
        history::restore_backup,
        attachments::attach_bytes,
        attachments::attach_picked,
        attachments::attach_grant,
        models::catalogue,
        usage::usage_today,
        usage::usage_report,
        settings::settings,
        settings::save_settings,
    ]
}
