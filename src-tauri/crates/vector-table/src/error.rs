//! What can go wrong, by event.

use crate::space::Space;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. A damaged or missing code file is not among these: it is rebuilt from the rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A vector has another length than the table.
    #[error("a vector of {found} dimensions does not belong to a table of {expected} ({model})")]
    WrongDimensions {
        /// The model of the table.
        model: String,
        /// Dimensions of the table.
        expected: usize,
        /// Dimensions of the vector.
        found: usize,
    },
    /// A vector holds NaN or an infinity.
    #[error("the vector of row {id:?} holds a value that is not a finite number, at place {place}")]
    NotFinite {
        /// The row, or none for a query.
        id: Option<i64>,
        /// The first such place.
        place: usize,
    },
    /// A vector is all zeros, so that it has no direction.
    #[error("the vector of row {id:?} is all zeros")]
    ZeroVector {
        /// The row, or none for a query.
        id: Option<i64>,
    },
    /// A space cannot be created as asked.
    #[error("a table cannot have {dimensions} dimensions: it takes 1 to {most}")]
    UnsupportedDimensions {
        /// As asked.
        dimensions: usize,
        /// The most that is taken.
        most: usize,
    },
    /// No such space in this database.
    #[error("there is no vector space {0} in this database")]
    NoSuchSpace(i64),
    /// Vectors of one space were offered to another.
    #[error("vectors of {offered} cannot go into the table of {table}")]
    SpacesMixed {
        /// The space of the table.
        table: Box<Space>,
        /// The space of the vectors.
        offered: Box<Space>,
    },
    /// Four thousand million upserts were made in one space: the sequence numbers are spent.
    #[error("the table has used up its row numbers; copy its rows to a new one")]
    SequenceSpent,
    /// A row in the database is not what this crate wrote.
    #[error("row {id} in the database is damaged: {what}")]
    DamagedRow {
        /// The row.
        id: i64,
        /// What is wrong with it.
        what: String,
    },
    /// The search was cancelled.
    #[error("the search was cancelled")]
    Cancelled,
    /// The database said no.
    #[error("the database: {0}")]
    Database(#[from] rusqlite::Error),
    /// Writing an export failed.
    #[error("writing the export: {0}")]
    Export(#[from] std::io::Error),
    /// A code file could not be written. Searching goes on without it.
    #[error("writing a code file: {0}")]
    CodeFile(#[source] std::io::Error),
}

impl Error {
    pub(crate) fn code_file(source: std::io::Error) -> Self {
        Error::CodeFile(source)
    }
}
