//! Which function answers which path.

use crate::accounts::{self, may_use};
use crate::answer::Answer;
use crate::auth::{self, Need};
use crate::errors::Refusal;
use crate::handle::Call;
use crate::state::State;
use crate::{batch, catalogue, chat, embeddings, gateway, markdown, run, schemas, usage};

/// The endpoint's answer to a request.
pub(crate) fn route(mut call: Call, state: &State) -> Result<Answer, Refusal> {
    let segments: Vec<String> = std::mem::take(&mut call.segments);
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    // An encoded slash does not separate: the service then finds no such route.
    if call.path.to_ascii_lowercase().contains("%2f") {
        return Err(Refusal { code: 7000, ..Refusal::saying("no_route", "No route for that URI") });
    }
    let Some(path) = path.strip_prefix(&["client", "v4"]) else { return Err(Refusal::no_route(&call.path)) };
    match (call.method.as_str(), path) {
        ("GET", ["user", "tokens", "verify"]) => accounts::verify_user(&call, state),
        ("GET", ["accounts"]) => accounts::accounts(&call, state),
        ("GET", ["memberships"]) => accounts::memberships(&call, state),
        ("POST", ["graphql"]) => usage::graphql(&call, state),
        ("GET", ["accounts", _, "tokens", "verify"]) => accounts::verify_account(&call, state),
        (_, ["accounts", account, rest @ ..]) => {
            call.account = (*account).to_owned();
            let token = auth::authenticated(&call, state)?;
            may_use(account, &call.path, state)?;
            auth::allowed(token, need(&call.method, rest))?;
            below_account(&call, rest, state)
        }
        _ => Err(Refusal::no_route(&call.path)),
    }
}

/// Reading the catalogue needs "read", everything else below `ai/` needs "edit" too.
fn need(method: &str, path: &[&str]) -> Need {
    match path {
        ["ai", ..] if method == "GET" => Need::ReadAi,
        ["ai", ..] => Need::RunAi,
        _ => Need::Nothing,
    }
}

fn below_account(call: &Call, path: &[&str], state: &State) -> Result<Answer, Refusal> {
    match (call.method.as_str(), path) {
        ("GET", ["ai", "models", "search"]) => catalogue::search(call, state),
        ("GET", ["ai", "models", "schema"]) => schemas::schema(call),
        ("GET", ["ai", "tasks", "search"]) => Ok(catalogue::tasks()),
        ("GET", ["ai", "authors", "search"]) => Ok(catalogue::authors()),
        ("GET", ["ai", "finetunes"]) => Ok(batch::finetunes()),
        ("GET", ["ai", "finetunes", "public"]) => Ok(batch::public_finetunes(call)),
        ("GET", ["ai", "tomarkdown", "supported"]) => Ok(markdown::supported()),
        ("POST", ["ai", "tomarkdown"]) => markdown::convert(call, state),
        ("POST", ["ai", "run"]) => run::body_addressed(call, state),
        ("POST", ["ai", "run", model @ ..]) => run::path_addressed(call, &model.join("/"), state),
        ("POST", ["ai", "v1", "chat", "completions"]) => chat::completions(call, state),
        ("POST", ["ai", "v1", "embeddings"]) => embeddings::openai(call, state),
        ("POST", ["ai", "v1", "responses"]) => chat::responses(call, state),
        ("POST", ["ai", "v1", "messages"]) => Err(Refusal::schema("Workers AI models are not served here")),
        (_, ["ai", "v1", "models"]) => Err(Refusal::method_not_allowed()),
        (_, ["ai-gateway", rest @ ..]) => gateway::manage(call, rest, state),
        (_, ["ai", "run", ..] | ["ai", "v1", ..] | ["ai", "models", _] | ["ai", "tomarkdown"]) => {
            Err(Refusal::method_not_allowed())
        }
        _ => Err(Refusal::no_route(&call.path)),
    }
}
