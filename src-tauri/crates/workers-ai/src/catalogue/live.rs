//! The service's entries, read. Properties that are not known yet are left alone.

use super::{is_chat, parts, task_named};
use domain::{Model, ModelId, Price, USD_PER_NEURON};
use serde_json::Value;
use std::collections::BTreeMap;

/// One entry; `None` when it has no name to call it by.
pub(super) fn model(entry: &Value) -> Option<Model> {
    let id = entry.get("name")?.as_str().filter(|name| name.starts_with('@'))?;
    let (author, name) = parts(id);
    let task = task_named(entry.get("task").and_then(|task| task.get("name")?.as_str()).unwrap_or_default());
    let properties = Properties::of(entry);
    let deprecated = entry.get("deprecated") == Some(&Value::Bool(true));
    Some(Model {
        id: ModelId::from(id),
        name,
        author,
        task,
        description: entry.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        context_window: properties.number("context_window").or_else(|| properties.number("max_input_tokens")),
        max_output: properties.number("max_output_tokens"),
        tools: properties.flag("function_calling"),
        reasoning: properties.flag("reasoning"),
        reasoning_efforts: properties.efforts(),
        vision: properties.flag("vision"),
        lora: properties.flag("lora"),
        paid_only: properties.flag("require_workers_paid"),
        beta: properties.flag("beta"),
        chat: is_chat(id, task) && !properties.flag("realtime"),
        prices: properties.prices(),
        // `deprecated` without a day: it is over already.
        retires_on: properties
            .text("planned_deprecation_date")
            .and_then(|date| date.get(..10).map(str::to_owned))
            .or_else(|| deprecated.then(|| "1970-01-01".to_owned())),
        retired: false,
        replacement: None,
        terms: properties.text("terms").map(str::to_owned),
        output_dimensions: properties.number("output_dimensions"),
    })
}

/// `max_output_length` by model from the OpenRouter form, however it is wrapped.
pub(super) fn output_limits(value: &Value) -> BTreeMap<ModelId, u32> {
    let list = value.get("data").unwrap_or(value).as_array().map(Vec::as_slice).unwrap_or_default();
    let limit = |entry: &Value| {
        let id = entry.get("id")?.as_str()?;
        let limit = entry.get("max_output_length")?.as_u64()?;
        let id = id.strip_prefix("workers-ai/").unwrap_or(id);
        Some((ModelId::from(id), u32::try_from(limit).ok()?))
    };
    list.iter().filter_map(limit).collect()
}

struct Properties<'a>(BTreeMap<&'a str, &'a Value>);

impl<'a> Properties<'a> {
    fn of(entry: &'a Value) -> Self {
        let list = entry.get("properties").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Self(
            list.iter()
                .filter_map(|item| Some((item.get("property_id")?.as_str()?, item.get("value")?)))
                .collect(),
        )
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    fn number(&self, key: &str) -> Option<u32> {
        match self.0.get(key)? {
            Value::String(text) => text.trim().parse().ok(),
            other => u32::try_from(other.as_u64()?).ok(),
        }
    }

    fn flag(&self, key: &str) -> bool {
        match self.0.get(key) {
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            Some(Value::Bool(flag)) => *flag,
            _ => false,
        }
    }

    fn efforts(&self) -> Vec<String> {
        let Some(property) = self.0.get("reasoning_effort") else { return Vec::new() };
        let parsed = property.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let property = parsed.as_ref().unwrap_or(property);
        let listed = property
            .get("supported_efforts")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut efforts: Vec<String> =
            listed.iter().filter_map(|effort| effort.as_str().map(str::to_owned)).collect();
        let may_be_off = property.get("mandatory") == Some(&Value::Bool(false));
        if let Some(none) = efforts.iter_mut().find(|effort| *effort == "none") {
            "off".clone_into(none);
        } else if may_be_off && !efforts.is_empty() {
            efforts.insert(0, "off".to_owned());
        }
        efforts
    }

    fn prices(&self) -> Vec<Price> {
        let list =
            self.0.get("price").and_then(|value| value.as_array()).map(Vec::as_slice).unwrap_or_default();
        let price = |item: &Value| {
            let usd = item.get("price")?.as_f64()?;
            let unit = item.get("unit")?.as_str()?.to_owned();
            (item.get("currency").and_then(Value::as_str).unwrap_or("USD") == "USD").then_some(())?;
            let neurons = item.get("neurons").and_then(Value::as_f64).unwrap_or(usd / USD_PER_NEURON);
            Some(Price { unit, usd, neurons })
        };
        list.iter().filter_map(price).collect()
    }
}
