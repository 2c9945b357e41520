//! Where the rows of ids are within a segment, so that a filter of some ids needs no scan.

use crate::list::ListView;

/// Where a row of a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Its list.
    pub list: u32,
    /// Its number there.
    pub row: u32,
    /// Its record.
    pub place: u32,
}

const NOWHERE: Spot = Spot { list: u32::MAX, row: 0, place: 0 };

/// All rows of a segment by id. An id that was replaced has several: each reader's snapshot says which are there.
#[derive(Debug)]
pub struct RowsById {
    /// For ids close together: the row of the id `first + i`.
    dense: Vec<Spot>,
    first: i64,
    /// In order: all rows where ids lie far apart, else those of an id beyond its first.
    sparse: Vec<(i64, Spot)>,
}

/// Ids may lie this far apart on the average; beyond, a list in order is smaller.
const DENSE: u64 = 4;

impl RowsById {
    /// Of the lists of a segment.
    #[must_use]
    pub fn new(lists: &[ListView<'_>]) -> Self {
        let all = lists
            .iter()
            .zip(0u32..)
            .flat_map(|(view, list)| (0..view.rows).map(move |row| (view.id(row), spot(view, list, row))));
        let rows = lists.iter().map(|view| view.rows as u64).sum::<u64>();
        let (lowest, highest) =
            all.clone().fold((i64::MAX, i64::MIN), |(low, high), (id, _)| (low.min(id), high.max(id)));
        let mut index = Self { dense: Vec::new(), first: lowest, sparse: Vec::new() };
        if rows > 0 && highest.abs_diff(lowest) < DENSE * rows {
            index.dense = vec![NOWHERE; highest.abs_diff(lowest) as usize + 1];
            for (id, spot) in all {
                match &mut index.dense[id.abs_diff(lowest) as usize] {
                    free if *free == NOWHERE => *free = spot,
                    _ => index.sparse.push((id, spot)),
                }
            }
        } else {
            index.sparse.extend(all);
        }
        index.sparse.sort_unstable();
        index.sparse.shrink_to_fit();
        index
    }

    /// Calls `take` for each row of the ids, which are in order.
    pub fn find(&self, ids: &[i64], mut take: impl FnMut(Spot)) {
        let mut rest = self.sparse.as_slice();
        for id in ids {
            // Below the first the difference wraps to more than there are places.
            let spot = self.dense.get(id.wrapping_sub(self.first) as u64 as usize);
            if let Some(spot) = spot.filter(|spot| **spot != NOWHERE) {
                take(*spot);
            }
            if rest.is_empty() {
                continue;
            }
            rest = &rest[rest.partition_point(|(other, _)| other < id)..];
            for (_, spot) in rest.iter().take_while(|(other, _)| other == id) {
                take(*spot);
            }
        }
    }
}

fn spot(view: &ListView<'_>, list: u32, row: usize) -> Spot {
    Spot { list, row: row as u32, place: view.place(row) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Factors;
    use crate::list::{Label, ListBuilder};
    use proptest::prelude::*;

    fn index_of(lists: &[Vec<i64>]) -> RowsById {
        let built: Vec<(ListBuilder, Vec<u8>)> = lists
            .iter()
            .map(|ids| {
                let mut list = ListBuilder::default();
                for id in ids {
                    let label = Label { slot: 0, place: *id as u32 ^ 5, id: *id, collection: 0 };
                    list.push(&[0; 8], Factors::default(), label, 1.0);
                }
                let labels = list.label_area();
                (list, labels)
            })
            .collect();
        let views: Vec<ListView<'_>> = built
            .iter()
            .map(|(list, labels)| ListView { rows: list.labels.len(), blocks: &list.blocks, labels })
            .collect();
        RowsById::new(&views)
    }

    fn id() -> impl Strategy<Value = i64> {
        prop_oneof![8 => -20i64..40, 1 => any::<i64>(), 1 => Just(i64::MIN), 1 => Just(i64::MAX)]
    }

    proptest! {
        #[test]
        fn every_row_of_an_id_is_found(
            lists in prop::collection::vec(prop::collection::vec(id(), 0..40), 1..5),
            asked in prop::collection::btree_set(id(), 0..30),
        ) {
            let index = index_of(&lists);
            let asked: Vec<i64> = asked.into_iter().collect();
            let mut found = Vec::new();
            index.find(&asked, |spot| found.push(spot));
            found.sort_unstable();
            let mut expected = Vec::new();
            for (list, ids) in (0u32..).zip(&lists) {
                let asked = (0u32..).zip(ids).filter(|(_, id)| asked.contains(id));
                expected.extend(asked.map(|(row, id)| Spot { list, row, place: *id as u32 ^ 5 }));
            }
            prop_assert_eq!(found, expected);
        }
    }
}
