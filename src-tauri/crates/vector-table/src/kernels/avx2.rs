//! AVX2: the scan with 32 rows of one byte column in a register, the transform and the tables; the rest is the portable
//! text compiled for AVX2.

use super::portable::LONG;
use super::{BLOCK_ROWS, FACTOR_BYTES, Lookup, NibbleSums, Sums, Terms, portable};
use std::arch::x86_64::{
    __m128i, __m256, __m256i, _MM_HINT_T0, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_loadu_si128,
    _mm_movehl_ps, _mm_prefetch, _mm_shuffle_ps, _mm256_add_epi8, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_add_ps, _mm256_and_si256, _mm256_castps256_ps128, _mm256_cvtepu8_epi16, _mm256_cvttps_epi32,
    _mm256_extractf128_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_ps,
    _mm256_min_ps, _mm256_mul_ps, _mm256_packus_epi16, _mm256_packus_epi32, _mm256_permute_ps,
    _mm256_permute2f128_ps, _mm256_permutevar8x32_epi32, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_ps,
    _mm256_setr_epi32, _mm256_setr_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_slli_epi16, _mm256_srli_epi16, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_epi16,
    _mm256_sub_ps,
};

/// # Safety
/// The processor has AVX2; `blocks` holds `maxima.len()` whole blocks and `lookup` 32 bytes a column, as
/// `Level::scan` asserts.
#[target_feature(enable = "avx2")]
pub unsafe fn scan(blocks: &[u8], lookup: &Lookup, terms: &Terms, ranks: &mut [f32], maxima: &mut [f32]) {
    let stride = lookup.pairs * BLOCK_ROWS + FACTOR_BYTES;
    for (index, maximum) in maxima.iter_mut().enumerate() {
        let block = &blocks[index * stride..][..stride];
        let ahead = blocks.get((index + 1) * stride..).filter(|rest| !rest.is_empty()).unwrap_or(block);
        let ranks = &mut ranks[index * BLOCK_ROWS..][..BLOCK_ROWS];
        // SAFETY: as this function's own, and the block is whole.
        *maximum = unsafe { scan_block(block, ahead, lookup, terms, ranks) };
    }
}

/// # Safety
/// The processor has AVX2; `block` is one whole block and `lookup` has 32 bytes a column, as `Level::scan_block` asserts.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn scan_block(
    block: &[u8],
    ahead: &[u8],
    lookup: &Lookup,
    terms: &Terms,
    ranks: &mut [f32],
) -> f32 {
    let codes = lookup.pairs * BLOCK_ROWS;
    let nibble = _mm256_set1_epi8(15);
    // Most blocks begin a page, where the processor stops fetching ahead by itself.
    let next = ahead.as_ptr().cast::<i8>();
    // Even rows gather in the low bytes of `even` with the odd ones' sums above them; `odd` holds the odd ones.
    let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for column in 0..lookup.pairs {
        if column % 2 == 0 {
            _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(column * 32));
        }
        // SAFETY: `column < pairs`; the block has `pairs` columns of 32 bytes, and so have both tables.
        let (code, low, high) = unsafe {
            (
                _mm256_loadu_si256(block.as_ptr().add(column * 32).cast::<__m256i>()),
                _mm256_loadu_si256(lookup.low.as_ptr().add(column * 32).cast::<__m256i>()),
                _mm256_loadu_si256(lookup.high.as_ptr().add(column * 32).cast::<__m256i>()),
            )
        };
        let lower = _mm256_shuffle_epi8(low, _mm256_and_si256(code, nibble));
        let upper = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16::<4>(code), nibble));
        let both = _mm256_add_epi8(lower, upper);
        even = _mm256_add_epi16(even, both);
        odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(both));
    }
    even = _mm256_sub_epi16(even, _mm256_slli_epi16::<8>(odd));
    let (mut evens, mut odds) = ([0u16; 16], [0u16; 16]);
    // SAFETY: both arrays are 32 bytes.
    unsafe {
        _mm256_storeu_si256(evens.as_mut_ptr().cast::<__m256i>(), even);
        _mm256_storeu_si256(odds.as_mut_ptr().cast::<__m256i>(), odd);
    }
    let mut sums = [0u16; BLOCK_ROWS];
    for row in 0..16 {
        sums[2 * row] = evens[row];
        sums[2 * row + 1] = odds[row];
    }
    portable::rank(&sums, &block[codes..], lookup, terms, ranks)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn dot_and_square(query: &[f32], bytes: &[u8]) -> (f64, f64) {
    portable::dot_and_square(query, bytes)
}

