//! Rows that searches found deleted, so that the next ones need not look.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use crate::kernels::BLOCK_ROWS;

/// The marks of one segment: a bit for each row of its lists.
#[derive(Debug)]
pub struct Gone {
    bits: OnceLock<Vec<AtomicU32>>,
    /// The first block of each list, and the number of all.
    starts: Vec<usize>,
    /// The oldest version of the table that may use the marks.
    since: AtomicI64,
}

impl Gone {
    /// Nothing yet, in lists of so many rows.
    #[must_use]
    pub fn new(rows: impl Iterator<Item = usize>) -> Self {
        let mut starts = vec![0];
        for rows in rows {
            starts.push(starts[starts.len() - 1] + rows.div_ceil(BLOCK_ROWS));
        }
        Self { bits: OnceLock::new(), starts, since: AtomicI64::new(i64::MIN) }
    }

    /// The first block of each list, and the number of all.
    #[must_use]
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Remembers that the row was deleted, as seen at `version`.
    pub fn mark(&self, list: usize, row: usize, version: i64) {
        let blocks = self.starts[self.starts.len() - 1];
        let bits = self.bits.get_or_init(|| (0..blocks).map(|_| AtomicU32::new(0)).collect());
        // First the version: a reader of an older one that sees the bit must see this too.
        self.since.fetch_max(version, Ordering::SeqCst);
        bits[self.starts[list] + row / BLOCK_ROWS].fetch_or(1 << (row % BLOCK_ROWS), Ordering::SeqCst);
    }

    /// Bits of the rows of a block that are known to be deleted at `version`.
    #[must_use]
    pub fn of(&self, list: usize, block: usize, version: i64) -> u32 {
        let Some(bits) = self.bits.get() else { return 0 };
        let marks = bits[self.starts[list] + block].load(Ordering::SeqCst);
        if marks != 0 && version >= self.since.load(Ordering::SeqCst) { marks } else { 0 }
    }

    /// Whether any row was marked.
    #[must_use]
    pub fn any(&self) -> bool {
        self.bits.get().is_some()
    }
}
