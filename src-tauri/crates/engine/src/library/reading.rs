//! From a file to passages: keep the original, read it behind the fence, cut it as the collection says.
//!
//! Everything here blocks and runs on a blocking thread.

use super::vectors::Tables;
use crate::Engine;
use crate::error::Error;
use domain::{CollectionSettings, DocumentState, Fault, FaultCode, PlacedLine};
use ingest::{Budget, Format, Limits, Reading, Source, cut, estimate_tokens, fence};
use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use store::Store;
use store::library::{Content, DocumentRow, NewPassage, Outcome, PageLines};

/// The hidden argument with which our programs become the reading process.
pub(crate) const READ_DOCUMENT: &str = "--read-document";

/// The share of a passage of which places must be known, so that marks show where it stands and not a scrap of it.
const MOST_OF_IT: f64 = 0.75;

/// What reading needs beside the document.
pub(crate) struct Reader<'a> {
    pub(crate) store: &'a Store,
    pub(crate) tables: &'a Tables,
    /// Our own program, started again; without it documents are read in this process.
    pub(crate) readers: Option<Arc<fence::Readers>>,
    pub(crate) settings: CollectionSettings,
    /// How much a document may ask for.
    pub(crate) limits: Limits,
    /// A document that could not be read, and has not changed since, is tried again.
    pub(crate) again: bool,
    pub(crate) stop: &'a AtomicBool,
}

/// What became of a document.
#[derive(Debug)]
pub(crate) enum Read {
    /// Its passages are stored.
    Cut(Box<DocumentRow>),
    /// Nothing of it has changed.
    Unchanged(Box<DocumentRow>),
}

/// Reads a document and stores its passages, as far as that has not been done.
pub(crate) fn read(reader: &Reader<'_>, id: &str, password: Option<&str>) -> Result<Read, Error> {
    let mut document = reader.store.document(id)?;
    let file = original(reader, &document)?;
    if document.hash.as_ref() != Some(&file.hash) || document.document.size != file.size {
        let twin = reader.store.set_original(id, &file)?;
        document = match twin {
            Some(twin) => moved(reader.store, &twin, &document)?,
            None => reader.store.document(id)?,
        };
    } else if !reader.again && matches!(document.document.state, DocumentState::Failed { .. }) {
        return Ok(Read::Unchanged(Box::new(document)));
    }
    let wanted = cut_name(&reader.settings);
    if document.cut.as_ref() == Some(&wanted) && document.document.passages > 0 {
        return Ok(Read::Unchanged(Box::new(gone_on_with(reader.store, document)?)));
    }
    let known = reader.store.content(&file.hash)?;
    let is_new = known.is_none();
    let (reading, content) = match known {
        Some(content) => (reading_of(&content)?, content),
        None => {
            let path = reader.store.original_path(&file.hash)?;
            let reading = read_file(reader, &document.document.name, &path, password)?;
            let content = content_of(&file.hash, &reading)?;
            (reading, content)
        }
    };
    let passages = passages(&reading, &reader.settings);
    let stored: Result<_, Error> = reader.store.set_passages(
        &document.document.id,
        is_new.then_some(&content),
        &wanted,
        &passages,
        |tx, vectors| reader.tables.delete(tx, reader.store, vectors),
    );
    Ok(Read::Cut(Box::new(stored?)))
}

/// A document that was left in the middle is worked on again: what it was left for is over.
fn gone_on_with(store: &Store, document: DocumentRow) -> Result<DocumentRow, Error> {
    if !matches!(document.document.state, DocumentState::Failed { .. }) {
        return Ok(document);
    }
    let whole = document.embedded >= document.document.passages;
    let outcome = if whole { Outcome::Ready } else { Outcome::Embedding };
    Ok(store.set_document_state(&document.document.id, &outcome)?)
}

