//! The live form, the bundled table, and both together.

use super::*;
use serde_json::json;

fn entry(name: &str, properties: &Value) -> Value {
    json!({ "id": "c0ffee00-0000-4000-8000-000000000000", "source": 1, "name": name, "description": "d",
        "task": { "id": "x", "name": "Text Generation" }, "properties": properties, "later": {"new": [1]} })
}

fn read(name: &str, properties: &Value) -> Model {
    live::model(&entry(name, properties)).unwrap()
}

#[test]
fn an_entry_of_the_live_catalogue_is_read() {
    let model = read(
        "@cf/moonshotai/kimi-k2.6",
        &json!([
            { "property_id": "context_window", "value": "262144" },
            { "property_id": "function_calling", "value": "true" },
            { "property_id": "reasoning", "value": "true" },
            { "property_id": "vision", "value": "true" },
            { "property_id": "require_workers_paid", "value": "true" },
            { "property_id": "reasoning_effort", "value": { "supported_efforts": ["low", "high"], "default_effort": "low", "mandatory": false } },
            { "property_id": "from_the_future", "value": [{ "x": 1 }] },
            { "property_id": "terms", "value": "https://example.com/terms" },
            { "property_id": "price", "value": [ { "unit": "per M input tokens", "price": 0.95, "currency": "USD" } ] },
        ]),
    );
    assert_eq!((model.name.as_str(), model.author.as_str()), ("kimi-k2.6", "moonshotai"));
    assert_eq!(model.context_window, Some(262_144));
    assert!(model.tools && model.reasoning && model.vision && model.paid_only && model.chat && !model.beta);
    assert_eq!(model.reasoning_efforts, ["off", "low", "high"]);
    assert_eq!(model.terms.as_deref(), Some("https://example.com/terms"));
    assert!((model.prices[0].neurons - 86_363.6).abs() < 0.1);
    assert_eq!(live::model(&json!({ "id": "x" })), None, "an entry without a name cannot be called");
}

#[test]
fn decision_models_and_guards_are_no_chat() {
    for (name, chat) in [
        ("@cf/cloudflare/clef-flash", false),
        ("@cf/meta/llama-guard-3-8b", false),
        ("@cf/meta/llama-3.2-3b-instruct", true),
    ] {
        assert_eq!(read(name, &json!([])).chat, chat, "{name}");
    }
}

#[test]
fn the_bundled_table_is_read_whole() {
    let models = bundled_catalogue(Timestamp(1_791_590_400_000));
    assert_eq!(iso_day(Timestamp(1_791_590_400_000)), "2026-10-10");
    assert_eq!(models.len(), 106);
    let find = |id: &str| models.iter().find(|model| model.id.as_str() == id).unwrap();
    let llama = find("@cf/meta/llama-3.1-8b-instruct");
    assert!(llama.retired);
    assert_eq!(llama.replacement, Some(ModelId::from("@cf/meta/llama-3.1-8b-instruct-fast")));
    assert!(!find("@cf/meta/llama-3.1-8b-instruct-fast").retired);
    assert_eq!(find("@cf/zai-org/glm-4.7-flash").reasoning_efforts, ["off", "low", "medium", "high"]);
    assert_eq!(find("@cf/qwen/qwen3.8-27b").reasoning_efforts, ["low", "medium", "xhigh"]);
    assert_eq!(find("@cf/baai/bge-base-en-v1.5").output_dimensions, Some(768));
    assert!(models.iter().all(|model| model.task != Task::Other || model.id.as_str().contains("smart-turn")));
    let clef = find("@cf/cloudflare/clef");
    assert!(
        (clef.prices[0].neurons - 0.24 / 0.000_011).abs() < 1e-6,
        "dollars become neurons where none are given"
    );
}

#[test]
fn a_model_retires_on_its_day_and_not_before() {
    let retired = |today: i64| {
        let models = bundled_catalogue(Timestamp(today));
        models.iter().find(|model| model.id.as_str() == "@cf/microsoft/phi-2").unwrap().retired
    };
    let day = 86_400_000 * 20_603;
    assert_eq!(iso_day(Timestamp(day)), "2026-05-30");
    assert!(!retired(day - 1));
    assert!(retired(day));
}

#[test]
fn days_are_counted_over_leap_years() {
    for (day, expected) in [
        (0, "1970-01-01"),
        (11_016, "2000-02-29"),
        (20_512, "2026-02-28"),
        (20_513, "2026-03-01"),
        (24_855, "2038-01-19"),
    ] {
        assert_eq!(iso_day(Timestamp(day * 86_400_000)), expected);
    }
}

#[test]
fn the_live_catalogue_wins_and_the_table_fills_in() {
    let live = vec![
        read(
            "@cf/zai-org/glm-4.7-flash",
            &json!([
            { "property_id": "context_window", "value": "200000" },
            { "property_id": "price", "value": [
                { "unit": "per M input tokens", "price": 0.06, "currency": "USD" },
                { "unit": "per M output tokens", "price": 9, "currency": "USD" } ] } ]),
        ),
        read("@cf/new/model", &json!([])),
    ];
    let merged = merge(live, bundled_models());
    assert_eq!(merged[0].context_window, Some(200_000), "the live figure");
    assert_eq!(merged[0].reasoning_efforts.len(), 4, "the table's levels");
    assert!((merged[0].prices[0].neurons - 5500.0).abs() < 1e-9, "the published neurons");
    assert!((merged[0].prices[1].neurons - 9.0 / 0.000_011).abs() < 1e-6, "a new price is converted");
    assert_eq!(merged[1].id.as_str(), "@cf/new/model");
    assert!(merged[2..].iter().all(|model| model.retires_on.is_some()), "only the retired ones follow");
    assert!(merged.iter().any(|model| model.id.as_str() == "@cf/moonshotai/kimi-k2.5"));
}

#[test]
fn the_openrouter_form_is_read_in_every_wrapping() {
    let list = json!([{ "id": "workers-ai/@cf/a/b", "max_output_length": 16384 }, { "id": "@cf/c/d" }]);
    for value in [list.clone(), json!({ "data": list })] {
        let limits = live::output_limits(&value);
        assert_eq!(limits.len(), 1);
        assert_eq!(limits[&ModelId::from("@cf/a/b")], 16_384);
    }
}
