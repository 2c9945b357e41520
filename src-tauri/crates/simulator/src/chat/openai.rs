//! OpenAI's chat dialect, bare on `ai/v1/chat/completions` and inside the envelope on `ai/run` (reference, sections
//! 2.3, 2.5 and 3).

use serde_json::{Value, json};

use super::native::with_tags;
use super::reply::Reply;
use super::request::Request;
use super::tools::ToolCall;
use super::usage;
use crate::answer::{Answer, Event, Kind};
use crate::catalogue::Model;
use crate::run::Job;
use crate::scenario::UsagePlace;
use crate::tokens;

/// Where a model puts its thoughts.
fn thoughts_field(model: &Model) -> Option<&'static str> {
    match model.name() {
        "qwq-32b" | "deepseek-r1-distill-qwen-32b" => None,
        "kimi-k2.6"
        | "kimi-k2.7-code"
        | "gemma-4-26b-a4b-it"
        | "deepseek-v4-pro-0813"
        | "gpt-oss-20b"
        | "glm-5.3" => Some("reasoning"),
        _ => Some("reasoning_content"),
    }
}

/// The answer; `enveloped` on `ai/run`, where a `prompt` makes some models answer as a text completion.
pub(crate) fn answer(job: &Job<'_>, request: &Request, reply: &Reply, enveloped: bool) -> Answer {
    let completes = matches!(job.model.name(), "qwen3-30b-a3b-fp8" | "gemma-sea-lion-v4-27b-it");
    let frame = Frame { job, reply, text_completion: enveloped && request.is_prompt && completes };
    let answer = match (request.stream, enveloped) {
        (true, _) => Answer::events(frame.events()),
        (false, true) => Answer::enveloped(&frame.whole()),
        (false, false) => Answer::json(&frame.whole()),
    };
    answer.charged(reply.neurons, reply.tokens_in, reply.tokens_out)
}

struct Frame<'a> {
    job: &'a Job<'a>,
    reply: &'a Reply,
    text_completion: bool,
}

impl Frame<'_> {
    fn head(&self, object: &str) -> Value {
        json!({"id": format!("chatcmpl-{:016x}", self.reply.id), "object": object,
               "created": self.job.state.now_seconds(), "model": self.job.model.id})
    }

    fn whole(&self) -> Value {
        let object = if self.text_completion { "text_completion" } else { "chat.completion" };
        let mut body = self.head(object);
        let mut choice =
            json!({"index": 0, "finish_reason": self.reply.finish, "logprobs": null, "stop_reason": null});
        if self.text_completion {
            choice["text"] = json!(self.content());
        } else {
            choice["message"] = self.message();
        }
        body["choices"] = json!([choice]);
        body["usage"] = usage(self.reply);
        body
    }

    fn message(&self) -> Value {
        let calls: Vec<Value> = self.reply.calls.iter().map(ToolCall::openai).collect();
        let mut message = json!({"role": "assistant", "content": self.content(), "tool_calls": calls});
        if let Some(field) = thoughts_field(self.job.model).filter(|_| !self.reply.thoughts.is_empty()) {
            message[field] = json!(self.reply.thoughts);
        }
        message
    }

    fn content(&self) -> String {
        match thoughts_field(self.job.model) {
            Some(_) => self.reply.text.clone(),
            None => with_tags(self.job.model, self.reply).concat(),
        }
    }

    fn events(&self) -> Vec<Event> {
        let place = self.job.call.effects.usage.unwrap_or(UsagePlace::Final);
        let mut events =
            vec![self.chunk(Kind::Other, &json!({"role": "assistant", "content": ""}), None, place, 0)];
        let mut count = 0;
        let mut push = |delta: &Value| {
            count += 1;
            events.push(self.chunk(Kind::Token, delta, None, place, count));
        };
        match thoughts_field(self.job.model) {
            Some(field) => {
                tokens::pieces(&self.reply.thoughts).iter().for_each(|piece| push(&json!({field: piece})));
                tokens::pieces(&self.reply.text).iter().for_each(|piece| push(&self.delta(piece)));
            }
            None => with_tags(self.job.model, self.reply).iter().for_each(|piece| push(&self.delta(piece))),
        }
        for delta in self.call_deltas() {
            push(&delta);
        }
        events.push(self.chunk(
            Kind::Other,
            &self.delta(""),
            Some(self.reply.finish),
            place,
            self.reply.tokens_out,
        ));
        if place != UsagePlace::Absent {
            let mut last = self.head("chat.completion.chunk");
            last["choices"] = json!([]);
            last["usage"] = usage(self.reply);
            events.push(Event::data(Kind::Other, &last));
        }
        events.push(Event::done());
        events
    }

    fn delta(&self, piece: &str) -> Value {
        json!({"content": piece})
    }

    fn chunk(
        &self,
        kind: Kind,
        delta: &Value,
        finish: Option<&str>,
        place: UsagePlace,
        count: usize,
    ) -> Event {
        let mut chunk = self.head("chat.completion.chunk");
        let mut choice = json!({"index": 0, "logprobs": null, "finish_reason": finish});
        if self.text_completion {
            chunk["object"] = json!("text_completion");
            choice["text"] = delta["content"].clone();
        } else {
            choice["delta"] = delta.clone();
        }
        chunk["choices"] = json!([choice]);
        if place == UsagePlace::Every {
            let tokens_in = self.reply.tokens_in;
            chunk["usage"] = json!({"prompt_tokens": tokens_in, "total_tokens": tokens_in + count, "completion_tokens": count});
        }
        Event::data(kind, &chunk)
    }

    /// Kimi sends the arguments in pieces and closes with nulls; the others send a call in one chunk.
    fn call_deltas(&self) -> Vec<Value> {
        let in_pieces =
            self.job.model.name().starts_with("kimi") || self.job.model.name().starts_with("qwen");
        let mut deltas = Vec::new();
        for (i, call) in self.reply.calls.iter().enumerate() {
            let mut first = call.openai();
            first["index"] = json!(i);
            if !in_pieces {
                deltas.push(json!({"tool_calls": [first]}));
                continue;
            }
            first["function"]["arguments"] = json!("");
            deltas.push(json!({"tool_calls": [first]}));
            let arguments = call.arguments.to_string();
            for piece in tokens::pieces(&arguments) {
                deltas.push(json!({"tool_calls": [{"index": i, "function": {"arguments": piece}}]}));
            }
            deltas.push(json!({"tool_calls": [{"index": i, "id": null, "type": null,
                               "function": {"name": null, "arguments": ""}}]}));
        }
        deltas
    }
}
