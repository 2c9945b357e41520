//! Cutting: the promises that hold for every text and every budget, and the cuts that people would make.
#![allow(clippy::unwrap_used)] // what does not unwrap here fails the test

use ingest::{Budget, Limits, Passage, Reading, SectionKind, Source, cut, estimate_tokens, read};
use proptest::prelude::*;

fn reading(name: &str, text: &str) -> Option<Reading> {
    read(&Source { name, bytes: text.as_bytes(), password: None }, &Limits::default()).ok()
}

fn passages(name: &str, text: &str, tokens: usize, overlap: usize) -> (Reading, Vec<Passage>) {
    let reading = reading(name, text).unwrap();
    let passages = cut(&reading, &Budget { tokens, overlap }, &estimate_tokens);
    (reading, passages)
}

/// Everything that is promised of any cut.
fn check(reading: &Reading, passages: &[Passage], tokens: usize) {
    let mut covered = vec![false; reading.text.len()];
    for (index, passage) in passages.iter().enumerate() {
        assert_eq!(passage.ordinal as usize, index);
        assert_eq!(passage.text, reading.text[passage.range.clone()], "the range is the text");
        assert!(!passage.text.trim().is_empty(), "no passage is blank");
        assert!(passage.tokens <= tokens.max(Budget::LEAST), "{} tokens over {tokens}", passage.tokens);
        assert_eq!(passage.tokens, estimate_tokens(&passage.embedding_text()));
        if let Some(next) = passages.get(index + 1) {
            assert!(passage.range.start < next.range.start, "starts go forward");
            assert!(passage.range.end < next.range.end, "ends go forward");
        }
        covered[passage.range.clone()].fill(true);
    }
    let lost = reading.text.char_indices().find(|(at, c)| !c.is_whitespace() && !covered[*at]);
    assert_eq!(lost, None, "every visible character is in a passage");
}

/// Text as people write it and as they do not: words of several scripts, marks, structure, long runs.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z]{1,12}",
        "[一-龥。，！？]{1,30}",
        "[а-яё]{1,10}",
        "[0-9.]{1,8}",
        Just(". ".to_owned()),
        Just("! ".to_owned()),
        Just("\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("\n\n## A heading\n\n".to_owned()),
        Just("\n# Another, of some length, to fill the path with words\n".to_owned()),
        Just("\n- item\n- item\n".to_owned()),
        Just("\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n".to_owned()),
        Just("\n```rust\nfn main() {\n    run();\n}\n\nfn run() {}\n```\n".to_owned()),
        Just("👩‍👩‍👧 é\u{301} ".to_owned()),
        "x{300}",
        "\\PC{1,20}",
    ];
    proptest::collection::vec(piece, 1..60).prop_map(|pieces| pieces.join(" "))
}

