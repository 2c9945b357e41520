//! AVX-512 BW: two byte columns of 32 rows in a register; the rest is the portable text compiled for AVX-512.

use super::portable::LONG;
use super::{BLOCK_ROWS, FACTOR_BYTES, Lookup, NibbleSums, Sums, Terms, avx2, portable};
use std::arch::x86_64::{
    __m256i, __m512, __m512i, _MM_HINT_T0, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps,
    _mm_prefetch, _mm_shuffle_ps, _mm256_add_epi16, _mm256_add_ps, _mm256_castps256_ps128,
    _mm256_extractf128_ps, _mm256_loadu_si256, _mm512_add_epi8, _mm512_add_epi16, _mm512_add_epi32,
    _mm512_add_ps, _mm512_and_si512, _mm512_castps512_ps256, _mm512_castsi512_si256, _mm512_cvtepi32_ps,
    _mm512_cvtepu8_epi16, _mm512_cvtepu16_epi32, _mm512_extracti64x4_epi64, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_madd_epi16, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_mul_ps,
    _mm512_permutex2var_ps, _mm512_reduce_add_epi32, _mm512_reduce_max_ps, _mm512_set1_epi8,
    _mm512_set1_epi16, _mm512_set1_ps, _mm512_setr_epi32, _mm512_setzero_ps, _mm512_setzero_si512,
    _mm512_shuffle_epi8, _mm512_shuffle_f32x4, _mm512_slli_epi16, _mm512_srli_epi16, _mm512_storeu_ps,
    _mm512_sub_epi16, _mm512_sub_ps,
};

/// # Safety
/// The processor has AVX-512 F and BW; `blocks` holds `maxima.len()` whole blocks, `lookup` 32 bytes a column
/// and an even number of columns, as `Level::scan` asserts.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
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
/// The processor has AVX-512 F and BW; `block` is one whole block, `lookup` has 32 bytes a column and an even number of
/// columns, `ranks` 32 places, as `Level::scan_block` asserts.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn scan_block(
    block: &[u8],
    ahead: &[u8],
    lookup: &Lookup,
    terms: &Terms,
    ranks: &mut [f32],
) -> f32 {
    let codes = lookup.pairs * BLOCK_ROWS;
    let nibble = _mm512_set1_epi8(15);
    // Most blocks begin a page, where the processor stops fetching ahead by itself.
    let next = ahead.as_ptr().cast::<i8>();
    _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(codes + 64));
    _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(codes + 192));
    let (mut even, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for column in 0..lookup.pairs / 2 {
        _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(column * 64));
        // SAFETY: `2 * column + 1 < pairs`; the block has `pairs` columns of 32 bytes, and so have both tables.
        let (code, low, high) = unsafe {
            (
                _mm512_loadu_si512(block.as_ptr().add(column * 64).cast::<__m512i>()),
                _mm512_loadu_si512(lookup.low.as_ptr().add(column * 64).cast::<__m512i>()),
                _mm512_loadu_si512(lookup.high.as_ptr().add(column * 64).cast::<__m512i>()),
            )
        };
        let lower = _mm512_shuffle_epi8(low, _mm512_and_si512(code, nibble));
        let upper = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16::<4>(code), nibble));
        let both = _mm512_add_epi8(lower, upper);
        even = _mm512_add_epi16(even, both);
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16::<8>(both));
    }
    even = _mm512_sub_epi16(even, _mm512_slli_epi16::<8>(odd));
    // The upper half summed the odd columns of the same 32 rows.
    let fold = |sums: __m512i| {
        let both = _mm256_add_epi16(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums));
        _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(both))
    };
    let sums = [fold(even), fold(odd)];
    // SAFETY: the block ends with its factors, and `ranks` has 32 places.
    unsafe { rank(sums, &block[codes..], lookup, terms, ranks) }
}

/// The ranks of one block from the sums of its even and its odd rows, in the order of the portable arithmetic.
///
/// # Safety
/// The processor has AVX-512 F; `factors` has [`FACTOR_BYTES`] and `ranks` [`BLOCK_ROWS`].
#[target_feature(enable = "avx512f")]
unsafe fn rank(sums: [__m512; 2], factors: &[u8], lookup: &Lookup, terms: &Terms, ranks: &mut [f32]) -> f32 {
    debug_assert!(factors.len() == FACTOR_BYTES && ranks.len() == BLOCK_ROWS, "one block");
    let lower = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    let upper = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    let mut largest = _mm512_set1_ps(f32::NEG_INFINITY);
    for (half, order) in [lower, upper].into_iter().enumerate() {
        // SAFETY: each kind of factor has 32 f32, of which this takes sixteen from 0 or 16.
        let factor = |kind: usize| unsafe {
            _mm512_loadu_ps(factors.as_ptr().add(4 * (BLOCK_ROWS * kind + 16 * half)).cast::<f32>())
        };
        let sum = _mm512_permutex2var_ps(sums[0], order, sums[1]);
        let scaled = _mm512_mul_ps(_mm512_set1_ps(lookup.step), sum);
        let inner = _mm512_add_ps(scaled, _mm512_set1_ps(lookup.shift));
        let own = _mm512_add_ps(_mm512_set1_ps(terms.constant), factor(1));
        let estimate = _mm512_add_ps(own, _mm512_mul_ps(factor(0), inner));
        let bound = _mm512_add_ps(estimate, _mm512_mul_ps(_mm512_set1_ps(terms.margin), factor(2)));
        // SAFETY: `ranks` has 32 places.
        unsafe { _mm512_storeu_ps(ranks.as_mut_ptr().add(16 * half), bound) };
        largest = _mm512_max_ps(largest, bound);
    }
    _mm512_reduce_max_ps(largest)
}

