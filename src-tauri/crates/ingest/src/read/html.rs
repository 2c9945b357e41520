//! Web pages to text, over the tokens of `html5ever` without a tree.
//!
//! A tree costs time that grows with the square of the nesting and stack that grows with it; a page of a
//! hundred thousand open tags is a known attack. Tokens are read once, in linear time, and what is asked of
//! them here (headings, paragraphs, lists, tables, preformatted text, the article within the page) needs only
//! counters. Nothing is fetched and no script is looked at.

use std::cell::RefCell;
use std::collections::BTreeMap;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use crate::{SectionKind, writer::Writer};

/// How much of a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The `main` or `article` of the page where it has one of substance, without navigation.
    Article,
    /// Everything visible.
    All,
}

/// An article shorter than this many characters is not what the page is about.
const ARTICLE_LEAST: usize = 200;
/// Cells kept of one table row.
const WIDEST: usize = 1_000;
/// Columns or rows that one cell may cover.
const WIDEST_SPAN: usize = 100;

/// Reads a page into the writer.
pub(crate) fn read(text: &str, part: Part, writer: &mut Writer) {
    let region = if part == Part::Article { region_of(text) } else { Region::Body };
    let walk = Walk::new(region, part);
    let walk = tokenize(text, walk);
    walk.write(writer);
}

/// The encoding that the first kilobytes of a page or XML file declare.
pub(crate) fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).to_ascii_lowercase();
    let at = head.find("charset=").map(|at| at + 8).or_else(|| {
        let declaration = head.strip_prefix("<?xml")?;
        let end = declaration.find("?>")?;
        declaration[..end].find("encoding=").map(|at| at + 5 + 9)
    })?;
    let label: String = head[at..]
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'))
        .collect();
    (!label.is_empty()).then_some(label)
}

/// Which element the text is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    Main,
    Article,
    Body,
}

/// `main` when it holds text of substance, else the only `article`, else everything.
fn region_of(text: &str) -> Region {
    let lower_has = |tag: &str| memchr::memmem::find(text.as_bytes(), tag.as_bytes()).is_some();
    for (region, tags) in
        [(Region::Main, ["<main", "role=\"main\""]), (Region::Article, ["<article", "<article"])]
    {
        if !tags.iter().any(|tag| lower_has(tag)) {
            continue;
        }
        let walk = tokenize(text, Walk::new(region, Part::Article));
        if walk.characters >= ARTICLE_LEAST && walk.regions == 1 {
            return region;
        }
    }
    Region::Body
}

fn tokenize(text: &str, walk: Walk) -> Walk {
    let sink = Sink { walk: RefCell::new(walk) };
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(text));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    // The sink never asks for a script to be run, so one feed takes everything.
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    let mut walk = tokenizer.sink.walk.into_inner();
    walk.flush();
    walk.close_tables();
    walk
}

struct Sink {
    walk: RefCell<Walk>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut walk = self.walk.borrow_mut();
        match token {
            Token::CharacterTokens(text) => walk.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                walk.start(&tag);
                return raw_text(&tag.name);
            }
            Token::TagToken(tag) => walk.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Elements whose contents are not markup; without this a `<` in a script would be read as a tag.
fn raw_text(name: &str) -> TokenSinkResult<()> {
    match name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        _ => TokenSinkResult::Continue,
    }
}

/// A finished block, kept until the walk is over.
enum Block {
    Heading(u8, String),
    Text(SectionKind, String),
    Table(Vec<Vec<String>>, bool),
}

struct Walk {
    region: Region,
    part: Part,
    /// Elements of the region that are open, and how many were opened in all.
    inside: usize,
    regions: usize,
    /// The outermost open element whose contents are not shown, and how many of its name are open.
    hidden: Option<(String, usize)>,
    title: Option<String>,
    first_heading: Option<String>,
    language: Option<String>,
    in_title: bool,
    /// The text of the block being built.
    line: String,
    heading: Option<u8>,
    preformatted: usize,
    code_language: Option<String>,
    lists: Vec<Option<usize>>,
    item: bool,
    tables: Vec<Table>,
    characters: usize,
    blocks: Vec<Block>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    cell: Option<String>,
    /// The columns and rows that the open cell takes.
    span: (usize, usize),
    /// Cells from rows above that reach further down, by column: the rows left and the text.
    hanging: BTreeMap<usize, (usize, String)>,
    headed: bool,
    outer_line: String,
}

