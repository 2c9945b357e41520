//! What a file is: decided by its first bytes, and only where those leave it open by its name.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The formats Edgewise tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Word, since 2007.
    Docx,
    /// PowerPoint, since 2007.
    Pptx,
    /// Excel, since 2007.
    Xlsx,
    /// Excel, binary parts in a zip.
    Xlsb,
    /// Excel before 2007.
    Xls,
    /// OpenDocument text.
    Odt,
    /// OpenDocument presentation.
    Odp,
    /// OpenDocument spreadsheet.
    Ods,
    /// E-book.
    Epub,
    /// A web page.
    Html,
    /// Markdown.
    Markdown,
    /// Plain text.
    Text,
    /// Values separated by commas, semicolons or bars.
    Csv,
    /// Values separated by tabs.
    Tsv,
    /// JSON.
    Json,
    /// One JSON value a line.
    JsonLines,
    /// XML that is no web page and no office file.
    Xml,
    /// Source code.
    Code,
    /// SubRip subtitles.
    Srt,
    /// WebVTT subtitles.
    Vtt,
    /// One e-mail message.
    Email,
    /// A mailbox of many messages.
    Mbox,
    /// A message as Outlook saves it.
    OutlookMessage,
    /// Rich Text Format.
    Rtf,
    /// An office file encrypted with a password.
    EncryptedOffice,
    /// Word, PowerPoint and others before 2007, which are not read.
    OldOffice,
    /// A picture.
    Image,
    /// A sound recording.
    Audio,
    /// A film.
    Video,
    /// An archive or a compressed file.
    Archive,
    /// A program or a library.
    Program,
    /// A database file.
    Database,
    /// A font.
    Font,
    /// Bytes that are no text and nothing known.
    Binary,
    /// No bytes.
    Empty,
}

impl Format {
    /// What a sentence calls it, in English, lower case but for names.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pdf => "PDF document",
            Self::Docx => "Word document",
            Self::Pptx => "PowerPoint presentation",
            Self::Xlsx | Self::Xlsb | Self::Xls => "Excel workbook",
            Self::Odt => "OpenDocument text",
            Self::Odp => "OpenDocument presentation",
            Self::Ods => "OpenDocument spreadsheet",
            Self::Epub => "e-book",
            Self::Html => "web page",
            Self::Markdown => "Markdown file",
            Self::Text => "text file",
            Self::Csv | Self::Tsv => "table of values",
            Self::Json | Self::JsonLines => "JSON file",
            Self::Xml => "XML file",
            Self::Code => "source file",
            Self::Srt | Self::Vtt => "subtitle file",
            Self::Email | Self::OutlookMessage => "e-mail message",
            Self::Mbox => "mailbox",
            Self::Rtf => "rich text document",
            Self::EncryptedOffice => "encrypted office document",
            Self::OldOffice => "document of an old office format",
            Self::Image => "picture",
            Self::Audio => "sound recording",
            Self::Video => "film",
            Self::Archive => "compressed archive",
            Self::Program => "program",
            Self::Database => "database",
            Self::Font => "font",
            Self::Binary => "file of an unknown kind",
            Self::Empty => "empty file",
        }
    }

    /// Whether a reader exists for it.
    pub fn is_readable(self) -> bool {
        !matches!(
            self,
            Self::EncryptedOffice
                | Self::OldOffice
                | Self::Image
                | Self::Audio
                | Self::Video
                | Self::Archive
                | Self::Program
                | Self::Database
                | Self::Font
                | Self::Binary
                | Self::Empty
        )
    }

    /// Whether it is text to begin with, so that its encoding matters.
    pub(crate) fn is_plain(self) -> bool {
        matches!(
            self,
            Self::Html
                | Self::Markdown
                | Self::Text
                | Self::Csv
                | Self::Tsv
                | Self::Json
                | Self::JsonLines
                | Self::Xml
                | Self::Code
                | Self::Srt
                | Self::Vtt
        )
    }
}

/// How far into a PDF its signature may stand: real files carry mail headers or blank lines before it.
const PDF_SLACK: usize = 1024;

/// The format of a file by its bytes (all of them, or at least the first 64 KiB) and, where these leave a
/// choice, by its name. Never fails: what is nothing known is [`Format::Binary`].
pub fn probe(bytes: &[u8], name: &str) -> Format {
    if bytes.is_empty() {
        return Format::Empty;
    }
    if let Some(format) = by_signature(bytes) {
        return format;
    }
    if !crate::encoding::looks_like_text(bytes) {
        return Format::Binary;
    }
    by_text(bytes, name)
}

/// The extension of a name in lower case, without the dot; empty where there is none.
pub(crate) fn extension(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match file.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_lowercase(),
        _ => String::new(),
    }
}

