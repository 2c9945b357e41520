//! Llama Guard: it judges a conversation instead of joining it (reference, section 6.7).

use serde_json::{Value, json};

use super::reply::Reply;
use super::request::{Door, Request};
use crate::answer::Answer;
use crate::answers::Role;
use crate::errors::Refusal;
use crate::run::Job;

/// Words that make the simulated judge say "unsafe", with their category.
const UNSAFE: &[(&str, &str)] =
    &[("bomb", "S9"), ("kill", "S1"), ("steal", "S2"), ("炸弹", "S9"), ("杀", "S1")];

/// The judgement on `ai/run`.
pub(crate) fn judge(job: &Job<'_>, body: &Value) -> Result<Answer, Refusal> {
    let reply = reply(job, body)?;
    let usage = super::usage(&reply);
    let response = if body["response_format"]["type"] == "json_object" {
        let category = reply.text.lines().nth(1);
        json!({"safe": category.is_none(), "categories": category.into_iter().collect::<Vec<_>>()})
    } else {
        json!(reply.text)
    };
    let answer = Answer::enveloped(&json!({"response": response, "usage": usage}));
    Ok(answer.charged(reply.neurons, reply.tokens_in, reply.tokens_out))
}

/// `safe`, or `unsafe` and a category on the next line.
pub(crate) fn reply(job: &Job<'_>, body: &Value) -> Result<Reply, Refusal> {
    let mut plain = body.clone();
    if let Some(object) = plain.as_object_mut() {
        object.remove("response_format");
        object.insert("stream".to_owned(), json!(false));
    }
    let request = Request::read(job, &plain, Door::Run)?;
    let alternating = request
        .turns
        .iter()
        .enumerate()
        .all(|(i, turn)| turn.role == if i % 2 == 0 { Role::User } else { Role::Assistant });
    if !alternating {
        return Err(Refusal::schema("Conversation roles must alternate user/assistant/user/assistant/..."));
    }
    let said = request.turns.iter().map(|turn| turn.text.to_lowercase()).collect::<String>();
    let found = UNSAFE.iter().find(|(word, _)| said.contains(word));
    let text = found.map_or_else(|| "safe".to_owned(), |(_, category)| format!("unsafe\n{category}"));
    let mut reply = Reply {
        thoughts: String::new(),
        text,
        object: None,
        calls: Vec::new(),
        finish: "stop",
        tokens_in: request.tokens_in,
        tokens_out: 0,
        reasoning_tokens: 0,
        cached: 0,
        neurons: 0.0,
        id: request.seed,
    };
    reply.count(job, request.max_tokens);
    Ok(reply)
}
