//! How much a document may ask for. All are adjustable; the defaults are those of the reliability promises.

use serde::{Deserialize, Serialize};

/// Bounds of one reading.
///
/// The first group holds inside the reader wherever it runs; the second is what the fence puts around the
/// reading process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Bytes of the file; refused by its size before a byte is read.
    pub file_bytes: u64,
    /// Bytes of text kept.
    pub text_bytes: usize,
    /// Bytes really inflated from one container, all entries together.
    pub inflated_bytes: u64,
    /// Entries of one container.
    pub entries: usize,
    /// Levels of nesting in XML, RTF and message parts.
    pub depth: usize,

    /// Memory that the reading process may take beyond what it has when it starts, bytes.
    pub memory_bytes: u64,
    /// Processor time of the reading process, seconds.
    pub cpu_seconds: u64,
    /// Wall time from start to answer, seconds.
    pub wall_seconds: u64,
    /// Bytes of its answer.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
            text_bytes: 16 << 20,
            inflated_bytes: 256 << 20,
            entries: 20_000,
            depth: 256,
            memory_bytes: 1 << 30,
            cpu_seconds: 20,
            wall_seconds: 30,
            answer_bytes: 20 << 20,
        }
    }
}
