//! The client against the whole simulated service, over real sockets: every dialect, every error, every way to end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

mod support;

use domain::{FaultCode, Finish, ModelId, Task, Timestamp, Usage};
use simulator::{
    Effects, ErrorShape, ImageFault, LineEnd, NoAnswer, Options, Rule, Scenario, Simulator, StreamErrorShape,
    UsagePlace,
};
use std::collections::BTreeMap;
use std::time::Duration;
use support::{GLM, NATIVE, account, answer_of, ask, client, client_as, hurried, say, start, start_with};
use tokio::time::Instant;
use workers_ai::{
    ChatMessage, ChatRequest, Delta, EmbedRequest, Error, FileToConvert, ImageRequest, Part, Pooling,
    RunBody, Side, SpeakRequest, Tool, ToolCalls, TranscribeRequest, bundled_catalogue,
};

/// 2026-10-10.
const TODAY: Timestamp = Timestamp(1_791_590_400_000);

#[tokio::test]
async fn every_chat_model_is_understood_on_both_endpoints_streamed_and_whole() {
    let simulator = start().await;
    let client = client(&simulator);
    let text = "Hello, 世界! 👩‍👩‍👧 שלום\n\n| a | b |";
    let gated = ["@cf/swiss-ai/apertus-v1.5-8b", "@cf/utter-project/eurollm-9b-it"];
    let open = |model: &domain::Model| model.chat && !model.retired && !gated.contains(&model.id.as_str());
    let models = bundled_catalogue(TODAY).into_iter().filter(open);
    let mut heard = 0;
    for model in models {
        for (native, stream) in [(false, true), (false, false), (true, true), (true, false)] {
            let mut request = say(model.id.as_str(), text);
            request.stream = stream;
            // An option of the native endpoint; who refuses it is asked again without.
            request.parameters.top_k = native.then_some(5);
            let answer = ask(&client, &request).await;
            let answer = answer
                .unwrap_or_else(|error| panic!("{} native={native} stream={stream}: {error}", model.id));
            assert_eq!(answer.text, text, "{} native={native} stream={stream}", model.id);
            assert_eq!(answer.finish, Some(Finish::Stop), "{}", model.id);
            let usage = answer.usage.unwrap();
            assert!(usage.output_tokens.is_some(), "{}", model.id);
            assert!(
                usage.neurons.is_some() || model.prices.is_empty(),
                "{} native={native} stream={stream}",
                model.id
            );
            heard += 1;
        }
    }
    assert!(heard > 100, "{heard} conversations");
}

#[tokio::test]
async fn thoughts_are_heard_wherever_a_model_puts_them() {
    let simulator = start_with(Scenario::always(Effects {
        thoughts: Some("First, consider.".to_owned()),
        text: Some("97.".to_owned()),
        ..Effects::default()
    }))
    .await;
    let client = client(&simulator);
    for model in [
        GLM,
        "@cf/moonshotai/kimi-k2.6",
        "@cf/qwen/qwq-32b",
        "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b",
        "@cf/openai/gpt-oss-120b",
    ] {
        for stream in [true, false] {
            let request = ChatRequest { stream, ..say(model, "x") };
            let answer = ask(&client, &request).await.unwrap();
            assert_eq!(
                (answer.thoughts.trim(), answer.text.as_str()),
                ("First, consider.", "97."),
                "{model} {stream}"
            );
        }
    }
}

#[tokio::test]
async fn every_named_error_becomes_its_fault_and_is_repeated_as_it_should() {
    let expected = expected_faults();
    let names = simulator::error_names();
    assert!(names.len() > 40);
    // Side by side: each has its own server, and the pauses between tries are real.
    let trials = names.into_iter().map(|name| {
        let (code, requests) =
            expected.get(name).copied().unwrap_or_else(|| panic!("no expectation for {name}"));
        tokio::spawn(async move {
            let simulator = start_with(Scenario::error(name)).await;
            let started = Instant::now();
            let Err(error) = client(&simulator).chat(&say(GLM, "x")).await else {
                panic!("{name} is an error")
            };
            let fault = error.fault();
            assert_eq!(fault.code, code, "{name}: {fault:?}");
            assert_eq!(simulator.requests().len(), requests, "{name}");
            assert!(started.elapsed() < Duration::from_secs(20), "{name}");
        })
    });
    for trial in trials.collect::<Vec<_>>() {
        trial.await.unwrap();
    }
}

