//! Which lists a search may look into, nearest first, and which of their rows a filter of ids leaves.

use std::sync::Arc;

use super::{Question, Recall, Scratch};
use crate::guide::{Away, guiding};
use crate::kernels::BLOCK_ROWS;
use crate::rows_by_id::Spot;
use crate::segment::{Damaged, Segment};

/// Up to this part of all rows the rows of ids are kept one by one, and only their blocks are scanned (see also `handful`).
const FEW: usize = 20;

/// Up to this part of all rows the rows of ids are found by the index; of more it is quicker to ask for each row.
const INDEXED: usize = 2;

/// Under a filter the distances of so many centres are measured; those of the others are estimated.
const MEASURED: usize = 64;

/// A list to look into.
pub struct Planned {
    pub segment: usize,
    pub list: usize,
    /// The squared distance of its centre from the query; below zero for lists that are looked into in any case.
    pub away: f32,
}

/// The lists in the order in which to look.
pub struct Plan {
    pub lists: Vec<Planned>,
    /// By a filter of ids: for each segment a bit for each of its rows that has one of them.
    pub masks: Option<Vec<Vec<u32>>>,
    /// Whether these are so few that they are kept one by one.
    pub few: bool,
    /// For each segment whether all its rows are allowed.
    pub whole: Vec<bool>,
}

impl Plan {
    /// # Errors
    /// The segment that is damaged.
    pub fn new(
        question: &Question<'_>,
        segments: &[Arc<Segment>],
        turned: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Self, usize> {
        let total: usize = segments.iter().map(|segment| segment.header.rows).sum();
        let ids = question.allowed.ids().filter(|ids| ids.len() <= total / INDEXED);
        let few = ids.is_some_and(|ids| ids.len() <= total / FEW);
        let mut plan = Plan { lists: Vec::new(), masks: ids.map(|_| Vec::new()), few, whole: Vec::new() };
        for (index, segment) in segments.iter().enumerate() {
            let whole = question.allowed.covers(segment.collections.as_deref());
            plan.whole.push(whole);
            let mut order = order(segment, question, turned, whole, scratch);
            if let (Some(masks), Some(ids)) = (&mut plan.masks, ids) {
                let found = find(segment, ids).map_err(|Damaged| index)?;
                let starts = segment.starts();
                order.retain(|(_, list)| {
                    let list = *list as usize;
                    found[starts[list]..starts[list + 1]].iter().any(|mask| *mask != 0)
                });
                masks.push(found);
            }
            let planned = |(away, list)| Planned { segment: index, list: list as usize, away };
            plan.lists.extend(order.into_iter().map(planned));
        }
        if segments.len() > 1 {
            plan.lists.sort_by(|a, b| a.away.total_cmp(&b.away));
        }
        Ok(plan)
    }
}

/// A bit for each row that has one of the ids.
fn find(segment: &Segment, ids: &[i64]) -> Result<Vec<u32>, Damaged> {
    let starts = segment.starts();
    let mut masks = vec![0u32; starts[segment.lists()]];
    segment.by_id()?.find(ids, |Spot { list, row, .. }| {
        masks[starts[list as usize] + row as usize / BLOCK_ROWS] |= 1 << (row as usize % BLOCK_ROWS);
    });
    Ok(masks)
}

/// The lists of a segment with the distances of their centres: as many as a search without a filter looks into, else all.
fn order(
    segment: &Segment,
    question: &Question<'_>,
    turned: &[f32],
    whole: bool,
    scratch: &mut Scratch,
) -> Vec<Away> {
    let lists = segment.lists();
    if lists == 1 || question.recall == Recall::Exact {
        return (0..lists as u32).map(|list| (-1.0, list)).collect();
    }
    let (level, header) = (question.coder.level, &segment.header);
    let guide = segment.guide(level);
    let query = guiding(header.metric, header.unit, turned);
    let wanted = question.recall.lists(segment, question.k);
    if whole {
        guide.nearest(level, segment.centres(), &query, wanted, &mut scratch.order)
    } else {
        guide.all(level, segment.centres(), &query, MEASURED, &mut scratch.order)
    }
}
