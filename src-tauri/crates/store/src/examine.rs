//! Looks at a database file before anything may write to it, and says which state it is in. A file that is refused stays
//! bit-identical: headers are read as plain bytes, and SQLite opens it read-only (`immutable` when there is no
//! write-ahead log, so that not even side files appear).

use crate::error::Error;
use crate::migrations::{APPLICATION_ID, KNOWN_VERSION, migrate};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the check at start may take; what is not reached by then is taken as sound. `integrity` has no such limit.
const CHECK_AT_START: Duration = Duration::from_millis(1_000);

/// What is wrong with a file.
#[derive(Debug)]
pub(crate) enum Refusal {
    Newer { found: u32 },
    Damaged(String),
    Locked,
    Unreadable(Error),
}

/// A file that may be opened.
#[derive(Debug)]
pub(crate) struct Sound {
    /// Its schema version; below `KNOWN_VERSION` it must be migrated.
    pub(crate) version: u32,
    /// The search index contradicts itself: everything else is sound, and it can be made anew.
    pub(crate) index_damaged: bool,
    /// There is a write-ahead log whose first bytes are not one: keep a copy before SQLite overwrites it.
    pub(crate) strange_log: bool,
}

/// The side file of that database.
pub(crate) fn side_file(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Examines the database at `path`, which exists. `thorough` has no time limit.
pub(crate) fn examine(path: &Path, thorough: bool) -> Result<Sound, Refusal> {
    let header = read_header(path)?;
    let version = check_header(&header)?;
    let log = log_state(&side_file(path, "-wal")).map_err(Refusal::Unreadable)?;
    let connection = open_to_look(path, log == Log::Filled)?;
    // A crash between a migration and its checkpoint leaves the newer number in the log only.
    let version = match pragma(&connection, "user_version")? {
        in_log if in_log > KNOWN_VERSION => return Err(Refusal::Newer { found: in_log }),
        0 => return Err(Refusal::Damaged("it holds no schema".into())),
        in_log => in_log.max(version.min(KNOWN_VERSION)),
    };
    if pragma(&connection, "application_id")? != APPLICATION_ID {
        return Err(Refusal::Damaged("it is not a database of Edgewise".into()));
    }
    check_schema(&connection, version)?;
    let index_damaged = check_pages(&connection, (!thorough).then_some(CHECK_AT_START))?;
    Ok(Sound { version, index_damaged, strange_log: log == Log::Strange })
}

fn read_header(path: &Path) -> Result<[u8; 100], Refusal> {
    let error = |source: io::Error| Refusal::Unreadable(Error::io("reading", path, source));
    let metadata = fs::metadata(path).map_err(error)?;
    if !metadata.is_file() {
        let kind = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
        return Err(error(kind));
    }
    let mut header = [0; 100];
    let mut file = File::open(path).map_err(error)?;
    match file.read_exact(&mut header) {
        Ok(()) => Ok(header),
        Err(short) if short.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Refusal::Damaged(format!("it is only {} bytes long", metadata.len())))
        }
        Err(other) => Err(error(other)),
    }
}

/// Offsets from <https://www.sqlite.org/fileformat2.html#the_database_header>.
fn check_header(header: &[u8; 100]) -> Result<u32, Refusal> {
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if &header[..16] != b"SQLite format 3\0" {
        return Err(Refusal::Damaged("its first bytes are not those of a database".into()));
    }
    if number(68) != APPLICATION_ID {
        return Err(Refusal::Damaged("it is not a database of Edgewise".into()));
    }
    match number(60) {
        // A version far beyond any release is a flipped bit rather than a newer Edgewise.
        absurd if absurd > 100_000 => Err(Refusal::Damaged(format!("its version is {absurd}"))),
        newer if newer > KNOWN_VERSION => Err(Refusal::Newer { found: newer }),
        known => Ok(known),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Log {
    Empty,
    Filled,
    Strange,
}

fn log_state(log: &Path) -> Result<Log, Error> {
    let mut file = match File::open(log) {
        Ok(file) => file,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Log::Empty),
        Err(source) => return Err(Error::io("reading", log, source)),
    };
    let mut start = Vec::with_capacity(32);
    file.by_ref().take(32).read_to_end(&mut start).map_err(|source| Error::io("reading", log, source))?;
    if start.len() < 32 || start.iter().all(|byte| *byte == 0) {
        return Ok(Log::Empty); // nothing was ever committed through it
    }
    Ok(if log_header_is_sound(&start) { Log::Filled } else { Log::Strange })
}

/// Magic number and checksum of <https://www.sqlite.org/fileformat2.html#wal_file_format>.
fn log_header_is_sound(start: &[u8]) -> bool {
    let big = |at: usize| u32::from_be_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]);
    let magic = big(0);
    if magic & 0xffff_fffe != 0x377f_0682 {
        return false;
    }
    let word = |at: usize| if magic & 1 == 1 { big(at) } else { big(at).swap_bytes() };
    let (mut first, mut second) = (0_u32, 0_u32);
    for at in (0..24).step_by(8) {
        first = first.wrapping_add(word(at)).wrapping_add(second);
        second = second.wrapping_add(word(at + 4)).wrapping_add(first);
    }
    (first, second) == (big(24), big(28))
}

