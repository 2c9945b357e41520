//! NEON: 16 rows of one byte column in a register; the rest is the portable text, which NEON already widens.

use super::{BLOCK_ROWS, FACTOR_BYTES, Lookup, NibbleSums, Sums, Terms, portable};
use std::arch::aarch64::{
    vaddq_u8, vaddw_high_u8, vaddw_u8, vandq_u8, vdupq_n_u8, vdupq_n_u16, vget_low_u8, vld1q_u8, vqtbl1q_u8,
    vshrq_n_u8, vst1q_u16,
};

/// # Safety
/// `blocks` holds `maxima.len()` whole blocks and `lookup` 32 bytes a column, as `Level::scan` asserts.
#[target_feature(enable = "neon")]
pub unsafe fn scan(blocks: &[u8], lookup: &Lookup, terms: &Terms, ranks: &mut [f32], maxima: &mut [f32]) {
    let stride = lookup.pairs * BLOCK_ROWS + FACTOR_BYTES;
    for (index, maximum) in maxima.iter_mut().enumerate() {
        let block = &blocks[index * stride..][..stride];
        let ranks = &mut ranks[index * BLOCK_ROWS..][..BLOCK_ROWS];
        // SAFETY: as this function's own, and the block is whole.
        *maximum = unsafe { scan_block(block, block, lookup, terms, ranks) };
    }
}

/// # Safety
/// `block` is one whole block and `lookup` has 32 bytes a column, as `Level::scan_block` asserts.
#[inline]
#[target_feature(enable = "neon")]
pub unsafe fn scan_block(
    block: &[u8],
    _ahead: &[u8],
    lookup: &Lookup,
    terms: &Terms,
    ranks: &mut [f32],
) -> f32 {
    let codes = lookup.pairs * BLOCK_ROWS;
    let mut sums = [0u16; BLOCK_ROWS];
    // SAFETY: `column < pairs`; the block has `pairs` columns of 32 bytes, and so have both tables; the sums
    // are four registers of eight 16-bit lanes.
    unsafe {
        let nibble = vdupq_n_u8(15);
        let mut gathered = [vdupq_n_u16(0); 4];
        for column in 0..lookup.pairs {
            let low = vld1q_u8(lookup.low.as_ptr().add(column * 32));
            let high = vld1q_u8(lookup.high.as_ptr().add(column * 32));
            for half in 0..2 {
                let code = vld1q_u8(block.as_ptr().add(column * 32 + half * 16));
                let both = vaddq_u8(
                    vqtbl1q_u8(low, vandq_u8(code, nibble)),
                    vqtbl1q_u8(high, vshrq_n_u8::<4>(code)),
                );
                gathered[half * 2] = vaddw_u8(gathered[half * 2], vget_low_u8(both));
                gathered[half * 2 + 1] = vaddw_high_u8(gathered[half * 2 + 1], both);
            }
        }
        for (quarter, lanes) in gathered.iter().enumerate() {
            vst1q_u16(sums.as_mut_ptr().add(quarter * 8), *lanes);
        }
    }
    portable::rank(&sums, &block[codes..], lookup, terms, ranks)
}

/// # Safety
/// None: NEON is part of the aarch64 baseline.
#[target_feature(enable = "neon")]
pub unsafe fn dot_and_square(query: &[f32], bytes: &[u8]) -> (f64, f64) {
    portable::dot_and_square(query, bytes)
}

/// # Safety
/// None: NEON is part of the aarch64 baseline.
#[target_feature(enable = "neon")]
pub unsafe fn dot(left: &[f32], right: &[f32]) -> f32 {
    portable::dot(left, right)
}

/// # Safety
/// None: NEON is part of the aarch64 baseline.
#[target_feature(enable = "neon")]
pub unsafe fn distance_square(left: &[f32], right: &[f32]) -> f32 {
    portable::distance_square(left, right)
}

/// # Safety
/// None: NEON is part of the aarch64 baseline.
#[target_feature(enable = "neon")]
pub unsafe fn hadamard(values: &mut [f32]) {
    portable::hadamard(values);
}

/// # Safety
/// None: NEON is part of the aarch64 baseline.
#[target_feature(enable = "neon")]
pub unsafe fn tables(places: &[f32], inverse: f32, top: f32, low: &mut [u8], high: &mut [u8]) {
    portable::tables(places, inverse, top, low, high);
}

/// # Safety
/// None: NEON is part of the aarch64 baseline.
#[target_feature(enable = "neon")]
pub unsafe fn signs(row: &[f32], centre: &[f32], anchor: &[f32], shift: &[f32], bits: &mut [u8]) -> Sums {
    portable::signs(row, centre, anchor, shift, bits)
}

/// # Safety
/// None: NEON is part of the aarch64 baseline.
#[target_feature(enable = "neon")]
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
/// None: NEON is part of the aarch64 baseline.
#[target_feature(enable = "neon")]
pub unsafe fn nibble_dot(query: &[i16], nibbles: &[u8]) -> i32 {
    portable::nibble_dot(query, nibbles)
}
