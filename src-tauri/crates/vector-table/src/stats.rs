//! Looking at a table from outside: what there is, and whether it is whole.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use crate::code::{Coded, encode};
use crate::coder::Snapshotted;
use crate::error::{Error, Result};
use crate::list::Label;
use crate::rows;
use crate::segment::Segment;
use crate::space::{Space, SpaceId};
use crate::table::VectorTable;

/// What there is.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// The space.
    pub space: Space,
    /// Its number in the database.
    pub id: SpaceId,
    /// Rows.
    pub rows: u64,
    /// Rows of each collection.
    pub collections: Vec<(i64, u64)>,
    /// Changes ever made.
    pub version: i64,
    /// Bytes of the vectors as such, without what SQLite needs around them.
    pub vector_bytes: u64,
    /// The segments of codes, by range.
    pub segments: Vec<SegmentStats>,
    /// Row numbers that have no code yet; searches read their rows.
    pub uncoded_slots: u64,
    /// Codes whose rows were deleted or replaced; compacting removes them.
    pub surplus_codes: u64,
    /// The instructions in use: `portable`, `AVX2`, `AVX-512` or `NEON`.
    pub instructions: &'static str,
    /// What keeps the background from writing codes, if anything does.
    pub failure: Option<String>,
}

/// One segment of codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentStats {
    /// The file, or none while the codes are only in memory.
    pub path: Option<PathBuf>,
    /// Its range of slots, the end excluded.
    pub slots: (u32, u32),
    /// Rows in it.
    pub rows: usize,
    /// Lists in it; more than one is an inverted file.
    pub lists: usize,
    /// Lists that a balanced search looks into.
    pub probes: usize,
    /// Its bytes.
    pub bytes: usize,
    /// Whether they are pages of the file rather than memory of the process.
    pub mapped: bool,
}

impl Stats {
    /// Bytes of all codes.
    #[must_use]
    pub fn code_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Bytes of codes in the memory of the process.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.segments.iter().filter(|segment| !segment.mapped).map(|segment| segment.bytes).sum()
    }
}

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Rows read.
    pub rows: u64,
    /// Codes compared with their rows.
    pub codes: u64,
    /// Codes of rows that are gone: no problem.
    pub surplus_codes: u64,
    /// What is wrong. Damaged codes are made anew without being asked, other problems of codes are gone after
    /// [`VectorTable::compact`]; those of rows stay.
    pub problems: Vec<Problem>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A row cannot be a row of this table.
    Row {
        /// Its id.
        id: i64,
        /// What is wrong.
        what: String,
    },
    /// The database counts its rows otherwise.
    Count {
        /// As the space says.
        stated: u64,
        /// As counted.
        counted: u64,
    },
    /// A row has a number that the table has not given out yet.
    Slot {
        /// The row's slot.
        slot: u32,
        /// The next one that would be given out.
        next: u32,
    },
    /// A code file differs from its checksums.
    DamagedCodes {
        /// Its slots.
        slots: (u32, u32),
    },
    /// A code differs from what its row gives.
    WrongCode {
        /// The row's id.
        id: i64,
    },
    /// A segment says that it has all rows of its range, but this row is missing.
    MissingCode {
        /// The row's id.
        id: i64,
    },
}

impl Problem {
    /// Whether it is of the codes alone, which [`VectorTable::compact`] makes anew from the rows; else rows are damaged.
    #[must_use]
    pub fn is_of_codes(&self) -> bool {
        match self {
            Problem::DamagedCodes { .. } | Problem::WrongCode { .. } | Problem::MissingCode { .. } => true,
            Problem::Row { .. } | Problem::Count { .. } | Problem::Slot { .. } => false,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Row { id, what } => write!(out, "row {id}: {what}"),
            Problem::Count { stated, counted } => {
                write!(out, "{counted} rows were found where {stated} should be")
            }
            Problem::Slot { slot, next } => {
                write!(out, "a row has number {slot}, but the next one is {next}")
            }
            Problem::DamagedCodes { slots } => {
                write!(out, "the codes of slots {}..{} are damaged", slots.0, slots.1)
            }
            Problem::WrongCode { id } => write!(out, "the code of row {id} is not that of its vector"),
            Problem::MissingCode { id } => write!(out, "row {id} has no code"),
        }
    }
}

impl VectorTable {
    /// What there is. Reads the index of the collections, no vector.
    ///
    /// # Errors
    /// What the database says.
    pub fn stats(&self, connection: &Connection) -> Result<Stats> {
        let core = self.core();
        let reading = Snapshotted::begin(connection)?;
        let now = rows::snapshot(connection, self.id())?;
        let collections = rows::count_in_collections(connection, self.id())?;
        drop(reading);
        let (segments, gaps) = core.catalogue().usable(now);
        let coded: u64 = segments.iter().map(|segment| segment.header.rows as u64).sum();
        let uncoded_slots: u64 = gaps.iter().map(|(from, to)| u64::from(to - from)).sum();
        Ok(Stats {
            space: self.space().clone(),
            id: self.id(),
            rows: now.rows,
            collections,
            version: now.version,
            vector_bytes: now.rows * self.space().dimensions as u64 * 4,
            segments: segments.iter().map(|segment| segment_stats(segment)).collect(),
            uncoded_slots,
            surplus_codes: (coded + uncoded_slots).saturating_sub(now.rows).min(coded),
            instructions: core.coder.level.name(),
            failure: core.failure(),
        })
    }

