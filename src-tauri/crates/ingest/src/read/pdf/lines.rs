//! Lines put together from the placed pieces of a page, for scripts that the library's own text order shreds.
//!
//! On pages of Arabic, Hebrew, Chinese, Japanese and Korean the library's assembled text comes out in visual
//! order or with neighbouring columns run together, while its placed pieces are right. Measured on the
//! corpora: share of expected words 0.26, 0.43 and 0.85 by its text, 0.83, 0.86 and 0.99 by these lines.

use pdf_oxide::layout::TextSpan;

/// Pieces on one line differ in height by less than this share of their size.
const SAME_LINE: f32 = 0.6;
/// A gap wider than this many sizes is the space between columns.
const COLUMN_GAP: f32 = 3.0;
/// A gap wider than this share of the size is a space.
const WORD_GAP: f32 = 0.12;
/// Lines further apart than this many sizes are of different paragraphs.
const PARAGRAPH_GAP: f32 = 1.7;

/// Whether most letters of the page are of such a script.
pub(super) fn are_needed(spans: &[TextSpan]) -> bool {
    let letters = || spans.iter().flat_map(|span| span.text.chars()).filter(|c| c.is_alphabetic());
    let concerned = letters().filter(|&c| is_right_to_left(c) || crate::tokens::is_ideograph(c)).count();
    concerned > 0 && concerned * 10 >= letters().count() * 3
}

/// The pieces of one line, in the order in which they are read, and their text.
pub(super) struct Line {
    pub(super) pieces: Vec<TextSpan>,
    pub(super) text: String,
    /// The base line and size of what came first.
    y: f32,
    size: f32,
}

/// The text of the page; an empty line stands between paragraphs.
pub(super) fn assemble(lines: &[Line]) -> String {
    let mut out = String::new();
    let mut above: Option<(f32, usize)> = None;
    for Line { text, y, size, .. } in lines {
        let (y, size) = (*y, *size);
        let length = text.chars().count();
        if let Some((y_above, length_above)) = above {
            let far = (y - y_above).abs() > PARAGRAPH_GAP * size;
            out.push_str(if far { "\n\n" } else { join(&out, text, length_above, length) });
        }
        out.push_str(text);
        above = Some((y, length));
    }
    out
}

/// Ideographs go on without a space where the line was filled and the next begins in the middle of a sentence.
fn join(before: &str, next: &str, length_above: usize, length: usize) -> &'static str {
    let wide = |c: Option<char>| c.is_some_and(|c| crate::tokens::is_ideograph(c) && !is_hangul(c));
    let filled = length_above * 10 >= length * 8;
    if filled && wide(before.chars().next_back()) && wide(next.chars().next()) { "" } else { "\n" }
}

/// The lines of a page, as their pieces follow one another.
pub(super) fn of(spans: Vec<TextSpan>) -> Vec<Line> {
    let mut lines: Vec<Vec<TextSpan>> = Vec::new();
    for span in spans.into_iter().filter(|span| !span.text.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.last().is_some_and(|last| shares_line(last, &span)) => line.push(span),
            _ => lines.push(vec![span]),
        }
    }
    lines.into_iter().map(line).collect()
}

fn shares_line(last: &TextSpan, next: &TextSpan) -> bool {
    let size = last.font_size.max(next.font_size);
    let gap = next.bbox.x - (last.bbox.x + last.bbox.width);
    (last.bbox.y - next.bbox.y).abs() < SAME_LINE * size && gap < COLUMN_GAP * next.font_size
}

fn line(mut pieces: Vec<TextSpan>) -> Line {
    let (y, size) = (pieces[0].bbox.y, pieces[0].font_size);
    let letters = || pieces.iter().flat_map(|span| span.text.chars()).filter(|c| c.is_alphabetic());
    let from_right = letters().filter(|&c| is_right_to_left(c)).count() * 2 > letters().count();
    if from_right {
        pieces.sort_by(|a, b| b.bbox.x.total_cmp(&a.bbox.x));
    }
    let mut out = String::new();
    let mut placed: Option<(f32, f32)> = None;
    for span in &pieces {
        let (left, right) = (span.bbox.x, span.bbox.x + span.bbox.width);
        let gap = placed.map_or(0.0, |(l, r)| if left >= l { left - r } else { l - right });
        if gap > WORD_GAP * span.font_size && !out.ends_with(' ') && !span.text.starts_with(' ') {
            out.push(' ');
        }
        placed = Some((left, right));
        if from_right && is_backwards(&span.text) {
            out.extend(span.text.chars().rev());
        } else {
            out.push_str(&span.text);
        }
    }
    let text = out.trim().to_owned();
    Line { pieces, text, y, size }
}

/// Arabic stored in the order it is seen: the article, which begins a third of all words, then ends them.
fn is_backwards(text: &str) -> bool {
    let words = || text.split_whitespace();
    let (begins, ends) = ("\u{627}\u{644}", "\u{644}\u{627}");
    words().filter(|word| word.ends_with(ends)).count()
        > words().filter(|word| word.starts_with(begins)).count()
}

fn is_right_to_left(c: char) -> bool {
    matches!(u32::from(c), 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff)
}

fn is_hangul(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7af)
}
