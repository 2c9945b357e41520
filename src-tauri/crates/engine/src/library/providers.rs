//! Keys of other embedding providers. They are kept where account tokens are, under the provider's address, and go
//! nowhere but into the header of requests to it.

use crate::Engine;
use crate::database::Database;
use crate::settings::network;
use domain::{AccountKey, Fault, FaultCode, KeptIn, KeychainState};
use keychain::Secrets;
use secrecy::{ExposeSecret, SecretString};
use workers_ai::ApiToken;
use workers_ai::provider::Provider;

/// Before the address of a provider: its place among the tokens of accounts.
pub(crate) const OF_PROVIDER: &str = "provider ";

/// The name under which a provider's key is kept.
fn name(url: &str) -> AccountKey {
    AccountKey(format!("{OF_PROVIDER}{}", url.trim().trim_end_matches('/')))
}

/// The key of a provider, when there is one. Many need none, like those on this machine.
pub(crate) async fn key(engine: &Engine, url: &str) -> Option<ApiToken> {
    let (access, name) = (engine.access(), name(url));
    let known = access.state().tokens.get(&name).cloned();
    if known.is_some() || access.state().keychain != Some(KeychainState::Ok) {
        return known;
    }
    let secrets = access.keychain.load().await.ok()?;
    let token = ApiToken::new(secrets.token(&name)?.expose_secret()).ok()?;
    access.state().tokens.insert(name, token.clone());
    Some(token)
}

/// Holds a key for this session.
pub(crate) fn hold(engine: &Engine, url: &str, key: &str) -> Result<(), Fault> {
    let token = checked(engine, url, key)?;
    engine.access().state().tokens.insert(name(url), token);
    Ok(())
}

/// Keeps a key, or forgets it; where it is kept then. Without a keychain and without a key file it is held for the
/// session only.
pub(crate) async fn keep(engine: &Engine, url: &str, key: Option<&str>) -> Result<KeptIn, Fault> {
    let (access, name) = (engine.access(), name(url));
    match key.map(str::trim).filter(|key| !key.is_empty()) {
        Some(key) => hold(engine, url, key)?,
        None => {
            access.state().tokens.remove(&name);
        }
    }
    let token = access.state().tokens.get(&name).map(|token| SecretString::from(token.expose()));
    let change = |secrets: &mut Secrets| match token.clone() {
        Some(token) => secrets.insert(name.clone(), token),
        None => {
            secrets.remove(&name);
        }
    };
    let file = access.state().key_file.clone();
    if let Some(file) = file {
        let mut secrets = crate::accounts::keeping::all_of_file(access);
        change(&mut secrets);
        Database::blocking(move || file.save(&secrets).map_err(|error| error.fault())).await?;
        return Ok(KeptIn::EncryptedFile);
    }
    let Ok(mut secrets) = access.keychain.load().await else { return Ok(KeptIn::Session) };
    change(&mut secrets);
    let refused = |_| Fault::new(FaultCode::KeychainDenied);
    access.keychain.save(&secrets).await.map_err(refused)?;
    access.state().keychain = Some(KeychainState::Ok);
    Ok(KeptIn::Keychain)
}

/// A key that can be sent, to an address that it may be sent to.
fn checked(engine: &Engine, url: &str, key: &str) -> Result<ApiToken, Fault> {
    let token = ApiToken::new(key).map_err(|error| error.fault())?;
    let network = network(&engine.in_force().now());
    Provider::new(url, Some(token.clone()), &network).map_err(|error| error.fault())?;
    Ok(token)
}
