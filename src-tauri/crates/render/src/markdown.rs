//! Reading Markdown: one pass of pulldown-cmark, cut into top-level blocks that remember where they stood.
//!
//! Also the one thing that the parser does not know: the `\( … \)` and `\[ … \]` in which most models write maths.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::maths;

/// A parsed event and its place in the source.
pub type Placed<'a> = (Event<'a>, Range<usize>);

/// One top-level block of a text.
#[derive(Debug)]
pub struct Piece<'a> {
    /// Bytes of the source, from the start of the block's first line.
    pub range: Range<usize>,
    /// The events of this block, balanced. Ranges are relative to the source.
    pub events: Vec<Placed<'a>>,
    /// The block's text as the parser should have seen it, where that differs from what stands there: see [`adapt`].
    pub adapted: Option<String>,
}

/// A definition that other parts of the text refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What it defines: `[label]` or `[^label]`, without regard to case. The first definition of a label counts.
    pub label: String,
    /// Where it starts in the source, in bytes.
    pub at: usize,
    /// Markdown that defines the same again: put before a part of the text, it makes the part's references work.
    pub markdown: String,
}

/// A parsed text.
#[derive(Debug)]
pub struct Document<'a> {
    /// Its top-level blocks in order.
    pub pieces: Vec<Piece<'a>>,
    /// Its link and footnote definitions, in the order in which they must be repeated.
    pub definitions: Vec<Definition>,
}

/// The Markdown that Edgewise reads: CommonMark, tables, task lists, strikethrough, footnotes and `$` maths.
#[must_use]
pub fn extensions() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH
}

/// Parses `source`, of which the first bytes are `prefix` (definitions from elsewhere, see [`preamble`]): blocks of
/// the prefix are left out, places count from the start of `source` all the same.
#[must_use]
pub fn parse<'a>(source: &'a str, prefix: &str) -> Document<'a> {
    let events = Parser::new_ext(source, extensions()).into_offset_iter();
    let mut definitions: Vec<Definition> = events
        .reference_definitions()
        .iter()
        .filter(|(_, link)| link.span.start >= prefix.len())
        .map(|(label, link)| Definition {
            label: format!("[{}]", label.to_lowercase()),
            at: link.span.start,
            markdown: format!("{}\n\n", source[link.span.clone()].trim_end()),
        })
        .collect();
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    let mut depth = 0_usize;
    for (event, range) in events {
        if let Event::Start(Tag::FootnoteDefinition(label)) = &event
            && range.start >= prefix.len()
        {
            definitions.push(Definition {
                label: format!("[^{}]", label.to_lowercase()),
                at: range.start,
                markdown: format!("[^{label}]: \u{2026}\n\n"),
            });
        }
        if depth == 0 {
            let start = line_start(source, range.start);
            pieces.push(Piece { range: start..range.end, events: Vec::with_capacity(16), adapted: None });
        }
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        if let Some(piece) = pieces.last_mut() {
            piece.events.push((event, range));
        }
    }
    pieces.retain(|piece| piece.range.start >= prefix.len());
    for piece in &mut pieces {
        piece.adapted = adapt(source, piece);
    }
    definitions.sort_by_key(|definition| definition.at);
    Document { pieces, definitions }
}

/// The text that makes earlier definitions known to a part of the text that is parsed alone: the definitions, and a
/// line across so that what follows continues none of them.
#[must_use]
pub fn preamble<'a>(definitions: impl Iterator<Item = &'a Definition>) -> String {
    let mut text: String = definitions.map(|definition| definition.markdown.as_str()).collect();
    if !text.is_empty() {
        text.push_str("***\n\n");
    }
    text
}

/// Start of the line that holds byte `at`.
pub(crate) fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Marks a place in a rewritten text, for the parser only: a code point that Unicode never assigns. The writer leaves
/// it out.
pub(crate) const JOINT: char = '\u{fdd0}';

