//! The smallest pieces that passages are packed from, each with the strength of the pause after it.

use std::ops::Range;

use crate::{Reading, Section, SectionKind, writer::floor_boundary};

/// How good a place for a cut is, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pause {
    /// In the middle of a sentence, because that alone is over the budget.
    None,
    /// The end of a line of code or of a clause.
    Line,
    /// The end of a sentence, a list item or a row.
    Sentence,
    /// The end of a paragraph.
    Paragraph,
    /// The end of a definition in source code, or of a section.
    Section,
}

/// A piece that is not cut further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The section it belongs to, by index.
    pub(crate) section: usize,
    /// Without white space at its ends, but for the indentation of code.
    pub(crate) range: Range<usize>,
    /// By the caller's counter, with the white space that follows.
    pub(crate) tokens: usize,
    /// After it.
    pub(crate) pause: Pause,
}

/// Appends the units of one section; none counts more than `room`.
pub(crate) fn of_section(
    reading: &Reading,
    index: usize,
    section: &Section,
    room: usize,
    count: &dyn Fn(&str) -> usize,
    units: &mut Vec<Unit>,
) {
    let text = &reading.text;
    let before = units.len();
    let pieces = match section.kind {
        SectionKind::Heading { .. } => vec![(section.range.clone(), Pause::None)],
        SectionKind::Prose => sentences(text, section.range.clone()),
        SectionKind::List | SectionKind::Table { .. } => {
            lines(text, section.range.clone(), |_, _| Pause::Sentence)
        }
        SectionKind::Code { .. } => lines(text, section.range.clone(), pause_in_code),
    };
    for (range, pause) in pieces {
        push(text, index, range, pause, room, count, units);
    }
    if let Some(last) = units[before..].last_mut()
        && !matches!(section.kind, SectionKind::Heading { .. })
    {
        last.pause = Pause::Section;
    }
}

/// Adds a piece, in parts where it is over the room: at clauses, then words, then characters.
fn push(
    text: &str,
    section: usize,
    range: Range<usize>,
    pause: Pause,
    room: usize,
    count: &dyn Fn(&str) -> usize,
    units: &mut Vec<Unit>,
) {
    let mut start = range.start;
    while start < range.end {
        let rest = &text[start..range.end];
        let tokens = count(rest);
        if tokens <= room {
            if !rest.trim().is_empty() {
                units.push(Unit { section, range: start..range.end, tokens, pause });
            }
            return;
        }
        let fitting = fitting_prefix(rest, room, count).len();
        let fitting =
            if fitting == 0 { rest.chars().next().map_or(rest.len(), char::len_utf8) } else { fitting };
        let (length, inner) = gentle_cut(rest, fitting);
        let piece = &rest[..length];
        let kept = piece.trim_end().len();
        if kept > 0 {
            units.push(Unit {
                section,
                range: start..start + kept,
                tokens: count(&piece[..kept]),
                pause: inner,
            });
        }
        start += length;
        start += text[start..range.end].len() - text[start..range.end].trim_start().len();
    }
}

/// The longest prefix, on a character boundary, that counts at most `room`. Counting is assumed to grow with
/// the prefix, which bisects.
pub(crate) fn fitting_prefix<'a>(text: &'a str, room: usize, count: &dyn Fn(&str) -> usize) -> &'a str {
    if count(text) <= room {
        return text;
    }
    // No counter gives less than one token per 64 bytes of text, so no more need be looked at.
    let (mut fits, mut over) = (0, floor_boundary(text, room.saturating_mul(64).max(64)));
    if over == text.len() || count(&text[..over]) > room {
        while over - fits > 1 {
            let middle = floor_boundary(text, fits + (over - fits) / 2);
            if middle <= fits {
                break;
            }
            if count(&text[..middle]) <= room { fits = middle } else { over = middle }
        }
        // The last step may stop within a wide character.
        if let Some(next) = text[fits..].chars().next() {
            let end = fits + next.len_utf8();
            if end < over && count(&text[..end]) <= room {
                fits = end;
            }
        }
        &text[..fits]
    } else {
        &text[..over]
    }
}

/// Moves a forced cut back to a clause or a space within its last half.
fn gentle_cut(text: &str, at: usize) -> (usize, Pause) {
    let half = floor_boundary(text, at / 2);
    let tail = &text[half..at];
    let clause = tail
        .char_indices()
        .rev()
        .find(|(_, c)| matches!(c, ';' | ',' | ':' | '、' | '，' | '；' | '：' | '،' | '\n'));
    if let Some((offset, c)) = clause {
        return (half + offset + c.len_utf8(), Pause::Line);
    }
    match tail.char_indices().rev().find(|(_, c)| c.is_whitespace()) {
        Some((offset, c)) => (half + offset + c.len_utf8(), Pause::None),
        None => (at, Pause::None),
    }
}

