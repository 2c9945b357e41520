//! The inner loops: the one place of this crate with `unsafe`.
//!
//! Each kernel exists as a safe, portable function in `portable`, which is its definition. The others are the
//! same loop for one instruction set: either written with intrinsics (the scan of the codes) or the portable
//! text compiled again with more instructions allowed (everything else). [`Level::detect`] picks once; the
//! property tests below hold every level that the machine has against the portable one.
//!
//! The scan looks four code bits up at once in a table of sixteen bytes (`pshufb`, `tbl`), for 32 rows at a
//! time. Counting bits (`VPOPCNTDQ`) over four bit planes of the query was weighed against it: about twenty
//! instructions a row with AVX-512, but ninety with AVX2, where this takes thirty; and it needs another layout.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod mapping;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

/// Rows in a block: what one step of the scan works on.
pub const BLOCK_ROWS: usize = 32;

/// Bytes of the three factors (`scale`, `offset`, `spread`; f32 for each of the 32 rows) that end a block.
pub const FACTOR_BYTES: usize = 3 * 4 * BLOCK_ROWS;

/// The sums of the lookups must fit in 16 bits: this is the largest entry allowed for `pairs` byte columns.
///
/// Two lookups are added in eight bits before they are widened, hence at most 127.
#[must_use]
pub fn largest_entry(pairs: usize) -> u8 {
    u8::try_from((65_535 / (2 * pairs.max(1))).min(127)).expect("at most 127")
}

/// How far from zero the places of a query may be whose products with nibbles are summed: all sums then fit in 32 bits.
#[must_use]
pub fn largest_place(places: usize) -> i16 {
    i16::try_from(i32::MAX as usize / (15 * places.max(1))).unwrap_or(i16::MAX)
}

/// A query, as the scan wants it: for each byte column of the codes sixteen sums for the low four bits and
/// sixteen for the high four, each table written twice (32 bytes) so that wide registers load it in one go.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Byte columns of the codes: padded dimensions / 8; always even.
    pub pairs: usize,
    /// `pairs` × 32 bytes for the low nibbles.
    pub low: Vec<u8>,
    /// `pairs` × 32 bytes for the high nibbles.
    pub high: Vec<u8>,
    /// Size of one unit of the lookup sums.
    pub step: f32,
    /// What the sums lack, and the rounding of the tables.
    pub shift: f32,
}

/// What a list adds to the sum of the lookups of one row, to make of it the upper bound of its rank:
/// `constant + offset + scale · (step · sum + shift) + margin · spread`, where offset, scale and spread are the row's.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The part that all rows of a list share.
    pub constant: f32,
    /// How many times the spread is granted.
    pub margin: f32,
}

/// Sums over the residual `row − centre`, from which the factors of a row's code are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sums {
    /// Of the squares.
    pub square: f64,
    /// Of the absolute values.
    pub absolute: f64,
    /// Of the products with the anchor.
    pub along: f64,
    /// Of the shift, with the residual's signs.
    pub shift: f64,
}

/// Sums over the four-bit values of a residual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NibbleSums {
    /// Of the products of residual and value.
    pub product: f64,
    /// Of the squares of the values.
    pub square: f64,
    /// Of the products of shift and value.
    pub shift: f64,
}

/// Which instructions to use. Made only by [`Level::available`], [`Level::detect`] and [`Level::PORTABLE`], so that nobody can
/// ask for instructions that the processor lacks: what is inside is this module's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Instructions);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instructions {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// F and BW.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Always there on 64-bit ARM.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

macro_rules! dispatch {
    ($level:expr, $name:ident($($argument:expr),*)) => {
        match $level.0 {
            Instructions::Portable => portable::$name($($argument),*),
            // SAFETY: `available` makes such a `Level` only when the processor has the instructions.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { avx2::$name($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { avx512::$name($($argument),*) },
            // SAFETY: NEON is part of the aarch64 baseline.
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => unsafe { neon::$name($($argument),*) },
        }
    };
}

