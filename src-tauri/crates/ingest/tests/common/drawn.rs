//! Generated PDFs of which every word's place is known: the truth against which places and marks are measured.

use std::fmt::Write as _;

/// Widths of the letters 32 to 126, in thousandths of the size.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const TIMES: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500,
    500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722, 722, 333,
    389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469,
    500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389,
    278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];
const COURIER: [u16; 95] = [600; 95];
/// Of `fi` and `fl`, which the fonts have at the codes 1 and 2.
const LIGATURE: u16 = 540;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Font {
    Helvetica,
    Times,
    Courier,
    Song,
}

impl Font {
    fn width(self, letter: char) -> u16 {
        let widths = match self {
            Self::Helvetica => &HELVETICA,
            Self::Times => &TIMES,
            Self::Courier => &COURIER,
            Self::Song => return 1000,
        };
        match letter {
            'ﬁ' | 'ﬂ' => LIGATURE,
            letter => widths[letter as usize - 32],
        }
    }

    fn of(self, text: &str, size: f64) -> f64 {
        text.chars().map(|letter| f64::from(self.width(letter))).sum::<f64>() * size / 1000.0
    }
}

/// A word, or the part of one on a line, and where it is seen: from the upper left of the page as it is shown, in points.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    pub text: String,
    /// The line it stands in, counted over the page.
    pub line: usize,
    pub left: f64,
    /// Of its base line.
    pub base: f64,
    pub width: f64,
    pub size: f64,
}

#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In the order of reading.
    pub words: Vec<Word>,
    fonts: Vec<Font>,
}

/// How pages are laid out and drawn.
#[derive(Debug, Clone)]
pub struct Way {
    pub name: &'static str,
    pub font: Font,
    pub size: f64,
    pub columns: usize,
    pub hyphens: bool,
    pub ligatures: bool,
    /// In which order and pieces the words are drawn.
    pub order: Order,
    /// Degrees that the page is turned by.
    pub turned: i32,
    /// The part of the page that is shown, where that is not all.
    pub cropped: bool,
    /// As the layer of text over a scan.
    pub invisible: bool,
    /// A running head and foot.
    pub running: bool,
    pub contents: Contents,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// A line in one piece.
    Lines,
    /// Each word by itself, in no order.
    Words,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    Prose,
    /// Sentences stand on the page more than once.
    Repeated,
    /// Sentences that differ in a number only.
    Alike,
    Chinese,
    Table,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            name: "",
            font: Font::Helvetica,
            size: 11.0,
            columns: 1,
            hyphens: false,
            ligatures: false,
            order: Order::Lines,
            turned: 0,
            cropped: false,
            invisible: false,
            running: false,
            contents: Contents::Prose,
        }
    }
}

/// The documents that are measured.
pub fn ways() -> Vec<Way> {
    use Contents::{Alike, Chinese, Repeated, Table};
    let way = |name| Way { name, ..Way::default() };
    vec![
        Way { running: true, ..way("running") },
        Way { font: Font::Times, size: 8.5, columns: 2, running: true, ..way("columns") },
        Way { font: Font::Courier, size: 10.0, ..way("typewriter") },
        Way { font: Font::Times, size: 12.0, columns: 2, hyphens: true, ..way("hyphens") },
        Way { ligatures: true, font: Font::Times, size: 14.0, ..way("ligatures") },
        Way { contents: Repeated, ..way("repeated") },
        Way { contents: Repeated, columns: 2, size: 8.0, ..way("repeated-columns") },
        Way { contents: Alike, font: Font::Times, ..way("alike") },
        Way { contents: Table, size: 10.0, ..way("table") },
        Way { contents: Chinese, font: Font::Song, size: 12.0, ..way("chinese") },
        Way { turned: 90, ..way("turned") },
        Way { turned: 180, size: 10.0, ..way("upside-down") },
        Way { turned: 270, size: 9.0, font: Font::Times, ..way("turned-left") },
        Way { cropped: true, font: Font::Times, ..way("cropped") },
        Way { invisible: true, ..way("scan-layer") },
        Way { order: Order::Words, font: Font::Times, ..way("shuffled-words") },
        Way { order: Order::Words, turned: 90, ..way("shuffled-turned") },
        Way { order: Order::Words, cropped: true, ..way("shuffled-cropped") },
    ]
}

/// The page as it is shown.
pub const WIDTH: f64 = 540.0;
pub const HEIGHT: f64 = 720.0;
const MARGIN: f64 = 54.0;
const GUTTER: f64 = 36.0;
const PAGES: usize = 2;

