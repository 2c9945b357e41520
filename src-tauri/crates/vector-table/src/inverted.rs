//! The inverted file: rows grouped into lists around the centres that k-means finds.
//!
//! Centres come from a sample, all rows are then read once and go to the nearest. The nearest of a thousand
//! centres is found the way rows are: by codes first, exactly among the best. How many lists a balanced search
//! must look into is measured while the lists are filled: for data without any grouping that is nearly all of them,
//! and the search then simply scans everything.

use rusqlite::Connection;

use crate::cancel::Cancel;
use crate::catalogue::Range;
use crate::code::{Centre, Coded, Mean, Prepared, Trust, encode};
use crate::coder::{Coder, Turned};
use crate::error::{Error, Result};
use crate::kernels::{BLOCK_ROWS, Level};
use crate::list::{Label, ListBuilder};
use crate::rotation::split_mix;
use crate::rows::Picker;
use crate::segment::{Damaged, Draft, Header, Parts, Segment};
use crate::space::Metric;

/// Rows for each list, on the average.
const ROWS_PER_LIST: usize = 1000;

/// Sample rows for each list: enough for a mean, and 100 MB at a million rows of 768.
const SAMPLE_PER_LIST: usize = 32;

/// Rounds of k-means. Later ones move little.
const ROUNDS: usize = 8;

/// Queries for the measurement of the probes, and neighbours of each. A row is compared with all queries, which takes a
/// quarter of the time that its coding takes.
const TRIAL_QUERIES: usize = 48;
const TRIAL_NEIGHBOURS: usize = 10;

/// So many lists are looked into in any case.
const LEAST_PROBES: usize = 12;

/// Finds the centres nearest to a vector.
#[derive(Debug)]
pub struct Guide {
    centres: Vec<Vec<f32>>,
    origin: Centre,
    list: ListBuilder,
}

impl Guide {
    /// Over these centres.
    #[must_use]
    pub fn new(level: Level, centres: Vec<Vec<f32>>) -> Self {
        let places = centres.first().map_or(0, Vec::len);
        let mut mean = Mean::new(places);
        centres.iter().for_each(|centre| mean.add(centre, level.dot(centre, centre).sqrt()));
        let origin = Centre::new(&mean.place(), &mean.place(), 1.0);
        let (mut list, mut coded) = (ListBuilder::default(), Coded::default());
        for (index, place) in centres.iter().enumerate() {
            let norm = level.dot(place, place).sqrt();
            encode(level, Metric::Euclidean, place, norm.max(1e-6), &origin, &mut coded);
            let label = Label { slot: index as u32, place: 0, id: 0, collection: 0 };
            list.push(&coded.bits, coded.coarse, label, norm);
        }
        Self { centres, origin, list }
    }

    /// The `count` nearest centres, nearest first.
    #[must_use]
    pub fn nearest(&self, level: Level, vector: &[f32], count: usize, scratch: &mut Vec<f32>) -> Vec<usize> {
        let around = (self.origin.place.as_slice(), 1.0);
        let prepared = Prepared::new(level, Metric::Euclidean, vector, around, Trust::Deviations(0.0));
        let affine = prepared.affine(level, vector, &self.origin, self.list.reach);
        let blocks = self.centres.len().div_ceil(BLOCK_ROWS);
        scratch.resize(blocks * (BLOCK_ROWS + 1), 0.0);
        let (ranks, maxima) = scratch.split_at_mut(blocks * BLOCK_ROWS);
        level.scan(&self.list.blocks, &prepared.lookup, &affine, ranks, maxima);
        let wanted = (2 * count + 8).min(self.centres.len());
        let mut order: Vec<(f32, usize)> = ranks[..self.centres.len()]
            .iter()
            .copied()
            .enumerate()
            .map(|(index, rank)| (rank, index))
            .collect();
        if wanted < order.len() {
            order.select_nth_unstable_by(wanted - 1, |a, b| b.0.total_cmp(&a.0));
            order.truncate(wanted);
        }
        for (rank, index) in &mut order {
            *rank = -level.distance_square(vector, &self.centres[*index]);
        }
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        order.truncate(count);
        order.into_iter().map(|(_, index)| index).collect()
    }

    /// The `count` lists to look into first for a query in rank units, among rows of the mean length `unit`.
    ///
    /// A query for dot products is taken for a row of twice that length: its best rows are long ones, but a list's
    /// centre says little of the rows that lie across, and distance sends both to the same list.
    #[must_use]
    pub fn lists_for(
        &self,
        level: Level,
        metric: Metric,
        unit: f32,
        query: &[f32],
        count: usize,
        scratch: &mut Vec<f32>,
    ) -> Vec<usize> {
        if metric != Metric::Dot {
            return self.nearest(level, query, count, scratch);
        }
        let scaled: Vec<f32> = query.iter().map(|value| 2.0 * unit * value).collect();
        self.nearest(level, &scaled, count, scratch)
    }
}

