//! The first wall: parsed events become HTML that only ever holds what is written here.
//!
//! Raw HTML is text. Links keep `http`, `https` and `mailto` with an absolute address, others leave their text.
//! Pictures become chips with the address as data. No ids, no styles, no titles, no handlers, nothing that loads.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use domain::Block;
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, LinkType, Tag, TagEnd};

use crate::links::{link_address, open_link, picture_address, push_text};
use crate::markdown::{Definition, JOINT, Piece, Placed, parse, preamble};
use crate::maths::Formulas;
use crate::wall::MAX_DEPTH;
use crate::{Options, code, escape_into, plain_block, wall};

/// What the blocks of one text share while they are written one after the other.
#[derive(Debug, Default)]
pub struct Desk {
    options: Options,
    /// Labels of footnotes in the order in which the text first names them; a place is a number.
    notes: Vec<String>,
    formulas: Formulas,
}

impl Desk {
    /// The desk for the first block.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// How many footnotes are numbered.
    pub(crate) fn notes(&self) -> usize {
        self.notes.len()
    }

    /// Forgets the numbers of all but the first `count` footnotes, before a block is written again.
    pub(crate) fn keep_notes(&mut self, count: usize) {
        self.notes.truncate(count);
    }

    fn number(&mut self, label: &str) -> usize {
        if let Some(at) = self.notes.iter().position(|known| known == label) {
            return at + 1;
        }
        self.notes.push(label.to_owned());
        self.notes.len()
    }
}

/// How much work the writer puts into code and formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Highlighted code and MathML: for a block that will not change.
    Finished,
    /// MathML but plain code: for a block that is still being written.
    Open,
    /// Neither: only to see whether a block is what it was.
    Outline,
}

/// Renders a finished block through both walls; as plain text when it is too deep or too long for them.
pub fn finished(source: &str, piece: &Piece<'_>, definitions: &[&[Definition]], desk: &mut Desk) -> Block {
    html(piece, definitions, desk, Detail::Finished)
        .and_then(|html| wall::clean(&html))
        .map_or_else(|| plain_block(&source[piece.range.clone()]), |html| Block { html })
}

/// Renders the block that is still being written. The check of the second wall is the fast one, and only what fails
/// it goes through the slow one.
pub fn open(source: &str, piece: &Piece<'_>, definitions: &[&[Definition]], desk: &mut Desk) -> String {
    html(piece, definitions, desk, Detail::Open)
        .and_then(|html| if wall::is_clean(&html) { Some(html) } else { wall::clean(&html) })
        .unwrap_or_else(|| plain_block(&source[piece.range.clone()]).html)
}

/// A number that is equal when a block of the same text, parsed again, renders the same: made of the constructs and
/// their places, and of what is defined elsewhere (addresses of links, numbers of footnotes).
pub fn outline(piece: &Piece<'_>, definitions: &[&[Definition]], desk: &mut Desk) -> u64 {
    let mut hasher = DefaultHasher::new();
    if piece.adapted.is_some() {
        html(piece, definitions, desk, Detail::Outline).hash(&mut hasher);
        return hasher.finish();
    }
    for (event, range) in &piece.events {
        discriminant(event).hash(&mut hasher);
        hasher.write_usize(range.start.wrapping_sub(piece.range.start));
        hasher.write_usize(range.end.wrapping_sub(piece.range.start));
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                dest_url.hash(&mut hasher)
            }
            Event::FootnoteReference(label) | Event::Start(Tag::FootnoteDefinition(label)) => {
                desk.number(label).hash(&mut hasher);
            }
            Event::Start(tag) => discriminant(tag).hash(&mut hasher),
            _ => {}
        }
    }
    hasher.finish()
}

/// The HTML of a block behind the first wall only. `None` when it nests too deep.
#[must_use]
pub fn html(
    piece: &Piece<'_>,
    definitions: &[&[Definition]],
    desk: &mut Desk,
    detail: Detail,
) -> Option<String> {
    let mut writer = Writer::new(desk, detail);
    let Some(adapted) = &piece.adapted else {
        writer.block(&piece.events)?;
        return Some(writer.html);
    };
    let elsewhere = definitions.iter().copied().flatten().filter(|other| !piece.range.contains(&other.at));
    let prefix = preamble(elsewhere.filter(|_| adapted.contains('[')));
    let whole = format!("{prefix}{adapted}");
    for piece in &parse(&whole, &prefix).pieces {
        writer.block(&piece.events)?;
    }
    Some(writer.html)
}

/// What is open while events are written.
struct Writer<'a> {
    html: String,
    desk: &'a mut Desk,
    detail: Detail,
    /// Running text that is not written yet: the parser cuts it at every special character.
    text: String,
    depth: usize,
    /// For each open link, whether an `<a>` was written for it.
    links: Vec<bool>,
    /// Open pictures: only their text is kept.
    pictures: Vec<Picture>,
    /// The open code block.
    code: Option<CodeBlock>,
    alignments: Vec<Alignment>,
    cell: usize,
    in_table_head: bool,
}

