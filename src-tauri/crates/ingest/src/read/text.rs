//! Plain text: paragraphs between empty lines, and the few kinds of headings that plain text has.

use crate::{SectionKind, writer::Writer};

/// A line longer than this is no heading.
const LONGEST_HEADING: usize = 80;

pub(crate) fn read(text: &str, writer: &mut Writer) {
    let text = writer.whole(text);
    let mut start = 0;
    let lines = line_ranges(&text);
    for (index, line) in lines.iter().enumerate() {
        let Some(level) = heading_level(&text, &lines, index) else { continue };
        writer.mark(SectionKind::Prose, start..line.start);
        writer.enter(level, text[line.clone()].trim());
        let end =
            if is_underline(&text, &lines, index + 1).is_some() { lines[index + 1].end } else { line.end };
        writer.mark(SectionKind::Heading { level }, line.start..end);
        start = end;
    }
    writer.mark(SectionKind::Prose, start..text.len());
}

/// The lines without their ends.
pub(crate) fn line_ranges(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        ranges.push(start..start + line.len());
        start += line.len() + 1;
    }
    ranges
}

/// A heading underlined with signs, or a numbered or `Chapter` line that stands alone.
fn heading_level(text: &str, lines: &[std::ops::Range<usize>], index: usize) -> Option<u8> {
    let line = text[lines[index].clone()].trim();
    if line.is_empty() || line.chars().count() > LONGEST_HEADING || !blank(text, lines, index.checked_sub(1))
    {
        return None;
    }
    if let Some(level) = is_underline(text, lines, index + 1) {
        return line.chars().any(char::is_alphanumeric).then_some(level);
    }
    let alone = blank(text, lines, Some(index + 1));
    (alone && starts_chapter(line)).then_some(1)
}

fn blank(text: &str, lines: &[std::ops::Range<usize>], index: Option<usize>) -> bool {
    index.and_then(|i| lines.get(i)).is_none_or(|line| text[line.clone()].trim().is_empty())
}

fn is_underline(text: &str, lines: &[std::ops::Range<usize>], index: usize) -> Option<u8> {
    let line = text[lines.get(index)?.clone()].trim();
    let level = match line.chars().next()? {
        '=' => 1,
        '-' => 2,
        '~' => 3,
        _ => return None,
    };
    let first = line.chars().next()?;
    (line.len() >= 3 && line.chars().all(|c| c == first)).then_some(level)
}

fn starts_chapter(line: &str) -> bool {
    let lower = line.to_lowercase();
    let named = ["chapter ", "kapitel ", "chapitre ", "capítulo ", "глава "]
        .iter()
        .any(|word| lower.starts_with(word));
    let numbered = line.starts_with('第')
        && line.chars().skip(1).take(6).any(|c| matches!(c, '章' | '回' | '节' | '節' | '卷' | '部'));
    named || numbered
}