/// The lines of a range that hold anything, with the pause that `after` sees between a line and the next.
fn lines(text: &str, range: Range<usize>, after: impl Fn(&str, &str) -> Pause) -> Vec<(Range<usize>, Pause)> {
    let mut found: Vec<(Range<usize>, Pause)> = Vec::new();
    let mut start = range.start;
    for line in text[range.clone()].split('\n') {
        let end = start + line.trim_end().len();
        if end > start {
            found.push((start..end, Pause::Line));
        }
        start += line.len() + 1;
    }
    for index in 1..found.len() {
        let (this, next) = (found[index - 1].0.clone(), found[index].0.clone());
        found[index - 1].1 = after(&text[this.start..next.start], &text[next]);
    }
    found
}

/// A definition ends where an empty line is followed by a line at the margin.
fn pause_in_code(line_and_gap: &str, next: &str) -> Pause {
    let empty_lines = line_and_gap.matches('\n').count().saturating_sub(1);
    let at_margin = !next.starts_with([' ', '\t', '}', ')', ']']);
    match (empty_lines, at_margin) {
        (0, _) => Pause::Line,
        (_, false) => Pause::Sentence,
        (_, true) => Pause::Section,
    }
}

/// The sentences of a range.
///
/// A sentence ends at `.`, `!`, `?` or `…` before white space, where what follows does not go on in small
/// letters and what stands before is no initial or number of an item; at `。`, `！`, `？`, `｡` at once,
/// closing quotes included; and at an empty line.
pub(crate) fn sentences(text: &str, range: Range<usize>) -> Vec<(Range<usize>, Pause)> {
    let mut found = Vec::new();
    let mut start = range.start;
    let piece = &text[range.clone()];
    let mut characters = piece.char_indices().peekable();
    while let Some((offset, c)) = characters.next() {
        let after = range.start + offset + c.len_utf8();
        if after <= start {
            // Still in the gap between two paragraphs.
            continue;
        }
        if c == '\n' {
            if let Some(end) = paragraph_end(text, after, range.end) {
                add(text, start..after, Pause::Paragraph, &mut found);
                start = end;
            }
            continue;
        }
        let Some(kind) = ender(c) else { continue };
        let mut end = after;
        while let Some(&(_, next)) = characters.peek() {
            if !(ender(next).is_some() || is_closing(next)) {
                break;
            }
            end += next.len_utf8();
            characters.next();
        }
        let follows = &text[end..range.end];
        let ends = match kind {
            Ender::Full => true,
            Ender::Latin => {
                follows.starts_with(char::is_whitespace) && is_sentence_end(&text[start..end], follows)
            }
        };
        if ends {
            add(text, start..end, Pause::Sentence, &mut found);
            start = end;
        }
    }
    add(text, start..range.end, Pause::Paragraph, &mut found);
    found
}

#[derive(Clone, Copy)]
enum Ender {
    /// Ends a sentence wherever it stands.
    Full,
    /// Ends one before white space.
    Latin,
}

fn ender(c: char) -> Option<Ender> {
    match c {
        '。' | '！' | '？' | '｡' | '．' | '।' | '॥' | '։' | '።' => Some(Ender::Full),
        '.' | '!' | '?' | '…' | '؟' | '۔' | '‽' => Some(Ender::Latin),
        _ => None,
    }
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '」' | '』' | '）' | '】' | '》' | '›')
}

/// Not after an initial, a usual abbreviation or an item's number, and not before a small letter.
fn is_sentence_end(sentence: &str, follows: &str) -> bool {
    let next = follows.trim_start().chars().next();
    if next.is_some_and(char::is_lowercase) {
        return false;
    }
    let Some(word) = sentence.trim_end().strip_suffix('.').and_then(|s| s.split_whitespace().next_back())
    else {
        return true;
    };
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    let is_number = word.chars().all(|c| c.is_ascii_digit()) && sentence.trim().len() <= word.len() + 1;
    const SHORT: [&str; 18] = [
        "mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "cf", "fig", "no", "vol", "p",
        "pp", "bzw", "z.b",
    ];
    !(is_initial || is_number || SHORT.contains(&word.trim_start_matches('(').to_lowercase().as_str()))
}

/// Where the next paragraph begins, if the line end before `at` is followed by an empty line.
fn paragraph_end(text: &str, at: usize, end: usize) -> Option<usize> {
    let rest = &text[at..end];
    let blank = rest.len() - rest.trim_start().len();
    rest[..blank].contains('\n').then(|| at + blank)
}

fn add(text: &str, range: Range<usize>, pause: Pause, found: &mut Vec<(Range<usize>, Pause)>) {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = range.start + piece.trim_end().len();
    if start < end {
        found.push((start..end, pause));
    }
}