/// Beginnings that lead into each reader.
const HEADS: &[&[u8]] = &[
    b"",
    b"{\\rtf1 ",
    b"<html>",
    b"WEBVTT\n\n",
    b"From a\nTo: b\n",
    b"PK\x03\x04",
    b"\xff\xfe",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"%PDF-1.4\n",
    b"{\"nbformat\":4,\"cells\":[",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_cut_to_any_budget_keeps_the_promises(
        text in texts(),
        name in prop_oneof![Just("a.md"), Just("a.txt"), Just("a.rs"), Just("a.csv"), Just("a.html")],
        tokens in 10_usize..200,
        overlap in 0_usize..60,
    ) {
        if let Some(reading) = reading(name, &text) {
            let passages = cut(&reading, &Budget { tokens, overlap }, &estimate_tokens);
            check(&reading, &passages, tokens);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        head in proptest::sample::select(HEADS),
        name in prop_oneof![Just("a"), Just("a.md"), Just("a.csv"), Just("a.json"), Just("a.srt"), Just("a.mbox"), Just("a.eml")],
    ) {
        let bytes = [head, &bytes].concat();
        // Any answer is right; a panic is not.
        let _ = read(&Source { name, bytes: &bytes, password: None }, &Limits::default());
    }
}

#[test]
fn sentences_stay_whole() {
    let text = "Dr. Lee measured 3.5 m of cable. It was long enough! Was it, e.g. for the roof? Yes.\n\n\
                Another paragraph begins here and goes on for a while. It ends."
        .repeat(3);
    let (reading, passages) = passages("a.txt", &text, 30, 0);
    check(&reading, &passages, 30);
    for passage in &passages {
        assert!(passage.text.ends_with(['.', '!', '?']), "cut inside a sentence: {:?}", passage.text);
        assert!(!passage.text.ends_with("Dr."), "{:?}", passage.text);
    }
}

#[test]
fn chinese_and_japanese_sentences_end_without_spaces() {
    let text = "向量表存放在一个文件里。查询只需要几毫秒！为什么这么快？因为先扫描压缩码。".repeat(12);
    let (reading, cut) = passages("a.txt", &text, 60, 0);
    check(&reading, &cut, 60);
    assert!(cut.len() > 3);
    for passage in &cut {
        assert!(passage.text.ends_with(['。', '！', '？']), "{:?}", passage.text);
    }
    let japanese = "吾輩は猫である。名前はまだ無い。「どこで生れたか。」とんと見当がつかぬ。".repeat(10);
    let (_, cut) = passages("a.txt", &japanese, 50, 0);
    assert!(cut.iter().all(|p| p.text.ends_with('。') || p.text.ends_with('」')));
}

#[test]
fn passages_keep_the_headings_above_them() {
    let text = "# Manual\n\nIntroduction.\n\n## Setup\n\n".to_owned()
        + &"Plug it in and wait for the light. ".repeat(20)
        + "\n\n### Cable\n\n"
        + &"Use the long one. ".repeat(20)
        + "\n\n## Use\n\n"
        + &"Press the button. ".repeat(20);
    let (reading, cut) = passages("a.md", &text, 80, 0);
    check(&reading, &cut, 80);
    let path_of = |words: &str| cut.iter().find(|p| p.text.contains(words)).unwrap().heading_path.clone();
    assert_eq!(path_of("Plug it"), ["Manual", "Setup"]);
    assert_eq!(path_of("long one"), ["Manual", "Setup", "Cable"]);
    assert_eq!(path_of("Press the"), ["Manual", "Use"]);
}

#[test]
fn tables_repeat_their_header_beside_the_text() {
    let rows: String = (0..60).map(|i| format!("item {i},{},{}\n", i * 3, i * 7)).collect();
    let (reading, cut) = passages("a.csv", &format!("name,price,stock\n{rows}"), 80, 0);
    check(&reading, &cut, 80);
    assert!(cut.len() > 3);
    assert_eq!(cut[0].header, None, "the first passage holds the row itself");
    for passage in &cut[1..] {
        assert_eq!(passage.header.as_deref(), Some("name | price | stock"));
        assert!(passage.text.starts_with("item "), "rows stay whole: {:?}", passage.text);
    }
}

#[test]
fn code_is_cut_between_definitions() {
    let function = |name: &str| {
        format!("fn {name}(value: u32) -> u32 {{\n    let twice = value * 2;\n\n    twice + 1\n}}\n\n")
    };
    let text: String = ["first", "second", "third", "fourth", "fifth", "sixth"].map(function).concat();
    let (reading, cut) = passages("a.rs", &text, 90, 0);
    check(&reading, &cut, 90);
    assert!(matches!(&reading.sections[0].kind, SectionKind::Code { language: Some(l) } if l == "rust"));
    for passage in &cut {
        assert!(passage.text.starts_with("fn ") && passage.text.ends_with('}'), "{:?}", passage.text);
    }
}

#[test]
fn neighbours_overlap_by_whole_sentences() {
    let text: String = (0..80).map(|i| format!("Sentence number {i} says something. ")).collect();
    let (reading, cut) = passages("a.txt", &text, 100, 30);
    check(&reading, &cut, 100);
    for pair in cut.windows(2) {
        assert!(pair[1].range.start < pair[0].range.end, "they overlap");
        assert!(pair[1].text.starts_with("Sentence"), "{:?}", pair[1].text);
    }
}

#[test]
fn equal_passages_have_equal_hashes_and_a_changed_one_does_not() {
    let text: String = (0..40).map(|i| format!("Paragraph {i} stands here.\n\n")).collect();
    let (_, before) = passages("a.txt", &text, 40, 0);
    let (_, after) = passages("a.txt", &text.replace("Paragraph 39", "Paragraph 9x"), 40, 0);
    let changed = after.iter().filter(|p| !before.iter().any(|b| b.hash == p.hash)).count();
    assert_eq!(changed, 1, "only what changed is embedded again");
}

#[test]
fn a_different_counter_is_obeyed() {
    let reading = reading("a.txt", &"alpha beta gamma. ".repeat(200)).unwrap();
    let bytes = |text: &str| text.len();
    let cut = cut(&reading, &Budget { tokens: 120, overlap: 0 }, &bytes);
    assert!(cut.iter().all(|passage| passage.embedding_text().len() <= 120));
}

#[test]
fn the_estimate_grows_with_the_text_and_knows_scripts() {
    assert_eq!(estimate_tokens(" \n\t"), 0);
    assert_eq!(estimate_tokens("word word"), 2);
    let english = "The quick brown fox jumps over the lazy dog.";
    let words = english.split(' ').count();
    assert!((words..=words * 2).contains(&estimate_tokens(english)));
    let chinese = "我们的向量表放在一个文件里。";
    let characters = chinese.chars().count();
    assert!((characters / 2..=characters).contains(&estimate_tokens(chinese)));
    assert!(estimate_tokens(&"x".repeat(1_000)) >= 100, "a long run is no single token");
}
