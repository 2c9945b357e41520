//! The catalogue, its pages and filters, and the schemas (reference, section 8).

mod support;

use serde_json::{Value, json};
use simulator::Options;
use support::{bench, bench_with};

fn names(body: &Value) -> Vec<String> {
    let list = body["result"].as_array().expect("a list");
    list.iter().filter_map(|model| model["name"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn pages_join_to_the_whole_without_repeats() {
    let bench = bench().await;
    let (_, whole) = bench.get_below_account("ai/models/search?per_page=1000").await;
    let whole = names(&whole);
    let mut joined = Vec::new();
    for page in 1.. {
        let (_, body) = bench.get_below_account(&format!("ai/models/search?per_page=20&page={page}")).await;
        let part = names(&body);
        assert_eq!(body["result_info"]["total_count"], whole.len());
        let last = part.len() < 20;
        joined.extend(part);
        if last {
            break;
        }
    }
    assert_eq!(joined, whole);
    assert!((65..=75).contains(&whole.len()), "{}", whole.len());
}

#[tokio::test]
async fn an_entry_has_the_form_of_the_reference() {
    let bench = bench().await;
    let (_, body) = bench.get_below_account("ai/models/search?search=kimi-k2.6").await;
    let model = &body["result"][0];
    assert_eq!(model["name"], "@cf/moonshotai/kimi-k2.6");
    assert_eq!(model["task"]["name"], "Text Generation");
    assert_eq!(model["id"].as_str().map(str::len), Some(36), "an internal UUID");
    let property = |id: &str| {
        let list = model["properties"].as_array().expect("a list");
        list.iter().find(|property| property["property_id"] == id).map(|property| property["value"].clone())
    };
    assert_eq!(property("context_window"), Some(json!("262144")));
    assert_eq!(property("require_workers_paid"), Some(json!("true")));
    assert_eq!(property("vision"), Some(json!("true")));
    assert_eq!(property("price").expect("a price")[0]["unit"], "per M input tokens");
    assert_eq!(property("lora"), None);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let bench = bench().await;
    let (_, body) = bench.get_below_account("ai/models/search?task=Text-to-Image&per_page=100").await;
    assert!(names(&body).iter().all(|name| !name.contains("llama")) && names(&body).len() >= 10);
    let (_, body) =
        bench.get_below_account("ai/models/search?task=Text-to-Image&hide_experimental=true").await;
    assert!(!names(&body).iter().any(|name| name.contains("dreamshaper")), "beta models are hidden");
    let (_, body) = bench.get_below_account("ai/models/search?author=baai").await;
    assert!(names(&body).iter().all(|name| name.starts_with("@cf/baai/")));
}

#[tokio::test]
async fn retired_models_appear_on_request_while_they_are_recent() {
    let today = Some(jiff::civil::date(2026, 6, 15));
    let bench = bench_with(Options { today, ..Options::default() }).await;
    let dead = "@cf/meta/llama-3.1-8b-instruct";
    let (_, body) = bench.get_below_account("ai/models/search?per_page=1000").await;
    assert!(!names(&body).iter().any(|name| name == dead));
    let (_, body) = bench.get_below_account("ai/models/search?per_page=1000&include_deprecated=true").await;
    assert!(names(&body).iter().any(|name| name == dead));
    assert!(!names(&body).iter().any(|name| name.contains("tinyllama")), "older retirements stay hidden");
}

#[tokio::test]
async fn schemas_say_what_a_model_takes() {
    let bench = bench().await;
    let schema = async |model: &str| {
        bench.get_below_account(&format!("ai/models/schema?model={model}")).await.1["result"]["input"].clone()
    };
    let flux = schema("@cf/black-forest-labs/flux-1-schnell").await;
    assert_eq!(flux["additionalProperties"], false);
    assert_eq!(flux["properties"]["steps"]["maximum"], 8);
    assert!(flux["properties"]["width"].is_null(), "it has one size");
    let xl = schema("@cf/stabilityai/stable-diffusion-xl-base-1.0").await;
    assert_eq!(xl["properties"]["num_steps"]["maximum"], 20);
    let qwen = schema("@cf/qwen/qwen3-embedding-0.6b").await;
    assert_eq!(qwen["properties"]["text"]["oneOf"][1]["maxItems"], 32);
    let llama = schema("@cf/meta/llama-3.2-3b-instruct").await;
    assert_eq!(llama["oneOf"][1]["properties"]["top_k"]["maximum"], 50);
    let (status, body) = bench.get_below_account("ai/models/schema?model=@cf/none/none").await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!(5007)));
}

#[tokio::test]
async fn every_listed_model_has_a_schema_and_a_price_list_or_none() {
    let bench = bench().await;
    let (_, body) = bench.get_below_account("ai/models/search?per_page=1000").await;
    for name in names(&body) {
        let (status, schema) = bench.get_below_account(&format!("ai/models/schema?model={name}")).await;
        assert!(status == 200 && schema["result"]["input"].is_object(), "{name}: {schema}");
    }
}

#[tokio::test]
async fn the_openai_style_list_does_not_exist() {
    let bench = bench().await;
    assert_eq!(bench.get_below_account("ai/v1/models").await.0, 405);
    let (_, body) = bench.get_below_account("ai/models/search?format=openrouter").await;
    assert!(body["data"][0]["id"].as_str().is_some_and(|id| id.starts_with("workers-ai/@cf/")));
}
