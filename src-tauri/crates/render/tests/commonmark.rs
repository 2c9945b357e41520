//! The examples of the CommonMark specification, every one accounted for: rendered as expected, or different in one of
//! the ways that were decided, each counted.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Example;
use pulldown_cmark::{Event, Parser, Tag, TagEnd, html::push_html};
use render::links::{link_address, picture_address};
use render::markdown::extensions;
use scraper::{ElementRef, Html, Node};

/// The ways in which we differ on purpose, with the number of examples that show each.
const DECIDED: [(&str, usize); 8] = [
    (ADDRESS, 5),
    (BARE, 7),
    (CODE, 82),
    (EXACT, 375),
    (RELATIVE, 98),
    (TITLE, 29),
    (PICTURE, 22),
    (RAW, 74),
];

const EXACT: &str = "exactly as expected";
const CODE: &str = "code stands in a figure with its language";
const RELATIVE: &str = "link without an absolute http, https or mailto address keeps its text only";
const TITLE: &str = "link without its title";
const ADDRESS: &str = "address in its normal form";
const PICTURE: &str = "picture becomes a chip";
const RAW: &str = "raw HTML becomes text";
const BARE: &str = "bare web address becomes a link";

/// A page reduced to what a reader sees, with our decisions applied to it and noted.
#[derive(Default)]
struct Reading {
    seen: String,
    decided: BTreeSet<&'static str>,
    /// Links are left out, to compare a page in which bare addresses are links with one in which they are not.
    without_links: bool,
}

const BLOCKS: [&str; 19] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "hr",
    "figure",
    "br",
    "table",
    "div",
    "tr",
    "html",
];

impl Reading {
    fn of(html: &str, without_links: bool) -> Self {
        let mut reading = Self { without_links, ..Self::default() };
        let page = Html::parse_fragment(html);
        reading.children(page.root_element(), false);
        reading.seen = reading.seen.trim().to_owned();
        reading
    }

    fn children(&mut self, element: ElementRef<'_>, literal: bool) {
        for child in element.children() {
            match child.value() {
                Node::Text(text) if literal => self.seen.push_str(text),
                Node::Text(text) => self.words(text),
                Node::Element(_) => self.element(ElementRef::wrap(child).expect("an element"), literal),
                _ => {}
            }
        }
    }

    /// Text outside `<pre>`: runs of white space count as one, and as none at the edges of blocks.
    fn words(&mut self, text: &str) {
        for c in text.chars() {
            if !c.is_ascii_whitespace() {
                self.seen.push(c);
            } else if !self.seen.ends_with([' ', '\n']) {
                self.seen.push(' ');
            }
        }
    }

    fn element(&mut self, element: ElementRef<'_>, literal: bool) {
        let tag = element.value().name();
        match tag {
            "a" => self.link(element, literal),
            "img" => {
                self.decided.insert(PICTURE);
                let address = element.attr("src").and_then(picture_address).unwrap_or_default();
                self.seen
                    .push_str(&format!("⟨chip {address}⟩{}⟨/chip⟩", element.attr("alt").unwrap_or_default()));
            }
            "span" if element.attr("class") == Some("picture-chip") => {
                let address = element.attr("data-url").unwrap_or_default();
                self.seen.push_str(&format!("⟨chip {address}⟩{}⟨/chip⟩", element.text().collect::<String>()));
            }
            "span" => self.children(element, literal),
            "figcaption" => {}
            "figure" => self.children(element, literal),
            "pre" if element.attr("class").is_none() => self.code(element),
            _ => self.other(element, literal || tag == "pre"),
        }
    }

    fn link(&mut self, element: ElementRef<'_>, literal: bool) {
        if element.attr("title").is_some() {
            self.decided.insert(TITLE);
        }
        let address = element.attr("href").unwrap_or_default();
        let Some(normal) = link_address(address).filter(|_| !self.without_links) else {
            self.decided.insert(RELATIVE);
            return self.children(element, literal);
        };
        if normal != address {
            self.decided.insert(ADDRESS);
        }
        self.seen.push_str(&format!("⟨a {normal}⟩"));
        self.children(element, literal);
        self.seen.push_str("⟨/a⟩");
    }

