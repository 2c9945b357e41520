//! Tokens in a file that a passphrase encrypts: Argon2id makes the key, XChaCha20-Poly1305 seals the text. The cost of
//! Argon2id stands in the file's header, so that later files can cost more; the header is sealed with the rest.
//!
//! The file is JSON: `{"format":"edgewise.keys","version":1,"memory_kib":…,"passes":…,"salt":…,"nonce":…,"sealed":…}`, the
//! last three in base64. It is written whole (temporary name → fsync → rename) and readable by its owner only.

use crate::secrets::Secrets;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use domain::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FORMAT: &str = "edgewise.keys";
const VERSION: u32 = 1;
/// A file that asks for more than this is refused, rather than left to use up the machine.
const MOST: Cost = Cost { memory_kib: 1 << 20, passes: 16 };

/// What Argon2id is given: RFC 9106's second choice, 64 MiB and three passes, unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 64 * 1_024, passes: 3 }
    }
}

/// Why a key file could not be used. It is never changed by a failure.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The passphrase does not open it (or its sealed part was changed, which looks the same).
    #[error("the passphrase does not open the key file")]
    PassphraseWrong,
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    PassphraseEmpty,
    /// It is no key file, or cut short.
    #[error("the key file is damaged: {0}")]
    Damaged(String),
    /// It was made by a newer Edgewise.
    #[error("the key file has version {0}, which is newer than this Edgewise")]
    Newer(u32),
    /// It cannot be read.
    #[error("reading {}", path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("writing {}", path.display())]
    Unwritable {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The machine gave no randomness or too little memory.
    #[error("{0}")]
    Refused(String),
}

impl KeyFileError {
    /// The fault that the window and the command line show.
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::PassphraseWrong => FaultCode::PassphraseWrong,
            Self::PassphraseEmpty => FaultCode::InvalidInput,
            Self::Damaged(_) | Self::Newer(_) | Self::Unreadable { .. } => FaultCode::FileUnreadable,
            Self::Unwritable { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FaultCode::DiskFull,
                _ => FaultCode::ReadOnly,
            },
            Self::Refused(_) => FaultCode::Internal,
        };
        Fault::new(code).with_detail(self.to_string())
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    format: String,
    version: u32,
    memory_kib: u32,
    passes: u32,
    salt: String,
    nonce: String,
    sealed: String,
}

/// An open key file: it holds the key, so that tokens can be added without asking for the passphrase again. Blocking;
/// opening takes a tenth of a second on purpose.
pub struct KeyFile {
    path: PathBuf,
    cost: Cost,
    salt: [u8; 16],
    key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KeyFile")
            .field("path", &self.path)
            .field("key", &"••••")
            .finish_non_exhaustive()
    }
}

impl KeyFile {
    /// There is a key file at `path`.
    pub fn exists(path: &Path) -> bool {
        path.is_file()
    }

    /// Makes a key file, in place of one that was there.
    pub fn create(path: &Path, passphrase: &SecretString, secrets: &Secrets) -> Result<Self, KeyFileError> {
        Self::create_at_cost(path, passphrase, secrets, Cost::default())
    }

    /// The same at another cost.
    pub fn create_at_cost(
        path: &Path,
        passphrase: &SecretString,
        secrets: &Secrets,
        cost: Cost,
    ) -> Result<Self, KeyFileError> {
        let salt = random::<16>()?;
        let key = derive(passphrase, &salt, cost)?;
        let file = Self { path: path.to_owned(), cost, salt, key };
        file.save(secrets)?;
        Ok(file)
    }