/// The document that a file with the same bytes is already. When its own file is gone, it has moved to where this one is.
fn moved(store: &Store, twin: &str, here: &DocumentRow) -> Result<DocumentRow, Error> {
    let known = store.document(twin)?;
    let gone = known.source.as_deref().is_some_and(|path| matches!(Path::new(path).try_exists(), Ok(false)));
    if gone && here.source.is_some() {
        store.set_document_source(twin, &here.document.name, here.source.as_deref())?;
        return Ok(store.document(twin)?);
    }
    Ok(known)
}

/// Refuses what is certainly no document by its first bytes, before it is copied: folders are full of programs.
fn refuse_early(path: &Path, name: &str) -> Result<(), Error> {
    const HEAD: u64 = 64 << 10;
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(HEAD).read_to_end(&mut head).map_err(unreadable)?;
    match ingest::probe(&head, name) {
        format @ (Format::Program | Format::Font | Format::Database | Format::Video) => {
            Err(fault(&ingest::Error::NotReadable { format }).into())
        }
        _ => Ok(()),
    }
}

/// The original as it is now: a file that is still where it came from may have changed.
fn original(reader: &Reader<'_>, document: &DocumentRow) -> Result<store::library::DocumentFile, Error> {
    let source = document.source.as_deref().map(Path::new).filter(|path| path.is_file());
    match (source, &document.hash) {
        (Some(path), _) => {
            let size = std::fs::metadata(path).map_err(unreadable)?.len();
            let limit = reader.limits.file_bytes;
            if size > limit {
                return Err(
                    fault(&ingest::Error::TooLarge { what: ingest::Measure::FileBytes, limit }).into()
                );
            }
            refuse_early(path, &document.document.name)?;
            Ok(reader.store.keep_original_file(path, limit)?)
        }
        (None, Some(hash)) => {
            Ok(store::library::DocumentFile { hash: hash.clone(), size: document.document.size })
        }
        (None, None) => {
            Err(Fault::new(FaultCode::FileUnreadable).with_detail(&document.document.name).into())
        }
    }
}

fn unreadable(error: std::io::Error) -> Error {
    Fault::new(FaultCode::FileUnreadable).with_detail(error.to_string()).into()
}

/// Reads an original in a process of its own, which is sent it piece by piece, or in this one where there is no program
/// for that. Its name is the document's: the file is called by its hash.
fn read_file(reader: &Reader<'_>, name: &str, path: &Path, password: Option<&str>) -> Result<Reading, Error> {
    let limits = &reader.limits;
    let read = match &reader.readers {
        Some(readers) => {
            let input = fence::Input::File { path, name: Some(name), password };
            readers.read(input, limits, reader.stop)
        }
        None => {
            let bytes = std::fs::read(path).map_err(unreadable)?;
            read_here(&Source { name, bytes: &bytes, password }, limits)
        }
    };
    read.map_err(|error| fault(&error).into())
}

/// Reads in this process, with as much stack as the reading process has.
fn read_here(source: &Source<'_>, limits: &Limits) -> Result<Reading, ingest::Error> {
    const STACK: usize = 64 << 20;
    let died = || ingest::Error::ReaderDied { how: ingest::Death::NoAnswer { status: None } };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("reader".to_owned()).stack_size(STACK);
        let reading = thread.spawn_scoped(scope, || ingest::read(source, limits)).map_err(|_| died())?;
        reading.join().unwrap_or_else(|_| Err(died()))
    })
}

/// Why a document could not be read, as a fault.
pub(crate) fn fault(error: &ingest::Error) -> Fault {
    use ingest::Error as Why;
    let code = match error {
        Why::Empty | Why::NoText { .. } => FaultCode::FileHasNoText,
        Why::FormatUnknown | Why::NotReadable { .. } | Why::EncodingUnknown { .. } => {
            FaultCode::FormatUnknown
        }
        Why::Encrypted { .. } => FaultCode::FileEncrypted,
        Why::TooLarge { .. } => FaultCode::FileTooLarge,
        Why::Stopped => FaultCode::Stopped,
        Why::Damaged { .. }
        | Why::DeclarationRefused
        | Why::ReaderDied { .. }
        | Why::TimedOut { .. }
        | Why::Unreadable { .. } => FaultCode::FileUnreadable,
    };
    Fault::new(code).with_detail(error.to_string())
}

