//! What typical answers look like: texts as models write them, and the HTML that was looked at and kept.

use std::collections::BTreeSet;

use render::{Options, render_with};

fn check(name: &str, markdown: &str) {
    let options = Options { citations: BTreeSet::from([1, 2, 3]) };
    let blocks = render_with(markdown, &options);
    let html: Vec<&str> = blocks.iter().map(|block| block.html.as_str()).collect();
    insta::assert_snapshot!(name, html.join("\u{2500}\u{2500}\n"));
}

#[test]
fn an_answer_in_english() {
    check("english", include_str!("answers/english.md"));
}

#[test]
fn an_answer_in_chinese() {
    check("chinese", include_str!("answers/chinese.md"));
}

#[test]
fn an_answer_with_maths() {
    check("maths", include_str!("answers/maths.md"));
}

#[test]
fn an_answer_that_attacks() {
    check("hostile", include_str!("answers/hostile.md"));
}

#[test]
fn an_answer_with_sources() {
    check("cited", include_str!("answers/cited.md"));
}
