//! Bringing the codes up to the rows, in the background: new segments, merged segments, the inverted file.
//!
//! A thread of its own with a connection of its own that only reads. It sleeps until an upsert, a delete or a search
//! tells it that there may be work, does what [`next_work`] says until that says nothing, and sleeps again. The
//! rows need none of it: whatever fails here (a full disk, say) is kept for `stats`, and searches go on with codes
//! in memory.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::cancel::Cancel;
use crate::catalogue::{Catalogue, Range, code_files, remove};
use crate::core::Core;
use crate::draft::{Draft, UNFINISHED};
use crate::error::{Error, Result};
use crate::inverted;
use crate::rows::{self, Snapshot};
use crate::segment::Segment;

/// Fewer slots without a file are left to the searches, which read the rows or keep the codes in memory.
const FLUSH_SLOTS: u32 = 2048;

/// While rows keep coming the worker waits for so many: fewer files, and less work again for the same rows.
const BUSY_SLOTS: u32 = 16_384;

/// How long no row must come before the worker takes what there is.
const QUIET: Duration = Duration::from_millis(100);

/// Segments of about a size are written anew as one when there are so many beside each other. A row is then coded as
/// often as the fourth logarithm of the table's size says.
const MERGE_SEGMENTS: usize = 4;

/// The inverted file is made anew when the table has grown by this factor since its centres were chosen.
const RETRAIN_FACTOR: u64 = 4;

/// How often the worker looks again for rows whose transaction was not over when it was told of them.
const PATIENCE: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_secs(3),
    Duration::from_secs(10),
];

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
enum Work {
    /// Code these slots into one file.
    Code(Range),
    /// Put the slots up to this one into the inverted file.
    Extend(u32),
    /// Make an inverted file of everything.
    Invert,
}

/// How eager the upkeep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eagerness {
    /// Leaves small rests alone.
    Relaxed,
    /// Leaves nothing without a file.
    Thorough,
    /// Also writes everything anew, without the rows that were deleted.
    Anew,
}

fn next_work(core: &Core, catalogue: &Catalogue, now: Snapshot, eagerness: Eagerness) -> Option<Work> {
    let (segments, gaps) = catalogue.usable(now);
    let segments: Vec<_> =
        segments.into_iter().filter(|segment| segment.header.to <= now.next_slot).collect();
    let everything = (0, now.next_slot);
    let large = now.rows >= core.options.inverted_rows;
    if now.next_slot == 0 {
        return None;
    }
    if eagerness == Eagerness::Anew || wasteful(&segments, now) {
        return Some(if large { Work::Invert } else { Work::Code(everything) });
    }
    let base = segments.iter().find(|segment| segment.header.inverted);
    let unwritten = unwritten(&segments, &gaps);
    let reached = base.map_or(0, |base| base.header.to);
    if large && base.is_none_or(|base| now.rows >= RETRAIN_FACTOR * base.header.trained.max(1) as u64) {
        return Some(Work::Invert);
    }
    if let Some(base) = base
        && base.header.from == 0
        && (now.next_slot - reached) as usize
            > (base.header.rows / 8).max(core.options.inverted_rows as usize / 16)
    {
        return Some(Work::Extend(now.next_slot));
    }
    let least = if eagerness == Eagerness::Relaxed { FLUSH_SLOTS } else { 1 };
    let range = unwritten.into_iter().find(|(from, to)| to - from >= least)?;
    Some(Work::Code(widened(range, &segments)))
}

/// Whether a third of the codes, or more, belong to rows that are gone.
fn wasteful(segments: &[Arc<Segment>], now: Snapshot) -> bool {
    let coded: u64 = segments.iter().map(|segment| segment.header.rows as u64).sum();
    coded > now.rows + 1024 && coded - now.rows > coded / 3
}

/// The ranges without a file, joined where they touch.
fn unwritten(segments: &[Arc<Segment>], gaps: &[Range]) -> Vec<Range> {
    let mut ranges: Vec<Range> = gaps.to_vec();
    ranges.extend(segments.iter().filter(|segment| segment.path.is_none()).map(|segment| segment.range()));
    ranges.sort_unstable();
    let mut joined: Vec<Range> = Vec::new();
    for range in ranges {
        match joined.last_mut().filter(|last| last.1 >= range.0) {
            Some(last) => last.1 = last.1.max(range.1),
            None => joined.push(range),
        }
    }
    joined
}

/// The range with its neighbours to the left, when enough of them are not much larger.
fn widened(range: Range, segments: &[Arc<Segment>]) -> Range {
    let (mut from, mut largest, mut joined) = (range.0, range.1 - range.0, 1);
    let mut widened = range;
    for segment in segments.iter().rev().filter(|segment| segment.path.is_some() && !segment.header.inverted)
    {
        let (left, right) = segment.range();
        if right != from || right - left > 2 * largest {
            continue;
        }
        (from, joined) = (left, joined + 1);
        if joined >= MERGE_SEGMENTS {
            // From here on it is one segment of this size, which may be the fourth of its own kind.
            (widened.0, largest, joined) = (left, range.1 - left, 1);
        }
    }
    widened
}

