//! The operating system's keychain through `keyring`: one item for the whole app, and every error sorted into a state.

use crate::keychain::{Excuse, Keeper};
use crate::secrets::Secrets;
use domain::KeychainState;
use keyring::credential::CredentialPersistence;
use keyring::{Entry, Error};
use zeroize::Zeroizing;

/// The service under which our one item is kept.
pub const SERVICE: &str = "dev.edgewise.Edgewise";
/// The user name of that item.
pub const USER: &str = "accounts";

pub(crate) struct System;

impl Keeper for System {
    fn read(&self, excuse: &Excuse) -> Result<Option<Secrets>, KeychainState> {
        look(excuse)?;
        match entry()?.get_password().map(Zeroizing::new) {
            Ok(text) => Ok(Secrets::from_text(&text).or_else(|| {
                tracing::warn!("the keychain's item is not readable; it counts as empty");
                None
            })),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(sort(&error)),
        }
    }

    fn write(&self, secrets: &Secrets, excuse: &Excuse) -> Result<(), KeychainState> {
        look(excuse)?;
        let entry = entry()?;
        let written = if secrets.is_empty() {
            match entry.delete_credential() {
                Err(Error::NoEntry) => Ok(()),
                other => other,
            }
        } else {
            entry.set_password(&secrets.to_text())
        };
        written.map_err(|error| sort(&error))
    }
}

fn entry() -> Result<Entry, KeychainState> {
    // Built without a platform's feature, keyring keeps everything in memory and reports success: that is no keychain.
    let lasting = keyring::default::default_credential_builder().persistence();
    if !matches!(lasting, CredentialPersistence::UntilDelete) {
        return Err(KeychainState::Absent);
    }
    Entry::new(SERVICE, USER).map_err(|error| sort(&error))
}

fn sort(error: &Error) -> KeychainState {
    tracing::debug!(%error, "the keychain refused");
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => platform::sort(cause.as_ref()),
        _ => KeychainState::Denied,
    }
}

/// Asks, where that is possible without a prompt, whether the keychain is there and open.
fn look(excuse: &Excuse) -> Result<(), KeychainState> {
    platform::look(excuse)
}

#[cfg(all(unix, not(target_os = "macos")))]
mod platform {
    use super::{Excuse, KeychainState};
    use dbus_secret_service::{EncryptionType, Error, SecretService};

    pub(super) fn look(excuse: &Excuse) -> Result<(), KeychainState> {
        let ask = || {
            let service = SecretService::connect(EncryptionType::Plain)?;
            service.get_default_collection()?.is_locked()
        };
        match ask() {
            Ok(false) => Ok(()),
            Ok(true) => {
                excuse.is_locked();
                // With nobody to answer it a prompt would only be refused.
                if has_display() { Ok(()) } else { Err(KeychainState::Locked) }
            }
            Err(error) => Err(sort_ours(&error)),
        }
    }

    fn has_display() -> bool {
        ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|set| !set.is_empty()))
    }

    pub(super) fn sort(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainState {
        cause.downcast_ref::<Error>().map_or(KeychainState::Denied, sort_ours)
    }

    fn sort_ours(error: &Error) -> KeychainState {
        match error {
            // A service without a default collection is one whose keyring was never opened or made.
            Error::Locked | Error::NoResult => KeychainState::Locked,
            Error::Prompt => KeychainState::Denied,
            Error::Unavailable => KeychainState::Absent,
            Error::Dbus(error) => sort_bus(error.name().unwrap_or_default()),
            _ => KeychainState::Denied,
        }
    }

    /// Error names of the bus and of the Secret Service specification.
    pub(super) fn sort_bus(name: &str) -> KeychainState {
        match name.rsplit('.').next().unwrap_or_default() {
            "NoReply" | "Timeout" | "TimedOut" => KeychainState::Silent,
            "IsLocked" => KeychainState::Locked,
            "AccessDenied" | "AuthFailed" => KeychainState::Denied,
            _ => KeychainState::Absent,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn errors_of_the_bus_have_their_states() {
            for (name, state) in [
                ("org.freedesktop.DBus.Error.NoReply", KeychainState::Silent),
                ("org.freedesktop.DBus.Error.ServiceUnknown", KeychainState::Absent),
                ("org.freedesktop.DBus.Error.NotSupported", KeychainState::Absent),
                ("org.freedesktop.DBus.Error.AccessDenied", KeychainState::Denied),
                ("org.freedesktop.Secret.Error.IsLocked", KeychainState::Locked),
            ] {
                assert_eq!(sort_bus(name), state, "{name}");
            }
        }
    }
}

#[cfg(target_os = "macos")]
mod platform {
    use super::{Excuse, KeychainState};

    pub(super) fn look(excuse: &Excuse) -> Result<(), KeychainState> {
        excuse.is_locked(); // What takes long on macOS is its own dialog, waiting for the person.
        Ok(())
    }

    /// By the wording of the Security framework's errors, whose type `keyring` does not export.
    pub(super) fn sort(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainState {
        let said = cause.to_string().to_lowercase();
        match () {
            () if said.contains("interaction is not allowed") => KeychainState::Locked,
            () if said.contains("not available") || said.contains("no such keychain") => {
                KeychainState::Absent
            }
            () => KeychainState::Denied,
        }
    }
}

#[cfg(windows)]
mod platform {
    use super::{Excuse, KeychainState};

    pub(super) fn look(_: &Excuse) -> Result<(), KeychainState> {
        Ok(())
    }

    /// The credential manager fails only for a session without a profile (a service account).
    pub(super) fn sort(_: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainState {
        KeychainState::Denied
    }
}
