//! AVX2: 32 rows of one byte column in a register; the rest is the portable text compiled for AVX2.

use super::{Affine, BLOCK_ROWS, FACTOR_BYTES, Lookup, NibbleSums, Sums, portable};
use std::arch::x86_64::{
    __m256i, _mm256_add_epi8, _mm256_add_epi16, _mm256_and_si256, _mm256_loadu_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16, _mm256_storeu_si256,
    _mm256_sub_epi16,
};

/// # Safety
/// The processor has AVX2; `blocks` holds `maxima.len()` whole blocks and `lookup` 32 bytes a column, as
/// `Level::scan` asserts.
#[target_feature(enable = "avx2")]
pub unsafe fn scan(blocks: &[u8], lookup: &Lookup, affine: &Affine, ranks: &mut [f32], maxima: &mut [f32]) {
    let codes = lookup.pairs * BLOCK_ROWS;
    let nibble = _mm256_set1_epi8(15);
    for (index, maximum) in maxima.iter_mut().enumerate() {
        let block = &blocks[index * (codes + FACTOR_BYTES)..][..codes + FACTOR_BYTES];
        // Even rows gather in the low bytes of `even` with the odd ones' sums above them; `odd` holds the odd ones.
        let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for column in 0..lookup.pairs {
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
        *maximum =
            portable::rank(&sums, &block[codes..], affine, &mut ranks[index * BLOCK_ROWS..][..BLOCK_ROWS]);
    }
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn dot_and_square(query: &[f32], bytes: &[u8]) -> (f64, f64) {
    portable::dot_and_square(query, bytes)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn dot(left: &[f32], right: &[f32]) -> f32 {
    portable::dot(left, right)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn distance_square(left: &[f32], right: &[f32]) -> f32 {
    portable::distance_square(left, right)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn hadamard(values: &mut [f32]) {
    portable::hadamard(values);
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn tables(places: &[f32], inverse: f32, top: f32, low: &mut [u8], high: &mut [u8]) {
    portable::tables(places, inverse, top, low, high);
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
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn nibble_dot(query: &[f32], nibbles: &[u8]) -> f32 {
    portable::nibble_dot(query, nibbles)
}
