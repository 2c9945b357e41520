//! Places in PDF: every line that is given a place is where it was drawn, on generated pages of every kind. The documents,
//! their readings and the truth are kept in `tests/fixtures/places`, where the window's viewer is measured with them.
#![allow(clippy::unwrap_used)] // what does not unwrap here fails the test

#[path = "common/drawn.rs"]
mod drawn;

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::ops::Range;
use std::path::Path;

use drawn::{Contents, Page, Way, Word};
use ingest::{Budget, Limits, PlacedLine, Reading, Source, cut, estimate_tokens};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn read(bytes: &[u8]) -> Reading {
    ingest::read(&Source { name: "a.pdf", bytes, password: None }, &Limits::default()).unwrap()
}

fn letters(text: &str) -> Vec<(usize, char)> {
    let plain = |(at, sign): (usize, char)| match sign {
        'ﬁ' => vec![(at, 'f'), (at, 'i')],
        'ﬂ' => vec![(at, 'f'), (at, 'l')],
        sign => vec![(at, sign)],
    };
    text.char_indices().flat_map(plain).filter(|(_, sign)| sign.is_alphanumeric()).collect()
}

/// The bytes that a page takes in the text.
fn stretch(reading: &Reading, page: u32) -> Range<usize> {
    let own = || reading.sections.iter().filter(|section| section.page == Some(page));
    own().map(|section| section.range.start).min().unwrap()
        ..own().map(|section| section.range.end).max().unwrap()
}

/// Which word each letter of the text belongs to, by its byte: the letters of the page are those that were drawn, in the
/// order of reading, or line by line where each stands there once.
fn words_of(reading: &Reading, number: u32, page: &Page) -> BTreeMap<usize, usize> {
    let stretch = stretch(reading, number);
    let read = letters(&reading.text[stretch.clone()]);
    let drawn: Vec<(usize, char)> = (page.words.iter().enumerate())
        .flat_map(|(index, word)| letters(&word.text).into_iter().map(move |(_, letter)| (index, letter)))
        .collect();
    if read.iter().map(|(_, letter)| letter).eq(drawn.iter().map(|(_, letter)| letter)) {
        return read.iter().zip(&drawn).map(|((at, _), (word, _))| (stretch.start + at, *word)).collect();
    }
    let whole: String = read.iter().map(|(_, letter)| letter).collect();
    let mut found = BTreeMap::new();
    for line in 0..=page.words.last().unwrap().line {
        let own: Vec<&(usize, char)> =
            drawn.iter().filter(|(word, _)| page.words[*word].line == line).collect();
        let text: String = own.iter().map(|(_, letter)| letter).collect();
        let at = whole.find(&text).unwrap_or_else(|| panic!("page {number}: not read: {text}"));
        assert_eq!(
            whole.rfind(&text),
            Some(at),
            "page {number}: {text} stands there twice: {}",
            &reading.text[stretch.clone()]
        );
        let first = whole[..at].chars().count();
        found.extend(own.iter().zip(&read[first..]).map(|((word, _), (at, _))| (stretch.start + at, *word)));
    }
    found
}

fn within(places: &BTreeMap<usize, usize>, range: &Range<usize>) -> Vec<usize> {
    let mut words: Vec<usize> = places.range(range.clone()).map(|(_, word)| *word).collect();
    words.dedup();
    words
}

/// With the words behind them that are signs only, such as a stop of a Chinese sentence.
fn with_signs(words: &[usize], page: &Page) -> Vec<usize> {
    let is_sign = |word: &usize| {
        page.words.get(*word).is_some_and(|word| !word.text.chars().any(char::is_alphanumeric))
    };
    words.iter().flat_map(|&word| [Some(word), Some(word + 1).filter(is_sign)]).flatten().collect()
}

/// How far a line's place is from where its words were drawn, in points; nothing where it is that place.
fn distance(line: &PlacedLine, words: &[&Word], way: &Way) -> Option<f64> {
    let tenths = |value: i32| f64::from(value) / 10.0;
    let (x, y) = drawn::origin(way);
    let (x0, y0) = (tenths(line.area.left) - x, tenths(line.area.bottom) - y);
    let (x1, y1) = (x0 + tenths(line.area.width), y0 + tenths(line.area.height));
    let (height, width) = (drawn::HEIGHT, drawn::WIDTH);
    let (left, right, top, bottom) = match way.turned {
        90 => (y0, y1, x0, x1),
        180 => (width - x1, width - x0, y0, y1),
        270 => (width - y1, width - y0, height - x1, height - x0),
        _ => (x0, x1, height - y1, height - y0),
    };
    let first = words.iter().map(|word| word.left).fold(f64::MAX, f64::min);
    let last = words.iter().map(|word| word.left + word.width).fold(f64::MIN, f64::max);
    let mut away = (left - first).abs().max((right - last).abs());
    for word in words {
        // The middle of its small letters, and no other line's.
        let middle = word.base - word.size * 0.25;
        away = away.max(top + 1.0 - middle).max(middle + 1.0 - bottom);
        away = away.max((bottom - top) - word.size * 1.3);
    }
    (away > 1.5).then_some(away)
}