/// What each error becomes, and how many requests are made for it.
fn expected_faults() -> BTreeMap<&'static str, (FaultCode, usize)> {
    use FaultCode as F;
    BTreeMap::from([
        ("incomplete_request", (F::BadRequest, 1)),
        ("request_too_large", (F::RequestTooLarge, 1)),
        ("timeout", (F::TimedOut, 3)),
        ("aborted", (F::Upstream, 2)),
        ("account_blocked", (F::TokenLacksPermission, 1)),
        ("content_refused", (F::ContentRefused, 1)),
        ("output_flagged", (F::ContentRefused, 1)),
        ("sequence_too_long", (F::ContextTooLong, 1)),
        ("daily_allowance", (F::DailyAllowanceSpent, 1)),
        ("daily_allowance_4006", (F::DailyAllowanceSpent, 1)),
        ("finetune_files_missing", (F::BadRequest, 1)),
        ("capacity", (F::ModelBusy, 3)),
        ("not_allowed", (F::ModelGone, 1)),
        ("gated", (F::ModelGone, 1)),
        ("invalid_model", (F::ModelGone, 1)),
        ("internal", (F::Upstream, 3)),
        ("invalid_base64", (F::BadRequest, 1)),
        ("no_lora", (F::BadRequest, 1)),
        // The other endpoint is tried.
        ("schema", (F::BadRequest, 2)),
        ("no_such_model", (F::ModelGone, 1)),
        ("licence", (F::LicenceNeeded, 1)),
        ("deprecated_sdk", (F::BadRequest, 2)),
        ("context", (F::ContextTooLong, 1)),
        ("json_mode", (F::BadRequest, 1)),
        ("deprecated", (F::ModelGone, 1)),
        ("deprecated_400", (F::ModelGone, 1)),
        ("deprecated_text", (F::ModelGone, 1)),
        ("paid_plan", (F::PaidPlanNeeded, 1)),
        ("invalid_input", (F::BadRequest, 1)),
        ("provider", (F::ContentRefused, 1)),
        ("invalid_token", (F::TokenRejected, 1)),
        ("authorization_header", (F::TokenRejected, 1)),
        ("no_route", (F::AccountUnknown, 1)),
        ("user_endpoint", (F::TokenLacksPermission, 1)),
        ("unauthorized", (F::TokenLacksPermission, 1)),
        ("authentication", (F::TokenRejected, 1)),
        ("permission", (F::TokenLacksPermission, 1)),
        ("method_scheme", (F::BadRequest, 2)),
        ("rate_limit", (F::RateLimited, 3)),
        ("server_error", (F::Upstream, 3)),
        ("page_500", (F::Upstream, 3)),
        ("page_502", (F::Upstream, 3)),
        ("page_503", (F::Upstream, 3)),
        ("page_504", (F::Upstream, 3)),
        ("page_520", (F::Upstream, 3)),
        ("page_524", (F::Upstream, 3)),
        ("gateway_unknown", (F::NotFound, 1)),
        ("gateway_unauthorized", (F::TokenLacksPermission, 1)),
        ("gateway_rate_limit", (F::RateLimited, 3)),
    ])
}

