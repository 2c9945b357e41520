//! From bounds to hits: the best are looked at again, and those that stay in the running are read.

use std::cmp::Ordering;

use super::best::Best;
use super::scan::{Scan, Scanned};
use super::{Candidate, Recall, Scratch};
use crate::error::Result;
use crate::kernels::{BLOCK_ROWS, prefetch};

/// How the reading of rows ended.
pub enum Outcome {
    /// The best of this round are found.
    Done,
    /// So many single rows would cost more than reading the table from end to end.
    TooMany,
    /// This segment is damaged.
    Damaged(usize),
}

/// Records are fetched so many ahead of the one that is looked at.
const AHEAD: usize = 6;

/// Up to so many bounds the best are picked one by one; of more, by the best of each block.
const FEW_BOUNDS: usize = 8192;

impl Scan<'_> {
    /// Reads and scores rows by falling bounds, until no other row of the round can be among the best.
    ///
    /// # Errors
    /// That it was cancelled; what the database says.
    pub fn score_survivors(&mut self, scratch: &mut Scratch, best: &mut Best) -> Result<Outcome> {
        let k = self.question.k;
        let (mut ceiling, mut first, mut everything) = (None, k + 38, false);
        while !everything && self.budget().0 > 0 && self.budget().1 > 0 {
            // The rows read so far may be far from the best ones (those of a gap, say): the first pass goes by the
            // bounds alone, and later ones take in all that reach the threshold found.
            let threshold =
                Some(best.threshold()).filter(|threshold| *threshold > f64::NEG_INFINITY).map(below);
            let floor = match (threshold, ceiling) {
                (Some(threshold), Some(_)) => threshold,
                _ => floor(scratch, self.few, first).max(threshold.unwrap_or(f32::NEG_INFINITY)),
            };
            everything = threshold.is_some_and(|threshold| threshold >= floor) || floor == f32::NEG_INFINITY;
            self.gather(scratch, floor, ceiling);
            match self.score_candidates(scratch, best)? {
                Outcome::Done => {}
                other => return Ok(other),
            }
            (ceiling, first) = (Some(floor), first * 4);
        }
        Ok(Outcome::Done)
    }

    /// How many more rows may be looked at again, and read.
    fn budget(&self) -> (usize, usize) {
        let (looks, reads) = self.question.recall.budget(self.question.k, self.rows);
        (looks.saturating_sub(self.looked), reads.saturating_sub(self.read))
    }

    fn score_candidates(&mut self, scratch: &mut Scratch, best: &mut Best) -> Result<Outcome> {
        let (looks, reads) = self.budget();
        if !self.few {
            keep_best(&mut scratch.candidates, looks);
            self.looked += scratch.candidates.len();
        }
        if let Err(damaged) = self.second_look(&mut scratch.candidates, &mut scratch.record)? {
            return Ok(Outcome::Damaged(damaged));
        }
        let threshold = best.threshold();
        scratch.candidates.retain(|candidate| f64::from(candidate.bound) >= threshold);
        if self.question.recall == Recall::Exact && scratch.candidates.len() > self.rows / 3 + 1000 {
            return Ok(Outcome::TooMany);
        }
        keep_best(&mut scratch.candidates, reads);
        // Few of them are read as a rule: only as many are put in order.
        let (mut rest, mut count) = (scratch.candidates.as_mut_slice(), self.question.k + 22);
        while !rest.is_empty() {
            let first = best_first(rest, count);
            let (next, after) = rest.split_at_mut(first);
            for (index, candidate) in next.iter().enumerate() {
                if f64::from(candidate.bound) < best.threshold() {
                    return Ok(Outcome::Done);
                }
                if index % 16 == 0 {
                    self.question.cancel.check()?;
                }
                self.read += 1;
                if let Err(damaged) = self.score_row(candidate, best)? {
                    return Ok(Outcome::Damaged(damaged));
                }
            }
            (rest, count) = (after, count.saturating_mul(4));
        }
        Ok(Outcome::Done)
    }

    /// Puts the closer bounds of the four-bit codes in the place of the candidates' first ones.
    pub fn second_look(
        &self,
        candidates: &mut [Candidate],
        buffer: &mut Vec<u8>,
    ) -> Result<Result<(), usize>> {
        for candidate in candidates.iter_mut().filter(|candidate| candidate.record.is_none()) {
            let scanned = &self.lists[candidate.list as usize];
            let Ok(view) = self.segments[scanned.segment].list(scanned.list) else {
                return Ok(Err(scanned.segment));
            };
            candidate.record = Some(view.place(candidate.row as usize));
        }
        let level = self.question.coder.level;
        let fetch = |ahead: &Candidate| {
            let segment = &self.segments[self.lists[ahead.list as usize].segment];
            let record = ahead.record.filter(|_| !ahead.closer);
            record.and_then(|record| segment.mapped_record(record)).into_iter().for_each(prefetch);
        };
        candidates.iter().take(AHEAD).for_each(fetch);
        for index in 0..candidates.len() {
            if index % 128 == 0 {
                self.question.cancel.check()?;
            }
            candidates.get(index + AHEAD).into_iter().for_each(fetch);
            let candidate = &mut candidates[index];
            let Some(record) = candidate.record.filter(|_| !candidate.closer) else { continue };
            let Scanned { segment, terms, .. } = &self.lists[candidate.list as usize];
            let Ok((nibbles, factors)) = self.segments[*segment].fine_code(record, buffer) else {
                return Ok(Err(*segment));
            };
            let bound = self.prepared(*segment).second_look(level, terms, nibbles, factors);
            (candidate.bound, candidate.closer) = (candidate.bound.min(bound), true);
        }
        Ok(Ok(()))
    }

    fn score_row(&mut self, candidate: &Candidate, best: &mut Best) -> Result<Result<(), usize>> {
        let Scanned { segment: index, list, .. } = self.lists[candidate.list as usize];
        let (segment, row) = (&self.segments[index], candidate.row as usize);
        let Ok(view) = segment.list(list) else { return Ok(Err(index)) };
        let slot = view.slot(row);
        let question = self.question;
        match self.picker.pick(slot, |row| question.score(row))? {
            Some(scored) => best.add(scored),
            None if self.settled && slot < self.now.next_slot => {
                segment.gone.mark(list, row, self.now.version);
            }
            None => {}
        }
        Ok(Ok(()))
    }

    /// The candidates with a bound from `floor` on, and below `ceiling`: those above were had before. Places without a row have none.
    fn gather(&self, scratch: &mut Scratch, floor: f32, ceiling: Option<f32>) {
        scratch.candidates.clear();
        let lowest = floor.max(f32::MIN);
        let within = |bound: f32| bound >= lowest && ceiling.is_none_or(|ceiling| bound < ceiling);
        let few = scratch.few.iter().filter(|candidate| within(candidate.bound));
        scratch.candidates.extend(few);
        if self.few {
            return;
        }
        for (list, scanned) in (0u32..).zip(&self.lists) {
            let maxima = &scratch.maxima[scanned.first..][..scanned.blocks];
            for (block, maximum) in maxima.iter().enumerate() {
                if *maximum < lowest {
                    continue;
                }
                let ranks = &scratch.ranks[(scanned.first + block) * BLOCK_ROWS..][..BLOCK_ROWS];
                for (row, bound) in (block * BLOCK_ROWS..).zip(ranks) {
                    if within(*bound) {
                        scratch.candidates.push(Candidate::new(*bound, list, row as u32));
                    }
                }
            }
        }
    }
}

