//! The table that ships with Edgewise, read.

use super::{is_chat, parts, task_named};
use domain::{Model, ModelId, Price, USD_PER_NEURON};
use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Deserialize)]
struct Row {
    id: String,
    task: String,
    context_window: Option<u32>,
    max_output: Option<u32>,
    #[serde(default)]
    price: Vec<RowPrice>,
    #[serde(default)]
    function_calling: bool,
    #[serde(default)]
    reasoning: bool,
    #[serde(default)]
    vision: bool,
    #[serde(default)]
    lora: bool,
    #[serde(default)]
    beta: bool,
    #[serde(default)]
    require_workers_paid: bool,
    deprecated_on: Option<String>,
    replacement: Option<String>,
    output_dimensions: Option<u32>,
    reasoning_control: Option<String>,
}

#[derive(Deserialize)]
struct RowPrice {
    unit: String,
    price: f64,
    neurons: Option<f64>,
}

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    let rows: Vec<Row> =
        serde_json::from_str(domain::BUNDLED_MODELS).expect("a test reads the bundled table");
    rows.into_iter().map(model).collect()
});

/// The bundled models; `retired` is not judged yet.
pub(crate) fn models() -> Vec<Model> {
    MODELS.clone()
}

fn model(row: Row) -> Model {
    let (author, name) = parts(&row.id);
    let task = task_named(&row.task);
    let prices = row.price.into_iter().map(|price| Price {
        neurons: price.neurons.unwrap_or(price.price / USD_PER_NEURON),
        unit: price.unit,
        usd: price.price,
    });
    Model {
        name,
        author,
        task,
        description: String::new(),
        context_window: row.context_window,
        max_output: row.max_output,
        tools: row.function_calling,
        reasoning: row.reasoning,
        reasoning_efforts: row.reasoning_control.as_deref().map(efforts).unwrap_or_default(),
        vision: row.vision,
        lora: row.lora,
        paid_only: row.require_workers_paid,
        beta: row.beta,
        chat: is_chat(&row.id, task),
        prices: prices.collect(),
        retires_on: row.deprecated_on,
        retired: false,
        replacement: row.replacement.map(ModelId),
        terms: None,
        output_dimensions: row.output_dimensions,
        id: ModelId(row.id),
    }
}

/// `reasoning_effort low|medium|high; chat_template_kwargs.enable_thinking` → off, low, medium, high.
fn efforts(control: &str) -> Vec<String> {
    let listed = control.split([' ', ';']).find(|word| word.contains('|')).unwrap_or("low|medium|high");
    let off = control.contains("chat_template_kwargs").then_some("off");
    off.into_iter().chain(listed.split('|')).map(str::to_owned).collect()
}
