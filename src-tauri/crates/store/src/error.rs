//! What can go wrong on disk, named after the event, and its one mapping to the closed set of fault codes.

use domain::{Fault, FaultCode};
use rusqlite::ErrorCode;
use std::io;
use std::path::{Path, PathBuf};

/// A failure of the store. `store` changes nothing when it returns one: every change is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No space is left, or a quota is reached. Works again by itself when there is space.
    #[error("the disk is full")]
    DiskFull(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The folder or a file in it cannot be written, or the disk refuses (`EIO`).
    #[error("{} cannot be written: {why}", path.as_deref().unwrap_or(Path::new("the data folder")).display())]
    ReadOnly {
        /// The folder, when known.
        path: Option<PathBuf>,
        /// What the system said.
        why: String,
    },
    /// Another program held the database for longer than five seconds.
    #[error("another program holds the database")]
    Busy,
    /// The database's pages contradict themselves.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// A file was made by a newer Edgewise.
    #[error("version {found} is newer than {known}, the newest that is known here")]
    Newer {
        /// Its schema version.
        found: u32,
        /// The newest known one.
        known: u32,
    },
    /// It does not exist (any more).
    #[error("there is no {0}")]
    NotFound(String),
    /// The caller's input cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// A file cannot be read.
    #[error("{doing}")]
    Unreadable {
        /// What was being done, with the file's name.
        doing: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// SQLite is older than 3.51.3, which carries a bug that can corrupt a write-ahead log.
    #[error("SQLite {0} is too old: 3.51.3 is needed")]
    SqliteTooOld(String),
    /// Anything else that SQLite says: a defect of ours.
    #[error("the database refused")]
    Sqlite(#[source] rusqlite::Error),
    /// A value could not be written as JSON: a defect of ours.
    #[error("writing JSON")]
    Json(#[from] serde_json::Error),
}

impl Error {
    /// The fault that the window and the command line show.
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::DiskFull(_) => FaultCode::DiskFull,
            Self::ReadOnly { .. } => FaultCode::ReadOnly,
            Self::Busy => FaultCode::DatabaseBusy,
            Self::Damaged(_) => FaultCode::DatabaseDamaged,
            Self::Newer { .. } => FaultCode::DatabaseNewer,
            Self::NotFound(_) => FaultCode::NotFound,
            Self::Invalid(_) => FaultCode::InvalidInput,
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => {
                FaultCode::FileTooLarge
            }
            Self::Unreadable { .. } => FaultCode::FileUnreadable,
            Self::SqliteTooOld(_) | Self::Sqlite(_) | Self::Json(_) => FaultCode::Internal,
        };
        Fault::new(code).with_detail(self.told())
    }

    /// Its sentence with its causes, for the details that a person may copy.
    fn told(&self) -> String {
        let mut told = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(next) = cause {
            told.push_str(": ");
            told.push_str(&next.to_string());
            cause = next.source();
        }
        told
    }

    /// The same failure, naming the folder that cannot be written.
    pub(crate) fn in_folder(self, folder: Option<&Path>) -> Self {
        match self {
            Self::ReadOnly { path: None, why } => Self::ReadOnly { path: folder.map(Path::to_owned), why },
            other => other,
        }
    }

    /// Classifies a failure of the file system that happened while `doing` something with `path`.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match source.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Self::DiskFull(Box::new(source)),
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => {
                Self::ReadOnly { path: Some(path.to_owned()), why: source.to_string() }
            }
            Kind::NotFound => Self::NotFound(format!("file {}", path.display())),
            _ => Self::Unreadable { doing: format!("{doing} {}", path.display()), source },
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            return match error {
                rusqlite::Error::QueryReturnedNoRows => Self::NotFound("such row".into()),
                other => Self::Sqlite(other),
            };
        };
        match code {
            ErrorCode::DiskFull => Self::DiskFull(Box::new(error)),
            // A failed write or sync (EIO, a file-size limit): nothing was committed, and the same call may work later.
            ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen => {
                Self::ReadOnly { path: None, why: error.to_string() }
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

/// What the store's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn each_failure_of_the_disk_has_its_own_code() {
        let told =
            |code| Error::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).fault().code;
        for (code, expected) in [
            (ffi::SQLITE_FULL, FaultCode::DiskFull),
            (ffi::SQLITE_IOERR_WRITE, FaultCode::ReadOnly),
            (ffi::SQLITE_IOERR_FSYNC, FaultCode::ReadOnly),
            (ffi::SQLITE_READONLY_DIRECTORY, FaultCode::ReadOnly),
            (ffi::SQLITE_CANTOPEN, FaultCode::ReadOnly),
            (ffi::SQLITE_BUSY_SNAPSHOT, FaultCode::DatabaseBusy),
            (ffi::SQLITE_CORRUPT_VTAB, FaultCode::DatabaseDamaged),
            (ffi::SQLITE_NOTADB, FaultCode::DatabaseDamaged),
            (ffi::SQLITE_CONSTRAINT, FaultCode::Internal),
        ] {
            assert_eq!(told(code), expected, "result code {code}");
        }
        let full = Error::io("writing", Path::new("x"), io::ErrorKind::StorageFull.into());
        assert_eq!(full.fault().code, FaultCode::DiskFull);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let error = Error::ReadOnly { path: None, why: "no".into() }.in_folder(Some(Path::new("/somewhere")));
        assert!(error.fault().detail.unwrap_or_default().contains("/somewhere"));
    }
}