/// A bound that about `count` rows reach.
fn floor(scratch: &mut Scratch, few: bool, count: usize) -> f32 {
    scratch.order.clear();
    if few {
        scratch.order.extend(scratch.few.iter().map(|candidate| candidate.bound));
    } else {
        let bounds = if scratch.ranks.len() <= FEW_BOUNDS { &scratch.ranks } else { &scratch.maxima };
        scratch.order.extend_from_slice(bounds);
    }
    if count >= scratch.order.len() {
        return f32::NEG_INFINITY;
    }
    *scratch.order.select_nth_unstable_by(count, |a, b| b.total_cmp(a)).1
}

/// Keeps the best so many candidates.
fn keep_best(candidates: &mut Vec<Candidate>, most: usize) {
    if most > 0 && candidates.len() > most {
        candidates.select_nth_unstable_by(most - 1, descending);
    }
    candidates.truncate(most);
}

/// Puts the best so many candidates first, in order; returns how many these are.
fn best_first(candidates: &mut [Candidate], count: usize) -> usize {
    let count = count.min(candidates.len());
    if count < candidates.len() {
        candidates.select_nth_unstable_by(count, descending);
    }
    candidates[..count].sort_unstable_by(descending);
    count
}

fn descending(a: &Candidate, b: &Candidate) -> Ordering {
    b.bound.total_cmp(&a.bound).then((a.list, a.row).cmp(&(b.list, b.row)))
}

/// The largest f32 that is not above the threshold.
fn below(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}