/// Makes an inverted file of all rows in `range`.
///
/// # Errors
/// [`Error::Cancelled`], [`Error::CodeFile`], and what the database says.
pub fn build(
    coder: &Coder,
    connection: &Connection,
    range: Range,
    rows: usize,
    draft: Draft,
    cancel: &Cancel,
) -> Result<Segment> {
    let lists = (rows / ROWS_PER_LIST).clamp(16, 4096);
    let sample = sample(coder, connection, range, lists * SAMPLE_PER_LIST, cancel)?;
    let places = centres(coder, &sample, lists, cancel)?;
    let mut mean = Mean::new(coder.rotation.padded());
    sample.iter().for_each(|row| mean.add(&row.places, row.norm));
    let trials = trials(coder, &sample);
    drop(sample);
    let lists = places.iter().map(|_| ListBuilder::default()).collect();
    let (origin, unit) = (mean.place(), coder.unit(&mean));
    let mut filling = Filling { coder, draft, origin, unit, places, lists, trials };
    let (version, read) = filling.fill(connection, range, cancel)?;
    let probes = filling.probes();
    let header = Header { probes, unit: filling.unit, ..coder.header(connection, range, version, read)? };
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
        match base.list(list) {
            Ok(view) => lists.push(ListBuilder::from_view(&view, base.reach(list))),
            Err(damaged) => return Ok(Err(damaged)),
        }
    }
    draft.records_of(base).map_err(Error::code_file)?;
    let places: Vec<Vec<f32>> = base.centres.iter().map(|centre| centre.place.clone()).collect();
    let mut filling = Filling {
        coder,
        draft,
        origin: base.origin.clone(),
        unit: base.header.unit,
        places,
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
            probes: base.header.probes,
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
    places: Vec<Vec<f32>>,
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
        let coder = self.coder;
        let guide = Guide::new(coder.level, self.places.clone());
        let centres: Vec<Centre> =
            self.places.iter().map(|place| Centre::new(place, &self.origin, self.unit)).collect();
        let (mut scratch, mut coded) = (Vec::new(), Coded::default());
        coder.read(connection, range, cancel, |row| {
            let nearest = guide.nearest(coder.level, &row.places, 1, &mut scratch)[0];
            for trial in &mut self.trials {
                trial.see(coder, &row.places, nearest);
            }
            coder.push(&mut self.draft, &mut self.lists[nearest], &centres[nearest], &row, &mut coded)
        })
    }

    /// How many lists hold all of the nearest rows of the trials, and half as many more: other queries may be less
    /// lucky, and a list more costs a microsecond.
    fn probes(&self) -> usize {
        let (level, metric) = (self.coder.level, self.coder.space.metric);
        let guide = Guide::new(level, self.places.clone());
        let (mut scratch, mut depths) = (Vec::new(), Vec::new());
        for trial in &self.trials {
            let order =
                guide.lists_for(level, metric, self.unit, &trial.query, self.places.len(), &mut scratch);
            let depth =
                |list: usize| order.iter().position(|other| *other == list).map_or(order.len(), |at| at + 1);
            depths.extend(trial.nearest.iter().map(|(_, list)| depth(*list)));
        }
        let depth = depths.into_iter().max().unwrap_or(1);
        (depth + depth / 2).max(LEAST_PROBES).min(self.places.len())
    }

    fn finish(self, header: Header) -> Result<Segment> {
        let parts = Parts { header, origin: self.origin, centres: self.places, lists: self.lists };
        self.draft.finish(parts).map_err(Error::code_file)
    }
}

/// Rows spread evenly over the range, a random one of each stretch.
fn sample(
    coder: &Coder,
    connection: &Connection,
    range: Range,
    wanted: usize,
    cancel: &Cancel,
) -> Result<Vec<Turned>> {
    let slots = u64::from(range.1 - range.0);
    let wanted = (wanted as u64).min(slots);
    let (mut state, mut plain) = (slots, Vec::new());
    let mut sample = Vec::with_capacity(wanted as usize);
    let mut picker = Picker::new(connection, coder.id, coder.space.dimensions)?;
    for index in 0..wanted {
        if index % 1024 == 0 {
            cancel.check()?;
        }
        let (start, end) = (index * slots / wanted, (index + 1) * slots / wanted);
        let slot = range.0 + (start + split_mix(&mut state) % (end - start).max(1)) as u32;
        if let Some(row) = picker.pick(slot, |row| coder.turn(row, &mut plain))? {
            sample.push(row);
        }
    }
    Ok(sample)
}

/// k-means after Lloyd, by distance. Centres that lose all their rows start again at a random one.
fn centres(coder: &Coder, sample: &[Turned], lists: usize, cancel: &Cancel) -> Result<Vec<Vec<f32>>> {
    let level = coder.level;
    let lists = lists.min(sample.len().max(1));
    let mut state = sample.len() as u64;
    let places = coder.rotation.padded();
    let mut centres: Vec<Vec<f32>> = (0..lists)
        .map(|list| {
            sample.get(list * sample.len() / lists).map_or(vec![0.0; places], |row| row.places.clone())
        })
        .collect();
    let mut scratch = Vec::new();
    for _ in 0..ROUNDS {
        let guide = Guide::new(level, centres);
        let mut means = vec![Mean::new(places); lists];
        for (index, row) in sample.iter().enumerate() {
            if index % 1024 == 0 {
                cancel.check()?;
            }
            means[guide.nearest(level, &row.places, 1, &mut scratch)[0]].add(&row.places, row.norm);
        }
        centres = means
            .iter()
            .map(|mean| {
                if mean.rows() > 0 {
                    return mean.place();
                }
                let row = split_mix(&mut state) as usize % sample.len().max(1);
                sample.get(row).map_or(vec![0.0; places], |row| row.places.clone())
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
