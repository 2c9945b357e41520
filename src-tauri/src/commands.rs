//! What the page may call: one thin function for each use case of the engine. The list in [`handler`], the permission
//! file and the interface's `Backend` are the same names; `tests/contract` compares them.
//!
//! How to add a command: write the engine's method; a one-line function here in the file of its noun; its name in
//! [`handler`], in `src-tauri/permissions/main.toml`, and in `ui/src/ipc/backend.ts`.

mod account;
mod app;
mod assistants;
mod attachments;
mod chat;
mod history;
mod library;
mod models;
mod pictures;
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
        assistants::assistants,
        assistants::save_assistant,
        assistants::delete_assistant,
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
        library::collections,
        library::create_collection,
        library::update_collection,
        library::delete_collection,
        library::undelete_collection,
        library::documents,
        library::add_picked,
        library::add_grant,
        library::add_text,
        library::add_address,
        library::accept_quote,
        library::decline_quote,
        library::pause_ingest,
        library::resume_ingest,
        library::stop_ingest,
        library::active_ingests,
        library::attach_ingest,
        library::retry_document,
        library::retry_failed,
        library::set_provider_key,
        library::convert_document,
        library::delete_documents,
        library::undelete_documents,
        library::move_documents,
        library::search_passages,
        library::passages,
        library::document_text,
        library::placed_lines,
        library::document_bytes,
        library::why_answer,
        library::watch_folder,
        library::unwatch_folder,
        library::vector_info,
        library::export_vectors,
        pictures::picture_form,
        pictures::quote_picture,
        pictures::quote_message,
        pictures::make_pictures,
        pictures::cancel_picture,
        pictures::save_picture_again,
        pictures::pictures,
        pictures::gallery_days,
        pictures::picture,
        pictures::star_pictures,
        pictures::delete_pictures,
        pictures::undelete_pictures,
        pictures::albums,
        pictures::create_album,
        pictures::rename_album,
        pictures::delete_album,
        pictures::add_to_album,
        pictures::remove_from_album,
        pictures::save_picture_as,
        pictures::export_pictures,
        pictures::pictures_folder,
        pictures::reveal_pictures_folder,
        pictures::reveal_picture,
        pictures::copy_picture,
        pictures::read_picture_settings,
        pictures::picture_as_attachment,
        models::catalogue,
        usage::usage_today,
        usage::usage_report,
        settings::settings,
        settings::save_settings,
    ]
}