/// A document's bytes, and what is drawn on its pages.
pub fn document(way: &Way) -> (Vec<u8>, Vec<Page>) {
    let mut random = Random(
        way.name.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte))),
    );
    let pages: Vec<Page> = (1..=PAGES).map(|number| page(way, number, &mut random)).collect();
    let streams: Vec<String> = pages.iter().map(|page| stream(way, page, &mut random)).collect();
    (pdf(way, &streams), pages)
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for end in (1..all.len()).rev() {
            let other = self.below(end + 1);
            all.swap(end, other);
        }
    }
}

const WORDS: &[&str] = &[
    "tenant",
    "landlord",
    "office",
    "finance",
    "affidavit",
    "flat",
    "roof",
    "heating",
    "repair",
    "notice",
    "deposit",
    "months",
    "interest",
    "the",
    "of",
    "and",
    "with",
    "may",
    "must",
    "keeps",
    "returns",
    "before",
    "after",
    "whenever",
    "profile",
    "shuffle",
    "efficient",
    "waffle",
    "euros",
    "agreement",
    "clause",
    "early",
    "ending",
    "written",
    "harbour",
    "granite",
    "lighthouse",
    "keeper",
    "weather",
    "storm",
    "between",
    "mainland",
    "quarry",
    "gallery",
    "flashes",
];
const SIGNS: &str = "租期押金利息房东承租人修理屋顶暖气书面同意通知三个月归还合同条款提前结束向量检索段落距离融合排名灯塔守风暴花岗岩石";

fn sentence(way: &Way, random: &mut Random, number: usize) -> String {
    match way.contents {
        Contents::Chinese => {
            let signs: Vec<char> = SIGNS.chars().collect();
            let length = 10 + random.below(18);
            (0..length).map(|_| signs[random.below(signs.len())]).chain(['。']).collect()
        }
        Contents::Alike => format!(
            "The {} pays {} euros for the repair of the {} within {} months and in writing.",
            random.pick(&WORDS[..6]),
            100 + random.below(900),
            random.pick(&WORDS[5..9]),
            2 + random.below(9),
        ),
        _ => {
            let length = 6 + random.below(10);
            let mut words: Vec<String> = (0..length).map(|_| random.pick(WORDS).to_owned()).collect();
            if number.is_multiple_of(4) {
                words.push(format!("{}", 1000 + random.below(9000)));
            }
            let said = words.join(" ");
            format!("{}{}.", said[..1].to_uppercase(), &said[1..])
        }
    }
}

/// Paragraphs of sentences.
fn paragraphs(way: &Way, random: &mut Random) -> Vec<Vec<String>> {
    let mut told: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for _ in 0..12 {
        let count = 3 + random.below(3);
        let mut paragraph = Vec::new();
        for _ in 0..count {
            let again = way.contents == Contents::Repeated && told.len() > 2 && random.below(10) < 4;
            let said = if again {
                told[random.below(told.len())].clone()
            } else {
                sentence(way, random, told.len())
            };
            told.push(said.clone());
            paragraph.push(said);
        }
        all.push(paragraph);
    }
    all
}

/// Paragraphs of a document without pages, with sentences that stand in it several times: two languages and a table.
pub fn letter() -> Vec<String> {
    let mut random = Random(41);
    let way = |contents| Way { contents, ..Way::default() };
    let mut all = paragraphs(&way(Contents::Repeated), &mut random);
    all.extend(paragraphs(&way(Contents::Chinese), &mut random));
    all.extend(paragraphs(&way(Contents::Alike), &mut random));
    let joined = |sentences: Vec<String>| sentences.join(if sentences[0].is_ascii() { " " } else { "" });
    all.into_iter().map(joined).collect()
}

fn page(way: &Way, number: usize, random: &mut Random) -> Page {
    let mut page = Page::default();
    let mut pen = Pen { line: 0, page: &mut page };
    if way.running {
        pen.put(Font::Helvetica, 8.0, MARGIN, 32.0, &format!("Harbour Row Quarterly, part {number}"));
    }
    if way.contents == Contents::Table {
        table(way, random, &mut pen);
    } else {
        prose(way, random, &mut pen);
    }
    if way.running {
        pen.put(
            Font::Helvetica,
            8.0,
            WIDTH / 2.0 - 20.0,
            HEIGHT - 24.0,
            &format!("page {number} of {PAGES}"),
        );
    }
    page
}

struct Pen<'a> {
    line: usize,
    page: &'a mut Page,
}

