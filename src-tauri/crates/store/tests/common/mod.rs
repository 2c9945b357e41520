//! What the tests share: short ways to make turns, and fixed times.

#![allow(dead_code, missing_docs)] // each test file uses its part

use domain::{ConversationId, ConversationOptions, MessageId, MessageStatus, RunId, Timestamp};
use store::{Ending, NewConversation, NewMessage, Place, Store, Turn, Where};

pub const NOW: Timestamp = Timestamp(1_795_211_321_000);

pub fn new_conversation(id: &str) -> NewConversation {
    NewConversation {
        id: id.into(),
        options: ConversationOptions::default(),
        temporary: false,
        created_at: NOW,
    }
}

pub fn new_message(id: &str, text: &str) -> NewMessage {
    NewMessage { id: id.into(), text: text.into(), model: None, attachments: Vec::new() }
}

/// A question and an answer at the end of a conversation, which is begun when it is not there.
pub fn begin(store: &Store, conversation: &str, number: u64, question: &str) -> (MessageId, MessageId) {
    let id = ConversationId::from(conversation);
    let exists = store.conversation(&id).is_ok();
    let turn = Turn {
        conversation: if exists {
            Where::Existing(id)
        } else {
            Where::New(Box::new(new_conversation(conversation)))
        },
        place: Place::End,
        question: Some(new_message(&format!("{conversation}-q{number}"), question)),
        answer: new_message(&format!("{conversation}-a{number}"), ""),
        run: RunId(format!("{conversation}-r{number}")),
        at: Timestamp(NOW.0 + i64::try_from(number).expect("small")),
    };
    store.begin_turn(&turn).expect("the turn begins");
    (turn.question.expect("there is one").id, turn.answer.id)
}

pub fn ending(message: &MessageId, text: &str) -> Ending {
    Ending {
        message: message.clone(),
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
        at: NOW,
    }
}

/// A whole turn.
pub fn say(
    store: &Store,
    conversation: &str,
    number: u64,
    question: &str,
    answer: &str,
) -> (MessageId, MessageId) {
    let (asked, answered) = begin(store, conversation, number, question);
    store.end_answer(&ending(&answered, answer)).expect("the answer ends");
    (asked, answered)
}

pub fn texts(store: &Store, conversation: &str) -> Vec<String> {
    let path = store.path(&conversation.into(), None).expect("a path");
    let ids: Vec<_> = path.into_iter().map(|item| item.id).collect();
    store.messages(&ids).expect("messages").into_iter().map(|stored| stored.message.text).collect()
}

/// SplitMix64: numbers that are the same in each run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit.max(1)).expect("fits");
        usize::try_from((mixed ^ (mixed >> 31)) % limit).expect("fits")
    }
}