    /// Opens a key file.
    pub fn open(path: &Path, passphrase: &SecretString) -> Result<(Self, Secrets), KeyFileError> {
        let text = fs::read_to_string(path)
            .map_err(|source| KeyFileError::Unreadable { path: path.to_owned(), source })?;
        let stored: Stored =
            serde_json::from_str(&text).map_err(|error| KeyFileError::Damaged(error.to_string()))?;
        let cost = checked(&stored)?;
        let salt = bytes::<16>(&stored.salt, "salt")?;
        let nonce = bytes::<24>(&stored.nonce, "nonce")?;
        let sealed = STANDARD
            .decode(&stored.sealed)
            .map_err(|_| KeyFileError::Damaged("its sealed part is not base64".into()))?;
        let key = derive(passphrase, &salt, cost)?;
        let file = Self { path: path.to_owned(), cost, salt, key };
        let payload = Payload { msg: &sealed, aad: &file.header() };
        let text = file
            .cipher()
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| KeyFileError::PassphraseWrong)?;
        let secrets = std::str::from_utf8(&text).ok().and_then(Secrets::from_text);
        let secrets = secrets.ok_or_else(|| KeyFileError::Damaged("what it holds is not ours".into()))?;
        Ok((file, secrets))
    }

    /// Seals these tokens and no others, under a new nonce.
    pub fn save(&self, secrets: &Secrets) -> Result<(), KeyFileError> {
        let nonce = random::<24>()?;
        let text = secrets.to_text();
        let payload = Payload { msg: text.as_bytes(), aad: &self.header() };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeyFileError::Refused("the tokens are too long to seal".into()))?;
        let stored = Stored {
            format: FORMAT.into(),
            version: VERSION,
            memory_kib: self.cost.memory_kib,
            passes: self.cost.passes,
            salt: STANDARD.encode(self.salt),
            nonce: STANDARD.encode(nonce),
            sealed: STANDARD.encode(sealed),
        };
        let mut text = serde_json::to_string_pretty(&stored).expect("strings and numbers are always JSON");
        text.push('\n');
        write_whole(&self.path, text.as_bytes())
            .map_err(|source| KeyFileError::Unwritable { path: self.path.clone(), source })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.key))
    }

    /// What is sealed besides the text, so that nobody can lower the cost of a stolen file for its owner's next save.
    fn header(&self) -> Vec<u8> {
        let Cost { memory_kib, passes } = self.cost;
        let mut header = format!("{FORMAT}/{VERSION} argon2id m={memory_kib} t={passes} p=1 ").into_bytes();
        header.extend_from_slice(&self.salt);
        header
    }
}

fn checked(stored: &Stored) -> Result<Cost, KeyFileError> {
    if stored.format != FORMAT {
        return Err(KeyFileError::Damaged(format!("its format is \"{}\"", stored.format)));
    }
    if stored.version > VERSION {
        return Err(KeyFileError::Newer(stored.version));
    }
    let cost = Cost { memory_kib: stored.memory_kib, passes: stored.passes };
    if cost.memory_kib > MOST.memory_kib || cost.passes > MOST.passes {
        return Err(KeyFileError::Damaged(format!("it asks for {cost:?}")));
    }
    Ok(cost)
}

fn derive(
    passphrase: &SecretString,
    salt: &[u8; 16],
    cost: Cost,
) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    if passphrase.expose_secret().is_empty() {
        return Err(KeyFileError::PassphraseEmpty);
    }
    let refused = |error: argon2::Error| KeyFileError::Refused(format!("making the key: {error}"));
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(refused)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose_secret().as_bytes(), salt, key.as_mut_slice())
        .map_err(refused)?;
    Ok(key)
}

fn random<const N: usize>() -> Result<[u8; N], KeyFileError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| KeyFileError::Refused(format!("no randomness: {error}")))?;
    Ok(bytes)
}