impl Level {
    /// What every processor has: the safe definition of all kernels.
    pub const PORTABLE: Self = Self(Instructions::Portable);

    /// The best that this processor can do.
    #[must_use]
    pub fn detect() -> Self {
        *Self::available().last().expect("the portable level is always there")
    }

    /// All levels that this processor can run, the best one last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut levels = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self(Instructions::Avx2));
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
                levels.push(Self(Instructions::Avx512));
            }
        }
        #[cfg(target_arch = "aarch64")]
        levels.push(Self(Instructions::Neon));
        levels
    }

    /// The name as shown in statistics and benchmarks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Instructions::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => "AVX-512",
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => "NEON",
        }
    }

    /// Upper bounds of the ranks of all rows in `blocks` (whole blocks, one after the other), into `ranks`
    /// (32 a block), and the largest of each block into `maxima`.
    ///
    /// # Panics
    /// When the three lengths do not agree with each other and with `lookup`.
    pub fn scan(self, blocks: &[u8], lookup: &Lookup, terms: &Terms, ranks: &mut [f32], maxima: &mut [f32]) {
        let stride = lookup.pairs * BLOCK_ROWS + FACTOR_BYTES;
        assert_eq!(blocks.len(), stride * maxima.len(), "whole blocks");
        assert_eq!(ranks.len(), BLOCK_ROWS * maxima.len(), "32 ranks a block");
        assert!(lookup.pairs.is_multiple_of(2), "columns come in twos");
        assert!(
            lookup.low.len() == lookup.pairs * 32 && lookup.high.len() == lookup.pairs * 32,
            "32 bytes a column"
        );
        dispatch!(self, scan(blocks, lookup, terms, ranks, maxima));
    }

    /// As [`Level::scan`], of a single block; returns the largest. Meanwhile the processor fetches the block `ahead`, which
    /// may lie anywhere.
    ///
    /// # Panics
    /// When the lengths do not agree with `lookup`.
    pub fn scan_block(
        self,
        block: &[u8],
        ahead: &[u8],
        lookup: &Lookup,
        terms: &Terms,
        ranks: &mut [f32; BLOCK_ROWS],
    ) -> f32 {
        let stride = lookup.pairs * BLOCK_ROWS + FACTOR_BYTES;
        assert!(block.len() == stride && ahead.len() == stride, "whole blocks");
        assert!(lookup.pairs.is_multiple_of(2), "columns come in twos");
        assert!(
            lookup.low.len() == lookup.pairs * 32 && lookup.high.len() == lookup.pairs * 32,
            "32 bytes a column"
        );
        dispatch!(self, scan_block(block, ahead, lookup, terms, ranks))
    }

    /// Dot product of `query` with the little-endian f32 vector in `bytes`, and the squared norm of that vector.
    /// Summed in f64 in a fixed order, so that every level gives the same bits.
    ///
    /// # Panics
    /// When `bytes` does not hold as many numbers as `query`.
    #[must_use]
    pub fn dot_and_square(self, query: &[f32], bytes: &[u8]) -> (f64, f64) {
        assert_eq!(bytes.len(), query.len() * 4, "one f32 for each dimension");
        dispatch!(self, dot_and_square(query, bytes))
    }

    /// Dot product in f32.
    ///
    /// # Panics
    /// When the lengths differ.
    #[must_use]
    pub fn dot(self, left: &[f32], right: &[f32]) -> f32 {
        assert_eq!(left.len(), right.len(), "equal lengths");
        dispatch!(self, dot(left, right))
    }

    /// Squared distance in f32.
    ///
    /// # Panics
    /// When the lengths differ.
    #[must_use]
    pub fn distance_square(self, left: &[f32], right: &[f32]) -> f32 {
        assert_eq!(left.len(), right.len(), "equal lengths");
        dispatch!(self, distance_square(left, right))
    }

    /// The lookup tables of a query: see [`Lookup`]. Entries are sums less the group's lowest, times `inverse`.
    ///
    /// # Panics
    /// When the tables do not have 32 bytes for each eight places.
    pub fn tables(self, places: &[f32], inverse: f32, top: f32, low: &mut [u8], high: &mut [u8]) {
        assert!(low.len() == places.len() * 4 && high.len() == low.len(), "32 bytes a column");
        dispatch!(self, tables(places, inverse, top, low, high));
    }

    /// The bits of a row against a centre, eight places a byte with the first in the lowest bit, and the sums.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of 32.
    #[must_use]
    pub fn signs(self, row: &[f32], centre: &[f32], anchor: &[f32], shift: &[f32], bits: &mut [u8]) -> Sums {
        assert!(row.len() == centre.len() && row.len() == anchor.len(), "equal lengths");
        assert!(row.len() == shift.len() && row.len() == bits.len() * 8, "equal lengths");
        assert!(row.len().is_multiple_of(32), "a multiple of 32 places");
        dispatch!(self, signs(row, centre, anchor, shift, bits))
    }

    /// Four bits a place of a row against a centre, and their sums.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of 64.
    #[must_use]
    pub fn nibbles(
        self,
        row: &[f32],
        centre: &[f32],
        shift: &[f32],
        inverse: f32,
        out: &mut [u8],
    ) -> NibbleSums {
        assert!(
            row.len() == centre.len() && row.len() == shift.len() && row.len() == out.len() * 2,
            "equal lengths"
        );
        assert!(row.len().is_multiple_of(64), "a multiple of 64 places");
        dispatch!(self, nibbles(row, centre, shift, inverse, out))
    }

    /// The sum of the places of a query times the nibbles of a row. No place may be beyond [`largest_place`].
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of 64.
    #[must_use]
    pub fn nibble_dot(self, query: &[i16], nibbles: &[u8]) -> i32 {
        assert!(query.len() == nibbles.len() * 2 && query.len().is_multiple_of(64), "half a byte a place");
        dispatch!(self, nibble_dot(query, nibbles))
    }

    /// The Walsh-Hadamard transform of `values` in place, scaled to keep lengths. The length is a power of two.
    pub fn hadamard(self, values: &mut [f32]) {
        debug_assert!(values.len().is_power_of_two(), "a power of two");
        dispatch!(self, hadamard(values));
    }
}

