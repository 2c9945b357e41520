//! `POST /graphql`: what was charged, grouped by model and day, in the one query that the reference shows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::auth;
use crate::errors::Refusal;
use crate::handle::Call;
use crate::state::State;

/// Answers the usage query; any other is an error with HTTP 200, as GraphQL has it.
pub(crate) fn graphql(call: &Call, state: &State) -> Result<Answer, Refusal> {
    auth::authenticated(call, state)?;
    let body = call.json()?;
    let query = body["query"].as_str().unwrap_or_default();
    if !query.contains("aiInferenceAdaptiveGroups") {
        return Ok(Answer::json(&json!({"data": null, "errors": [{
            "message": "unknown field: the simulation knows aiInferenceAdaptiveGroups only",
            "path": ["viewer"], "extensions": {"code": "graphql"} }]})));
    }
    let (from, to) = days(&body["variables"]);
    let groups = groups(state, &from, &to);
    Ok(Answer::json(
        &json!({"data": {"viewer": {"accounts": [{"aiInferenceAdaptiveGroups": groups}]}}, "errors": null}),
    ))
}

/// The first and last day among the variables, which may have any name; all days when there are none.
fn days(variables: &Value) -> (String, String) {
    let is_date = |text: &&str| text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let texts = variables.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    let mut found: Vec<String> =
        texts.filter(is_date).filter_map(|text| text.get(..10)).map(str::to_owned).collect();
    found.sort();
    let end = |text: Option<&String>, otherwise: &str| text.cloned().unwrap_or_else(|| otherwise.to_owned());
    (end(found.first(), "0000-00-00"), end(found.last().filter(|_| found.len() > 1), "9999-99-99"))
}

fn groups(state: &State, from: &str, to: &str) -> Vec<Value> {
    // Count, neurons, tokens in, tokens out.
    let mut sums: BTreeMap<(String, String), (u64, f64, usize, usize)> = BTreeMap::new();
    for charge in state.charges() {
        let date = charge.date.to_string();
        if date.as_str() >= from && date.as_str() <= to {
            let sum = sums.entry((charge.model, date)).or_default();
            *sum = (sum.0 + 1, sum.1 + charge.neurons, sum.2 + charge.tokens_in, sum.3 + charge.tokens_out);
        }
    }
    let mut rows: Vec<_> = sums.into_iter().collect();
    rows.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    let group = |((model, date), (count, neurons, tokens_in, tokens_out)): (
        (String, String),
        (u64, f64, usize, usize),
    )| {
        json!({"count": count, "dimensions": {"modelId": model, "date": date}, "sum": {
            "totalNeurons": crate::price::rounded(neurons), "totalInputTokens": tokens_in,
            "totalOutputTokens": tokens_out, "totalInferenceTimeMs": count * 100 }})
    };
    rows.into_iter().map(group).collect()
}
