//! The open database: one writer, a few readers, cheap to clone. Blocking: callers on an async runtime use a blocking
//! thread.

use crate::copies;
use crate::error::{Error, Result};
use crate::examine::{Refusal, Sound, examine, side_file, uri};
use crate::files::{make_folder, put_in_place, sync_file, temporary_beside};
use crate::migrations::{KNOWN_VERSION, migrate};
use domain::{BackupCopy, DatabaseState, Fault, FaultCode, MessageId, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The database's name within the data folder.
pub const DATABASE: &str = "edgewise.sqlite";
const LOCK: &str = "edgewise.lock";
/// How long a statement waits for another program.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers that are kept open when idle.
const READERS_KEPT: usize = 4;
/// SQLite before this carries the WAL-reset bug (reliability S12).
const SQLITE_FLOOR: i32 = 3_051_003;

/// Why a database was not opened. The file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was made by a newer Edgewise.
    #[error("the database has version {found}, this Edgewise knows {known}")]
    Newer {
        /// Its schema version.
        found: u32,
        /// The newest known one.
        known: u32,
    },
    /// It is damaged, or missing while copies or other remains of it exist.
    #[error("the database is damaged: {detail}")]
    Damaged {
        /// What the check said.
        detail: String,
        /// Copies that can be restored, newest first.
        copies: Vec<BackupCopy>,
    },
    /// Another process has it open.
    #[error("another program holds the database")]
    Locked,
    /// The folder or the file cannot be used.
    #[error("the database cannot be opened")]
    Unreadable(#[from] Error),
}

impl OpenError {
    /// The state for the window, which has a screen for each.
    pub fn state(&self) -> DatabaseState {
        match self {
            Self::Newer { found, known } => DatabaseState::Newer { found: *found, known: *known },
            Self::Damaged { detail, copies } => {
                DatabaseState::Damaged { detail: detail.clone(), copies: copies.clone() }
            }
            Self::Locked => DatabaseState::Locked,
            Self::Unreadable(error) => DatabaseState::Unreadable { fault: error.fault() },
        }
    }

    /// The fault with which every use case answers while the database is not open.
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::Newer { .. } => FaultCode::DatabaseNewer,
            Self::Damaged { .. } => FaultCode::DatabaseDamaged,
            Self::Locked => FaultCode::DatabaseBusy,
            Self::Unreadable(error) => return error.fault(),
        };
        Fault::new(code).with_detail(self.to_string())
    }

    fn from_refusal(refusal: Refusal, dir: &Path) -> Self {
        match refusal {
            Refusal::Newer { found } => Self::Newer { found, known: KNOWN_VERSION },
            Refusal::Damaged(detail) => Self::Damaged { detail, copies: copies::list(dir) },
            Refusal::Locked => Self::Locked,
            Refusal::Unreadable(error) => Self::Unreadable(error),
        }
    }
}

