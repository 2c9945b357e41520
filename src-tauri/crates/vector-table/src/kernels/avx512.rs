//! AVX-512 BW: two byte columns of 32 rows in a register; the rest is the portable text compiled for AVX-512.

use super::{Affine, BLOCK_ROWS, FACTOR_BYTES, Lookup, NibbleSums, Sums, avx2, portable};
use std::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi16, _mm256_storeu_si256, _mm512_add_epi8, _mm512_add_epi16,
    _mm512_and_si512, _mm512_castsi512_si256, _mm512_extracti64x4_epi64, _mm512_loadu_si512,
    _mm512_set1_epi8, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_slli_epi16, _mm512_srli_epi16,
    _mm512_sub_epi16,
};

/// # Safety
/// The processor has AVX-512 F and BW; `blocks` holds `maxima.len()` whole blocks, `lookup` 32 bytes a column
/// and an even number of columns, as `Level::scan` asserts.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn scan(blocks: &[u8], lookup: &Lookup, affine: &Affine, ranks: &mut [f32], maxima: &mut [f32]) {
    let codes = lookup.pairs * BLOCK_ROWS;
    let nibble = _mm512_set1_epi8(15);
    for (index, maximum) in maxima.iter_mut().enumerate() {
        let block = &blocks[index * (codes + FACTOR_BYTES)..][..codes + FACTOR_BYTES];
        let (mut even, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for column in 0..lookup.pairs / 2 {
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
            _mm256_add_epi16(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums))
        };
        let (mut evens, mut odds) = ([0u16; 16], [0u16; 16]);
        // SAFETY: both arrays are 32 bytes.
        unsafe {
            _mm256_storeu_si256(evens.as_mut_ptr().cast::<__m256i>(), fold(even));
            _mm256_storeu_si256(odds.as_mut_ptr().cast::<__m256i>(), fold(odd));
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
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn dot_and_square(query: &[f32], bytes: &[u8]) -> (f64, f64) {
    // SAFETY: a processor with AVX-512 has AVX2, whose code the compiler makes better: 94 ns a row against 200.
    unsafe { avx2::dot_and_square(query, bytes) }
}

/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn dot(left: &[f32], right: &[f32]) -> f32 {
    portable::dot(left, right)
}

/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn distance_square(left: &[f32], right: &[f32]) -> f32 {
    portable::distance_square(left, right)
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
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
pub unsafe fn nibble_dot(query: &[f32], nibbles: &[u8]) -> f32 {
    portable::nibble_dot(query, nibbles)
}
