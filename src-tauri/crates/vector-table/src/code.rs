//! One bit for each dimension, and what is needed to estimate a score from the bits: RaBitQ.
//!
//! After Jianyang Gao and Cheng Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound
//! for Approximate Nearest Neighbor Search" (SIGMOD 2024), written anew for ranks of three metrics and for an
//! exact mode. All vectors here are rotated already ([`crate::rotation`]).
//!
//! A *rank* is what a search sorts by, larger is nearer: for cosine the cosine (vectors are normalised first), for
//! dot product the dot product with the normalised query, for euclidean −d²/2.
//!
//! A row `u` in a list with centre `c` is `c + z`. Its code is a vector `v` of the signs of `z` (one bit a place) or of
//! steps −7.5 … 7.5 (four bits). For a query `q`, seen as `y = q − c`, the estimate of `⟨z,y⟩` is `s·⟨v,y⟩` with
//! `s = |z|²/⟨z,v⟩`; then `e = s·v − z` is at right angles to `z`, and the error `⟨e,y⟩` of the estimate is
//! - about normal with deviation `|e|·|y|/√(P−1)` for `P` places: so a margin of some deviations decides recall;
//! - never more than `|e|·|y|` (Cauchy and Schwarz): the *exact* mode takes this, which is `√(P−1)` deviations, and
//!   so excludes rows with certainty.
//!
//! `|e|` is about 0.75 of `|z|` for one bit and 0.1 for four. The first decide which rows to look at again, the
//! second which to read.

use crate::kernels::{Level, Lookup, Terms, largest_entry, largest_place};
use std::cell::OnceCell;

use crate::space::Metric;

/// What a code needs beside its bits to give a rank:
/// `constant + offset + scale · sum + margin · spread`, where the sum is over the query's places with the code's signs
/// (or values), the constant is the list's and the margin the search's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Factors {
    /// The weight of the sum.
    pub scale: f32,
    /// The part of the rank that depends on the row alone.
    pub offset: f32,
    /// One deviation of the estimate for a query at distance 1 from the centre's anchor.
    pub spread: f32,
}

/// What makes a row be looked at always, because it cannot be estimated.
const ALWAYS: Factors = Factors { scale: 0.0, offset: f32::INFINITY, spread: 0.0 };

/// A list's centre, with what the coding of its rows needs.
///
/// A query is compared with rows at its distance from an *anchor*: that is where the estimates are best. For
/// euclidean distance the anchor must be the centre. For the products any anchor would do; the centre divided by the
/// rows' mean length lies where queries do, which are unit vectors here.
#[derive(Clone, Debug)]
pub struct Centre {
    /// The centre itself.
    pub place: Vec<f32>,
    /// The anchor.
    pub anchor: Vec<f32>,
    /// The anchor minus that of the whole segment, for which the query's table is made.
    pub shift: Vec<f32>,
}

impl Centre {
    /// A list's centre within a segment around `origin` whose rows have the mean length `unit`.
    #[must_use]
    pub fn new(place: &[f32], origin: &[f32], unit: f32) -> Self {
        let anchor: Vec<f32> = place.iter().map(|value| value / unit).collect();
        let shift = anchor.iter().zip(origin).map(|(anchor, origin)| anchor - origin / unit).collect();
        Self { place: place.to_vec(), anchor, shift }
    }
}

/// Rows outside these lengths are never estimated but always looked at themselves: their squares leave f32.
const LENGTHS: std::ops::Range<f32> = 1e-12..1e12;

/// A row coded twice: one bit a place for the scan, four for the second look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coded {
    /// Eight places a byte, the first in the lowest bit.
    pub bits: Vec<u8>,
    /// Place `i` in the low half of byte `i`, place `i + P/2` in its high half.
    pub nibbles: Vec<u8>,
    /// For the bits.
    pub coarse: Factors,
    /// For the nibbles.
    pub fine: Factors,
}

/// Width of a four-bit step in deviations of the residual: the best for a normal distribution.
const STEP: f64 = 0.335;

