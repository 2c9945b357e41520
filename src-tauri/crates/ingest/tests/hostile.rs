//! Files made to harm: bombs, lies, loops, truncations, disguises. Each ends as an ordinary outcome.
#![allow(clippy::unwrap_used)] // what does not unwrap here fails the test

mod common;

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::read;
use ingest::fence::{Input, Program, read_in_child};
use ingest::{Error, Format, Limits, Measure, Reading, Source, Warning};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A zip of named parts.
fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn document(body: &str) -> Vec<u8> {
    let xml = format!(
        r#"<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
    );
    zipped(&[("word/document.xml", xml.as_bytes())])
}

fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn through_child(name: &str, bytes: &[u8], limits: &Limits) -> Result<Reading, Error> {
    let program =
        Program { executable: PathBuf::from(env!("CARGO_BIN_EXE_read-document")), arguments: Vec::new() };
    let source = Source { name, bytes, password: None };
    read_in_child(&program, Input::Bytes(source), limits, &AtomicBool::new(false))
}

#[test]
fn a_plain_document_of_this_making_is_read() {
    let reading = read("a.docx", &document(&paragraph("Some words"))).unwrap();
    assert_eq!((reading.format, reading.text.as_str()), (Format::Docx, "Some words"));
}

#[test]
fn a_bomb_of_a_gigabyte_is_refused_by_what_it_inflates_to() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    let block = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        zip.write_all(&block).unwrap();
    }
    let bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 2 << 20, "the bomb itself is small: {}", bomb.len());
    let begin = Instant::now();
    let limit = Limits::default().inflated_bytes;
    let refused = Err(Error::TooLarge { what: Measure::InflatedBytes, limit });
    assert_eq!(through_child("bomb.docx", &bomb, &Limits::default()), refused);
    assert!(begin.elapsed() < Duration::from_secs(20), "it took {:?}", begin.elapsed());
}

#[test]
fn lying_sizes_do_not_matter() {
    let mut bytes = document(&paragraph(&"word ".repeat(1000)));
    // The central directory's uncompressed size, 24 bytes after its signature, claims one byte.
    let entry = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes[entry + 24..entry + 28].copy_from_slice(&1_u32.to_le_bytes());
    match read("lie.docx", &bytes) {
        Ok(reading) => assert!(reading.text.len() <= 5_000),
        Err(Error::Damaged { .. }) => {}
        other => panic!("{other:?}"),
    }
    // And that it takes four thousand million.
    bytes[entry + 24..entry + 28].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    assert!(matches!(read("lie.docx", &bytes), Ok(_) | Err(Error::Damaged { .. })));
}

#[test]
fn a_zip64_document_is_read() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default().large_file(true)).unwrap();
    zip.write_all(b"<document><p><r><t>Sixty-four</t></r></p></document>").unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert_eq!(read("a.docx", &bytes).unwrap().text, "Sixty-four");
}

#[test]
fn sixty_thousand_entries_are_refused_before_any_is_read() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..60_000 {
        zip.start_file(format!("word/{index}.xml"), stored).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let refused = Err(Error::TooLarge { what: Measure::Entries, limit: 20_000 });
    assert_eq!(read("many.docx", &bytes), refused);
}

#[test]
fn a_zip_in_a_zip_is_not_opened() {
    let inner = zipped(&[("a.txt", b"inside")]);
    let outer = zipped(&[("inner.zip", &inner)]);
    assert_eq!(read("outer.zip", &outer), Err(Error::NotReadable { format: Format::Archive }));
    let body = format!("<w:document><w:body>{}</w:body></w:document>", paragraph("outside"));
    let both = zipped(&[("word/document.xml", body.as_bytes()), ("word/embeddings/a.zip", &inner)]);
    assert_eq!(read("a.docx", &both).unwrap().text, "outside");
}

