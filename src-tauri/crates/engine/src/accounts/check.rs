//! The three ticks of connecting: each is shown while it is tried, and again when it is proved or not.

use crate::Engine;
use crate::accounts::Caller;
use crate::sink::Sink;
use crate::usage;
use domain::{CheckEvent, CheckOutcome, CheckStep, Fault, FaultCode, Parameters};
use workers_ai::{ChatMessage, ChatRequest, Delta};

/// Tries all three in order, and ends at the first that fails. `true` when all are proved.
pub(crate) async fn check(engine: &Engine, caller: &Caller, events: &impl Sink<CheckEvent>) -> bool {
    for step in [CheckStep::TokenValid, CheckStep::WorkersAiPermission, CheckStep::OneTokenAnswer] {
        events.send(CheckEvent { step, outcome: None });
        let outcome = match step {
            CheckStep::TokenValid => token_valid(caller).await,
            CheckStep::WorkersAiPermission => permission(caller).await,
            CheckStep::OneTokenAnswer => one_token(engine, caller).await,
        };
        let outcome = outcome.unwrap_or_else(|fault| failed(step, fault));
        let proved = matches!(outcome, CheckOutcome::Proved { .. });
        events.send(CheckEvent { step, outcome: Some(outcome) });
        if !proved {
            return false;
        }
    }
    true
}

async fn token_valid(caller: &Caller) -> Result<CheckOutcome, Fault> {
    token(caller).await.map(|_| CheckOutcome::Proved { neurons: None })
}

/// The token is valid and active; until when.
pub(crate) async fn token(caller: &Caller) -> Result<String, Fault> {
    let status = caller.client.verify_token().await.map_err(|error| caller.fault(&error))?;
    Ok(status.expires_on.map_or("active".to_owned(), |day| format!("active until {day}")))
}

async fn permission(caller: &Caller) -> Result<CheckOutcome, Fault> {
    caller.client.can_use_workers_ai().await.map_err(|error| caller.fault(&error))?;
    Ok(CheckOutcome::Proved { neurons: None })
}

/// The cheapest model says one token. It is booked like every other call.
async fn one_token(engine: &Engine, caller: &Caller) -> Result<CheckOutcome, Fault> {
    let model = engine.models().find(&crate::models::DEFAULT_SMALL_MODEL.into()).await;
    let request = ChatRequest {
        parameters: Parameters { max_tokens: Some(1), ..Parameters::default() },
        ..ChatRequest::new(model.id.clone(), vec![ChatMessage::user("Say: ok")])
    };
    let mut stream = caller.client.chat(&request).await.map_err(|error| caller.fault(&error))?;
    let mut said = None;
    while let Some(delta) = stream.next().await.map_err(|error| caller.fault(&error))? {
        if let Delta::Usage(usage) = delta {
            said = Some(usage);
        }
    }
    let usage = usage::complete(said, &model, 10, 1);
    let neurons = usage.neurons;
    engine.usage().book(caller, &model, "probe", None, usage).await;
    Ok(CheckOutcome::Proved { neurons })
}

fn failed(step: CheckStep, fault: Fault) -> CheckOutcome {
    let missing_permission = match (step, fault.code) {
        (CheckStep::WorkersAiPermission, FaultCode::TokenLacksPermission | FaultCode::TokenRejected) => {
            Some("Workers AI: Read")
        }
        (CheckStep::OneTokenAnswer, FaultCode::TokenLacksPermission | FaultCode::TokenRejected) => {
            Some("Workers AI: Edit")
        }
        _ => None,
    };
    CheckOutcome::Failed { fault, missing_permission: missing_permission.map(str::to_owned) }
}
