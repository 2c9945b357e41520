//! Every document of the corpora through the real reading process: counts, expected words, encodings, CSV.
#![allow(clippy::unwrap_used)] // what does not unwrap here fails the test

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ingest::fence::Program;
use ingest::{Budget, Error, Format, Found, Reading, WalkLimits, cut, estimate_tokens, walk};

fn reader() -> Program {
    Program { executable: PathBuf::from(env!("CARGO_BIN_EXE_read-document")), arguments: Vec::new() }
}

/// Documents below a folder, without the expected texts.
fn documents(folder: &Path) -> Vec<PathBuf> {
    walk(folder, WalkLimits::default())
        .filter_map(|found| match found {
            Found::File { path, .. } => Some(path),
            Found::Skipped { .. } => None,
        })
        .filter(|path| !path.components().any(|part| part.as_os_str() == "groundtruth"))
        .collect()
}

/// Whether a refusal is the right answer to that file.
fn is_rightly_refused(path: &Path, error: &Error) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    match error {
        Error::NotReadable { format: Format::Image } => name.ends_with(".png"),
        // Pictures only, by the corpus' own description.
        Error::NoText { pages: Some(_) } => {
            name.starts_with("imagemagick-") || name.starts_with("grayscale") || name.starts_with("cmyk")
        }
        _ => false,
    }
}

