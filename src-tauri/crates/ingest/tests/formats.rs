//! One small file of each format, and what a person would expect of it.
#![allow(clippy::unwrap_used)] // what does not unwrap here fails the test

mod common;

use std::io::{Cursor, Write};

use common::read;
use ingest::{Error, Format, Reading, SectionKind, Warning};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        let method = if *name == "mimetype" {
            zip::CompressionMethod::Stored
        } else {
            zip::CompressionMethod::Deflated
        };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The sections in short: kind, innermost heading, text.
fn outline(reading: &Reading) -> Vec<String> {
    let kind = |kind: &SectionKind| match kind {
        SectionKind::Heading { level } => format!("h{level}"),
        SectionKind::Prose => "p".to_owned(),
        SectionKind::List => "list".to_owned(),
        SectionKind::Table { header } => if header.is_some() { "headed" } else { "table" }.to_owned(),
        SectionKind::Code { language } => format!("code {}", language.as_deref().unwrap_or("?")),
    };
    let line = |s: &ingest::Section| {
        format!("{} [{}] {}", kind(&s.kind), s.heading_path.join("/"), reading.text_of(s).replace('\n', "⏎"))
    };
    reading.sections.iter().map(line).collect()
}

#[test]
fn html_gives_the_article_with_its_structure() {
    let filler = "Words of substance. ".repeat(15);
    let page = format!(
        "<!doctype html><html lang=en><head><title> A page </title><body><nav>Home <a href=/>About</a></nav><main>\
         <h1>Title</h1><p>First <b>bold</b>\n  text &amp; more&nbsp;text.<p>Second<br>line {filler}\
         <ul><li>one<li>two<ol><li>inner</ol></ul><h2>Table</h2>\
         <table><tr><th>Name<th>Price</tr><tr><td rowspan=2>Tea<td>3</tr><tr><td>4</table>\
         <pre><code class=\"language-rust\">fn a() {{\n    b();\n}}</code></pre></main><footer>Imprint</footer>"
    );
    let reading = read("page", page.as_bytes()).unwrap();
    assert_eq!(
        (reading.format, reading.title.as_deref(), reading.language.as_deref()),
        (Format::Html, Some("A page"), Some("en"))
    );
    let filler = filler.trim();
    assert_eq!(
        outline(&reading),
        [
            "h1 [Title] Title".to_owned(),
            format!("p [Title] First bold text & more\u{a0}text.⏎⏎Second⏎line {filler}"),
            "list [Title] - one⏎- two⏎  1. inner".to_owned(),
            "h2 [Title/Table] Table".to_owned(),
            "headed [Title/Table] Name | Price⏎Tea | 3⏎Tea | 4".to_owned(),
            "code rust [Title/Table] fn a() {⏎    b();⏎}".to_owned(),
        ]
    );
}

#[test]
fn a_lying_charset_does_not_spoil_a_page() {
    let utf8 = "<html><meta charset=iso-8859-1><p>größer 字</p>";
    assert_eq!(read("a.html", utf8.as_bytes()).unwrap().text, "größer 字");
    let gbk = encoding_rs::GBK.encode("<html><meta charset=gbk><p>文字在这里</p>").0;
    let reading = read("a.html", &gbk).unwrap();
    assert_eq!((reading.text.as_str(), reading.encoding.as_deref()), ("文字在这里", Some("GBK")));
}

#[test]
fn markdown_keeps_its_source_and_its_structure() {
    let text = "---\ntitle: Notes\n---\n\n# One *two*\n\nText [link](https://a.b).\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```rust\nfn a() {}\n```\n\n[ref]: https://c.d\n";
    let reading = read("a.md", text.as_bytes()).unwrap();
    assert_eq!(reading.text, text, "the text is the file");
    assert_eq!(reading.title.as_deref(), Some("Notes"));
    assert_eq!(
        outline(&reading),
        [
            "code yaml [] ---⏎title: Notes⏎---",
            "h1 [One two] # One *two*",
            "p [One two] Text [link](https://a.b).",
            "list [One two] - a⏎- b",
            "headed [One two] | x | y |⏎|---|---|⏎| 1 | 2 |",
            "code rust [One two] ```rust⏎fn a() {}⏎```",
            "p [One two] [ref]: https://c.d",
        ]
    );
}

