//! Every wire form that the simulator speaks, through the engine to the stored answer, however the bytes are cut.

use crate::desk::Desk;
use domain::{ConversationOptions, MessageStatus, Parameters, RunStep, SendRequest};
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

const OPENAI_STYLE: &str = "@cf/zai-org/glm-4.7-flash";

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_a_model_refuses_are_told_and_kept_with_the_answer() {
    let desk = Desk::open().await;
    // Both lead to the endpoint where this model refuses them by name.
    let parameters = Parameters {
        top_k: Some(20),
        repetition_penalty: Some(1.1),
        temperature: Some(0.5),
        ..Parameters::default()
    };
    let options = ConversationOptions {
        model: Some(OPENAI_STYLE.into()),
        parameters: parameters.clone(),
        ..ConversationOptions::default()
    };
    let request = SendRequest { text: "hello".to_owned(), options: Some(options), ..SendRequest::default() };
    let heard = desk.request(request).await.end().await;
    assert_eq!(heard.status(), MessageStatus::Complete, "{:?}", heard.code());
    let expected = ["repetition_penalty", "top_k"];
    let told: Vec<_> = heard
        .steps()
        .filter_map(|step| match step {
            RunStep::Dropped { parameters } => Some(parameters.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(told, [expected.map(str::to_owned)], "once, before the words");
    assert_eq!(heard.view().message.dropped_parameters, expected);
    let requests = desk.simulator.requests();
    let sent = requests.iter().rfind(|seen| seen.method == "POST").expect("a request").json();
    assert!(sent.get("top_k").is_none() && sent["temperature"] == 0.5, "the others are sent: {sent}");

    let id = heard.view().message.id.clone();
    let desk = desk.restart().await;
    assert_eq!(desk.load(&id).await.message.dropped_parameters, expected, "it is there after a restart");
    let options =
        desk.engine.history().transcript(heard.conversation().clone()).await.expect("there").options;
    assert_eq!(options.parameters, parameters, "what the person set stays set");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effort_is_sent_only_to_a_model_that_takes_it_and_is_kept_for_it() {
    let desk = Desk::open().await;
    let parameters = Parameters { reasoning_effort: Some("high".to_owned()), ..Parameters::default() };
    let options = |model: &str| ConversationOptions {
        model: Some(model.into()),
        parameters: parameters.clone(),
        ..ConversationOptions::default()
    };
    let request = SendRequest {
        text: "hello".to_owned(),
        options: Some(options(OPENAI_STYLE)),
        ..SendRequest::default()
    };
    let begun = desk.request(request).await.end().await;
    let conversation = begun.conversation().clone();
    let sent = |desk: &Desk| desk.chats().pop().expect("a chat request").json();
    assert_eq!(sent(&desk)["reasoning_effort"], "high");

    for (model, takes) in [("@cf/meta/llama-3.2-3b-instruct", false), (OPENAI_STYLE, true)] {
        let changed = options(model);
        desk.engine.history().set_conversation_options(conversation.clone(), changed).await.expect("set");
        let heard = desk.ask_in(&conversation, "and now?").await;
        assert_eq!(heard.status(), MessageStatus::Complete, "{model}: {:?}", heard.code());
        assert_eq!(sent(&desk).get("reasoning_effort").is_some(), takes, "{model}");
        assert!(heard.view().message.dropped_parameters.is_empty(), "{model}: nothing was refused");
        let kept = desk.engine.history().transcript(conversation.clone()).await.expect("there").options;
        assert_eq!(kept.parameters, parameters, "{model}: the choice is kept");
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
