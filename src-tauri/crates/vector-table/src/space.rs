//! An embedding space: what vectors must have in common to be compared at all.

use std::fmt;

/// The most dimensions of a space. With more, four bits would not be left for an entry of the scan's tables.
pub const MOST_DIMENSIONS: usize = 16_384;

/// How near two vectors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Cosine of the angle; lengths do not matter.
    Cosine,
    /// Dot product; longer vectors score higher.
    Dot,
    /// Euclidean distance; the score is its negative.
    Euclidean,
}

impl Metric {
    /// The word in the database and in exports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Cosine => "cosine",
            Metric::Dot => "dot-product",
            Metric::Euclidean => "euclidean",
        }
    }

    /// The metric of a word, as written by [`Metric::name`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Metric::Cosine, Metric::Dot, Metric::Euclidean].into_iter().find(|metric| metric.name() == name)
    }

    pub(crate) fn code(self) -> u32 {
        match self {
            Metric::Cosine => 1,
            Metric::Dot => 2,
            Metric::Euclidean => 3,
        }
    }
}

/// An embedding space. Fixed when its table is created; vectors of different spaces are never compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Space {
    /// The embedding model, as its provider names it.
    pub model: String,
    /// Numbers in a vector: 1 to [`MOST_DIMENSIONS`].
    pub dimensions: usize,
    /// How token vectors became one (`cls`, `mean`), where the model leaves a choice.
    pub pooling: Option<String>,
    /// How near two vectors are.
    pub metric: Metric,
}

impl fmt::Display for Space {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({} dimensions", self.model, self.dimensions)?;
        if let Some(pooling) = &self.pooling {
            write!(out, ", {pooling} pooling")?;
        }
        write!(out, ", {})", self.metric.name())
    }
}

/// A space's number in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpaceId(pub i64);
