//! What has arrived of an answer: its text, thoughts, tool calls and figures, and how far each is on disk and on
//! its way to the window.

use domain::{Finish, Message, ToolCall, Usage};
use std::time::Duration;
use tokio::time::Instant;
use workers_ai::Delta;

/// An answer as far as it came.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// The whole text, of earlier attempts too when the answer is continued.
    pub(crate) text: String,
    /// The whole thoughts.
    pub(crate) thinking: String,
    /// Tools that the model asked for.
    pub(crate) tool_calls: Vec<ToolCall>,
    /// The service's index of each of `tool_calls`.
    call_indexes: Vec<u32>,
    /// The last figures that the service gave.
    pub(crate) usage: Option<Usage>,
    /// Why the model ended.
    pub(crate) finish: Option<Finish>,
    /// Parameters that the model refused, of earlier attempts too.
    pub(crate) dropped_parameters: Vec<String>,
    /// Bytes of `thinking` that the window was told.
    told_thinking: usize,
    /// Where this attempt began in `text`.
    prefix: usize,
    times: Times,
}

#[derive(Debug)]
struct Times {
    asked: Instant,
    first: Option<Instant>,
    first_text: Option<Instant>,
    last: Option<Instant>,
    /// Thinking time of earlier attempts.
    thought_before: Duration,
}

impl Arrived {
    /// Nothing yet, asked for just now; or as far as `before` came, when it is continued.
    pub(crate) fn after(before: Option<&Message>) -> Self {
        let text = before.map(|message| message.text.clone()).unwrap_or_default();
        let thinking = before.and_then(|message| message.thinking.clone()).unwrap_or_default();
        let thought_before = before.and_then(|message| message.thinking_ms).unwrap_or(0);
        Self {
            told_thinking: thinking.len(),
            prefix: text.len(),
            text,
            thinking,
            tool_calls: Vec::new(),
            call_indexes: Vec::new(),
            usage: None,
            finish: None,
            dropped_parameters: before.map(|message| message.dropped_parameters.clone()).unwrap_or_default(),
            times: Times {
                asked: Instant::now(),
                first: None,
                first_text: None,
                last: None,
                thought_before: Duration::from_millis(thought_before.into()),
            },
        }
    }

    /// The request leaves now.
    pub(crate) fn asked(&mut self) {
        self.times.asked = Instant::now();
    }

    /// The model answers without these.
    pub(crate) fn without(&mut self, parameters: &[String]) {
        let new = parameters.iter().filter(|name| !self.dropped_parameters.contains(name));
        let new: Vec<String> = new.cloned().collect();
        self.dropped_parameters.extend(new);
    }

    /// Takes one delta; returns how many bytes are new for the disk.
    pub(crate) fn take(&mut self, delta: Delta) -> usize {
        match delta {
            Delta::Text(text) => {
                if !text.is_empty() {
                    self.mark();
                    self.times.first_text.get_or_insert_with(Instant::now);
                }
                self.text.push_str(&text);
                text.len()
            }
            Delta::Thinking(text) => {
                if !text.is_empty() {
                    self.mark();
                }
                self.thinking.push_str(&text);
                text.len()
            }
            Delta::ToolCall { index, id, name, arguments } => {
                self.mark();
                self.add_to_tool_call(index, id, name, &arguments);
                0
            }
            Delta::Usage(usage) => {
                self.usage = Some(usage);
                0
            }
            Delta::Finish(finish) => {
                self.finish = Some(finish);
                0
            }
        }
    }

    /// Anything of this attempt arrived.
    pub(crate) fn anything(&self) -> bool {
        self.times.first.is_some()
    }

    /// The text of this attempt.
    pub(crate) fn new_text(&self) -> &str {
        &self.text[self.prefix..]
    }

    /// Thoughts that the window was not told yet.
    pub(crate) fn untold_thinking(&mut self) -> Option<String> {
        let untold = self.thinking[self.told_thinking..].to_owned();
        self.told_thinking = self.thinking.len();
        (!untold.is_empty()).then_some(untold)
    }

    /// There are thoughts that the window was not told yet.
    pub(crate) fn has_untold_thinking(&self) -> bool {
        self.told_thinking < self.thinking.len()
    }

    /// Milliseconds from asking to the first token.
    pub(crate) fn first_token_ms(&self) -> Option<u32> {
        self.times.first.map(|first| milliseconds(first - self.times.asked))
    }

    /// Milliseconds from the first token to the last.
    pub(crate) fn stream_ms(&self) -> Option<u32> {
        Some(milliseconds(self.times.last? - self.times.first?))
    }

    /// How long it thought in all, when it did.
    pub(crate) fn thinking_ms(&self) -> Option<u32> {
        if self.thinking.is_empty() {
            return None;
        }
        let end = self.times.first_text.or(self.times.last);
        let now = self.times.first.zip(end).map_or(Duration::ZERO, |(first, end)| end - first);
        Some(milliseconds(self.times.thought_before + now))
    }

    fn mark(&mut self) {
        let now = Instant::now();
        self.times.first.get_or_insert(now);
        self.times.last = Some(now);
    }

    /// Pieces of one call have the same index; a call without an id of its own gets the number that the service
    /// hints at (`000000001`).
    fn add_to_tool_call(&mut self, index: u32, id: Option<String>, name: Option<String>, arguments: &str) {
        let place = self.call_indexes.iter().position(|&known| known == index).unwrap_or_else(|| {
            self.call_indexes.push(index);
            let id = format!("{:09}", self.call_indexes.len());
            self.tool_calls.push(ToolCall { id, name: String::new(), arguments: String::new() });
            self.tool_calls.len() - 1
        });
        let call = &mut self.tool_calls[place];
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            call.name = name;
        }
        call.arguments.push_str(arguments);
    }
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