#[test]
fn a_word_document_shows_headings_lists_tables_and_leaves_out_deletions() {
    let body = r#"<w:document xmlns:w="w"><w:body>
      <w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Lease</w:t></w:r></w:p>
      <w:p><w:r><w:t xml:space="preserve">Rent is </w:t></w:r><w:del><w:r><w:delText>900</w:delText></w:r></w:del><w:ins><w:r><w:t>950</w:t></w:r></w:ins><w:r><w:tab/><w:t>a month</w:t></w:r></w:p>
      <w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>first</w:t></w:r></w:p>
      <w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>second</w:t></w:r></w:p>
      <w:tbl><w:tr><w:tc><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Due</w:t></w:r></w:p></w:tc></w:tr>
      <w:tr><w:tc><w:p><w:r><w:t>Li</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>3 &lt; 5</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
      </w:body></w:document>"#;
    let core = r#"<cp:coreProperties xmlns:dc="d"><dc:title>The lease</dc:title><dc:language>en-GB</dc:language></cp:coreProperties>"#;
    let reading =
        read("a.docx", &zipped(&[("word/document.xml", body), ("docProps/core.xml", core)])).unwrap();
    assert_eq!((reading.title.as_deref(), reading.language.as_deref()), (Some("The lease"), Some("en-GB")));
    assert_eq!(
        outline(&reading),
        [
            "h1 [Lease] Lease",
            "p [Lease] Rent is 950\ta month",
            "list [Lease] - first⏎  - second",
            "headed [Lease] Name | Due⏎Li | 3 < 5",
        ]
    );
}

#[test]
fn slides_are_pages_and_empty_ones_are_named() {
    let slide = |title: &str, text: &str| {
        format!(
            r#"<p:sld xmlns:p="p" xmlns:a="a"><p:sp><p:nvPr><p:ph type="title"/></p:nvPr><p:txBody><a:p><a:r><a:t>{title}</a:t></a:r></a:p></p:txBody></p:sp><p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp></p:sld>"#
        )
    };
    let bytes = zipped(&[
        ("ppt/slides/slide1.xml", &slide("Plan", "Begin")),
        ("ppt/slides/slide2.xml", &slide("", "")),
        ("ppt/slides/slide10.xml", &slide("End", "Stop")),
    ]);
    let reading = read("a.pptx", &bytes).unwrap();
    assert_eq!((reading.pages, reading.empty_pages.as_slice()), (Some(3), [2].as_slice()));
    assert_eq!(outline(&reading), ["h1 [Plan] Plan", "p [Plan] Begin", "h1 [End] End", "p [End] Stop"]);
    assert_eq!(reading.sections.last().unwrap().page, Some(3));
}

#[test]
fn open_document_text_counts_spaces_and_refuses_a_million_cells() {
    let content = r#"<office:document-content xmlns:text="t" xmlns:table="b" xmlns:office="o"><office:text><text:h text:outline-level="2">Part</text:h><text:p>a<text:s text:c="3"/>b<text:tab/>c</text:p><text:list><text:list-item><text:p>item</text:p></text:list-item></text:list><table:table><table:table-row><table:table-cell><text:p>Name</text:p></table:table-cell><table:table-cell><text:p>Place</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="1000000"/></table:table-row><table:table-row><table:table-cell><text:p>Li</text:p></table:table-cell><table:table-cell><text:p>Rome</text:p></table:table-cell></table:table-row></table:table></office:text></office:document-content>"#;
    let bytes = zipped(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", content)]);
    let reading = read("a.odt", &bytes).unwrap();
    assert_eq!(
        outline(&reading),
        ["h2 [Part] Part", "p [Part] a   b\tc", "list [Part] - item", "headed [Part] Name | Place⏎Li | Rome"]
    );
    let locked = zipped(&[
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("META-INF/manifest.xml", "<manifest><encryption-data/></manifest>"),
        ("content.xml", "garbage"),
    ]);
    assert_eq!(read("a.odt", &locked), Err(Error::Encrypted { wrong_password: false }));
}

#[test]
fn a_book_is_read_in_the_order_of_its_spine() {
    let package = r#"<package><metadata><dc:title xmlns:dc="d">The book</dc:title></metadata><manifest><item id="b" href="two%20b.xhtml" media-type="application/xhtml+xml"/><item id="a" href="one.xhtml" media-type="application/xhtml+xml"/><item id="c" href="cover.png" media-type="image/png"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>"#;
    let bytes = zipped(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", r#"<container><rootfile full-path="OPS/book.opf"/></container>"#),
        ("OPS/book.opf", package),
        ("OPS/one.xhtml", "<html><body><h1>One</h1><p>First.</p></body></html>"),
        ("OPS/two b.xhtml", "<html><body><h1>Two</h1><p>Second.</p></body></html>"),
    ]);
    let reading = read("a.epub", &bytes).unwrap();
    assert_eq!(reading.title.as_deref(), Some("The book"));
    assert_eq!(outline(&reading), ["h1 [One] One", "p [One] First.", "h1 [Two] Two", "p [Two] Second."]);
}

