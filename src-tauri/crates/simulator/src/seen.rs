//! What the simulator saw, for tests that check tokens, counts of attempts and how fast Stop reaches the server.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::state::State;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Counts from 1 over the simulator's life.
    pub number: u64,
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path as sent, not decoded.
    pub path: String,
    /// The query as sent, without `?`; empty when there is none.
    pub query: String,
    /// All headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// When its head arrived, since the simulator's start.
    pub at: Duration,
    /// The status that was answered; `None` while there is none.
    pub status: Option<u16>,
    /// The client hung up before the answer was complete.
    pub closed_early: bool,
    /// When the answer ended, by its end or by the client's; since the simulator's start.
    pub closed_at: Option<Duration>,
    /// Bytes of the answer's body that were handed to the socket.
    pub sent: usize,
}

impl Seen {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The bearer token, if there is one.
    pub fn token(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The body as JSON; null when it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn to_json(&self) -> Value {
        let body = std::str::from_utf8(&self.body).map_or(Value::Null, |text| json!(text));
        json!({
            "number": self.number, "method": self.method, "path": self.path, "query": self.query,
            "headers": self.headers, "body": body, "body_bytes": self.body.len(),
            "at_ms": self.at.as_millis() as u64, "status": self.status, "closed_early": self.closed_early,
            "closed_at_ms": self.closed_at.map(|at| at.as_millis() as u64), "sent": self.sent })
    }
}

/// Watches one answer: whoever drops it before [`Watch::finish`] is a client that hung up.
#[derive(Debug)]
pub(crate) struct Watch {
    state: Arc<State>,
    number: u64,
    finished: bool,
    sent: usize,
}

impl Watch {
    pub(crate) fn new(state: Arc<State>, number: u64) -> Self {
        state.answer_opened();
        Watch { state, number, finished: false, sent: 0 }
    }

    pub(crate) fn status(&self, status: u16) {
        self.state.note(self.number, |seen| seen.status = Some(status));
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
    }

    /// The answer is complete, or ends because a scenario wants it so.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let (early, sent, now) = (!self.finished, self.sent, self.state.elapsed());
        self.state.answer_closed();
        self.state.note(self.number, |seen| {
            seen.closed_early = early;
            seen.closed_at = Some(now);
            seen.sent = sent;
        });
    }
}
