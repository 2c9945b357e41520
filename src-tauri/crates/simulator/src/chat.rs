//! Text generation in the dialects that are alive on the service: which one answers depends on the model and, for
//! some, on the form of the request.

pub(crate) mod clef;
mod guard;
mod json_mode;
mod native;
mod openai;
mod reply;
mod request;
mod responses;
mod tools;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::catalogue::Model;
use crate::errors::Refusal;
use crate::handle::Call;
use crate::run::{self, Job};
use crate::scenario::ErrorShape;
use crate::state::State;
use reply::Reply;
use request::{Door, Request};

/// The wire family of a model on `ai/run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Native,
    Openai,
}

/// OpenAI-style where the catalogue says so; the models that may be either answer OpenAI-style, as they mostly do.
pub(crate) fn family(model: &Model) -> Family {
    match model.response_family.as_deref() {
        Some("openai_chat" | "openai_chat_or_responses" | "native_or_openai") => Family::Openai,
        _ => Family::Native,
    }
}

fn speaks_responses(model: &Model) -> bool {
    model.response_family.as_deref() == Some("openai_chat_or_responses")
}

/// `POST .../ai/run/{model}`
pub(crate) fn run(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    if job.model.response_family.as_deref() == Some("clef_decision") {
        return clef::decide(job, &body);
    }
    if job.model.name() == "llama-guard-3-8b" {
        return guard::judge(job, &body);
    }
    licence(job, &body)?;
    if body.get("input").is_some() && speaks_responses(job.model) {
        return responses::answer(job, &body, true);
    }
    let request = Request::read(job, &body, Door::Run)?;
    let reply = Reply::to(job, &request)?;
    Ok(match family(job.model) {
        Family::Native => native::answer(job, &request, &reply),
        // Scout's calls keep the native form even though its texts do not.
        Family::Openai if tools::stays_native(job.model) && !reply.calls.is_empty() => {
            native::answer(job, &request, &reply)
        }
        Family::Openai => openai::answer(job, &request, &reply, true),
    })
}

/// `POST .../ai/v1/chat/completions`: one shape for every model.
pub(crate) fn completions(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let model = model_of(call, &body, state)?;
    run::metered(call, model, state, || {
        let job = Job { call, model, state, input: None };
        if model.response_family.as_deref() == Some("clef_decision") {
            return Err(Refusal::schema("this model does not chat"));
        }
        licence(&job, &body)?;
        if model.name() == "llama-guard-3-8b" {
            return Ok(openai::answer(
                &job,
                &Request::read(&job, &body, Door::Openai)?,
                &guard::reply(&job, &body)?,
                false,
            ));
        }
        let request = Request::read(&job, &body, Door::Openai)?;
        let reply = Reply::to(&job, &request)?;
        Ok(openai::answer(&job, &request, &reply, false))
    })
}

/// `POST .../ai/v1/responses`: its errors have OpenAI's shape.
pub(crate) fn responses(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let answer = || {
        let body = call.json()?;
        let model = model_of(call, &body, state)?;
        if !speaks_responses(model) {
            return Err(Refusal::schema(format!("{} does not support the Responses API", model.id)));
        }
        run::metered(call, model, state, || {
            responses::answer(&Job { call, model, state, input: None }, &body, false)
        })
    };
    answer().map_err(|refusal| refusal.shaped(ErrorShape::Openai))
}

fn model_of(call: &Call, body: &Value, state: &State) -> Result<&'static Model, Refusal> {
    let id =
        body["model"].as_str().ok_or_else(|| Refusal::schema("required properties at '/' are 'model'"))?;
    let model = run::open(call, id.strip_prefix("workers-ai/").unwrap_or(id), state)?;
    if model.task == "Text Generation" { Ok(model) } else { Err(Refusal::no_such_model(id)) }
}

/// The agreement of Llama 3.2 Vision: a successful one has been seen as a 403 that says thanks.
fn licence(job: &Job<'_>, body: &Value) -> Result<(), Refusal> {
    let demanded = job.call.effects.licence_step.unwrap_or(job.state.options.licence_step);
    if !demanded || job.model.name() != "llama-3.2-11b-vision-instruct" {
        return Ok(());
    }
    if body["prompt"].as_str().is_some_and(|prompt| prompt.trim() == "agree") {
        job.state.agree(&job.call.account);
        return Err(Refusal::saying(
            "licence",
            "AiError: Thank you for agreeing to the Llama 3.2 model terms.",
        ));
    }
    if job.state.has_agreed(&job.call.account) { Ok(()) } else { Err(Refusal::named("licence")) }
}

/// Token counts as the wire has them.
fn usage(reply: &Reply) -> Value {
    json!({
        "prompt_tokens": reply.tokens_in, "completion_tokens": reply.tokens_out,
        "total_tokens": reply.tokens_in + reply.tokens_out,
        "prompt_tokens_details": {"cached_tokens": reply.cached},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        "neurons": crate::price::rounded(reply.neurons) })
}
