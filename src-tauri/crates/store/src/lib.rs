//! Everything that is the person's own, on their disk: one SQLite file and one folder beside it.
//!
//! ```text
//! DIR/edgewise.sqlite     the database (WAL); edgewise.lock is held while it is open
//! DIR/files/attachments/  attachments, named by their hash
//! DIR/files/documents/    originals of the library's documents, named by their hash
//! DIR/files/pictures/     pictures, under readable names
//! DIR/cache/thumbnails/   can be deleted at any time
//! DIR/copies/             copies of the database: before each migration and daily, seven in all
//! DIR/damaged-…/          what was set aside by `start_fresh` or `restore_copy`; never deleted by us
//! ```
//!
//! This is the only crate that says SQL of our schema. It is blocking and knows no clock and no randomness: ids and times
//! come in. No secret ever comes here, so that no copy, backup or export can hold one.
//!
//! Contents: `store` (open, transactions, copies) · `examine` (what state a file is in) · `conversations` · `messages` (the
//! tree) · `turns` (begin, journal, end, recover) · `search` · `attachments` · `ledger` · `settings` · `accounts` · `drafts` ·
//! `pictures` · `library` · `backup` · `export` · `import`.
//!
//! # How to add ...
//!
//! - **a table**: a new dated file in `src/migrations` (STRICT tables, times in milliseconds, an index for each query and
//!   each foreign key), appended to `FILES` in `migrations.rs`. Files that are there are never edited.
//! - **a module** over it: `src/NOUN.rs` with an `impl Store` block; changes go through `self.change(|tx| …)`, one
//!   transaction for one meaning, queries through `self.look(|tx| …)`. Name it here.
//! - **a kind of file**: a folder under `files/`; write with `files::write_bytes` (whole or not at all), row after file.

mod accounts;
mod assistants;
mod attachments;
mod backup;
mod conversations;
mod copies;
mod drafts;
mod error;
mod examine;
mod export;
mod files;
mod import;
mod ledger;
pub mod library;
mod messages;
mod migrations;
mod pictures;
mod search;
mod settings;
mod store;
mod turns;
mod words;

pub use attachments::NewAttachment;
pub use backup::Restored;
pub use conversations::NewConversation;
pub use copies::COPIES_KEPT;
pub use error::{Error, Result};
pub use export::ExportFormat;
pub use import::Imported;
pub use messages::StoredMessage;
pub use migrations::KNOWN_VERSION;
pub use pictures::{PictureArrival, PictureEnded, PictureEnding, PictureFile, Recovered};
pub use rusqlite;
pub use store::{DATABASE, OpenError, Store};
pub use turns::{Ending, NewMessage, Place, Turn, Where};
