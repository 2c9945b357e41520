//! The way out: an answer becomes a plan of bytes, waits and an end, and the plan becomes a body. The client's going
//! away drops the body, and with it the [`Watch`] that notes the time.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use tokio::time::{Instant, sleep_until};

use crate::answer::{Answer, Kind, Payload};
use crate::scenario::{Effects, LineEnd};
use crate::seen::Watch;
use crate::socket::Fuse;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Send(Bytes),
    /// Until so long after the first byte of the body could leave.
    At(Duration),
    Pause(Duration),
    /// Give the socket a chance to send what is buffered as a packet of its own.
    Flush,
    /// Silence without end.
    Silence,
    Pad(u64),
    End(End),
}

/// How the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Close,
    Reset,
}

/// The response whose body follows the plan.
pub(crate) fn response(
    answer: Answer,
    effects: &Effects,
    speed: Option<f64>,
    fuse: Fuse,
    watch: Watch,
) -> Response {
    watch.status(answer.status);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = axum::http::StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in &answer.headers {
        // A scenario may ask for a header that HTTP does not allow; it is left out.
        if let (Ok(name), Ok(value)) =
            (name.parse::<axum::http::HeaderName>(), axum::http::HeaderValue::from_str(value))
        {
            response.headers_mut().append(name, value);
        }
    }
    if let Some(length) = declared_length(&answer, effects) {
        response.headers_mut().insert("content-length", length.into());
    }
    let plan = plan(answer.payload, effects, speed);
    let keep_alive = effects.keep_alive_ms.map(Duration::from_millis);
    *response.body_mut() = body(Sending { plan, fuse, watch, began: None, keep_alive, chunk_open: false });
    response
}

/// Whole answers declare their length, as the service's do; streams, and bodies that end elsewhere, do not.
fn declared_length(answer: &Answer, effects: &Effects) -> Option<usize> {
    let stream = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    let changed =
        effects.end_after.is_some() || effects.pad_body.is_some() || effects.keep_alive_ms.is_some();
    match &answer.payload {
        Payload::Whole(bytes) if !stream && !changed => Some(bytes.len()),
        _ => None,
    }
}

fn plan(payload: Payload, effects: &Effects, speed: Option<f64>) -> VecDeque<Step> {
    let mut steps = match payload {
        Payload::Whole(bytes) => vec![Step::Send(bytes)],
        Payload::Events(events) => paced(events, effects, speed),
    };
    let limit = [effects.cut_after, effects.end_after, effects.reset_after].into_iter().flatten().min();
    if let Some(limit) = limit {
        steps = split_at(steps, limit).0;
    }
    if let Some(after) = effects.stall_after {
        let (before, rest) = split_at(steps, after);
        steps = before;
        steps.push(Step::Flush);
        steps.push(effects.stall_ms.map_or(Step::Silence, |ms| Step::Pause(Duration::from_millis(ms))));
        steps.extend(rest);
    }
    if let Some(size) = effects.chunk_bytes.filter(|size| *size > 0) {
        steps = chunked(steps, size, effects.chunk_pause_ms.map(Duration::from_millis));
    }
    if let Some(ms) = effects.body_delay_ms {
        steps.insert(0, Step::Pause(Duration::from_millis(ms)));
    }
    if let Some(bytes) = effects.pad_body {
        steps.push(Step::Pad(bytes));
    }
    if effects.reset_after.is_some() && effects.reset_after == limit {
        steps.push(Step::End(End::Reset));
    } else if effects.cut_after.is_some() && effects.cut_after == limit {
        steps.push(Step::End(End::Close));
    }
    steps.into()
}

/// Events with the times at which their tokens are due.
fn paced(events: Vec<crate::answer::Event>, effects: &Effects, speed: Option<f64>) -> Vec<Step> {
    let mut steps = Vec::with_capacity(events.len() * 2);
    let mut tokens = 0_u32;
    if effects.byte_order_mark == Some(true) {
        steps.push(Step::Send(Bytes::from_static("\u{feff}".as_bytes())));
    }
    for event in events {
        if event.kind == Kind::Token {
            tokens += 1;
            if let Some(speed) = speed.filter(|speed| *speed > 0.0) {
                steps.push(Step::At(Duration::from_secs_f64(f64::from(tokens) / speed)));
            }
        }
        let text = match effects.line_end {
            Some(LineEnd::Crlf) => event.text.replace('\n', "\r\n"),
            Some(LineEnd::Cr) => event.text.replace('\n', "\r"),
            Some(LineEnd::Lf) | None => event.text,
        };
        steps.push(Step::Send(Bytes::from(text)));
    }
    steps
}

