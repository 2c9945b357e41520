//! A server without a socket, so that hours of waiting can be tested on a paused clock.

use super::Request;
use crate::error::Error;
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Status and headers.
type Head = (u16, Vec<(&'static str, String)>);

/// What happens to one request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) head: Result<Head, Error>,
    /// Before the head.
    pub(crate) after: Duration,
    /// Pieces of the body, each after a pause.
    pub(crate) body: Vec<(Duration, Result<Bytes, Error>)>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) request: Request,
}

impl Seen {
    pub(crate) fn json(&self) -> serde_json::Value {
        match &self.request.payload {
            super::Payload::Json(bytes) => serde_json::from_slice(bytes).unwrap(),
            other => panic!("no JSON: {other:?}"),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type Rule = dyn Fn(usize, &Request) -> Answer + Send + Sync;

/// Answers requests by a rule and remembers them.
#[derive(Clone)]
pub(crate) struct Server {
    rule: Arc<Rule>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Debug)]
pub(crate) struct Body {
    pieces: VecDeque<(Duration, Result<Bytes, Error>)>,
    due: Option<Instant>,
}

impl Answer {
    pub(crate) fn new(status: u16, headers: &[(&'static str, &str)], body: impl Into<String>) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let body = vec![(Duration::ZERO, Ok(Bytes::from(body.into())))];
        Self { head: Ok((status, headers)), after: Duration::ZERO, body }
    }

    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self::new(200, &[("content-type", "application/json")], body.to_string())
    }

    pub(crate) fn stream(body: impl Into<String>) -> Self {
        Self::new(200, &[("content-type", "text/event-stream")], body)
    }

    pub(crate) fn failed(error: Error) -> Self {
        Self { head: Err(error), after: Duration::ZERO, body: Vec::new() }
    }

    pub(crate) fn then(mut self, pause: Duration, piece: Result<&str, Error>) -> Self {
        self.body.push((pause, piece.map(|text| Bytes::from(text.to_owned()))));
        self
    }
}

impl Server {
    pub(crate) fn new(rule: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        Self { rule: Arc::new(rule), seen: Arc::default() }
    }

    /// Answers in order; the last answer is repeated.
    pub(crate) fn answering(answers: Vec<Answer>) -> Self {
        Self::new(move |n, _| answers[n.min(answers.len() - 1)].clone())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) async fn answer(&self, request: &Request) -> Result<(u16, HeaderMap, Body), Error> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Seen { at: Instant::now(), request: request.clone() });
            seen.len() - 1
        };
        let answer = (self.rule)(number, request);
        sleep(answer.after).await;
        let (status, headers) = answer.head?;
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        Ok((status, headers, Body { pieces: answer.body.into(), due: None }))
    }
}

impl Body {
    /// Safe to drop and to call again, as the real one is.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let Some((pause, _)) = self.pieces.front() else { return Ok(None) };
        let due = *self.due.get_or_insert(Instant::now() + *pause);
        tokio::time::sleep_until(due).await;
        self.due = None;
        match self.pieces.pop_front() {
            Some((_, piece)) => piece.map(Some),
            None => Ok(None),
        }
    }
}
