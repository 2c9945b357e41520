//! The inverted file: rows grouped into lists around the centres that k-means finds.
//!
//! Centres come from a sample, all rows are then read once and go to the nearest. The nearest of a thousand
//! centres is found the way rows are: by codes first, exactly among the best. How many lists a balanced search
//! must look into is measured while the lists are filled: for data without any grouping that is nearly all of them,
//! and the search then simply scans everything.

use rusqlite::Connection;

use crate::cancel::Cancel;
use crate::catalogue::Range;
use crate::code::{Centre, Coded, Mean};
use crate::coder::{Coder, Turned};
use crate::draft::{Draft, Parts};
use crate::error::{Error, Result};
use crate::guide::{Guide, guiding};
use crate::header::Header;
use crate::list::ListBuilder;
use crate::rotation::split_mix;
use crate::rows::{self, Picker};
use crate::segment::{Damaged, Segment};
use crate::space::Metric;

/// The fewest and the most lists. With more than these the choice among them would cost more than they save, and their
/// sample more memory than the rest of the table.
const LISTS: std::ops::RangeInclusive<usize> = 4..=4096;

/// Sample rows for each list: enough for a mean.
const SAMPLE_PER_LIST: usize = 32;

/// Sample rows at most: 150 MB of 768 places.
const MOST_SAMPLE: usize = 49_152;

/// Rounds of k-means. Later ones move little.
const ROUNDS: usize = 8;

/// Queries for the measurement of the probes, and neighbours of each. A row is compared with all queries, which takes a
/// quarter of the time that its coding takes.
const TRIAL_QUERIES: usize = 48;
const TRIAL_NEIGHBOURS: usize = 10;

/// A search may look into so many lists in any case.
const LEAST_PROBES: usize = 12;

/// The share of the trials' neighbours whose lists must be within the slack, and what is added for other queries.
const WITHIN_SLACK: f64 = 0.995;
const MORE_SLACK: f32 = 1.1;

/// Rows this near are the same row: how far their list's centre lies says nothing.
const NO_DISTANCE: f32 = 1e-5;

/// Makes an inverted file of all rows in `range`, of which there are about `rows`, with lists of about `list_rows`.
///
/// # Errors
/// [`Error::Cancelled`], [`Error::CodeFile`], and what the database says.
pub fn build(
    coder: &Coder,
    connection: &Connection,
    range: Range,
    (rows, list_rows): (usize, usize),
    draft: Draft,
    cancel: &Cancel,
) -> Result<Segment> {
    let lists = (rows / list_rows.max(1)).clamp(*LISTS.start(), *LISTS.end());
    let sample = sample(coder, connection, (lists * SAMPLE_PER_LIST).min(MOST_SAMPLE), cancel)?;
    let places = centres(coder, &sample, lists, cancel)?;
    let mut mean = Mean::new(coder.rotation.padded());
    sample.iter().for_each(|row| mean.add(&row.places, row.norm));
    let trials = trials(coder, &sample);
    drop(sample);
    let lists = vec![ListBuilder::default(); places.len() / coder.rotation.padded()];
    let (origin, unit) = (mean.place(), coder.unit(&mean));
    let mut filling = Filling { coder, draft, origin, unit, places, lists, trials };
    let (version, read) = filling.fill(connection, range, cancel)?;
    let (probes, slack) = filling.probes();
    let known = coder.header(connection, range, version, read)?;
    let header = Header { inverted: true, probes, slack, unit: filling.unit, ..known };
    filling.finish(header)
}