#[test]
fn document_types_and_entities_are_refused() {
    for declaration in [
        r#"<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>"#,
        r#"<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#,
        r#"<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>"#,
    ] {
        let xml = format!("<?xml version=\"1.0\"?>{declaration}<document><p><t>&x;&b;</t></p></document>");
        let bytes = zipped(&[("word/document.xml", xml.as_bytes())]);
        assert_eq!(read("a.docx", &bytes), Err(Error::DeclarationRefused), "{declaration}");
        assert_eq!(read("a.xml", xml.as_bytes()), Err(Error::DeclarationRefused), "{declaration}");
    }
}

#[test]
fn relations_that_point_outside_are_not_followed() {
    let relations = br#"<Relationships><Relationship Id="r1" Type="x/header" TargetMode="External" Target="http://127.0.0.1:1/h.xml"/><Relationship Id="r2" Type="x/footer" Target="../../../../etc/passwd"/></Relationships>"#;
    let body = format!("<w:document><w:body>{}</w:body></w:document>", paragraph("inside"));
    let bytes =
        zipped(&[("word/document.xml", body.as_bytes()), ("word/_rels/document.xml.rels", relations)]);
    let reading = read("a.docx", &bytes).unwrap();
    assert_eq!(reading.text, "inside");
    assert_eq!(reading.warnings, [Warning::PartFailed { part: "etc/passwd".to_owned() }]);
}

#[test]
fn nesting_without_end_is_refused_or_read_in_time() {
    let deep = 100_000;
    let xml = format!("<document>{}{}</document>", "<a>".repeat(deep), "</a>".repeat(deep));
    let bytes = zipped(&[("word/document.xml", xml.as_bytes())]);
    assert_eq!(read("a.docx", &bytes), Err(Error::TooLarge { what: Measure::Depth, limit: 256 }));

    let begin = Instant::now();
    for tag in ["div", "b", "table", "ul", "nav", "blockquote", "td"] {
        let page = format!(
            "<html><body>before{}words{}after</body></html>",
            format!("<{tag}>").repeat(deep),
            format!("</{tag}>").repeat(deep)
        );
        let text = read("a.html", page.as_bytes()).unwrap().text;
        assert!(text.contains("before") && text.contains("after"), "{tag}");
    }
    let rtf = format!("{{\\rtf1 {}words{}}}", "{".repeat(deep), "}".repeat(deep));
    assert_eq!(read("a.rtf", rtf.as_bytes()), Err(Error::TooLarge { what: Measure::Depth, limit: 256 }));
    let json = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    assert!(read("a.json", json.as_bytes()).is_ok());
    let quotes = ">".repeat(50_000);
    assert!(matches!(read("a.md", quotes.as_bytes()), Ok(_) | Err(Error::NoText { .. })));
    assert!(begin.elapsed() < Duration::from_secs(30), "it took {:?}", begin.elapsed());
}

#[test]
fn scripts_styles_and_data_addresses_are_no_text() {
    let page = format!(
        "<html><head><style>p{{color:red}}</style><script>if (a<b) alert('<p>x</p>')</script></head><body>\
         <p>Visible<!-- hidden --></p><img src=\"data:image/png;base64,{}\"><noscript>no</noscript>\
         <template>never</template></body></html>",
        "A".repeat(2 << 20)
    );
    assert_eq!(read("a.html", page.as_bytes()).unwrap().text, "Visible");
}

#[test]
fn disguises_are_judged_by_content() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    assert_eq!(read("notes.md", png), Err(Error::NotReadable { format: Format::Image }));
    let elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0";
    assert_eq!(read("notes.txt", elf), Err(Error::NotReadable { format: Format::Program }));
    let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(read("notes.txt", &noise), Err(Error::FormatUnknown));
    let pdf = common_pdf("Hello from inside");
    let reading = read("letter.docx", &pdf).unwrap();
    assert_eq!(reading.format, Format::Pdf);
    assert_eq!(reading.text, "Hello from inside");
    assert!(reading.warnings.contains(&Warning::ExtensionDiffers { extension: "docx".to_owned() }));
    let polyglot = [b"<!-- ".as_slice(), &pdf].concat();
    assert_eq!(ingest::probe(&polyglot, "a.html"), Format::Pdf);
    assert_eq!(read("a.txt", b""), Err(Error::Empty));
    assert_eq!(read("a.docx", b""), Err(Error::Empty));
}

