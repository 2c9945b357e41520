//! The native dialect: `{"response": ...}`, plain or streamed (reference, sections 2.3 and 2.4).

use serde_json::{Value, json};

use super::reply::Reply;
use super::request::Request;
use super::tools::{self, ToolCall};
use super::usage;
use crate::answer::{Answer, Event, Kind};
use crate::catalogue::Model;
use crate::random::Random;
use crate::run::Job;
use crate::scenario::UsagePlace;
use crate::tokens;

/// The answer in the native dialect.
pub(crate) fn answer(job: &Job<'_>, request: &Request, reply: &Reply) -> Answer {
    let answer = if request.stream { streamed(job, reply) } else { whole(job.model, reply) };
    answer.charged(reply.neurons, reply.tokens_in, reply.tokens_out)
}

fn whole(model: &Model, reply: &Reply) -> Answer {
    // JSON mode gives an object, on one model a text.
    let response = match &reply.object {
        _ if !reply.calls.is_empty() => Value::Null,
        Some(object) if model.name() != "deepseek-r1-distill-qwen-32b" => object.clone(),
        _ => json!(with_tags(model, reply).concat()),
    };
    let mut result = json!({"response": response, "tool_calls": calls(model, reply), "usage": usage(reply)});
    if tells_finish(model) {
        result["finish_reason"] = json!(reply.finish);
    }
    Answer::enveloped(&result)
}

/// Most of the family never says why it stopped.
fn tells_finish(model: &Model) -> bool {
    matches!(model.name(), "llama-3.3-70b-instruct-fp8-fast" | "llama-4-scout-17b-16e-instruct")
}

fn calls(model: &Model, reply: &Reply) -> Vec<Value> {
    let form = if tools::stays_native(model) { ToolCall::framed } else { ToolCall::traditional };
    reply.calls.iter().map(form).collect()
}

fn streamed(job: &Job<'_>, reply: &Reply) -> Answer {
    let every = job.call.effects.usage == Some(UsagePlace::Every);
    let mut padding = Random::new(reply.id);
    let mut events = Vec::new();
    for (i, piece) in with_tags(job.model, reply).iter().enumerate() {
        let mut chunk = json!({"response": piece, "tool_calls": [], "p": padding_of(&mut padding)});
        if let Some(digits) = as_number(job.model, piece) {
            chunk["response"] = digits;
        }
        if every {
            chunk["usage"] = counted(reply, i + 1);
        }
        events.push(Event::data(Kind::Token, &chunk));
    }
    if !reply.calls.is_empty() {
        let chunk = json!({"tool_calls": calls(job.model, reply), "p": padding_of(&mut padding)});
        events.push(Event::data(Kind::Token, &chunk));
    }
    if job.call.effects.usage != Some(UsagePlace::Absent) {
        let mut chunk = json!({"response": "", "usage": usage(reply)});
        if tells_finish(job.model) {
            chunk["finish_reason"] = json!(reply.finish);
        }
        events.push(Event::data(Kind::Other, &chunk));
    }
    events.push(Event::done());
    Answer::events(events)
}

/// The counts after so many tokens.
fn counted(reply: &Reply, tokens_out: usize) -> Value {
    json!({"prompt_tokens": reply.tokens_in, "completion_tokens": tokens_out, "total_tokens": reply.tokens_in + tokens_out})
}

/// Random filling against traffic analysis: letters from `a` on, of any length.
fn padding_of(random: &mut Random) -> String {
    ('a'..='z').cycle().take(4 + random.below(28)).collect()
}

/// One model sends a token of digits as a number.
fn as_number(model: &Model, piece: &str) -> Option<Value> {
    let digits = !piece.is_empty() && piece.bytes().all(|b| b.is_ascii_digit()) && !piece.starts_with('0');
    (digits && model.name() == "llama-3.2-1b-instruct")
        .then(|| piece.parse::<u64>().ok())
        .flatten()
        .map(|n| json!(n))
}

/// The pieces of the text, with the thoughts of the models that think aloud in front. Their tags fall across pieces.
pub(crate) fn with_tags<'a>(model: &Model, reply: &'a Reply) -> Vec<&'a str> {
    let mut pieces = Vec::new();
    if !reply.thoughts.is_empty() {
        // This one's template opens the tag, so that only its end is seen.
        if model.name() != "deepseek-r1-distill-qwen-32b" {
            pieces.extend(["<thi", "nk>", "\n"]);
        }
        pieces.extend(tokens::pieces(&reply.thoughts));
        if reply.finish != "length" || !reply.text.is_empty() {
            pieces.extend(["\n</th", "ink>\n", "\n"]);
        }
    }
    pieces.extend(tokens::pieces(&reply.text));
    pieces
}
