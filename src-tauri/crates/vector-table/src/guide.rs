//! Finds the centres nearest to a vector, the way rows are found: by one-bit codes first, exactly among the best.

use crate::code::{Centre, Coded, Mean, Prepared, Seat, Trust, encode};
use crate::kernels::{BLOCK_ROWS, Level};
use crate::list::{Label, ListBuilder};
use crate::space::Metric;

/// A list, and the squared distance of its centre.
pub type Away = (f32, u32);

/// An index of centres, which lie elsewhere: one after the other, as many as it was made for.
#[derive(Debug)]
pub struct Guide {
    origin: Centre,
    list: ListBuilder,
}

impl Guide {
    /// Over centres of so many places.
    #[must_use]
    pub fn new(level: Level, centres: &[f32], places: usize) -> Self {
        let mut mean = Mean::new(places);
        centres.chunks_exact(places).for_each(|centre| mean.add(centre, level.dot(centre, centre).sqrt()));
        let origin = Centre::new(&mean.place(), &mean.place(), 1.0);
        let (mut list, mut coded) = (ListBuilder::default(), Coded::default());
        for (place, index) in centres.chunks_exact(places).zip(0u32..) {
            let norm = level.dot(place, place).sqrt();
            encode(level, Metric::Euclidean, place, norm.max(1e-6), &origin, &mut coded);
            let label = Label { slot: index, place: 0, id: 0, collection: 0 };
            list.push(&coded.bits, coded.coarse, label, norm);
        }
        Self { origin, list }
    }

    /// The `count` nearest centres, nearest first, with their distances.
    pub fn nearest(
        &self,
        level: Level,
        centres: &[f32],
        vector: &[f32],
        count: usize,
        scratch: &mut Vec<f32>,
    ) -> Vec<Away> {
        let mut order = self.estimated(level, vector, scratch);
        keep_nearest(&mut order, 2 * count + 8);
        measure(level, centres, vector, &mut order);
        order.truncate(count);
        order
    }

    /// All centres, nearest first; the distances of the `exact` nearest are measured, those of the others estimated.
    pub fn all(
        &self,
        level: Level,
        centres: &[f32],
        vector: &[f32],
        exact: usize,
        scratch: &mut Vec<f32>,
    ) -> Vec<Away> {
        let mut near = self.estimated(level, vector, scratch);
        let mut rest = keep_nearest(&mut near, exact);
        measure(level, centres, vector, &mut near);
        rest.sort_unstable_by(nearer);
        near.append(&mut rest);
        near
    }

    fn estimated(&self, level: Level, vector: &[f32], scratch: &mut Vec<f32>) -> Vec<Away> {
        let around = (self.origin.place.as_slice(), 1.0);
        let prepared =
            Prepared::new(Metric::Euclidean, vector, around, Trust::Deviations { bits: 0.0, nibbles: 0.0 });
        // By euclidean distance the centre's length does not matter.
        let seat = Seat { place: &self.origin.place, square: 0.0, unit: 1.0, reach: self.list.reach };
        let terms = prepared.terms(level, vector, seat);
        let count = self.list.labels.len();
        let blocks = count.div_ceil(BLOCK_ROWS);
        scratch.clear();
        scratch.resize(blocks * (BLOCK_ROWS + 1), 0.0);
        let (ranks, maxima) = scratch.split_at_mut(blocks * BLOCK_ROWS);
        level.scan(&self.list.blocks, prepared.lookup(level), &terms, ranks, maxima);
        ranks[..count].iter().zip(0u32..).map(|(rank, list)| (-2.0 * rank, list)).collect()
    }
}

/// Keeps the nearest so many; returns the others.
fn keep_nearest(order: &mut Vec<Away>, count: usize) -> Vec<Away> {
    if count == 0 || count >= order.len() {
        return Vec::new();
    }
    order.select_nth_unstable_by(count - 1, nearer);
    order.split_off(count)
}

fn measure(level: Level, centres: &[f32], vector: &[f32], order: &mut [Away]) {
    for (away, list) in order.iter_mut() {
        *away = level.distance_square(vector, &centres[*list as usize * vector.len()..][..vector.len()]);
    }
    order.sort_unstable_by(nearer);
}

fn nearer(a: &Away, b: &Away) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// The query that lists are chosen by, in rank units, among rows of the mean length `unit`.
///
/// A query for dot products is taken for a row of twice that length: its best rows are long ones, but a list's centre
/// says little of the rows that lie across, and distance sends both to the same list.
#[must_use]
pub fn guiding(metric: Metric, unit: f32, query: &[f32]) -> Vec<f32> {
    let scale = if metric == Metric::Dot { 2.0 * unit } else { 1.0 };
    query.iter().map(|value| scale * value).collect()
}