/// Files that are two things at once are one of them, and the other is never read.
#[test]
fn polyglots_are_what_they_begin_as() {
    let pdf = common_pdf("Said by the PDF");
    let docx = document(&paragraph("Said by the Word document"));
    let page = b"<!doctype html><html><body><p>Said by the web page</p></body></html>";
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let with_zip = [pdf.as_slice(), &docx].concat();
    let with_page = [pdf.as_slice(), page].concat();
    let behind_page = [b"<html><!--".as_slice(), &pdf].concat();
    for (what, bytes) in [("zip behind", with_zip), ("page behind", with_page), ("page before", behind_page)]
    {
        for name in ["a.pdf", "a.docx", "a.html", "a.txt"] {
            let reading = read(name, &bytes).unwrap_or_else(|error| panic!("{what}, {name}: {error}"));
            assert_eq!((reading.format, reading.text.as_str()), (Format::Pdf, "Said by the PDF"), "{what}");
        }
    }
    // A zip may hold anything, a PDF in its first bytes too.
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("inside.pdf", stored).unwrap();
    zip.write_all(&pdf).unwrap();
    zip.start_file("word/document.xml", stored).unwrap();
    let body = paragraph("Said by the Word document");
    write!(
        zip,
        r#"<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
    )
    .unwrap();
    let zipped = zip.finish().unwrap().into_inner();
    let reading = read("a.pdf", &zipped).unwrap();
    assert_eq!((reading.format, reading.text.as_str()), (Format::Docx, "Said by the Word document"));
    // What begins as a picture or a program is one, whatever follows.
    for (name, begin, format) in [
        ("a.docx", png.as_slice(), Format::Image),
        ("a.html", b"GIF89a=1;/*", Format::Image),
        ("a.docx", b"MZ\x90\0", Format::Program),
        ("a.txt", b"\x7fELF", Format::Program),
    ] {
        for behind in [docx.as_slice(), &pdf, page] {
            let bytes = [begin, behind].concat();
            assert_eq!(read(name, &bytes), Err(Error::NotReadable { format }), "{name}");
        }
    }
}

/// A small valid PDF of one page with one line, written by hand after ISO 32000-1 7.5.
fn common_pdf(line: &str) -> Vec<u8> {
    let stream = format!("BT /F1 12 Tf 72 720 Td ({line}) Tj ET");
    pdf_of(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ])
}