fn by_signature(bytes: &[u8]) -> Option<Format> {
    const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Some(zipped(bytes));
    }
    if bytes.starts_with(OLE) {
        return Some(compound(bytes));
    }
    if bytes.starts_with(b"{\\rtf") {
        return Some(Format::Rtf);
    }
    if let Some((_, format)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Some(*format);
    }
    if let Some(format) = boxed_media(bytes) {
        return Some(format);
    }
    let head = &bytes[..bytes.len().min(PDF_SLACK)];
    memchr::memmem::find(head, b"%PDF-").map(|_| Format::Pdf)
}

const SIGNATURES: &[(&[u8], Format)] = &[
    (b"\x89PNG\r\n\x1a\n", Format::Image),
    (b"\xff\xd8\xff", Format::Image),
    (b"GIF87a", Format::Image),
    (b"GIF89a", Format::Image),
    (b"BM\x00\x00", Format::Image),
    (b"II*\x00", Format::Image),
    (b"MM\x00*", Format::Image),
    (b"\x00\x00\x01\x00", Format::Image),
    (b"8BPS", Format::Image),
    (b"\xd7\xcd\xc6\x9a", Format::Image),
    (b"ID3", Format::Audio),
    (b"\xff\xfb", Format::Audio),
    (b"\xff\xf3", Format::Audio),
    (b"OggS", Format::Audio),
    (b"fLaC", Format::Audio),
    (b"\x1aE\xdf\xa3", Format::Video),
    (b"\x1f\x8b\x08", Format::Archive),
    (b"BZh", Format::Archive),
    (b"\xfd7zXZ\x00", Format::Archive),
    (b"7z\xbc\xaf\x27\x1c", Format::Archive),
    (b"Rar!\x1a\x07", Format::Archive),
    (b"\x28\xb5\x2f\xfd", Format::Archive),
    (b"!<arch>\n", Format::Archive),
    (b"\x7fELF", Format::Program),
    (b"MZ\x90\x00", Format::Program),
    (b"\xca\xfe\xba\xbe", Format::Program),
    (b"\xfe\xed\xfa\xce", Format::Program),
    (b"\xfe\xed\xfa\xcf", Format::Program),
    (b"\xcf\xfa\xed\xfe", Format::Program),
    (b"\x00asm", Format::Program),
    (b"SQLite format 3\x00", Format::Database),
    (b"wOFF", Format::Font),
    (b"wOF2", Format::Font),
    (b"OTTO\x00", Format::Font),
    (b"\x00\x01\x00\x00\x00", Format::Font),
];

/// RIFF and ISO base media files say what they are a few bytes in.
fn boxed_media(bytes: &[u8]) -> Option<Format> {
    if bytes.starts_with(b"RIFF") {
        return match bytes.get(8..12)? {
            b"WEBP" => Some(Format::Image),
            b"WAVE" => Some(Format::Audio),
            b"AVI " => Some(Format::Video),
            _ => None,
        };
    }
    if bytes.get(4..8)? == b"ftyp" {
        return Some(match bytes.get(8..12)? {
            b"avif" | b"heic" | b"heix" | b"mif1" => Format::Image,
            b"M4A " | b"M4B " => Format::Audio,
            _ => Format::Video,
        });
    }
    (bytes.get(257..262) == Some(b"ustar")).then_some(Format::Archive)
}

/// Which of the many formats that live in a zip.
fn zipped(bytes: &[u8]) -> Format {
    let names = entry_names(bytes);
    let has = |prefix: &str| names.iter().any(|name| name.starts_with(prefix));
    if let Some(kind) = declared_kind(bytes) {
        return kind;
    }
    if has("word/") {
        Format::Docx
    } else if has("ppt/") {
        Format::Pptx
    } else if names.iter().any(|name| name == "xl/workbook.bin") {
        Format::Xlsb
    } else if has("xl/") {
        Format::Xlsx
    } else if has("META-INF/container.xml") {
        Format::Epub
    } else {
        Format::Archive
    }
}

/// OpenDocument files and e-books put their media type, stored plainly, into the first entry.
fn declared_kind(bytes: &[u8]) -> Option<Format> {
    let name_length = usize::from(u16::from_le_bytes(bytes.get(26..28)?.try_into().ok()?));
    let extra_length = usize::from(u16::from_le_bytes(bytes.get(28..30)?.try_into().ok()?));
    if bytes.get(30..30 + name_length)? != b"mimetype" {
        return None;
    }
    let start = 30 + name_length + extra_length;
    let kind = bytes.get(start..bytes.len().min(start + 80))?;
    let table: [(&[u8], Format); 5] = [
        (b"application/epub+zip", Format::Epub),
        (b"application/vnd.oasis.opendocument.text", Format::Odt),
        (b"application/vnd.oasis.opendocument.presentation", Format::Odp),
        (b"application/vnd.oasis.opendocument.spreadsheet", Format::Ods),
        (b"application/vnd.oasis.opendocument.graphics", Format::Odp),
    ];
    table.into_iter().find(|(prefix, _)| kind.starts_with(prefix)).map(|(_, format)| format)
}

