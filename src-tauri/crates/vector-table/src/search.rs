//! One search: scan the codes, read the rows that may be among the best, score those exactly.
//!
//! [`plan`] says which lists there are to look into, nearest first. [`scan`] gives every row of a list an upper bound of its
//! rank; [`survivors`] looks at the best again by their four-bit codes, which give a closer bound, and reads them in the
//! order of that, until a bound lies below the k-th best exact rank: no row after it can enter. That goes by rounds: a
//! few lists first, and then those whose centres are not much farther off than the k-th best row found. With bounds of
//! some deviations that loses next to nothing (*fast*, *balanced*), with the proven ones and all lists nothing (*exact*).
//!
//! Rows are read in the reader's own snapshot. One that is not there was deleted (or is newer than the snapshot)
//! and is no hit; slots that have no code yet are scored from their rows. So the answer is that of the snapshot,
//! whatever the codes have and lack.

mod best;
mod handful;
mod plan;
mod scan;
mod survivors;

use std::sync::Arc;

use rusqlite::Connection;

use crate::cancel::Cancel;
use crate::catalogue::Range;
use crate::code::Trust;
use crate::coder::Coder;
use crate::error::Result;
use crate::filter::Allowed;
use crate::rows::{self, Reading, Snapshot};
use crate::segment::Segment;
use crate::space::Metric;
use best::{Best, Scored};
use plan::Plan;
use scan::Scan;
use survivors::Outcome;

/// How much of the truth an answer must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recall {
    /// Most of the nearest rows, as fast as possible.
    Fast,
    /// At least 99 of 100 of the ten nearest rows, on the average.
    #[default]
    Balanced,
    /// All of them, with certainty.
    Exact,
}

impl Recall {
    fn trust(self) -> Trust {
        match self {
            Recall::Fast => Trust::Deviations { bits: 1.2, nibbles: 1.2 },
            // Reading a row costs as much as eighty second looks, and the deviations of the nibbles are so small that only
            // rows beside the k-th best can be lost by them.
            Recall::Balanced => Trust::Deviations { bits: 3.0, nibbles: 2.25 },
            Recall::Exact => Trust::Proof,
        }
    }

    /// How many rows are looked at again, of so many with codes, and how many of these are read, at most.
    fn budget(self, k: usize, rows: usize) -> (usize, usize) {
        match self {
            Recall::Fast => (16 * k + 1024, 2 * k + 64),
            Recall::Balanced => ((64 * k + 16_384).max(rows / 4), (20 * k + 4096).max(rows / 16)),
            Recall::Exact => (usize::MAX, usize::MAX),
        }
    }

    /// How many lists are looked into without a filter, at most.
    fn lists(self, segment: &Segment, k: usize) -> usize {
        let wider = (k as f64 / 10.0).max(1.0).powf(0.4);
        let probes = segment.header.probes as f64;
        match self {
            // For dot products the best rows may be long ones in lists that are far from the nearest.
            Recall::Fast if segment.header.metric != Metric::Dot => (probes * wider / 3.0).ceil() as usize,
            Recall::Fast | Recall::Balanced => (probes * wider).ceil() as usize,
            Recall::Exact => segment.lists(),
        }
    }
}

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The caller's id.
    pub id: i64,
    /// Larger is nearer: cosine, dot product, or the negative euclidean distance.
    pub score: f32,
    /// 1 − cosine, whatever the metric: 0 for the same direction, 2 for the opposite.
    pub distance: f32,
}

/// A query in all the forms that a search needs.
pub struct Question<'a> {
    /// What coding needs to know of the space.
    pub coder: &'a Coder,
    /// As asked.
    pub plain: &'a [f32],
    /// Its squared length, summed as the rows' are.
    pub square: f64,
    /// Its length.
    pub norm: f64,
    /// Hits wanted.
    pub k: usize,
    /// How much of the truth.
    pub recall: Recall,
    /// The rows allowed.
    pub allowed: &'a Allowed,
    /// To stop it.
    pub cancel: &'a Cancel,
}

impl Question<'_> {
    fn score(&self, row: Reading<'_>) -> Scored {
        let (dot, square) = self.coder.level.dot_and_square(self.plain, row.vector);
        let cosine = (dot / (self.norm * square.sqrt())).clamp(-1.0, 1.0);
        let (rank, score) = match self.coder.space.metric {
            Metric::Cosine => (cosine, cosine),
            Metric::Dot => (dot / self.norm, dot),
            Metric::Euclidean => {
                let away = (self.square + square - 2.0 * dot).max(0.0);
                (-away / 2.0, -away.sqrt())
            }
        };
        Scored { rank, hit: Hit { id: row.id, score: score as f32, distance: (1.0 - cosine) as f32 } }
    }

    /// The query in rank units, rotated.
    fn turned(&self) -> Vec<f32> {
        let unit = match self.coder.space.metric {
            Metric::Cosine | Metric::Dot => self.norm,
            Metric::Euclidean => 1.0,
        };
        let plain: Vec<f32> = self.plain.iter().map(|value| (f64::from(*value) / unit) as f32).collect();
        let mut turned = vec![0.0; self.coder.rotation.padded()];
        self.coder.rotation.rotate(&plain, &mut turned);
        turned
    }
}

