//! From rows to codes: reads a range of slots and makes a segment with one list.

use rusqlite::Connection;

use crate::code::{Centre, Coded, Mean, encode};
use crate::draft::{Draft, Parts};
use crate::error::{Error, Result};
use crate::header::Header;
use crate::kernels::Level;
use crate::list::{Label, ListBuilder};
use crate::rotation::Rotation;
use crate::rows::{self, Reading};
use crate::segment::Segment;
use crate::space::{Metric, Space, SpaceId};
use crate::{Cancel, catalogue::Range};

/// Rows that decide the centre of a new segment; they are kept until it is known.
const CENTRE_ROWS: usize = 4096;

/// Slots read in one transaction: short ones, so that the write-ahead log can be emptied between.
pub const CHUNK_SLOTS: u32 = 8192;

/// Rows coded between two looks at whether it was cancelled: about two milliseconds.
const CANCEL_ROWS: usize = 128;

/// What coding needs to know of a space.
#[derive(Debug)]
pub struct Coder {
    /// The space's number.
    pub id: SpaceId,
    /// The space.
    pub space: Space,
    /// Its rotation.
    pub rotation: Rotation,
    /// The instructions to use.
    pub level: Level,
}

/// A row, rotated and ready to be coded.
#[derive(Clone, Debug)]
pub struct Turned {
    /// Its label.
    pub label: Label,
    /// Its places after rotation; normalised for cosine.
    pub places: Vec<f32>,
    /// Its length before rotation; 1 for cosine.
    pub norm: f32,
}

impl Coder {
    /// For a space.
    #[must_use]
    pub fn new(id: SpaceId, space: Space) -> Self {
        let level = Level::detect();
        let rotation = Rotation::new(space.dimensions, level);
        Self { id, space, rotation, level }
    }

    /// Rotates a row. `plain` is scratch.
    #[must_use]
    pub fn turn(&self, row: Reading<'_>, plain: &mut Vec<f32>) -> Turned {
        row.read_into(plain);
        let (_, square) = self.level.dot_and_square(plain, row.vector);
        let length = square.sqrt();
        if self.space.metric == Metric::Cosine && length > 0.0 {
            for value in plain.iter_mut() {
                *value = (f64::from(*value) / length) as f32;
            }
        }
        let mut places = vec![0.0; self.rotation.padded()];
        self.rotation.rotate(plain, &mut places);
        let norm = if self.space.metric == Metric::Cosine { 1.0 } else { length as f32 };
        Turned {
            label: Label { slot: row.slot, place: 0, id: row.id, collection: row.collection },
            places,
            norm,
        }
    }

    /// Codes a row into a list of a draft. `coded` is scratch.
    ///
    /// # Errors
    /// [`Error::CodeFile`] when there is no room for it.
    pub fn push(
        &self,
        draft: &mut Draft,
        list: &mut ListBuilder,
        centre: &Centre,
        row: &Turned,
        coded: &mut Coded,
    ) -> Result<()> {
        encode(self.level, self.space.metric, &row.places, row.norm, centre, coded);
        let place = draft.record(&coded.nibbles, coded.fine).map_err(Error::code_file)?;
        // A row too long to be estimated must not make the others' bounds useless.
        let reach = if coded.coarse.offset.is_finite() { row.norm } else { 0.0 };
        list.push(&coded.bits, coded.coarse, Label { place, ..row.label }, reach);
        Ok(())
    }

    /// Reads the rows of a range, chunk by chunk, and hands each to `take`. Returns the version up to which nothing
    /// that was read can have changed, and how many rows there were.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and what the database says.
    pub fn read(
        &self,
        connection: &Connection,
        range: Range,
        cancel: &Cancel,
        mut take: impl FnMut(Turned) -> Result<()>,
    ) -> Result<(i64, usize)> {
        let (mut plain, mut rows, mut version) = (Vec::new(), 0, 0);
        let mut from = range.0;
        while from < range.1 {
            cancel.check()?;
            let to = range.1.min(from.saturating_add(CHUNK_SLOTS));
            let reading = Snapshotted::begin(connection)?;
            rows::each_in_range(connection, self.id, self.space.dimensions, (from, to), |row| {
                rows += 1;
                if rows % CANCEL_ROWS == 0 {
                    cancel.check()?;
                }
                take(self.turn(row, &mut plain))?;
                Ok(true)
            })?;
            version = rows::snapshot(connection, self.id)?.version;
            drop(reading);
            from = to;
        }
        Ok((version, rows))
    }

