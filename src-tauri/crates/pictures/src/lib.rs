//! Picture files: what a model sent is judged by its content, checked under limits, and given its settings to keep.
//!
//! Pure and blocking: bytes in, bytes out; no network, no files, no clock. The received pixels are never encoded anew:
//! settings are spliced into the container, so that the file is what the model sent plus text.
//!
//! Contents: [`check`] kind, size and integrity · [`scale`] thumbnails and reference pictures · [`settings`] prompt and
//! parameters inside PNG and JPEG, ours and those of common local tools · [`names`] readable file names.
//!
//! How to add a tool whose settings are read: a function in `settings/foreign.rs` and a line in its list.

pub mod check;
mod container;
pub mod names;
pub mod scale;
pub mod settings;

pub use check::{Checked, Kind, Limits, check, sniff, whole};

/// Why bytes are not a picture that can be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first bytes are of no kind that is kept.
    #[error("these bytes are no PNG, JPEG or WebP picture")]
    NotAPicture,
    /// More pixels or bytes than allowed.
    #[error("the picture is too large: {what}")]
    TooLarge {
        /// What is too large, with the figure and the limit.
        what: String,
    },
    /// It starts as a picture and cannot be decoded to its end.
    #[error("the picture is damaged: {detail}")]
    Damaged {
        /// What the decoder said.
        detail: String,
    },
}
