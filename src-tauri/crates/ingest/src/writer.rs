//! Collects the text of a document and the sections in it while a reader walks.
//!
//! Every reader writes through this one place, so that all of them give the same shape: blocks separated by
//! an empty line, one section per run of paragraphs under the same heading on the same page, line ends and
//! control characters cleaned, and one limit on the length.

use std::ops::Range;

use crate::{Error, Format, Limits, PlacedLine, Reading, Section, SectionKind, Warning};

/// How many characters of a heading are kept in a path; some documents style whole paragraphs as headings.
const LONGEST_HEADING: usize = 160;

/// The growing text.
pub(crate) struct Writer {
    text: String,
    sections: Vec<Section>,
    headings: Vec<(u8, String)>,
    page: Option<u32>,
    limit: usize,
    full: bool,
    pub(crate) title: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) pages: Option<u32>,
    pub(crate) empty_pages: Vec<u32>,
    pub(crate) encoding: Option<String>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) lines: Vec<PlacedLine>,
}

impl Writer {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            text: String::new(),
            sections: Vec::new(),
            headings: Vec::new(),
            page: None,
            limit: limits.text_bytes,
            full: false,
            title: None,
            language: None,
            pages: None,
            empty_pages: Vec::new(),
            encoding: None,
            warnings: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Whether the limit was reached; a reader may stop walking then.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Bytes of text so far.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The text from a place that [`Writer::len`] gave.
    pub(crate) fn since(&self, start: usize) -> &str {
        &self.text[start..]
    }

    /// What follows stands on this page.
    pub(crate) fn set_page(&mut self, page: u32) {
        self.page = Some(page);
    }

    /// The title, unless it is blank or one is known already.
    pub(crate) fn propose_title(&mut self, title: &str) {
        let title = one_line(title);
        if self.title.is_none() && !title.is_empty() {
            self.title = Some(title.chars().take(300).collect());
        }
    }

    /// A heading; it closes those of its level and below.
    pub(crate) fn heading(&mut self, level: u8, text: &str) {
        let line = one_line(text);
        if line.is_empty() {
            return;
        }
        self.enter(level, &line);
        self.block(SectionKind::Heading { level }, &line);
    }

    /// Sets the heading path without writing the heading, for text that already holds it.
    pub(crate) fn enter(&mut self, level: u8, line: &str) {
        self.headings.retain(|(above, _)| *above < level);
        self.headings.push((level, line.chars().take(LONGEST_HEADING).collect()));
    }

    /// Leaves every heading of this level and below.
    pub(crate) fn leave(&mut self, level: u8) {
        self.headings.retain(|(above, _)| *above < level);
    }

    /// One paragraph; blank ones are dropped.
    pub(crate) fn paragraph(&mut self, text: &str) {
        self.block(SectionKind::Prose, text);
    }

    /// One block of any kind but a table.
    pub(crate) fn block(&mut self, kind: SectionKind, text: &str) {
        let clean = match kind {
            SectionKind::Code { .. } | SectionKind::List => {
                clean(text).trim_matches('\n').trim_end().to_owned()
            }
            _ => clean(text).trim().to_owned(),
        };
        if let Some(range) = self.append(&kind, &clean) {
            self.add(kind, range);
        }
    }

    /// Rows of cells. Blank rows are dropped; the first row is the header where `headed`.
    pub(crate) fn table(&mut self, rows: &[Vec<String>], headed: bool) {
        let mut lines = String::new();
        let mut header = None;
        for row in rows {
            let line = row_line(row);
            if line.is_empty() {
                continue;
            }
            if headed && header.is_none() && lines.is_empty() {
                header = Some(0..line.len());
            }
            lines.push_str(&line);
            lines.push('\n');
        }
        let lines = lines.trim_end_matches('\n');
        let kind = SectionKind::Table { header: None };
        if let Some(range) = self.append(&kind, lines) {
            let header = header
                .map(|h: Range<usize>| range.start + h.start..range.start + h.end)
                .filter(|h| h.end <= range.end);
            self.add(SectionKind::Table { header }, range);
        }
    }

