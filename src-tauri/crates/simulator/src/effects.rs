//! Effects on a finished answer: what replaces it, its status and headers, the events of a stream.

use serde_json::{Value, json};

use crate::answer::{Answer, Event, Kind, Payload};
use crate::errors::Refusal;
use crate::images;
use crate::scenario::{Effects, StreamError, StreamErrorShape};

/// The answer that replaces the endpoint's, if the scenario wants one.
pub(crate) fn instead(effects: &Effects) -> Option<Answer> {
    if let Some(raw) = &effects.answer {
        let mut answer = Answer::bytes(&raw.content_type, raw.bytes());
        answer.set_header("cache-control", "no-cache");
        return Some(answer);
    }
    if let Some(to) = &effects.redirect {
        let mut answer = Answer::bytes("text/plain", Vec::new()).with_status(302);
        answer.set_header("location", to);
        return Some(answer);
    }
    if effects.captive_portal == Some(true) {
        return Some(Answer::bytes("text/html; charset=utf-8", CAPTIVE_PORTAL));
    }
    effects.error.as_deref().map(|name| {
        let refusal = Refusal::named(name);
        let shape = effects.error_shape.unwrap_or(refusal.shape);
        refusal.shaped(shape).answer()
    })
}

const CAPTIVE_PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Guest Wi-Fi</title></head><body><h1>Welcome to the \
    guest network</h1><form action=\"/login\"><button>Accept and connect</button></form></body></html>\n";

/// Everything that changes a finished answer, apart from its pace.
pub(crate) fn apply(mut answer: Answer, effects: &Effects) -> Answer {
    if let Some(fault) = effects.image {
        answer = images::faults::damage(answer, fault);
    }
    if let Some(status) = effects.status {
        answer.status = status;
    }
    match effects.retry_after.as_deref() {
        Some("") => answer.remove_header("retry-after"),
        Some(value) => answer.set_header("retry-after", value),
        None => {}
    }
    if let Some(content_type) = &effects.content_type {
        answer.set_header("content-type", content_type);
    }
    match effects.neurons_header {
        Some(true) => answer.set_header("cf-ai-neurons", &crate::price::shown(answer.neurons)),
        Some(false) => answer.remove_header("cf-ai-neurons"),
        None => {}
    }
    for (name, value) in &effects.headers {
        answer.set_header(name, value);
    }
    if let Payload::Events(events) = answer.payload {
        answer.payload = Payload::Events(edited(events, effects));
    }
    answer
}

/// The events with errors, broken lines and comments put in.
fn edited(mut events: Vec<Event>, effects: &Effects) -> Vec<Event> {
    if effects.no_done == Some(true) {
        events.retain(|event| event.kind != Kind::Done);
    }
    if let Some(error) = &effects.stream_error {
        let openai = events.first().is_some_and(|event| event.text.contains("\"choices\""));
        events.truncate(position_after(&events, error.after));
        events.push(error_event(error, openai));
    }
    if let Some(after) = effects.bad_json_after {
        let at = position_after(&events, after);
        events.insert(
            at,
            Event { kind: Kind::Other, text: "data: {\"response\": \"cut in the\n\n".to_owned() },
        );
    }
    if let Some(bytes) = effects.huge_event {
        events.insert(0, Event::data(Kind::Other, &json!({"p": "x".repeat(bytes)})));
    }
    if let Some(every) = effects.comment_every.filter(|every| *every > 0) {
        events = commented(events, every);
    }
    events
}

/// Where in the list `tokens` tokens have passed.
fn position_after(events: &[Event], tokens: usize) -> usize {
    let places = events.iter().enumerate().filter(|(_, event)| event.kind == Kind::Token);
    match tokens.checked_sub(1).map(|last| places.map(|(at, _)| at + 1).nth(last)) {
        None => 0,
        Some(place) => place.unwrap_or(events.len()),
    }
}

fn commented(events: Vec<Event>, every: usize) -> Vec<Event> {
    let comment = Event { kind: Kind::Other, text: ": keep-alive\n\n".to_owned() };
    let mut out = Vec::with_capacity(events.len() * 2);
    for (i, event) in events.into_iter().enumerate() {
        if i % every == 0 {
            out.push(comment.clone());
        }
        out.push(event);
    }
    out
}

fn error_event(error: &StreamError, openai: bool) -> Event {
    let refusal = Refusal::named(&error.error);
    let (code, text) = (refusal.code, refusal.text());
    let value: Value = match error.shape {
        StreamErrorShape::Errors => {
            json!({"result": {}, "success": false, "messages": [], "errors": [{"code": code, "message": text}]})
        }
        StreamErrorShape::ErrorObject => json!({"error": {"message": text, "code": code}}),
        StreamErrorShape::ErrorText => json!({"error": text}),
        StreamErrorShape::FinishReason if openai => {
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]})
        }
        StreamErrorShape::FinishReason => json!({"response": "", "finish_reason": "error"}),
    };
    Event::data(Kind::Other, &value)
}
