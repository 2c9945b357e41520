//! A list: rows around one centre, coded in blocks of 32, with their numbers beside.
//!
//! A block is `P/8` columns of 32 bytes (byte `j` of column `i` holds places `8i … 8i+7` of row `j`), then scale,
//! offset and spread as 32 little-endian f32 each. Places without a row have offset −∞ and so never win.
//! After the blocks come, for all rows, slot (u32), place (u32), id (i64) and collection (i64), padded with zeros.
//!
//! The four-bit codes lie elsewhere in the segment, in the order of the slots, so that they can be written while the
//! rows are read: a *record* is `P/2` bytes of nibbles, scale, offset and spread as f32, and their checksum.

use crate::code::Factors;
use crate::kernels::{BLOCK_ROWS, FACTOR_BYTES};

/// What a row is called: not part of its code, and read only for filters and hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The row's number in the space's sequence.
    pub slot: u32,
    /// The row's record in the segment.
    pub place: u32,
    /// The caller's id.
    pub id: i64,
    /// The caller's collection.
    pub collection: i64,
}

/// Bytes of a block whose rows have `padded` places.
#[must_use]
pub fn block_bytes(padded: usize) -> usize {
    padded / 8 * BLOCK_ROWS + FACTOR_BYTES
}

/// Bytes of the labels of `rows` rows, rounded up to 64.
#[must_use]
pub fn label_bytes(rows: usize) -> usize {
    (rows * 24).div_ceil(64) * 64
}

/// Bytes of a record whose row has `padded` places.
#[must_use]
pub fn record_bytes(padded: usize) -> usize {
    padded / 2 + 16
}

/// A record as it stands in a file.
pub fn write_record(nibbles: &[u8], factors: Factors, record: &mut Vec<u8>) {
    record.clear();
    record.extend_from_slice(nibbles);
    for factor in [factors.scale, factors.offset, factors.spread] {
        record.extend(factor.to_le_bytes());
    }
    record.extend(crc32fast::hash(record).to_le_bytes());
}

/// The nibbles and factors of a record, or none when it differs from its checksum.
#[must_use]
pub fn read_record(record: &[u8]) -> Option<(&[u8], Factors)> {
    let (content, checksum) = record.split_at(record.len() - 4);
    (checksum == crc32fast::hash(content).to_le_bytes()).then(|| split_record(record))
}

/// The nibbles and factors of a record that was compared with its checksum before.
#[must_use]
pub fn split_record(record: &[u8]) -> (&[u8], Factors) {
    let (nibbles, factors) = record.split_at(record.len() - 16);
    let factor = |kind: usize| f32::from_le_bytes(factors[4 * kind..][..4].try_into().expect("four bytes"));
    (nibbles, Factors { scale: factor(0), offset: factor(1), spread: factor(2) })
}

/// A list under construction.
#[derive(Clone, Debug, Default)]
pub struct ListBuilder {
    /// Whole blocks.
    pub blocks: Vec<u8>,
    /// The labels, one a row.
    pub labels: Vec<Label>,
    /// Length of the longest row.
    pub reach: f32,
}

impl ListBuilder {
    /// A list that goes on where a finished one stopped.
    #[must_use]
    pub fn from_view(view: &ListView<'_>, reach: f32) -> Self {
        Self {
            blocks: view.blocks.to_vec(),
            labels: (0..view.rows).map(|row| view.label(row)).collect(),
            reach,
        }
    }