/// How much a document may ask for, as the person set it.
pub(crate) fn limits(engine: &Engine) -> Limits {
    let settings = engine.in_force().now();
    Limits {
        file_bytes: u64::from(settings.largest_document_mib.max(1)) << 20,
        memory_bytes: u64::from(settings.reading_memory_mib.max(64)) << 20,
        cpu_seconds: u64::from(settings.reading_cpu_s.max(1)),
        wall_seconds: u64::from(settings.reading_wall_s.max(1)),
        ..Limits::default()
    }
}

/// How large passages are: as the collection says, and no larger than its model can read. A part of the model's window is
/// left free, because our count is an estimate.
fn budget(settings: &CollectionSettings) -> Budget {
    let window = super::embedding::window(settings.embedding_model.as_str())
        .filter(|_| settings.provider_url.is_none())
        .map_or(usize::MAX, |window| window as usize * 4 / 5);
    let tokens = (settings.passage_tokens as usize).min(window);
    Budget { tokens, overlap: (settings.overlap_tokens as usize).min(tokens / 2) }
}

/// With which settings passages are cut: other settings have other passages.
pub(crate) fn cut_name(settings: &CollectionSettings) -> String {
    let budget = budget(settings);
    format!("{}/{}", budget.tokens, budget.overlap)
}

