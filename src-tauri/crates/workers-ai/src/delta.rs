//! From events to what was said: one decoder for every form in which a chat model answers.
//!
//! Native `response`, OpenAI `choices` (delta or message), Responses events, whole answers in JSON, and mixtures of them
//! in one chunk. Which form comes back depends on the model and changes with time, so every chunk is read for all of them.
//! Source: reference, sections 2.3 to 2.7 and 2.11.
//!
//! How to add a form: read its fields in [`Decoder::chunk`], put a recorded stream of it into `tests/fixtures/sse`.

use crate::classify;
use crate::error::{Error, Why};
use crate::sse;
use crate::thoughts::{Piece, Splitter};
use crate::tool_calls::Calls;
use domain::{Finish, Usage};
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::SystemTime;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// More of what is said.
    Text(String),
    /// More of what is thought.
    Thinking(String),
    /// More of a tool call. `id` and `name` come once for each `index`; `arguments` are pieces of JSON text to join.
    ToolCall {
        /// Which call of this answer, from 0.
        index: u32,
        /// The service's id for it.
        id: Option<String>,
        /// The tool's name.
        name: Option<String>,
        /// The next piece of its arguments.
        arguments: String,
    },
    /// Tokens and neurons; once, before `Finish`.
    Usage(Usage),
    /// The answer is whole. Nothing follows.
    Finish(Finish),
}

/// How an answer that has no more bytes came out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    /// Whole.
    Whole(Finish),
    /// Broken off without its final mark.
    Cut,
}

/// Bytes in, deltas out.
#[derive(Debug)]
pub(crate) struct Decoder {
    sse: sse::Decoder,
    splitter: Splitter,
    calls: Calls,
    ready: VecDeque<Delta>,
    /// An error that came after what is in `ready`.
    error: Option<Error>,
    /// That error was taken.
    failed: bool,
    pub(crate) tokens: Tokens,
    finish: Option<Finish>,
    /// `[DONE]` or a closing event was seen.
    done: bool,
    said: bool,
    thought: bool,
    /// Answer and thoughts in characters, for an estimate where the service tells no tokens.
    pub(crate) estimate: u32,
    /// Events that could not be read.
    pub(crate) skipped: u32,
}

/// What the service tells about tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Tokens {
    pub(crate) input: Option<u32>,
    pub(crate) output: Option<u32>,
    pub(crate) cached: Option<u32>,
    pub(crate) neurons: Option<f64>,
}

impl Decoder {
    /// `inline_thoughts`: the model begins with thoughts even without a tag.
    pub(crate) fn new(inline_thoughts: bool) -> Self {
        Self {
            sse: sse::Decoder::new(),
            splitter: Splitter::new(inline_thoughts),
            calls: Calls::default(),
            ready: VecDeque::new(),
            error: None,
            failed: false,
            tokens: Tokens::default(),
            finish: None,
            done: false,
            said: false,
            thought: false,
            estimate: 0,
            skipped: 0,
        }
    }

