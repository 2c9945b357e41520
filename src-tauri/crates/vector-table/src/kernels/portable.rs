//! The kernels in plain, safe Rust: the definition of what the others do, and what runs where there is no better.
//!
//! Written so that the compiler can widen the loops: fixed numbers of lanes, no early exits. The functions are
//! `inline(always)` because the other levels compile them again inside functions with more instructions enabled.

use super::{BLOCK_ROWS, Lookup, NibbleSums, Sums, Terms};

const LANES: usize = 16;

#[inline(always)]
pub fn scan(blocks: &[u8], lookup: &Lookup, terms: &Terms, ranks: &mut [f32], maxima: &mut [f32]) {
    let stride = blocks.len() / maxima.len().max(1);
    for ((block, ranks), maximum) in
        blocks.chunks_exact(stride.max(1)).zip(ranks.chunks_exact_mut(BLOCK_ROWS)).zip(maxima)
    {
        *maximum = scan_block(block, block, lookup, terms, ranks);
    }
}

#[inline(always)]
pub fn scan_block(block: &[u8], _ahead: &[u8], lookup: &Lookup, terms: &Terms, ranks: &mut [f32]) -> f32 {
    let codes = lookup.pairs * BLOCK_ROWS;
    let mut sums = [0u16; BLOCK_ROWS];
    for (column, (low, high)) in block[..codes]
        .chunks_exact(BLOCK_ROWS)
        .zip(lookup.low.chunks_exact(32).zip(lookup.high.chunks_exact(32)))
    {
        for (sum, byte) in sums.iter_mut().zip(column) {
            *sum += u16::from(low[usize::from(byte & 15)]) + u16::from(high[usize::from(byte >> 4)]);
        }
    }
    rank(&sums, &block[codes..], lookup, terms, ranks)
}

/// The ranks of one block from its sums and factors; returns the largest.
#[inline(always)]
pub fn rank(
    sums: &[u16; BLOCK_ROWS],
    factors: &[u8],
    lookup: &Lookup,
    terms: &Terms,
    ranks: &mut [f32],
) -> f32 {
    let (scales, rest) = factors.split_at(4 * BLOCK_ROWS);
    let (offsets, spreads) = rest.split_at(4 * BLOCK_ROWS);
    let mut values = [0.0f32; BLOCK_ROWS];
    for row in 0..BLOCK_ROWS {
        let inner = lookup.step * f32::from(sums[row]) + lookup.shift;
        values[row] = terms.constant
            + number(offsets, row)
            + number(scales, row) * inner
            + terms.margin * number(spreads, row);
    }
    ranks.copy_from_slice(&values);
    let mut maxima = [f32::NEG_INFINITY; 8];
    for chunk in values.chunks_exact(8) {
        for (maximum, value) in maxima.iter_mut().zip(chunk) {
            *maximum = if *value > *maximum { *value } else { *maximum };
        }
    }
    maxima.iter().fold(f32::NEG_INFINITY, |best, value| if *value > best { *value } else { best })
}

#[inline(always)]
fn number(bytes: &[u8], index: usize) -> f32 {
    f32::from_le_bytes([bytes[4 * index], bytes[4 * index + 1], bytes[4 * index + 2], bytes[4 * index + 3]])
}

#[inline(always)]
pub fn dot_and_square(query: &[f32], bytes: &[u8]) -> (f64, f64) {
    let (mut dots, mut squares) = ([0.0f64; LANES], [0.0f64; LANES]);
    let queries = query.chunks_exact(LANES);
    let vectors = bytes.chunks_exact(4 * LANES);
    let (query_rest, vector_rest) = (queries.remainder(), vectors.remainder());
    for (query, vector) in queries.zip(vectors) {
        for lane in 0..LANES {
            let value = f64::from(number(vector, lane));
            dots[lane] += f64::from(query[lane]) * value;
            squares[lane] += value * value;
        }
    }
    for (lane, query) in query_rest.iter().enumerate() {
        let value = f64::from(number(vector_rest, lane));
        dots[lane] += f64::from(*query) * value;
        squares[lane] += value * value;
    }
    (halve(dots), halve(squares))
}