#[test]
fn every_document_is_read_or_rightly_refused() {
    let Some(corpora) = common::corpora() else { return };
    let (mut read, mut wrong) = (0, Vec::new());
    for path in documents(&corpora.join("documents")) {
        match common::read_through(&reader(), &path, common::password_of(&path)) {
            Ok(reading) => {
                read += 1;
                check_reading(&path, &reading);
            }
            Err(error) if is_rightly_refused(&path, &error) => {}
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    assert!(wrong.is_empty(), "refused: {wrong:#?}");
    assert!(read > 150, "only {read} documents were read");
}

/// Sections and passages of a real document keep their promises.
fn check_reading(path: &Path, reading: &Reading) {
    let mut covered = vec![false; reading.text.len()];
    for section in &reading.sections {
        assert!(!reading.text_of(section).trim().is_empty(), "a blank section in {}", path.display());
    }
    let budget = Budget { tokens: 120, overlap: 20 };
    for passage in cut(reading, &budget, &estimate_tokens) {
        assert!(passage.tokens <= budget.tokens, "{} tokens in {}", passage.tokens, path.display());
        assert_eq!(passage.text, reading.text[passage.range.clone()]);
        covered[passage.range].fill(true);
    }
    let lost = reading.text.char_indices().find(|(at, c)| !c.is_whitespace() && !covered[*at]);
    assert_eq!(lost, None, "text without a passage in {}", path.display());
}

/// The least mean share of expected words that each format may fall to. The expected texts come from another
/// tool, which writes link addresses, formulas as LaTeX and merged cells repeatedly; hence not 1.
const LEAST_SHARES: [(&str, f64); 11] = [
    ("csv", 0.99),
    ("docx", 0.91),
    ("epub", 0.97),
    ("html", 0.90),
    ("md", 0.99),
    ("odp", 0.87),
    ("ods", 0.99),
    ("odt", 0.85),
    ("pdf", 0.93),
    ("pptx", 0.92),
    ("vtt", 0.99),
];

#[test]
fn the_expected_words_are_found() {
    let Some(corpora) = common::corpora() else { return };
    let mut shares: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for path in documents(&corpora.join("documents")) {
        let Some(expected) = common::expected_text(&path) else { continue };
        let extension = path.extension().unwrap().to_string_lossy().into_owned();
        let text =
            common::read_through(&reader(), &path, None).map(|reading| reading.text).unwrap_or_default();
        shares.entry(extension).or_default().push(common::share_found(&expected, &text));
    }
    for (extension, least) in LEAST_SHARES {
        let all = &shares[extension];
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!(mean >= least, "{extension}: {mean:.3} is under {least}: {all:.3?}");
    }
}

#[test]
fn csv_spectrum_is_read_as_its_json_says() {
    let Some(corpora) = common::corpora() else { return };
    let folder = corpora.join("documents/csv-spectrum");
    let mut compared = 0;
    for path in documents(&folder.join("csvs")) {
        let stem = path.file_stem().unwrap().to_string_lossy();
        let json = std::fs::read_to_string(folder.join(format!("json/{stem}.json"))).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&json).unwrap();
        // A file of one row is described by its object alone.
        let expected = expected.as_array().cloned().unwrap_or_else(|| vec![expected.clone()]);
        let bytes = std::fs::read(&path).unwrap();
        let text = ingest::decode(&bytes, None).unwrap().text;
        let rows = ingest::csv_rows(&text);
        let (header, rows) = rows.split_first().unwrap();
        assert_eq!(rows.len(), expected.len(), "rows of {stem}");
        for (row, expected) in rows.iter().zip(&expected) {
            // In this file the corpus' own two sides name different telephone numbers.
            let differs = |key: &str| stem == "location_coordinates" && key == "Contact Phone Number";
            let read: Vec<(&String, &String)> =
                header.iter().zip(row).filter(|(key, _)| !differs(key)).collect();
            let wanted: Vec<(&String, String)> = expected
                .as_object()
                .unwrap()
                .iter()
                .map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
                .collect();
            let wanted: Vec<(&String, &String)> =
                wanted.iter().filter(|(key, _)| !differs(key)).map(|(k, v)| (*k, v)).collect();
            assert_eq!(read, wanted, "{stem}");
        }
        compared += 1;
    }
    assert_eq!(compared, 12);
}

/// The labels of the corpus' own test suite, by their WHATWG names.
const LABELS: [(&str, &str); 18] = [
    ("sample-arabic-1.txt", "windows-1256"),
    ("sample-arabic.txt", "UTF-8"),
    ("sample-bulgarian.txt", "UTF-8"),
    ("sample-chinese.txt", "Big5"),
    ("sample-english.bom.txt", "UTF-8"),
    ("sample-french-1.txt", "windows-1252"),
    ("sample-french.txt", "UTF-8"),
    ("sample-greek-2.txt", "windows-1253"),
    ("sample-greek.txt", "windows-1253"),
    ("sample-hebrew-2.txt", "windows-1255"),
    ("sample-hebrew-3.txt", "windows-1255"),
    ("sample-korean.txt", "EUC-KR"),
    ("sample-polish.txt", "UTF-8"),
    ("sample-russian-2.txt", "UTF-8"),
    ("sample-russian-3.txt", "UTF-8"),
    ("sample-russian.txt", "x-mac-cyrillic"),
    ("sample-spanish.txt", "UTF-8"),
    ("sample-turkish.txt", "windows-1254"),
];

#[test]
fn the_labelled_encodings_are_found() {
    let Some(corpora) = common::corpora() else { return };
    let mut wrong = Vec::new();
    for (name, label) in LABELS {
        let bytes = std::fs::read(corpora.join("encodings").join(name)).unwrap();
        let decoded = ingest::decode(&bytes, None).unwrap();
        let wanted = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().decode(&bytes).0;
        // Neighbouring code pages may give the same text: that is what counts.
        if decoded.text != wanted {
            wrong.push(format!("{name}: {} instead of {label}", decoded.encoding));
        }
        let reading = common::read(name, &bytes).unwrap();
        assert!(!reading.text.contains('\u{fffd}'), "{name}");
    }
    assert!(wrong.len() * 20 <= LABELS.len(), "more than 1 in 20 wrong: {wrong:?}");
}

/// Texts of the corpora in every encoding that can write them, cut to several lengths.
#[test]
fn real_texts_in_legacy_encodings_come_back() {
    let Some(corpora) = common::corpora() else { return };
    let sample = |name: &str| {
        let bytes = std::fs::read(corpora.join("encodings").join(name)).unwrap();
        ingest::decode(&bytes, None).unwrap().text
    };
    let chinese: String = {
        let json = std::fs::read_to_string(corpora.join("retrieval/xquad.zh.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        value["data"][0]["paragraphs"][0]["context"].as_str().unwrap().to_owned()
    };
    const JAPANESE: &str = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\
        何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。";
    let cases: Vec<(String, &[&str])> = vec![
        (sample("sample-arabic.txt"), &["windows-1256"]),
        (sample("sample-russian-3.txt"), &["windows-1251", "koi8-r", "ibm866", "x-mac-cyrillic"]),
        (sample("sample-bulgarian.txt"), &["windows-1251"]),
        (sample("sample-french.txt"), &["windows-1252"]),
        (sample("sample-spanish.txt"), &["windows-1252"]),
        (sample("sample-polish.txt"), &["windows-1250", "iso-8859-2"]),
        (sample("sample-greek.txt"), &["windows-1253"]),
        (sample("sample-hebrew-2.txt"), &["windows-1255"]),
        (sample("sample-turkish.txt"), &["windows-1254"]),
        (sample("sample-korean.txt"), &["euc-kr"]),
        (sample("sample-chinese.txt"), &["big5"]),
        (chinese, &["gbk", "gb18030"]),
        (JAPANESE.to_owned(), &["shift_jis", "euc-jp", "iso-2022-jp"]),
    ];
    let (mut all, mut wrong) = (0, Vec::new());
    for (text, labels) in &cases {
        for (length, label) in
            [200, 400, usize::MAX].iter().flat_map(|n| labels.iter().map(move |l| (*n, *l)))
        {
            let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
            let can_be_written = |c: &char| !encoding.encode(c.encode_utf8(&mut [0; 4])).2;
            let part: String = text.chars().filter(can_be_written).take(length).collect();
            let bytes = encoding.encode(&part).0;
            all += 1;
            match ingest::decode(&bytes, None) {
                Ok(decoded) if decoded.text == part => {}
                other => wrong.push(format!("{label}/{length}: {:?}", other.map(|d| d.encoding))),
            }
        }
        check_wide(text);
    }
    println!("{} of {all} encoded texts come back; not: {wrong:?}", all - wrong.len());
    assert!(wrong.len() * 20 <= all, "{} of {all} wrong: {wrong:?}", wrong.len());
}

/// UTF-8, UTF-16 and UTF-32 with a mark must always come back; UTF-16 and UTF-32 without one, too.
fn check_wide(text: &str) {
    let units16 = |swap: bool| -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|u| if swap { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    let units32 = |swap: bool| -> Vec<u8> {
        let units = text.chars().map(u32::from);
        units.flat_map(|u| if swap { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    let with = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
    let marked = [
        with(b"\xef\xbb\xbf", text.as_bytes().to_vec()),
        with(b"\xff\xfe", units16(false)),
        with(b"\xfe\xff", units16(true)),
        with(b"\xff\xfe\0\0", units32(false)),
        with(b"\0\0\xfe\xff", units32(true)),
    ];
    let bare = [units16(false), units16(true), units32(false), units32(true)];
    for bytes in marked.into_iter().chain(bare) {
        let decoded = ingest::decode(&bytes, None).unwrap();
        assert!(decoded.text == text, "{} gave {:.60}", decoded.encoding, decoded.text);
        assert_ne!(ingest::probe(&bytes, "a.txt"), Format::Binary);
    }
}
