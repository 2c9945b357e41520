//! JSON is read as it stands; only a document without line ends is laid out first, so that it can be cut.

use crate::{SectionKind, writer::Writer};

/// A line longer than this cannot be cut along its structure.
const LONGEST_LINE: usize = 2_000;

pub(crate) fn read(text: &str, writer: &mut Writer) {
    if let Some(cells) = notebook(text) {
        for (kind, source) in cells {
            writer.block(kind, &source);
        }
        return;
    }
    let laid_out = if text.lines().any(|line| line.len() > LONGEST_LINE) { pretty(text) } else { None };
    write(laid_out.as_deref().unwrap_or(text), writer);
}

/// One value a line; long values are laid out.
pub(crate) fn read_lines(text: &str, writer: &mut Writer) {
    write(text, writer);
}

fn write(text: &str, writer: &mut Writer) {
    let text = writer.whole(text);
    writer.mark(SectionKind::Code { language: Some("json".to_owned()) }, 0..text.len());
}

/// Deeper than the parser's limit of 128 levels, or not JSON at all: the text stays as it is.
fn pretty(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// The cells of a Jupyter notebook: prose and code without the outputs, which may hold pictures.
fn notebook(text: &str) -> Option<Vec<(SectionKind, String)>> {
    if !text.contains("\"nbformat\"") {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let cells = value.get("cells")?.as_array()?;
    let language =
        value.pointer("/metadata/kernelspec/language").and_then(|l| l.as_str()).unwrap_or("python");
    let read = cells.iter().map(|cell| {
        let kind = match cell.get("cell_type").and_then(|kind| kind.as_str()) {
            Some("code") => SectionKind::Code { language: Some(language.to_lowercase()) },
            _ => SectionKind::Prose,
        };
        (kind, source_of(cell))
    });
    Some(read.collect())
}

fn source_of(cell: &serde_json::Value) -> String {
    match cell.get("source") {
        Some(serde_json::Value::String(source)) => source.clone(),
        Some(serde_json::Value::Array(lines)) => lines.iter().filter_map(|line| line.as_str()).collect(),
        _ => String::new(),
    }
}