/// An open database with the files beside it. Clones share it; the last one closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// The data folder; `None` in memory.
    dir: Option<PathBuf>,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    read_only: bool,
    /// Nobody writes this database, so that what it calls streaming was cut (`recover` of a read-only store).
    abandoned: AtomicBool,
    /// Attachments of a store in memory.
    held_bytes: Mutex<HashMap<String, Vec<u8>>>,
    /// Of each answer in flight, how many bytes of text and of thoughts are in the journal.
    journalled: Mutex<HashMap<MessageId, (usize, usize)>>,
    /// Held while the database is open, so that a second process is told `Locked`.
    _lock: Option<File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database in `dir`, or makes one where there has never been one. `now` names the copy that is made
    /// before a migration. A folder that cannot be written opens for reading, and every change answers `ReadOnly`.
    pub fn open(dir: &Path, now: Timestamp) -> Result<Self, OpenError> {
        check_sqlite()?;
        if let Err(error) = make_folder(dir)
            && !dir.is_dir()
        {
            return Err(error.into());
        }
        match take_lock(dir) {
            Ok(lock) => open_locked(dir, lock, now),
            Err(OpenError::Unreadable(error @ Error::ReadOnly { .. })) => {
                if dir.join(DATABASE).is_file() {
                    Self::open_read_only(dir)
                } else {
                    Err(error.into())
                }
            }
            Err(other) => Err(other),
        }
    }

    /// Opens an existing database for reading beside the process that writes it, without waiting for it.
    pub fn open_read_only(dir: &Path) -> Result<Self, OpenError> {
        check_sqlite()?;
        let database = dir.join(DATABASE);
        let sound = examine(&database, false).map_err(|refusal| OpenError::from_refusal(refusal, dir))?;
        if sound.version < KNOWN_VERSION {
            let why = format!("version {} has to be migrated first", sound.version);
            return Err(Error::ReadOnly { path: Some(dir.to_owned()), why }.into());
        }
        let connection = open_reader(&database)?;
        Ok(Self::with(Some(dir.to_owned()), connection, true, None))
    }

    /// Sets the present database aside (into `damaged-…`, nothing is deleted) and begins a new one.
    pub fn start_fresh(dir: &Path, now: Timestamp) -> Result<Self, OpenError> {
        check_sqlite()?;
        let lock = take_lock(dir)?;
        set_aside(dir, now)?;
        create(&dir.join(DATABASE))?;
        open_locked(dir, lock, now)
    }

    /// Sets the present database aside and opens a copy of [`copies`](Self::copies) in its place.
    pub fn restore_copy(dir: &Path, name: &str, now: Timestamp) -> Result<Self, OpenError> {
        check_sqlite()?;
        let lock = take_lock(dir)?;
        let copy = copies::find(dir, name)?;
        examine(&copy, true).map_err(|refusal| OpenError::from_refusal(refusal, dir))?;
        let database = dir.join(DATABASE);
        let temporary = temporary_beside(&database);
        fs::copy(&copy, &temporary).map_err(|source| Error::io("copying to", &temporary, source))?;
        sync_file(&temporary)?;
        set_aside(dir, now)?;
        put_in_place(&temporary, &database)?;
        open_locked(dir, lock, now)
    }

    /// An empty database that lives as long as its clones, for tests.
    pub fn in_memory() -> Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        migrate(&mut connection, None)?;
        prepare(&connection)?;
        Ok(Self::with(None, connection, false, None))
    }

    fn with(dir: Option<PathBuf>, writer: Connection, read_only: bool, lock: Option<File>) -> Self {
        let inner = Inner {
            dir,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            read_only,
            abandoned: AtomicBool::new(false),
            held_bytes: Mutex::default(),
            journalled: Mutex::default(),
            _lock: lock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The data folder; `None` in memory.
    pub fn dir(&self) -> Option<&Path> {
        self.inner.dir.as_deref()
    }

    /// Changes answer `ReadOnly`.
    pub fn is_read_only(&self) -> bool {
        self.inner.read_only
    }

    /// What is called streaming here was cut: nobody writes it, and nobody can mark it.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.inner.abandoned.load(Ordering::Relaxed)
    }

    pub(crate) fn set_abandoned(&self) {
        self.inner.abandoned.store(true, Ordering::Relaxed);
    }

    /// Runs `work` in one transaction that is on disk when this returns (WAL with `synchronous = FULL`). One at a time;
    /// `work` must not call the store again. Any error undoes all of it.
    pub fn write<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if self.inner.read_only {
            let why = "it was opened for reading".to_owned();
            return Err(Error::ReadOnly { path: self.inner.dir.clone(), why }.into());
        }
        let failed = |error: rusqlite::Error| Error::from(error).in_folder(self.dir());
        let mut writer = locked(&self.inner.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let value = work(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(value)
    }

    /// Runs `work` on one consistent state, beside the writer. In memory there is only one connection, so that `work`
    /// must not call the store again.
    pub fn read<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let failed = |error: rusqlite::Error| Error::from(error).in_folder(self.dir());
        let Some(dir) = &self.inner.dir else {
            let mut only = locked(&self.inner.writer);
            return work(&only.transaction().map_err(failed)?);
        };
        let kept = locked(&self.inner.readers).pop();
        let mut reader = match kept {
            Some(reader) => reader,
            None => open_reader(&dir.join(DATABASE))?,
        };
        let value = work(&reader.transaction().map_err(failed)?);
        let mut readers = locked(&self.inner.readers);
        if readers.len() < READERS_KEPT {
            readers.push(reader);
        }
        value
    }

    /// [`write`](Self::write) for this crate's own functions, whose errors name the folder.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.write(work).map_err(|error: Error| error.in_folder(self.dir()))
    }

    /// [`read`](Self::read) for this crate's own functions.
    pub(crate) fn look<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.read(work).map_err(|error: Error| error.in_folder(self.dir()))
    }

    /// The writer without a transaction, for what cannot run in one.
    pub(crate) fn writer(&self) -> Result<MutexGuard<'_, Connection>> {
        if self.inner.read_only {
            let why = "it was opened for reading".to_owned();
            return Err(Error::ReadOnly { path: self.inner.dir.clone(), why });
        }
        Ok(locked(&self.inner.writer))
    }

    pub(crate) fn journalled(&self) -> MutexGuard<'_, HashMap<MessageId, (usize, usize)>> {
        locked(&self.inner.journalled)
    }

    pub(crate) fn held_bytes(&self) -> MutexGuard<'_, HashMap<String, Vec<u8>>> {
        locked(&self.inner.held_bytes)
    }

    /// Moves what the log holds into the database as far as no reader is in the way. Called at the end of each answer;
    /// it is no failure when another reader keeps it waiting.
    pub fn checkpoint(&self) {
        let Ok(writer) = self.writer() else { return };
        if let Err(error) = writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log waits for the next checkpoint");
        }
    }

    /// Makes a copy of the database when the newest is older than a day.
    pub fn keep_daily_copy(&self, now: Timestamp) -> Result<Option<BackupCopy>> {
        match self.dir() {
            Some(dir) if copies::is_due(dir, now) => self.copy_now(now).map(Some),
            _ => Ok(None),
        }
    }

    /// Makes a copy of the database now, and lets the oldest beyond seven go. Others may write meanwhile.
    pub fn copy_now(&self, now: Timestamp) -> Result<BackupCopy> {
        let dir = self.on_disk()?;
        copies::make(&self.fresh_reader()?, dir, KNOWN_VERSION, now)
            .map_err(|error| error.in_folder(Some(dir)))
    }

    /// The data folder; a store in memory has none, and so neither copies nor backups.
    pub(crate) fn on_disk(&self) -> Result<&Path> {
        self.dir().ok_or_else(|| Error::Invalid("a store in memory has no copies and no backups".into()))
    }

    /// A connection of its own for work that takes long beside the others.
    pub(crate) fn fresh_reader(&self) -> Result<Connection> {
        open_reader(&self.on_disk()?.join(DATABASE))
    }

    /// The copies of the database, newest first.
    pub fn copies(&self) -> Vec<BackupCopy> {
        self.dir().map(copies::list).unwrap_or_default()
    }

    /// Checks every page and every reference: nothing when all is sound, else what was found. Takes its time.
    pub fn integrity(&self) -> Result<Vec<String>> {
        self.look(|tx| {
            let mut said: Vec<String> = tx
                .prepare("PRAGMA integrity_check(20)")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            said.retain(|line| line != "ok");
            let mut orphans = tx.prepare("PRAGMA foreign_key_check")?;
            let orphans = orphans.query_map([], |row| row.get::<_, String>(0))?;
            for table in orphans.take(20) {
                said.push(format!("a row of \"{}\" refers to nothing", table?));
            }
            Ok(said)
        })
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere cannot leave a connection half-way: its transaction was rolled back when it was dropped.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check_sqlite() -> Result<()> {
    if rusqlite::version_number() < SQLITE_FLOOR {
        return Err(Error::SqliteTooOld(rusqlite::version().to_owned()));
    }
    Ok(())
}

fn take_lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let error = |source| Error::io("opening", &path, source);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
        Err(TryLockError::Error(source)) => Err(error(source).into()),
    }
}