/// Has the processor fetch these bytes while something else is done. A hint, and no access.
#[inline]
pub fn prefetch(bytes: &[u8]) {
    bytes.chunks(64).for_each(|line| fetch(line.as_ptr()));
}

/// As [`prefetch`].
#[inline]
pub fn prefetch_numbers(numbers: &[f32]) {
    numbers.chunks(16).for_each(|line| fetch(line.as_ptr().cast()));
}

#[inline]
fn fetch(line: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of the x86-64 baseline; a prefetch reads nothing and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast::<i8>()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn faster_levels() -> Vec<Level> {
        Level::available().into_iter().filter(|level| *level != Level::PORTABLE).collect()
    }

    fn scan_case() -> impl Strategy<Value = (Vec<u8>, Lookup, Terms, usize)> {
        (1usize..40, 1usize..5).prop_flat_map(|(half, blocks)| {
            let pairs = half * 2;
            let top = largest_entry(pairs);
            let table = prop::collection::vec(0..=top, pairs * 16);
            let codes = prop::collection::vec(any::<u8>(), blocks * pairs * BLOCK_ROWS);
            let factors = prop::collection::vec(-10.0f32..10.0, blocks * 3 * BLOCK_ROWS);
            (codes, factors, table.clone(), table, -2.0f32..2.0, -5.0f32..5.0).prop_map(
                move |(codes, factors, low, high, step, shift)| {
                    let mut bytes = Vec::new();
                    for block in 0..blocks {
                        bytes.extend_from_slice(&codes[block * pairs * BLOCK_ROWS..][..pairs * BLOCK_ROWS]);
                        for factor in &factors[block * 96..][..96] {
                            bytes.extend_from_slice(&factor.to_le_bytes());
                        }
                    }
                    let twice = |table: &[u8]| {
                        table.chunks_exact(16).flat_map(|entry| [entry, entry].concat()).collect::<Vec<u8>>()
                    };
                    let lookup = Lookup { pairs, low: twice(&low), high: twice(&high), step, shift };
                    (bytes, lookup, Terms { constant: 0.5, margin: 1.9 }, blocks)
                },
            )
        })
    }

    proptest! {
        #[test]
        fn every_level_scans_as_the_portable_one((bytes, lookup, terms, blocks) in scan_case()) {
            let (mut expected, mut expected_maxima) = (vec![0.0; blocks * 32], vec![0.0; blocks]);
            Level::PORTABLE.scan(&bytes, &lookup, &terms, &mut expected, &mut expected_maxima);
            for level in faster_levels() {
                let (mut ranks, mut maxima) = (vec![0.0; blocks * 32], vec![0.0; blocks]);
                level.scan(&bytes, &lookup, &terms, &mut ranks, &mut maxima);
                prop_assert_eq!(&ranks, &expected, "{} ranks", level.name());
                prop_assert_eq!(&maxima, &expected_maxima, "{} maxima", level.name());
            }
            let stride = bytes.len() / blocks;
            let apart: Vec<&[u8]> = bytes.chunks_exact(stride).collect();
            for level in Level::available() {
                for (index, block) in apart.iter().enumerate() {
                    let mut ranks = [0.0; BLOCK_ROWS];
                    let ahead = apart[(index + 2) % blocks];
                    let maximum = level.scan_block(block, ahead, &lookup, &terms, &mut ranks);
                    prop_assert_eq!(&ranks[..], &expected[index * BLOCK_ROWS..][..BLOCK_ROWS], "{} alone", level.name());
                    prop_assert_eq!(maximum, expected_maxima[index], "{} alone", level.name());
                }
            }
        }

        #[test]
        fn every_level_scores_to_the_same_bits(
            (query, vector) in (0usize..300).prop_flat_map(|n| (
                prop::collection::vec(-1e3f32..1e3, n), prop::collection::vec(-1e3f32..1e3, n)))
        ) {
            let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
            let expected = Level::PORTABLE.dot_and_square(&query, &bytes);
            let plain: f64 = query.iter().zip(&vector).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((expected.0 - plain).abs() <= 1e-9 * (1.0 + query.len() as f64 * 1e6));
            for level in faster_levels() {
                prop_assert_eq!(level.dot_and_square(&query, &bytes), expected);
                prop_assert_eq!(level.dot(&query, &vector), Level::PORTABLE.dot(&query, &vector));
                prop_assert_eq!(
                    level.distance_square(&query, &vector),
                    Level::PORTABLE.distance_square(&query, &vector)
                );
            }
        }

        #[test]
        fn every_level_transforms_to_the_same_bits_and_keeps_lengths(
            values in (0u32..11).prop_flat_map(|bits| prop::collection::vec(-1.0f32..1.0, 1usize << bits))
        ) {
            let mut expected = values.clone();
            Level::PORTABLE.hadamard(&mut expected);
            let square = |values: &[f32]| values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
            prop_assert!((square(&values) - square(&expected)).abs() < 1e-4 * (1.0 + square(&values)));
            for level in faster_levels() {
                let mut transformed = values.clone();
                level.hadamard(&mut transformed);
                prop_assert_eq!(&transformed, &expected);
            }
            Level::PORTABLE.hadamard(&mut expected);
            for (twice, once) in expected.iter().zip(&values) {
                prop_assert!((twice - once).abs() < 1e-4, "the transform is its own inverse");
            }
        }
    }

    proptest! {
        #[test]
        fn every_level_codes_to_the_same_bits(
            (row, centre, shift) in (1usize..20).prop_flat_map(|n| {
                let values = || prop::collection::vec(-2.0f32..2.0, n * 64);
                (values(), values(), values())
            })
        ) {
            let mut expected_bits = vec![0; row.len() / 8];
            let expected = Level::PORTABLE.signs(&row, &centre, &shift, &shift, &mut expected_bits);
            for (place, (row, centre)) in row.iter().zip(&centre).enumerate() {
                prop_assert_eq!(expected_bits[place / 8] >> (place % 8) & 1 == 1, row - centre > 0.0);
            }
            let top = f32::from(largest_entry(row.len() / 8));
            let (mut expected_low, mut expected_high) = (vec![0; row.len() * 4], vec![0; row.len() * 4]);
            Level::PORTABLE.tables(&row, top / 8.0, top, &mut expected_low, &mut expected_high);
            for level in faster_levels() {
                let mut bits = vec![0; row.len() / 8];
                prop_assert_eq!(level.signs(&row, &centre, &shift, &shift, &mut bits), expected);
                prop_assert_eq!(&bits, &expected_bits);
                let (mut low, mut high) = (vec![0; row.len() * 4], vec![0; row.len() * 4]);
                level.tables(&row, top / 8.0, top, &mut low, &mut high);
                prop_assert_eq!((&low, &high), (&expected_low, &expected_high));
                let (mut expected_nibbles, mut nibbles) = (vec![0; row.len() / 2], vec![0; row.len() / 2]);
                let sums = Level::PORTABLE.nibbles(&row, &centre, &shift, 3.0, &mut expected_nibbles);
                prop_assert_eq!(level.nibbles(&row, &centre, &shift, 3.0, &mut nibbles), sums);
                prop_assert_eq!(&nibbles, &expected_nibbles);
            }
        }

        #[test]
        fn every_level_sums_the_nibbles(
            (query, nibbles) in (1usize..20).prop_flat_map(|n| {
                let top = largest_place(n * 64);
                (prop::collection::vec(-top..=top, n * 64), prop::collection::vec(any::<u8>(), n * 32))
            })
        ) {
            let half = nibbles.len();
            let low = (0..half).map(|at| i64::from(query[at]) * i64::from(nibbles[at] & 15));
            let high = (0..half).map(|at| i64::from(query[at + half]) * i64::from(nibbles[at] >> 4));
            let expected: i64 = low.chain(high).sum();
            for level in Level::available() {
                prop_assert_eq!(i64::from(level.nibble_dot(&query, &nibbles)), expected, "{}", level.name());
            }
        }
    }

    #[test]
    fn the_largest_products_do_not_overflow() {
        for places in [64, 768, 4352, 4416, 16_384] {
            let (top, nibbles) = (largest_place(places), vec![0xff_u8; places / 2]);
            assert!(top >= 8192, "thirteen bits are left at {places} places");
            for level in Level::available() {
                for value in [top, -top] {
                    let expected = i32::from(value) * 15 * places as i32;
                    assert_eq!(level.nibble_dot(&vec![value; places], &nibbles), expected);
                }
            }
        }
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        for pairs in [2, 96, 256, 258, 512, 1024, 2048] {
            let top = largest_entry(pairs);
            assert!(top >= 15, "tables keep at least four bits at {pairs} columns");
            let blocks = {
                let mut block = vec![0xff_u8; pairs * BLOCK_ROWS];
                block.extend(std::iter::repeat_n(1.0f32.to_le_bytes(), 96).flatten());
                block
            };
            let table = vec![top; pairs * 32];
            let lookup = Lookup { pairs, low: table.clone(), high: table, step: 1.0, shift: 0.0 };
            let terms = Terms { constant: 0.0, margin: 0.0 };
            for level in Level::available() {
                let (mut ranks, mut maxima) = (vec![0.0; 32], vec![0.0; 1]);
                level.scan(&blocks, &lookup, &terms, &mut ranks, &mut maxima);
                let expected = 1.0 + 2.0 * pairs as f32 * f32::from(top);
                assert!(ranks.iter().all(|rank| *rank == expected), "{} at {pairs} columns", level.name());
                assert_eq!(maxima, [expected]);
            }
        }
    }
}
