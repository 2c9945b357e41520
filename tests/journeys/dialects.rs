//! Every wire form that the simulator speaks, through the engine to the stored answer, however the bytes are cut.

use crate::desk::Desk;
use domain::{ConversationOptions, MessageStatus, Parameters, SendRequest};
use simulator::{Effects, LineEnd, Scenario, UsagePlace};

const ANSWER: &str = "Ünïcode 你好 👩‍👩‍👧 — **bold**, `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";

/// A native model, an OpenAI-style one, one that thinks in its text, and one that may speak Responses.
const MODELS: [&str; 4] = [
    "@cf/meta/llama-3.2-3b-instruct",
    "@cf/zai-org/glm-4.7-flash",
    "@cf/qwen/qwq-32b",
    "@cf/openai/gpt-oss-20b",
];

async fn check(desk: &Desk, name: &str, effects: Effects) {
    for model in MODELS {
        for top_k in [None, Some(20)] {
            // `top_k` exists only on the native endpoint: the same model in its other dialect.
            desk.scenario(Scenario::always(Effects {
                text: Some(ANSWER.to_owned()),
                thoughts: Some("Trivial, 想一想.".to_owned()),
                ..effects.clone()
            }));
            let options = ConversationOptions {
                model: Some(model.into()),
                parameters: Parameters { top_k, ..Parameters::default() },
                ..ConversationOptions::default()
            };
            let text = "hello".to_owned();
            let request = SendRequest { text, options: Some(options), ..SendRequest::default() };
            let heard = desk.request(request).await.end().await;
            let message = &heard.view().message;
            let which = format!("{name}, {model}, top_k {top_k:?}: {:?}", message.fault);
            assert_eq!(heard.status(), MessageStatus::Complete, "{which}");
            assert_eq!(heard.text().trim(), ANSWER.trim(), "{which}");
            let neurons = message.usage.as_ref().and_then(|usage| usage.neurons);
            assert!(neurons.is_some_and(|neurons| neurons > 0.0), "{which}: it cost something: {neurons:?}");
            assert_eq!(desk.load(&message.id).await.message.text, heard.text(), "{which}: stored as told");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dialect_becomes_the_same_answer() {
    let desk = Desk::open().await;
    check(&desk, "plain", Effects::default()).await;
    for usage in [UsagePlace::Every, UsagePlace::Final, UsagePlace::Absent] {
        check(&desk, &format!("usage {usage:?}"), Effects { usage: Some(usage), ..Effects::default() }).await;
    }
    check(&desk, "JSON", Effects { json_instead_of_stream: Some(true), ..Effects::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cut_of_the_bytes_changes_an_answer() {
    let desk = Desk::open().await;
    for line_end in [LineEnd::Lf, LineEnd::Crlf, LineEnd::Cr] {
        for chunk_bytes in [1, 7] {
            let effects = Effects {
                line_end: Some(line_end),
                chunk_bytes: Some(chunk_bytes),
                byte_order_mark: Some(true),
                comment_every: Some(3),
                bad_json_after: Some(2),
                ..Effects::default()
            };
            check(&desk, &format!("{line_end:?}, {chunk_bytes} bytes a packet"), effects).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_mode_brings_json() {
    let desk = Desk::open().await;
    let options = ConversationOptions {
        model: Some("@cf/meta/llama-3.3-70b-instruct-fp8-fast".into()),
        parameters: Parameters {
            json: true,
            json_schema: Some(
                r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#.to_owned(),
            ),
            ..Parameters::default()
        },
        ..ConversationOptions::default()
    };
    let request =
        SendRequest { text: "name a prime".to_owned(), options: Some(options), ..SendRequest::default() };
    let heard = desk.request(request).await.end().await;
    let value: serde_json::Value = serde_json::from_str(heard.text()).expect("JSON");
    assert!(value["name"].is_string(), "{value}");
}
