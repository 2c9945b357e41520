//! What a reader gives back: the whole text once, and sections as ranges in it.
//!
//! Ranges are byte offsets into [`Reading::text`], on character boundaries, so that a passage cut from it can
//! be found again when a citation is shown.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Format;

/// A document as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// What the bytes were, whatever the name said.
    pub format: Format,
    /// The title that the document gives itself.
    pub title: Option<String>,
    /// The whole text: line ends are `\n`, control characters other than tab are gone.
    pub text: String,
    /// The pieces of the text in order; together they cover every character that is not white space.
    pub sections: Vec<Section>,
    /// Pages, or slides, where the format has them.
    pub pages: Option<u32>,
    /// Pages (from 1) on which no text was found.
    pub empty_pages: Vec<u32>,
    /// The encoding of a text file, as the WHATWG standard names it.
    pub encoding: Option<String>,
    /// The language the document claims, a BCP 47 tag.
    pub language: Option<String>,
    /// What was left out or guessed.
    pub warnings: Vec<Warning>,
    /// Where lines of the text stand on their pages, in the order of the text; of PDF only, and only lines of which that
    /// is certain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<PlacedLine>,
}

/// A line of a page, and where it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Numbers", into = "Numbers")]
pub struct PlacedLine {
    /// The page, from 1.
    pub page: u32,
    /// Its letters within [`Reading::text`].
    pub range: Range<usize>,
    /// Where it is drawn.
    pub area: Area,
}

/// A rectangle in the page's own coordinates as PDF has them, before the page is turned or cropped: from the lower left,
/// upwards, in tenths of its unit (a point).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Its left edge.
    pub left: i32,
    /// Its lower edge.
    pub bottom: i32,
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
}

/// A placed line as it travels: a book has tens of thousands.
type Numbers = (u32, usize, usize, i32, i32, i32, i32);

impl From<Numbers> for PlacedLine {
    fn from((page, start, end, left, bottom, width, height): Numbers) -> Self {
        Self { page, range: start..end, area: Area { left, bottom, width, height } }
    }
}

impl From<PlacedLine> for Numbers {
    fn from(PlacedLine { page, range, area }: PlacedLine) -> Self {
        (page, range.start, range.end, area.left, area.bottom, area.width, area.height)
    }
}

/// A piece of the document of one kind, under one heading, on one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Section {
    /// The headings above it, outermost first; a heading's own section ends with itself.
    pub heading_path: Vec<String>,
    /// Page or slide, from 1.
    pub page: Option<u32>,
    /// Where it stands in [`Reading::text`].
    pub range: Range<usize>,
    /// What it is.
    pub kind: SectionKind,
}

/// What a section holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum SectionKind {
    /// One heading.
    Heading {
        /// 1 is the outermost.
        level: u8,
    },
    /// Paragraphs, separated by an empty line.
    Prose,
    /// List items, one a line.
    List,
    /// Rows, one a line, cells separated by ` | `.
    Table {
        /// The header row within [`Reading::text`], where there is one.
        header: Option<Range<usize>>,
    },
    /// Source code or preformatted text, its lines kept as they are.
    Code {
        /// The language, in lower case, where it is known.
        language: Option<String>,
    },
}

/// Something the person may want to know about a reading that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "warning")]
pub enum Warning {
    /// Pages whose text could not be read because of damage, from 1.
    PagesFailed {
        /// Their numbers.
        pages: Vec<u32>,
    },
    /// A part inside a container is missing or damaged.
    PartFailed {
        /// Its name.
        part: String,
    },
    /// The text was longer than the limit and is cut there.
    TextCut {
        /// The limit in bytes.
        at: usize,
    },
    /// Files inside that were not read, such as the attachments of a message.
    AttachmentsSkipped {
        /// Their names.
        names: Vec<String>,
    },
    /// The encoding is a guess of the detector.
    EncodingGuessed {
        /// The name of the encoding.
        encoding: String,
    },
    /// The file name's extension says another format than the contents.
    ExtensionDiffers {
        /// The extension.
        extension: String,
    },
    /// Characters were replaced because they mean nothing in the encoding.
    CharactersReplaced {
        /// How many.
        count: usize,
    },
}

impl Reading {
    /// The text of one section.
    pub fn text_of(&self, section: &Section) -> &str {
        &self.text[section.range.clone()]
    }
}
