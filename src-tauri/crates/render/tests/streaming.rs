//! A streamed text ends as the whole text renders, however it was cut.

mod common;

use std::collections::BTreeSet;

use domain::Block;
use proptest::prelude::*;
use render::{Options, Patch, Stream, render, render_with};

fn apply(blocks: &mut Vec<Block>, patch: Option<Patch>) {
    if let Some(patch) = patch {
        assert!(patch.from as usize <= blocks.len(), "a patch leaves no gap");
        patch.apply(blocks);
    }
}

/// What a receiver holds after the text came in pieces of `lengths` characters (again and again), with a patch after each.
fn streamed(text: &str, lengths: &[usize], options: &Options) -> Vec<Block> {
    let mut stream = Stream::with(options.clone());
    let mut blocks = Vec::new();
    let mut rest = text;
    for length in lengths.iter().cycle() {
        let cut = rest.char_indices().nth((*length).max(1)).map_or(rest.len(), |(at, _)| at);
        stream.push(&rest[..cut]);
        apply(&mut blocks, stream.patch());
        rest = &rest[cut..];
        if rest.is_empty() {
            break;
        }
    }
    apply(&mut blocks, stream.finish());
    assert_eq!(stream.len(), text.len(), "nothing was lost");
    blocks
}

#[test]
fn every_commonmark_example_streams_to_what_it_renders() {
    let Some(examples) = common::examples() else { return };
    for example in &examples {
        let whole = render(&example.markdown);
        for lengths in [&[1][..], &[2], &[3, 1, 7], &[1000]] {
            let blocks = streamed(&example.markdown, lengths, &Options::default());
            assert_eq!(blocks, whole, "example {} in pieces of {lengths:?}", example.number);
        }
    }
    assert_eq!(examples.len(), 655, "the specification has as many examples as before");
}

#[test]
fn the_whole_specification_streams_to_what_it_renders() {
    let Some(text) = common::corpus("markdown/spec.txt") else { return };
    assert_eq!(streamed(&text, &[37], &Options::default()), render(&text));
}

/// Lines that matter to each other: containers, fences, definitions, maths, half constructs.
const LINES: [&str; 48] = [
    "",
    "",
    "",
    "word",
    "some **bold** words",
    "half **bold",
    "end** of it",
    "# Heading",
    "===",
    "---",
    "- item",
    "- [x] done",
    "  - nested",
    "1. one",
    "2. two",
    "> quote",
    "> - in quote",
    "```rust",
    "```",
    "~~~",
    "    indented",
    "fn main() {}",
    "| a | b |",
    "|---|:-:|",
    "| 1 | 2 |",
    "[p]: https://example.com/p 'title",
    "title'",
    "[p]: <https://example.com/two>",
    "a [p] b [q]",
    "[q]: https://example.com/q",
    "note[^1] and [^n]",
    "[^1]: a note",
    "    more of it",
    "[^n]: another",
    "<div>",
    "</div>",
    "<!-- open",
    "-->",
    "$x^2$ and $$y$$",
    "\\(a_1\\) and \\(b_1\\)",
    "\\[",
    "\\]",
    "+ b",
    "`code",
    "code` end",
    "https://example.com/a_b?c=d&e [1]",
    "![alt](https://example.com/a.png) [l](http://x.example",
    "中文**重点：**文字，[1, 2]。",
];

fn documents() -> impl Strategy<Value = String> {
    let ending = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\n\n")];
    let line = (0..LINES.len(), ending).prop_map(|(at, end)| format!("{}{end}", LINES[at]));
    prop::collection::vec(line, 0..24).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_document_in_any_pieces_ends_as_it_renders(
        text in documents(),
        lengths in prop::collection::vec(1..12_usize, 1..8),
    ) {
        let options = Options { citations: BTreeSet::from([1, 2]) };
        prop_assert_eq!(streamed(&text, &lengths, &options), render_with(&text, &options));
    }

    #[test]
    fn any_characters_in_any_pieces_end_as_they_render(
        text in "[a-c *_`~\\[\\]()<>#|:$\\\\\n!^1.&;+-]{0,120}",
        lengths in prop::collection::vec(1..6_usize, 1..8),
    ) {
        prop_assert_eq!(streamed(&text, &lengths, &Options::default()), render(&text));
    }
}