    fn append(&mut self, kind: &SectionKind, text: &str) -> Option<Range<usize>> {
        if text.trim().is_empty() || self.full {
            return None;
        }
        if !self.text.is_empty() {
            self.text.push_str(self.separator(kind));
        }
        let start = self.text.len();
        let room = self.limit.saturating_sub(start);
        if text.len() > room {
            self.full = true;
            self.warnings.push(Warning::TextCut { at: self.limit });
        }
        self.text.push_str(&text[..floor_boundary(text, room)]);
        (self.text.len() > start).then_some(start..self.text.len())
    }

    /// List items of one list stand on neighbouring lines, everything else is set off by an empty line.
    fn separator(&self, kind: &SectionKind) -> &'static str {
        match (self.sections.last().map(|last| &last.kind), kind) {
            (Some(SectionKind::List), SectionKind::List) => "\n",
            _ => "\n\n",
        }
    }

    fn add(&mut self, kind: SectionKind, range: Range<usize>) {
        let page = self.page;
        let joins = matches!(kind, SectionKind::Prose | SectionKind::List);
        if let Some(last) = self.sections.last_mut()
            && joins
            && last.kind == kind
            && last.page == page
            && path_equals(&last.heading_path, &self.headings)
        {
            last.range.end = range.end;
            return;
        }
        let heading_path = self.headings.iter().map(|(_, text)| text.clone()).collect();
        self.sections.push(Section { heading_path, page, range, kind });
    }

    /// Takes a whole text at once, whose sections the reader then adds with [`Writer::mark`].
    /// Gives back the cleaned text as it stands.
    pub(crate) fn whole(&mut self, text: &str) -> String {
        let mut clean = clean(text);
        if clean.len() > self.limit {
            clean.truncate(floor_boundary(&clean, self.limit));
            self.full = true;
            self.warnings.push(Warning::TextCut { at: self.limit });
        }
        self.text = clean.clone();
        clean
    }

    /// Marks a range of a [`Writer::whole`] text as a section; white space around it is left out.
    pub(crate) fn mark(&mut self, kind: SectionKind, range: Range<usize>) {
        let range = trimmed(&self.text, range, matches!(kind, SectionKind::Code { .. }));
        if !range.is_empty() {
            self.add(kind, range);
        }
    }

    /// The reading; a document without a visible character is [`Error::NoText`].
    pub(crate) fn finish(self, format: Format) -> Result<Reading, Error> {
        if self.sections.is_empty() {
            return Err(Error::NoText { pages: self.pages });
        }
        Ok(Reading {
            format,
            title: self.title,
            text: self.text,
            sections: self.sections,
            pages: self.pages,
            empty_pages: self.empty_pages,
            encoding: self.encoding,
            language: self.language,
            warnings: self.warnings,
            lines: self.lines,
        })
    }
}

fn path_equals(path: &[String], headings: &[(u8, String)]) -> bool {
    path.len() == headings.len() && path.iter().zip(headings).all(|(a, (_, b))| a == b)
}

/// A row as one line; empty when no cell holds anything.
pub(crate) fn row_line(row: &[String]) -> String {
    if row.iter().all(|cell| cell.trim().is_empty()) {
        return String::new();
    }
    let cells: Vec<String> = row.iter().map(|cell| one_line(cell)).collect();
    cells.join(" | ").trim_end_matches(['|', ' ']).to_owned()
}

/// The text with every run of white space as one space.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Line ends as `\n`; control characters other than tab and line end, the byte order mark and non-characters
/// dropped; soft hyphens dropped, because they would split words for the search.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                if characters.peek() == Some(&'\n') {
                    characters.next();
                }
                out.push('\n');
            }
            '\n' | '\t' => out.push(c),
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\u{feff}' | '\u{ad}' | '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The greatest character boundary not above `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// The range without white space at its ends; the indentation of a first line of code is kept.
fn trimmed(text: &str, range: Range<usize>, keep_indentation: bool) -> Range<usize> {
    let end = range.end.min(text.len());
    let start = range.start.min(end);
    let piece = &text[start..end];
    let kept_end = start + piece.trim_end().len();
    let lead = if keep_indentation {
        let blank = piece.len() - piece.trim_start().len();
        piece[..blank].rfind('\n').map_or(0, |line| line + 1)
    } else {
        piece.len() - piece.trim_start().len()
    };
    start + lead..kept_end.max(start + lead)
}
