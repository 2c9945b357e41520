//! One bit for each dimension, and what is needed to estimate a score from the bits: RaBitQ.
//!
//! After Jianyang Gao and Cheng Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound
//! for Approximate Nearest Neighbor Search" (SIGMOD 2024), written anew for ranks of three metrics and for an
//! exact mode. All vectors here are rotated already ([`crate::rotation`]).
//!
//! A *rank* is what a search sorts by, larger is nearer: for cosine the cosine (vectors are normalised first), for
//! dot product the dot product with the normalised query, for euclidean −d²/2.
//!
//! A row `u` in a list with centre `c` is `c + r·o` with `o` a unit vector. Its code is the signs of `o`, that is
//! the unit vector `x = sign(o)/√P` of `P` places; `f = ⟨x,o⟩` says how well it fits. For a query `q`, with
//! `y = q − c`, the estimate of `⟨o,y⟩` is `⟨x,y⟩/f`, and its error is
//! - about normal with deviation `|y|·√(1−f²)/f/√(P−1)`: so `margin` deviations decide recall;
//! - never more than `|y|·√(1−f²)/f` (Cauchy and Schwarz, the worst case over `⟨x,y⟩`): the *exact* mode takes
//!   this, which is `√(P−1)` deviations, and so can exclude rows with certainty.

use crate::kernels::{Affine, Level, Lookup, largest_entry};
use crate::space::Metric;

/// What a row's code needs beside its bits. See the module's text; `G` is the centre of the whole segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// `r / (f·√P)`: the weight of the sum of signed places.
    pub scale: f32,
    /// The part of the rank that does not depend on the query.
    pub offset: f32,
    /// One deviation of the estimate for a query at distance 1 from the centre.
    pub spread: f32,
}

/// A list's centre with what the coding of its rows needs.
#[derive(Clone, Debug)]
pub struct Centre {
    /// The centre itself, rotated.
    pub place: Vec<f32>,
    /// The centre minus the segment's centre; the query's table is made for the latter.
    pub shift: Vec<f32>,
}

impl Centre {
    /// A list's centre within a segment around `origin`.
    #[must_use]
    pub fn new(place: &[f32], origin: &[f32]) -> Self {
        Self { place: place.to_vec(), shift: place.iter().zip(origin).map(|(a, b)| a - b).collect() }
    }
}

/// Rows outside these lengths are never estimated but always looked at themselves: their squares leave f32.
const LENGTHS: std::ops::Range<f32> = 1e-12..1e12;

/// Codes `row` (rotated, of length `norm`; normalised when the metric is cosine) against `centre`: the bits go to
/// `bits`, eight places a byte, the first in the lowest bit.
pub fn encode(
    level: Level,
    metric: Metric,
    row: &[f32],
    norm: f32,
    centre: &Centre,
    bits: &mut [u8],
) -> Factors {
    let sums = level.signs(row, &centre.place, &centre.shift, bits);
    let places = row.len() as f64;
    let scale = if sums.absolute > 0.0 { sums.square / sums.absolute } else { 0.0 };
    let own = match metric {
        Metric::Cosine | Metric::Dot => sums.along,
        Metric::Euclidean => -sums.square / 2.0,
    };
    // (r·√(1−f²)/f)² = (scale·√P)² − r²
    let error = (scale * scale * places - sums.square).max(0.0).sqrt();
    let factors = Factors {
        scale: scale as f32,
        offset: (own - scale * sums.shift) as f32,
        spread: (error / (places - 1.0).sqrt()) as f32,
    };
    let finite = factors.scale.is_finite() && factors.offset.is_finite() && factors.spread.is_finite();
    if finite && LENGTHS.contains(&norm) {
        factors
    } else {
        Factors { scale: 0.0, offset: f32::INFINITY, spread: 0.0 }
    }
}

/// Whether a query of this length can be estimated at all; otherwise all rows are scored.
#[must_use]
pub fn can_estimate(norm: f64) -> bool {
    norm < f64::from(LENGTHS.end)
}