/// # Safety
/// The processor has AVX2; both slices have the same length.
#[target_feature(enable = "avx2")]
pub unsafe fn dot(left: &[f32], right: &[f32]) -> f32 {
    // SAFETY: as this function's own.
    unsafe { sum_of(left, right, |a, b| _mm256_mul_ps(a, b)) }
}

/// The portable `sum_of`, whose 64 lanes are eight registers.
///
/// # Safety
/// The processor has AVX2; both slices have the same length.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn sum_of(left: &[f32], right: &[f32], term: impl Fn(__m256, __m256) -> __m256) -> f32 {
    debug_assert_eq!(left.len(), right.len());
    let mut sums = [_mm256_setzero_ps(); 8];
    let whole = left.len() / LONG * LONG;
    for start in (0..whole).step_by(LONG) {
        for (register, sum) in sums.iter_mut().enumerate() {
            let at = start + 8 * register;
            // SAFETY: `at + 8` is within the whole chunks of both.
            let (a, b) =
                unsafe { (_mm256_loadu_ps(left.as_ptr().add(at)), _mm256_loadu_ps(right.as_ptr().add(at))) };
            *sum = _mm256_add_ps(*sum, term(a, b));
        }
    }
    if whole < left.len() {
        // What is left over is filled up with zeros, whose terms are zero.
        let (mut lefts, mut rights) = ([0.0f32; LONG], [0.0f32; LONG]);
        lefts[..left.len() - whole].copy_from_slice(&left[whole..]);
        rights[..right.len() - whole].copy_from_slice(&right[whole..]);
        for (register, sum) in sums.iter_mut().enumerate() {
            // SAFETY: both arrays have 64 places.
            let (a, b) = unsafe {
                (
                    _mm256_loadu_ps(lefts.as_ptr().add(8 * register)),
                    _mm256_loadu_ps(rights.as_ptr().add(8 * register)),
                )
            };
            *sum = _mm256_add_ps(*sum, term(a, b));
        }
    }
    let half = |register: usize| _mm256_add_ps(sums[register], sums[register + 4]);
    let (first, second) = (_mm256_add_ps(half(0), half(2)), _mm256_add_ps(half(1), half(3)));
    halve(_mm256_add_ps(first, second))
}

/// The sum of eight lanes by halves.
#[inline]
#[target_feature(enable = "avx2")]
fn halve(eight: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
}

/// # Safety
/// The processor has AVX2; both slices have the same length.
#[target_feature(enable = "avx2")]
pub unsafe fn distance_square(left: &[f32], right: &[f32]) -> f32 {
    let term = |a, b| {
        let apart = _mm256_sub_ps(a, b);
        _mm256_mul_ps(apart, apart)
    };
    // SAFETY: as this function's own.
    unsafe { sum_of(left, right, term) }
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn hadamard(values: &mut [f32]) {
    if values.len() < 8 {
        return portable::hadamard(values);
    }
    let (by_one, by_two, by_four) = (
        _mm256_setr_ps(1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0),
        _mm256_setr_ps(1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0),
        _mm256_setr_ps(1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0),
    );
    for lanes in values.chunks_exact_mut(8) {
        // SAFETY: the chunk is eight f32.
        unsafe {
            let mut row = _mm256_loadu_ps(lanes.as_ptr());
            row = _mm256_add_ps(_mm256_mul_ps(row, by_one), _mm256_permute_ps::<0b1011_0001>(row));
            row = _mm256_add_ps(_mm256_mul_ps(row, by_two), _mm256_permute_ps::<0b0100_1110>(row));
            row = _mm256_add_ps(_mm256_mul_ps(row, by_four), _mm256_permute2f128_ps::<1>(row, row));
            _mm256_storeu_ps(lanes.as_mut_ptr(), row);
        }
    }
    let mut half = 8;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (first, second) = pair.split_at_mut(half);
            for (first, second) in first.chunks_exact_mut(8).zip(second.chunks_exact_mut(8)) {
                // SAFETY: both chunks are eight f32.
                unsafe {
                    let (a, b) = (_mm256_loadu_ps(first.as_ptr()), _mm256_loadu_ps(second.as_ptr()));
                    _mm256_storeu_ps(first.as_mut_ptr(), _mm256_add_ps(a, b));
                    _mm256_storeu_ps(second.as_mut_ptr(), _mm256_sub_ps(a, b));
                }
            }
        }
        half *= 2;
    }
    portable::shrink(values);
}

