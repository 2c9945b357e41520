//! The upper bounds of all rows in the lists of a round.

use std::sync::Arc;

use rusqlite::Connection;

use super::best::Best;
use super::plan::{Plan, Planned};
use super::{Candidate, Part, Question, Recall, Scratch, rows_of};
use crate::code::Prepared;
use crate::error::Result;
use crate::kernels::{BLOCK_ROWS, Terms};
use crate::rows::{Picker, Snapshot};
use crate::segment::{Damaged, Segment};
use crate::space::Metric;

/// The first round looks at so many allowed rows, and as many for each hit as below: enough for a first idea of how far
/// the k-th best is. Each later round may look at so many times more.
const FIRST_ROWS: usize = 128;
const FIRST_ROWS_A_HIT: usize = 8;
const GROWTH: usize = 4;

/// Blocks of single rows are fetched so many ahead: one block is scanned in less time than the next takes to come.
const AHEAD: usize = 2;

/// Dot products say nothing of distances: under a filter so many full lists' worth of allowed rows is looked at.
const FILTERED_LISTS: usize = 32;

/// A list in the scan: where it is, and its first block among all of the round.
pub struct Scanned {
    pub segment: usize,
    pub list: usize,
    pub first: usize,
    pub blocks: usize,
    pub terms: Terms,
}

/// A search under way.
pub struct Scan<'a> {
    pub question: &'a Question<'a>,
    pub segments: &'a [Arc<Segment>],
    turned: &'a [f32],
    pub now: Snapshot,
    /// Whether what is seen is committed.
    pub settled: bool,
    pub picker: Picker<'a>,
    prepared: Vec<Prepared>,
    /// The lists of this round, and their blocks.
    pub lists: Vec<Scanned>,
    blocks: usize,
    /// Whether the rows are so few that their bounds are kept one by one, not by blocks.
    pub few: bool,
    /// Allowed rows looked at so far.
    pub rows: usize,
    /// Of these, how many were looked at again, and read.
    pub looked: usize,
    pub read: usize,
    round_rows: usize,
}

impl<'a> Scan<'a> {
    /// Before the first round.
    ///
    /// # Errors
    /// What the database says.
    pub fn new(
        question: &'a Question<'a>,
        segments: &'a [Arc<Segment>],
        turned: &'a [f32],
        (now, settled): (Snapshot, bool),
        connection: &'a Connection,
    ) -> Result<Self> {
        let coder = question.coder;
        let trust = question.recall.trust();
        let prepare = |segment: &Arc<Segment>| {
            let around = (segment.origin.as_slice(), segment.header.unit);
            Prepared::new(coder.space.metric, turned, around, trust)
        };
        let round_rows = match question.recall {
            Recall::Exact => usize::MAX,
            Recall::Fast | Recall::Balanced => FIRST_ROWS + FIRST_ROWS_A_HIT * question.k,
        };
        Ok(Self {
            question,
            segments,
            turned,
            now,
            settled,
            picker: Picker::new(connection, coder.id, coder.space.dimensions)?,
            prepared: segments.iter().map(prepare).collect(),
            lists: Vec::new(),
            blocks: 0,
            few: false,
            rows: 0,
            looked: 0,
            read: 0,
            round_rows,
        })
    }

    /// The query's tables for a segment.
    pub fn prepared(&self, segment: usize) -> &Prepared {
        &self.prepared[segment]
    }

    /// Scans the next lists of the plan. False when none is left that may hold one of the best.
    ///
    /// # Errors
    /// That it was cancelled; the segment that is damaged inside.
    pub fn round(
        &mut self,
        plan: &Plan,
        next: &mut usize,
        best: &Best,
        scratch: &mut Scratch,
    ) -> Result<Result<bool, usize>> {
        self.begin(plan.few, scratch);
        let mut seen = 0;
        while let Some(planned) = plan.lists.get(*next).filter(|planned| self.within_reach(planned, best)) {
            if planned.away >= 0.0 && seen >= self.round_rows {
                break;
            }
            self.question.cancel.check()?;
            *next += 1;
            if let Some(ahead) = plan.lists.get(*next) {
                self.fetch(ahead, plan.few);
            }
            let looked_at = match &plan.masks {
                Some(masks) if plan.few => self.pick(planned, &masks[planned.segment], scratch),
                masks => {
                    let masks = masks.as_ref().map(|masks| masks[planned.segment].as_slice());
                    self.list(planned, plan.whole[planned.segment], masks, scratch)
                }
            };
            match looked_at {
                Ok(rows) => {
                    self.rows += rows;
                    seen += if planned.away >= 0.0 { rows } else { 0 };
                }
                Err(Damaged) => return Ok(Err(planned.segment)),
            }
        }
        self.round_rows = self.round_rows.saturating_mul(GROWTH);
        if let Err(damaged) = self.bound_few(scratch)? {
            return Ok(Err(damaged));
        }
        Ok(Ok(!self.lists.is_empty()))
    }

