//! Accounts. The token comes in once, from the field where it is pasted, and never goes out again.

use super::Answer;
use crate::sink::Page;
use domain::{AccountKey, AccountState, CheckEvent, Discovery, KeepIn};
use engine::Engine;
use tauri::State;
use tauri::ipc::Channel;

#[tauri::command]
pub async fn account_state(engine: State<'_, Engine>) -> Answer<AccountState> {
    engine.accounts().account_state().await
}

#[tauri::command]
pub async fn discover_accounts(engine: State<'_, Engine>, token: String) -> Answer<Discovery> {
    engine.accounts().discover_accounts(token).await
}

#[tauri::command]
pub async fn check_account(
    engine: State<'_, Engine>,
    ticket: String,
    account_id: String,
    events: Channel<CheckEvent>,
) -> Answer<bool> {
    engine.accounts().check_account(ticket, account_id, Page(events)).await
}

#[tauri::command]
pub async fn connect_account(
    engine: State<'_, Engine>,
    ticket: String,
    account_id: String,
    keep: KeepIn,
) -> Answer<AccountState> {
    engine.accounts().connect_account(ticket, account_id, keep).await
}

#[tauri::command]
pub async fn try_demo(engine: State<'_, Engine>) -> Answer<AccountState> {
    engine.accounts().try_demo().await
}

#[tauri::command]
pub async fn switch_account(engine: State<'_, Engine>, key: AccountKey) -> Answer<AccountState> {
    engine.accounts().switch_account(key).await
}

#[tauri::command]
pub async fn disconnect_account(engine: State<'_, Engine>, key: AccountKey) -> Answer<AccountState> {
    engine.accounts().disconnect_account(key).await
}

#[tauri::command]
pub async fn unlock_key_file(engine: State<'_, Engine>, passphrase: String) -> Answer<AccountState> {
    engine.accounts().unlock_key_file(passphrase).await
}

#[tauri::command]
pub async fn retry_keychain(engine: State<'_, Engine>) -> Answer<AccountState> {
    engine.accounts().retry_keychain().await
}