fn bytes<const N: usize>(text: &str, what: &str) -> Result<[u8; N], KeyFileError> {
    let decoded = STANDARD.decode(text).ok().and_then(|bytes| <[u8; N]>::try_from(bytes).ok());
    decoded.ok_or_else(|| KeyFileError::Damaged(format!("its {what} is not {N} bytes of base64")))
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_private(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that is returned matters more than one about a leftover.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    if cfg!(windows) { Ok(()) } else { File::open(folder)?.sync_all() }
}

/// Only the owner may read it, from its first byte on. On Windows the profile's folder says so.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1 };

    fn secrets() -> Secrets {
        let mut secrets = Secrets::new();
        secrets.insert("a".into(), SecretString::from("a-token-to-look-for"));
        secrets
    }

    fn made() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("inner/keys.json");
        KeyFile::create_at_cost(&path, &"correct horse".into(), &secrets(), CHEAP).expect("made");
        (folder, path)
    }

    #[test]
    fn the_right_passphrase_opens_it_and_a_wrong_one_says_so() {
        let (_folder, path) = made();
        let (file, read) = KeyFile::open(&path, &"correct horse".into()).expect("opens");
        assert_eq!(read.token(&"a".into()).map(|token| token.expose_secret()), Some("a-token-to-look-for"));
        assert!(!format!("{file:?}").contains(&format!("{:?}", file.key.as_slice())));
        let wrong = KeyFile::open(&path, &"correct house".into()).expect_err("refused");
        assert_eq!(wrong.fault().code, FaultCode::PassphraseWrong);
        let empty = KeyFile::create(&path, &"".into(), &secrets()).expect_err("refused");
        assert_eq!(empty.fault().code, FaultCode::InvalidInput);
        assert!(KeyFile::open(&path, &"correct horse".into()).is_ok(), "a refused creation changed nothing");
    }

    #[test]
    fn the_default_cost_is_used_and_stands_in_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("keys.json");
        KeyFile::create(&path, &"p".into(), &secrets()).expect("made");
        let text = fs::read_to_string(&path).expect("read");
        assert!(text.contains("\"memory_kib\": 65536") && text.contains("\"passes\": 3"), "{text}");
        KeyFile::open(&path, &"p".into()).expect("opens");
    }

    #[test]
    fn no_token_and_no_passphrase_is_in_the_file_and_only_its_owner_reads_it() {
        let (_folder, path) = made();
        let text = fs::read_to_string(&path).expect("read");
        assert!(!text.contains("a-token-to-look-for") && !text.contains("correct horse"), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let names = fs::read_dir(path.parent().expect("a folder")).expect("listed").count();
        assert_eq!(names, 1, "no temporary file is left");
    }

    #[test]
    fn tokens_are_added_without_the_passphrase_and_each_save_looks_different() {
        let (_folder, path) = made();
        let (file, mut read) = KeyFile::open(&path, &"correct horse".into()).expect("opens");
        let before = fs::read_to_string(&path).expect("read");
        read.insert("b".into(), SecretString::from("second"));
        file.save(&read).expect("saved");
        assert_ne!(before, fs::read_to_string(&path).expect("read"));
        let (_, again) = KeyFile::open(&path, &"correct horse".into()).expect("opens");
        assert_eq!(again.accounts().count(), 2);
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_refused() {
        let (_folder, path) = made();
        let whole = fs::read(&path).expect("read");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).expect("written");
            match KeyFile::open(&path, &"correct horse".into()) {
                Err(_) => {}
                // White space, or a name that the reader ignores, is nothing that was sealed.
                Ok((_, read)) => {
                    assert_eq!(read.to_text().as_str(), secrets().to_text().as_str(), "byte {at}")
                }
            }
            fs::write(&path, &whole[..at]).expect("written");
            let cut = KeyFile::open(&path, &"correct horse".into());
            assert!(cut.is_err() || at + 1 == whole.len(), "cut at {at}: only the last line break may go");
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_or_comes_from_later_is_refused() {
        let (_folder, path) = made();
        let text = fs::read_to_string(&path).expect("read");
        fs::write(&path, text.replace("\"memory_kib\": 64", "\"memory_kib\": 99999999")).expect("written");
        assert!(matches!(KeyFile::open(&path, &"p".into()), Err(KeyFileError::Damaged(_))));
        fs::write(&path, text.replace("\"version\": 1", "\"version\": 2")).expect("written");
        assert!(matches!(KeyFile::open(&path, &"p".into()), Err(KeyFileError::Newer(2))));
    }
}
