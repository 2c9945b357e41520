//! Rich Text Format: a walk over groups and control words, without recursion.
//!
//! Read are the characters (`\'hh` in the code page of the font, `\uN`), paragraphs, headings by outline
//! level, and table rows. Fonts, colours, styles, pictures and every destination marked as ignorable are
//! passed over. The names of the words are those of the RTF specification 1.9.1.

use std::collections::HashMap;

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::{Error, Limits, Measure, writer::Writer};

pub(crate) fn read(bytes: &[u8], limits: &Limits, writer: &mut Writer) -> Result<(), Error> {
    let mut walk = Walk::new(writer, limits.depth);
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match byte {
            b'{' => {
                walk.open()?;
                tail
            }
            b'}' => {
                walk.close();
                tail
            }
            b'\\' => walk.control(tail),
            b'\r' | b'\n' | 0 => tail,
            byte => {
                walk.byte(byte);
                tail
            }
        };
        if walk.writer.is_full() {
            break;
        }
    }
    walk.end_paragraph();
    walk.end_table();
    Ok(())
}

/// What a group inherits and gives back.
#[derive(Clone, Copy)]
struct Group {
    destination: Destination,
    font: i32,
    /// How many characters stand in for a `\u` in readers that do not know it.
    fallback: usize,
    hidden: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Destination {
    Body,
    Title,
    Fonts,
    Skipped,
}

struct Walk<'a> {
    writer: &'a mut Writer,
    deepest: usize,
    groups: Vec<Group>,
    now: Group,
    page: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    /// Bytes of an 8-bit code page not yet decoded: a character may take two.
    pending: Vec<u8>,
    to_skip: usize,
    high_surrogate: Option<u32>,
    starred: bool,
    text: String,
    level: Option<u8>,
    in_row: bool,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl<'a> Walk<'a> {
    fn new(writer: &'a mut Writer, deepest: usize) -> Self {
        Self {
            writer,
            deepest,
            groups: Vec::new(),
            now: Group { destination: Destination::Body, font: -1, fallback: 1, hidden: false },
            page: WINDOWS_1252,
            fonts: HashMap::new(),
            pending: Vec::new(),
            to_skip: 0,
            high_surrogate: None,
            starred: false,
            text: String::new(),
            level: None,
            in_row: false,
            row: Vec::new(),
            rows: Vec::new(),
        }
    }

    fn open(&mut self) -> Result<(), Error> {
        self.decode_pending();
        if self.groups.len() >= self.deepest {
            return Err(Error::TooLarge { what: Measure::Depth, limit: self.deepest as u64 });
        }
        self.groups.push(self.now);
        self.starred = false;
        self.to_skip = 0;
        Ok(())
    }

    fn close(&mut self) {
        self.decode_pending();
        if self.now.destination == Destination::Title {
            let title = std::mem::take(&mut self.text);
            self.writer.propose_title(&title);
        }
        if let Some(group) = self.groups.pop() {
            self.now = group;
        }
        self.to_skip = 0;
    }

    /// One control word or sign; gives back what follows it.
    fn control<'b>(&mut self, input: &'b [u8]) -> &'b [u8] {
        let Some((&first, tail)) = input.split_first() else { return input };
        if first == b'\'' {
            let value =
                tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
            if let Some(value) = value {
                self.byte(value);
            }
            return tail.get(2..).unwrap_or_default();
        }
        if !first.is_ascii_alphabetic() {
            self.sign(first);
            return tail;
        }
        let word_end = input.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(input.len()).min(32);
        let word = std::str::from_utf8(&input[..word_end]).unwrap_or_default();
        let rest = &input[word_end..];
        let digits =
            rest.iter().enumerate().position(|(i, b)| !(b.is_ascii_digit() || (i == 0 && *b == b'-')));
        let number_end = digits.unwrap_or(rest.len()).min(12);
        let number =
            std::str::from_utf8(&rest[..number_end]).ok().and_then(|digits| digits.parse::<i32>().ok());
        let mut rest = &rest[number_end..];
        if rest.first() == Some(&b' ') {
            rest = &rest[1..];
        }
        if word == "bin" {
            let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            return rest.get(length..).unwrap_or_default();
        }
        self.word(word, number);
        rest
    }

    fn sign(&mut self, sign: u8) {
        match sign {
            b'*' => self.starred = true,
            b'~' => self.push('\u{a0}'),
            b'_' => self.push('-'),
            b'\\' | b'{' | b'}' => self.byte(sign),
            b'\n' | b'\r' => self.end_paragraph(),
            _ => {}
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        if word != "u" {
            self.decode_pending();
        }
        match word {
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => self.now.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16),
            "ansicpg" => self.page = code_page(number.unwrap_or(1252)),
            "f" => self.now.font = number.unwrap_or(0),
            "fcharset" if self.now.destination == Destination::Fonts => {
                if let Some(encoding) = charset_encoding(number.unwrap_or(0)) {
                    self.fonts.insert(self.now.font, encoding);
                }
            }
            "fonttbl" => self.now.destination = Destination::Fonts,
            "title" if self.now.destination == Destination::Skipped => {
                self.now.destination = Destination::Title;
                self.text.clear();
            }
            "v" => self.now.hidden = number != Some(0),
            "plain" => self.now.hidden = false,
            "par" | "sect" | "page" => self.end_paragraph(),
            "pard" => {
                self.level = None;
                self.in_row = false;
            }
            "intbl" => self.in_row = true,
            "outlinelevel" => self.level = number.and_then(|n| u8::try_from(n + 1).ok()).filter(|l| *l <= 9),
            "cell" => self.end_cell(),
            "row" => self.end_row(),
            _ => self.word_of_text(word),
        }
        self.starred = false;
    }

    fn word_of_text(&mut self, word: &str) {
        let character = match word {
            "line" => '\n',
            "tab" => '\t',
            "emdash" => '—',
            "endash" => '–',
            "bullet" => '•',
            "lquote" => '‘',
            "rquote" => '’',
            "ldblquote" => '“',
            "rdblquote" => '”',
            "emspace" | "enspace" | "qmspace" => ' ',
            _ => {
                if self.starred || is_skipped(word) {
                    self.now.destination = Destination::Skipped;
                }
                return;
            }
        };
        self.push(character);
    }

    /// `\uN`: a UTF-16 unit as a signed number, followed by characters for readers that do not know it.
    fn unicode(&mut self, number: i32) {
        self.decode_pending();
        self.to_skip = self.now.fallback;
        let unit = (number & 0xffff) as u32;
        match (self.high_surrogate.take(), unit) {
            (_, 0xd800..=0xdbff) => self.high_surrogate = Some(unit),
            (Some(high), 0xdc00..=0xdfff) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00);
                self.push_unskipped(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            (_, unit) => self.push_unskipped(char::from_u32(unit).unwrap_or('\u{fffd}')),
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
        } else if self.is_shown() {
            self.pending.push(byte);
        }
    }

    fn push(&mut self, c: char) {
        self.decode_pending();
        if self.to_skip > 0 {
            self.to_skip -= 1;
        } else {
            self.push_unskipped(c);
        }
    }

    fn push_unskipped(&mut self, c: char) {
        if self.is_shown() {
            self.text.push(c);
        }
    }

    fn is_shown(&self) -> bool {
        matches!(self.now.destination, Destination::Body | Destination::Title) && !self.now.hidden
    }

    fn decode_pending(&mut self) {
        if !self.pending.is_empty() {
            let encoding = self.fonts.get(&self.now.font).copied().unwrap_or(self.page);
            let bytes = std::mem::take(&mut self.pending);
            self.text.push_str(&encoding.decode_without_bom_handling(&bytes).0);
        }
    }

    fn end_paragraph(&mut self) {
        self.decode_pending();
        if self.now.destination != Destination::Body {
            return;
        }
        if self.in_row {
            self.text.push('\n');
            return;
        }
        self.end_table();
        let text = std::mem::take(&mut self.text);
        match self.level {
            Some(level) => self.writer.heading(level, &text),
            None => self.writer.paragraph(&text),
        }
    }

    fn end_cell(&mut self) {
        self.decode_pending();
        let cell = std::mem::take(&mut self.text);
        self.row.push(cell.trim().to_owned());
    }

    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        self.rows.push(row);
    }

    fn end_table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            let headed = super::table::is_headed(&rows);
            self.writer.table(&rows, headed);
        }
    }
}

/// Destinations without text of the document.
fn is_skipped(word: &str) -> bool {
    matches!(
        word,
        "colortbl"
            | "stylesheet"
            | "info"
            | "pict"
            | "object"
            | "listtable"
            | "listoverridetable"
            | "revtbl"
            | "rsidtbl"
            | "generator"
            | "xmlnstbl"
            | "themedata"
            | "colorschememapping"
            | "datastore"
            | "latentstyles"
            | "fldinst"
            | "bkmkstart"
            | "bkmkend"
            | "filetbl"
            | "nonshppict"
            | "listtext"
            | "pntext"
            | "pgdsctbl"
            | "mmathPr"
            | "private"
            | "author"
            | "operator"
            | "company"
            | "doccomm"
    )
}

fn code_page(number: i32) -> &'static Encoding {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10000 => "macintosh".to_owned(),
        65001 => "utf-8".to_owned(),
        866 => "ibm866".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

/// The code page behind a font's character set number.
fn charset_encoding(charset: i32) -> Option<&'static Encoding> {
    let page = match charset {
        0 => 1252,
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    };
    Some(code_page(page))
}