/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn dot_and_square(query: &[f32], bytes: &[u8]) -> (f64, f64) {
    // SAFETY: a processor with AVX-512 has AVX2, whose code the compiler makes better: 94 ns a row against 200.
    unsafe { avx2::dot_and_square(query, bytes) }
}

/// # Safety
/// The processor has AVX-512 F and BW; both slices have the same length.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn dot(left: &[f32], right: &[f32]) -> f32 {
    // SAFETY: as this function's own.
    unsafe { sum_of(left, right, |a, b| _mm512_mul_ps(a, b)) }
}

/// The portable `sum_of`: four registers hold its 64 lanes, and what is left over is filled up with zeros, whose terms are
/// zero.
///
/// # Safety
/// The processor has AVX-512 F; both slices have the same length.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2")]
unsafe fn sum_of(left: &[f32], right: &[f32], term: impl Fn(__m512, __m512) -> __m512) -> f32 {
    debug_assert_eq!(left.len(), right.len());
    let mut sums = [_mm512_setzero_ps(); 4];
    let whole = left.len() / LONG * LONG;
    for start in (0..whole).step_by(LONG) {
        for (register, sum) in sums.iter_mut().enumerate() {
            let at = start + 16 * register;
            // SAFETY: `at + 16` is within the whole chunks of both.
            let (a, b) =
                unsafe { (_mm512_loadu_ps(left.as_ptr().add(at)), _mm512_loadu_ps(right.as_ptr().add(at))) };
            *sum = _mm512_add_ps(*sum, term(a, b));
        }
    }
    for (register, sum) in sums.iter_mut().enumerate() {
        let at = whole + 16 * register;
        let mask = match left.len().saturating_sub(at) {
            0 => break,
            rest => u16::MAX >> (16 - rest.min(16)),
        };
        // SAFETY: the mask has no place beyond the ends of the slices.
        let (a, b) = unsafe {
            (
                _mm512_maskz_loadu_ps(mask, left.as_ptr().add(at)),
                _mm512_maskz_loadu_ps(mask, right.as_ptr().add(at)),
            )
        };
        *sum = _mm512_add_ps(*sum, term(a, b));
    }
    halve(_mm512_add_ps(_mm512_add_ps(sums[0], sums[2]), _mm512_add_ps(sums[1], sums[3])))
}

/// The sum of sixteen lanes by halves.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2")]
fn halve(sums: __m512) -> f32 {
    let upper = _mm512_castps512_ps256(_mm512_shuffle_f32x4::<0b0000_1110>(sums, sums));
    let eight = _mm256_add_ps(_mm512_castps512_ps256(sums), upper);
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
}

/// # Safety
/// The processor has AVX-512 F and BW; both slices have the same length.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn distance_square(left: &[f32], right: &[f32]) -> f32 {
    let term = |a, b| {
        let apart = _mm512_sub_ps(a, b);
        _mm512_mul_ps(apart, apart)
    };
    // SAFETY: as this function's own.
    unsafe { sum_of(left, right, term) }
}

/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn hadamard(values: &mut [f32]) {
    // SAFETY: a processor with AVX-512 has AVX2. Wider registers gain nothing on 512 values.
    unsafe { avx2::hadamard(values) };
}

/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn tables(places: &[f32], inverse: f32, top: f32, low: &mut [u8], high: &mut [u8]) {
    // SAFETY: a processor with AVX-512 has AVX2; the lengths are as asserted.
    unsafe { avx2::tables(places, inverse, top, low, high) };
}

/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn signs(row: &[f32], centre: &[f32], anchor: &[f32], shift: &[f32], bits: &mut [u8]) -> Sums {
    portable::signs(row, centre, anchor, shift, bits)
}

/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
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
/// The processor has AVX-512 F and BW; `query` has two places for each byte of `nibbles`, and these are a multiple of 32,
/// as `Level::nibble_dot` asserts.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn nibble_dot(query: &[i16], nibbles: &[u8]) -> i32 {
    let (low, high) = query.split_at(nibbles.len());
    let mut sums = [_mm512_setzero_si512(); 2];
    let nibble = _mm512_set1_epi16(15);
    for at in (0..nibbles.len()).step_by(32) {
        // SAFETY: `at + 32` is within the nibbles, and so within both halves of the query.
        let (bytes, low, high) = unsafe {
            (
                _mm256_loadu_si256(nibbles.as_ptr().add(at).cast::<__m256i>()),
                _mm512_loadu_si512(low.as_ptr().add(at).cast::<__m512i>()),
                _mm512_loadu_si512(high.as_ptr().add(at).cast::<__m512i>()),
            )
        };
        let wide = _mm512_cvtepu8_epi16(bytes);
        let lower = _mm512_madd_epi16(low, _mm512_and_si512(wide, nibble));
        let upper = _mm512_madd_epi16(high, _mm512_srli_epi16::<4>(wide));
        sums = [_mm512_add_epi32(sums[0], lower), _mm512_add_epi32(sums[1], upper)];
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]))
}