#[test]
fn rich_text_speaks_in_code_pages_and_surrogates() {
    let rtf = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}{\f2\fcharset134 C;}}{\info{\title Letter}{\author Me}}{\*\generator X;}{\stylesheet{\s1 heading;}}\f0 Gr\'fc\'dfe \u8364?\par\pard\outlinelevel0 Part\par\pard\f1 \'ef\'f0\'e8\'e2\'e5\'f2\f2  \'ce\'c4\u-10179?\u-8704?\par{\v hidden}{\pict\bin4 }}}}}\trowd\intbl Name\cell Due\cell\row\intbl Li\cell 3\cell\row\pard end\par}";
    let reading = read("a.rtf", rtf).unwrap();
    assert_eq!(reading.title.as_deref(), Some("Letter"));
    assert_eq!(
        outline(&reading),
        [
            "p [] Grüße €",
            "h1 [Part] Part",
            "p [Part] привет 文😀",
            "headed [Part] Name | Due⏎Li | 3",
            "p [Part] end"
        ]
    );
}

#[test]
fn messages_say_who_and_what_and_name_attachments() {
    let mail = "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: a@example.org\r\nSubject: Rent\r\nDate: Mon, 2 Feb 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>you</b></p>\r\n--b\r\nContent-Type: application/pdf; name=lease.pdf\r\nContent-Disposition: attachment; filename=lease.pdf\r\n\r\nxx\r\n--b--\r\n";
    let reading = read("message", mail.as_bytes()).unwrap();
    assert_eq!((reading.format, reading.title.as_deref()), (Format::Email, Some("Rent")));
    assert!(reading.text.contains("From: Jürgen <j@example.org>"), "{}", reading.text);
    assert!(reading.text.contains("Hello you"), "{}", reading.text);
    assert!(reading.warnings.contains(&Warning::AttachmentsSkipped { names: vec!["lease.pdf".to_owned()] }));
    let mailbox = "From a@b Mon Feb  2\nSubject: One\nFrom: x@y\n\nFrom here on text.\n\nFrom c@d Mon Feb  2\nSubject: Two\nFrom: x@y\n\nMore.\n";
    let reading = read("a.mbox", mailbox.as_bytes()).unwrap();
    let headings: Vec<&str> = reading
        .sections
        .iter()
        .filter(|s| matches!(s.kind, SectionKind::Heading { .. }))
        .map(|s| reading.text_of(s))
        .collect();
    assert_eq!(headings, ["One", "Two"]);
}

#[test]
fn subtitles_give_what_is_said() {
    let srt = "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>Hello</i>\r\nthere.\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nBye.\r\n";
    assert_eq!(read("a.srt", srt.as_bytes()).unwrap().text, "Hello there. Bye.");
    let vtt = "WEBVTT\n\nNOTE nobody reads this\n\n00:01.000 --> 00:02.000\n<v.loud Ann>Hi &amp; bye\n\n00:02.000 --> 00:03.000\n<v.loud Ann>Hi &amp; bye\n";
    assert_eq!(read("a.txt", vtt.as_bytes()).unwrap().text, "Ann: Hi & bye");
}

#[test]
fn json_and_notebooks_can_be_cut() {
    let minified = format!("[{}]", vec![r#"{"name":"x","value":1}"#; 200].join(","));
    assert!(read("a.json", minified.as_bytes()).unwrap().text.lines().count() > 400);
    let notebook = r##"{"nbformat":4,"metadata":{},"cells":[{"cell_type":"markdown","source":["# Title\n","text"]},{"cell_type":"code","source":"print(1)","outputs":[{"data":{"image/png":"AAAA"}}]}]}"##;
    assert_eq!(
        outline(&read("a.ipynb", notebook.as_bytes()).unwrap()),
        ["p [] # Title⏎text", "code python [] print(1)"]
    );
    let lines = "{\"a\":1}\n{\"a\":2}\n";
    assert_eq!(read("a.jsonl", lines.as_bytes()).unwrap().sections.len(), 1);
}

#[test]
fn separators_are_found_out() {
    for separator in [",", ";", "\t", "|"] {
        let text = format!("name{separator}price\n\"a \"\"b\"\"\nc\"{separator}3\n");
        assert_eq!(ingest::csv_rows(&text), [["name", "price"], ["a \"b\"\nc", "3"]], "{separator:?}");
    }
}

#[test]
fn plain_text_finds_underlined_headings_and_chapters() {
    let text = "Chapter 1\n\nIt began.\n\nA part\n------\n\nIt went on.\n";
    assert_eq!(
        outline(&read("a.txt", text.as_bytes()).unwrap()),
        [
            "h1 [Chapter 1] Chapter 1",
            "p [Chapter 1] It began.",
            "h2 [Chapter 1/A part] A part⏎------",
            "p [Chapter 1/A part] It went on."
        ]
    );
}

#[test]
fn line_ends_and_control_characters_are_cleaned() {
    let rest = " and so on".repeat(60);
    let reading = read("a.txt", format!("one\r\ntwo\rthree\u{0}\u{7}\u{85}four\u{ad}five{rest}").as_bytes());
    assert_eq!(reading.unwrap().text, format!("one\ntwo\nthree\nfourfive{rest}"));
}
