//! One search: scan the codes, read the rows that may be among the best, score those exactly.
//!
//! The scan gives every row an upper bound of its rank. The best are looked at again by their four-bit codes, which
//! give a closer bound, and read in the order of that, until a bound lies below the k-th best exact rank: no row
//! after it can enter. Then the same for all rows whose first bound reaches that rank. With bounds of some
//! deviations that loses next to nothing (*fast*, *balanced*), with the proven ones nothing (*exact*).
//!
//! Rows are read in the reader's own snapshot. One that is not there was deleted (or is newer than the snapshot)
//! and is no hit; slots that have no code yet are scored from their rows. So the answer is that of the snapshot,
//! whatever the codes have and lack.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rusqlite::Connection;

use crate::cancel::Cancel;
use crate::catalogue::Range;
use crate::code::{Prepared, Trust};
use crate::coder::Coder;
use crate::error::Result;
use crate::filter::Allowed;
use crate::inverted::Guide;
use crate::kernels::{Affine, BLOCK_ROWS};
use crate::list::{block_bytes, read_record};
use crate::rows::{self, Picker, Reading, Snapshot};
use crate::segment::{Damaged, Segment};
use crate::space::Metric;

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
            Recall::Fast => Trust::Deviations(1.2),
            Recall::Balanced => Trust::Deviations(3.0),
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

    fn lists(self, segment: &Segment, k: usize) -> usize {
        let wider = (k as f64 / 10.0).max(1.0).powf(0.4);
        let probes = segment.header.probes as f64;
        match self {
            Recall::Fast => (probes * wider / 3.0).ceil() as usize,
            Recall::Balanced => (probes * wider).ceil() as usize,
            Recall::Exact => segment.lists(),
        }
    }
}

/// Under a filter the nearest allowed rows lie farther off, in lists that are not among the nearest: so many full
/// lists' worth of allowed rows is looked at, at least. Small selections are scanned whole.
const FILTERED_LISTS: usize = 16;

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

/// A row scored.
#[derive(Clone, Copy, Debug)]
struct Scored {
    rank: f64,
    hit: Hit,
}

impl PartialEq for Scored {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scored {}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scored {
    /// The greater is the worse, so that a heap has the worst on top. Equal ranks go by id.
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank.total_cmp(&self.rank).then(self.hit.id.cmp(&other.hit.id))
    }
}

/// The best rows so far.
struct Best {
    k: usize,
    heap: BinaryHeap<Scored>,
}

impl Best {
    fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k.min(4096) + 1) }
    }

    fn add(&mut self, scored: Scored) {
        if self.heap.len() < self.k {
            self.heap.push(scored);
        } else if self.heap.peek().is_some_and(|worst| scored < *worst) {
            self.heap.pop();
            self.heap.push(scored);
        }
    }

    /// What a row must reach to be among them.
    fn threshold(&self) -> f64 {
        if self.heap.len() < self.k {
            f64::NEG_INFINITY
        } else {
            self.heap.peek().map_or(f64::INFINITY, |worst| worst.rank)
        }
    }

    fn into_hits(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(|scored| scored.hit).collect()
    }
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

/// Memory that one search leaves to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    ranks: Vec<f32>,
    maxima: Vec<f32>,
    order: Vec<f32>,
    masks: Vec<u32>,
    candidates: Vec<(f32, u32)>,
    record: Vec<u8>,
}