/// Codes `row` (rotated, of length `norm`; normalised when the metric is cosine) against `centre`.
pub fn encode(level: Level, metric: Metric, row: &[f32], norm: f32, centre: &Centre, coded: &mut Coded) {
    let places = row.len() as f64;
    coded.bits.resize(row.len() / 8, 0);
    coded.nibbles.resize(row.len() / 2, 0);
    // `along` and `shift` are sums over the anchor's parts: the anchor is `place / unit`.
    let signs = level.signs(row, &centre.place, &centre.anchor, &centre.shift, &mut coded.bits);
    let own = match metric {
        Metric::Cosine | Metric::Dot => signs.along,
        Metric::Euclidean => -signs.square / 2.0,
    };
    let known = LENGTHS.contains(&norm);
    let coarse = factors(own, signs.square, signs.absolute, places, signs.shift);
    coded.coarse = coarse.filter(|_| known).map_or(ALWAYS, |coarse| deviation(coarse, places));
    let step = STEP * (signs.square / places).sqrt();
    let inverse = if step > 0.0 { (1.0 / step) as f32 } else { 0.0 };
    let inverse = if inverse.is_finite() { inverse } else { 0.0 };
    let sums = level.nibbles(row, &centre.place, &centre.shift, inverse, &mut coded.nibbles);
    let fine = factors(own, signs.square, sums.product, sums.square, sums.shift);
    coded.fine = fine.filter(|_| known).map_or(ALWAYS, |fine| deviation(fine, places));
}

/// A residual `z` with `|z|² = square` is estimated by `scale · v` with `⟨z,v⟩ = product` and `|v|² = length`. The
/// scale makes the error stand at right angles to `z`, so that it is unbiased; its length is the spread.
fn factors(own: f64, square: f64, product: f64, length: f64, shift: f64) -> Option<Factors> {
    let scale = if product > 0.0 { square / product } else { 0.0 };
    let error = (scale * scale * length - square).max(if product > 0.0 { 0.0 } else { square }).sqrt();
    let factors = Factors { scale: scale as f32, offset: (own - scale * shift) as f32, spread: error as f32 };
    (factors.scale.is_finite() && factors.offset.is_finite() && factors.spread.is_finite()).then_some(factors)
}

fn deviation(factors: Factors, places: f64) -> Factors {
    Factors { spread: (f64::from(factors.spread) / (places - 1.0).sqrt()) as f32, ..factors }
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
    lengths: f64,
    rows: usize,
}

impl Mean {
    /// Of nothing yet.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { sums: vec![0.0; places], lengths: 0.0, rows: 0 }
    }

    /// Takes a row into account.
    pub fn add(&mut self, row: &[f32], norm: f32) {
        if LENGTHS.contains(&norm) {
            for (sum, value) in self.sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
            self.lengths += f64::from(norm);
            self.rows += 1;
        }
    }

    /// Rows taken into account.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows' mean length; 1 when there were no rows.
    #[must_use]
    pub fn length(&self) -> f32 {
        if self.rows == 0 { 1.0 } else { (self.lengths / self.rows as f64) as f32 }
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
    /// Excludes a row whose estimate is this many deviations too low, by its bits and by its nibbles.
    Deviations {
        /// Of the one-bit code.
        bits: f32,
        /// Of the four-bit code.
        nibbles: f32,
    },
    /// Excludes a row only where it cannot be among the best.
    Proof,
}

/// A list's centre as a search needs it.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// The centre.
    pub place: &'a [f32],
    /// Its squared length.
    pub square: f32,
    /// The mean length of the segment's rows: see [`Centre`].
    pub unit: f32,
    /// The length of the list's longest row.
    pub reach: f32,
}

/// A query against one segment.
#[derive(Debug)]
pub struct Prepared {
    /// The query seen from the segment's anchor.
    seen: Vec<f32>,
    query_norm: f32,
    trust: Trust,
    /// The part of a list's margin that the nibbles are granted.
    closer: f32,
    metric: Metric,
    lookup: OnceCell<Lookup>,
    fine: OnceCell<Fine>,
}

impl Prepared {
    /// For `query` (rotated, in rank units) and a segment around `origin`, with rows of the mean length `unit`.
    #[must_use]
    pub fn new(metric: Metric, query: &[f32], (origin, unit): (&[f32], f32), trust: Trust) -> Self {
        Self {
            seen: query.iter().zip(origin).map(|(query, origin)| query - origin / unit).collect(),
            query_norm: query.iter().map(|value| value * value).sum::<f32>().sqrt(),
            trust,
            closer: match trust {
                Trust::Deviations { bits, nibbles } if bits > 0.0 => nibbles / bits,
                Trust::Deviations { .. } | Trust::Proof => 1.0,
            },
            metric,
            lookup: OnceCell::new(),
            fine: OnceCell::new(),
        }
    }

    /// The tables of the scan.
    pub fn lookup(&self, level: Level) -> &Lookup {
        self.lookup.get_or_init(|| tables(level, &self.seen, self.trust))
    }

