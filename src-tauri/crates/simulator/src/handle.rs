//! One request from its head to its answer: read it, remember it, ask the scenario, route it, send it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use crate::answer::Answer;
use crate::delivery;
use crate::errors::Refusal;
use crate::scenario::{Effects, NoAnswer, Seeing};
use crate::seen::{Seen, Watch};
use crate::socket::Fuse;
use crate::state::State;
use crate::{effects, routes};

/// The largest body that is read; past it the answer is 413 / 3006.
const MOST_BODY: usize = 128 << 20;

/// One part of a multipart body.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) bytes: Bytes,
}

/// A request as the endpoints see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// As sent.
    pub(crate) path: String,
    /// The decoded segments of the path.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The parts, when the body is multipart.
    pub(crate) parts: Option<Vec<Part>>,
    pub(crate) effects: Effects,
    /// Set by the router below `accounts/{id}`.
    pub(crate) account: String,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        let value: Value = serde_json::from_slice(&self.body).map_err(|error| {
            Refusal::saying("incomplete_request", format!("AiError: Could not parse the body: {error}"))
        })?;
        if value.is_object() {
            Ok(value)
        } else {
            Err(Refusal::schema("Type mismatch of '/', 'object' expected"))
        }
    }
}

/// Answers one request.
pub(crate) async fn handle(state: Arc<State>, request: Request) -> Response {
    let at = state.elapsed();
    let (parts, body) = request.into_parts();
    let fuse = parts.extensions.get::<Fuse>().cloned().unwrap_or_default();
    let read = axum::body::to_bytes(body, MOST_BODY).await;
    let mut call = call_of(&parts, read.as_ref().cloned().unwrap_or_default());
    let number = state.remember(seen_of(&parts, &call, at));
    let watch = Watch::new(Arc::clone(&state), number);
    call.effects = state.effects(&Seeing {
        method: &call.method,
        path: &call.segments.join("/"),
        model: &model_in(&call),
        body: &call.body,
    });
    if let Some(way) = call.effects.no_answer {
        return without_answer(way, &fuse, watch).await;
    }
    if let Some(ms) = call.effects.first_byte_ms {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let answer = match read {
        Ok(_) => answer(&state, &parts, call.clone()).await,
        Err(_) => Refusal::named("request_too_large").answer(),
    };
    let mut answer = effects::apply(answer, &call.effects);
    answer.set_header("server", "edgewise-simulator");
    answer.set_header("cf-ray", &format!("{:016x}-SIM", crate::random::mix(number)));
    let speed = call.effects.speed.or(state.options.speed);
    delivery::response(answer, &call.effects, speed, fuse, watch)
}

async fn answer(state: &Arc<State>, parts: &Parts, mut call: Call) -> Answer {
    if let Some(instead) = effects::instead(&call.effects) {
        return instead;
    }
    if call.content_type().starts_with("multipart/form-data") {
        match multipart(parts, call.body.clone()).await {
            Some(parts) => call.parts = Some(parts),
            None => {
                return Refusal::saying("incomplete_request", "AiError: Could not parse the multipart body")
                    .answer();
            }
        }
    }
    let state = Arc::clone(state);
    // Pictures and big batches take tens of milliseconds, which would hold up other streams.
    let routed = tokio::task::spawn_blocking(move || routes::route(call, &state)).await;
    match routed {
        Ok(Ok(answer)) => answer,
        Ok(Err(refusal)) => refusal.answer(),
        Err(_) => Refusal::saying("internal", "AiError: the simulator itself failed").answer(),
    }
}

async fn without_answer(way: NoAnswer, fuse: &Fuse, mut watch: Watch) -> Response {
    match way {
        NoAnswer::Silence => std::future::pending::<()>().await,
        NoAnswer::Reset => fuse.blow(),
        NoAnswer::Close => {}
    }
    watch.finish();
    fuse.mute();
    Response::new(Body::empty())
}

async fn multipart(parts: &Parts, body: Bytes) -> Option<Vec<Part>> {
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = parts.headers.clone();
    let mut form = Multipart::from_request(request, &()).await.ok()?;
    let mut found = Vec::new();
    while let Some(field) = form.next_field().await.ok()? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        found.push(Part { name, file_name, bytes: field.bytes().await.ok()? });
    }
    Some(found)
}

fn call_of(parts: &Parts, body: Bytes) -> Call {
    let path = parts.uri.path();
    Call {
        method: parts.method.to_string(),
        path: path.to_owned(),
        segments: path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect(),
        query: url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        headers: headers_of(parts),
        body,
        ..Call::default()
    }
}

fn headers_of(parts: &Parts) -> Vec<(String, String)> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn seen_of(parts: &Parts, call: &Call, at: Duration) -> Seen {
    Seen {
        number: 0,
        method: call.method.clone(),
        path: call.path.clone(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: call.headers.clone(),
        body: call.body.clone(),
        at,
        status: None,
        closed_early: false,
        closed_at: None,
        sent: 0,
    }
}

/// `%40` and its like; what does not decode stays.
fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = bytes.get(i + 1..i + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.filter(|_| bytes[i] == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The model's id for the scenario's matcher: from the path, else from the body.
fn model_in(call: &Call) -> String {
    let after_run =
        call.segments.iter().position(|segment| segment == "run").map(|at| call.segments[at + 1..].join("/"));
    match after_run.filter(|model| !model.is_empty()) {
        Some(model) => model,
        None => {
            let body: Option<Value> = serde_json::from_slice(&call.body).ok();
            body.as_ref().and_then(|body| body["model"].as_str()).unwrap_or_default().to_owned()
        }
    }
}