    fn code(&mut self, pre: ElementRef<'_>) {
        self.decided.insert(CODE);
        let code = pre.child_elements().next();
        let class =
            code.and_then(|code| code.attr("class")).and_then(|class| class.strip_prefix("language-"));
        let figure = pre.parent().and_then(ElementRef::wrap).and_then(|figure| figure.attr("data-lang"));
        let language = class.or(figure).and_then(render::code::language).unwrap_or_default();
        self.seen.push_str(&format!("\n⟨code {language}⟩{}⟨/code⟩\n", pre.text().collect::<String>()));
    }

    fn other(&mut self, element: ElementRef<'_>, literal: bool) {
        let tag = element.value().name();
        let block = BLOCKS.contains(&tag);
        if block {
            self.seen = format!("{}\n", self.seen.trim_end_matches(' '));
        }
        let start = element.attr("start").map(|start| format!(" {start}")).unwrap_or_default();
        self.seen.push_str(&format!("⟨{tag}{start}⟩"));
        if block && !literal {
            self.seen.push('\n');
        }
        self.children(element, literal);
        if block && !literal {
            self.seen = self.seen.trim_end_matches(' ').to_owned();
        }
        self.seen.push_str(&format!("⟨/{tag}⟩"));
        if block {
            self.seen.push('\n');
        }
    }
}

/// What the parser's own writer makes of the example when raw HTML is text: the expected page for that decision.
fn expected_with_raw_html_as_text(markdown: &str) -> Option<String> {
    let mut raw = false;
    let events = Parser::new_ext(markdown, extensions()).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => {
            raw = true;
            Event::Text(text)
        }
        Event::Start(Tag::HtmlBlock) => Event::Html("<pre class=\"raw\">".into()),
        Event::End(TagEnd::HtmlBlock) => Event::Html("</pre>".into()),
        other => other,
    });
    let mut html = String::new();
    push_html(&mut html, events);
    raw.then_some(html)
}

/// How our page differs from the expected one; an error holds both when that was not decided.
fn account(example: &Example) -> Result<BTreeSet<&'static str>, String> {
    let ours: String = render::render(&example.markdown).into_iter().map(|block| block.html).collect();
    let raw = expected_with_raw_html_as_text(&example.markdown);
    let html = raw.as_ref().unwrap_or(&example.html);
    let expected = Reading::of(html, false);
    let seen = Reading::of(&ours, false);
    let mut decided = expected.decided;
    if raw.is_some() {
        decided.insert(RAW);
    }
    if seen.seen == expected.seen {
        return Ok(decided);
    }
    if Reading::of(&ours, true).seen == Reading::of(html, true).seen && ours.contains("<a href=\"http") {
        decided.insert(BARE);
        return Ok(decided);
    }
    Err(format!(
        "example {} ({}): {:?}\n--- expected\n{}\n--- ours\n{}\n",
        example.number, example.section, example.markdown, expected.seen, seen.seen
    ))
}

#[test]
fn every_example_is_rendered_as_expected_or_differs_as_decided() {
    let Some(examples) = common::examples() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unaccounted = Vec::new();
    for example in &examples {
        match account(example) {
            Ok(decided) if decided.is_empty() => *counts.entry(EXACT).or_default() += 1,
            Ok(decided) => decided.into_iter().for_each(|way| *counts.entry(way).or_default() += 1),
            Err(difference) => unaccounted.push(difference),
        }
    }
    for (way, count) in &counts {
        println!("{count:4} {way}");
    }
    println!("{:4} of {} examples accounted for", examples.len() - unaccounted.len(), examples.len());
    assert!(unaccounted.is_empty(), "{} undecided:\n{}", unaccounted.len(), unaccounted.join("\n"));
    assert_eq!(examples.len(), 655);
    assert_eq!(counts, BTreeMap::from(DECIDED), "the numbers that were written down");
}