impl Table {
    /// A cell in its column: after those that reach down from above, and before the columns it covers.
    fn put(&mut self, text: String) {
        self.hang();
        let (columns, rows) = self.span;
        if self.row.len() >= WIDEST {
            return;
        }
        if rows > 1 {
            self.hanging.insert(self.row.len(), (rows - 1, text.clone()));
        }
        self.row.push(text);
        self.row.extend(std::iter::repeat_n(String::new(), columns - 1));
    }

    /// Repeats what reaches down into the next columns: each row can then be read by itself.
    fn hang(&mut self) {
        while let Some((rows, text)) = self.hanging.get_mut(&self.row.len()) {
            self.row.push(text.clone());
            *rows -= 1;
            if *rows == 0 {
                let column = self.row.len() - 1;
                self.hanging.remove(&column);
            }
        }
    }
}

impl Walk {
    fn new(region: Region, part: Part) -> Self {
        Self {
            region,
            part,
            inside: usize::from(region == Region::Body),
            regions: 0,
            hidden: None,
            title: None,
            first_heading: None,
            language: None,
            in_title: false,
            line: String::new(),
            heading: None,
            preformatted: 0,
            code_language: None,
            lists: Vec::new(),
            item: false,
            tables: Vec::new(),
            characters: 0,
            blocks: Vec::new(),
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_title {
            self.title.get_or_insert_default().push_str(text);
            return;
        }
        if self.inside == 0 || self.hidden.is_some() {
            return;
        }
        self.characters += text.trim().len();
        if self.preformatted > 0 {
            self.line.push_str(text);
            return;
        }
        for (index, piece) in text.split([' ', '\n', '\t', '\r', '\u{c}']).enumerate() {
            if index > 0 {
                self.space();
            }
            self.line.push_str(piece);
        }
    }

    fn space(&mut self) {
        if !self.line.is_empty() && !self.line.ends_with([' ', '\n']) {
            self.line.push(' ');
        }
    }

    fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        if name == "html" && self.language.is_none() {
            self.language = attribute(tag, "lang").filter(|lang| !lang.is_empty() && lang.len() < 36);
        }
        if name == "title"
            && self.title.is_none()
            && self.hidden.as_ref().is_none_or(|(open, _)| open == "head")
        {
            self.in_title = true;
            return;
        }
        if self.is_region(tag) {
            self.inside += 1;
            self.regions += usize::from(self.inside == 1);
        }
        self.hide(name, tag);
        if self.hidden.is_some() || self.inside == 0 {
            return;
        }
        self.open(name, tag);
    }

    /// Keeps count of what is not shown. A page may leave out `</head>`: whatever shows ends it.
    fn hide(&mut self, name: &str, tag: &Tag) {
        if is_void(name) || tag.self_closing {
            return;
        }
        match &mut self.hidden {
            Some((open, count)) if open == name => *count += 1,
            Some((open, _)) if open == "head" && (name == "body" || is_block(name)) => self.hidden = None,
            Some(_) => {}
            None => self.hidden = self.is_hidden(tag).then(|| (name.to_owned(), 1)),
        }
    }

