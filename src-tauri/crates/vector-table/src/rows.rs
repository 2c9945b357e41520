//! The truth: the rows in SQLite, and all SQL of this crate.
//!
//! Rows are never changed: an upsert deletes the old row and inserts one at a new *slot*, the next number of the
//! space's sequence. So a code can be missing or superfluous but never wrong, and a reader's snapshot of the
//! database decides what it sees. Every change, deletions too, leaves a random *stamp* beside its version, by which a code
//! file proves that it saw this very history (and not the one that a restored copy forgot).

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row as SqlRow, params};

use crate::error::{Error, Result};
use crate::space::{MOST_DIMENSIONS, Metric, Space, SpaceId};

/// The tables. Part of the caller's migration.
pub const SCHEMA: &str = "
CREATE TABLE vector_space (
  id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  model      TEXT    NOT NULL,
  dimensions INTEGER NOT NULL CHECK (dimensions BETWEEN 1 AND 16384),
  pooling    TEXT    NOT NULL DEFAULT '', -- '' where the model leaves no choice
  metric     TEXT    NOT NULL CHECK (metric IN ('cosine', 'dot-product', 'euclidean')),
  version    INTEGER NOT NULL DEFAULT 0,  -- one more with each upsert and delete
  next_slot  INTEGER NOT NULL DEFAULT 0,  -- the sequence number of the next row
  row_count  INTEGER NOT NULL DEFAULT 0,
  UNIQUE (model, dimensions, pooling, metric)
) STRICT;
CREATE TABLE vector_row (
  slot       INTEGER PRIMARY KEY,         -- space << 32 | sequence number; never used again
  space      INTEGER NOT NULL REFERENCES vector_space (id),
  id         INTEGER NOT NULL,            -- the caller's id, once in a space
  collection INTEGER NOT NULL,
  vector     BLOB    NOT NULL             -- dimensions f32, little-endian, as given
) STRICT;
CREATE UNIQUE INDEX vector_row_id ON vector_row (space, id);
CREATE INDEX vector_row_collection ON vector_row (space, collection);
CREATE TABLE vector_change (
  space      INTEGER NOT NULL,
  version    INTEGER NOT NULL,            -- what the change made of vector_space.version
  stamp      INTEGER NOT NULL,            -- random
  PRIMARY KEY (space, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER vector_row_is_final BEFORE UPDATE ON vector_row
BEGIN SELECT RAISE(ABORT, 'rows of a vector table are replaced, never changed'); END;
";

/// A row to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    /// The caller's id; an existing row of that id is replaced.
    pub id: i64,
    /// The caller's collection, for filters.
    pub collection: i64,
    /// As many finite numbers as the space has dimensions, not all zero.
    pub vector: &'a [f32],
}

/// A row as read.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRow {
    /// The caller's id.
    pub id: i64,
    /// The caller's collection.
    pub collection: i64,
    /// As it was given.
    pub vector: Vec<f32>,
}

/// Where a space stands, in one snapshot of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Grows by one with each change.
    pub version: i64,
    /// The slot that the next row will get.
    pub next_slot: u32,
    /// Rows that are there.
    pub rows: u64,
}

fn key(space: SpaceId, slot: u32) -> i64 {
    space.0 << 32 | i64::from(slot)
}

fn slot_of(key: i64) -> u32 {
    (key & 0xffff_ffff) as u32
}