/// Names by the central directory where all bytes are at hand, else by the local headers in the head.
fn entry_names(bytes: &[u8]) -> Vec<String> {
    if let Ok(archive) = zip::ZipArchive::new(std::io::Cursor::new(bytes)) {
        return archive.file_names().take(5_000).flatten().map(Cow::into_owned).collect();
    }
    memchr::memmem::find_iter(bytes, b"PK\x03\x04")
        .take(200)
        .filter_map(|at| {
            let length = usize::from(u16::from_le_bytes(bytes.get(at + 26..at + 28)?.try_into().ok()?));
            let name = bytes.get(at + 30..at + 30 + length.min(200))?;
            Some(String::from_utf8_lossy(name).into_owned())
        })
        .collect()
}

/// Which of the formats in an OLE compound file, by the names in its directory, which are UTF-16.
fn compound(bytes: &[u8]) -> Format {
    let holds = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memchr::memmem::find(bytes, &wide).is_some()
    };
    if holds("EncryptedPackage") {
        Format::EncryptedOffice
    } else if holds("__properties_version1.0") {
        Format::OutlookMessage
    } else if holds("WordDocument") || holds("PowerPoint Document") {
        Format::OldOffice
    } else if holds("Workbook") || holds("Book") {
        Format::Xls
    } else {
        Format::OldOffice
    }
}

/// Text: a signature in the text decides where one is certain, else the extension, else the look of it.
fn by_text(bytes: &[u8], name: &str) -> Format {
    let head = crate::encoding::head(bytes);
    let start = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if start.starts_with("WEBVTT") {
        return Format::Vtt;
    }
    let extension = extension(name);
    if let Some(format) = by_extension(&extension) {
        return match format {
            // A web page saved under a text name is still a web page.
            Format::Text | Format::Markdown if looks_like_html_document(start) => Format::Html,
            format => format,
        };
    }
    let lower: String = start.chars().take(400).collect::<String>().to_lowercase();
    if looks_like_html_document(start) {
        Format::Html
    } else if lower.starts_with("<?xml") || (lower.starts_with('<') && lower.contains("xmlns")) {
        Format::Xml
    } else if looks_like_mbox(start) {
        Format::Mbox
    } else if looks_like_email(start) {
        Format::Email
    } else if looks_like_json(bytes) {
        Format::Json
    } else if crate::read::code::language_of_file(name).is_some() || start.starts_with("#!") {
        Format::Code
    } else {
        Format::Text
    }
}

fn by_extension(extension: &str) -> Option<Format> {
    Some(match extension {
        "md" | "markdown" | "mdown" | "mkd" | "mdx" | "qmd" | "rmd" => Format::Markdown,
        "txt" | "text" | "log" | "asc" | "rst" | "adoc" | "org" | "tex" => Format::Text,
        "html" | "htm" | "xhtml" | "xht" | "shtml" => Format::Html,
        "csv" => Format::Csv,
        "tsv" | "tab" => Format::Tsv,
        "json" | "geojson" | "ipynb" | "webmanifest" => Format::Json,
        "jsonl" | "ndjson" => Format::JsonLines,
        "srt" => Format::Srt,
        "vtt" => Format::Vtt,
        "eml" => Format::Email,
        "mbox" | "mbx" => Format::Mbox,
        "xml" | "svg" | "rss" | "atom" | "opml" | "xsd" | "xsl" | "xslt" | "plist" | "dita" => Format::Xml,
        other if crate::read::code::language(other).is_some() => Format::Code,
        _ => return None,
    })
}

fn looks_like_html_document(start: &str) -> bool {
    let lower: String = start.chars().take(200).collect::<String>().to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| lower.starts_with(tag))
        || (lower.starts_with("<?xml") && start.contains("<html"))
        || (lower.starts_with("<!--") && start.contains("<html"))
}

fn looks_like_mbox(start: &str) -> bool {
    let mut lines = start.lines();
    lines.next().is_some_and(|line| line.starts_with("From ") && line.len() > 10)
        && lines.next().is_some_and(|line| line.contains(':'))
}

/// At least two header lines that every message has before the first empty line.
fn looks_like_email(start: &str) -> bool {
    let known =
        ["from:", "to:", "subject:", "date:", "received:", "message-id:", "mime-version:", "return-path:"];
    let mut found = 0;
    for line in start.lines().take(60) {
        if line.is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if known.iter().any(|header| lower.starts_with(header)) {
            found += 1;
        } else if !line.starts_with([' ', '\t']) && !line.contains(':') {
            return false;
        }
    }
    found >= 2
}

fn looks_like_json(bytes: &[u8]) -> bool {
    let trimmed = bytes.trim_ascii();
    let bounded =
        matches!((trimmed.first(), trimmed.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
    bounded && trimmed.len() < 4 << 20 && serde_json::from_slice::<serde::de::IgnoredAny>(trimmed).is_ok()
}