/// The sum of the lanes by halves: the same order for every level.
#[inline(always)]
fn halve(mut lanes: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

const WIDE: usize = 32;

/// Lanes of the products in f32: four chains of additions in the widest registers.
pub const LONG: usize = 64;

#[inline(always)]
fn sum_of(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0f32; LONG];
    let (lefts, rights) = (left.chunks_exact(LONG), right.chunks_exact(LONG));
    let (left_rest, right_rest) = (lefts.remainder(), rights.remainder());
    for (left, right) in lefts.zip(rights) {
        for lane in 0..LONG {
            sums[lane] += term(left[lane], right[lane]);
        }
    }
    for (lane, (left, right)) in left_rest.iter().zip(right_rest).enumerate() {
        sums[lane] += term(*left, *right);
    }
    halve_all(&mut sums)
}

/// The sum of the lanes by halves: the same order for every level.
#[inline(always)]
fn halve_all(sums: &mut [f32]) -> f32 {
    let mut width = sums.len() / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

#[inline(always)]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    sum_of(left, right, |a, b| a * b)
}

#[inline(always)]
pub fn distance_square(left: &[f32], right: &[f32]) -> f32 {
    sum_of(left, right, |a, b| (a - b) * (a - b))
}

#[inline(always)]
pub fn hadamard(values: &mut [f32]) {
    let length = values.len();
    let mut half = 1;
    while half < length {
        hadamard_step(values, half);
        half *= 2;
    }
    shrink(values);
}

/// One step of the transform: sums and differences of places `half` apart.
#[inline(always)]
pub fn hadamard_step(values: &mut [f32], half: usize) {
    for pair in values.chunks_exact_mut(2 * half) {
        let (first, second) = pair.split_at_mut(half);
        for (a, b) in first.iter_mut().zip(second) {
            (*a, *b) = (*a + *b, *a - *b);
        }
    }
}

/// Keeps the length of the transformed values what it was.
#[inline(always)]
pub fn shrink(values: &mut [f32]) {
    let scale = 1.0 / (values.len() as f32).sqrt();
    for value in values {
        *value *= scale;
    }
}

/// The tables of a query: for each group of four places the sums over its sixteen subsets, less the lowest, in
/// units of `1 / inverse`, rounded. Groups go to `low` and `high` by turns; each table is written twice.
#[inline(always)]
pub fn tables(places: &[f32], inverse: f32, top: f32, low: &mut [u8], high: &mut [u8]) {
    for ((column, low), high) in
        places.chunks_exact(8).zip(low.chunks_exact_mut(32)).zip(high.chunks_exact_mut(32))
    {
        table(&column[..4], inverse, top, low);
        table(&column[4..], inverse, top, high);
    }
}

/// Whether a subset has the first, second, third, fourth place of a group.
pub const SUBSETS: [[f32; 16]; 4] = {
    let mut subsets = [[0.0; 16]; 4];
    let mut subset = 0;
    while subset < 16 {
        let mut bit = 0;
        while bit < 4 {
            subsets[bit][subset] = (subset >> bit & 1) as f32;
            bit += 1;
        }
        subset += 1;
    }
    subsets
};

/// The lowest of the sums over the subsets of a group.
#[inline(always)]
pub fn lowest(group: &[f32]) -> f32 {
    group[0].min(0.0) + group[1].min(0.0) + group[2].min(0.0) + group[3].min(0.0)
}

#[inline(always)]
fn table(group: &[f32], inverse: f32, top: f32, out: &mut [u8]) {
    let lowest = lowest(group);
    let mut entries = [0i32; 16];
    for (subset, entry) in entries.iter_mut().enumerate() {
        let sum = group[0] * SUBSETS[0][subset]
            + group[1] * SUBSETS[1][subset]
            + group[2] * SUBSETS[2][subset]
            + group[3] * SUBSETS[3][subset];
        // Rounds to the nearest, and stays within the table whatever f32 did.
        *entry = ((sum - lowest) * inverse + 0.5).clamp(0.0, top) as i32;
    }
    for (subset, entry) in entries.iter().enumerate() {
        out[subset] = *entry as u8;
        out[subset + 16] = *entry as u8;
    }
}

