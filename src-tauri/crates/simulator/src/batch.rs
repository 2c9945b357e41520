//! The asynchronous batch (reference, section 2.10) and the list of finetunes (2.12).

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::catalogue::Model;
use crate::errors::Refusal;
use crate::handle::Call;
use crate::random::uuid_of;
use crate::run::{Job, dispatch, result_of};
use crate::state::{Batch, State};

/// `?queueRequest=true`: takes a list of requests, or tells how far one is. Each stays queued for one poll.
pub(crate) fn queue(call: &Call, model: &'static Model, state: &State) -> Result<Answer, Refusal> {
    let body = call.json()?;
    if !model.batch {
        return Err(Refusal::schema("this model does not support async queues"));
    }
    if let Some(id) = body["request_id"].as_str() {
        return poll(call, model, id, state);
    }
    let requests = body["requests"].as_array().filter(|list| !list.is_empty());
    let requests = requests.ok_or_else(|| Refusal::schema("required properties at '/' are 'requests'"))?;
    if call.body.len() > 10 << 20 {
        return Err(Refusal::named("request_too_large"));
    }
    let id = uuid_of(&format!("{} {:?}", model.id, state.elapsed()));
    state.store_batch(&id, Batch { model: model.id.clone(), requests: requests.clone(), polls: 0 });
    Ok(Answer::enveloped(&json!({"status": "queued", "request_id": id, "model": model.id})))
}

fn poll(call: &Call, model: &'static Model, id: &str, state: &State) -> Result<Answer, Refusal> {
    let batch = state.poll_batch(id).filter(|batch| batch.model == model.id);
    let batch = batch.ok_or_else(|| Refusal::saying("invalid_input", "AiError: Unknown request_id"))?;
    if batch.polls < 2 {
        return Ok(Answer::enveloped(&json!({"status": "running", "request_id": id, "model": model.id})));
    }
    let mut responses = Vec::new();
    let (mut neurons, mut tokens) = (0.0, (0, 0));
    for (i, request) in batch.requests.iter().enumerate() {
        let mut input = request.clone();
        let reference = input.as_object_mut().and_then(|object| object.remove("external_reference"));
        let mut entry = match dispatch(&Job { call, model, state, input: Some(input) }) {
            Ok(answer) => {
                neurons += answer.neurons;
                tokens = (tokens.0 + answer.tokens.0, tokens.1 + answer.tokens.1);
                json!({"id": i, "result": result_of(&answer), "success": true})
            }
            Err(refusal) => json!({"id": i, "success": false, "error": refusal.text()}),
        };
        if let Some(reference) = reference {
            entry["external_reference"] = reference;
        }
        responses.push(entry);
    }
    let usage = json!({"prompt_tokens": tokens.0, "completion_tokens": tokens.1, "total_tokens": tokens.0 + tokens.1});
    let answer = Answer::enveloped(&json!({"responses": responses, "usage": usage}))
        .charged(neurons, tokens.0, tokens.1);
    // Asking again for the same answers is free.
    if batch.polls == 2 {
        state.charge(&model.id, &answer);
    }
    Ok(answer)
}

/// `GET .../ai/finetunes`: this account has none.
pub(crate) fn finetunes() -> Answer {
    Answer::enveloped(&json!([]))
}

/// `GET .../ai/finetunes/public`
pub(crate) fn public_finetunes(call: &Call) -> Answer {
    let number = |name: &str| call.query(name).and_then(|n| n.parse::<usize>().ok());
    let tune = |name: &str| {
        json!({"id": uuid_of(name), "name": name, "description": "A simulated public adapter.", "public": true,
               "model": "@cf/mistral/mistral-7b-instruct-v0.2-lora", "created_at": "2024-04-02T12:00:00Z",
               "modified_at": "2024-04-02T12:00:00Z"})
    };
    let all: Vec<Value> =
        ["cf-public-magicoder", "cf-public-cnn-summarization"].iter().map(|name| tune(name)).collect();
    let page = all.into_iter().skip(number("offset").unwrap_or(0)).take(number("limit").unwrap_or(50));
    Answer::enveloped(&page.collect())
}
