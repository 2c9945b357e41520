//! An answer before it leaves: status, headers and a body that is either whole or a list of events. Everything is
//! computed before the first byte is sent; pace and faults are added on the way out.

use bytes::Bytes;
use serde_json::{Value, json};

/// What one event of a stream is for, so that effects can find their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text or thoughts; takes time when a speed is set.
    Token,
    /// Roles, counts, ends.
    Other,
    /// `[DONE]`.
    Done,
}

/// One event, with its line ends as LF.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl Event {
    pub(crate) fn data(kind: Kind, value: &Value) -> Self {
        Event { kind, text: format!("data: {value}\n\n") }
    }

    /// With an `event:` line, as the Responses API has it.
    pub(crate) fn named(kind: Kind, name: &str, value: &Value) -> Self {
        Event { kind, text: format!("event: {name}\ndata: {value}\n\n") }
    }

    pub(crate) fn done() -> Self {
        Event { kind: Kind::Done, text: "data: [DONE]\n\n".to_owned() }
    }
}

/// The body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Payload {
    Whole(Bytes),
    Events(Vec<Event>),
}

/// An answer on its way out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Payload,
    /// What it cost, for the ledger; 0 when nothing ran.
    pub(crate) neurons: f64,
    /// Tokens for the ledger: in and out.
    pub(crate) tokens: (usize, usize),
}

impl Answer {
    pub(crate) fn bytes(content_type: &str, bytes: impl Into<Bytes>) -> Self {
        Answer {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            payload: Payload::Whole(bytes.into()),
            neurons: 0.0,
            tokens: (0, 0),
        }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self::bytes("application/json", value.to_string())
    }

    /// `{"result": ..., "success": true, "errors": [], "messages": []}`
    pub(crate) fn enveloped(result: &Value) -> Self {
        Self::json(&json!({"result": result, "success": true, "errors": [], "messages": []}))
    }

    pub(crate) fn events(events: Vec<Event>) -> Self {
        let mut answer = Self::bytes("text/event-stream", Bytes::new());
        answer.headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
        answer.payload = Payload::Events(events);
        answer
    }

    #[must_use]
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Books the cost. Whole answers carry it in `cf-ai-neurons`; a stream's headers leave before it is known.
    #[must_use]
    pub(crate) fn charged(mut self, neurons: f64, tokens_in: usize, tokens_out: usize) -> Self {
        self.neurons = neurons;
        self.tokens = (tokens_in, tokens_out);
        if matches!(self.payload, Payload::Whole(_)) {
            self.set_header("cf-ai-neurons", &crate::price::shown(neurons));
        }
        self
    }

    /// Sets a header, replacing one of that name.
    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.remove_header(name);
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }

    pub(crate) fn remove_header(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}