impl Pen<'_> {
    /// Puts a line of words; a Chinese one is one word for each sign.
    fn put(&mut self, font: Font, size: f64, left: f64, base: f64, text: &str) {
        let mut x = left;
        let mut word = String::new();
        let mut begin = left;
        for letter in text.chars() {
            if letter == ' ' {
                self.word(font, size, begin, base, &mut word);
                x += font.of(" ", size);
                begin = x;
                continue;
            }
            word.push(letter);
            x += font.of(&letter.to_string(), size);
            if font == Font::Song {
                self.word(font, size, begin, base, &mut word);
                begin = x;
            }
        }
        self.word(font, size, begin, base, &mut word);
        self.line += 1;
    }

    fn word(&mut self, font: Font, size: f64, left: f64, base: f64, text: &mut String) {
        if text.is_empty() {
            return;
        }
        let width = font.of(text, size);
        let text = std::mem::take(text);
        self.page.words.push(Word { text, line: self.line, left, base, width, size });
        self.page.fonts.push(font);
    }
}

fn prose(way: &Way, random: &mut Random, pen: &mut Pen<'_>) {
    let columns = way.columns as f64;
    let width = (WIDTH - 2.0 * MARGIN - GUTTER * (columns - 1.0)) / columns;
    let paragraphs = paragraphs(way, random);
    let mut next = paragraphs.iter();
    for column in 0..way.columns {
        let left = MARGIN + column as f64 * (width + GUTTER);
        let mut base = 70.0;
        for paragraph in next.by_ref() {
            let separator = if way.font == Font::Song { "" } else { " " };
            let lines = wrapped(way, &paragraph.join(separator), width);
            for line in &lines {
                pen.put(way.font, way.size, left, base, line);
                base += way.size * 1.35;
            }
            base += way.size;
            // The next paragraph has to fit as a whole.
            if base > HEIGHT - 70.0 - way.size * 1.35 * (5.0 + 6.0 * columns) {
                break;
            }
        }
    }
}

fn wrapped(way: &Way, text: &str, width: f64) -> Vec<String> {
    let text = if way.ligatures { text.replace("fi", "ﬁ").replace("fl", "ﬂ") } else { text.to_owned() };
    if way.font == Font::Song {
        let signs: Vec<char> = text.chars().collect();
        let count = (width / way.size) as usize;
        return signs.chunks(count).map(|line| line.iter().collect()).collect();
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if way.font.of(&longer, way.size) <= width {
            line = longer;
            continue;
        }
        // What still fits of a long word stays on the line.
        let may = way.hyphens && word.len() > 6 && word.bytes().all(|byte| byte.is_ascii_lowercase());
        let end = if may { word.len() - 2 } else { 0 };
        let cut = (3..end.max(3))
            .rev()
            .find(|&at| way.font.of(&format!("{line} {}-", &word[..at]), way.size) <= width);
        match cut {
            Some(at) => {
                let _ = write!(line, " {}-", &word[..at]);
                lines.push(std::mem::replace(&mut line, word[at..].to_owned()));
            }
            None => lines.push(std::mem::replace(&mut line, word.to_owned())),
        }
    }
    lines.push(line);
    lines
}

/// Rows of five cells, no two of which are alike.
fn table(way: &Way, random: &mut Random, pen: &mut Pen<'_>) {
    let names = ["Item", "Supplier", "Received", "Remark", "Euros"];
    let mut told: Vec<String> = Vec::new();
    for row in 0..34 {
        let base = 76.0 + f64::from(row) * 17.0;
        for (column, name) in names.iter().enumerate() {
            let mut text = || match (row, column) {
                (0, _) => (*name).to_owned(),
                (_, 0) => format!("No {}", 3000 + row * 7 + i32::try_from(random.below(6)).unwrap()),
                (_, 4) => format!("{}.{:02}", 10 + random.below(900), random.below(100)),
                (_, 2) => format!("{:02}.{:02}.2025", 1 + random.below(28), 1 + random.below(12)),
                _ => format!("{} {}", random.pick(WORDS), random.pick(WORDS)),
            };
            let text = loop {
                let text = text();
                if told.iter().all(|other| !other.contains(&text) && !text.contains(other.as_str())) {
                    break text;
                }
            };
            told.push(text.clone());
            pen.put(way.font, way.size, MARGIN + column as f64 * 90.0, base, &text);
        }
    }
}