    /// Appends a row.
    pub fn push(&mut self, bits: &[u8], factors: Factors, label: Label, norm: f32) {
        let row = self.labels.len() % BLOCK_ROWS;
        let stride = bits.len() * BLOCK_ROWS + FACTOR_BYTES;
        if row == 0 {
            let start = self.blocks.len();
            self.blocks.resize(start + stride, 0);
            let offsets = start + bits.len() * BLOCK_ROWS + 4 * BLOCK_ROWS;
            for offset in self.blocks[offsets..][..4 * BLOCK_ROWS].chunks_exact_mut(4) {
                offset.copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
            }
        }
        let start = self.blocks.len() - stride;
        let block = &mut self.blocks[start..];
        for (column, byte) in bits.iter().enumerate() {
            block[column * BLOCK_ROWS + row] = *byte;
        }
        for (kind, factor) in [factors.scale, factors.offset, factors.spread].into_iter().enumerate() {
            let at = bits.len() * BLOCK_ROWS + kind * 4 * BLOCK_ROWS + 4 * row;
            block[at..at + 4].copy_from_slice(&factor.to_le_bytes());
        }
        self.labels.push(label);
        self.reach = self.reach.max(norm);
    }

    /// The labels as they stand in a file.
    #[must_use]
    pub fn label_area(&self) -> Vec<u8> {
        let mut area = Vec::with_capacity(label_bytes(self.labels.len()));
        area.extend(self.labels.iter().flat_map(|label| label.slot.to_le_bytes()));
        area.extend(self.labels.iter().flat_map(|label| label.place.to_le_bytes()));
        area.extend(self.labels.iter().flat_map(|label| label.id.to_le_bytes()));
        area.extend(self.labels.iter().flat_map(|label| label.collection.to_le_bytes()));
        area.resize(label_bytes(self.labels.len()), 0);
        area
    }
}

/// A finished list, in somebody's bytes.
#[derive(Clone, Copy, Debug)]
pub struct ListView<'a> {
    /// Rows in it.
    pub rows: usize,
    /// Whole blocks.
    pub blocks: &'a [u8],
    /// The labels.
    pub labels: &'a [u8],
}

impl ListView<'_> {
    /// The label of a row.
    #[must_use]
    pub fn label(&self, row: usize) -> Label {
        Label {
            slot: self.slot(row),
            place: self.place(row),
            id: self.id(row),
            collection: self.collection(row),
        }
    }

    /// The slot of a row.
    #[must_use]
    pub fn slot(&self, row: usize) -> u32 {
        let at = 4 * row;
        u32::from_le_bytes(self.labels[at..at + 4].try_into().expect("four bytes"))
    }

    /// The record of a row.
    #[must_use]
    pub fn place(&self, row: usize) -> u32 {
        let at = 4 * (self.rows + row);
        u32::from_le_bytes(self.labels[at..at + 4].try_into().expect("four bytes"))
    }

    /// The id of a row.
    #[must_use]
    pub fn id(&self, row: usize) -> i64 {
        self.wide(8 * self.rows + 8 * row)
    }

    /// The collection of a row.
    #[must_use]
    pub fn collection(&self, row: usize) -> i64 {
        self.wide(16 * self.rows + 8 * row)
    }

    fn wide(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.labels[at..at + 8].try_into().expect("eight bytes"))
    }

    /// The ids, eight little-endian bytes each.
    #[must_use]
    pub fn ids(&self) -> &[u8] {
        &self.labels[8 * self.rows..16 * self.rows]
    }

    /// The collections, eight little-endian bytes each.
    #[must_use]
    pub fn collections(&self) -> &[u8] {
        &self.labels[16 * self.rows..24 * self.rows]
    }

    /// The bits and factors of a row, for `verify`.
    #[must_use]
    pub fn code(&self, row: usize, padded: usize) -> (Vec<u8>, Factors) {
        let block = &self.blocks[row / BLOCK_ROWS * block_bytes(padded)..][..block_bytes(padded)];
        let (columns, place) = (padded / 8, row % BLOCK_ROWS);
        let factor = |kind: usize| {
            let at = columns * BLOCK_ROWS + kind * 4 * BLOCK_ROWS + 4 * place;
            f32::from_le_bytes(block[at..at + 4].try_into().expect("four bytes"))
        };
        let bits = (0..columns).map(|column| block[column * BLOCK_ROWS + place]).collect();
        (bits, Factors { scale: factor(0), offset: factor(1), spread: factor(2) })
    }
}
