//! What a person waits for: the path of a long conversation, a turn that is on disk, a journal entry.
//!
//! `cargo bench -p store` · search has its own program: `benches/search.rs`.

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{ConversationOptions, MessageId, MessageStatus, Timestamp};
use std::hint::black_box;
use store::{Ending, NewConversation, NewMessage, Place, Store, Turn, Where};

const LONG: usize = 10_000;

fn message(id: String, text: &str) -> NewMessage {
    NewMessage { id: id.into(), text: text.into(), model: None, attachments: Vec::new() }
}

fn turn(conversation: &str, number: usize) -> Turn {
    Turn {
        conversation: Where::Existing(conversation.into()),
        place: Place::End,
        question: Some(message(format!("{conversation}-q{number}"), "a question of the usual length, or so")),
        answer: message(format!("{conversation}-a{number}"), ""),
        run: format!("{conversation}-r{number}").into(),
        at: Timestamp(1_795_211_321_000),
    }
}

fn ending(id: MessageId, text: &str) -> Ending {
    Ending {
        message: id,
        status: MessageStatus::Complete,
        text: text.into(),
        thinking: None,
        thinking_ms: None,
        fault: None,
        finish: None,
        usage: None,
        first_token_ms: None,
        stream_ms: None,
        tool_calls: Vec::new(),
        sources: Vec::new(),
        pictures: Vec::new(),
        dropped_parameters: Vec::new(),
        ledger: Vec::new(),
        at: Timestamp(1_795_211_321_000),
    }
}

fn conversation(store: &Store, id: &str) {
    let new = NewConversation {
        id: id.into(),
        options: ConversationOptions::default(),
        temporary: false,
        created_at: Timestamp(0),
    };
    store.create_conversation(&new).expect("made");
}

/// A conversation of `messages` messages with answers of 2,000 characters, made by a fork so that it takes a second.
fn long(store: &Store, messages: usize) {
    conversation(store, "seed");
    let answer = "An answer with some words in it. ".repeat(60);
    for number in 0..messages / 2 {
        let turn = turn("seed", number);
        store.begin_turn(&turn).expect("begun");
        store.end_answer(&ending(turn.answer.id, &answer)).expect("ended");
    }
}

fn benches(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path(), Timestamp(0)).expect("opens");
    long(&store, LONG);
    criterion.bench_function("path of 10,000 messages", |bench| {
        bench.iter(|| black_box(store.path(&"seed".into(), None).expect("path").len()));
    });
    let tail: Vec<MessageId> = store
        .path(&"seed".into(), None)
        .expect("path")
        .into_iter()
        .rev()
        .take(20)
        .map(|item| item.id)
        .collect();
    criterion.bench_function("bodies of the last 20", |bench| {
        bench.iter(|| black_box(store.messages(&tail).expect("messages").len()));
    });
    criterion.bench_function("first 50 rows of the list", |bench| {
        bench.iter(|| black_box(store.conversations(0, 50, false).expect("list").conversations.len()));
    });

    conversation(&store, "turns");
    let mut number = 0;
    criterion.bench_function("turn committed to disk", |bench| {
        bench.iter(|| {
            number += 1;
            store.begin_turn(&turn("turns", number)).expect("begun")
        });
    });
    let streaming = turn("turns", number + 1);
    store.begin_turn(&streaming).expect("begun");
    let mut text = String::new();
    criterion.bench_function("journal entry of 2 KiB on disk", |bench| {
        bench.iter(|| {
            text.push_str(&"token ".repeat(341));
            store.journal_answer(&streaming.answer.id, &text, "").expect("journalled");
        });
    });
}

criterion_group! { name = group; config = Criterion::default().sample_size(30); targets = benches }
criterion_main!(group);