fn open_locked(dir: &Path, lock: File, now: Timestamp) -> Result<Store, OpenError> {
    let database = dir.join(DATABASE);
    if !exists(&database)? {
        refuse_to_forget(dir)?;
        create(&database)?;
    }
    let sound = examine(&database, false).map_err(|refusal| OpenError::from_refusal(refusal, dir))?;
    keep_strange_log(dir, &sound, now)?;
    let refused = |error: rusqlite::Error| match Error::from(error).in_folder(Some(dir)) {
        Error::Busy => OpenError::Locked,
        Error::Damaged(detail) => OpenError::Damaged { detail, copies: copies::list(dir) },
        other => OpenError::Unreadable(other),
    };
    let mut connection = open_writer(&database).map_err(refused)?;
    if sound.version < KNOWN_VERSION {
        copies::make(&connection, dir, sound.version, now)?;
        migrate(&mut connection, None)?;
        // So that the header in the file tells an older Edgewise the new version.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(refused)?;
    }
    let store = Store::with(Some(dir.to_owned()), connection, false, Some(lock));
    if sound.index_damaged {
        tracing::warn!("the search index was damaged and is made anew");
        store.rebuild_search_index()?;
    }
    Ok(store)
}

fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::io("reading", path, source)),
    }
}

/// No database, but signs that there was one: an empty history must not take its place unasked.
fn refuse_to_forget(dir: &Path) -> Result<(), OpenError> {
    let log = side_file(&dir.join(DATABASE), "-wal");
    let log_holds_data = fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0);
    let copies = copies::list(dir);
    if log_holds_data || !copies.is_empty() {
        return Err(OpenError::Damaged { detail: "its file is missing".into(), copies });
    }
    Ok(())
}

