//! Documents in, text with places out.
//!
//! Pure and blocking: no network, no database, no clock. [`probe`] says what a file is, [`read`] turns it into
//! a [`Reading`], [`cut`] turns that into passages for an embedding model, [`walk`] finds files in a folder.
//! Third-party parsers panic, overflow their stack and eat memory on odd files, so callers outside tests
//! read through [`fence`], which does the reading in a limited process of its own.
//!
//! | file | holds |
//! |---|---|
//! | `format` | what a file is |
//! | `encoding` | bytes to characters |
//! | `read/` | one file per family of formats |
//! | `writer` | where all readers write to |
//! | `cut`, `tokens` | passages |
//! | `pages` | single pages of a PDF, sent away and put back |
//! | `fence` | the reading process |
//! | `walk` | folders |
//!
//! **How to add a format**: a variant in [`Format`] with its label and signature or extension; a function
//! `read(bytes, …, &mut Writer)` in a file under `read/`; a line in `read::dispatch`; a row in
//! `docs/formats.md` with what the corpora showed.

mod cut;
mod encoding;
mod error;
pub mod fence;
mod format;
mod limits;
mod pages;
mod read;
mod reading;
mod tokens;
mod walk;
mod writer;

pub use cut::{Budget, Passage, cut};
pub use encoding::{Decoded, decode};
pub use error::{Death, Error, Measure};
pub use format::{Format, probe};
pub use limits::Limits;
pub use pages::pdf_pages;
pub use read::table::rows as csv_rows;
pub use read::{Source, read};
pub use reading::{Area, PlacedLine, Reading, Section, SectionKind, Warning};
pub use tokens::estimate_tokens;
pub use walk::{Found, Reason, WalkLimits, walk};
