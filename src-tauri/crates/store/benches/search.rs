//! P10: search over many messages against a bare FTS5 query that reads the text of its hits, on the same rows, in one
//! run.
//!
//! `cargo bench -p store --bench search -- 1000000`

#![allow(clippy::print_stdout)] // its result

use domain::{ConversationId, Timestamp};
use std::time::{Duration, Instant};
use store::rusqlite::params;
use store::{Error, Store};

/// Words of which messages are made, the frequent ones first.
const WORDS: [&str; 24] = [
    "the",
    "and",
    "model",
    "question",
    "answer",
    "vector",
    "neuron",
    "today",
    "模型",
    "数据库",
    "检索",
    "向量",
    "怎么",
    "回答",
    "python",
    "rust",
    "worker",
    "cloud",
    "budget",
    "letter",
    "garden",
    "北京",
    "学习",
    "invoice",
];

fn main() {
    let size: u64 = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(100_000);
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path(), Timestamp(0)).expect("opens");
    let begun = Instant::now();
    fill(&store, size);
    println!("{size} messages written and indexed in {:.1} s", begun.elapsed().as_secs_f64());
    let file = std::fs::metadata(dir.path().join(store::DATABASE)).expect("there").len();
    println!("database: {} MiB", file >> 20);
    println!(
        "{:<22} {:>10} {:>10} {:>10} {:>10} {:>7}",
        "query", "p50 ms", "p95 ms", "bare p50", "bare p95", "ratio"
    );
    for (query, index, bare) in [
        ("invoice", "message_trigrams", "\"invoice\""),
        ("数据库", "message_trigrams", "\"数据库\""),
        ("needle99", "message_trigrams", "\"needle99\""),
        ("garden python", "message_trigrams", "\"garden\" AND \"python\""),
        ("模型", "message_pairs", "\"模型\""),
        ("北京", "message_pairs", "\"北京\""),
        ("absent-word", "message_trigrams", "\"absent-word\""),
    ] {
        let ours = timed(|| store.search(query, 50).expect("search").len());
        let sql = format!(
            "SELECT b.text FROM {index} f CROSS JOIN body b ON b.message = f.rowid WHERE {index} MATCH ?1
             ORDER BY f.rowid DESC LIMIT 50"
        );
        let peer = timed(|| {
            let rows: Result<usize, Error> = store.read(|tx| {
                let mut query = tx.prepare_cached(&sql)?;
                let rows = query.query_map([bare], |row| row.get::<_, String>(0))?;
                Ok(rows.count())
            });
            rows.expect("bare")
        });
        println!(
            "{query:<22} {:>10.2} {:>10.2} {:>10.2} {:>10.2} {:>7.2}",
            ours.0,
            ours.1,
            peer.0,
            peer.1,
            ours.1 / peer.1
        );
    }
}

/// Median and 95th percentile of forty runs, in milliseconds.
fn timed(mut work: impl FnMut() -> usize) -> (f64, f64) {
    let mut times: Vec<Duration> = (0..40)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(work());
            begun.elapsed()
        })
        .collect();
    times.sort();
    (times[20].as_secs_f64() * 1e3, times[38].as_secs_f64() * 1e3)
}

/// Messages of some 30 words each, 1,000 to a conversation, written by the import in batches.
fn fill(store: &Store, size: u64) {
    let mut state = 1_u64;
    let mut next = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % limit as u64).expect("small")
    };
    for conversation in 0..size.div_ceil(1_000) {
        let id = ConversationId(format!("c{conversation}"));
        let mut messages = Vec::new();
        for number in (conversation * 1_000..size.min((conversation + 1) * 1_000)).rev() {
            let mut text: String = (0..30)
                .map(|_| {
                    // Two draws: the first words are the most frequent, as in life.
                    let most = 1 + next(WORDS.len());
                    format!("{}{} ", WORDS[next(most)], next(1_000))
                })
                .collect();
            text.push_str(&format!("needle{number}"));
            messages.push(serde_json::json!({
                "id": format!("m{number}"), "conversation": id, "parent": null, "role": "user", "text": text,
                "status": "complete", "createdAt": number, "attachments": [], "toolCalls": [], "sources": []
            }));
        }
        let export = serde_json::json!({"format": "edgewise.conversations", "version": 1,
            "conversations": [{"conversation": {"id": id, "title": format!("Talk {conversation}")}, "messages": messages}]});
        let text = export.to_string();
        let imported = store.import(&mut text.as_bytes(), Timestamp(0)).expect("imported");
        assert!(imported.messages > 0, "{imported:?}");
    }
    let count: Result<i64, Error> = store.read(|tx| {
        Ok(tx.query_row("SELECT count(*) FROM message WHERE length > ?1", params![0], |row| row.get(0))?)
    });
    assert_eq!(count.expect("counted").unsigned_abs(), size);
}
