//! Which rows a search may return.

use std::cell::OnceCell;

use crate::kernels::BLOCK_ROWS;
use crate::list::ListView;

/// Which rows a search may return.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Filter<'a> {
    /// All rows of the table.
    #[default]
    All,
    /// The rows of these collections.
    Collections(&'a [i64]),
    /// The rows with these ids, in any order.
    Ids(&'a [i64]),
    /// The rows that pass all of these.
    And(&'a [Filter<'a>]),
}

/// A filter made quick to ask.
#[derive(Debug)]
pub enum Allowed {
    /// Everything.
    All,
    /// Collections, in order.
    Collections(Vec<i64>),
    /// Ids.
    Ids(Ids),
    /// All of these.
    And(Vec<Allowed>),
}

/// A set of ids, in order; asked about single ids it makes bits of them where they lie close together.
#[derive(Debug)]
pub struct Ids {
    sorted: Vec<i64>,
    bits: OnceCell<Option<Vec<u64>>>,
}

/// A span of so many ids is kept as bits in any case: a megabyte.
const SHORT_SPAN: u64 = 1 << 23;

/// Beyond that ids may lie this far apart on the average: bits then take as much as the list.
const DENSE: u64 = 64;

impl Ids {
    fn new(ids: &[i64]) -> Self {
        let mut sorted = ids.to_vec();
        if !ids.is_sorted_by(|a, b| a < b) {
            sorted.sort_unstable();
            sorted.dedup();
        }
        Self { sorted, bits: OnceCell::new() }
    }

    fn first(&self) -> i64 {
        self.sorted.first().copied().unwrap_or(0)
    }

    /// Bit `i` is the id `first + i`.
    fn bits(&self) -> Option<&[u64]> {
        let make = || {
            let (first, last) = (self.first(), self.sorted.last().copied()?);
            let span = last.abs_diff(first);
            if span > SHORT_SPAN && span / DENSE > self.sorted.len() as u64 {
                return None;
            }
            let mut bits = vec![0u64; span as usize / 64 + 1];
            for id in &self.sorted {
                let bit = id.abs_diff(first) as usize;
                bits[bit / 64] |= 1 << (bit % 64);
            }
            Some(bits)
        };
        self.bits.get_or_init(make).as_deref()
    }

    #[inline]
    fn contains(&self, id: i64) -> bool {
        match self.bits() {
            // Below the first the difference wraps to more than any set has bits for.
            Some(bits) => bit(bits, id.wrapping_sub(self.first()) as u64) == 1,
            None => self.sorted.binary_search(&id).is_ok(),
        }
    }

    /// The bits of up to 32 ids, eight little-endian bytes each.
    fn mask(&self, ids: &[u8]) -> u32 {
        let Some(bits) = self.bits() else {
            return mask(ids, |id| self.contains(id));
        };
        let first = self.first();
        // Rows written in the order of their ids: the bits lie side by side as well.
        let start = number(ids).wrapping_sub(first) as u64;
        if ids.len() == 8 * BLOCK_ROWS && start < u64::MAX / 2 && consecutive(ids) {
            let word = |index: u64| bits.get(index as usize).copied().unwrap_or(0);
            let (index, shift) = (start / 64, start % 64);
            let above = if shift > 32 { word(index + 1) << (64 - shift) } else { 0 };
            return (word(index) >> shift | above) as u32;
        }
        mask(ids, |id| bit(bits, id.wrapping_sub(first) as u64) == 1)
    }
}

fn bit(bits: &[u64], at: u64) -> u64 {
    bits.get((at / 64) as usize).map_or(0, |word| word >> (at % 64) & 1)
}

fn number(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}

/// Whether each number is one more than that before.
fn consecutive(numbers: &[u8]) -> bool {
    let first = number(numbers);
    let differing = numbers
        .chunks_exact(8)
        .enumerate()
        .fold(0, |differing, (index, bytes)| differing | (number(bytes) ^ first.wrapping_add(index as i64)));
    differing == 0
}

/// One bit for each number that passes.
fn mask(numbers: &[u8], passes: impl Fn(i64) -> bool) -> u32 {
    numbers
        .chunks_exact(8)
        .enumerate()
        .fold(0, |mask, (row, bytes)| mask | u32::from(passes(number(bytes))) << row)
}

impl Allowed {
    /// Of a filter.
    #[must_use]
    pub fn new(filter: &Filter<'_>) -> Self {
        match filter {
            Filter::All => Allowed::All,
            Filter::Collections(collections) => {
                let mut sorted = collections.to_vec();
                sorted.sort_unstable();
                Allowed::Collections(sorted)
            }
            Filter::Ids(ids) => Allowed::Ids(Ids::new(ids)),
            Filter::And(parts) => Allowed::And(parts.iter().map(Allowed::new).collect()),
        }
    }