/// Finds the space, or creates it.
pub fn create_space(connection: &Connection, space: &Space) -> Result<SpaceId> {
    if !(1..=MOST_DIMENSIONS).contains(&space.dimensions) {
        return Err(Error::UnsupportedDimensions { dimensions: space.dimensions, most: MOST_DIMENSIONS });
    }
    let pooling = space.pooling.as_deref().unwrap_or("");
    let values = params![space.model, space.dimensions as i64, pooling, space.metric.name()];
    let found = connection
        .prepare_cached(
            "SELECT id FROM vector_space WHERE model = ?1 AND dimensions = ?2 AND pooling = ?3 AND metric = ?4",
        )?
        .query_row(values, |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(SpaceId(id));
    }
    connection
        .prepare_cached(
            "INSERT INTO vector_space (model, dimensions, pooling, metric) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(values)?;
    Ok(SpaceId(connection.last_insert_rowid()))
}

/// Reads what a space is.
pub fn read_space(connection: &Connection, id: SpaceId) -> Result<Space> {
    let found = connection
        .prepare_cached("SELECT model, dimensions, pooling, metric FROM vector_space WHERE id = ?1")?
        .query_row([id.0], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    let (model, dimensions, pooling, metric) = found.ok_or(Error::NoSuchSpace(id.0))?;
    let metric = Metric::named(&metric)
        .ok_or_else(|| Error::DamagedRow { id: id.0, what: format!("an unknown metric, {metric:?}") })?;
    Ok(Space {
        model,
        dimensions: dimensions as usize,
        pooling: Some(pooling).filter(|text| !text.is_empty()),
        metric,
    })
}

/// Whether there is such a space.
pub fn has_space(connection: &Connection, id: SpaceId) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM vector_space WHERE id = ?1")?.exists([id.0])?)
}

/// All spaces of the database.
pub fn list_spaces(connection: &Connection) -> Result<Vec<(SpaceId, Space)>> {
    let mut statement = connection.prepare_cached("SELECT id FROM vector_space ORDER BY id")?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    ids.into_iter().map(|id| Ok((SpaceId(id), read_space(connection, SpaceId(id))?))).collect()
}

/// Where the space stands.
pub fn snapshot(connection: &Connection, space: SpaceId) -> Result<Snapshot> {
    connection
        .prepare_cached("SELECT version, next_slot, row_count FROM vector_space WHERE id = ?1")?
        .query_row([space.0], |row| {
            Ok(Snapshot {
                version: row.get(0)?,
                next_slot: row.get(1)?,
                rows: row.get::<_, i64>(2)?.max(0) as u64,
            })
        })
        .optional()?
        .ok_or(Error::NoSuchSpace(space.0))
}

/// Writes rows, replacing those of the same ids. The vectors are known to be good.
pub fn upsert(connection: &Connection, space: SpaceId, rows: &[Row<'_>]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let before = snapshot(connection, space)?;
    if u64::from(before.next_slot) + rows.len() as u64 > u64::from(u32::MAX) {
        return Err(Error::SequenceSpent);
    }
    let mut highest: Option<i64> = connection
        .prepare_cached("SELECT max(id) FROM vector_row WHERE space = ?1")?
        .query_row([space.0], |row| row.get(0))?;
    let mut remove = connection.prepare_cached("DELETE FROM vector_row WHERE space = ?1 AND id = ?2")?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO vector_row (slot, space, id, collection, vector) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut replaced = 0;
    let mut blob = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if highest.is_some_and(|highest| row.id <= highest) {
            replaced += remove.execute([space.0, row.id])?;
        } else {
            highest = Some(row.id);
        }
        blob.clear();
        blob.extend(row.vector.iter().flat_map(|value| value.to_le_bytes()));
        insert.execute(params![
            key(space, before.next_slot + index as u32),
            space.0,
            row.id,
            row.collection,
            blob
        ])?;
    }
    let next_slot = before.next_slot + rows.len() as u32;
    advance(connection, space, next_slot, rows.len() as i64 - replaced as i64)
}

/// Deletes rows by id; returns how many there were.
pub fn delete(connection: &Connection, space: SpaceId, ids: &[i64]) -> Result<usize> {
    let mut remove = connection.prepare_cached("DELETE FROM vector_row WHERE space = ?1 AND id = ?2")?;
    let mut removed = 0;
    for id in ids {
        removed += remove.execute([space.0, *id])?;
    }
    if removed > 0 {
        advance(connection, space, snapshot(connection, space)?.next_slot, -(removed as i64))?;
    }
    Ok(removed)
}

fn advance(connection: &Connection, space: SpaceId, next_slot: u32, more: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE vector_space SET version = version + 1, next_slot = ?2, row_count = row_count + ?3 WHERE id = ?1",
        )?
        .execute(params![space.0, next_slot, more])?;
    connection
        .prepare_cached(
            "INSERT INTO vector_change (space, version, stamp) SELECT id, version, random() FROM vector_space WHERE id = ?1",
        )?
        .execute([space.0])?;
    Ok(())
}

/// The stamp of the change that made this version, if there was one in this database's history.
pub fn stamp_of(connection: &Connection, space: SpaceId, version: i64) -> Result<Option<i64>> {
    Ok(connection
        .prepare_cached("SELECT stamp FROM vector_change WHERE space = ?1 AND version = ?2")?
        .query_row([space.0, version], |row| row.get(0))
        .optional()?)
}

/// A row in the middle of a read: borrowed from SQLite's page.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The row's slot.
    pub slot: u32,
    /// The caller's id.
    pub id: i64,
    /// The caller's collection.
    pub collection: i64,
    /// Little-endian f32, as many as the space has dimensions.
    pub vector: &'a [u8],
}

impl Reading<'_> {
    /// The vector as numbers, into `vector`.
    pub fn read_into(&self, vector: &mut Vec<f32>) {
        vector.clear();
        vector.extend(
            self.vector
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes"))),
        );
    }
}

fn reading<'a>(row: &'a SqlRow<'_>, dimensions: usize) -> Result<Reading<'a>> {
    let id = row.get(1)?;
    let damaged = |what: String| Error::DamagedRow { id, what };
    let vector = row.get_ref(3)?.as_blob().map_err(|_| damaged("its vector is not a blob".to_owned()))?;
    if vector.len() != 4 * dimensions {
        return Err(damaged(format!("its vector has {} bytes instead of {}", vector.len(), 4 * dimensions)));
    }
    Ok(Reading { slot: slot_of(row.get(0)?), id, collection: row.get(2)?, vector })
}