fn pdf_of(objects: &[String]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(objects) {
        offsets.push(out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").into_bytes());
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    let size = objects.len() + 1;
    out.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").into_bytes());
    out
}

#[test]
fn odd_pdfs_end_as_ordinary_outcomes() {
    let deep = 200_000;
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>".to_owned();
    let catalog = "<< /Type /Catalog /Pages 2 0 R >>".to_owned();
    let pages = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned();
    let nested = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let dictionaries = format!("{}{}", "<< /A ".repeat(deep), " >>".repeat(deep));
    let cases = [
        ("nested arrays", pdf_of(&[catalog.clone(), pages.clone(), page.clone(), nested])),
        ("nested dictionaries", pdf_of(&[catalog.clone(), pages.clone(), page.clone(), dictionaries])),
        (
            "pages that hold themselves",
            pdf_of(&[catalog.clone(), "<< /Type /Pages /Kids [2 0 R] /Count 1 >>".to_owned()]),
        ),
        ("no pages", pdf_of(&[catalog.clone(), "<< /Type /Pages /Kids [] /Count 0 >>".to_owned()])),
        (
            "a million pages claimed",
            pdf_of(&[catalog, "<< /Type /Pages /Kids [3 0 R] /Count 1000000 >>".to_owned(), page]),
        ),
        ("only a signature", b"%PDF-1.7\n".to_vec()),
    ];
    for (what, bytes) in cases {
        let begin = Instant::now();
        let result = through_child("odd.pdf", &bytes, &Limits::default());
        assert!(result.is_err(), "{what}: {result:?}");
        assert!(begin.elapsed() < Duration::from_secs(25), "{what} took {:?}", begin.elapsed());
    }
}

/// Every eighth truncation of a document and of a PDF, and a thousand flipped bytes: never a panic that
/// leaves the reading process, never a hang.
#[test]
fn truncations_and_flips_never_pass_for_success_with_a_crash() {
    let body: String =
        (0..40).map(|i| paragraph(&format!("Paragraph number {i} of the document."))).collect();
    let limits = Limits { wall_seconds: 10, ..Limits::default() };
    for whole in [document(&body), common_pdf("Truncated at every place")] {
        for end in (1..whole.len()).step_by(8) {
            // In this process: a panic of a library fails the test.
            let _ = read("cut.bin", &whole[..end]);
        }
        let mut state = 7_u64;
        for _ in 0..300 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut bytes = whole.clone();
            let place = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[place] ^= 1 << (state >> 29 & 7);
            let source = Source { name: "flip.bin", bytes: &bytes, password: None };
            let _ = ingest::read(&source, &limits);
        }
    }
}

#[test]
fn large_and_wide_tables_stay_within_limits() {
    let wide: String = (0..1_000_000).map(|i| format!("{i},")).collect();
    let reading = read("wide.csv", wide.as_bytes()).unwrap();
    assert!(reading.text.len() < wide.len());
    let line = "word ".repeat(8 << 20);
    let reading = read("line.txt", line.as_bytes()).unwrap();
    assert!(reading.warnings.contains(&Warning::TextCut { at: 16 << 20 }));
    assert!(reading.text.len() <= 16 << 20);
    let formula = read("formula.csv", b"name,value\n=cmd|' /C calc'!A0,1\n").unwrap();
    assert!(formula.text.contains("=cmd|"), "a formula is text and nothing else");
}

#[test]
fn a_workbook_with_a_cell_in_its_last_corner_takes_no_memory() {
    let sheet = br#"<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>first</t></is></c></row><row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>last</t></is></c></row></sheetData></worksheet>"#;
    let bytes = zipped(&[
        ("[Content_Types].xml", br#"<Types><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#),
        ("_rels/.rels", br#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#),
        ("xl/workbook.xml", br#"<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Corner" sheetId="1" r:id="rId1"/></sheets></workbook>"#),
        ("xl/_rels/workbook.xml.rels", br#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#),
        ("xl/worksheets/sheet1.xml", sheet),
    ]);
    let limits = Limits { memory_bytes: 128 << 20, ..Limits::default() };
    let reading = through_child("corner.xlsx", &bytes, &limits).unwrap();
    assert!(reading.text.contains("first"), "{}", reading.text);
}

#[test]
fn replacement_characters_are_refused_not_stored() {
    let bytes: Vec<u8> =
        [b"plain words ".as_slice(), &[0xc3, 0x28, 0xa0, 0xff, 0xfe, 0x81]].concat().repeat(50);
    match read("soup.txt", &bytes) {
        Ok(reading) => {
            let soup = reading.text.chars().filter(|&c| c == '\u{fffd}').count();
            assert!(soup * 100 <= reading.text.chars().count(), "{soup} replaced");
        }
        Err(Error::EncodingUnknown { .. } | Error::FormatUnknown) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn passwords_are_asked_for_and_never_shown() {
    let Some(corpora) = common::corpora() else { return };
    let bytes =
        std::fs::read(corpora.join("documents/docling/pdf_password/sources/2206.01062_pg3.pdf")).unwrap();
    let with =
        |password| ingest::read(&Source { name: "a.pdf", bytes: &bytes, password }, &Limits::default());
    assert_eq!(with(None), Err(Error::Encrypted { wrong_password: false }));
    assert_eq!(with(Some("wrong")), Err(Error::Encrypted { wrong_password: true }));
    assert!(with(Some("1234")).unwrap().text.contains("DocLayNet"));
    let source = Source { name: "a.pdf", bytes: b"", password: Some("1234") };
    assert!(!format!("{source:?}").contains("1234"));
}
