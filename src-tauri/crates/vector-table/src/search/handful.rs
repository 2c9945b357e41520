//! A search among few ids whose records are all at hand: each of their rows is looked at by its four-bit code, without a
//! scan, which reads less of a row than its block has. Which lists are near does not matter then, and there is one round:
//! each further one would read rows that those after it make needless.

use std::sync::Arc;

use super::scan::Scan;
use super::{Candidate, Question, Scratch};
use crate::error;
use crate::kernels::BLOCK_ROWS;
use crate::rows_by_id::Spot;
use crate::segment::{Damaged, Segment};

/// Up to this part of all rows; of more, the scan looks at as many lists as it must in less time.
const PART: usize = 8;

/// The ids of such a search.
pub fn ids<'q>(question: &'q Question<'_>, segments: &[Arc<Segment>]) -> Option<&'q [i64]> {
    let rows: usize = segments.iter().map(|segment| segment.header.rows).sum();
    let ids = question.allowed.ids().filter(|ids| ids.len() <= rows / PART);
    ids.filter(|_| segments.iter().all(|segment| segment.has_records_at_hand()))
}

impl Scan<'_> {
    /// The upper bounds of the rows of these ids, by their four-bit codes.
    ///
    /// # Errors
    /// That it was cancelled; the segment that is damaged inside.
    pub fn look_at(&mut self, ids: &[i64], scratch: &mut Scratch) -> error::Result<Result<(), usize>> {
        self.begin(true, scratch);
        for index in 0..self.segments.len() {
            let from = scratch.few.len();
            if self.find(index, ids, &mut scratch.few).is_err() {
                return Ok(Err(index));
            }
            self.enter_lists(index, &mut scratch.few[from..], &mut scratch.masks);
        }
        self.rows = scratch.few.len();
        self.second_look(&mut scratch.few, &mut scratch.record)
    }

    /// The rows of these ids in a segment, each with the number of its list in the segment.
    fn find(&self, index: usize, ids: &[i64], few: &mut Vec<Candidate>) -> Result<(), Damaged> {
        let (segment, allowed, version) = (&self.segments[index], self.question.allowed, self.now.version);
        let mut whole = Ok(());
        segment.by_id()?.find(ids, |Spot { list, row, place }| {
            let (at, bit) = (row as usize / BLOCK_ROWS, row as usize % BLOCK_ROWS);
            let gone = segment.gone.of(list as usize, at, version) >> bit & 1 == 1;
            let mut allows = || match segment.list(list as usize) {
                Ok(view) => allowed.allows(view.id(row as usize), view.collection(row as usize)),
                Err(damaged) => {
                    whole = Err(damaged);
                    false
                }
            };
            if !gone && (allowed.is_ids() || allows()) {
                few.push(Candidate { record: Some(place), ..Candidate::new(f32::INFINITY, list, row) });
            }
        });
        whole
    }

    /// Puts the lists of a segment that these rows are in into the round, in order; each row gets its list's number there.
    fn enter_lists(&mut self, segment: usize, few: &mut [Candidate], numbers: &mut Vec<u32>) {
        numbers.clear();
        numbers.resize(self.segments[segment].lists(), u32::MAX);
        few.iter().for_each(|candidate| numbers[candidate.list as usize] = 0);
        for (list, number) in numbers.iter_mut().enumerate().filter(|(_, number)| **number == 0) {
            *number = self.lists.len() as u32;
            self.enter(segment, list);
        }
        few.iter_mut().for_each(|candidate| candidate.list = numbers[candidate.list as usize]);
    }
}