/// A row that may be among the best.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// What its rank is not above.
    bound: f32,
    /// Its list's number in the round.
    list: u32,
    /// Its number in the list.
    row: u32,
    /// Its record, once that is known.
    record: Option<u32>,
    /// Whether the bound is that of its four-bit code.
    closer: bool,
}

impl Candidate {
    fn new(bound: f32, list: u32, row: u32) -> Self {
        Self { bound, list, row, record: None, closer: false }
    }
}

/// The rows of a mask, the lowest first.
fn rows_of(mut mask: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let row = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (row < u32::BITS).then_some(row)
    })
}

/// Rows of one block, by a filter that leaves few, whose records are not at hand.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// The list's number in the round.
    list: u32,
    /// The block's number in the list.
    block: u32,
    /// A bit for each row.
    mask: u32,
}

/// Memory that one search leaves to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    ranks: Vec<f32>,
    maxima: Vec<f32>,
    order: Vec<f32>,
    masks: Vec<u32>,
    parts: Vec<Part>,
    few: Vec<Candidate>,
    candidates: Vec<Candidate>,
    record: Vec<u8>,
}

/// Searches the segments and the gaps between them, in the snapshot that the connection holds.
/// The outer error is the search's own; the inner one names a segment that turned out to be damaged.
pub fn search(
    question: &Question<'_>,
    connection: &Connection,
    now: Snapshot,
    (segments, gaps): (&[Arc<Segment>], &[Range]),
    settled: bool,
    scratch: &mut Scratch,
) -> Result<Result<Vec<Hit>, usize>> {
    let mut best = Best::new(question.k);
    for gap in gaps {
        score_range(question, connection, *gap, &mut best)?;
    }
    if segments.is_empty() {
        return Ok(Ok(best.into_hits()));
    }
    if !crate::code::can_estimate(question.norm) {
        return score_all(question, connection, now).map(Ok);
    }
    let turned = question.turned();
    let mut scan = Scan::new(question, segments, &turned, (now, settled), connection)?;
    match look(&mut scan, &turned, scratch, &mut best)? {
        Outcome::Done => Ok(Ok(best.into_hits())),
        Outcome::TooMany => score_all(question, connection, now).map(Ok),
        Outcome::Damaged(segment) => Ok(Err(segment)),
    }
}

/// Looks into the segments, round after round.
fn look(scan: &mut Scan<'_>, turned: &[f32], scratch: &mut Scratch, best: &mut Best) -> Result<Outcome> {
    let (question, segments) = (scan.question, scan.segments);
    if let Some(ids) = handful::ids(question, segments) {
        return match scan.look_at(ids, scratch)? {
            Ok(()) => scan.score_survivors(scratch, best),
            Err(damaged) => Ok(Outcome::Damaged(damaged)),
        };
    }
    let plan = match Plan::new(question, segments, turned, scratch) {
        Ok(plan) => plan,
        Err(damaged) => return Ok(Outcome::Damaged(damaged)),
    };
    let mut next = 0;
    loop {
        let outcome = match scan.round(&plan, &mut next, best, scratch)? {
            Ok(false) => return Ok(Outcome::Done),
            Ok(true) => scan.score_survivors(scratch, best)?,
            Err(damaged) => Outcome::Damaged(damaged),
        };
        if !matches!(outcome, Outcome::Done) {
            return Ok(outcome);
        }
    }
}

fn score_range(
    question: &Question<'_>,
    connection: &Connection,
    range: Range,
    best: &mut Best,
) -> Result<()> {
    let coder = question.coder;
    let mut seen = 0u32;
    rows::each_in_range(connection, coder.id, coder.space.dimensions, range, |row| {
        seen += 1;
        if seen.is_multiple_of(64) {
            question.cancel.check()?;
        }
        if question.allowed.allows(row.id, row.collection) {
            best.add(question.score(row));
        }
        Ok(true)
    })
}

/// Reads the table from end to end.
fn score_all(question: &Question<'_>, connection: &Connection, now: Snapshot) -> Result<Vec<Hit>> {
    let mut best = Best::new(question.k);
    score_range(question, connection, (0, now.next_slot), &mut best)?;
    Ok(best.into_hits())
}

/// Scores the rows of few ids, one by one.
pub fn score_ids(question: &Question<'_>, connection: &Connection, ids: &[i64]) -> Result<Vec<Hit>> {
    let mut best = Best::new(question.k);
    let coder = question.coder;
    rows::each_of_ids(connection, coder.id, coder.space.dimensions, ids, |row| {
        question.cancel.check()?;
        if question.allowed.allows(row.id, row.collection) {
            best.add(question.score(row));
        }
        Ok(true)
    })?;
    Ok(best.into_hits())
}