/// The steps that send the first `limit` bytes, and the rest.
fn split_at(steps: Vec<Step>, limit: usize) -> (Vec<Step>, Vec<Step>) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut sent = 0;
    for step in steps {
        match step {
            _ if sent >= limit => after.push(step),
            Step::Send(mut bytes) => {
                let head = bytes.split_to(bytes.len().min(limit - sent));
                sent += head.len();
                before.push(Step::Send(head));
                if !bytes.is_empty() {
                    after.push(Step::Send(bytes));
                }
            }
            other => before.push(other),
        }
    }
    (before, after)
}

fn chunked(steps: Vec<Step>, size: usize, pause: Option<Duration>) -> Vec<Step> {
    let mut out = Vec::new();
    for step in steps {
        let Step::Send(mut bytes) = step else {
            out.push(step);
            continue;
        };
        while !bytes.is_empty() {
            out.push(Step::Send(bytes.split_to(bytes.len().min(size))));
            out.push(pause.map_or(Step::Flush, Step::Pause));
        }
    }
    out
}

/// A body on its way.
struct Sending {
    plan: VecDeque<Step>,
    fuse: Fuse,
    watch: Watch,
    began: Option<Instant>,
    keep_alive: Option<Duration>,
    /// In the middle of an event, where a comment would damage it.
    chunk_open: bool,
}

fn body(sending: Sending) -> Body {
    Body::from_stream(stream::unfold(sending, |mut sending| async move {
        let item = sending.next().await?;
        Some((item, sending))
    }))
}

impl Sending {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let began = *self.began.get_or_insert_with(Instant::now);
        while let Some(step) = self.plan.pop_front() {
            match step {
                Step::Send(bytes) if bytes.is_empty() => {}
                Step::Send(bytes) => return Some(Ok(self.send(bytes))),
                Step::At(after) => {
                    if let Some(comment) = self.wait(began + after, step).await {
                        return Some(Ok(comment));
                    }
                }
                Step::Pause(length) => self.plan.push_front(Step::At(began.elapsed() + length)),
                Step::Silence => {
                    let long = Duration::from_secs(365 * 24 * 3600);
                    if let Some(comment) = self.wait(began + long, step).await {
                        return Some(Ok(comment));
                    }
                }
                Step::Flush => tokio::task::yield_now().await,
                Step::Pad(0) => {}
                Step::Pad(left) => {
                    let now = left.min(64 << 10);
                    self.plan.push_front(Step::Pad(left - now));
                    return Some(Ok(self.send(Bytes::from(vec![b' '; now as usize]))));
                }
                Step::End(end) => return Some(Err(self.end(end).await)),
            }
        }
        self.watch.finish();
        None
    }

    fn send(&mut self, bytes: Bytes) -> Bytes {
        self.chunk_open =
            !(bytes.ends_with(b"\n\n") || bytes.ends_with(b"\r\n\r\n") || bytes.ends_with(b"\r\r"));
        self.watch.sent(bytes.len());
        // A body of declared length is not asked again after its last byte.
        if self.plan.iter().all(|step| matches!(step, Step::Flush)) {
            self.watch.finish();
        }
        bytes
    }

    /// Waits until `due`; when a comment is due before, gives that and puts `step` back.
    async fn wait(&mut self, due: Instant, step: Step) -> Option<Bytes> {
        let comment_due = self.keep_alive.filter(|_| !self.chunk_open).map(|every| Instant::now() + every);
        match comment_due.filter(|comment_due| *comment_due < due) {
            Some(comment_due) => {
                sleep_until(comment_due).await;
                self.plan.push_front(step);
                Some(self.send(Bytes::from_static(b": keep-alive\n\n")))
            }
            None => {
                sleep_until(due).await;
                None
            }
        }
    }

    /// The error that makes the connection end here. What was sent must be in the client's hands first, because a
    /// reset discards what is still in this machine's buffers.
    async fn end(&mut self, end: End) -> io::Error {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.watch.finish();
        if end == End::Reset {
            self.fuse.blow();
        }
        io::ErrorKind::ConnectionAborted.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sends(steps: &[Step]) -> Vec<&[u8]> {
        steps
            .iter()
            .filter_map(|step| if let Step::Send(bytes) = step { Some(bytes.as_ref()) } else { None })
            .collect()
    }

    #[test]
    fn a_cut_falls_on_the_byte() {
        let steps = vec![Step::Send(Bytes::from_static(b"abc")), Step::Send(Bytes::from_static(b"def"))];
        let (before, after) = split_at(steps, 4);
        assert_eq!(sends(&before).concat(), b"abcd");
        assert_eq!(sends(&after).concat(), b"ef");
    }

    #[test]
    fn a_stall_and_a_cut_stand_in_one_plan() {
        let effects =
            Effects { stall_after: Some(2), cut_after: Some(4), stall_ms: Some(5), ..Effects::default() };
        let steps = Vec::from(plan(Payload::Whole(Bytes::from_static(b"abcdef")), &effects, None));
        assert_eq!(sends(&steps), [b"ab".as_slice(), b"cd"]);
        assert_eq!(steps.last(), Some(&Step::End(End::Close)));
    }
}
