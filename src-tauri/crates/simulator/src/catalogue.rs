//! The models: read from the table bundled with `domain`, listed in the service's form.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::paged;
use crate::answer::Answer;
use crate::errors::Refusal;
use crate::handle::Call;
use crate::random::uuid_of;
use crate::state::State;

/// The same file that `workers-ai` falls back to.
const BUNDLED: &str = include_str!("../../domain/data/models.json");

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    serde_json::from_str(BUNDLED).expect("the bundled table of models has the form of `Model`")
});

/// One price of a model.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Price {
    pub(crate) unit: String,
    pub(crate) price: f64,
    pub(crate) currency: String,
    pub(crate) neurons: Option<f64>,
}

/// One row of the bundled table; keys that the simulator does not need are left out.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) task: String,
    pub(crate) context_window: Option<usize>,
    pub(crate) max_output: Option<usize>,
    #[serde(default, deserialize_with = "none_is_empty")]
    pub(crate) price: Vec<Price>,
    pub(crate) function_calling: bool,
    pub(crate) reasoning: bool,
    pub(crate) vision: bool,
    pub(crate) lora: bool,
    pub(crate) deprecated_on: Option<Date>,
    pub(crate) status: String,
    pub(crate) beta: bool,
    pub(crate) require_workers_paid: bool,
    pub(crate) batch: bool,
    pub(crate) partner: bool,
    #[serde(default)]
    pub(crate) response_family: Option<String>,
    pub(crate) output_dimensions: Option<usize>,
    pub(crate) max_batch: Option<usize>,
    #[serde(default)]
    pub(crate) pooling: Option<Vec<String>>,
}

fn none_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Price>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Model {
    /// The part after the last slash.
    pub(crate) fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or_default()
    }

    fn author(&self) -> &str {
        self.id.split('/').nth(1).unwrap_or_default()
    }

    pub(crate) fn is_dead(&self, today: Date) -> bool {
        self.deprecated_on.is_some_and(|date| date <= today)
    }

    /// Retired models are listed on request for about three months, future retirements always.
    fn is_listed(&self, today: Date, include_deprecated: bool) -> bool {
        let priced_only = self.status.starts_with("priced");
        let recent = self.deprecated_on.is_none_or(|date| (today - date).get_days() < 92);
        !priced_only && (!self.is_dead(today) || (include_deprecated && recent))
    }
}

/// Every model of the table, retired ones included.
pub(crate) fn models() -> &'static [Model] {
    &MODELS
}

/// The model of this id.
pub(crate) fn find(id: &str) -> Option<&'static Model> {
    models().iter().find(|model| model.id == id)
}

/// `GET .../ai/models/search`
pub(crate) fn search(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let today = state.today();
    let is = |name: &str| call.query(name) == Some("true");
    let lower = |name: &str| call.query(name).unwrap_or_default().to_lowercase();
    let (text, task, author) = (lower("search"), lower("task"), lower("author"));
    let listed = models().iter().filter(|model| {
        model.is_listed(today, is("include_deprecated"))
            && (!is("hide_experimental") || !model.beta)
            && (text.is_empty()
                || model.id.to_lowercase().contains(&text)
                || description(model).to_lowercase().contains(&text))
            && (task.is_empty() || model.task.to_lowercase() == task)
            && (author.is_empty() || model.author().to_lowercase() == author)
            && call.query("source").is_none_or(|source| source == "1")
    });
    if call.query("format") == Some("openrouter") {
        let list: Vec<Value> =
            listed.filter(|model| model.task == "Text Generation").map(openrouter).collect();
        return Ok(Answer::json(&json!({"data": list})));
    }
    Ok(paged(call, listed.map(|model| entry(model, today)).collect(), 50))
}

