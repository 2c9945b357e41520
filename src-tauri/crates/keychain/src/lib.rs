//! Where tokens are kept: the operating system's keychain, or a file that a passphrase encrypts, or memory.
//!
//! - [`Keychain`]: one item for the whole app, read once per launch and cached; asked on a thread of its own, with a
//!   deadline, since a keyring may block until a person answers. Its state is one of *ok, locked, denied, absent, silent*.
//! - [`KeyFile`]: the person's explicit choice where there is no keychain.
//! - [`Secrets`]: what both hold: a token for each account. It cannot be serialised and prints `••••`.
//!
//! Nothing here is ever written in the clear, and nothing falls back by itself from one place to another.
//!
//! How to add a platform's keychain: give `keyring` its feature in `Cargo.toml`, and sort its errors in `system.rs`.

mod key_file;
mod keychain;
mod secrets;
mod system;

pub use key_file::{Cost, KeyFile, KeyFileError};
pub use keychain::{DEADLINE, Keychain};
pub use secrets::Secrets;
pub use system::{SERVICE, USER};