/// Makes an inverted file of one and the rows after it, up to the slot `to`, around the same centres.
///
/// # Errors
/// [`Error::Cancelled`], [`Error::CodeFile`] and what the database says; [`Damaged`] inside when the old one is.
pub fn extend(
    coder: &Coder,
    connection: &Connection,
    base: &Segment,
    to: u32,
    mut draft: Draft,
    cancel: &Cancel,
) -> Result<Result<Segment, Damaged>> {
    let mut lists = Vec::with_capacity(base.lists());
    for list in 0..base.lists() {
        cancel.check()?;
        match base.list(list) {
            Ok(view) => lists.push(ListBuilder::from_view(&view, base.reach(list))),
            Err(damaged) => return Ok(Err(damaged)),
        }
    }
    draft.records_of(base, cancel)?;
    let mut filling = Filling {
        coder,
        draft,
        origin: base.origin.clone(),
        unit: base.header.unit,
        places: base.centres().to_vec(),
        lists,
        trials: Vec::new(),
    };
    let range = (base.header.to, to);
    let (version, read) = filling.fill(connection, range, cancel)?;
    let added = coder.header(connection, range, version, read)?;
    filling
        .finish(Header {
            from: base.header.from,
            complete: base.header.complete && added.complete,
            trained: base.header.trained,
            inverted: true,
            probes: base.header.probes,
            slack: base.header.slack,
            unit: base.header.unit,
            ..added
        })
        .map(Ok)
}

/// An inverted file whose centres are known and whose lists are being filled.
struct Filling<'a> {
    coder: &'a Coder,
    draft: Draft,
    origin: Vec<f32>,
    unit: f32,
    /// The centres, one after the other.
    places: Vec<f32>,
    lists: Vec<ListBuilder>,
    trials: Vec<Trial>,
}

/// A query whose nearest rows are looked for while the lists are filled.
struct Trial {
    query: Vec<f32>,
    /// The ranks of the nearest so far, best first, and the lists they went into.
    nearest: Vec<(f32, usize)>,
}

impl Trial {
    /// The squared distance of the last of the nearest; nothing can be said of dot products.
    fn tenth(&self, metric: Metric) -> f32 {
        let rank = self.nearest.last().map_or(f32::NEG_INFINITY, |worst| worst.0);
        match metric {
            Metric::Cosine => 2.0 - 2.0 * rank,
            Metric::Euclidean => -rank,
            Metric::Dot => 0.0,
        }
    }

    fn see(&mut self, coder: &Coder, row: &[f32], list: usize) {
        let rank = match coder.space.metric {
            Metric::Euclidean => -coder.level.distance_square(&self.query, row),
            Metric::Cosine | Metric::Dot => coder.level.dot(&self.query, row),
        };
        if self.nearest.len() < TRIAL_NEIGHBOURS || self.nearest.last().is_some_and(|worst| rank > worst.0) {
            self.nearest.insert(self.nearest.partition_point(|better| better.0 >= rank), (rank, list));
            self.nearest.truncate(TRIAL_NEIGHBOURS);
        }
    }
}

impl Filling<'_> {
    fn fill(&mut self, connection: &Connection, range: Range, cancel: &Cancel) -> Result<(i64, usize)> {
        let (coder, padded) = (self.coder, self.coder.rotation.padded());
        let guide = Guide::new(coder.level, &self.places, padded);
        let places = self.places.chunks_exact(padded);
        let centres: Vec<Centre> = places.map(|place| Centre::new(place, &self.origin, self.unit)).collect();
        let (mut scratch, mut coded) = (Vec::new(), Coded::default());
        coder.read(connection, range, cancel, |row| {
            let nearest =
                guide.nearest(coder.level, &self.places, &row.places, 1, &mut scratch)[0].1 as usize;
            for trial in &mut self.trials {
                trial.see(coder, &row.places, nearest);
            }
            coder.push(&mut self.draft, &mut self.lists[nearest], &centres[nearest], &row, &mut coded)
        })
    }

    /// How many lists hold all of the nearest rows of the trials, and half as many more, since other queries may be less
    /// lucky; and how far beyond the tenth row the centres of these lists lie.
    fn probes(&self) -> (usize, f32) {
        let (level, metric) = (self.coder.level, self.coder.space.metric);
        let guide = Guide::new(level, &self.places, self.coder.rotation.padded());
        let (mut scratch, mut depths, mut slacks) = (Vec::new(), Vec::new(), Vec::new());
        let lists = self.lists.len();
        for trial in &self.trials {
            let query = guiding(metric, self.unit, &trial.query);
            let order = guide.nearest(level, &self.places, &query, lists, &mut scratch);
            let tenth = trial.tenth(metric);
            for (_, list) in &trial.nearest {
                let at = order.iter().position(|(_, other)| *other as usize == *list);
                depths.push(at.map_or(lists, |at| at + 1));
                slacks.extend(at.filter(|_| tenth > NO_DISTANCE).map(|at| order[at].0 / tenth));
            }
        }
        let depth = depths.into_iter().max().unwrap_or(1);
        slacks.sort_unstable_by(f32::total_cmp);
        let at = (slacks.len() as f64 * WITHIN_SLACK) as usize;
        let slack = slacks.get(at.min(slacks.len().saturating_sub(1))).copied().unwrap_or(f32::INFINITY);
        ((depth + depth / 2).max(LEAST_PROBES).min(lists), slack * MORE_SLACK)
    }

    fn finish(self, header: Header) -> Result<Segment> {
        let parts = Parts { header, origin: self.origin, centres: self.places, lists: self.lists };
        self.draft.finish(parts).map_err(Error::code_file)
    }
}