    /// Whether all rows of these collections are allowed; of any collection where none are named.
    #[must_use]
    pub fn covers(&self, collections: Option<&[i64]>) -> bool {
        match self {
            Allowed::All => true,
            Allowed::Collections(sorted) => {
                collections.is_some_and(|all| all.iter().all(|one| contains(sorted, *one)))
            }
            Allowed::And(parts) => parts.iter().all(|part| part.covers(collections)),
            Allowed::Ids(_) => false,
        }
    }

    /// All ids that may be allowed, in order, when the filter names ids. What else it asks for is not looked at.
    #[must_use]
    pub fn ids(&self) -> Option<&[i64]> {
        match self {
            Allowed::Ids(ids) => Some(&ids.sorted),
            Allowed::And(parts) => parts.iter().filter_map(Allowed::ids).min_by_key(|ids| ids.len()),
            Allowed::All | Allowed::Collections(_) => None,
        }
    }

    /// Whether it asks for ids alone.
    #[must_use]
    pub fn is_ids(&self) -> bool {
        matches!(self, Allowed::Ids(_))
    }

    /// Whether this row is allowed.
    #[must_use]
    pub fn allows(&self, id: i64, collection: i64) -> bool {
        match self {
            Allowed::All => true,
            Allowed::Collections(sorted) => contains(sorted, collection),
            Allowed::Ids(ids) => ids.contains(id),
            Allowed::And(parts) => parts.iter().all(|part| part.allows(id, collection)),
        }
    }

    /// One bit for each allowed row of the list, 32 rows to a word.
    pub fn masks(&self, list: &ListView<'_>, masks: &mut Vec<u32>) {
        masks.resize(list.rows.div_ceil(BLOCK_ROWS), u32::MAX);
        if let Some(last) = masks.last_mut().filter(|_| !list.rows.is_multiple_of(BLOCK_ROWS)) {
            *last = (1 << (list.rows % BLOCK_ROWS)) - 1;
        }
        self.narrow(list, masks);
    }

    /// Narrows masks whose rows are few, one row after the other.
    pub fn narrow_rows(&self, list: &ListView<'_>, masks: &mut [u32]) {
        for (block, mask) in masks.iter_mut().enumerate() {
            let mut left = *mask;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                let row = block * BLOCK_ROWS + bit as usize;
                if !self.allows(list.id(row), list.collection(row)) {
                    *mask &= !(1 << bit);
                }
            }
        }
    }

    fn narrow(&self, list: &ListView<'_>, masks: &mut [u32]) {
        match self {
            Allowed::All => {}
            Allowed::Collections(sorted) => clear(list.collections(), masks, |block| {
                mask(block, |collection| contains(sorted, collection))
            }),
            Allowed::Ids(ids) => clear(list.ids(), masks, |block| ids.mask(block)),
            Allowed::And(parts) => parts.iter().for_each(|part| part.narrow(list, masks)),
        }
    }
}

fn contains(sorted: &[i64], value: i64) -> bool {
    match sorted {
        [] => false,
        [only] => *only == value,
        [_, _, ..] => sorted.binary_search(&value).is_ok(),
    }
}

/// Narrows the mask of each block of 32 values.
fn clear(values: &[u8], masks: &mut [u32], passing: impl Fn(&[u8]) -> u32) {
    for (block, mask) in values.chunks(8 * BLOCK_ROWS).zip(masks) {
        *mask &= passing(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_of_ids_holds_what_it_was_given(
            ids in prop::collection::vec(prop_oneof![any::<i64>(), -50i64..50, Just(i64::MIN), Just(i64::MAX)], 0..40),
            asked in prop::collection::vec(prop_oneof![any::<i64>(), -60i64..60], 0..40),
        ) {
            let set = Ids::new(&ids);
            for id in ids.iter().chain(&asked) {
                prop_assert_eq!(set.contains(*id), ids.contains(id), "{}", id);
                let row: Vec<i64> = (0..32).map(|step| id.saturating_add(step)).collect();
                let bytes: Vec<u8> = row.iter().flat_map(|id| id.to_le_bytes()).collect();
                let mask = set.mask(&bytes);
                for (bit, id) in row.iter().enumerate() {
                    prop_assert_eq!(mask >> bit & 1 == 1, ids.contains(id), "{}", id);
                }
            }
        }
    }
}