#[tokio::test]
async fn the_envelope_of_an_error_does_not_matter() {
    for shape in [ErrorShape::Envelope, ErrorShape::Openai, ErrorShape::Gateway] {
        for (name, code) in [
            ("context", FaultCode::ContextTooLong),
            ("paid_plan", FaultCode::PaidPlanNeeded),
            ("content_refused", FaultCode::ContentRefused),
        ] {
            let simulator =
                start_with(Scenario::always(Effects { error_shape: Some(shape), ..Effects::error(name) }))
                    .await;
            let error = client(&simulator).chat(&say(GLM, "x")).await.unwrap_err();
            assert_eq!(error.fault().code, code, "{shape:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_anywhere_keeps_what_arrived_and_is_never_whole() {
    let simulator = start().await;
    let client = client(&simulator);
    let text = "A short answer, 你好.";
    let whole_length = 700;
    for at in (0..whole_length).step_by(9) {
        for broken in [Scenario::cut_after(at), Scenario::reset_after(at), Scenario::end_after(at)] {
            simulator.set_scenario(broken);
            simulator.clear_requests();
            let answer = answer_of(&client, &say(NATIVE, text)).await;
            assert!(text.starts_with(&answer.text), "at {at}: {}", answer.text);
            match answer.error {
                Some(error) => {
                    assert!(matches!(error, Error::StreamCut(_)), "at {at}: {error}");
                    assert_eq!(answer.finish, None);
                }
                None => assert_eq!(answer.text, text, "at {at}: whole means all of it"),
            }
            assert_eq!(simulator.requests().len(), 1, "what may have been billed is not repeated");
        }
    }
}

#[tokio::test]
async fn packets_and_line_ends_make_no_difference() {
    let simulator = start().await;
    let client = client(&simulator);
    let text = "שלום 👩‍👩‍👧 世界 naïve";
    for line_end in [LineEnd::Lf, LineEnd::Cr, LineEnd::Crlf] {
        for chunk in [1, 2, 3, 7, 16, 100_000] {
            simulator.set_scenario(Scenario::always(Effects {
                line_end: Some(line_end),
                chunk_bytes: Some(chunk),
                byte_order_mark: Some(true),
                comment_every: Some(2),
                usage: Some(UsagePlace::Every),
                bad_json_after: Some(2),
                ..Effects::default()
            }));
            for model in [GLM, NATIVE] {
                let answer = ask(&client, &say(model, text)).await.unwrap();
                assert_eq!(
                    (answer.text.as_str(), answer.finish),
                    (text, Some(Finish::Stop)),
                    "{line_end:?} {chunk} {model}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_error_inside_a_stream_keeps_what_arrived() {
    for shape in [
        StreamErrorShape::Errors,
        StreamErrorShape::ErrorObject,
        StreamErrorShape::ErrorText,
        StreamErrorShape::FinishReason,
    ] {
        let simulator = start_with(Scenario::stream_error(2, shape)).await;
        let answer = answer_of(&client(&simulator), &say(NATIVE, "one two three four five")).await;
        assert!(!answer.text.is_empty(), "{shape:?}");
        let code = answer.error.unwrap().fault().code;
        assert!(matches!(code, FaultCode::ModelBusy | FaultCode::Upstream), "{shape:?}: {code:?}");
        assert_eq!(simulator.requests().len(), 1, "{shape:?}");
    }
}

#[tokio::test]
async fn json_and_pages_in_place_of_a_stream_are_told_apart() {
    let simulator = start_with(Scenario::json_instead_of_stream()).await;
    assert_eq!(ask(&client(&simulator), &say(GLM, "whole")).await.unwrap().text, "whole");
    let simulator = start_with(Scenario::captive_portal()).await;
    let error = client(&simulator).chat(&say(GLM, "x")).await.unwrap_err();
    assert_eq!(error.fault().code, FaultCode::NotTheService);
    let error = client(&simulator).catalogue(TODAY).await.unwrap_err();
    assert_eq!(error.fault().code, FaultCode::NotTheService);
}

#[tokio::test]
async fn a_service_is_reached_when_it_answers_itself_and_no_token_goes_there() {
    let simulator = start().await;
    let reach = async || workers_ai::reach(&simulator.base_url(), &workers_ai::Network::default()).await;
    reach().await.expect("it answers");
    // A refusal is an answer too.
    simulator.set_scenario(Scenario::error("invalid_token"));
    reach().await.expect("it answers");
    simulator.set_scenario(Scenario::captive_portal());
    assert_eq!(reach().await.unwrap_err().fault().code, FaultCode::NotTheService);
    let login = Effects { redirect: Some("https://login.example/".to_owned()), ..Effects::default() };
    simulator.set_scenario(Scenario::always(login));
    assert!(reach().await.is_err(), "a redirect leads elsewhere");
    simulator.set_scenario(Scenario::error("server_error"));
    assert_eq!(reach().await.unwrap_err().fault().code, FaultCode::Upstream);
    let seen = simulator.requests();
    assert_eq!(seen.len(), 5, "nothing is tried again");
    assert!(seen.iter().all(|seen| seen.method == "GET" && seen.header("authorization").is_none()));
}

#[tokio::test]
async fn no_redirect_is_followed_with_the_token() {
    let elsewhere = start().await;
    let simulator = start_with(Scenario::redirect(&format!("{}/accounts", elsewhere.base_url()))).await;
    let client = client(&simulator);
    assert_eq!(client.chat(&say(GLM, "x")).await.unwrap_err().fault().code, FaultCode::NotTheService);
    assert_eq!(client.verify_token().await.unwrap_err().fault().code, FaultCode::NotTheService);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn dropping_a_stream_closes_the_connection_at_once() {
    let simulator = start_with(Scenario::speed(20.0)).await;
    let client = client(&simulator);
    let mut stream = client.chat(&say(NATIVE, &"word ".repeat(400))).await.unwrap();
    assert!(stream.next().await.unwrap().is_some());
    assert_eq!(simulator.open_streams(), 1);
    let stopped = Instant::now();
    drop(stream);
    while simulator.open_streams() > 0 {
        assert!(stopped.elapsed() < Duration::from_millis(200), "Stop is seen within 200 ms");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(simulator.requests()[0].closed_early);
}

#[tokio::test]
async fn silence_and_slowness_are_limited_each_by_its_own_rule() {
    let simulator = start_with(Scenario::stall_after(900)).await;
    let started = Instant::now();
    let answer = answer_of(&hurried(&simulator), &say(NATIVE, "one two three four five six")).await;
    assert!(matches!(answer.error, Some(Error::TimedOut(_))), "{:?}", answer.error);
    assert!(!answer.text.is_empty() && started.elapsed() < Duration::from_secs(3));

    simulator.set_scenario(Scenario::slow_first_byte(5_000));
    let error = hurried(&simulator).chat(&say(NATIVE, "x")).await.unwrap_err();
    assert_eq!(error.fault().code, FaultCode::TimedOut);

    simulator.set_scenario(Scenario::always(Effects {
        chunk_bytes: Some(20),
        chunk_pause_ms: Some(50),
        ..Effects::default()
    }));
    let started = Instant::now();
    let answer = ask(&hurried(&simulator), &say(NATIVE, "slowly but steadily, word by word")).await.unwrap();
    assert_eq!(answer.text, "slowly but steadily, word by word");
    assert!(started.elapsed() > Duration::from_secs(1), "longer than the limit of silence, and yet whole");
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_is_not_repeated() {
    for ending in [NoAnswer::Close, NoAnswer::Reset] {
        let simulator =
            start_with(Scenario::always(Effects { no_answer: Some(ending), ..Effects::default() })).await;
        let error = client(&simulator).chat(&say(GLM, "x")).await.unwrap_err();
        assert_eq!(error.fault().code, FaultCode::StreamCut, "{ending:?}");
        assert_eq!(simulator.requests().len(), 1, "it may have been billed");
    }
}

#[tokio::test]
async fn a_bomb_is_not_swallowed() {
    let padded = Effects { pad_body: Some(64 * 1024 * 1024), ..Effects::default() };
    let simulator = start_with(Scenario::always(padded)).await;
    let error = client(&simulator).catalogue(TODAY).await.unwrap_err();
    assert_eq!(error, Error::AnswerTooLarge { limit: 16 * 1024 * 1024 });
    simulator
        .set_scenario(Scenario::always(Effects { huge_event: Some(20 * 1024 * 1024), ..Effects::default() }));
    let answer = answer_of(&client(&simulator), &say(NATIVE, "x")).await;
    assert!(matches!(answer.error, Some(Error::AnswerTooLarge { .. })), "{:?}", answer.error);
}

#[tokio::test]
async fn tokens_are_verified_and_accounts_found() {
    let simulator = start().await;
    let discover = async |token: &str| {
        let token = workers_ai::ApiToken::new(token).unwrap();
        workers_ai::Client::discover(&simulator.base_url(), token, &workers_ai::Network::default()).await
    };
    let usual = discover(simulator::DEMO_TOKEN).await.unwrap();
    assert_eq!(usual.accounts[0].id, simulator::DEMO_ACCOUNT_ID);
    assert!(!usual.account_id_needed);
    assert_eq!(discover("cfut_two_accounts").await.unwrap().accounts.len(), 2);
    for narrow in ["cfut_no_accounts", "cfut_accounts_denied"] {
        assert!(discover(narrow).await.unwrap().account_id_needed, "{narrow}");
    }
    for bad in ["cfut_invalid", "cfut_expired", "cfut_disabled"] {
        assert_eq!(discover(bad).await.unwrap_err().fault().code, FaultCode::TokenRejected, "{bad}");
    }
    for good in ["cfut_x", "cfat_x", "x-without-prefix"] {
        client_as(&simulator, good).verify_token().await.unwrap();
    }
    for bad in ["cfat_invalid", "cfat_expired"] {
        assert_eq!(
            client_as(&simulator, bad).verify_token().await.unwrap_err().fault().code,
            FaultCode::TokenRejected
        );
    }
    client_as(&simulator, "cfut_x").can_use_workers_ai().await.unwrap();
    let lacking = client_as(&simulator, "cfut_no_ai").can_use_workers_ai().await.unwrap_err();
    assert_eq!(lacking.fault().code, FaultCode::TokenLacksPermission);
    client_as(&simulator, "cfut_read_only").can_use_workers_ai().await.unwrap();
    let reading = client_as(&simulator, "cfut_read_only").chat(&say(GLM, "x")).await.unwrap_err();
    assert_eq!(reading.fault().code, FaultCode::TokenLacksPermission);
}

#[tokio::test]
async fn the_catalogue_comes_in_pages_and_is_completed() {
    let simulator = start().await;
    let client = client(&simulator);
    let models = client.catalogue(TODAY).await.unwrap();
    assert!(simulator.requests().len() > 1, "more than a page");
    let find = |id: &str| models.iter().find(|model| model.id.as_str() == id).unwrap();
    let glm = find(GLM);
    assert!(glm.tools && glm.reasoning && glm.chat && !glm.retired && glm.context_window == Some(131_072));
    assert!(!glm.prices.is_empty() && !glm.reasoning_efforts.is_empty());
    assert!(find("@cf/zai-org/glm-5.2").paid_only);
    assert!(find("@cf/meta/llama-3.1-8b-instruct").retired);
    assert_eq!(find("@cf/baai/bge-m3").task, Task::TextEmbeddings);
    let ids: std::collections::HashSet<_> = models.iter().map(|model| &model.id).collect();
    assert_eq!(ids.len(), models.len(), "none is listed twice");
    assert!(client.schema(&ModelId::from(NATIVE)).await.unwrap().input.is_object());
    assert!(!client.output_limits().await.unwrap().is_empty());
}

#[tokio::test]
async fn tools_are_called_in_every_dialect() {
    let simulator = start().await;
    let client = client(&simulator);
    let parameters = serde_json::json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    for (model, native) in [
        (GLM, false),
        (GLM, true),
        ("@cf/meta/llama-4-scout-17b-16e-instruct", true),
        ("@cf/meta/llama-3.3-70b-instruct-fp8-fast", true),
        ("@cf/openai/gpt-oss-120b", false),
    ] {
        for stream in [true, false] {
            let mut request = ChatRequest::new(
                ModelId::from(model),
                vec![ChatMessage::user("What is the weather in Paris?")],
            );
            request.stream = stream;
            request.parameters.top_k = native.then_some(5);
            request.tools = vec![Tool {
                name: "getWeather".into(),
                description: "Weather for a place".into(),
                parameters: parameters.clone(),
            }];
            request.tool_choice = Some(workers_ai::ToolChoice::Named("getWeather".into()));
            let answer = ask(&client, &request).await.unwrap();
            let mut calls = ToolCalls::default();
            answer.deltas.iter().for_each(|delta| calls.push(delta));
            let calls = calls.finish();
            assert_eq!(calls.len(), 1, "{model} native={native} stream={stream}: {:?}", answer.deltas);
            assert_eq!(calls[0].name, "getWeather");
            assert!(serde_json::from_str::<serde_json::Value>(&calls[0].arguments).unwrap().is_object());
            assert_eq!(answer.finish, Some(Finish::ToolCalls), "{model} native={native} stream={stream}");
        }
    }
}

#[tokio::test]
async fn json_mode_gives_json_on_models_of_both_kinds() {
    let simulator = start().await;
    let client = client(&simulator);
    for model in [GLM, "@cf/meta/llama-3.3-70b-instruct-fp8-fast"] {
        let mut request = ChatRequest::new(ModelId::from(model), vec![ChatMessage::user("Ada Lovelace, 36")]);
        request.parameters.json = true;
        request.parameters.json_schema = Some(
            r#"{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"]}"#.to_owned(),
        );
        let answer = ask(&client, &request).await.unwrap();
        let value: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert!(value["name"].is_string() && value["age"].is_number(), "{model}: {}", answer.text);
    }
}

#[tokio::test]
async fn pictures_are_seen_by_models_that_can() {
    let simulator = start().await;
    let client = client(&simulator);
    let picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let message = ChatMessage {
        content: vec![Part::Picture { data_uri: picture.to_owned() }, Part::Text("say: seen".to_owned())],
        ..ChatMessage::user("")
    };
    let request = ChatRequest::new(ModelId::from("@cf/google/gemma-4-26b-a4b-it"), vec![message]);
    assert_eq!(ask(&client, &request).await.unwrap().text, "seen");
    let parts = simulator.requests()[0].json()["messages"][0]["content"].clone();
    assert_eq!((parts[0]["type"].clone(), parts[1]["type"].clone()), ("text".into(), "image_url".into()));
}

#[tokio::test]
async fn a_licence_is_agreed_to_once() {
    let simulator = Simulator::start(Options { licence_step: true, ..Options::default() }).await.unwrap();
    let client = client(&simulator);
    let model = ModelId::from("@cf/meta/llama-3.2-11b-vision-instruct");
    let request = say(model.as_str(), "hello");
    assert_eq!(client.chat(&request).await.unwrap_err().fault().code, FaultCode::LicenceNeeded);
    client.agree_to_licence(&model).await.unwrap();
    assert_eq!(ask(&client, &request).await.unwrap().text, "hello");
}

#[tokio::test]
async fn every_embedding_model_embeds_and_passages_are_ranked() {
    let simulator = start().await;
    let client = client(&simulator);
    for model in bundled_catalogue(TODAY).into_iter().filter(|model| model.task == Task::TextEmbeddings) {
        for (side, texts) in [(Side::Document, 205), (Side::Query, 1)] {
            let texts = (0..texts).map(|n| format!("passage {n} on cheetahs")).collect();
            let request = EmbedRequest { model: model.id.clone(), texts, side, pooling: Some(Pooling::Cls) };
            let found = client.embed(&request).await.unwrap();
            assert_eq!(found.vectors.len(), request.texts.len(), "{}", model.id);
            let expected = model.output_dimensions.map_or(found.dimensions, |length| length as usize);
            assert_eq!(found.dimensions, expected, "{}", model.id);
        }
    }
    let reranker = ModelId::from("@cf/baai/bge-reranker-base");
    let passages =
        ["a cyberpunk lizard", "which animal is fastest: the cheetah", "a stone"].map(str::to_owned);
    let (ranked, usage) = client.rerank(&reranker, "which animal is fastest?", &passages, 2).await.unwrap();
    assert_eq!((ranked[0].index, ranked.len()), (1, 2));
    assert!(usage.neurons.is_some());
}

#[tokio::test]
async fn every_picture_model_makes_a_picture_and_damaged_ones_are_refused() {
    let simulator = start().await;
    let client = client(&simulator);
    for model in bundled_catalogue(TODAY).into_iter().filter(|model| model.task == Task::TextToImage) {
        let mut request = ImageRequest::new(model.id.clone(), "a lighthouse at dusk");
        (request.steps, request.seed) = (Some(4), Some(7));
        if workers_ai::image_form(&model.id).needs_reference {
            let first = client
                .image(&ImageRequest::new(ModelId::from("@cf/lykon/dreamshaper-8-lcm"), "x"))
                .await
                .unwrap();
            request.references =
                vec![workers_ai::Reference { bytes: first.bytes.clone(), width: 256, height: 256 }];
            request.mask = workers_ai::image_form(&model.id).mask.then_some(first.bytes);
        }
        let picture = client.image(&request).await.unwrap_or_else(|error| panic!("{}: {error}", model.id));
        assert!(picture.bytes.len() > 100, "{}", model.id);
        assert!(picture.usage.neurons.is_some() || model.prices.is_empty(), "{}", model.id);
    }
    for model in ["@cf/black-forest-labs/flux-1-schnell", "@cf/bytedance/stable-diffusion-xl-lightning"] {
        for (fault, good) in [
            (ImageFault::BadAlphabet, false),
            (ImageFault::Whitespace, true),
            (ImageFault::DataUri, true),
            (ImageFault::Empty, false),
            (ImageFault::Html, false),
            (ImageFault::Svg, false),
            (ImageFault::JsonError, false),
            (ImageFault::WrongType, true),
            (ImageFault::OtherForm, true),
        ] {
            simulator.set_scenario(Scenario::image(fault));
            let made = client.image(&ImageRequest::new(ModelId::from(model), "x")).await;
            assert_eq!(made.is_ok(), good, "{model} {fault:?}: {made:?}");
        }
    }
    simulator.set_scenario(Scenario::default());
    let refused =
        client.image(&ImageRequest::new(ModelId::from("@cf/black-forest-labs/flux-1-schnell"), "nsfw")).await;
    assert_eq!(refused.unwrap_err().fault().code, FaultCode::ContentRefused);
}

#[tokio::test]
async fn speech_is_written_down_and_spoken() {
    let simulator = start().await;
    let client = client(&simulator);
    let speak = SpeakRequest {
        model: ModelId::from("@cf/myshell-ai/melotts"),
        text: "Hello there.".into(),
        voice: None,
        language: None,
    };
    let wave = client.speak(&speak).await.unwrap();
    assert_eq!(wave.media_type, "audio/wav");
    let aura =
        SpeakRequest { model: ModelId::from("@cf/deepgram/aura-1"), voice: Some("luna".into()), ..speak };
    assert_eq!(client.speak(&aura).await.unwrap().media_type, "audio/mpeg");
    for model in [
        "@cf/openai/whisper",
        "@cf/openai/whisper-tiny-en",
        "@cf/openai/whisper-large-v3-turbo",
        "@cf/deepgram/nova-3",
    ] {
        let request = TranscribeRequest {
            model: ModelId::from(model),
            audio: wave.bytes.clone(),
            media_type: "audio/wav".into(),
            language: None,
            translate: false,
            hint: None,
        };
        let transcript = client.transcribe(&request).await.unwrap_or_else(|error| panic!("{model}: {error}"));
        assert!(!transcript.text.is_empty() && !transcript.segments.is_empty(), "{model}: {transcript:?}");
    }
}

#[tokio::test]
async fn files_are_converted_and_any_model_runs() {
    let simulator = start().await;
    let client = client(&simulator);
    let file = FileToConvert {
        name: "page.html".into(),
        media_type: "text/html".into(),
        bytes: b"<h1>Hi</h1>".to_vec(),
    };
    let (converted, _) = client.to_markdown(&[file], None).await.unwrap();
    assert_eq!(converted[0].name, "page.html");
    assert!(converted[0].text.is_ok(), "{converted:?}");
    assert!(client.conversion_formats().await.unwrap().iter().any(|format| format.extension == ".pdf"));
    let input = serde_json::json!({ "text": "Hello", "source_lang": "en", "target_lang": "fr" });
    let answer = client.run(&ModelId::from("@cf/meta/m2m100-1.2b"), &input).await.unwrap();
    let RunBody::Json(body) = answer.body else { panic!("it is JSON") };
    assert!(body["result"]["translated_text"].is_string(), "{body}");
}

#[tokio::test]
async fn the_cost_comes_from_the_service_when_it_says_so() {
    let simulator = start().await;
    let client = client(&simulator);
    let spent = simulator.neurons_today();
    let usage: Usage = ask(&client, &say(GLM, "count me")).await.unwrap().usage.unwrap();
    let charged = simulator.neurons_today() - spent;
    assert!(!usage.estimated);
    assert!((usage.neurons.unwrap() - charged).abs() < 0.01, "{usage:?} {charged}");
    simulator.set_scenario(Scenario::always(Effects {
        usage: Some(UsagePlace::Absent),
        neurons_header: Some(false),
        ..Effects::default()
    }));
    let guess = ask(&client, &say(GLM, "count me")).await.unwrap().usage.unwrap();
    assert!(guess.estimated && guess.neurons.unwrap() > 0.0);
}

#[tokio::test]
async fn nothing_of_one_account_is_sent_with_the_token_of_another() {
    let simulator = start_with(Scenario::speed(200.0)).await;
    let (one, other) = (client_as(&simulator, "cfut_one"), client_as(&simulator, "cfat_other"));
    let (says_one, says_other) = (say(GLM, "one"), say(GLM, "other"));
    let (first, second) = tokio::join!(ask(&one, &says_one), ask(&other, &says_other));
    assert!(first.is_ok() && second.is_ok());
    for seen in simulator.requests() {
        let text = String::from_utf8_lossy(&seen.body).into_owned();
        let expected = if text.contains("say: other") { "cfat_other" } else { "cfut_one" };
        assert_eq!(seen.token(), Some(expected));
        assert!(!seen.path.contains("cfut") && !seen.query.contains("cfut") && !text.contains("cfut"));
    }
    assert_eq!(account(), simulator::DEMO_ACCOUNT_ID);
}

#[tokio::test]
async fn retry_after_is_honoured_by_the_clock_on_the_wall() {
    let simulator = start_with(Scenario::error_with_retry_after("rate_limit", "2").times(1)).await;
    let client = client(&simulator);
    let early = say(GLM, "a");
    let (first, second) = tokio::join!(ask(&client, &early), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ask(&client, &say(GLM, "b")).await
    });
    assert!(first.is_ok() && second.is_ok());
    let requests = simulator.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests[1..].iter().all(|later| later.at - requests[0].at >= Duration::from_secs(2)),
        "both waited"
    );
}

#[tokio::test]
async fn a_rule_for_one_endpoint_leads_to_the_other() {
    let simulator = start_with(Scenario::one(Rule::error("method_scheme").on_path("chat/completions"))).await;
    let answer = ask(&client(&simulator), &say(NATIVE, "over the other door")).await.unwrap();
    assert_eq!(answer.text, "over the other door");
    assert!(matches!(answer.deltas.last(), Some(Delta::Finish(_))));
}