    /// Reads every row and every code and compares them. A code file that differs from its checksums is dropped, and made
    /// anew from the rows, as when a search finds it.
    ///
    /// # Errors
    /// What the database says. What is wrong with the table is in the report.
    pub fn verify(&self, connection: &Connection) -> Result<Report> {
        let reading = Snapshotted::begin(connection)?;
        let mut report = Report::default();
        let now = rows::snapshot(connection, self.id())?;
        let (counted, highest) = rows::count(connection, self.id())?;
        if counted != now.rows {
            report.problems.push(Problem::Count { stated: now.rows, counted });
        }
        if let Some(slot) = highest.filter(|slot| *slot >= now.next_slot) {
            report.problems.push(Problem::Slot { slot, next: now.next_slot });
        }
        let (segments, gaps) = self.core().catalogue().usable(now);
        for segment in &segments {
            self.verify_segment(connection, segment, &mut report)?;
        }
        for gap in gaps {
            self.each_good_row(connection, gap, &mut report, |_, _| {})?;
        }
        drop(reading);
        Ok(report)
    }

    fn verify_segment(
        &self,
        connection: &Connection,
        segment: &Arc<Segment>,
        report: &mut Report,
    ) -> Result<()> {
        let Some(codes) = Codes::of(segment) else {
            report.problems.push(Problem::DamagedCodes { slots: segment.range() });
            self.core().discard(segment);
            self.call_worker();
            return self.each_good_row(connection, segment.range(), report, |_, _| {});
        };
        let coder = &self.core().coder;
        let (mut coded, mut plain, mut buffer) = (Coded::default(), Vec::new(), Vec::new());
        let before = report.codes;
        self.each_good_row(connection, segment.range(), report, |row, report| {
            let Some((list, label, code)) = codes.find(row.slot, &mut buffer) else {
                report.problems.push(Problem::MissingCode { id: row.id });
                return;
            };
            report.codes += 1;
            let turned = coder.turn(row, &mut plain);
            let centre = segment.coding_centre(list);
            encode(coder.level, coder.space.metric, &turned.places, turned.norm, &centre, &mut coded);
            if label != (Label { place: label.place, ..turned.label }) || code != coded {
                report.problems.push(Problem::WrongCode { id: row.id });
            }
        })?;
        report.surplus_codes += codes.slots.len() as u64 - (report.codes - before);
        Ok(())
    }

    fn each_good_row(
        &self,
        connection: &Connection,
        range: (u32, u32),
        report: &mut Report,
        mut look: impl FnMut(rows::Reading<'_>, &mut Report),
    ) -> Result<()> {
        let dimensions = self.space().dimensions;
        let mut from = range.0;
        // A row that cannot be read ends the reading; it goes on after that row.
        while from < range.1 {
            let mut last = None;
            let outcome = rows::each_in_range(connection, self.id(), dimensions, (from, range.1), |row| {
                last = Some(row.slot);
                report.rows += 1;
                match flaw(row) {
                    Some(what) => report.problems.push(Problem::Row { id: row.id, what }),
                    None => look(row, report),
                }
                Ok(true)
            });
            match outcome {
                Ok(()) => break,
                Err(Error::DamagedRow { id, what }) => {
                    report.rows += 1;
                    report.problems.push(Problem::Row { id, what });
                    let read_up_to = last.map_or(from, |slot| slot + 1);
                    from =
                        rows::slot_from(connection, self.id(), read_up_to)?.map_or(range.1, |slot| slot + 1);
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

fn flaw(row: rows::Reading<'_>) -> Option<String> {
    let mut vector = Vec::new();
    row.read_into(&mut vector);
    if let Some(place) = vector.iter().position(|value| !value.is_finite()) {
        return Some(format!("the value at place {place} is not a finite number"));
    }
    vector.iter().all(|value| *value == 0.0).then(|| "the vector is all zeros".to_owned())
}

/// Where the codes of a segment are, by slot; the codes themselves stay in their file.
struct Codes<'a> {
    segment: &'a Segment,
    /// Slot, list and row, in order.
    slots: Vec<(u32, u32, u32)>,
}

impl<'a> Codes<'a> {
    /// None when a list or a record is damaged.
    fn of(segment: &'a Segment) -> Option<Self> {
        let (mut slots, mut buffer) = (Vec::with_capacity(segment.header.rows), Vec::new());
        for list in 0..segment.lists() {
            let view = segment.list(list).ok()?;
            for row in 0..view.rows {
                segment.fine_code(view.place(row), &mut buffer).ok()?;
                slots.push((view.slot(row), list as u32, row as u32));
            }
        }
        slots.sort_unstable();
        Some(Self { segment, slots })
    }

    fn find(&self, slot: u32, buffer: &mut Vec<u8>) -> Option<(usize, Label, Coded)> {
        let at = self.slots.binary_search_by_key(&slot, |(slot, ..)| *slot).ok()?;
        let (_, list, row) = self.slots[at];
        let (list, row) = (list as usize, row as usize);
        let view = self.segment.list(list).ok()?;
        let label = view.label(row);
        let (bits, coarse) = view.code(row, self.segment.header.padded);
        let (nibbles, fine) = self.segment.fine_code(label.place, buffer).ok()?;
        Some((list, label, Coded { bits, nibbles: nibbles.to_vec(), coarse, fine }))
    }
}

fn segment_stats(segment: &Segment) -> SegmentStats {
    let (bytes, mapped) = segment.size();
    SegmentStats {
        path: segment.path.clone(),
        slots: segment.range(),
        rows: segment.header.rows,
        lists: segment.lists(),
        probes: segment.header.probes,
        bytes,
        mapped,
    }
}
