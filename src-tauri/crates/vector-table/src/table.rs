//! The vector table: what others call.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionState};

use crate::cancel::Cancel;
use crate::catalogue::{Catalogue, Range};
use crate::coder::{Coder, Snapshotted};
use crate::core::{Core, locked};
use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::filter::{Allowed, Filter};
use crate::rows::{self, Row, Snapshot, StoredRow};
use crate::search::{self, Hit, Question, Recall};
use crate::segment::Segment;
use crate::space::{Space, SpaceId};
use crate::upkeep::{self, Eagerness};

/// Slots without a code that a search simply reads; with more it codes them first.
const READ_SLOTS: u32 = 64;

/// Slots that a search codes at a time, before it publishes them and looks whether it was cancelled.
const CATCH_UP_SLOTS: u32 = 65_536;

/// So few ids are looked up one by one.
const FEW_IDS: usize = 64;

/// How a table is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// From so many rows on there is an inverted file. A search over 100,000 rows of 768 without one took 0.3 ms, twice
    /// what hnswlib took beside it.
    pub inverted_rows: u64,
    /// Rows of a list of the inverted file, on the average. Small lists are looked into more sparingly.
    pub list_rows: usize,
    /// Four-bit codes of more bytes than this in one file are read one by one instead of being mapped, so that they never
    /// fill the memory.
    pub mapped_records: usize,
    /// Whether a thread of the table's own keeps the codes up to date. Without it, `settle` and `compact` do.
    pub background: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { inverted_rows: 100_000, list_rows: 250, mapped_records: 64 << 20, background: true }
    }
}

/// A table of vectors of one space. Clones are the same table; any number of threads may use them, each with a
/// connection of its own.
#[derive(Clone, Debug)]
pub struct VectorTable {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    core: Arc<Core>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.core.bell.stop_all();
        if let Some(worker) = locked(&self.worker).take() {
            // A worker that panicked has nothing to tell that matters now; the rows are safe.
            let _ = worker.join();
        }
    }
}

impl VectorTable {
    /// SQL that creates the tables, once for all spaces of a database: part of the caller's migration.
    pub const SCHEMA: &str = rows::SCHEMA;

    /// Creates a space, or finds the one that is exactly so.
    ///
    /// # Errors
    /// [`Error::UnsupportedDimensions`], and what the database says.
    pub fn create(transaction: &Transaction<'_>, space: &Space) -> Result<SpaceId> {
        rows::create_space(transaction, space)
    }

    /// All spaces of the database.
    ///
    /// # Errors
    /// What the database says.
    pub fn spaces(connection: &Connection) -> Result<Vec<(SpaceId, Space)>> {
        rows::list_spaces(connection)
    }

    /// Deletes a space with all its rows. Handles of its table find nothing afterwards.
    ///
    /// # Errors
    /// What the database says.
    pub fn drop_space(transaction: &Transaction<'_>, space: SpaceId) -> Result<()> {
        rows::drop_space(transaction, space)
    }

    /// Opens the table of a space. Reads the headers of the code files in `folder`, which may not exist yet, and no
    /// row. `connection` is used for this call only.
    ///
    /// # Errors
    /// [`Error::NoSuchSpace`], and what the database says.
    pub fn open(connection: &Connection, folder: &Path, space: SpaceId, options: Options) -> Result<Self> {
        let reading = Snapshotted::begin(connection)?;
        let what = rows::read_space(connection, space)?;
        let now = rows::snapshot(connection, space)?;
        let catalogue = Catalogue::load(connection, (folder, options.mapped_records), space, &what, now)?;
        let stamp = rows::stamp_of(connection, space, now.version)?;
        drop(reading);
        let database = connection.path().filter(|path| !path.is_empty()).map(Into::into);
        let core = Core::new(Coder::new(space, what), folder.to_path_buf(), database, options, catalogue);
        core.see(now.version, stamp.unwrap_or_default());
        Ok(Self { shared: Arc::new(Shared { core: Arc::new(core), worker: Mutex::default() }) })
    }

    /// Whether all that this table knows is of the history that `connection` sees. It is not when another database was put
    /// in the place of the one that it was opened with: then it must be opened again.
    ///
    /// # Errors
    /// [`Error::NoSuchSpace`], and what the database says.
    pub fn belongs(&self, connection: &Connection) -> Result<bool> {
        let reading = Snapshotted::begin(connection)?;
        let now = rows::snapshot(connection, self.id())?;
        let stamp_of =
            |version| Ok::<_, Error>(rows::stamp_of(connection, self.id(), version)?.unwrap_or_default());
        let (newest, stamp) = self.core().newest_seen();
        let known = if now.version < newest {
            // An old snapshot, or an older database: the same when its very version was seen before.
            self.core().stamp_seen(now.version) == Some(stamp_of(now.version)?)
        } else {
            stamp_of(newest)? == stamp
        };
        if known && now.version > newest && is_settled(connection)? {
            self.core().see(now.version, stamp_of(now.version)?);
        }
        let known = known && rows::read_space(connection, self.id())? == *self.space();
        drop(reading);
        Ok(known)
    }