    /// Takes the next bytes of a stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let outcome = self.sse.push(bytes);
        while let Some(event) = self.sse.next() {
            self.event(&event);
        }
        if outcome.is_err() && !self.is_over() {
            self.error = Some(Error::AnswerTooLarge { limit: sse::LARGEST_EVENT });
        }
    }

    /// Takes a whole answer.
    pub(crate) fn whole(&mut self, value: &Value) {
        let result = value.get("result").filter(|result| result.is_object()).unwrap_or(value);
        self.chunk(result);
        if self.error.is_none() {
            let pieces = self.splitter.finish();
            self.give(pieces);
            self.done = true;
        }
    }

    /// The next piece; the error, once everything before it was taken; `None` when more bytes are needed.
    pub(crate) fn next(&mut self) -> Option<Result<Delta, Error>> {
        match self.ready.pop_front() {
            Some(delta) => Some(Ok(delta)),
            None => self.error.take().map(|error| {
                self.failed = true;
                Err(error)
            }),
        }
    }

    /// No more bytes are wanted.
    pub(crate) fn is_over(&self) -> bool {
        self.done || self.failed || self.error.is_some()
    }

    /// The model has told why it ended; what may follow are figures.
    pub(crate) fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    /// Text or a tool call has come.
    pub(crate) fn has_answer(&self) -> bool {
        self.said || !self.calls.is_empty()
    }

    /// The model has thought aloud.
    pub(crate) fn has_thoughts(&self) -> bool {
        self.thought
    }

    /// There are no more bytes: gives out what was held back, and the verdict.
    pub(crate) fn end(&mut self) -> Ending {
        if !self.is_over()
            && let Some(rest) = self.sse.rest()
        {
            // A last event without its blank line counts when it is plainly whole.
            if rest.data.trim() == "[DONE]" || serde_json::from_str::<Value>(&rest.data).is_ok() {
                self.event(&rest);
            }
        }
        let pieces = self.splitter.finish();
        self.give(pieces);
        match self.finish {
            Some(Finish::Stop) if !self.calls.is_empty() => Ending::Whole(Finish::ToolCalls),
            Some(finish) => Ending::Whole(finish),
            None if !self.done => Ending::Cut,
            None if !self.calls.is_empty() => Ending::Whole(Finish::ToolCalls),
            None => Ending::Whole(Finish::Stop),
        }
    }

    fn event(&mut self, event: &sse::Event) {
        if self.is_over() {
            return;
        }
        let data = event.data.trim();
        if data == "[DONE]" {
            self.done = true;
        } else if !data.is_empty() {
            match serde_json::from_str::<Value>(data) {
                Ok(value) => self.value(&value, event.name.as_deref()),
                Err(_) => self.skip(),
            }
        }
    }

    fn skip(&mut self) {
        self.skipped += 1;
        tracing::warn!(skipped = self.skipped, "an event of a stream is no JSON");
    }

    fn value(&mut self, value: &Value, name: Option<&str>) {
        let kind = value.get("type").and_then(Value::as_str).or(name).unwrap_or_default();
        if kind.starts_with("response.") || (kind == "error" && value.get("error").is_none()) {
            self.responses_event(kind, value);
        } else if let Some(error) = classify::error_in(value, &HeaderMap::new(), SystemTime::now()) {
            self.error = Some(error);
        } else if value.is_object() {
            let result = value.get("result").filter(|result| result.is_object()).unwrap_or(value);
            self.chunk(result);
        }
    }

    /// Reads one chunk, or a whole answer, for every form.
    fn chunk(&mut self, chunk: &Value) {
        let choice = chunk.get("choices").and_then(|choices| choices.get(0));
        let message = choice.and_then(|choice| choice.get("delta").or_else(|| choice.get("message")));
        self.tokens.read(chunk.get("usage"));
        for holder in [message, Some(chunk)].into_iter().flatten() {
            let thoughts = ["reasoning_content", "reasoning"].iter().find_map(|key| text(holder.get(*key)?));
            if let Some(thoughts) = thoughts {
                self.think(thoughts);
                break;
            }
        }
        let said = message
            .and_then(|message| content(message.get("content")?))
            .or_else(|| scalar(chunk.get("response")?))
            .or_else(|| scalar(choice?.get("text")?));
        if let Some(said) = said {
            self.say(&said);
        }
        let lists = [message.and_then(|message| message.get("tool_calls")), chunk.get("tool_calls")];
        if let Some(list) =
            lists.into_iter().flatten().filter_map(Value::as_array).find(|list| !list.is_empty())
        {
            for call in list {
                self.ready.extend(self.calls.piece(call));
            }
        }
        if let Some(output) = chunk.get("output").and_then(Value::as_array) {
            self.output(output);
            self.responses_status(chunk);
        } else if chunk.get("response").is_none() && chunk.get("choices").is_none() {
            self.say(text_of(chunk, "output_text").unwrap_or_default());
        }
        let reason =
            choice.and_then(|choice| choice.get("finish_reason")).or_else(|| chunk.get("finish_reason"));
        self.finished(reason.and_then(Value::as_str).unwrap_or_default());
    }

    fn finished(&mut self, reason: &str) {
        self.finish = match reason {
            "" => return,
            "length" | "model_length" | "max_tokens" | "max_output_tokens" => Some(Finish::Length),
            "tool_calls" | "function_call" => Some(Finish::ToolCalls),
            "content_filter" => Some(Finish::ContentFilter),
            "error" => {
                let message = "the model ended with an error".to_owned();
                self.error =
                    Some(Error::Refused(Box::new(crate::error::Refusal::in_stream(Why::Upstream, message))));
                return;
            }
            // `stop`, `other`, `unknown`, and what is yet to come.
            _ => Some(Finish::Stop),
        };
    }

    /// The parts of a whole answer in the Responses form.
    fn output(&mut self, output: &[Value]) {
        for item in output {
            let parts = item.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            match text_of(item, "type") {
                Some("reasoning") => {
                    let summary =
                        item.get("summary").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                    let shown = if parts.is_empty() { summary } else { parts };
                    for part in shown {
                        self.think(text_of(part, "text").unwrap_or_default());
                    }
                }
                Some("function_call") => self.ready.extend(self.calls.whole(item)),
                _ => {
                    for part in parts {
                        let said = text_of(part, "text").or_else(|| text_of(part, "refusal"));
                        self.say(said.unwrap_or_default());
                    }
                }
            }
        }
    }

    fn responses_status(&mut self, response: &Value) {
        let reason = response.get("incomplete_details").and_then(|details| text_of(details, "reason"));
        match text_of(response, "status") {
            Some("incomplete") => self.finished(reason.unwrap_or("length")),
            Some("failed") => self.finished("error"),
            Some("completed") => self.finished("stop"),
            _ => {}
        }
    }

    fn responses_event(&mut self, kind: &str, event: &Value) {
        let delta = text_of(event, "delta").unwrap_or_default();
        match kind {
            "response.output_text.delta" | "response.refusal.delta" => self.say(delta),
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => self.think(delta),
            "response.output_item.added" | "response.output_item.done" => {
                if let Some(item) =
                    event.get("item").filter(|item| text_of(item, "type") == Some("function_call"))
                {
                    self.ready.extend(self.calls.item(event.get("output_index"), item));
                }
            }
            "response.function_call_arguments.delta" => {
                self.ready.extend(self.calls.arguments(event.get("output_index"), delta));
            }
            "response.function_call_arguments.done" => {
                let whole = text_of(event, "arguments").unwrap_or_default();
                self.ready.extend(self.calls.arguments_done(event.get("output_index"), whole));
            }
            "response.completed" | "response.incomplete" => self.responses_end(kind, event),
            "response.failed" | "error" => {
                let error = classify::stream_error(event);
                self.error = Some(error);
            }
            _ => {}
        }
    }

    fn responses_end(&mut self, kind: &str, event: &Value) {
        let response = event.get("response").unwrap_or(event);
        self.tokens.read(response.get("usage"));
        if !self.has_answer()
            && let Some(output) = response.get("output").and_then(Value::as_array)
        {
            let heard = self.thought;
            let unheard: Vec<Value> = output
                .iter()
                .filter(|item| !heard || text_of(item, "type") != Some("reasoning"))
                .cloned()
                .collect();
            self.output(&unheard);
        }
        self.responses_status(response);
        if self.finish.is_none() {
            self.finished(if kind == "response.incomplete" { "length" } else { "stop" });
        }
        self.done = true;
    }

    fn say(&mut self, text: &str) {
        let pieces = self.splitter.push(text);
        self.give(pieces);
    }

    fn think(&mut self, text: &str) {
        if !text.is_empty() {
            self.splitter.thoughts_came_apart();
            self.give(vec![Piece::Thinking(text.to_owned())]);
        }
    }

    fn give(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            let delta = match piece {
                Piece::Text(text) => {
                    self.said |= !text.trim().is_empty();
                    Delta::Text(text)
                }
                Piece::Thinking(text) => {
                    self.thought = true;
                    Delta::Thinking(text)
                }
            };
            if let Delta::Text(text) | Delta::Thinking(text) = &delta {
                self.estimate = self.estimate.saturating_add(u32::try_from(text.len()).unwrap_or(u32::MAX));
            }
            self.ready.push_back(delta);
        }
    }
}

impl Tokens {
    /// Usage is cumulative where it comes more than once: the last figure counts.
    pub(crate) fn read(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return };
        let count = |keys: &[&str]| {
            let number = keys.iter().find_map(|key| usage.get(*key)?.as_f64())?;
            (number >= 0.0).then_some(number as u32)
        };
        let cached = ["prompt_tokens_details", "input_tokens_details"]
            .iter()
            .find_map(|key| usage.get(*key)?.get("cached_tokens")?.as_f64())
            .map(|number| number as u32);
        self.input = count(&["prompt_tokens", "input_tokens"]).or(self.input);
        self.output = count(&["completion_tokens", "output_tokens"]).or(self.output);
        self.cached = cached.or(self.cached);
        self.neurons = usage.get("neurons").and_then(Value::as_f64).or(self.neurons);
    }
}

/// Text that is not empty.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(text)
}

/// `content` as text, or as a list of parts.
fn content(value: &Value) -> Option<String> {
    match value {
        Value::Array(parts) => {
            let joined: String = parts.iter().filter_map(|part| text_of(part, "text")).collect();
            (!joined.is_empty()).then_some(joined)
        }
        other => scalar(other),
    }
}

/// `response`: text, but also a number (a token that is a digit), or an object (JSON mode).
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