struct Picture {
    address: String,
    text: String,
}

struct CodeBlock {
    language: Option<String>,
    code: String,
}

impl<'a> Writer<'a> {
    fn new(desk: &'a mut Desk, detail: Detail) -> Self {
        Self {
            html: String::new(),
            desk,
            detail,
            text: String::new(),
            depth: 0,
            links: Vec::new(),
            pictures: Vec::new(),
            code: None,
            alignments: Vec::new(),
            cell: 0,
            in_table_head: false,
        }
    }

    /// Writes the events of one block. `None` when they nest too deep.
    fn block(&mut self, events: &[Placed<'_>]) -> Option<()> {
        for (at, (event, _)) in events.iter().enumerate() {
            self.event(event, &events[at + 1..])?;
        }
        self.flush();
        Some(())
    }

    fn event(&mut self, event: &Event<'_>, next: &[Placed<'_>]) -> Option<()> {
        if let Some(picture) = self.pictures.last_mut()
            && !matches!(event, Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image))
        {
            picture.keep(event);
            return Some(());
        }
        match event {
            Event::Text(text) => match &mut self.code {
                Some(block) => block.code.push_str(text),
                None => self.text.extend(text.split(JOINT)),
            },
            other => {
                self.flush();
                self.construct(other, next)?;
            }
        }
        Some(())
    }

    fn construct(&mut self, event: &Event<'_>, next: &[Placed<'_>]) -> Option<()> {
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                (self.depth <= MAX_DEPTH).then_some(())?;
                self.start(tag, next);
            }
            Event::End(tag) => {
                self.depth -= 1;
                self.end(*tag);
            }
            Event::Code(code) => self.element("code", code),
            Event::InlineMath(formula) => self.formula(formula, false),
            Event::DisplayMath(formula) => self.formula(formula, true),
            Event::InlineHtml(tag) if is_line_break(tag) => self.html.push_str("<br>\n"),
            Event::Html(raw) | Event::InlineHtml(raw) => escape_into(&mut self.html, raw),
            Event::FootnoteReference(label) => {
                let number = self.desk.number(label);
                self.html.push_str(&format!("<sup class=\"footnote-ref\">{number}</sup>"));
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>\n"),
            Event::Rule => self.html.push_str("<hr>\n"),
            Event::TaskListMarker(done) => self.html.push_str(if *done {
                "<span class=\"task done\">\u{2611}</span> "
            } else {
                "<span class=\"task\">\u{2610}</span> "
            }),
            Event::Text(_) => {}
        }
        Some(())
    }

    fn start(&mut self, tag: &Tag<'_>, next: &[Placed<'_>]) {
        match tag {
            Tag::Paragraph => self.html.push_str("<p>"),
            Tag::Heading { level, .. } => self.html.push_str(&format!("<{}>", heading(*level))),
            Tag::BlockQuote(_) => self.html.push_str("<blockquote>\n"),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => code::language(info).map(str::to_owned),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some(CodeBlock { language, code: String::new() });
            }
            Tag::HtmlBlock => self.html.push_str("<pre class=\"raw\">"),
            Tag::List(None) => self.html.push_str("<ul>\n"),
            Tag::List(Some(1)) => self.html.push_str("<ol>\n"),
            Tag::List(Some(start)) => self.html.push_str(&format!("<ol start=\"{start}\">\n")),
            Tag::Item if begins_with_task(next) => self.html.push_str("<li class=\"task-item\">"),
            Tag::Item => self.html.push_str("<li>"),
            Tag::FootnoteDefinition(label) => {
                let number = self.desk.number(label);
                self.html.push_str(&format!(
                    "<div class=\"footnote\"><span class=\"footnote-label\">{number}</span>\n"
                ));
            }
            Tag::Table(alignments) => {
                self.alignments.clone_from(alignments);
                self.html.push_str("<div class=\"table\"><table>\n");
            }
            Tag::TableHead => {
                (self.cell, self.in_table_head) = (0, true);
                self.html.push_str("<thead><tr>");
            }
            Tag::TableRow => {
                self.cell = 0;
                self.html.push_str("<tr>");
            }
            Tag::TableCell => self.table_cell(),
            Tag::Emphasis => self.html.push_str("<em>"),
            Tag::Strong => self.html.push_str("<strong>"),
            Tag::Strikethrough => self.html.push_str("<del>"),
            Tag::Link { link_type, dest_url, .. } => {
                let mail = if *link_type == LinkType::Email { "mailto:" } else { "" };
                let address =
                    link_address(&format!("{mail}{dest_url}")).filter(|_| !self.links.contains(&true));
                self.links.push(address.is_some());
                if let Some(address) = address {
                    open_link(&mut self.html, &address);
                }
            }
            Tag::Image { dest_url, .. } => {
                self.pictures.push(Picture { address: dest_url.to_string(), text: String::new() });
            }
            // Not asked of the parser.
            Tag::MetadataBlock(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.html.push_str("</p>\n"),
            TagEnd::Heading(level) => self.html.push_str(&format!("</{}>\n", heading(level))),
            TagEnd::BlockQuote(_) => self.html.push_str("</blockquote>\n"),
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::HtmlBlock => self.html.push_str("</pre>\n"),
            TagEnd::List(false) => self.html.push_str("</ul>\n"),
            TagEnd::List(true) => self.html.push_str("</ol>\n"),
            TagEnd::Item => self.html.push_str("</li>\n"),
            TagEnd::FootnoteDefinition => self.html.push_str("</div>\n"),
            TagEnd::Table => self.html.push_str("</tbody></table></div>\n"),
            TagEnd::TableHead => {
                self.in_table_head = false;
                self.html.push_str("</tr></thead><tbody>\n");
            }
            TagEnd::TableRow => self.html.push_str("</tr>\n"),
            TagEnd::TableCell => self.html.push_str(if self.in_table_head { "</th>" } else { "</td>" }),
            TagEnd::Emphasis => self.html.push_str("</em>"),
            TagEnd::Strong => self.html.push_str("</strong>"),
            TagEnd::Strikethrough => self.html.push_str("</del>"),
            TagEnd::Link => {
                if self.links.pop() == Some(true) {
                    self.html.push_str("</a>");
                }
            }
            TagEnd::Image => self.picture(),
            TagEnd::MetadataBlock(_)
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript => {}
        }
    }

    /// Writes the running text. Inside a link neither addresses nor citation marks are looked for.
    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        if self.links.is_empty() {
            push_text(&mut self.html, &self.text, &self.desk.options.citations);
        } else {
            escape_into(&mut self.html, &self.text);
        }
        self.text.clear();
    }

    fn element(&mut self, tag: &str, text: &str) {
        self.html.push_str(&format!("<{tag}>"));
        escape_into(&mut self.html, text);
        self.html.push_str(&format!("</{tag}>"));
    }

    fn formula(&mut self, source: &str, display: bool) {
        if self.detail == Detail::Outline {
            self.element(if display { "display" } else { "inline" }, source);
        } else {
            self.desk.formulas.push(&mut self.html, source, display);
        }
    }

    fn table_cell(&mut self) {
        let tag = if self.in_table_head { "th" } else { "td" };
        let class = match self.alignments.get(self.cell) {
            Some(Alignment::Left) => " class=\"left\"",
            Some(Alignment::Center) => " class=\"center\"",
            Some(Alignment::Right) => " class=\"right\"",
            Some(Alignment::None) | None => "",
        };
        self.cell += 1;
        self.html.push_str(&format!("<{tag}{class}>"));
    }

    fn code_block(&mut self) {
        let Some(CodeBlock { language, code }) = self.code.take() else { return };
        self.html.push_str("<figure class=\"code\"");
        if let Some(language) = &language {
            self.html.push_str(" data-lang=\"");
            escape_into(&mut self.html, language);
            self.html.push_str("\"><figcaption>");
            escape_into(&mut self.html, language);
            self.html.push_str("</figcaption");
        }
        self.html.push_str("><pre><code>");
        if self.detail == Detail::Finished {
            code::push(&mut self.html, &code, language.as_deref());
        } else {
            escape_into(&mut self.html, &code);
        }
        self.html.push_str("</code></pre></figure>\n");
    }

    fn picture(&mut self) {
        let Some(Picture { address, text }) = self.pictures.pop() else { return };
        if let Some(outer) = self.pictures.last_mut() {
            outer.text.push_str(&text);
            return;
        }
        self.html.push_str("<span class=\"picture-chip\"");
        if let Some(address) = picture_address(&address) {
            self.html.push_str(" data-url=\"");
            escape_into(&mut self.html, &address);
            self.html.push('"');
        }
        self.html.push('>');
        escape_into(&mut self.html, &text);
        self.html.push_str("</span>");
    }
}

impl Picture {
    /// Keeps the text of what stands in the picture's description.
    fn keep(&mut self, event: &Event<'_>) {
        match event {
            Event::Text(text)
            | Event::Code(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::Html(text)
            | Event::InlineHtml(text) => self.text.push_str(text),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            _ => {}
        }
    }
}

/// A bare `<br>` is the one tag that means something: models need it inside table cells.
fn is_line_break(tag: &str) -> bool {
    let name = tag.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/').trim_end();
    name.eq_ignore_ascii_case("br")
}

/// Whether the item whose inside begins with `next` is a task.
fn begins_with_task(next: &[Placed<'_>]) -> bool {
    let skip = usize::from(matches!(next.first(), Some((Event::Start(Tag::Paragraph), _))));
    matches!(next.get(skip), Some((Event::TaskListMarker(_), _)))
}

fn heading(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "h1",
        HeadingLevel::H2 => "h2",
        HeadingLevel::H3 => "h3",
        HeadingLevel::H4 => "h4",
        HeadingLevel::H5 => "h5",
        HeadingLevel::H6 => "h6",
    }
}