/// The drawing of a page.
fn stream(way: &Way, page: &Page, random: &mut Random) -> String {
    let mut pieces: Vec<(String, f64, f64, f64, Font)> = Vec::new();
    let mut last = None;
    for (word, &font) in page.words.iter().zip(&page.fonts) {
        match way.order {
            Order::Lines if last == Some(word.line) => {
                let line = pieces.last_mut().unwrap();
                if font != Font::Song {
                    line.0.push(' ');
                }
                line.0.push_str(&word.text);
            }
            _ => pieces.push((word.text.clone(), word.left, word.base, word.size, font)),
        }
        last = Some(word.line);
    }
    if way.order != Order::Lines {
        random.shuffle(&mut pieces);
    }
    let mut out = String::from(if way.invisible { "BT 3 Tr\n" } else { "BT\n" });
    let (x, y) = origin(way);
    for (text, left, base, size, font) in pieces {
        let matrix = match way.turned {
            90 => format!("0 1 -1 0 {base:.3} {left:.3}"),
            180 => format!("-1 0 0 -1 {:.3} {base:.3}", WIDTH - left),
            270 => format!("0 -1 1 0 {:.3} {:.3}", HEIGHT - base, WIDTH - left),
            _ => format!("1 0 0 1 {:.3} {:.3}", x + left, y + HEIGHT - base),
        };
        let name = match font {
            Font::Helvetica => "F1",
            Font::Times => "F2",
            Font::Courier => "F3",
            Font::Song => "F4",
        };
        let _ = writeln!(out, "/{name} {size} Tf {matrix} Tm {} Tj", shown(font, &text));
    }
    out.push_str("ET");
    out
}

fn shown(font: Font, text: &str) -> String {
    if font == Font::Song {
        let codes: String = text.chars().map(|sign| format!("{:04X}", u32::from(sign))).collect();
        return format!("<{codes}>");
    }
    let codes = text.chars().map(|letter| match letter {
        'ﬁ' => "\\001".to_owned(),
        'ﬂ' => "\\002".to_owned(),
        '(' | ')' | '\\' => format!("\\{letter}"),
        letter => letter.to_string(),
    });
    format!("({})", codes.collect::<String>())
}

/// Where the lower left of what is shown lies in the page's own coordinates.
pub fn origin(way: &Way) -> (f64, f64) {
    if way.cropped { (35.0, -20.0) } else { (0.0, 0.0) }
}

fn pdf(way: &Way, streams: &[String]) -> Vec<u8> {
    const FIRST: usize = 10;
    let kids: Vec<String> = (0..streams.len()).map(|index| format!("{} 0 R", FIRST + index * 2)).collect();
    let font = |name: &str, widths: &[u16; 95]| {
        let widths: Vec<String> = widths.iter().map(ToString::to_string).collect();
        // The codes from 3 to 31 are not used.
        let unused = "0 ".repeat(29);
        format!(
            "<< /Type /Font /Subtype /Type1 /BaseFont /{name} /FirstChar 1 /LastChar 126 /Widths [{LIGATURE} {LIGATURE} {unused}{}] \
             /Encoding << /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [1 /fi /fl] >> >>",
            widths.join(" ")
        )
    };
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), streams.len()),
        font("Helvetica", &HELVETICA),
        font("Times-Roman", &TIMES),
        font("Courier", &COURIER),
        "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [7 0 R] >>".to_owned(),
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /DW 1000 /FontDescriptor 8 0 R >>".to_owned(),
        "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>".to_owned(),
        "<< >>".to_owned(),
    ];
    let boxes = match (way.turned, way.cropped) {
        (180, _) => format!("/MediaBox [0 0 {WIDTH} {HEIGHT}] /Rotate 180"),
        (90 | 270, _) => format!("/MediaBox [0 0 {HEIGHT} {WIDTH}] /Rotate {}", way.turned),
        (_, true) => {
            let (x, y) = origin(way);
            format!(
                "/MediaBox [-40 -60 {} {}] /CropBox [{x} {y} {} {}]",
                x + WIDTH + 30.0,
                y + HEIGHT + 45.0,
                x + WIDTH,
                y + HEIGHT
            )
        }
        _ => format!("/MediaBox [0 0 {WIDTH} {HEIGHT}]"),
    };
    for (index, stream) in streams.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R {boxes} /Resources << /Font << /F1 3 0 R /F2 4 0 R /F3 5 0 R /F4 6 0 R >> >> /Contents {} 0 R >>",
            FIRST + index * 2 + 1
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()));
    }
    let mut out = "%PDF-1.4\n".to_owned();
    let mut offsets = String::new();
    for (number, object) in (1..).zip(&objects) {
        let _ = writeln!(offsets, "{:010} 00000 n ", out.len());
        let _ = writeln!(out, "{number} 0 obj\n{object}\nendobj");
    }
    let (start, size) = (out.len(), objects.len() + 1);
    let _ = write!(
        out,
        "xref\n0 {size}\n0000000000 65535 f \n{offsets}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    out.into_bytes()
}
