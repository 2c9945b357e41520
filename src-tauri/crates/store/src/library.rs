//! The library: collections, documents, passages and their words. Vectors lie in the same file, in tables that the crate
//! `vector-table` writes; what is written here together with them takes the caller's transaction.
//!
//! An original lies in `files/documents` under its hash, once for equal bytes; what was read of it is one row of
//! `content`. A document is a name for a content in a collection, and has passages of its own: how a text is cut is the
//! collection's choice.
//!
//! Contents: `collections` · `documents` (rows, states, trash, originals) · `passages` (cutting, embedding) · `finding`
//! (words, scopes, hits) · `ingests` (runs that outlive the process) · `words`.

mod collections;
mod documents;
mod finding;
mod ingests;
mod passages;
mod words;

pub use collections::CollectionRow;
pub use documents::{Claim, Content, DocumentFile, DocumentRow, NewDocument, Outcome, PageLine, PageLines};
pub use finding::{FoundPassage, Scope, ScopeSize, export_columns};
pub use ingests::{IngestRun, NewRun};
pub use passages::{Missing, NewPassage, collections_of, embedded, still_missing};

/// Placeholders for `count` values: `?,?,?`.
fn marks(count: usize) -> String {
    vec!["?"; count].join(",")
}
