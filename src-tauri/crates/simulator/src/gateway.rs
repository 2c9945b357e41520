//! AI Gateway management: the list, the logs and the feedback (reference, section 11.6).

use serde_json::{Value, json};

use crate::accounts::paged;
use crate::answer::Answer;
use crate::errors::Refusal;
use crate::handle::Call;
use crate::state::{LogEntry, State};

/// The gateways that the simulated account has; using another id creates nothing but works, as `default` does.
const GATEWAYS: &[&str] = &["default", "desktop"];

/// Everything below `ai-gateway`.
pub(crate) fn manage(call: &Call, path: &[&str], state: &State) -> Result<Answer, Refusal> {
    match (call.method.as_str(), path) {
        ("GET", ["gateways"]) => Ok(paged(call, GATEWAYS.iter().map(|id| gateway(id)).collect(), 20)),
        ("GET", ["gateways", id]) if GATEWAYS.contains(id) => Ok(Answer::enveloped(&gateway(id))),
        ("GET", ["gateways", id, "logs"]) => {
            let entries = state.gateway_log(id);
            Ok(paged(call, entries.iter().rev().map(entry).collect(), 20))
        }
        ("GET", ["gateways", gateway, "logs", id]) => {
            let found = state.gateway_log(gateway).into_iter().find(|entry| entry.id == *id);
            found.map(|found| Answer::enveloped(&entry(&found))).ok_or_else(not_found)
        }
        ("PATCH", ["gateways", _, "logs", id]) => {
            let body = call.json()?;
            let changed = state.change_log(id, |entry| {
                if let Some(feedback) = body.get("feedback") {
                    entry.feedback = feedback.as_i64();
                }
                if let Some(score) = body.get("score") {
                    entry.score = score.as_f64();
                }
            });
            if changed { Ok(Answer::enveloped(&json!({}))) } else { Err(not_found()) }
        }
        _ => Err(not_found()),
    }
}

fn not_found() -> Refusal {
    Refusal { status: 404, ..Refusal::saying("no_route", "Not found") }
}

fn gateway(id: &str) -> Value {
    json!({"id": id, "cache_invalidate_on_update": false, "cache_ttl": 0, "collect_logs": true,
           "rate_limiting_interval": 0, "rate_limiting_limit": 0, "rate_limiting_technique": "fixed",
           "authentication": true, "is_default": id == "default",
           "created_at": "2026-01-01T00:00:00Z", "modified_at": "2026-01-01T00:00:00Z"})
}

fn entry(entry: &LogEntry) -> Value {
    json!({"id": entry.id, "provider": "workers-ai", "model": entry.model, "path": entry.model,
           "success": entry.status < 400, "status_code": entry.status, "cached": entry.cached, "duration": 100,
           "tokens_in": entry.tokens.0, "tokens_out": entry.tokens.1, "step": 0,
           "feedback": entry.feedback, "score": entry.score, "created_at": "2026-01-01T00:00:00Z"})
}
