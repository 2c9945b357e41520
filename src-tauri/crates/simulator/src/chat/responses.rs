//! OpenAI's Responses dialect, spoken by gpt-oss (reference, sections 2.3 and 2.5).

use serde_json::{Value, json};

use super::reply::Reply;
use super::request::{Door, Request};
use crate::answer::{Answer, Event, Kind};
use crate::errors::Refusal;
use crate::run::Job;
use crate::tokens;

/// Answers a request that has `input` instead of `messages`.
pub(crate) fn answer(job: &Job<'_>, body: &Value, enveloped: bool) -> Result<Answer, Refusal> {
    let request = Request::read(job, &as_chat(body)?, Door::Openai)?;
    let reply = Reply::to(job, &request)?;
    let frame = Frame { job, reply: &reply };
    let answer = match (request.stream, enveloped) {
        (true, _) => Answer::events(frame.events()),
        (false, true) => Answer::enveloped(&frame.whole("completed")),
        (false, false) => Answer::json(&frame.whole("completed")),
    };
    Ok(answer.charged(reply.neurons, reply.tokens_in, reply.tokens_out))
}

/// The same request in chat form.
fn as_chat(body: &Value) -> Result<Value, Refusal> {
    let mut messages = Vec::new();
    if let Some(instructions) = body["instructions"].as_str() {
        messages.push(json!({"role": "system", "content": instructions}));
    }
    match &body["input"] {
        Value::String(text) => messages.push(json!({"role": "user", "content": text})),
        Value::Array(items) => messages.extend(items.iter().filter_map(message)),
        _ => return Err(Refusal::schema("required properties at '/' are 'input'")),
    }
    let mut chat = json!({"messages": messages, "stream": body["stream"]});
    if let Some(limit) = body.get("max_output_tokens").filter(|limit| !limit.is_null()) {
        chat["max_completion_tokens"] = limit.clone();
    }
    if let Some(effort) = body["reasoning"]["effort"].as_str() {
        chat["reasoning_effort"] = json!(effort);
    }
    for key in ["temperature", "top_p", "seed", "tools", "tool_choice"] {
        if let Some(value) = body.get(key) {
            chat[key] = value.clone();
        }
    }
    Ok(chat)
}

/// One item of the input; results of functions are told as a tool's message, other items carry no text.
fn message(item: &Value) -> Option<Value> {
    if item["type"] == "function_call_output" {
        return Some(json!({"role": "tool", "content": item["output"].as_str().unwrap_or_default()}));
    }
    let role = item["role"].as_str()?;
    let text = match &item["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => return None,
    };
    Some(json!({"role": role, "content": text}))
}

struct Frame<'a> {
    job: &'a Job<'a>,
    reply: &'a Reply,
}

impl Frame<'_> {
    fn id(&self, kind: &str) -> String {
        format!("{kind}_{:016x}", self.reply.id)
    }

    fn whole(&self, status: &str) -> Value {
        let done = status == "completed";
        let cut = self.reply.finish == "length" && done;
        json!({
            "id": self.id("resp"), "object": "response", "created_at": self.job.state.now_seconds(),
            "status": if cut { "incomplete" } else { status },
            "incomplete_details": if cut { json!({"reason": "max_output_tokens"}) } else { Value::Null },
            "model": self.job.model.id, "output": if done { self.output() } else { Vec::new() },
            "usage": if done { json!({
                "input_tokens": self.reply.tokens_in, "output_tokens": self.reply.tokens_out,
                "total_tokens": self.reply.tokens_in + self.reply.tokens_out,
                "output_tokens_details": {"reasoning_tokens": self.reply.reasoning_tokens} }) } else { Value::Null } })
    }

    fn output(&self) -> Vec<Value> {
        let mut output = Vec::new();
        if !self.reply.thoughts.is_empty() {
            output.push(json!({"type": "reasoning", "id": self.id("rs"), "summary": [],
                               "content": [{"type": "reasoning_text", "text": self.reply.thoughts}]}));
        }
        for call in &self.reply.calls {
            output.push(
                json!({"type": "function_call", "id": self.id("fc"), "call_id": call.id, "name": call.name,
                               "arguments": call.arguments.to_string(), "status": "completed"}),
            );
        }
        if !self.reply.text.is_empty() {
            output.push(self.message());
        }
        output
    }

    fn message(&self) -> Value {
        json!({"type": "message", "id": self.id("msg"), "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": self.reply.text, "annotations": []}]})
    }

    fn events(&self) -> Vec<Event> {
        let mut script = Script::default();
        script.add(Kind::Other, "response.created", json!({"response": self.whole("in_progress")}));
        for (index, item) in self.output().iter().enumerate() {
            script.add(
                Kind::Other,
                "response.output_item.added",
                json!({"output_index": index, "item": opened(item)}),
            );
            let at = json!({"item_id": item["id"], "output_index": index});
            match item["type"].as_str() {
                Some("reasoning") => {
                    script.pieces("response.reasoning_text", &self.reply.thoughts, "text", &at)
                }
                Some("function_call") => {
                    let arguments = item["arguments"].as_str().unwrap_or_default();
                    script.pieces("response.function_call_arguments", arguments, "arguments", &at);
                }
                _ => script.pieces("response.output_text", &self.reply.text, "text", &at),
            }
            script.add(
                Kind::Other,
                "response.output_item.done",
                json!({"output_index": index, "item": item}),
            );
        }
        let end = if self.reply.finish == "length" { "response.incomplete" } else { "response.completed" };
        script.add(Kind::Other, end, json!({"response": self.whole("completed")}));
        script.events.push(Event::done());
        script.events
    }
}

/// An item as it is announced, before its content.
fn opened(item: &Value) -> Value {
    let mut item = item.clone();
    if item["content"].is_array() {
        item["content"] = json!([]);
    }
    if item["type"] == "function_call" {
        item["arguments"] = json!("");
    }
    item
}

/// Events with their running number.
#[derive(Default)]
struct Script {
    events: Vec<Event>,
}

impl Script {
    fn add(&mut self, kind: Kind, name: &str, mut value: Value) {
        let number = self.events.len();
        if let Some(object) = value.as_object_mut() {
            object.insert("type".to_owned(), json!(name));
            object.insert("sequence_number".to_owned(), json!(number));
        }
        self.events.push(Event::named(kind, name, &value));
    }

    fn pieces(&mut self, name: &str, text: &str, field: &str, at: &Value) {
        for piece in tokens::pieces(text) {
            let mut value = at.clone();
            value["delta"] = json!(piece);
            value["content_index"] = json!(0);
            self.add(Kind::Token, &format!("{name}.delta"), value);
        }
        let mut value = at.clone();
        value[field] = json!(text);
        self.add(Kind::Other, &format!("{name}.done"), value);
    }
}