    /// Codes a range of slots into a segment of one list.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::CodeFile`], and what the database says.
    pub fn code(
        &self,
        connection: &Connection,
        range: Range,
        mut draft: Draft,
        cancel: &Cancel,
    ) -> Result<Segment> {
        let mut mean = Mean::new(self.rotation.padded());
        let mut waiting: Vec<Turned> = Vec::new();
        let mut chosen: Option<(Centre, f32)> = None;
        let (mut list, mut coded) = (ListBuilder::default(), Coded::default());
        let (version, rows) = self.read(connection, range, cancel, |row| {
            if let Some((centre, _)) = &chosen {
                return self.push(&mut draft, &mut list, centre, &row, &mut coded);
            }
            mean.add(&row.places, row.norm);
            waiting.push(row);
            if waiting.len() == CENTRE_ROWS {
                let (centre, unit) = self.centre_on(&mean);
                for row in waiting.drain(..) {
                    self.push(&mut draft, &mut list, &centre, &row, &mut coded)?;
                }
                chosen = Some((centre, unit));
            }
            Ok(())
        })?;
        let (centre, unit) = chosen.unwrap_or_else(|| self.centre_on(&mean));
        for row in waiting.drain(..) {
            self.push(&mut draft, &mut list, &centre, &row, &mut coded)?;
        }
        let header = Header { unit, ..self.header(connection, range, version, rows)? };
        let parts = Parts { header, origin: centre.place.clone(), centres: centre.place, lists: vec![list] };
        draft.finish(parts).map_err(Error::code_file)
    }

    /// What anchors are measured by: see [`Centre`].
    #[must_use]
    pub fn unit(&self, mean: &Mean) -> f32 {
        if self.space.metric == Metric::Dot { mean.length() } else { 1.0 }
    }

    fn centre_on(&self, mean: &Mean) -> (Centre, f32) {
        let (place, unit) = (mean.place(), self.unit(mean));
        (Centre::new(&place, &place, unit), unit)
    }

    /// The header of a segment over `range`.
    ///
    /// # Errors
    /// When the database has no stamp for this version: the table is damaged.
    pub fn header(&self, connection: &Connection, range: Range, version: i64, rows: usize) -> Result<Header> {
        let stamp = rows::stamp_of(connection, self.id, version)?.ok_or_else(|| Error::DamagedRow {
            id: self.id.0,
            what: format!("the space has no change of version {version}"),
        })?;
        Ok(Header {
            space: self.id.0,
            dimensions: self.space.dimensions,
            padded: self.rotation.padded(),
            metric: self.space.metric,
            from: range.0,
            to: range.1,
            stamp,
            version,
            complete: rows == (range.1 - range.0) as usize,
            rows,
            trained: rows,
            inverted: false,
            probes: 1,
            unit: 1.0,
            slack: f32::INFINITY,
        })
    }
}

/// Keeps one snapshot of the database while it lives, unless the caller already holds one.
pub struct Snapshotted<'c>(Option<&'c Connection>);

impl<'c> Snapshotted<'c> {
    /// Begins, if the connection is in no transaction.
    ///
    /// # Errors
    /// What the database says.
    pub fn begin(connection: &'c Connection) -> Result<Self> {
        if !connection.is_autocommit() {
            return Ok(Self(None));
        }
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(Some(connection)))
    }
}

impl Drop for Snapshotted<'_> {
    fn drop(&mut self) {
        // Nothing was written, so that it does not matter how the transaction ends; after some errors it has already.
        if let Some(connection) = self.0.filter(|connection| !connection.is_autocommit()) {
            let _ = connection.prepare_cached("ROLLBACK").and_then(|mut rollback| rollback.execute([]));
        }
    }
}