/// Works until nothing is left to do. Returns whether it was this process's turn at all.
///
/// # Errors
/// [`Error::Cancelled`], [`Error::CodeFile`], and what the database says.
pub fn run(core: &Core, connection: &Connection, mut eagerness: Eagerness, cancel: &Cancel) -> Result<bool> {
    let Some(_turn) = Turn::take(&core.folder)? else { return Ok(false) };
    clean(core);
    let mut before = None;
    loop {
        let now = rows::snapshot(connection, core.coder.id)?;
        let catalogue = core.catalogue();
        let Some(work) = next_work(core, &catalogue, now, eagerness) else { return Ok(true) };
        // A database that counts its rows wrongly asks for the same for ever.
        if before.replace(work.clone()).is_some_and(|before| before == work) {
            return Ok(true);
        }
        if eagerness == Eagerness::Anew {
            eagerness = Eagerness::Thorough;
        }
        let Some(segment) = carry_out(core, connection, &work, &catalogue, now, cancel)? else { continue };
        let kept = segment.path.clone();
        for replaced in core.publish(segment) {
            if let Some(path) = replaced.path.as_ref().filter(|path| Some(*path) != kept.as_ref()) {
                remove(path);
            }
        }
    }
}

/// The new segment, or none when an old one turned out to be damaged and was dropped.
fn carry_out(
    core: &Core,
    connection: &Connection,
    work: &Work,
    catalogue: &Catalogue,
    now: Snapshot,
    cancel: &Cancel,
) -> Result<Option<Segment>> {
    let coder = &core.coder;
    let draft =
        Draft::in_file(&core.folder, coder.id.0, coder.rotation.padded(), core.options.mapped_records)
            .map_err(Error::code_file)?;
    match work {
        Work::Code(range) => coder.code(connection, *range, draft, cancel).map(Some),
        Work::Invert => {
            let everything = (0, now.next_slot);
            let size = (now.rows as usize, core.options.list_rows);
            inverted::build(coder, connection, everything, size, draft, cancel).map(Some)
        }
        Work::Extend(to) => {
            let base = catalogue.segments().iter().find(|segment| segment.header.inverted);
            let base = base.expect("work to extend an inverted file names one");
            Ok(match inverted::extend(coder, connection, base, *to, draft, cancel)? {
                Ok(segment) => Some(segment),
                Err(_) => {
                    core.discard(base);
                    None
                }
            })
        }
    }
}

/// Deletes what an interrupted writer left, and finished files that nothing refers to.
fn clean(core: &Core) {
    let prefix = format!("{}-", core.coder.id.0);
    for entry in fs::read_dir(&core.folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(&prefix);
        if ours && path.extension().is_some_and(|extension| extension == UNFINISHED) {
            remove(&path);
        }
    }
    let known = core.catalogue();
    let in_use = |path: &Path| known.segments().iter().any(|segment| segment.path.as_deref() == Some(path));
    for path in code_files(&core.folder, core.coder.id).into_iter().filter(|path| !in_use(path)) {
        // It may be another process's newer one, which a range inside one of ours is not.
        let covered =
            Segment::open(&path, core.options.mapped_records).ok().flatten().is_some_and(|segment| {
                known.segments().iter().any(|other| {
                    other.path.is_some()
                        && other.header.from <= segment.header.from
                        && segment.header.to <= other.header.to
                        && segment.header.version <= other.header.version
                })
            });
        if covered {
            remove(&path);
        }
    }
}

/// The right to write code files: one process at a time, freed by the system when the process dies.
struct Turn(#[allow(dead_code, reason = "held for its lock")] File);

impl Turn {
    fn take(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("upkeep.lock");
        fs::create_dir_all(folder).map_err(Error::code_file)?;
        let file =
            File::options().create(true).write(true).truncate(false).open(&path).map_err(Error::code_file)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::code_file(source)),
        }
    }
}

/// The worker's thread: waits to be told, works, waits again. Ends when the table is dropped.
pub fn worker(core: &Core) {
    let mut patience = 0;
    while let Some(told) = core.bell.wait(PATIENCE.get(patience).copied()) {
        patience = if told { 0 } else { patience + 1 };
        if told && !wait_for_quiet(core) {
            break;
        }
        let outcome =
            connect(core).and_then(|connection| run(core, &connection, Eagerness::Relaxed, core.bell.stop()));
        match outcome {
            // Rows may still come from a transaction that is not over: hence the patience.
            Ok(_) => core.keep_failure(None),
            Err(Error::Cancelled) => {}
            Err(failure) => core.keep_failure(Some(failure.to_string())),
        }
    }
}

/// Waits until no more rows come, or enough of them have. False when it is time to end.
fn wait_for_quiet(core: &Core) -> bool {
    let Ok(connection) = connect(core) else { return true };
    loop {
        match core.bell.wait(Some(QUIET)) {
            None => return false,
            Some(false) => return true,
            Some(true) => {
                let enough = rows::snapshot(&connection, core.coder.id)
                    .is_ok_and(|now| unwritten_slots(core, now) >= BUSY_SLOTS);
                if enough {
                    return true;
                }
            }
        }
    }
}

fn unwritten_slots(core: &Core, now: Snapshot) -> u32 {
    let (segments, gaps) = core.catalogue().usable(now);
    unwritten(&segments, &gaps).iter().map(|(from, to)| to - from).sum()
}

fn connect(core: &Core) -> Result<Connection> {
    let path = core.database.as_deref().unwrap_or(Path::new(""));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}
