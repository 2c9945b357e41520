//! PDF, page by page, with `pdf_oxide` (the comparison that chose it is in `docs/formats.md`).
//!
//! A page that fails costs only itself: it is named in a warning. Lines set larger than the body are taken
//! as headings, so that passages carry the chapter they stand in.

mod headings;
mod lines;
mod places;
mod turned;

use std::panic::{AssertUnwindSafe, catch_unwind};

use headings::{Headings, Setting};
use lines::Line;
use pdf_oxide::document::PdfDocument;
use pdf_oxide::object::Object;
use places::Row;
use turned::Turn;

use crate::{Error, Format, Warning, writer::Writer, writer::one_line};

const FORMAT: Format = Format::Pdf;
/// Pages read of one document; the text limit is met long before by documents with text.
const MOST_PAGES: usize = 20_000;

pub(crate) fn read(bytes: &[u8], password: Option<&str>, writer: &mut Writer) -> Result<(), Error> {
    let (document, count) = guarded(|| {
        let document = open(bytes, password)?;
        let count = document.page_count().map_err(refused)?;
        Ok((document, count))
    })?;
    writer.pages = u32::try_from(count).ok();
    if let Ok(Some(title)) = guarded(|| Ok(title(&document))) {
        writer.propose_title(&title);
    }
    let pages: Vec<Option<Page>> = (0..count.min(MOST_PAGES)).map(|index| page(&document, index)).collect();
    let headings = Headings::of(pages.iter().flatten().map(|page| &page.setting));
    let mut failed = Vec::new();
    for (number, page) in (1..).zip(&pages) {
        writer.set_page(number);
        let before = writer.len();
        match page {
            Some(page) => {
                write_page(page, &headings, writer);
                let lines = places::of(&page.rows, writer.since(before), before, number);
                writer.lines.extend(lines);
            }
            None => failed.push(number),
        }
        if writer.len() == before && page.is_some() {
            writer.empty_pages.push(number);
        }
        if writer.is_full() {
            break;
        }
    }
    if !failed.is_empty() {
        if failed.len() == pages.len() {
            return Err(Error::damaged(FORMAT, "no page can be read"));
        }
        writer.warnings.push(Warning::PagesFailed { pages: failed });
    }
    Ok(())
}

/// A panic of the library on damaged structure is damage of the document.
fn guarded<T>(read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Error::damaged(FORMAT, "its structure cannot be followed")))
}

fn open(bytes: &[u8], password: Option<&str>) -> Result<PdfDocument, Error> {
    let document = PdfDocument::from_bytes(bytes.to_vec()).map_err(refused)?;
    if document.is_encrypted() {
        // Many documents are locked against printing only, and open with the empty password.
        let opened = [Some(""), password]
            .into_iter()
            .flatten()
            .any(|password| document.authenticate(password.as_bytes()).unwrap_or(false));
        if !opened {
            return Err(Error::Encrypted { wrong_password: password.is_some() });
        }
    }
    Ok(document)
}

fn refused(error: pdf_oxide::error::Error) -> Error {
    match error {
        pdf_oxide::error::Error::EncryptedPdf => Error::Encrypted { wrong_password: false },
        other => Error::damaged(FORMAT, other),
    }
}

/// The title in the information dictionary, unless it is a file name that some program put there.
fn title(document: &PdfDocument) -> Option<String> {
    let info = document.resolve_object(document.trailer().as_dict()?.get("Info")?).ok()?;
    let value = document.resolve_object(info.as_dict()?.get("Title")?).ok()?;
    let Object::String(bytes) = value else { return None };
    let title = match bytes.strip_prefix(b"\xfe\xff") {
        Some(wide) => encoding_rs::UTF_16BE.decode_without_bom_handling(wide).0.into_owned(),
        None => String::from_utf8(bytes).ok()?,
    };
    let title = one_line(&title);
    let lower = title.to_lowercase();
    let is_file = [".doc", ".docx", ".pdf", ".tex", ".dvi", ".indd"].iter().any(|end| lower.ends_with(end));
    (!title.is_empty() && !is_file && lower != "untitled").then_some(title)
}

/// The text of a page, how it is set, and what stands where.
struct Page {
    text: String,
    setting: Setting,
    rows: Vec<Row>,
}

/// A page; nothing where the library fails or panics on it.
fn page(document: &PdfDocument, index: usize) -> Option<Page> {
    let read = || {
        let spans = document.extract_spans(index).unwrap_or_default();
        let turn = Turn::of(document, index);
        let upright = turn.and_then(|turn| turn.upright(&spans));
        let is_needed = upright.is_some() || lines::are_needed(&spans);
        let is_seen = upright.is_some();
        let (spans, aside) = upright.unwrap_or((spans, Vec::new()));
        let setting = Setting::of(&spans);
        let mut lines = lines::of(spans);
        let row = |line: &Line| places::row(&line.pieces, &line.text);
        let rows: Vec<Row> = match turn {
            None => lines.iter().filter_map(row).collect(),
            Some(turn) if is_seen => {
                lines.iter().filter_map(row).map(|row| row.turned_by(|area| turn.back(area))).collect()
            }
            // Some pieces are where they are seen then, and some where they are drawn.
            Some(_) => Vec::new(),
        };
        lines.extend(lines::of(aside));
        let text = if is_needed {
            lines::assemble(&lines)
        } else {
            document.extract_text(index).map_err(refused)?
        };
        Ok(Page { text, setting, rows })
    };
    guarded(read).ok()
}

fn write_page(page: &Page, headings: &Headings, writer: &mut Writer) {
    let mut paragraph: Vec<&str> = Vec::new();
    let mut lines = page.text.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let alone = paragraph.is_empty() && lines.peek().is_none_or(|next| next.is_empty());
        let level = headings.level(&page.setting, line, alone);
        if line.is_empty() || level.is_some() {
            writer.paragraph(&joined(&paragraph));
            paragraph.clear();
        }
        match level {
            Some(level) => writer.heading(level, line),
            None if !line.is_empty() => paragraph.push(line),
            None => {}
        }
    }
    writer.paragraph(&joined(&paragraph));
}

/// The lines of a paragraph; a word divided at a line's end is put together again.
fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        if is_divided(&text, line) {
            text.pop();
        } else if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
    text
}

fn is_divided(text: &str, next: &str) -> bool {
    let mut before = text.chars().rev();
    before.next() == Some('-')
        && before.next().is_some_and(char::is_lowercase)
        && next.chars().next().is_some_and(char::is_lowercase)
}
