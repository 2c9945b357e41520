//! `ai/run`: which model, whether it may run, what it costs, and through which gateway.

use serde_json::{Value, json};

use crate::answer::{Answer, Payload};
use crate::catalogue::{self, Model};
use crate::errors::Refusal;
use crate::handle::Call;
use crate::random::{hash, uuid_of};
use crate::state::{LogEntry, State};
use crate::{audio, batch, chat, embeddings, images, text_tasks};

/// The neurons that are free on a day.
const DAILY_ALLOWANCE: f64 = 10_000.0;

/// One run of a model.
pub(crate) struct Job<'a> {
    pub(crate) call: &'a Call,
    pub(crate) model: &'static Model,
    pub(crate) state: &'a State,
    /// The input of a body-addressed call, or of one request of a batch.
    pub(crate) input: Option<Value>,
}

impl Job<'_> {
    /// The input as a JSON object.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        match &self.input {
            Some(input) if input.is_object() => Ok(input.clone()),
            Some(_) => Err(Refusal::schema("Type mismatch of '/', 'object' expected")),
            None => self.call.json(),
        }
    }

    /// A seed that depends on the simulator's and on the request's.
    pub(crate) fn seed(&self, body: &Value) -> u64 {
        self.state.options.seed ^ body["seed"].as_u64().unwrap_or(0)
    }
}

/// `POST .../ai/run/{model}`
pub(crate) fn path_addressed(call: &Call, id: &str, state: &State) -> Result<Answer, Refusal> {
    run(call, id, None, state)
}

/// `POST .../ai/run` with `{"model": ..., "input": ...}`; our models need a gateway there.
pub(crate) fn body_addressed(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let id =
        body["model"].as_str().ok_or_else(|| Refusal::schema("required properties at '/' are 'model'"))?;
    if call.header("cf-aig-gateway-id").is_none() {
        return Err(Refusal::named("gateway_unknown"));
    }
    run(call, id, Some(body["input"].clone()), state)
}

fn run(call: &Call, id: &str, input: Option<Value>, state: &State) -> Result<Answer, Refusal> {
    let model = open(call, id, state)?;
    if call.query("queueRequest") == Some("true") {
        return batch::queue(call, model, state);
    }
    metered(call, model, state, || dispatch(&Job { call, model, state, input }))
}

/// The model's answer to one job.
pub(crate) fn dispatch(job: &Job<'_>) -> Result<Answer, Refusal> {
    match job.model.task.as_str() {
        "Text Generation" => chat::run(job),
        "Text Embeddings" => embeddings::run(job),
        "Text-to-Image" => images::run(job),
        "Automatic Speech Recognition" | "Text-to-Speech" | "Dumb Pipe" => audio::run(job),
        _ => text_tasks::run(job),
    }
}

/// The model of this id, when this account may run it today.
pub(crate) fn open(call: &Call, id: &str, state: &State) -> Result<&'static Model, Refusal> {
    let model = catalogue::find(id).ok_or_else(|| Refusal::no_such_model(id))?;
    // The one retired id that is officially routed on.
    let model = match id {
        "@cf/moonshotai/kimi-k2.5" => catalogue::find("@cf/moonshotai/kimi-k2.6").unwrap_or(model),
        _ => model,
    };
    if let Some(date) = model.deprecated_on.filter(|_| model.is_dead(state.today())) {
        return Err(dead(id, &date.to_string()));
    }
    if model.status == "gated" {
        return Err(Refusal::named("gated"));
    }
    let on = |effect: Option<bool>, option: bool| effect.unwrap_or(option);
    if model.require_workers_paid && on(call.effects.free_plan, state.options.free_plan) {
        return Err(Refusal::named("paid_plan"));
    }
    if on(call.effects.enforce_allowance, state.options.enforce_allowance)
        && state.neurons_today() >= DAILY_ALLOWANCE
    {
        return Err(Refusal::named("daily_allowance"));
    }
    Ok(model)
}

/// Two texts have been seen; the older retirements have the first.
fn dead(id: &str, date: &str) -> Refusal {
    let text = if date < "2026-01-01" {
        format!(
            "AiError: Model has been deprecated: {id} was deprecated on {date}. Please use another model."
        )
    } else {
        format!("AiError: This model was deprecated on {date}. Please use an alternative model.")
    };
    Refusal::saying("deprecated", text)
}

/// Runs a job through the gateway that the headers name, and books what it cost.
pub(crate) fn metered(
    call: &Call,
    model: &'static Model,
    state: &State,
    job: impl FnOnce() -> Result<Answer, Refusal>,
) -> Result<Answer, Refusal> {
    let Some(gateway) = call.header("cf-aig-gateway-id") else {
        let answer = job()?;
        state.charge(&model.id, &answer);
        return Ok(answer);
    };
    if gateway.is_empty() || gateway.starts_with("unknown") {
        return Err(Refusal::named("gateway_unknown"));
    }
    let key = cache_key(call);
    let cached = state.cached_answer(key).filter(|_| call.header("cf-aig-skip-cache") != Some("true"));
    let hit = cached.is_some();
    let mut answer = match cached {
        Some(answer) => answer,
        None => {
            let answer = job()?;
            state.charge(&model.id, &answer);
            if call.header("cf-aig-cache-ttl").is_some() {
                state.cache_answer(key, answer.clone());
            }
            answer
        }
    };
    if hit {
        answer.remove_header("cf-ai-neurons");
    }
    let id = uuid_of(&format!("{gateway} {} {}", state.elapsed().as_nanos(), call.path))
        .replace('-', "")
        .to_uppercase();
    answer.set_header("cf-aig-cache-status", if hit { "HIT" } else { "MISS" });
    answer.set_header("cf-aig-step", "0");
    if let Some(event) = call.header("cf-aig-event-id") {
        answer.set_header("cf-aig-event-id", event);
    }
    if call.header("cf-aig-collect-log") != Some("false") {
        // As long as a ULID.
        answer.set_header("cf-aig-log-id", &id[..26]);
        state.log(LogEntry {
            id: id[..26].to_owned(),
            gateway: gateway.to_owned(),
            model: model.id.clone(),
            cached: hit,
            status: answer.status,
            tokens: answer.tokens,
            feedback: None,
            score: None,
        });
    }
    Ok(answer)
}

/// Provider, endpoint, authorization and body: another token never shares an entry.
fn cache_key(call: &Call) -> u64 {
    let own = call.header("cf-aig-cache-key");
    let mut bytes = call.path.clone().into_bytes();
    bytes.extend_from_slice(call.header("authorization").unwrap_or_default().as_bytes());
    bytes.extend_from_slice(own.map_or(call.body.as_ref(), str::as_bytes));
    hash(&bytes)
}

/// The result inside an answer's envelope, for the parts of a batch.
pub(crate) fn result_of(answer: &Answer) -> Value {
    match &answer.payload {
        Payload::Whole(bytes) => {
            serde_json::from_slice::<Value>(bytes).map_or(json!(null), |body| body["result"].clone())
        }
        Payload::Events(_) => json!(null),
    }
}