/// The centre for rows that are still few: their mean, of those whose length allows it.
#[derive(Clone, Debug)]
pub struct Mean {
    sums: Vec<f64>,
    rows: usize,
}

impl Mean {
    /// Of nothing yet.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { sums: vec![0.0; places], rows: 0 }
    }

    /// Takes a row into account.
    pub fn add(&mut self, row: &[f32], norm: f32) {
        if LENGTHS.contains(&norm) {
            for (sum, value) in self.sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
            self.rows += 1;
        }
    }

    /// Rows taken into account.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The mean; zero when there were no rows.
    #[must_use]
    pub fn place(&self) -> Vec<f32> {
        let rows = self.rows.max(1) as f64;
        self.sums.iter().map(|sum| (sum / rows) as f32).collect()
    }
}

/// How far a search trusts the estimates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trust {
    /// Excludes a row whose estimate is this many deviations too low.
    Deviations(f32),
    /// Excludes a row only where it cannot be among the best.
    Proof,
}

/// A query against one segment: its lookup tables, and how to turn their sums into ranks.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The tables of the scan.
    pub lookup: Lookup,
    step: f32,
    shift: f32,
    query_norm: f32,
    trust: Trust,
    places: usize,
    metric: Metric,
}

impl Prepared {
    /// Makes the tables of `query` (rotated, in rank units) for a segment around `origin`.
    #[must_use]
    pub fn new(level: Level, metric: Metric, query: &[f32], origin: &[f32], trust: Trust) -> Self {
        let difference: Vec<f32> = query.iter().zip(origin).map(|(a, b)| a - b).collect();
        let pairs = difference.len() / 8;
        let top = f32::from(largest_entry(pairs));
        let (mut widest, mut lowest, mut total) = (0.0f32, 0.0f32, 0.0f32);
        for group in difference.chunks_exact(4) {
            widest = widest.max(group.iter().map(|value| value.abs()).sum());
            lowest += group.iter().map(|value| value.min(0.0)).sum::<f32>();
            total += group.iter().sum::<f32>();
        }
        let unit = if widest > 0.0 { widest / top } else { 1.0 };
        let mut lookup = Lookup { pairs, low: vec![0; pairs * 32], high: vec![0; pairs * 32] };
        level.tables(&difference, 1.0 / unit, top, &mut lookup.low, &mut lookup.high);
        // A signed sum is twice the sum of the places with a set bit, minus the sum of all.
        let grant = match trust {
            Trust::Deviations(margin) => 2.0 * margin * unit * ((2 * pairs) as f32 / 12.0).sqrt(),
            // Every group may be wrong by half a unit, and a little for the arithmetic of the tables.
            Trust::Proof => 2.0 * 0.501 * unit * (2 * pairs) as f32,
        };
        Self {
            lookup,
            step: 2.0 * unit,
            shift: 2.0 * lowest - total + grant,
            query_norm: query.iter().map(|value| value * value).sum::<f32>().sqrt(),
            trust,
            places: query.len(),
            metric,
        }
    }

    /// How ranks come out for a list with this centre. `reach` is the length of the list's longest row.
    #[must_use]
    pub fn affine(&self, level: Level, query: &[f32], centre: &[f32], reach: f32) -> Affine {
        let away = level.distance_square(query, centre);
        let mut constant = match self.metric {
            Metric::Cosine | Metric::Dot => level.dot(query, centre),
            Metric::Euclidean => -away / 2.0,
        };
        let margin = match self.trust {
            Trust::Deviations(margin) => margin * away.sqrt(),
            Trust::Proof => {
                // What f32 arithmetic may have lost on the way, generously.
                constant += 2e-5 * (self.query_norm + reach).powi(2);
                1.001 * ((self.places - 1) as f32).sqrt() * away.sqrt()
            }
        };
        Affine { step: self.step, shift: self.shift, constant, margin }
    }
}