    /// Forgets the round before.
    pub fn begin(&mut self, few: bool, scratch: &mut Scratch) {
        self.lists.clear();
        (self.blocks, self.few) = (0, few);
        scratch.ranks.clear();
        scratch.maxima.clear();
        scratch.parts.clear();
        scratch.few.clear();
    }

    /// Whether a list may hold one of the k best, given those so far.
    fn within_reach(&self, planned: &Planned, best: &Best) -> bool {
        let (threshold, segment) = (best.threshold(), &self.segments[planned.segment]);
        if planned.away < 0.0 || threshold == f64::NEG_INFINITY {
            return true;
        }
        let kth = match segment.header.metric {
            Metric::Cosine => 2.0 - 2.0 * threshold,
            Metric::Euclidean => -2.0 * threshold,
            Metric::Dot => {
                let list = segment.header.rows.div_ceil(segment.lists());
                let wanted = self.question.recall.lists(segment, self.question.k).max(FILTERED_LISTS);
                return self.rows < wanted * list;
            }
        };
        f64::from(planned.away) <= f64::from(segment.header.slack) * kth
    }

    /// Puts a list into the round; returns its number there.
    pub fn enter(&mut self, segment: usize, list: usize) -> &Scanned {
        let entered = &self.segments[segment];
        let (level, seat) = (self.question.coder.level, entered.seat(list));
        let terms = self.prepared[segment].terms(level, self.turned, seat);
        let (first, blocks) = (self.blocks, entered.rows_in(list).div_ceil(BLOCK_ROWS));
        self.blocks += blocks;
        self.lists.push(Scanned { segment, list, first, blocks, terms });
        &self.lists[self.lists.len() - 1]
    }

    /// Has the processor fetch what the next list begins with.
    fn fetch(&self, ahead: &Planned, few: bool) {
        let segment = &self.segments[ahead.segment];
        segment.fetch(ahead.list, !few);
    }

    /// Notes the rows in the masks; returns how many.
    fn pick(&mut self, planned: &Planned, masks: &[u32], scratch: &mut Scratch) -> Result<usize, Damaged> {
        let (question, version) = (self.question, self.now.version);
        self.enter(planned.segment, planned.list);
        let number = self.lists.len() as u32 - 1;
        let (segment, list) = (&self.segments[planned.segment], planned.list);
        let (starts, view, mut rows) = (segment.starts(), segment.list(list)?, 0);
        let mut masks = &masks[starts[list]..starts[list + 1]];
        if !question.allowed.is_ids() {
            scratch.masks.clear();
            scratch.masks.extend_from_slice(masks);
            question.allowed.narrow_rows(&view, &mut scratch.masks);
            masks = &scratch.masks;
        }
        for (block, mask) in (0u32..).zip(masks) {
            let mask = if *mask == 0 { 0 } else { mask & !segment.gone.of(list, block as usize, version) };
            if mask != 0 {
                scratch.parts.push(Part { list: number, block, mask });
                rows += mask.count_ones() as usize;
            }
        }
        Ok(rows)
    }

    /// The upper bounds of the rows in the blocks noted.
    fn bound_few(&self, scratch: &mut Scratch) -> Result<Result<(), usize>> {
        let mut ranks = [0.0; BLOCK_ROWS];
        for (index, part) in scratch.parts.iter().enumerate() {
            if index % 256 == 0 {
                self.question.cancel.check()?;
            }
            if let Err(damaged) = self.bound_block(part, scratch.parts.get(index + AHEAD), &mut ranks) {
                return Ok(Err(damaged));
            }
            let candidate = |row: u32| {
                Candidate::new(ranks[row as usize], part.list, part.block * BLOCK_ROWS as u32 + row)
            };
            scratch.few.extend(rows_of(part.mask).map(candidate));
        }
        Ok(Ok(()))
    }

