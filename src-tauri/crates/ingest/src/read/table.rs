//! Delimited values: the separator is found out, quotes are honoured, rows stay rows.

use crate::writer::Writer;

/// Separators in the order of preference when two split the text equally well.
const SEPARATORS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// How many rows decide about the separator.
const SAMPLED: usize = 50;
/// Cells of one row that are kept.
const WIDEST: usize = 4096;

pub(crate) fn read(text: &str, writer: &mut Writer) {
    let rows = rows(text);
    let headed = is_headed(&rows);
    writer.table(&rows, headed);
}

/// The rows of a delimited text as RFC 4180 reads them, the separator found out from the text itself.
/// Rows may differ in length; nothing is padded.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    parse(text, separator(text), usize::MAX)
}

fn parse(text: &str, separator: u8, most: usize) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    reader
        .records()
        .take(most)
        .filter_map(Result::ok)
        .map(|record| record.iter().take(WIDEST).map(str::to_owned).collect())
        .collect()
}

/// The separator that gives the most rows of one common width above one cell.
fn separator(text: &str) -> u8 {
    let sample = &text[..crate::writer::floor_boundary(text, 64 << 10)];
    SEPARATORS
        .into_iter()
        .max_by_key(|&separator| {
            let widths: Vec<usize> = parse(sample, separator, SAMPLED).iter().map(Vec::len).collect();
            let common = most_common(&widths);
            let agreeing = widths.iter().filter(|&&width| width == common).count();
            let score = if common > 1 { agreeing * 100 / widths.len().max(1) } else { 0 };
            // Equal scores fall to the one named first.
            (score, std::cmp::Reverse(SEPARATORS.iter().position(|&s| s == separator)))
        })
        .unwrap_or(b',')
}

fn most_common(widths: &[usize]) -> usize {
    let count = |width: usize| widths.iter().filter(|&&w| w == width).count();
    widths.iter().copied().max_by_key(|&width| (count(width), width)).unwrap_or(0)
}

/// The first row names the columns when it holds words and no bare number.
pub(crate) fn is_headed(rows: &[Vec<String>]) -> bool {
    let Some(first) = rows.first() else { return false };
    let filled: Vec<&str> = first.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    rows.len() > 1 && !filled.is_empty() && filled.iter().all(|cell| cell.parse::<f64>().is_err())
}