/// The block's text as the parser should have seen it, where that is not what stands there; `None` when it is.
///
/// Two habits of models are put right: maths in `\( x \)` and `\[ x \]`, and bold text in Chinese or Japanese that
/// CommonMark does not close (`**重点：**文字`: it wants a space after the punctuation).
fn adapt(source: &str, piece: &Piece<'_>) -> Option<String> {
    let mut changes = formulas(source, piece);
    changes.extend(joints(source, piece));
    if changes.is_empty() {
        return None;
    }
    changes.sort_by_key(|(range, _)| range.start);
    let mut text = String::with_capacity(piece.range.len() + changes.len() * JOINT.len_utf8());
    let mut kept = piece.range.start;
    for (range, new) in changes.iter().filter(|(range, _)| range.start >= piece.range.start) {
        if range.start < kept {
            continue; // inside a formula
        }
        text.push_str(&source[kept..range.start]);
        text.push_str(new);
        kept = range.end;
    }
    text.push_str(&source[kept..piece.range.end]);
    Some(text)
}

/// Replacements that turn `\( x \)` into `$x$` and `\[ x \]` into `$$x$$`, outside code.
fn formulas(source: &str, piece: &Piece<'_>) -> Vec<(Range<usize>, String)> {
    let text = &source[piece.range.clone()];
    let mut changes = Vec::new();
    if !text.contains("\\(") && !text.contains("\\[") {
        return changes;
    }
    let code = code_places(piece);
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        let open = at + found;
        // An escaped character is never an opening: step over both.
        at = open + 1 + text[open + 1..].chars().next().map_or(0, char::len_utf8);
        let Some((inner, end, mark)) = formula(text, open) else { continue };
        let place = piece.range.start + open..piece.range.start + end;
        if !code.iter().any(|code| code.start < place.end && place.start < code.end) {
            changes.push((place, format!("{mark}{inner}{mark}")));
            at = end;
        }
    }
    changes
}

/// Insertions at runs of `**` that the parser left as text between a full-width mark and a letter: with a joint between
/// the mark and the asterisks, they count as standing at a letter.
fn joints(source: &str, piece: &Piece<'_>) -> Vec<(Range<usize>, String)> {
    let is_mark = |c: char| !c.is_ascii() && !c.is_alphanumeric() && !c.is_whitespace();
    let mut changes = Vec::new();
    if source[piece.range.clone()].is_ascii() {
        return changes;
    }
    for (event, range) in &piece.events {
        if !matches!(event, Event::Text(_)) || !source[range.start..].starts_with("**") {
            continue;
        }
        let end =
            range.start + source[range.start..].len() - source[range.start..].trim_start_matches('*').len();
        let (before, after) = (source[..range.start].chars().next_back(), source[end..].chars().next());
        let (Some(before), Some(after)) = (before, after) else { continue };
        if is_mark(before) && after.is_alphanumeric() {
            changes.push((range.start..range.start, JOINT.to_string()));
        } else if before.is_alphanumeric() && is_mark(after) {
            changes.push((end..end, JOINT.to_string()));
        }
    }
    changes
}

/// The formula that opens with the backslash at `open`: its inside, the byte after it, and its dollar mark.
fn formula(text: &str, open: usize) -> Option<(&str, usize, &'static str)> {
    let (close, mark) = match text.as_bytes().get(open + 1)? {
        b'(' => ("\\)", "$"),
        b'[' => ("\\]", "$$"),
        _ => return None,
    };
    let rest = &text[open + 2..];
    let length = rest.find(close)?;
    let inner = rest[..length].trim_matches(' ');
    let is_formula = length <= maths::MAX_SOURCE
        && inner.contains(char::is_alphanumeric)
        && !inner.contains('$')
        && !has_blank_line(inner);
    is_formula.then_some((inner, open + 2 + length + 2, mark))
}

fn has_blank_line(text: &str) -> bool {
    text.contains("\n\n") || text.contains("\n\r\n")
}

/// Places whose backslashes are literal: code spans, code blocks, raw HTML, dollar maths.
fn code_places(piece: &Piece<'_>) -> Vec<Range<usize>> {
    piece
        .events
        .iter()
        .filter(|(event, _)| {
            matches!(
                event,
                Event::Code(_)
                    | Event::InlineMath(_)
                    | Event::DisplayMath(_)
                    | Event::Html(_)
                    | Event::InlineHtml(_)
                    | Event::Start(Tag::CodeBlock(_))
            )
        })
        .map(|(_, range)| range.clone())
        .collect()
}
