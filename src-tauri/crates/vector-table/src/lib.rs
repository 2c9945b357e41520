//! A table of vectors on disk: exact where it must be, two orders faster than reading all of them, nothing to lose.
//!
//! The rows (id, collection, float32 vector) are in the caller's SQLite file, written in the caller's transaction, and
//! are the only truth. Beside the database lie *code files* with one bit for each dimension, which a search scans
//! to find the few hundred rows that it then reads and scores exactly. They are made from the rows in the
//! background and can be deleted at any time. `docs/vector-table.md` describes both.
//!
//! The table knows vectors, ids, collections and filters; it knows no documents, does no network and never awaits.
//!
//! | file | what |
//! |---|---|
//! | `table` | [`VectorTable`]: what others call |
//! | `space`, `filter`, `cancel`, `error` | the words of its interface |
//! | `rows` | the truth, and all SQL |
//! | `search` | one search |
//! | `rotation`, `code`, `coder` | from rows to codes |
//! | `list`, `header`, `draft`, `segment`, `catalogue` | codes in memory and on disk, and which of them fit |
//! | `rows_by_id`, `gone` | what searches learn of a segment |
//! | `inverted`, `guide` | lists around centres, for large tables |
//! | `upkeep`, `core` | keeping the codes up in the background |
//! | `stats`, `export` | looking at a table from outside |
//! | `kernels` | the inner loops, for each instruction set |

mod cancel;
mod catalogue;
mod code;
mod coder;
mod core;
mod draft;
mod error;
mod export;
mod filter;
mod gone;
mod guide;
mod header;
mod inverted;
pub mod kernels;
mod list;
#[cfg(feature = "parquet")]
mod parquet;
mod rotation;
mod rows;
mod rows_by_id;
mod search;
mod segment;
mod space;
mod stats;
mod table;
mod upkeep;

pub use cancel::Cancel;
pub use error::{Error, Result};
pub use export::{Columns, Format};
pub use filter::Filter;
pub use rows::{Row, StoredRow};
pub use search::{Hit, Recall};
pub use space::{MOST_DIMENSIONS, Metric, Space, SpaceId};
pub use stats::{Problem, Report, SegmentStats, Stats};
pub use table::{Options, VectorTable};

// How to add a metric: a variant of `Metric` with its name and code; its rank and score in `search::Question`; the
// factors of its codes in `code::encode` and its constant in `code::Prepared::affine`; the CHECK in `rows::SCHEMA`
// and a migration of the caller; the tests in `tests/` take it from their list of metrics.
