//! The tokens of all accounts. They leave this type only as `SecretString`s, and as the sealed text of this crate.

use domain::AccountKey;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// A token for each account. No `Serialize`; `Debug` prints the accounts and `••••`.
#[derive(Clone, Default)]
pub struct Secrets {
    tokens: BTreeMap<AccountKey, SecretString>,
}

/// The stored form. Fields that a newer Edgewise adds are ignored.
#[derive(Deserialize)]
struct Stored {
    tokens: BTreeMap<AccountKey, Zeroizing<String>>,
}

/// The same, borrowed for writing.
#[derive(Serialize)]
struct Storable<'a> {
    version: u32,
    tokens: BTreeMap<&'a AccountKey, &'a str>,
}

impl Secrets {
    /// No tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token of an account.
    pub fn token(&self, account: &AccountKey) -> Option<&SecretString> {
        self.tokens.get(account)
    }

    /// Keeps a token, in place of the account's former one.
    pub fn insert(&mut self, account: AccountKey, token: SecretString) {
        self.tokens.insert(account, token);
    }

    /// Forgets an account's token; whether there was one.
    pub fn remove(&mut self, account: &AccountKey) -> bool {
        self.tokens.remove(account).is_some()
    }

    /// The accounts that have a token.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountKey> {
        self.tokens.keys()
    }

    /// There is no token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The text that is stored in the keychain, or sealed in a file.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let tokens = self.tokens.iter().map(|(account, token)| (account, token.expose_secret())).collect();
        let text = serde_json::to_string(&Storable { version: 1, tokens });
        Zeroizing::new(text.expect("a map of strings is always JSON"))
    }

    /// Reads that text; `None` when it is none of ours.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let stored: Stored = serde_json::from_str(text).ok()?;
        let tokens = stored
            .tokens
            .into_iter()
            .map(|(account, token)| (account, SecretString::from(token.as_str())))
            .collect();
        Some(Self { tokens })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.tokens.keys().map(|account| (account.as_str(), "••••"))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_survive_their_stored_form_and_never_print() {
        let mut secrets = Secrets::new();
        secrets.insert("one".into(), SecretString::from("token-\"1\""));
        secrets.insert("two".into(), SecretString::from("秘密"));
        let read = Secrets::from_text(&secrets.to_text()).expect("reads its own form");
        assert_eq!(read.token(&"two".into()).map(ExposeSecret::expose_secret), Some("秘密"));
        let printed = format!("{read:?}");
        assert_eq!(printed, r#"{"one": "••••", "two": "••••"}"#);
        assert!(Secrets::from_text("not json").is_none());
    }
}