/// Opens without the possibility to write. With a filled log SQLite has to read it through its shared index, and makes
/// that side file anew; the database and the log stay as they are, and a reader never checkpoints.
pub(crate) fn open_to_look(path: &Path, with_log: bool) -> Result<Connection, Refusal> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(path, !with_log), flags).map_err(refusal)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(refusal)?;
    connection
        .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;")
        .map_err(refusal)?;
    Ok(connection)
}

/// A `file:` URI for `path`. `immutable`: no locks and no side files.
pub(crate) fn uri(path: &Path, immutable: bool) -> String {
    let mut uri = String::from("file:");
    let text = path.to_string_lossy().replace('\\', "/");
    if cfg!(windows) && !text.starts_with('/') {
        uri.push('/');
    }
    for byte in text.bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.push_str(&format!("%{byte:02X}")),
            // Bytes above ASCII are escaped too, so that the URI is valid whatever the name.
            128.. => uri.push_str(&format!("%{byte:02X}")),
            _ => uri.push(char::from(byte)),
        }
    }
    uri.push_str(if immutable { "?mode=ro&immutable=1" } else { "?mode=ro" });
    uri
}

fn pragma(connection: &Connection, name: &str) -> Result<u32, Refusal> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).map_err(refusal)
}

/// The definitions of all tables, indexes, views and triggers, by name.
pub(crate) fn definitions(connection: &Connection) -> rusqlite::Result<BTreeMap<String, (String, String)>> {
    let mut query = connection.prepare("SELECT name, type, coalesce(sql, '') FROM sqlite_schema")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    rows.collect()
}

/// What the schema of that version holds.
pub(crate) fn expected_definitions(version: u32) -> Result<BTreeMap<String, (String, String)>, Error> {
    let mut model = Connection::open_in_memory()?;
    migrate(&mut model, Some(version))?;
    Ok(definitions(&model)?)
}

fn check_schema(connection: &Connection, version: u32) -> Result<(), Refusal> {
    let found = definitions(connection).map_err(refusal)?;
    let expected = expected_definitions(version).map_err(Refusal::Unreadable)?;
    match expected.iter().find(|(name, definition)| found.get(*name) != Some(definition)) {
        Some((name, _)) => Err(Refusal::Damaged(format!("its part \"{name}\" is missing or changed"))),
        None => Ok(()),
    }
}

/// SQLite's own checks, up to the limit in all; whether only the search index is damaged. The list of conversations comes
/// first and with its indexes: a damaged one could look like an empty history. Then all pages, then the messages' indexes.
fn check_pages(connection: &Connection, limit: Option<Duration>) -> Result<bool, Refusal> {
    if let Some(limit) = limit {
        let begun = Instant::now();
        connection.progress_handler(20_000, Some(move || begun.elapsed() > limit)).map_err(refusal)?;
    }
    let mut index_damaged = false;
    let mut outcome = Ok(());
    for check in ["integrity_check('conversation')", "quick_check(10)", "integrity_check('message')"] {
        outcome = said_by(connection, check).and_then(|said| {
            let (index, other): (Vec<_>, Vec<_>) =
                said.into_iter().filter(|line| line != "ok").partition(|line| is_about_index(line));
            index_damaged |= !index.is_empty();
            other.into_iter().next().map_or(Ok(()), |line| Err(Refusal::Damaged(line)))
        });
        if outcome.is_err() {
            break;
        }
    }
    connection.progress_handler(0, None::<fn() -> bool>).map_err(refusal)?;
    outcome.map(|()| index_damaged)
}

/// What a check says, line by line; nothing when it ran out of time.
fn said_by(connection: &Connection, check: &str) -> Result<Vec<String>, Refusal> {
    let ask = || -> rusqlite::Result<Vec<String>> {
        let mut check = connection.prepare(&format!("PRAGMA {check}"))?;
        check.query_map([], |row| row.get(0))?.collect()
    };
    match ask() {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(Vec::new()),
        said => said.map_err(refusal),
    }
}

/// FTS5 reports its own findings in this form; those of the pages below it look different.
fn is_about_index(line: &str) -> bool {
    line.contains("inverted index for FTS5 table")
}

pub(crate) fn refusal(error: rusqlite::Error) -> Refusal {
    match Error::from(error) {
        Error::Busy => Refusal::Locked,
        Error::Damaged(detail) => Refusal::Damaged(detail),
        // What cannot be prepared or read as the type it must have is damage too: the queries here are fixed.
        Error::Sqlite(error) => Refusal::Damaged(error.to_string()),
        other => Refusal::Unreadable(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_characters_becomes_a_uri() {
        assert_eq!(uri(Path::new("/a b/50%?#ü"), true), "file:/a b/50%25%3F%23%C3%BC?mode=ro&immutable=1");
    }

    #[test]
    fn a_log_header_is_told_from_garbage() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.sqlite");
        let connection = Connection::open(&path).expect("opened");
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE a (b);").expect("filled");
        let log = side_file(&path, "-wal");
        assert_eq!(log_state(&log).expect("read"), Log::Filled);
        let copy = folder.path().join("copy-wal");
        let mut bytes = fs::read(&log).expect("read");
        bytes[9] ^= 1;
        fs::write(&copy, &bytes).expect("written");
        assert_eq!(log_state(&copy).expect("read"), Log::Strange);
        fs::write(&copy, vec![0; 4_096]).expect("written");
        assert_eq!(log_state(&copy).expect("read"), Log::Empty, "a log of zeros holds nothing");
    }
}