/// Rows spread evenly over the ids.
fn sample(coder: &Coder, connection: &Connection, wanted: usize, cancel: &Cancel) -> Result<Vec<Turned>> {
    let mut plain = Vec::new();
    let slots = rows::sample_slots(connection, coder.id, wanted)?;
    let mut sample = Vec::with_capacity(slots.len());
    let mut picker = Picker::new(connection, coder.id, coder.space.dimensions)?;
    for (index, slot) in slots.into_iter().enumerate() {
        if index % 256 == 0 {
            cancel.check()?;
        }
        if let Some(row) = picker.pick(slot, |row| coder.turn(row, &mut plain))? {
            sample.push(row);
        }
    }
    Ok(sample)
}

/// k-means after Lloyd, by distance; the centres one after the other. Those that lose all their rows start again at a
/// random one.
fn centres(coder: &Coder, sample: &[Turned], lists: usize, cancel: &Cancel) -> Result<Vec<f32>> {
    let level = coder.level;
    let lists = lists.min(sample.len().max(1));
    let mut state = sample.len() as u64;
    let places = coder.rotation.padded();
    let row = |index: usize| sample.get(index).map_or(vec![0.0; places], |row| row.places.clone());
    let mut centres: Vec<f32> = (0..lists).flat_map(|list| row(list * sample.len() / lists)).collect();
    let mut scratch = Vec::new();
    for _ in 0..ROUNDS {
        let guide = Guide::new(level, &centres, places);
        let mut means = vec![Mean::new(places); lists];
        for (index, row) in sample.iter().enumerate() {
            if index % 256 == 0 {
                cancel.check()?;
            }
            let nearest = guide.nearest(level, &centres, &row.places, 1, &mut scratch)[0].1;
            means[nearest as usize].add(&row.places, row.norm);
        }
        centres = means
            .iter()
            .flat_map(|mean| match mean.rows() {
                0 => row(split_mix(&mut state) as usize % sample.len().max(1)),
                _ => mean.place(),
            })
            .collect();
    }
    Ok(centres)
}

/// Rows of the sample, blends of two rows, and rows with noise, as queries.
fn trials(coder: &Coder, sample: &[Turned]) -> Vec<Trial> {
    let mut state = 1;
    let queries = if sample.is_empty() { 0 } else { TRIAL_QUERIES };
    (0..queries)
        .map(|trial| {
            let own = split_mix(&mut state) as usize % sample.len();
            let query = trial_query(trial, own, sample, &mut state, coder.space.metric);
            Trial { query, nearest: Vec::new() }
        })
        .collect()
}

fn trial_query(trial: usize, own: usize, sample: &[Turned], state: &mut u64, metric: Metric) -> Vec<f32> {
    let mut query = sample[own].places.clone();
    let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
    match trial % 3 {
        0 => {}
        1 => {
            let other = &sample[split_mix(state) as usize % sample.len()].places;
            query.iter_mut().zip(other).for_each(|(value, other)| *value = 0.75 * *value + 0.25 * other);
        }
        _ => {
            // Even noise of half the row's length.
            let size = 0.5 * length(&query) * (3.0 / query.len() as f32).sqrt();
            for value in &mut query {
                *value += size * ((split_mix(state) >> 40) as f32 / (1u32 << 23) as f32 - 1.0);
            }
        }
    }
    if metric != Metric::Euclidean {
        let norm = length(&query).max(f32::MIN_POSITIVE);
        query.iter_mut().for_each(|value| *value /= norm);
    }
    query
}
