//! Search over messages and titles, Chinese included.

mod common;

use common::{begin, say};
use store::Store;

fn check(query: &str, expected: &[&str]) {
    let store = Store::in_memory().expect("opens");
    say(
        &store,
        "en",
        1,
        "How do I write Rust for AI?",
        "Use `cargo new`. C# is another language, maintain it.",
    );
    say(&store, "zh", 2, "向量数据库怎么用", "先建立索引,再检索模型。买A股要谨慎。");
    say(&store, "ja", 3, "東京タワーの高さは?", "333メートルです。");
    store.rename_conversation(&"zh".into(), "数据库笔记").expect("named");
    let hits = store.search(query, 20).expect("search");
    let mut found: Vec<String> = hits
        .iter()
        .map(|hit| {
            hit.message.as_ref().map_or_else(|| format!("title {}", hit.conversation), |id| id.0.clone())
        })
        .collect();
    found.sort();
    assert_eq!(found, expected, "searching {query:?}");
    for hit in &hits {
        assert!(hit.snippet.iter().any(|part| part.hit), "{query:?} is marked in {:?}", hit.snippet);
    }
}

#[test]
fn words_are_found_in_every_script() {
    check("cargo", &["en-a1"]);
    check("CARGO", &["en-a1"]);
    check("argo", &["en-a1"]);
    check("数据库", &["title zh", "zh-q2"]);
    check("东京", &[]);
    check("タワー", &["ja-q3"]);
}

#[test]
fn chinese_words_of_two_and_one_characters_are_found() {
    check("模型", &["zh-a2"]);
    check("索引", &["zh-a2"]);
    check("東京", &["ja-q3"]);
    check("库", &["title zh", "zh-q2"]);
    check("A股", &["zh-a2"]);
    check("a股", &["zh-a2"]);
}

#[test]
fn short_latin_words_are_whole_words_and_odd_ones_are_looked_for() {
    check("AI", &["en-q1"]);
    check("C#", &["en-a1"]);
    check("?", &["en-q1", "ja-q3"]);
}

#[test]
fn several_words_must_all_be_there() {
    check("rust write", &["en-q1"]);
    check("rust 模型", &[]);
    check("向量 怎么用", &["zh-q2"]);
    check("cargo c#", &["en-a1"]);
    check("   ", &[]);
}

#[test]
fn signs_of_the_query_language_are_only_text() {
    for query in ["\"", "a\" OR \"b", "NEAR(x y)", "text:abc", "*", "-abc", "(((", "\u{0}abc"] {
        let store = Store::in_memory().expect("opens");
        say(&store, "c", 1, "plain", "text");
        store.search(query, 5).unwrap_or_else(|error| panic!("{query:?}: {error}"));
    }
}

#[test]
fn an_answer_is_found_when_it_ends_and_a_changed_title_under_its_new_name_only() {
    let store = Store::in_memory().expect("opens");
    let (_, answer) = begin(&store, "c", 1, "question");
    store.journal_answer(&answer, "streaming words", "").expect("journalled");
    assert!(store.search("streaming", 5).expect("search").is_empty());
    store.end_answer(&common::ending(&answer, "streaming words")).expect("ended");
    assert_eq!(store.search("streaming", 5).expect("search").len(), 1);
    store.rename_conversation(&"c".into(), "alpha").expect("named");
    store.rename_conversation(&"c".into(), "beta").expect("named");
    assert!(store.search("alpha", 5).expect("search").is_empty());
    assert_eq!(store.search("beta", 5).expect("search")[0].message, None);
}

#[test]
fn newest_come_first_and_a_rebuilt_index_finds_the_same() {
    let store = Store::in_memory().expect("opens");
    for number in 1..=30 {
        say(&store, "c", number, &format!("question {number} 检索"), "answer");
    }
    let before = store.search("检索", 10).expect("search");
    assert_eq!(before.len(), 10);
    assert_eq!(before[0].message.as_ref().map(|id| id.as_str()), Some("c-q30"));
    store.rebuild_search_index().expect("rebuilt");
    assert_eq!(store.search("检索", 10).expect("search"), before);
    assert_eq!(store.search("question 17", 10).expect("search").len(), 1);
}