    /// All rows of a block cost the same, and most have but one of the few: fetching the blocks is what takes the time.
    fn bound_block(
        &self,
        part: &Part,
        ahead: Option<&Part>,
        ranks: &mut [f32; BLOCK_ROWS],
    ) -> Result<(), usize> {
        let block = |part: &Part| {
            let Scanned { segment, list, .. } = self.lists[part.list as usize];
            self.segments[segment].block(list, part.block as usize).map_err(|Damaged| segment)
        };
        let Scanned { segment, terms, .. } = &self.lists[part.list as usize];
        let level = self.question.coder.level;
        let lookup = self.prepared[*segment].lookup(level);
        level.scan_block(block(part)?, block(ahead.unwrap_or(part))?, lookup, terms, ranks);
        Ok(())
    }

    /// Scans a list; returns how many rows of it are allowed.
    fn list(
        &mut self,
        planned: &Planned,
        whole: bool,
        masks: Option<&[u32]>,
        scratch: &mut Scratch,
    ) -> Result<usize, Damaged> {
        let (segment, list) = (&self.segments[planned.segment], planned.list);
        let rows = segment.rows_in(list);
        if rows == 0 {
            return Ok(0);
        }
        let entered = self.enter(planned.segment, planned.list);
        let (first, count, terms) = (entered.first, rows.div_ceil(BLOCK_ROWS), entered.terms);
        let blocks = segment.blocks(list)?;
        scratch.masks.clear();
        if !whole {
            self.narrow(planned, masks, scratch)?;
            let used = scratch.masks.iter().filter(|mask| **mask != 0).count();
            if used == 0 {
                // Nothing allowed: the blocks stay reserved and empty.
                scratch.maxima.resize(first + count, f32::NEG_INFINITY);
                scratch.ranks.resize((first + count) * BLOCK_ROWS, f32::NEG_INFINITY);
                return Ok(0);
            }
        }
        scratch.maxima.resize(first + count, f32::NEG_INFINITY);
        scratch.ranks.resize((first + count) * BLOCK_ROWS, f32::NEG_INFINITY);
        let (ranks, maxima) = (&mut scratch.ranks[first * BLOCK_ROWS..], &mut scratch.maxima[first..]);
        let level = self.question.coder.level;
        let lookup = self.prepared[planned.segment].lookup(level);
        level.scan(blocks, lookup, &terms, ranks, maxima);
        if whole && !segment.gone.any() {
            return Ok(rows);
        }
        // All rows of a block cost the same: those that are out of the running are silenced afterwards.
        let mut seen = 0;
        for (block, maximum) in maxima.iter_mut().enumerate() {
            let in_block = (rows - block * BLOCK_ROWS).min(BLOCK_ROWS);
            let all = u32::MAX >> (BLOCK_ROWS - in_block);
            let allowed = scratch.masks.get(block).copied().unwrap_or(all);
            let mask = allowed & !segment.gone.of(list, block, self.now.version);
            seen += mask.count_ones() as usize;
            if mask != all {
                *maximum = silence(&mut ranks[block * BLOCK_ROWS..][..BLOCK_ROWS], mask);
            }
        }
        Ok(seen)
    }

    /// The masks of a list's allowed rows.
    fn narrow(&self, planned: &Planned, masks: Option<&[u32]>, scratch: &mut Scratch) -> Result<(), Damaged> {
        let (segment, list, allowed) = (&self.segments[planned.segment], planned.list, self.question.allowed);
        let Some(found) = masks else {
            allowed.masks(&segment.list(list)?, &mut scratch.masks);
            return Ok(());
        };
        let starts = segment.starts();
        scratch.masks.extend_from_slice(&found[starts[list]..starts[list + 1]]);
        if !allowed.is_ids() {
            allowed.narrow_rows(&segment.list(list)?, &mut scratch.masks);
        }
        Ok(())
    }
}

/// Takes the rows outside the mask out of the running; returns the largest bound of the others.
fn silence(ranks: &mut [f32], mask: u32) -> f32 {
    let mut largest = [f32::NEG_INFINITY; 8];
    for (lanes, first) in ranks.chunks_exact_mut(8).zip((0..).step_by(8)) {
        for (lane, (rank, largest)) in lanes.iter_mut().zip(&mut largest).enumerate() {
            let stays = mask >> (first + lane) & 1 == 1;
            *rank = if stays { *rank } else { f32::NEG_INFINITY };
            *largest = largest.max(*rank);
        }
    }
    largest.into_iter().fold(f32::NEG_INFINITY, f32::max)
}
