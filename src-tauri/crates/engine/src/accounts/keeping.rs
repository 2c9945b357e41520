//! Keeping tokens: in the keychain, in the encrypted file, or in memory, as the person chose. Nothing is silently kept
//! anywhere else.

use super::access::Access;
use crate::Engine;
use crate::database::Database;
use crate::error::not_found;
use crate::library::providers::OF_PROVIDER;
use domain::{Account, AccountKey, Fault, FaultCode, KeepIn, KeptIn, KeychainState};
use keychain::{KeyFile, Secrets};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use workers_ai::ApiToken;

/// Keeps a token where the person says. On an error it is kept nowhere.
pub(super) async fn keep(
    engine: &Engine,
    key: &AccountKey,
    token: &ApiToken,
    keep: KeepIn,
) -> Result<(), Fault> {
    let access = engine.access();
    let secret = SecretString::from(token.expose());
    match keep {
        KeepIn::Session => Ok(()),
        KeepIn::Keychain => {
            let mut secrets = load(access).await?;
            secrets.insert(key.clone(), secret);
            save(access, &secrets).await
        }
        KeepIn::EncryptedFile { passphrase } => {
            let (path, key) = (access.key_file.clone(), key.clone());
            let (file, secrets) = Database::blocking(move || {
                let passphrase = SecretString::from(passphrase);
                if !KeyFile::exists(&path) {
                    let mut secrets = Secrets::new();
                    secrets.insert(key, secret);
                    let file =
                        KeyFile::create(&path, &passphrase, &secrets).map_err(|error| error.fault())?;
                    return Ok((file, secrets));
                }
                let (file, mut secrets) = KeyFile::open(&path, &passphrase).map_err(|error| error.fault())?;
                secrets.insert(key, secret);
                file.save(&secrets).map_err(|error| error.fault())?;
                Ok((file, secrets))
            })
            .await?;
            take_file(access, file, &secrets);
            Ok(())
        }
    }
}

/// Removes an account's token from where it is kept.
pub(super) async fn drop_token(engine: &Engine, account: &Account) -> Result<(), Fault> {
    let access = engine.access();
    match account.kept_in {
        KeptIn::Session | KeptIn::Environment | KeptIn::Simulator => Ok(()),
        KeptIn::Keychain => {
            let mut secrets = load(access).await?;
            if secrets.remove(&account.key) { save(access, &secrets).await } else { Ok(()) }
        }
        KeptIn::EncryptedFile => {
            let file = access.state().key_file.clone();
            let file = file.ok_or_else(|| Fault::new(FaultCode::KeychainLocked))?;
            let secrets = of_file(access, &account.key);
            Database::blocking(move || file.save(&secrets).map_err(|error| error.fault())).await
        }
    }
}

/// Opens the encrypted file.
pub(super) async fn unlock(engine: &Engine, passphrase: String) -> Result<(), Fault> {
    let access = engine.access();
    let path = access.key_file.clone();
    let (file, secrets) = Database::blocking(move || {
        if !KeyFile::exists(&path) {
            return Err(not_found("key file"));
        }
        KeyFile::open(&path, &SecretString::from(passphrase)).map_err(|error| error.fault())
    })
    .await?;
    take_file(access, file, &secrets);
    Ok(())
}

/// Reads the keys of all accounts that the keychain keeps. It is asked even when there are none: the person who
/// connects one is to be told beforehand whether there is a keychain. The environment's account needs none.
pub(super) async fn read_keys(engine: &Engine) {
    let access = engine.access();
    if !access.is_environment() {
        match access.keychain.load().await {
            Ok(secrets) => {
                access.state().keychain = Some(KeychainState::Ok);
                take(access, &secrets, KeptIn::Keychain);
            }
            Err(state) => access.state().keychain = Some(state),
        }
    }
    access.settle();
}

fn is_of_provider(key: &AccountKey) -> bool {
    key.as_str().starts_with(OF_PROVIDER)
}

async fn load(access: &Access) -> Result<Secrets, Fault> {
    access.keychain.load().await.map_err(|state| refused(access, state))
}

async fn save(access: &Access, secrets: &Secrets) -> Result<(), Fault> {
    access.keychain.save(secrets).await.map_err(|state| refused(access, state))
}

fn refused(access: &Access, state: KeychainState) -> Fault {
    access.state().keychain = Some(state);
    Fault::new(match state {
        KeychainState::Locked => FaultCode::KeychainLocked,
        KeychainState::Denied => FaultCode::KeychainDenied,
        KeychainState::Absent => FaultCode::KeychainMissing,
        KeychainState::Silent | KeychainState::Ok => FaultCode::KeychainSilent,
    })
}

fn take_file(access: &Access, file: KeyFile, secrets: &Secrets) {
    access.state().key_file = Some(Arc::new(file));
    take(access, secrets, KeptIn::EncryptedFile);
}

/// Takes the tokens of the accounts that are kept there.
fn take(access: &Access, secrets: &Secrets, kept_in: KeptIn) {
    let mut state = access.state();
    let accounts: Vec<Account> =
        state.accounts.iter().filter(|account| account.kept_in == kept_in).cloned().collect();
    for key in secrets.accounts().filter(|key| is_of_provider(key)) {
        let token = secrets.token(key).and_then(|secret| ApiToken::new(secret.expose_secret()).ok());
        if let Some(token) = token {
            state.tokens.insert(key.clone(), token);
        }
    }
    for account in accounts {
        let token = secrets.token(&account.key).and_then(|secret| ApiToken::new(secret.expose_secret()).ok());
        state.enter(account, token);
    }
}

/// All tokens of the encrypted file.
pub(crate) fn all_of_file(access: &Access) -> Secrets {
    of_file(access, &AccountKey(String::new()))
}

/// The tokens of the encrypted file but one.
fn of_file(access: &Access, but: &AccountKey) -> Secrets {
    let state = access.state();
    let mut secrets = Secrets::new();
    // Keys of embedding providers lie beside those of accounts.
    for (key, token) in state.tokens.iter().filter(|(key, _)| is_of_provider(key)) {
        secrets.insert(key.clone(), SecretString::from(token.expose()));
    }
    for account in &state.accounts {
        if account.kept_in == KeptIn::EncryptedFile
            && account.key != *but
            && let Some(token) = state.tokens.get(&account.key)
        {
            secrets.insert(account.key.clone(), SecretString::from(token.expose()));
        }
    }
    secrets
}