/// `GET .../ai/tasks/search`
pub(crate) fn tasks() -> Answer {
    let mut names: Vec<&str> = models().iter().map(|model| model.task.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    Answer::enveloped(&names.iter().map(|name| task(name)).collect())
}

/// `GET .../ai/authors/search`
pub(crate) fn authors() -> Answer {
    let mut names: Vec<&str> = models().iter().map(Model::author).collect();
    names.sort_unstable();
    names.dedup();
    Answer::enveloped(&names.iter().map(|name| json!({"id": uuid_of(name), "name": name})).collect())
}

fn task(name: &str) -> Value {
    // The one id of a task that is published.
    let id = if name == "Text Generation" {
        "c329a1f9-323d-4e91-b2aa-582dd4188d34".to_owned()
    } else {
        uuid_of(name)
    };
    json!({"id": id, "name": name, "description": format!("Models for the task {name}, simulated.")})
}

fn description(model: &Model) -> String {
    let words: Vec<String> = model.name().split('-').map(str::to_owned).collect();
    format!("Simulated entry for {} by {} ({}).", words.join(" "), model.author(), model.task)
}

/// The service's UUID of a model; ours is made from the name.
pub(crate) fn uuid(model: &Model) -> String {
    uuid_of(&model.id)
}

fn entry(model: &Model, today: Date) -> Value {
    json!({
        "id": uuid(model), "source": 1, "name": model.id, "description": description(model),
        "created_at": "2026-04-20 13:00:00.000", "tags": [], "deprecated": model.is_dead(today),
        "task": task(&model.task), "properties": properties(model) })
}

fn properties(model: &Model) -> Vec<Value> {
    let mut list = Vec::new();
    let mut add = |id: &str, value: Value| list.push(json!({"property_id": id, "value": value}));
    if let Some(window) = model.context_window {
        add("context_window", json!(window.to_string()));
    }
    if let Some(dimensions) = model.output_dimensions {
        add("output_dimensions", json!(dimensions.to_string()));
    }
    if !model.price.is_empty() {
        let prices =
            model.price.iter().map(|p| json!({"unit": p.unit, "price": p.price, "currency": p.currency}));
        add("price", prices.collect());
    }
    // The catalogue does not admit that this one sees.
    let sees = model.vision && model.name() != "mistral-small-3.1-24b-instruct";
    let flags = [
        ("function_calling", model.function_calling),
        ("reasoning", model.reasoning),
        ("vision", sees),
        ("lora", model.lora),
        ("beta", model.beta),
        ("async_queue", model.batch),
        ("partner", model.partner),
        ("require_workers_paid", model.require_workers_paid),
    ];
    for (id, _) in flags.iter().filter(|(_, set)| *set) {
        add(id, json!("true"));
    }
    if let Some(efforts) = efforts(model) {
        add("reasoning_effort", efforts);
    }
    if let Some(date) = model.deprecated_on {
        add("planned_deprecation_date", json!(date.to_string()));
    }
    add("info", json!(format!("https://developers.cloudflare.com/workers-ai/models/{}/", model.name())));
    list
}

fn efforts(model: &Model) -> Option<Value> {
    match model.name() {
        "qwen3.8-27b" => Some(
            json!({"supported_efforts": ["low", "medium", "xhigh"], "default_effort": "xhigh", "mandatory": false}),
        ),
        "qwq-32b" | "deepseek-r1-distill-qwen-32b" => None,
        name if model.reasoning && model.task == "Text Generation" => Some(json!({
            "supported_efforts": ["low", "medium", "high"], "default_effort": "medium",
            "mandatory": name.starts_with("gpt-oss") })),
        _ => None,
    }
}

fn openrouter(model: &Model) -> Value {
    let per_token = |unit: &str| {
        let price = model.price.iter().find(|price| price.unit == unit).map_or(0.0, |price| price.price);
        format!("{:.12}", price / 1e6).trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let mut input = vec!["text"];
    if model.vision {
        input.push("image");
    }
    json!({
        "id": format!("workers-ai/{}", model.id), "name": model.name(), "created": 1_790_000_000,
        "context_length": model.context_window, "max_output_length": model.max_output,
        "input_modalities": input, "output_modalities": ["text"],
        "pricing": {"prompt": per_token("per M input tokens"), "completion": per_token("per M output tokens")},
        "supported_features": if model.function_calling { vec!["tools"] } else { vec![] },
        "supported_sampling_parameters": ["temperature", "top_p", "seed", "max_tokens"] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn retired_models_are_listed_for_three_months_on_request() {
        let model = find("@cf/meta/llama-3.1-8b-instruct").expect("in the table");
        assert!(model.is_listed(date(2026, 5, 1), false), "a future retirement is shown");
        assert!(!model.is_listed(date(2026, 6, 15), false));
        assert!(model.is_listed(date(2026, 6, 15), true));
        assert!(!model.is_listed(date(2026, 11, 1), true), "older ones stay hidden");
    }
}