/// One bit a place (the residual against `centre` is positive), and the sums that [`crate::code`] makes its factors of.
#[inline(always)]
pub fn signs(row: &[f32], centre: &[f32], anchor: &[f32], shift: &[f32], bits: &mut [u8]) -> Sums {
    let (mut squares, mut absolutes) = ([0.0f32; WIDE], [0.0f32; WIDE]);
    let (mut alongs, mut shifts) = ([0.0f32; WIDE], [0.0f32; WIDE]);
    let rows = row.chunks_exact(WIDE).zip(centre.chunks_exact(WIDE));
    let columns = rows.zip(anchor.chunks_exact(WIDE).zip(shift.chunks_exact(WIDE)));
    for (((row, centre), (anchor, shift)), bits) in columns.zip(bits.chunks_exact_mut(WIDE / 8)) {
        let mut mask = 0u32;
        for lane in 0..WIDE {
            let residual = row[lane] - centre[lane];
            let set = residual > 0.0;
            mask |= u32::from(set) << lane;
            squares[lane] += residual * residual;
            absolutes[lane] += residual.abs();
            alongs[lane] += residual * anchor[lane];
            shifts[lane] += if set { shift[lane] } else { -shift[lane] };
        }
        bits.copy_from_slice(&mask.to_le_bytes());
    }
    let total = |lanes: &[f32; WIDE]| lanes.iter().map(|lane| f64::from(*lane)).sum();
    Sums {
        square: total(&squares),
        absolute: total(&absolutes),
        along: total(&alongs),
        shift: total(&shifts),
    }
}

/// Four bits a place: `floor((row − centre) · inverse + 8)`, held to 0…15. Byte `i` has place `i` in its low half and
/// place `i + P/2` in its high half. The sums are over the values `nibble − 7.5`.
#[inline(always)]
pub fn nibbles(row: &[f32], centre: &[f32], shift: &[f32], inverse: f32, out: &mut [u8]) -> NibbleSums {
    let half = row.len() / 2;
    let (mut products, mut squares, mut shifts) = ([0.0f32; WIDE], [0.0f32; WIDE], [0.0f32; WIDE]);
    for start in (0..half).step_by(WIDE) {
        let (mut low, mut high) = ([0.0f32; WIDE], [0.0f32; WIDE]);
        for (values, from) in [(&mut low, start), (&mut high, half + start)] {
            let (row, centre, shift) =
                (&row[from..][..WIDE], &centre[from..][..WIDE], &shift[from..][..WIDE]);
            for lane in 0..WIDE {
                let residual = row[lane] - centre[lane];
                let nibble = (residual * inverse + 8.0).clamp(0.0, 15.0).floor();
                let value = nibble - 7.5;
                values[lane] = nibble;
                products[lane] += residual * value;
                squares[lane] += value * value;
                shifts[lane] += shift[lane] * value;
            }
        }
        for lane in 0..WIDE {
            out[start + lane] = low[lane] as u8 | (high[lane] as u8) << 4;
        }
    }
    let total = |lanes: &[f32; WIDE]| lanes.iter().map(|lane| f64::from(*lane)).sum();
    NibbleSums { product: total(&products), square: total(&squares), shift: total(&shifts) }
}

/// The sum of the places of `query` times the nibbles.
#[inline(always)]
pub fn nibble_dot(query: &[i16], nibbles: &[u8]) -> i32 {
    let (low, high) = query.split_at(nibbles.len());
    let mut sums = [0i32; WIDE];
    let columns = nibbles.chunks_exact(WIDE).zip(low.chunks_exact(WIDE)).zip(high.chunks_exact(WIDE));
    for ((bytes, low), high) in columns {
        for lane in 0..WIDE {
            sums[lane] += i32::from(low[lane]) * i32::from(bytes[lane] & 15)
                + i32::from(high[lane]) * i32::from(bytes[lane] >> 4);
        }
    }
    sums.iter().sum()
}