    /// How ranks come out for a list with this centre.
    #[must_use]
    pub fn terms(&self, level: Level, query: &[f32], seat: Seat<'_>) -> Terms {
        let Seat { place, square, unit, reach } = seat;
        let dot = || level.dot(query, place);
        let (away, mut constant) = match self.metric {
            Metric::Cosine => {
                // From the product, which is needed anyway: rows and centres are no longer than 1.
                let dot = dot();
                ((self.query_norm * self.query_norm + square - 2.0 * dot).max(0.0), dot)
            }
            Metric::Dot => {
                let anchor: Vec<f32> = place.iter().map(|value| value / unit).collect();
                (level.distance_square(query, &anchor), dot())
            }
            Metric::Euclidean => {
                let away = level.distance_square(query, place);
                (away, -away / 2.0)
            }
        };
        let margin = match self.trust {
            Trust::Deviations { bits, .. } => bits * away.sqrt(),
            Trust::Proof => {
                // What f32 arithmetic may have lost on the way, generously.
                constant += match self.metric {
                    Metric::Cosine | Metric::Dot => 4e-5 * (1.0 + self.query_norm) * reach,
                    Metric::Euclidean => 2e-5 * (self.query_norm + reach).powi(2),
                };
                1.001 * ((query.len() - 1) as f32).sqrt() * away.sqrt()
            }
        };
        Terms { constant, margin }
    }

    /// The upper bound of a row's rank by its nibbles.
    #[must_use]
    pub fn second_look(&self, level: Level, terms: &Terms, nibbles: &[u8], factors: Factors) -> f32 {
        let sum = self.fine.get_or_init(|| Fine::new(&self.seen, self.trust)).sum(level, nibbles);
        let margin = self.closer * terms.margin;
        terms.constant + factors.offset + factors.scale * sum + margin * factors.spread
    }
}

/// The lookup tables of a query.
fn tables(level: Level, seen: &[f32], trust: Trust) -> Lookup {
    let pairs = seen.len() / 8;
    let top = f32::from(largest_entry(pairs));
    let (mut widest, mut lowest, mut total) = (0.0f32, 0.0f32, 0.0f32);
    for group in seen.chunks_exact(4) {
        widest = widest.max(group.iter().map(|value| value.abs()).sum());
        lowest += group.iter().map(|value| value.min(0.0)).sum::<f32>();
        total += group.iter().sum::<f32>();
    }
    let entry = if widest > 0.0 { widest / top } else { 1.0 };
    let (mut low, mut high) = (vec![0; pairs * 32], vec![0; pairs * 32]);
    level.tables(seen, 1.0 / entry, top, &mut low, &mut high);
    let grant = match trust {
        Trust::Deviations { bits, .. } => 2.0 * bits * entry * ((2 * pairs) as f32 / 12.0).sqrt(),
        // Every group may be wrong by half a unit, and a little for the arithmetic of the tables.
        Trust::Proof => 2.0 * 0.501 * entry * (2 * pairs) as f32,
    };
    // A signed sum is twice the sum of the places with a set bit, minus the sum of all.
    Lookup { pairs, low, high, step: 2.0 * entry, shift: 2.0 * lowest - total + grant }
}

/// A query in whole numbers, for its products with nibbles.
#[derive(Clone, Debug)]
struct Fine {
    places: Vec<i16>,
    /// The size of one.
    step: f32,
    /// What the nibbles, which begin at 0 instead of −7.5, have too much; less what rounding may have taken away.
    surplus: f32,
}

impl Fine {
    fn new(seen: &[f32], trust: Trust) -> Self {
        let top = largest_place(seen.len());
        let widest = seen.iter().fold(0.0f32, |widest, value| widest.max(value.abs()));
        let step = if widest > 0.0 { widest / f32::from(top) } else { 1.0 };
        let inverse = 1.0 / step;
        let round = |scaled: f32| (scaled + 0.5f32.copysign(scaled)) as i16;
        let places: Vec<i16> = seen.iter().map(|value| round(value * inverse).clamp(-top, top)).collect();
        let total: i64 = places.iter().map(|place| i64::from(*place)).sum();
        let grant = match trust {
            // A thousandth of the deviation of the nibbles themselves.
            Trust::Deviations { .. } => 0.0,
            // Every place may be wrong by half a unit, and a little for the arithmetic; no value is beyond 7.5.
            Trust::Proof => 7.5 * 0.501 * step * seen.len() as f32,
        };
        Self { places, step, surplus: 7.5 * step * total as f32 - grant }
    }

    /// The sum of the query's places times the values of the nibbles, not too low.
    fn sum(&self, level: Level, nibbles: &[u8]) -> f32 {
        self.step * level.nibble_dot(&self.places, nibbles) as f32 - self.surplus
    }
}