/// A list in the scan: where it is, and its first block among all that are scanned.
struct Scanned {
    segment: usize,
    list: usize,
    first: usize,
    affine: Affine,
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
    let scan = match Scan::run(question, &turned, now, segments, scratch)? {
        Ok(scan) => scan,
        Err(damaged) => return Ok(Err(damaged)),
    };
    match scan.score_survivors(connection, scratch, settled, &mut best)? {
        Outcome::Done => Ok(Ok(best.into_hits())),
        Outcome::TooMany => score_all(question, connection, now).map(Ok),
        Outcome::Damaged(segment) => Ok(Err(segment)),
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
        if seen.is_multiple_of(256) {
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

/// How the reading of rows ended.
enum Outcome {
    /// The best are found.
    Done,
    /// So many single rows would cost more than reading the table from end to end.
    TooMany,
    /// This segment is damaged.
    Damaged(usize),
}

/// The upper bounds of all rows in the lists that were chosen.
struct Scan<'a> {
    question: &'a Question<'a>,
    segments: &'a [Arc<Segment>],
    now: Snapshot,
    lists: Vec<Scanned>,
    prepared: Vec<Prepared>,
    rows: usize,
}

impl<'a> Scan<'a> {
    fn run(
        question: &'a Question<'a>,
        turned: &[f32],
        now: Snapshot,
        segments: &'a [Arc<Segment>],
        scratch: &mut Scratch,
    ) -> Result<Result<Self, usize>> {
        let mut scan = Self { question, segments, now, lists: Vec::new(), prepared: Vec::new(), rows: 0 };
        for buffer in [&mut scratch.ranks, &mut scratch.maxima] {
            buffer.clear();
        }
        scratch.masks.clear();
        for index in 0..segments.len() {
            if let Err(Damaged) = scan.segment(index, turned, scratch)? {
                return Ok(Err(index));
            }
        }
        Ok(Ok(scan))
    }

    fn segment(
        &mut self,
        index: usize,
        turned: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Result<(), Damaged>> {
        let (question, segment) = (self.question, &self.segments[index]);
        let level = question.coder.level;
        let around = (segment.origin.as_slice(), segment.header.unit);
        let prepared =
            Prepared::new(level, question.coder.space.metric, turned, around, question.recall.trust());
        let wanted = question.recall.lists(segment, question.k);
        let enough = wanted.max(FILTERED_LISTS) * segment.header.rows.div_ceil(segment.lists());
        let order = self.order(segment, turned, wanted, scratch);
        let mut allowed = 0;
        for (position, list) in order.into_iter().enumerate() {
            question.cancel.check()?;
            // Under a filter lists are looked into until as many allowed rows were seen as without one.
            if position >= wanted && allowed >= enough {
                break;
            }
            match self.list((index, list), turned, &prepared, scratch) {
                Ok(seen) => allowed += seen,
                Err(damaged) => return Ok(Err(damaged)),
            }
        }
        self.prepared.push(prepared);
        Ok(Ok(()))
    }

    /// The lists in the order in which to look: the nearest ones, or all when there is a filter.
    fn order(&self, segment: &Segment, turned: &[f32], wanted: usize, scratch: &mut Scratch) -> Vec<usize> {
        let lists = segment.lists();
        if wanted >= lists {
            return (0..lists).collect();
        }
        let level = self.question.coder.level;
        let guide = segment.guide.get_or_init(|| {
            let centres = segment.centres.iter().map(|centre| centre.place.clone()).collect();
            Guide::new(level, centres)
        });
        let count = if self.question.allowed.is_all() { wanted } else { lists };
        let metric = self.question.coder.space.metric;
        guide.lists_for(level, metric, segment.header.unit, turned, count, &mut scratch.order)
    }

    /// Scans a list; returns how many rows of it are allowed.
    fn list(
        &mut self,
        (index, list): (usize, usize),
        turned: &[f32],
        prepared: &Prepared,
        scratch: &mut Scratch,
    ) -> Result<usize, Damaged> {
        let (question, segment) = (self.question, &self.segments[index]);
        let level = question.coder.level;
        let rows = segment.rows_in(list);
        if rows == 0 {
            return Ok(0);
        }
        let (first, count) = (scratch.maxima.len(), rows.div_ceil(BLOCK_ROWS));
        let blocks = segment.blocks(list)?;
        scratch.maxima.resize(first + count, f32::NEG_INFINITY);
        scratch.ranks.resize((first + count) * BLOCK_ROWS, f32::NEG_INFINITY);
        let affine = prepared.affine(level, turned, &segment.centres[list], segment.reach(list));
        let (ranks, maxima) = (&mut scratch.ranks[first * BLOCK_ROWS..], &mut scratch.maxima[first..]);
        self.lists.push(Scanned { segment: index, list, first, affine });
        if question.allowed.is_all() && !segment.any_gone() {
            level.scan(blocks, &prepared.lookup, &affine, ranks, maxima);
            self.rows += rows;
            return Ok(rows);
        }
        scratch.masks.clear();
        question.allowed.masks(&segment.list(list)?, &mut scratch.masks);
        let stride = block_bytes(question.coder.rotation.padded());
        let mut seen = 0;
        for (block, mask) in scratch.masks.iter_mut().enumerate() {
            *mask &= !segment.gone(list, block, self.now.version);
            seen += mask.count_ones() as usize;
        }
        for (block, mask) in scratch.masks.iter().enumerate() {
            if *mask == 0 {
                continue;
            }
            let (ranks, maximum) =
                (&mut ranks[block * BLOCK_ROWS..][..BLOCK_ROWS], &mut maxima[block..=block]);
            level.scan(&blocks[block * stride..][..stride], &prepared.lookup, &affine, ranks, maximum);
            if *mask != u32::MAX {
                maximum[0] = silence(ranks, *mask);
            }
        }
        self.rows += seen;
        Ok(seen)
    }

    /// Reads and scores rows by falling bounds, until no other row can be among the best.
    fn score_survivors(
        &self,
        connection: &Connection,
        scratch: &mut Scratch,
        settled: bool,
        best: &mut Best,
    ) -> Result<Outcome> {
        let question = self.question;
        let coder = question.coder;
        let mut picker = Picker::new(connection, coder.id, coder.space.dimensions)?;
        let (mut looks, mut reads) = question.recall.budget(question.k, self.rows);
        let (mut ceiling, mut first) = (f32::INFINITY, question.k + 38);
        let mut everything = false;
        while !everything && looks > 0 && reads > 0 {
            // The rows read so far may be far from the best ones (those of a gap, say): the first round goes by the
            // bounds alone, and later ones take in all that reach the threshold found.
            let (threshold, few) = (best.threshold(), self.floor(scratch, first));
            let known = threshold > f64::NEG_INFINITY && (ceiling < f32::INFINITY || below(threshold) >= few);
            let floor = if known { below(threshold) } else { few };
            everything = known || floor == f32::NEG_INFINITY;
            gather(scratch, floor, ceiling);
            keep_best(&mut scratch.candidates, looks);
            looks -= scratch.candidates.len();
            if let Err(damaged) = self.second_look(scratch)? {
                return Ok(Outcome::Damaged(damaged));
            }
            scratch.candidates.retain(|(bound, _)| f64::from(*bound) >= threshold);
            if question.recall == Recall::Exact && scratch.candidates.len() > self.rows / 3 + 1000 {
                return Ok(Outcome::TooMany);
            }
            keep_best(&mut scratch.candidates, reads);
            scratch.candidates.sort_unstable_by(descending);
            for (index, (bound, place)) in scratch.candidates.iter().enumerate() {
                if f64::from(*bound) < best.threshold() {
                    break;
                }
                if index % 64 == 0 {
                    question.cancel.check()?;
                }
                reads -= 1;
                if let Err(damaged) = self.score_row(*place, &mut picker, settled, best)? {
                    return Ok(Outcome::Damaged(damaged));
                }
            }
            (ceiling, first) = (floor, first * 4);
        }
        Ok(Outcome::Done)
    }

    /// Puts the closer bounds of the four-bit codes in the place of the candidates' first ones.
    fn second_look(&self, scratch: &mut Scratch) -> Result<Result<(), usize>> {
        let level = self.question.coder.level;
        let mut candidates = std::mem::take(&mut scratch.candidates);
        for (index, (bound, place)) in candidates.iter_mut().enumerate() {
            if index % 256 == 0 {
                self.question.cancel.check()?;
            }
            let (scanned, row) = self.place(*place);
            let segment = &self.segments[scanned.segment];
            let Ok(view) = segment.list(scanned.list) else { return Ok(Err(scanned.segment)) };
            let record = segment.record(view.place(row), &mut scratch.record);
            let Some((nibbles, factors)) = record.ok().and_then(read_record) else {
                return Ok(Err(scanned.segment));
            };
            let closer = self.prepared[scanned.segment].second_look(level, &scanned.affine, nibbles, factors);
            *bound = bound.min(closer);
        }
        scratch.candidates = candidates;
        Ok(Ok(()))
    }

    fn place(&self, place: u32) -> (&Scanned, usize) {
        let block = place as usize / BLOCK_ROWS;
        let scanned = &self.lists[self.lists.partition_point(|list| list.first <= block) - 1];
        (scanned, place as usize - scanned.first * BLOCK_ROWS)
    }

    fn score_row(
        &self,
        place: u32,
        picker: &mut Picker<'_>,
        settled: bool,
        best: &mut Best,
    ) -> Result<Result<(), usize>> {
        let (scanned, row) = self.place(place);
        let segment = &self.segments[scanned.segment];
        let Ok(view) = segment.list(scanned.list) else { return Ok(Err(scanned.segment)) };
        let slot = view.slot(row);
        match picker.pick(slot, |row| self.question.score(row))? {
            Some(scored) => best.add(scored),
            None if settled && slot < self.now.next_slot => {
                segment.mark_gone(scanned.list, row, self.now.version)
            }
            None => {}
        }
        Ok(Ok(()))
    }

    /// A bound that about `count` rows reach: that of the count-th best block.
    fn floor(&self, scratch: &mut Scratch, count: usize) -> f32 {
        if count >= scratch.maxima.len() {
            return f32::NEG_INFINITY;
        }
        scratch.order.clear();
        scratch.order.extend_from_slice(&scratch.maxima);
        *scratch.order.select_nth_unstable_by(count, |a, b| b.total_cmp(a)).1
    }
}

/// Keeps the best so many candidates.
fn keep_best(candidates: &mut Vec<(f32, u32)>, most: usize) {
    if candidates.len() > most {
        candidates.select_nth_unstable_by(most - 1, descending);
        candidates.truncate(most);
    }
}

fn descending(a: &(f32, u32), b: &(f32, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

/// The largest f32 that is not above the threshold.
fn below(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}

/// The candidates with a bound from `floor` on and below `ceiling`. Places without a row have none.
fn gather(scratch: &mut Scratch, floor: f32, ceiling: f32) {
    scratch.candidates.clear();
    let lowest = floor.max(f32::MIN);
    for (block, maximum) in scratch.maxima.iter().enumerate() {
        if *maximum < lowest {
            continue;
        }
        for (row, bound) in scratch.ranks[block * BLOCK_ROWS..][..BLOCK_ROWS].iter().enumerate() {
            if *bound >= lowest && (*bound < ceiling || ceiling == f32::INFINITY) {
                scratch.candidates.push((*bound, (block * BLOCK_ROWS + row) as u32));
            }
        }
    }
}

/// Takes the rows outside the mask out of the running; returns the largest bound of the others.
fn silence(ranks: &mut [f32], mask: u32) -> f32 {
    let mut kept = [f32::NEG_INFINITY; BLOCK_ROWS];
    let (mut left, mut largest) = (mask, f32::NEG_INFINITY);
    while left != 0 {
        let row = left.trailing_zeros() as usize;
        kept[row] = ranks[row];
        largest = largest.max(ranks[row]);
        left &= left - 1;
    }
    ranks.copy_from_slice(&kept);
    largest
}

/// Scores the rows of few ids, one by one.
pub fn score_ids(question: &Question<'_>, connection: &Connection, ids: &[i64]) -> Result<Vec<Hit>> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut best = Best::new(question.k);
    let coder = question.coder;
    rows::each_of_ids(connection, coder.id, coder.space.dimensions, &sorted, |row| {
        best.add(question.score(row));
        Ok(true)
    })?;
    Ok(best.into_hits())
}