/// A new database appears whole: under another name first, then renamed.
fn create(database: &Path) -> Result<()> {
    let temporary = temporary_beside(database);
    let mut connection = Connection::open(&temporary)?;
    connection.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;")?;
    migrate(&mut connection, None)?;
    connection.close().map_err(|(_, error)| Error::from(error))?;
    sync_file(&temporary)?;
    put_in_place(&temporary, database)
}

/// SQLite takes a log without a sound beginning for an empty one and writes over it; what it held may be wanted.
fn keep_strange_log(dir: &Path, sound: &Sound, now: Timestamp) -> Result<()> {
    if !sound.strange_log {
        return Ok(());
    }
    let aside = aside_folder(dir, now)?;
    let log = side_file(&dir.join(DATABASE), "-wal");
    let target = aside.join(format!("{DATABASE}-wal"));
    fs::copy(&log, &target).map_err(|source| Error::io("copying to", &target, source))?;
    sync_file(&target)
}

fn aside_folder(dir: &Path, now: Timestamp) -> Result<PathBuf> {
    let base = format!("damaged-{}", copies::name_of_instant(now));
    let free = |name: &String| !dir.join(name).exists();
    let name = std::iter::once(base.clone())
        .chain((2..).map(|number| format!("{base}-{number}")))
        .find(free)
        .expect("numbers do not end");
    let folder = dir.join(name);
    make_folder(&folder)?;
    Ok(folder)
}

fn set_aside(dir: &Path, now: Timestamp) -> Result<()> {
    let present: Vec<_> = ["", "-wal", "-shm", "-journal"]
        .iter()
        .map(|suffix| side_file(&dir.join(DATABASE), suffix))
        .filter(|path| path.exists())
        .collect();
    if present.is_empty() {
        return Ok(());
    }
    let aside = aside_folder(dir, now)?;
    for path in present {
        let target = aside.join(path.file_name().unwrap_or_default());
        put_in_place(&path, &target)?;
    }
    Ok(())
}

fn open_writer(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST;",
    )?;
    prepare(&connection)?;
    Ok(connection)
}

/// Opens a reader. A folder that cannot be written and has no write-ahead log is read without locks: there SQLite could
/// not make the side files that it needs.
fn open_reader(database: &Path) -> Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = |immutable| -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(uri(database, immutable), flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        prepare(&connection)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    let log_is_empty = fs::metadata(side_file(database, "-wal")).map_or(true, |log| log.len() == 0);
    match open(false) {
        Err(error) if log_is_empty && error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) => {
            Ok(open(true)?)
        }
        opened => Ok(opened?),
    }
}

/// What every connection is told: foreign keys hold, and nothing in a file's schema may call functions or write to the
/// tables behind an index.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;
         PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;",
    )
}
