//! Which rows a search may return.

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

/// A set of ids: bits where they lie close together, a list in order where they do not.
#[derive(Debug)]
pub enum Ids {
    /// Bit `i` is the id `first + i`.
    Dense {
        /// The lowest id.
        first: i64,
        /// One bit for each id from there on.
        bits: Vec<u64>,
    },
    /// In order.
    Sparse(Vec<i64>),
}

/// Ids may lie this far apart on the average and still be kept as bits: eight bytes each, as in the list.
const DENSE: u64 = 64;

impl Ids {
    fn new(ids: &[i64]) -> Self {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let (Some(first), Some(last)) = (sorted.first().copied(), sorted.last().copied()) else {
            return Ids::Sparse(sorted);
        };
        let span = last.abs_diff(first);
        if span / DENSE > sorted.len() as u64 {
            return Ids::Sparse(sorted);
        }
        let mut bits = vec![0u64; span as usize / 64 + 1];
        for id in sorted {
            let bit = id.abs_diff(first) as usize;
            bits[bit / 64] |= 1 << (bit % 64);
        }
        Ids::Dense { first, bits }
    }

    #[inline]
    fn contains(&self, id: i64) -> bool {
        match self {
            Ids::Dense { first, bits } => {
                let bit = id.wrapping_sub(*first) as u64;
                id >= *first && bits.get((bit / 64) as usize).is_some_and(|word| word >> (bit % 64) & 1 == 1)
            }
            Ids::Sparse(sorted) => sorted.binary_search(&id).is_ok(),
        }
    }
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

    /// Whether everything is allowed.
    #[must_use]
    pub fn is_all(&self) -> bool {
        match self {
            Allowed::All => true,
            Allowed::And(parts) => parts.iter().all(Allowed::is_all),
            Allowed::Collections(_) | Allowed::Ids(_) => false,
        }
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

    fn narrow(&self, list: &ListView<'_>, masks: &mut [u32]) {
        match self {
            Allowed::All => {}
            Allowed::Collections(sorted) => {
                clear(list.collections(), masks, |collection| contains(sorted, collection))
            }
            Allowed::Ids(ids) => clear(list.ids(), masks, |id| ids.contains(id)),
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

/// Clears the bits of the rows whose value does not pass.
fn clear(values: &[u8], masks: &mut [u32], passes: impl Fn(i64) -> bool) {
    for (block, mask) in values.chunks(8 * BLOCK_ROWS).zip(masks) {
        let mut passed = 0u32;
        for (row, value) in block.chunks_exact(8).enumerate() {
            passed |= u32::from(passes(i64::from_le_bytes(value.try_into().expect("eight bytes")))) << row;
        }
        *mask &= passed;
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
            }
        }
    }
}