/// The name of a format: `pdf`, `docx`, ...
pub(crate) fn format_name(format: Format) -> String {
    match serde_json::to_value(format) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// What is kept of a reading.
pub(crate) fn content_of(hash: &str, reading: &Reading) -> Result<Content, Error> {
    let bare = Reading { text: String::new(), lines: Vec::new(), ..reading.clone() };
    let json = serde_json::to_string(&bare).map_err(store::Error::from)?;
    Ok(Content {
        hash: hash.to_owned(),
        format: format_name(reading.format),
        title: reading.title.clone(),
        pages: reading.pages,
        empty_pages: reading.empty_pages.clone(),
        text: reading.text.clone(),
        reading: json,
        lines: page_lines(reading),
    })
}

/// Where lines are drawn, by page and counted from where the page begins: that stays true when texts of other pages come
/// between.
fn page_lines(reading: &Reading) -> Vec<PageLines> {
    let ends = reading.lines.iter().flat_map(|line| [line.range.start, line.range.end]);
    let begins = page_begins(reading);
    let places = characters_at(&reading.text, ends.chain(begins.values().copied()).collect());
    let mut pages: Vec<PageLines> = Vec::new();
    for line in &reading.lines {
        let Some(begin) = begins.get(&line.page).map(|begin| places[begin]) else { continue };
        let own = |byte: usize| places[&byte].saturating_sub(begin);
        let area = line.area;
        let placed =
            (own(line.range.start), own(line.range.end), area.left, area.bottom, area.width, area.height);
        match pages.last_mut() {
            Some(page) if page.page == line.page => page.lines.push(placed),
            _ => pages.push(PageLines { page: line.page, lines: vec![placed] }),
        }
    }
    pages
}

/// The byte at which each page begins in the text.
fn page_begins(reading: &Reading) -> HashMap<u32, usize> {
    let mut begins = HashMap::new();
    for section in &reading.sections {
        if let Some(page) = section.page {
            let begin = begins.entry(page).or_insert(section.range.start);
            *begin = section.range.start.min(*begin);
        }
    }
    begins
}

/// Where a stretch of a document's text (in characters) is drawn, line by line; nothing unless that is known of most of it.
pub(crate) fn placed(store: &Store, hash: &str, start: u32, end: u32) -> Result<Vec<PlacedLine>, Error> {
    let Some(content) = store.content(hash)? else { return Ok(Vec::new()) };
    let reading = reading_of(&content)?;
    let bounds = reading.sections.iter().flat_map(|section| [section.range.start, section.range.end]);
    let places = characters_at(&reading.text, bounds.collect());
    // The pages that the stretch touches, and where each begins.
    let mut pages: BTreeMap<u32, (u32, bool)> = BTreeMap::new();
    for section in &reading.sections {
        let Some(page) = section.page else { continue };
        let (from, to) = (places[&section.range.start], places[&section.range.end]);
        let known = pages.entry(page).or_insert((from, false));
        *known = (known.0.min(from), known.1 || (from < end && start < to));
    }
    let letters = |from: u32, to: u32| {
        let stretch = reading.text.chars().skip(from as usize).take(to.saturating_sub(from) as usize);
        stretch.filter(|sign| sign.is_alphanumeric()).count()
    };
    let (mut lines, mut known) = (Vec::new(), 0);
    for (page, (begin, _)) in pages.into_iter().filter(|(_, (_, touched))| *touched) {
        for (from, to, left, bottom, width, height) in store.placed_lines(hash, page)? {
            let (from, to) = (begin + from, begin + to);
            if from >= end || to <= start {
                continue;
            }
            known += letters(from.max(start), to.min(end));
            let points = |tenths: i32| f64::from(tenths) / 10.0;
            lines.push(PlacedLine {
                page,
                left: points(left),
                bottom: points(bottom),
                width: points(width),
                height: points(height),
            });
        }
    }
    let most = known as f64 >= letters(start, end) as f64 * MOST_OF_IT;
    Ok(if most { lines } else { Vec::new() })
}

/// The reading that was kept.
pub(crate) fn reading_of(content: &Content) -> Result<Reading, Error> {
    let bare: Reading = serde_json::from_str(&content.reading).map_err(store::Error::from)?;
    Ok(Reading { text: content.text.clone(), ..bare })
}

/// Cuts a reading, with places in characters.
pub(crate) fn passages(reading: &Reading, settings: &CollectionSettings) -> Vec<NewPassage> {
    let cut = cut(reading, &budget(settings), &estimate_tokens);
    let places = characters_at(
        &reading.text,
        cut.iter().flat_map(|passage| [passage.range.start, passage.range.end]).collect(),
    );
    let new = |passage: ingest::Passage| NewPassage {
        range: (places[&passage.range.start], places[&passage.range.end]),
        text: passage.text,
        header: passage.header,
        headings: passage.heading_path,
        page: passage.page,
        tokens: u32::try_from(passage.tokens).unwrap_or(u32::MAX),
        hash: passage.hash,
    };
    cut.into_iter().map(new).collect()
}

/// How many characters stand before each of these bytes, in one pass.
pub(crate) fn characters_at(text: &str, mut bytes: Vec<usize>) -> HashMap<usize, u32> {
    bytes.sort_unstable();
    bytes.dedup();
    let (mut from, mut characters) = (0, 0_usize);
    let mut places = HashMap::with_capacity(bytes.len());
    for byte in bytes {
        characters += text[from..byte].chars().count();
        from = byte;
        places.insert(byte, u32::try_from(characters).unwrap_or(u32::MAX));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_passage_is_larger_than_its_model_can_read() {
        let text: String = (0..3_000).map(|number| format!("word{number} ")).collect();
        let source = Source { name: "long.txt", bytes: text.as_bytes(), password: None };
        let reading = ingest::read(&source, &Limits::default()).expect("read");
        let of = |model: &str| CollectionSettings {
            embedding_model: model.into(),
            passage_tokens: 4_000,
            ..CollectionSettings::default()
        };
        let largest = |model: &str| {
            passages(&reading, &of(model)).iter().map(|passage| passage.tokens).max().expect("passages")
        };
        assert!(largest("@cf/baai/bge-base-en-v1.5") <= 410, "512 tokens, with a margin for our estimate");
        assert!(largest("@cf/baai/bge-m3") > 2_000, "8,192 tokens");
        assert_ne!(cut_name(&of("@cf/baai/bge-base-en-v1.5")), cut_name(&of("@cf/baai/bge-m3")));
    }

    #[test]
    fn places_are_counted_in_characters() {
        let places = characters_at("a数据b", vec![7, 0, 4, 1, 8]);
        assert_eq!([0, 1, 4, 7, 8].map(|byte| places[&byte]), [0, 1, 2, 3, 4]);
    }
}