    /// The table's space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.core().coder.space
    }

    /// The number of the table's space.
    #[must_use]
    pub fn id(&self) -> SpaceId {
        self.core().coder.id
    }

    pub(crate) fn core(&self) -> &Core {
        &self.shared.core
    }

    /// Refuses vectors of another space.
    ///
    /// # Errors
    /// [`Error::SpacesMixed`].
    pub fn accepts(&self, space: &Space) -> Result<()> {
        if space == self.space() {
            return Ok(());
        }
        Err(Error::SpacesMixed { table: Box::new(self.space().clone()), offered: Box::new(space.clone()) })
    }

    /// Writes rows in the caller's transaction; a row of an id that is there already is replaced. All vectors are
    /// looked at first, so that a bad one leaves the transaction as it was.
    ///
    /// # Errors
    /// [`Error::WrongDimensions`], [`Error::NotFinite`], [`Error::ZeroVector`]; what the database says.
    pub fn upsert(&self, transaction: &Transaction<'_>, rows: &[Row<'_>]) -> Result<()> {
        for row in rows {
            self.check(Some(row.id), row.vector)?;
        }
        rows::upsert(transaction, self.id(), rows)?;
        self.call_worker();
        Ok(())
    }

    /// Deletes rows in the caller's transaction; returns how many there were.
    ///
    /// # Errors
    /// What the database says.
    pub fn delete(&self, transaction: &Transaction<'_>, ids: &[i64]) -> Result<usize> {
        let removed = rows::delete(transaction, self.id(), ids)?;
        self.call_worker();
        Ok(removed)
    }

    fn check(&self, id: Option<i64>, vector: &[f32]) -> Result<()> {
        let space = self.space();
        if vector.len() != space.dimensions {
            let (model, expected) = (space.model.clone(), space.dimensions);
            return Err(Error::WrongDimensions { model, expected, found: vector.len() });
        }
        if let Some(place) = vector.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite { id, place });
        }
        if vector.iter().all(|value| *value == 0.0) {
            return Err(Error::ZeroVector { id });
        }
        Ok(())
    }

    /// The `k` rows nearest to `query`, nearest first; equal ones by id. Sees exactly the rows that `connection`
    /// sees: those of its transaction if it is in one, else those committed.
    ///
    /// # Errors
    /// As [`upsert`](Self::upsert) for the query; [`Error::Cancelled`]; [`Error::DamagedRow`]; what the database says.
    pub fn search(
        &self,
        connection: &Connection,
        query: &[f32],
        k: usize,
        filter: &Filter<'_>,
        recall: Recall,
        cancel: &Cancel,
    ) -> Result<Vec<Hit>> {
        self.check(None, query)?;
        cancel.check()?;
        if k == 0 {
            return Ok(Vec::new());
        }
        let coder = &self.core().coder;
        let bytes: Vec<u8> = query.iter().flat_map(|value| value.to_le_bytes()).collect();
        let (_, square) = coder.level.dot_and_square(query, &bytes);
        let norm = square.sqrt();
        let allowed = Allowed::new(filter);
        let question = Question { coder, plain: query, square, norm, k, recall, allowed: &allowed, cancel };
        let reading = Snapshotted::begin(connection)?;
        let hits = self.answer(&question, connection);
        drop(reading);
        hits
    }

    fn answer(&self, question: &Question<'_>, connection: &Connection) -> Result<Vec<Hit>> {
        if let Some(ids) = question.allowed.ids().filter(|ids| ids.len() <= FEW_IDS) {
            return search::score_ids(question, connection, ids);
        }
        let core = self.core();
        let now = rows::snapshot(connection, self.id())?;
        let settled = is_settled(connection)?;
        loop {
            let (segments, gaps) = self.codes_for(connection, now, settled, question.cancel)?;
            let mut scratch = core.borrow_scratch();
            let found = search::search(question, connection, now, (&segments, &gaps), settled, &mut scratch);
            core.return_scratch(scratch);
            match found? {
                Ok(hits) => return Ok(hits),
                Err(damaged) => core.discard(&segments[damaged]),
            }
        }
    }

    /// The segments to use and the slots to read instead; codes longer stretches first if that may be kept.
    fn codes_for(
        &self,
        connection: &Connection,
        now: Snapshot,
        settled: bool,
        cancel: &Cancel,
    ) -> Result<(Vec<Arc<Segment>>, Vec<Range>)> {
        let core = self.core();
        // A long stretch without codes that may get some: see `Catalogue::without_files`.
        let long = |catalogue: &Catalogue, gaps: &[Range]| {
            let mut parts = gaps.iter().flat_map(|gap| catalogue.without_files(*gap));
            parts.find(|(from, to)| to - from > READ_SLOTS)
        };
        let catalogue = core.catalogue();
        let (segments, gaps) = catalogue.usable(now);
        if !settled || long(&catalogue, &gaps).is_none() {
            return Ok((segments, gaps));
        }
        let _turn = self.wait_for_turn(cancel)?;
        loop {
            let catalogue = core.catalogue();
            let (segments, gaps) = catalogue.usable(now);
            let Some((from, to)) = long(&catalogue, &gaps) else {
                self.call_worker();
                return Ok((segments, gaps));
            };
            let range = (from, to.min(from.saturating_add(CATCH_UP_SLOTS)));
            let draft = Draft::in_memory(core.coder.rotation.padded());
            core.publish_in_memory(core.coder.code(connection, range, draft, cancel)?);
        }
    }

    /// One search codes for all; the others wait, and can be cancelled meanwhile.
    fn wait_for_turn(&self, cancel: &Cancel) -> Result<MutexGuard<'_, ()>> {
        loop {
            match self.core().catching_up.try_lock() {
                Ok(turn) => return Ok(turn),
                Err(TryLockError::Poisoned(turn)) => return Ok(turn.into_inner()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
            cancel.check()?;
        }
    }

    /// The row of an id.
    ///
    /// # Errors
    /// [`Error::DamagedRow`]; what the database says.
    pub fn get(&self, connection: &Connection, id: i64) -> Result<Option<StoredRow>> {
        let mut found = None;
        rows::each_of_ids(connection, self.id(), self.space().dimensions, &[id], |row| {
            found = Some(stored(row));
            Ok(false)
        })?;
        Ok(found)
    }

    /// Calls `look` for every row, in the order in which they were written, until it says false.
    ///
    /// # Errors
    /// [`Error::DamagedRow`]; what the database says.
    pub fn iterate(
        &self,
        connection: &Connection,
        mut look: impl FnMut(StoredRow) -> Result<bool>,
    ) -> Result<()> {
        let all = (0, u32::MAX);
        rows::each_in_range(connection, self.id(), self.space().dimensions, all, |row| look(stored(row)))
    }

    /// Brings all codes up to date and to disk, now, instead of leaving it to the background. For the end of a large
    /// import. False when the worker or another process is just doing it, or when `connection` is in a transaction that has
    /// written: its rows may yet be rolled back.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::CodeFile`], and what the database says.
    pub fn settle(&self, connection: &Connection, cancel: &Cancel) -> Result<bool> {
        Ok(is_settled(connection)? && upkeep::run(self.core(), connection, Eagerness::Thorough, cancel)?)
    }

    /// Writes all codes anew, without those of deleted rows. Happens by itself when a third of them are gone.
    /// False as with [`settle`](Self::settle).
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    pub fn compact(&self, connection: &Connection, cancel: &Cancel) -> Result<bool> {
        Ok(is_settled(connection)? && upkeep::run(self.core(), connection, Eagerness::Anew, cancel)?)
    }

    /// Wakes the worker, starting it the first time.
    pub(crate) fn call_worker(&self) {
        let core = &self.shared.core;
        if !core.options.background || core.database.is_none() {
            return;
        }
        let mut worker = locked(&self.shared.worker);
        if worker.is_none() {
            let core = Arc::clone(core);
            let thread = std::thread::Builder::new().name("vector-table".to_owned());
            // Without a thread the searches code what they need.
            *worker = thread.spawn(move || upkeep::worker(&core)).ok();
        }
        core.bell.ring();
    }
}

/// In a transaction that has written, rows may yet be rolled back: nothing of them is kept.
fn is_settled(connection: &Connection) -> Result<bool> {
    Ok(connection.transaction_state(None::<&str>)? != TransactionState::Write)
}

fn stored(row: rows::Reading<'_>) -> StoredRow {
    let mut vector = Vec::with_capacity(row.vector.len() / 4);
    row.read_into(&mut vector);
    StoredRow { id: row.id, collection: row.collection, vector }
}
