//! Markdown keeps its source as the text, so that a place in it is a place in the file; headings, tables,
//! lists and code become sections.

use pulldown_cmark::{Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use crate::{SectionKind, writer::Writer, writer::one_line};

pub(crate) fn read(text: &str, writer: &mut Writer) {
    let text = writer.whole(text);
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut walk = Walk { text: &text, depth: 0, done: 0, heading: None, plain: String::new(), open: None };
    for (event, range) in Parser::new_ext(&text, options).into_offset_iter() {
        walk.event(&event, range, writer);
    }
    // What the parser gives no event for, such as link definitions at the end.
    writer.mark(SectionKind::Prose, walk.done..text.len());
}

struct Walk<'a> {
    text: &'a str,
    depth: usize,
    /// Everything before this offset is in a section.
    done: usize,
    heading: Option<u8>,
    plain: String,
    open: Option<SectionKind>,
}

impl Walk<'_> {
    fn event(&mut self, event: &Event<'_>, range: std::ops::Range<usize>, writer: &mut Writer) {
        match event {
            Event::Start(tag) => {
                if self.depth == 0 {
                    self.start(tag, &range, writer);
                }
                self.depth += 1;
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end(*tag, range, writer);
                }
            }
            Event::Text(text) | Event::Code(text) => self.plain.push_str(text),
            Event::SoftBreak | Event::HardBreak => self.plain.push(' '),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: &std::ops::Range<usize>, writer: &mut Writer) {
        self.plain.clear();
        self.heading = None;
        // Anything skipped over, such as a rule or a link definition, belongs to the prose before.
        if self.text[self.done..range.start].chars().any(char::is_alphanumeric) {
            writer.mark(SectionKind::Prose, self.done..range.start);
            self.done = range.start;
        }
        self.open = Some(match tag {
            Tag::Heading { level, .. } => {
                let level = level_number(*level);
                self.heading = Some(level);
                SectionKind::Heading { level }
            }
            Tag::CodeBlock(kind) => SectionKind::Code { language: fence_language(kind) },
            Tag::List(_) => SectionKind::List,
            Tag::Table(_) => SectionKind::Table { header: self.first_line(range) },
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle | MetadataBlockKind::PlusesStyle) => {
                SectionKind::Code { language: Some("yaml".to_owned()) }
            }
            _ => SectionKind::Prose,
        });
    }

    /// The header of a pipe table with its rule, so that a repeated header still is a table.
    fn first_line(&self, range: &std::ops::Range<usize>) -> Option<std::ops::Range<usize>> {
        let end = self.text[range.clone()].find('\n').map_or(range.end, |at| range.start + at);
        Some(range.start..end)
    }

    fn end(&mut self, tag: TagEnd, range: std::ops::Range<usize>, writer: &mut Writer) {
        let Some(kind) = self.open.take() else { return };
        if let Some(level) = self.heading {
            let title = one_line(&self.plain);
            if level == 1 {
                writer.propose_title(&title);
            }
            if !title.is_empty() {
                writer.enter(level, &title);
            }
        }
        if matches!(tag, TagEnd::MetadataBlock(_))
            && let Some(title) = self.plain.lines().find_map(|line| line.strip_prefix("title:"))
        {
            writer.propose_title(title.trim().trim_matches(['"', '\'']));
        }
        let start = self.done.max(range.start);
        writer.mark(kind, start..range.end);
        self.done = self.done.max(range.end);
    }
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn fence_language(kind: &pulldown_cmark::CodeBlockKind<'_>) -> Option<String> {
    match kind {
        pulldown_cmark::CodeBlockKind::Fenced(info) => {
            info.split_whitespace().next().map(str::to_lowercase).filter(|name| !name.is_empty())
        }
        pulldown_cmark::CodeBlockKind::Indented => None,
    }
}