/// # Safety
/// The processor has AVX2; `low` and `high` have 32 bytes for each eight places, as `Level::tables` asserts.
#[target_feature(enable = "avx2")]
pub unsafe fn tables(places: &[f32], inverse: f32, top: f32, low: &mut [u8], high: &mut [u8]) {
    for ((column, low), high) in
        places.chunks_exact(8).zip(low.chunks_exact_mut(32)).zip(high.chunks_exact_mut(32))
    {
        for (group, out) in [(&column[..4], low), (&column[4..], high)] {
            // SAFETY: this is called with AVX2.
            unsafe { table(group, inverse, top, out) };
        }
    }
}

#[target_feature(enable = "avx2")]
unsafe fn table(group: &[f32], inverse: f32, top: f32, out: &mut [u8]) {
    let half = |from: usize| {
        // SAFETY: each subset row has sixteen f32, and `from` is 0 or 8.
        let subset = |bit: usize| unsafe { _mm256_loadu_ps(portable::SUBSETS[bit].as_ptr().add(from)) };
        let part = |bit: usize| _mm256_mul_ps(_mm256_set1_ps(group[bit]), subset(bit));
        let sum = _mm256_add_ps(_mm256_add_ps(_mm256_add_ps(part(0), part(1)), part(2)), part(3));
        let above = _mm256_sub_ps(sum, _mm256_set1_ps(portable::lowest(group)));
        let scaled = _mm256_add_ps(_mm256_mul_ps(above, _mm256_set1_ps(inverse)), _mm256_set1_ps(0.5));
        let held = _mm256_min_ps(_mm256_max_ps(scaled, _mm256_setzero_ps()), _mm256_set1_ps(top));
        _mm256_cvttps_epi32(held)
    };
    // Packing works in halves of 128 bits: the order of the quarters is set right at the end.
    let words = _mm256_packus_epi32(half(0), half(8));
    let bytes = _mm256_packus_epi16(words, words);
    let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
    let twice = _mm256_permutevar8x32_epi32(bytes, order);
    debug_assert_eq!(out.len(), 32);
    // SAFETY: `out` is 32 bytes.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast::<__m256i>(), twice) };
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn signs(row: &[f32], centre: &[f32], anchor: &[f32], shift: &[f32], bits: &mut [u8]) -> Sums {
    portable::signs(row, centre, anchor, shift, bits)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn nibbles(
    row: &[f32],
    centre: &[f32],
    shift: &[f32],
    inverse: f32,
    out: &mut [u8],
) -> NibbleSums {
    portable::nibbles(row, centre, shift, inverse, out)
}

/// # Safety
/// The processor has AVX2; `query` has two places for each byte of `nibbles`, and these are a multiple of 32, as
/// `Level::nibble_dot` asserts.
#[target_feature(enable = "avx2")]
pub unsafe fn nibble_dot(query: &[i16], nibbles: &[u8]) -> i32 {
    let (low, high) = query.split_at(nibbles.len());
    let mut sums = [_mm256_setzero_si256(); 2];
    let nibble = _mm256_set1_epi16(15);
    for at in (0..nibbles.len()).step_by(16) {
        // SAFETY: `at + 16` is within the nibbles, and so within both halves of the query.
        let (bytes, low, high) = unsafe {
            (
                _mm_loadu_si128(nibbles.as_ptr().add(at).cast::<__m128i>()),
                _mm256_loadu_si256(low.as_ptr().add(at).cast::<__m256i>()),
                _mm256_loadu_si256(high.as_ptr().add(at).cast::<__m256i>()),
            )
        };
        let wide = _mm256_cvtepu8_epi16(bytes);
        let lower = _mm256_madd_epi16(low, _mm256_and_si256(wide, nibble));
        let upper = _mm256_madd_epi16(high, _mm256_srli_epi16::<4>(wide));
        sums = [_mm256_add_epi32(sums[0], lower), _mm256_add_epi32(sums[1], upper)];
    }
    let mut lanes = [0i32; 8];
    // SAFETY: the array is 32 bytes.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast::<__m256i>(), _mm256_add_epi32(sums[0], sums[1])) };
    lanes.iter().sum()
}