    fn open(&mut self, name: &str, tag: &Tag) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.flush();
                self.heading = name[1..].parse().ok();
            }
            "br" => self.line.push('\n'),
            "pre" | "listing" => {
                self.flush();
                self.preformatted += 1;
                self.code_language = language_class(tag);
            }
            "code" if self.preformatted > 0 && self.code_language.is_none() => {
                self.code_language = language_class(tag);
            }
            "ul" | "menu" | "dir" => self.open_list(None),
            "ol" => {
                let first = attribute(tag, "start").and_then(|n| n.parse().ok()).unwrap_or(1);
                self.open_list(Some(first));
            }
            "li" => {
                self.flush();
                self.item = true;
                let bullet = self.bullet();
                self.line.push_str(&bullet);
            }
            "table" => self.open_table(),
            "tr" => self.end_row(),
            "td" | "th" => self.open_cell(tag),
            "img" => {
                // The words a picture stands for are text of the page.
                if let Some(alt) = attribute(tag, "alt").filter(|alt| !alt.trim().is_empty()) {
                    self.space();
                    self.text(&alt);
                    self.space();
                }
            }
            "input" if attribute(tag, "type").as_deref() == Some("checkbox") => {
                let checked = tag.attrs.iter().any(|a| &*a.name.local == "checked");
                self.line.push_str(if checked { "[x] " } else { "[ ] " });
            }
            name if is_block(name) => self.flush(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if name == "title" {
            self.in_title = false;
            return;
        }
        if self.inside > 0 && self.hidden.is_none() {
            self.close(name);
        }
        if let Some((open, count)) = &mut self.hidden
            && open == name
        {
            *count -= 1;
            if *count == 0 {
                self.hidden = None;
            }
        }
        let region_tag = match self.region {
            Region::Main => "main",
            Region::Article => "article",
            Region::Body => return,
        };
        if name == region_tag && self.inside > 0 {
            self.inside -= 1;
            if self.inside == 0 {
                self.flush();
                self.close_tables();
            }
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "pre" | "listing" => {
                self.flush();
                self.preformatted = self.preformatted.saturating_sub(1);
                self.code_language = None;
            }
            "ul" | "ol" | "menu" | "dir" => {
                self.flush();
                self.lists.pop();
                self.item = !self.lists.is_empty();
            }
            "td" | "th" => self.end_cell(),
            "tr" => self.end_row(),
            "table" => self.close_table(),
            "li" => {
                self.flush();
                self.item = false;
            }
            "p" if self.tables.last().is_some_and(|t| t.cell.is_some()) => self.space(),
            name if is_block(name) => self.flush(),
            _ => {}
        }
    }

    fn open_list(&mut self, first: Option<usize>) {
        self.flush();
        // Depth only indents, so beyond a handful it need not be counted on a stack that an attacker grows.
        if self.lists.len() < 1_000 {
            self.lists.push(first);
        }
    }

    fn bullet(&mut self) -> String {
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(6));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let bullet = format!("{indent}{number}. ");
                *number += 1;
                bullet
            }
            _ => format!("{indent}- "),
        }
    }

    fn open_table(&mut self) {
        if self.tables.is_empty() {
            self.flush();
        }
        if self.tables.len() < 100 {
            let outer_line = std::mem::take(&mut self.line);
            self.tables.push(Table { outer_line, ..Table::default() });
        }
    }

    fn open_cell(&mut self, tag: &Tag) {
        self.end_cell();
        let span = |name| {
            attribute(tag, name).and_then(|n| n.trim().parse().ok()).unwrap_or(1_usize).clamp(1, WIDEST_SPAN)
        };
        if let Some(table) = self.tables.last_mut() {
            table.headed |= &*tag.name == "th" && table.rows.is_empty();
            table.span = (span("colspan"), span("rowspan"));
            table.cell = Some(String::new());
            self.line.clear();
        }
    }

    fn end_cell(&mut self) {
        let text = self.line.trim().to_owned();
        if let Some(table) = self.tables.last_mut()
            && table.cell.take().is_some()
        {
            table.put(text);
            self.line.clear();
        }
    }

    fn end_row(&mut self) {
        self.end_cell();
        if let Some(table) = self.tables.last_mut()
            && !table.row.is_empty()
        {
            table.hang();
            let row = std::mem::take(&mut table.row);
            table.rows.push(row);
        }
    }

    /// A table inside a cell becomes text of that cell.
    fn close_table(&mut self) {
        self.end_row();
        let Some(table) = self.tables.pop() else { return };
        self.line = table.outer_line;
        if self.tables.last().is_some_and(|outer| outer.cell.is_some()) {
            for row in &table.rows {
                self.space();
                self.line.push_str(&row.join(" | "));
            }
            self.space();
        } else if table.rows.iter().any(|row| row.len() > 1) {
            self.blocks.push(Block::Table(table.rows, table.headed));
        } else {
            // One column only: a page laid out with a table.
            for row in table.rows {
                self.blocks.push(Block::Text(SectionKind::Prose, row.join(" ")));
            }
        }
    }

    fn close_tables(&mut self) {
        while !self.tables.is_empty() {
            self.close_table();
        }
        self.flush();
    }

    /// Ends the block being built. Inside a cell blocks only separate words.
    fn flush(&mut self) {
        if self.tables.last().is_some_and(|table| table.cell.is_some()) {
            self.space();
            return;
        }
        let text = std::mem::take(&mut self.line);
        let blank = text.trim().is_empty();
        if let Some(level) = self.heading.take() {
            if !blank {
                self.first_heading.get_or_insert_with(|| text.trim().to_owned());
                self.blocks.push(Block::Heading(level, text));
            }
            return;
        }
        if blank {
            return;
        }
        let kind = if self.preformatted > 0 {
            SectionKind::Code { language: self.code_language.clone() }
        } else if self.item {
            SectionKind::List
        } else {
            SectionKind::Prose
        };
        if kind == SectionKind::List && matches!(text.trim(), "-" | "1.") {
            return;
        }
        self.blocks.push(Block::Text(kind, text));
    }

    fn is_region(&self, tag: &Tag) -> bool {
        match self.region {
            Region::Main => &*tag.name == "main",
            Region::Article => &*tag.name == "article",
            Region::Body => false,
        }
    }

    fn is_hidden(&self, tag: &Tag) -> bool {
        let name: &str = &tag.name;
        let never = matches!(
            name,
            "head"
                | "script"
                | "style"
                | "template"
                | "noscript"
                | "iframe"
                | "object"
                | "svg"
                | "canvas"
                | "select"
                | "datalist"
                | "audio"
                | "video"
                | "noembed"
                | "noframes"
                | "dialog"
        );
        let around = self.part == Part::Article && matches!(name, "nav" | "footer" | "aside");
        let role = attribute(tag, "role");
        let around = around
            || (self.part == Part::Article && matches!(role.as_deref(), Some("navigation" | "search")));
        never || around || tag.attrs.iter().any(|a| &*a.name.local == "hidden")
    }

    fn write(self, writer: &mut Writer) {
        if let Some(title) = self.title.as_deref().or(self.first_heading.as_deref()) {
            writer.propose_title(title);
        }
        writer.language = writer.language.take().or(self.language);
        for block in self.blocks {
            match block {
                Block::Heading(level, text) => writer.heading(level, &text),
                Block::Text(kind, text) => {
                    let tidy = if matches!(kind, SectionKind::Code { .. }) {
                        text
                    } else {
                        tidy_lines(&text, &kind)
                    };
                    writer.block(kind, &tidy);
                }
                Block::Table(rows, headed) => writer.table(&rows, headed),
            }
        }
    }
}

/// Lines without blank ends; the indentation of list items stays.
fn tidy_lines(text: &str, kind: &SectionKind) -> String {
    let lines =
        text.lines().map(|line| if *kind == SectionKind::List { line.trim_end() } else { line.trim() });
    lines.filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    tag.attrs.iter().find(|a| &*a.name.local == name).map(|a| a.value.to_string())
}

/// `class="language-rust"`, as most highlighters write it.
fn language_class(tag: &Tag) -> Option<String> {
    let classes = attribute(tag, "class")?;
    classes
        .split_whitespace()
        .find_map(|class| class.strip_prefix("language-").or_else(|| class.strip_prefix("lang-")))
        .map(str::to_lowercase)
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "main"
            | "nav"
            | "option"
            | "p"
            | "section"
            | "summary"
            | "tbody"
            | "textarea"
            | "tfoot"
            | "thead"
            | "button"
    )
}