/// Reads single rows by slot, in one prepared statement.
pub struct Picker<'c> {
    statement: CachedStatement<'c>,
    space: SpaceId,
    dimensions: usize,
}

impl<'c> Picker<'c> {
    /// For rows of a space.
    pub fn new(connection: &'c Connection, space: SpaceId, dimensions: usize) -> Result<Self> {
        let statement = connection
            .prepare_cached("SELECT slot, id, collection, vector FROM vector_row WHERE slot = ?1")?;
        Ok(Self { statement, space, dimensions })
    }

    /// What `look` makes of the row in `slot`, or none when there is no such row in this snapshot.
    pub fn pick<T>(&mut self, slot: u32, look: impl FnOnce(Reading<'_>) -> T) -> Result<Option<T>> {
        let mut rows = self.statement.query([key(self.space, slot)])?;
        match rows.next()? {
            Some(row) => Ok(Some(look(reading(row, self.dimensions)?))),
            None => Ok(None),
        }
    }
}

/// About `wanted` slots that hold rows, spread evenly over the ids, in order. Reads the index of the ids, no row.
pub fn sample_slots(connection: &Connection, space: SpaceId, wanted: usize) -> Result<Vec<u32>> {
    let count: i64 = connection
        .prepare_cached("SELECT row_count FROM vector_space WHERE id = ?1")?
        .query_row([space.0], |row| row.get(0))?;
    let (rows, wanted) = (count.max(0) as u64, wanted.max(1) as u64);
    let mut statement = connection.prepare_cached(
        "SELECT slot FROM vector_row INDEXED BY vector_row_id WHERE space = ?1 ORDER BY id",
    )?;
    let mut all = statement.query([space.0])?;
    let (mut slots, mut index) = (Vec::new(), 0u64);
    while let Some(row) = all.next()? {
        // Each time the share that was taken falls behind the share that was passed.
        if (slots.len() as u64) * rows <= index * wanted {
            slots.push(slot_of(row.get(0)?));
        }
        index += 1;
    }
    slots.sort_unstable();
    Ok(slots)
}

/// Calls `look` for every row of the slots `from..to`, in their order, until it says false.
pub fn each_in_range(
    connection: &Connection,
    space: SpaceId,
    dimensions: usize,
    (from, to): (u32, u32),
    mut look: impl FnMut(Reading<'_>) -> Result<bool>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT slot, id, collection, vector FROM vector_row WHERE slot >= ?1 AND slot < ?2 ORDER BY slot",
    )?;
    let mut rows = statement.query([key(space, from), key(space, to)])?;
    while let Some(row) = rows.next()? {
        if !look(reading(row, dimensions)?)? {
            break;
        }
    }
    Ok(())
}

/// Calls `look` for each of these ids that exists.
pub fn each_of_ids(
    connection: &Connection,
    space: SpaceId,
    dimensions: usize,
    ids: &[i64],
    mut look: impl FnMut(Reading<'_>) -> Result<bool>,
) -> Result<()> {
    let mut statement = connection
        .prepare_cached("SELECT slot, id, collection, vector FROM vector_row WHERE space = ?1 AND id = ?2")?;
    for id in ids {
        let mut rows = statement.query([space.0, *id])?;
        if let Some(row) = rows.next()?
            && !look(reading(row, dimensions)?)?
        {
            break;
        }
    }
    Ok(())
}

/// How many rows a collection has.
pub fn count_in_collections(connection: &Connection, space: SpaceId) -> Result<Vec<(i64, u64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT collection, count(*) FROM vector_row WHERE space = ?1 GROUP BY collection ORDER BY collection",
    )?;
    let counts = statement.query_map([space.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
    Ok(counts.collect::<Result<Vec<_>, _>>()?)
}

/// Deletes the space with all its rows.
pub fn drop_space(connection: &Connection, space: SpaceId) -> Result<()> {
    let range = [key(space, 0), key(space, u32::MAX)];
    connection.execute("DELETE FROM vector_row WHERE slot BETWEEN ?1 AND ?2", range)?;
    connection.execute("DELETE FROM vector_change WHERE space = ?1", [space.0])?;
    connection.execute("DELETE FROM vector_space WHERE id = ?1", [space.0])?;
    Ok(())
}

/// Rows counted one by one, and the highest slot: for `verify`.
pub fn count(connection: &Connection, space: SpaceId) -> Result<(u64, Option<u32>)> {
    let (rows, highest): (i64, Option<i64>) = connection.query_row(
        "SELECT count(*), max(slot) FROM vector_row WHERE slot BETWEEN ?1 AND ?2",
        [key(space, 0), key(space, u32::MAX)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok((rows as u64, highest.map(slot_of)))
}

/// The first slot from `slot` on that holds a row.
pub fn slot_from(connection: &Connection, space: SpaceId, slot: u32) -> Result<Option<u32>> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT min(slot) FROM vector_row WHERE slot BETWEEN ?1 AND ?2")?
        .query_row([key(space, slot), key(space, u32::MAX)], |row| row.get(0))?;
    Ok(found.map(slot_of))
}
