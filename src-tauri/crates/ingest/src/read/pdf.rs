//! PDF, page by page, with `pdf_oxide` (the comparison that chose it is in `docs/formats.md`).
//!
//! A page that fails costs only itself: it is named in a warning. Lines set larger than the body are taken
//! as headings, so that passages carry the chapter they stand in.

mod lines;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_oxide::document::PdfDocument;
use pdf_oxide::object::Object;

use crate::{Error, Format, Warning, writer::Writer, writer::one_line};

const FORMAT: Format = Format::Pdf;
/// Pages read of one document; the text limit is met long before by documents with text.
const MOST_PAGES: usize = 20_000;
/// How much larger than the body a heading is set.
const HEADING_RATIO: f32 = 1.18;
/// A heading is one line of at most this many characters.
const LONGEST_HEADING: usize = 120;

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
    let headings = Headings::of(&pages);
    let mut failed = Vec::new();
    for (number, page) in (1..).zip(&pages) {
        writer.set_page(number);
        let before = writer.len();
        match page {
            Some(page) => write_page(page, &headings, writer),
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

/// The text of a page and its lines by size of type.
struct Page {
    text: String,
    /// Size in tenths of a point → characters set in it.
    sizes: HashMap<u32, usize>,
    /// One-line text → size in tenths of a point, of lines that might be headings.
    lines: HashMap<String, u32>,
}

/// A page; nothing where the library fails or panics on it.
fn page(document: &PdfDocument, index: usize) -> Option<Page> {
    catch_unwind(AssertUnwindSafe(|| {
        let spans = document.extract_spans(index).unwrap_or_default();
        let by_lines = lines::are_needed(&spans).then(|| lines::assemble(spans.clone()));
        let text = match by_lines {
            Some(text) => text,
            None => document.extract_text(index).ok()?,
        };
        let mut sizes: HashMap<u32, usize> = HashMap::new();
        let mut lines: HashMap<String, u32> = HashMap::new();
        let mut line: Option<(String, f32, u32)> = None;
        for span in spans {
            let size = tenths(span.font_size);
            *sizes.entry(size).or_default() += span.text.chars().count();
            match &mut line {
                Some((text, y, of)) if *of == size && (*y - span.bbox.y).abs() < 1.0 => {
                    text.push(' ');
                    text.push_str(&span.text);
                }
                _ => {
                    keep_line(&mut lines, line.take());
                    line = Some((span.text, span.bbox.y, size));
                }
            }
        }
        keep_line(&mut lines, line);
        Some(Page { text, sizes, lines })
    }))
    .ok()
    .flatten()
}

fn tenths(points: f32) -> u32 {
    (points.clamp(0.0, 1_000.0) * 10.0).round() as u32
}

fn keep_line(lines: &mut HashMap<String, u32>, line: Option<(String, f32, u32)>) {
    if let Some((text, _, size)) = line {
        lines.insert(heading_key(&text), size);
    }
}

/// Letters and digits only: the two ways of reading a line differ in their spaces.
fn heading_key(line: &str) -> String {
    line.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Which sizes of type are headings, over the whole document.
struct Headings {
    /// Sizes from the largest; the place is the level.
    sizes: Vec<u32>,
}

impl Headings {
    fn of(pages: &[Option<Page>]) -> Self {
        let mut all: HashMap<u32, usize> = HashMap::new();
        for (size, count) in pages.iter().flatten().flat_map(|page| &page.sizes) {
            *all.entry(*size).or_default() += count;
        }
        let body = all.iter().max_by_key(|(size, count)| (**count, **size)).map_or(0, |(size, _)| *size);
        let total: usize = all.values().sum();
        let least = body as f32 * HEADING_RATIO;
        // Type that sets a fifth of the text is no heading, however large.
        let mut sizes: Vec<u32> = all
            .into_iter()
            .filter(|(size, count)| body > 0 && *size as f32 >= least && count * 5 < total)
            .map(|(size, _)| size)
            .collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.truncate(6);
        Self { sizes }
    }

    fn level(&self, page: &Page, line: &str) -> Option<u8> {
        if line.chars().count() > LONGEST_HEADING || self.sizes.is_empty() {
            return None;
        }
        let key = heading_key(line);
        if key.chars().filter(|c| c.is_alphabetic()).count() < 2 {
            return None;
        }
        let size = page.lines.get(&key)?;
        let place = self.sizes.iter().position(|known| known == size)?;
        u8::try_from(place + 1).ok()
    }
}

fn write_page(page: &Page, headings: &Headings, writer: &mut Writer) {
    let mut paragraph: Vec<&str> = Vec::new();
    for line in page.text.lines() {
        let line = line.trim();
        let level = headings.level(page, line);
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