#[test]
fn lines_are_placed_where_they_were_drawn() {
    for way in drawn::ways() {
        let (bytes, pages) = drawn::document(&way);
        let reading = read(&bytes);
        assert_eq!(reading.pages, Some(2), "{}", way.name);
        let (mut placed, mut all) = (0, 0);
        for (number, page) in (1..).zip(&pages) {
            let places = words_of(&reading, number, page);
            all += places.len();
            for line in reading.lines.iter().filter(|line| line.page == number) {
                let own = within(&places, &line.range);
                placed += places.range(line.range.clone()).count();
                // With the signs at its ends that are no letters; cells near each other are one line.
                let drawn: Vec<usize> = own.iter().map(|&word| page.words[word].line).collect();
                let words: Vec<&Word> = page.words.iter().filter(|word| drawn.contains(&word.line)).collect();
                let away = distance(line, &words, &way);
                let text = &reading.text[line.range.clone()];
                assert_eq!(away, None, "{}, page {number}, {text:?}: {:?} {words:?}", way.name, line.area);
            }
        }
        let share = placed as f64 / all as f64;
        println!("{}: {:.1} % of the letters have a place", way.name, share * 100.0);
        // Lines that stand on the page twice are known by their neighbours only.
        let least = match way.contents {
            Contents::Repeated | Contents::Table => 0.5,
            _ => 0.9,
        };
        assert!(share >= least, "{}: {share}", way.name);
    }
}

fn characters(text: &str, at: usize) -> usize {
    text[..at].chars().count()
}

/// A document as the viewer gets it, with the truth.
fn record(way: &Way, reading: &Reading, pages: &[Page]) -> Value {
    let text = &reading.text;
    let span = |range: &Range<usize>| (characters(text, range.start), characters(text, range.end));
    let round = |value: f64| (value * 100.0).round() / 100.0;
    let words = pages.iter().map(|page| {
        let word = |word: &Word| {
            json!([word.line, round(word.left), round(word.base), round(word.width), word.size])
        };
        page.words.iter().map(word).collect::<Vec<_>>()
    });
    let sections = reading.sections.iter().map(|section| {
        let (start, end) = span(&section.range);
        json!([section.page, start, end])
    });
    let lines = reading.lines.iter().map(|line| {
        let (start, end) = span(&line.range);
        let area = line.area;
        json!([line.page, start, end, area.left, area.bottom, area.width, area.height])
    });
    let places: Vec<BTreeMap<usize, usize>> =
        (1..).zip(pages).map(|(number, page)| words_of(reading, number, page)).collect();
    let passages =
        cut(reading, &Budget { tokens: 60, overlap: 0 }, &estimate_tokens).into_iter().map(|passage| {
            let page = passage.page.unwrap();
            let (start, end) = span(&passage.range);
            let index = page as usize - 1;
            let words = with_signs(&within(&places[index], &passage.range), &pages[index]);
            json!({ "page": page, "start": start, "end": end, "words": words })
        });
    json!({
        "name": way.name,
        "width": drawn::WIDTH,
        "height": drawn::HEIGHT,
        "text": text,
        "sections": sections.collect::<Vec<_>>(),
        "lines": lines.collect::<Vec<_>>(),
        "words": words.collect::<Vec<_>>(),
        "passages": passages.collect::<Vec<_>>(),
    })
}

/// A Word document of these paragraphs.
fn docx(paragraphs: &[String]) -> Vec<u8> {
    let body: String =
        paragraphs.iter().map(|text| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")).collect();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    write!(
        zip,
        r#"<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
    )
    .unwrap();
    zip.finish().unwrap().into_inner()
}

/// A document without pages: its text is the paragraphs that were put into it, so that places in one are places in the
/// other.
fn letter() -> Value {
    let paragraphs = drawn::letter();
    let source = Source { name: "letter.docx", bytes: &docx(&paragraphs), password: None };
    let reading = ingest::read(&source, &Limits::default()).unwrap();
    assert_eq!(reading.text, paragraphs.join("\n\n"));
    let span = |range: &Range<usize>| {
        json!([characters(&reading.text, range.start), characters(&reading.text, range.end)])
    };
    let sections = reading.sections.iter().map(|section| span(&section.range));
    let passages = cut(&reading, &Budget { tokens: 60, overlap: 0 }, &estimate_tokens);
    json!({
        "text": reading.text,
        "sections": sections.collect::<Vec<_>>(),
        "passages": passages.iter().map(|passage| span(&passage.range)).collect::<Vec<_>>(),
    })
}

/// `EDGEWISE_WRITE_FIXTURES=1` writes them anew.
#[test]
fn the_kept_documents_are_read_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/places");
    let writes = std::env::var_os("EDGEWISE_WRITE_FIXTURES").is_some();
    let keep = |name: &str, record: &Value| {
        let path = folder.join(name);
        if writes {
            std::fs::write(&path, format!("{record}\n")).unwrap();
        }
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(&kept, record, "{name}");
    };
    keep("letter.json", &letter());
    for way in drawn::ways() {
        let (bytes, pages) = drawn::document(&way);
        let record = record(&way, &read(&bytes), &pages);
        let document = folder.join(format!("{}.pdf", way.name));
        if writes {
            std::fs::write(&document, &bytes).unwrap();
        }
        assert_eq!(std::fs::read(&document).unwrap(), bytes, "{}.pdf", way.name);
        keep(&format!("{}.json", way.name), &record);
    }
}
