//! What can go wrong while a document is read, named after the event.
//!
//! Every variant is an ordinary outcome of one file: nothing here is a reason to stop the files beside it.
//! The variants cross the pipe from the reading process, so they hold plain data only.

use serde::{Deserialize, Serialize};

use crate::Format;

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "event")]
pub enum Error {
    /// The file holds no bytes.
    #[error("the file is empty")]
    Empty,
    /// The bytes are no format that Edgewise knows.
    #[error("the format of the file is unknown")]
    FormatUnknown,
    /// The bytes are a known format that holds no text to read here: a picture, a recording, a program.
    #[error("a {} holds no text that can be read here", format.label())]
    NotReadable {
        /// What the bytes are.
        format: Format,
    },
    /// The format was recognised and the contents are damaged.
    #[error("the {} is damaged: {reason}", format.label())]
    Damaged {
        /// What the bytes claim to be.
        format: Format,
        /// What the reader stumbled over, at most 300 characters.
        reason: String,
    },
    /// The document asks for a password, or the one given is wrong.
    #[error("{}", if *wrong_password { "the password is wrong" } else { "the document is protected by a password" })]
    Encrypted {
        /// A password was given and did not open the document.
        wrong_password: bool,
    },
    /// The document was read to its end and holds no text, as a scan does.
    #[error("no text was found{}", pages.map(|pages| format!(" on {pages} pages, perhaps a scan")).unwrap_or_default())]
    NoText {
        /// Pages of the document, where the format has pages.
        pages: Option<u32>,
    },
    /// A limit was passed; reading stopped there.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// Which limit.
        what: Measure,
        /// Its value, in the unit of the measure.
        limit: u64,
    },
    /// The text cannot be decoded: more than one character in a hundred has no meaning in any likely encoding.
    #[error("the encoding of the text is unknown (best guess {guess})")]
    EncodingUnknown {
        /// The least bad guess.
        guess: String,
    },
    /// The XML inside declares a document type, which no office format needs and attacks do.
    #[error("the document carries a document type declaration, which is refused")]
    DeclarationRefused,
    /// The reading process ended without an answer.
    #[error("the reader stopped: {how}")]
    ReaderDied {
        /// How it ended.
        how: Death,
    },
    /// The reading process passed its wall-clock limit and was stopped.
    #[error("reading took longer than {seconds} s")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// The person stopped it.
    #[error("reading was stopped")]
    Stopped,
    /// The file itself could not be opened or read.
    #[error("the file cannot be read: {reason}")]
    Unreadable {
        /// What the operating system said.
        reason: String,
    },
}

/// How a reading process ended when it gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "death")]
pub enum Death {
    /// A library panicked; the place is a source position, never text of the document.
    #[error("internal error at {place}")]
    Panicked {
        /// File and line of the panic.
        place: String,
    },
    /// The document nests deeper than the stack of the process.
    #[error("the document is nested too deeply")]
    StackOverflow,
    /// The memory limit was reached.
    #[error("the document needs too much memory")]
    OutOfMemory,
    /// The processor time was used up.
    #[error("the document needs too much time")]
    CpuTime,
    /// Ended by a signal.
    #[error("signal {number}")]
    Signal {
        /// The signal's number.
        number: i32,
    },
    /// Ended with a status and no answer, or with one that cannot be understood.
    #[error("it ended without an answer (status {status:?})")]
    NoAnswer {
        /// The exit status, where there was one.
        status: Option<i32>,
    },
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// Bytes of the file.
    FileBytes,
    /// Bytes of text found.
    TextBytes,
    /// Bytes really inflated from a compressed container.
    InflatedBytes,
    /// Entries of a compressed container.
    Entries,
    /// Levels of nesting.
    Depth,
    /// Bytes of the answer of the reading process.
    AnswerBytes,
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FileBytes => "the size of the file in bytes",
            Self::TextBytes => "the text in bytes",
            Self::InflatedBytes => "the unpacked size in bytes",
            Self::Entries => "the number of packed files",
            Self::Depth => "the depth of nesting",
            Self::AnswerBytes => "the answer in bytes",
        })
    }
}

impl Error {
    /// A damaged document, with the reason shortened so that no large piece of a file travels in an error.
    pub(crate) fn damaged(format: Format, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { format, reason: reason.to_string().chars().take(300).collect() }
    }
}
