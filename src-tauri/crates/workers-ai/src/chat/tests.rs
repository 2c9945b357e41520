//! Chat against a scripted server on a paused clock: forms, changes of form, tries, limits of time, endings.

use super::*;
use crate::client::Endpoint;
use crate::delta::Delta;
use crate::error::{MAX_TRIES, Refusal, Waited, Why};
use crate::network::Timeouts;
use crate::token::ApiToken;
use crate::tries::Wait;
use crate::wire::Wire;
use crate::wire::script::{Answer, Seen, Server};
use domain::{FaultCode, Finish, Usage};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const MODEL: &str = "@cf/zai-org/glm-4.7-flash";
const HI: &str = "data: {\"response\":\"Hi\"}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn client(server: &Server) -> Client {
    let endpoint = Endpoint {
        base_url: "https://api.cloudflare.com/client/v4".to_owned(),
        account_id: "0123456789abcdef0123456789abcdef".to_owned(),
        token: ApiToken::new("cfut_test").unwrap(),
        gateway: Some("desk".to_owned()),
    };
    Client::over(endpoint, Timeouts::default(), Wire::Scripted(server.clone())).unwrap()
}

fn request() -> ChatRequest {
    ChatRequest::new(ModelId::from(MODEL), vec![ChatMessage::system("Be brief."), ChatMessage::user("Hello")])
}

fn refusal(status: u16, code: i32, message: &str) -> Answer {
    let body = json!({ "success": false, "result": {}, "errors": [{ "code": code, "message": format!("AiError: {message}") }] });
    Answer::new(status, &[("content-type", "application/json")], body.to_string())
}

fn hello() -> Answer {
    Answer::stream(format!("{HI}{DONE}"))
}

async fn all(stream: &mut ChatStream) -> (Vec<Delta>, Option<Error>) {
    let mut deltas = Vec::new();
    loop {
        match stream.next().await {
            Ok(Some(delta)) => deltas.push(delta),
            Ok(None) => return (deltas, None),
            Err(error) => return (deltas, Some(error)),
        }
    }
}

fn text(deltas: &[Delta]) -> String {
    deltas
        .iter()
        .filter_map(|delta| if let Delta::Text(text) = delta { Some(text.as_str()) } else { None })
        .collect()
}

/// Sends a request to a server that answers so, and gives what came and what was seen.
async fn ask(
    request: &ChatRequest,
    answers: Vec<Answer>,
) -> (Result<(Vec<Delta>, Option<Error>), Error>, Vec<Seen>) {
    let server = Server::answering(answers);
    let outcome = match client(&server).chat(request).await {
        Ok(mut stream) => Ok(all(&mut stream).await),
        Err(error) => Err(error),
    };
    (outcome, server.seen())
}

async fn first_body(request: &ChatRequest) -> (Seen, Value) {
    let (_, seen) = ask(request, vec![hello()]).await;
    (seen[0].clone(), seen[0].json())
}

#[tokio::test(start_paused = true)]
async fn a_plain_request_carries_nothing_that_was_not_set() {
    let mut request = request();
    request.session = Some("conversation-7".to_owned());
    let (seen, body) = first_body(&request).await;
    assert!(seen.request.url.as_str().ends_with("/ai/v1/chat/completions"));
    assert_eq!(seen.header("x-session-affinity"), Some("conversation-7"));
    assert_eq!(seen.header("cf-aig-gateway-id"), Some("desk"));
    assert_eq!(seen.header("authorization"), Some("Bearer cfut_test"));
    let expected = json!({
        "model": MODEL,
        "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hello" }],
        "stream": true, "stream_options": { "include_usage": true },
    });
    assert_eq!(body, expected);
}

#[tokio::test(start_paused = true)]
async fn options_of_the_native_endpoint_lead_there() {
    let mut native = request();
    native.parameters.top_k = Some(40);
    native.parameters.temperature = Some(0.2);
    let (seen, body) = first_body(&native).await;
    assert!(seen.request.url.as_str().ends_with("/ai/run/@cf/zai-org/glm-4.7-flash"));
    assert_eq!((&body["top_k"], &body["temperature"]), (&json!(40), &json!(0.2)));
    assert!(body.get("model").is_none() && body.get("stream_options").is_none());

    let mut raw = request();
    raw.raw = true;
    raw.lora = Some("my-lora".to_owned());
    let (_, body) = first_body(&raw).await;
    assert_eq!(
        (&body["prompt"], &body["raw"], &body["lora"]),
        (&json!("Be brief.\nHello"), &json!(true), &json!("my-lora"))
    );
    assert!(body.get("messages").is_none());
}

#[tokio::test(start_paused = true)]
async fn pictures_follow_the_words_and_words_alone_are_a_string() {
    let mut request = request();
    let picture = Part::Picture { data_uri: "data:image/png;base64,AAAA".to_owned() };
    request.messages[1].content = vec![picture, Part::Text("a".into()), Part::Text("b".into())];
    let (_, body) = first_body(&request).await;
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            { "type": "text", "text": "a\nb" },
            { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
        ])
    );
    request.messages[1].content = vec![Part::Text("a".into()), Part::Text("b".into())];
    assert_eq!(first_body(&request).await.1["messages"][1]["content"], json!("a\nb"));
    request.messages[1].content = vec![Part::Picture { data_uri: "https://example.com/x.png".to_owned() }];
    let (outcome, seen) = ask(&request, vec![hello()]).await;
    assert!(matches!(outcome, Err(Error::InvalidInput(_))) && seen.is_empty(), "the service would refuse it");
}

#[tokio::test(start_paused = true)]
async fn effort_is_told_in_the_form_of_the_model() {
    let check = async |model: &str, effort: &str, key: &str, value: Value| {
        let mut request = request();
        request.model = ModelId::from(model);
        request.parameters.reasoning_effort = Some(effort.to_owned());
        let (_, body) = first_body(&request).await;
        assert_eq!(body.get(key), Some(&value), "{model} {effort}");
    };
    check(MODEL, "high", "reasoning_effort", json!("high")).await;
    check(MODEL, "off", "chat_template_kwargs", json!({ "enable_thinking": false })).await;
    check("@cf/moonshotai/kimi-k2.6", "off", "chat_template_kwargs", json!({ "thinking": false })).await;
    check("@cf/zai-org/glm-5.2", "off", "reasoning_effort", Value::Null).await;
}

#[tokio::test(start_paused = true)]
async fn json_is_asked_for_in_the_wrapper_and_then_bare() {
    let mut request = request();
    request.parameters.json = true;
    request.parameters.json_schema = Some(r#"{"type":"object"}"#.to_owned());
    let whole = Answer::json(&json!({ "success": true, "result": { "response": { "a": 1 } } }));
    let (outcome, seen) = ask(&request, vec![refusal(400, 5023, "bad schema"), whole]).await;
    let (deltas, error) = outcome.unwrap();
    assert_eq!((text(&deltas).as_str(), error), (r#"{"a":1}"#, None));
    assert_eq!(seen[0].json()["response_format"]["json_schema"]["schema"], json!({ "type": "object" }));
    assert_eq!(
        seen[1].json()["response_format"],
        json!({ "type": "json_schema", "json_schema": { "type": "object" } })
    );
    assert!(seen[1].request.url.path().contains("/ai/run/"));
    assert_eq!(seen[0].json()["stream"], json!(false), "JSON mode is not streamed");
}

#[tokio::test(start_paused = true)]
async fn tools_and_their_results_are_sent_in_openais_form() {
    let mut request = request();
    let schema = json!({ "type": "object" });
    request.tools =
        vec![Tool { name: "getWeather".into(), description: "d".into(), parameters: schema.clone() }];
    request.tool_choice = Some(ToolChoice::Named("getWeather".into()));
    let call = domain::ToolCall {
        id: "c1".into(),
        name: "getWeather".into(),
        arguments: "{\"city\":\"Paris\"}".into(),
    };
    let mut asked = ChatMessage::assistant("");
    asked.tool_calls = vec![call];
    asked.reasoning = Some("hm".into());
    request.messages.extend([asked, ChatMessage::tool_result("c1", "getWeather", "18 C")]);
    let refused = refusal(400, 8001, "function.arguments must be a JSON object");
    let (outcome, seen) = ask(&request, vec![refused, hello()]).await;
    assert!(outcome.is_ok());
    let body = seen[0].json();
    assert_eq!(
        body["tools"],
        json!([{ "type": "function", "function": { "name": "getWeather", "description": "d", "parameters": schema } }])
    );
    assert_eq!(body["tool_choice"]["function"]["name"], json!("getWeather"));
    let message = &body["messages"][2];
    assert_eq!(
        (&message["content"], &message["reasoning"]),
        (&json!(""), &json!("hm")),
        "never null, never glued"
    );
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], json!("{\"city\":\"Paris\"}"));
    assert_eq!(
        body["messages"][3],
        json!({ "role": "tool", "content": "18 C", "tool_call_id": "c1", "name": "getWeather" })
    );
    let again = seen[1].json();
    assert_eq!(again["messages"][2]["tool_calls"][0]["function"]["arguments"], json!({ "city": "Paris" }));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_model_refuses_is_left_out_and_told() {
    let mut request = request();
    request.parameters.seed = Some(7);
    request.parameters.temperature = Some(0.5);
    let refused = refusal(
        400,
        5006,
        "Error: oneOf at '/' not met, 0 matches: property '/seed' is not allowed, '/stream_options' is not allowed",
    );
    let server = Server::answering(vec![refused, hello()]);
    let stream = client(&server).chat(&request).await.unwrap();
    assert_eq!(stream.dropped_keys(), ["seed"], "only what the person set is told");
    let again = server.seen()[1].json();
    assert!(again.get("seed").is_none() && again.get("stream_options").is_none());
    assert_eq!(again["temperature"], json!(0.5));
}

#[tokio::test(start_paused = true)]
async fn an_effort_that_is_refused_is_told_by_its_own_name() {
    let mut request = request();
    request.parameters.reasoning_effort = Some("off".to_owned());
    let refused = refusal(400, 5006, "unknown properties are 'chat_template_kwargs'");
    let server = Server::answering(vec![refused, hello()]);
    let stream = client(&server).chat(&request).await.unwrap();
    assert_eq!(stream.dropped_keys(), ["reasoning_effort"]);
    assert!(server.seen()[1].json().get("chat_template_kwargs").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_other_endpoint_is_tried_once_and_without_a_pause() {
    for first in [
        refusal(405, 10405, "no"),
        Answer::new(404, &[], ""),
        refusal(400, 5006, "Type mismatch of '/input'"),
    ] {
        let started = Instant::now();
        let (outcome, seen) = ask(&request(), vec![first, refusal(400, 5006, "Type mismatch of '/x'")]).await;
        assert_eq!(outcome.unwrap_err().why(), Some(Why::SchemaMismatch));
        let paths: Vec<bool> = seen.iter().map(|seen| seen.request.url.path().contains("/ai/run/")).collect();
        assert_eq!(paths, [false, true]);
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
    let mut native = request();
    native.parameters.top_k = Some(3);
    let (_, seen) = ask(&native, vec![Answer::new(405, &[], ""), hello()]).await;
    assert!(seen[1].json().get("top_k").is_none(), "the other endpoint does not know it");
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_in_place_of_a_stream_is_taken() {
    let whole = json!({ "choices": [{ "finish_reason": "stop", "message": { "content": "97", "reasoning": "hm" } }],
        "usage": { "prompt_tokens": 20, "completion_tokens": 16, "neurons": 0.69 } });
    let (outcome, _) = ask(&request(), vec![Answer::json(&whole)]).await;
    let usage =
        Usage { input_tokens: Some(20), output_tokens: Some(16), neurons: Some(0.69), ..Usage::default() };
    let expected = vec![
        Delta::Thinking("hm".into()),
        Delta::Text("97".into()),
        Delta::Usage(usage),
        Delta::Finish(Finish::Stop),
    ];
    assert_eq!(outcome.unwrap(), (expected, None));

    let empty = json!({ "success": true, "result": {}, "errors": [] });
    let (outcome, seen) = ask(&request(), vec![Answer::json(&empty), Answer::json(&whole)]).await;
    assert_eq!(text(&outcome.unwrap().0), "97");
    assert_eq!(seen[1].json()["stream"], json!(false), "an empty one is asked for again without a stream");
}

#[tokio::test(start_paused = true)]
async fn the_wrong_media_type_deceives_nobody() {
    let stream = Answer::new(200, &[("content-type", "application/json")], format!("\n{HI}{DONE}"));
    assert_eq!(text(&ask(&request(), vec![stream]).await.0.unwrap().0), "Hi");
    let whole = Answer::new(200, &[("content-type", "text/event-stream")], r#"{"response":"Hi"}"#);
    assert_eq!(text(&ask(&request(), vec![whole]).await.0.unwrap().0), "Hi");
    for kind in ["text/event-stream", "text/html"] {
        let page = Answer::new(200, &[("content-type", kind)], "<html><title>Log in</title>");
        let (outcome, seen) = ask(&request(), vec![page]).await;
        assert_eq!((outcome.unwrap_err().fault().code, seen.len()), (FaultCode::NotTheService, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn neurons_come_from_the_body_the_header_or_the_price() {
    let with_header = |body: String| {
        Answer::new(200, &[("content-type", "text/event-stream"), ("cf-ai-neurons", "12.5")], body)
    };
    let counted =
        "data: {\"response\":\"\",\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":1000}}\n\n";
    let usage = async |answer: Answer| {
        let (deltas, _) = ask(&request(), vec![answer]).await.0.unwrap();
        deltas
            .into_iter()
            .find_map(|delta| if let Delta::Usage(usage) = delta { Some(usage) } else { None })
            .unwrap()
    };
    let body = usage(with_header(format!("{HI}data: {{\"usage\":{{\"neurons\":3.5}}}}\n\n{DONE}"))).await;
    assert_eq!((body.neurons, body.estimated), (Some(3.5), false));
    let header = usage(with_header(format!("{HI}{DONE}"))).await;
    assert_eq!((header.neurons, header.estimated), (Some(12.5), false));
    let price = usage(Answer::stream(format!("{HI}{counted}{DONE}"))).await;
    assert!((price.neurons.unwrap() - 41.9).abs() < 1e-6, "5,500 and 36,400 a million");
    assert!(price.estimated);
    let guess = usage(hello()).await;
    assert!(
        guess.estimated && guess.neurons.unwrap() > 0.0 && guess.input_tokens.is_none(),
        "tokens are never invented"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_its_final_mark_is_cut() {
    let (outcome, seen) = ask(&request(), vec![Answer::stream(HI)]).await;
    let (deltas, error) = outcome.unwrap();
    assert_eq!((text(&deltas).as_str(), seen.len()), ("Hi", 1));
    assert_eq!(error.unwrap().fault().code, FaultCode::StreamCut);
    let reset = Answer::stream(HI).then(Duration::ZERO, Err(Error::StreamCut("reset".into())));
    assert_eq!(ask(&request(), vec![reset]).await.0.unwrap().1, Some(Error::StreamCut("reset".into())));

    let reason = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n";
    for ending in [
        Answer::stream(reason),
        Answer::stream(reason).then(Duration::ZERO, Err(Error::StreamCut("reset".into()))),
    ] {
        let (deltas, error) = ask(&request(), vec![ending]).await.0.unwrap();
        assert_eq!(
            (deltas.last(), error),
            (Some(&Delta::Finish(Finish::Stop)), None),
            "the reason to end is a mark too"
        );
    }
    let unterminated = Answer::stream(format!("{HI}data: [DONE]"));
    assert_eq!(ask(&request(), vec![unterminated]).await.0.unwrap().1, None);
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_is_a_failure_that_tells_why() {
    let (deltas, error) = ask(&request(), vec![Answer::stream(DONE)]).await.0.unwrap();
    assert!(matches!(deltas.as_slice(), [Delta::Usage(_)]), "it may have cost something");
    assert_eq!(error, Some(Error::EmptyAnswer { thoughts_used_up: false }));
    let thoughts =
        "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"},\"finish_reason\":\"length\"}]}\n\n";
    let (_, error) = ask(&request(), vec![Answer::stream(format!("{thoughts}{DONE}"))]).await.0.unwrap();
    assert_eq!(error, Some(Error::EmptyAnswer { thoughts_used_up: true }));
}

#[tokio::test(start_paused = true)]
async fn a_native_model_that_stops_at_its_limit_is_said_to() {
    let mut request = request();
    request.parameters.top_k = Some(1);
    request.parameters.max_tokens = Some(5);
    let stream = |tokens: u32| {
        Answer::stream(format!("{HI}data: {{\"usage\":{{\"completion_tokens\":{tokens}}}}}\n\n{DONE}"))
    };
    let (full, _) = ask(&request, vec![stream(5)]).await.0.unwrap();
    assert_eq!(full.last(), Some(&Delta::Finish(Finish::Length)));
    let (short, _) = ask(&request, vec![stream(4)]).await.0.unwrap();
    assert_eq!(short.last(), Some(&Delta::Finish(Finish::Stop)));
}

#[tokio::test(start_paused = true)]
async fn time_is_limited_to_the_first_byte_and_between_bytes_but_not_in_all() {
    let silent = Answer { after: Duration::from_secs(500), ..hello() };
    let started = Instant::now();
    let (outcome, seen) = ask(&request(), vec![silent]).await;
    assert_eq!(outcome.unwrap_err(), Error::TimedOut(Waited::FirstByte(Duration::from_secs(120))));
    assert_eq!((started.elapsed(), seen.len()), (Duration::from_secs(120), 1), "it is not tried again");

    let late = Answer { body: Vec::new(), ..hello() }
        .then(Duration::from_secs(119), Ok(HI))
        .then(Duration::ZERO, Ok(DONE));
    assert_eq!(text(&ask(&request(), vec![late]).await.0.unwrap().0), "Hi");

    let stalled = Answer::stream(HI).then(Duration::from_secs(91), Ok(DONE));
    let started = Instant::now();
    let (deltas, error) = ask(&request(), vec![stalled]).await.0.unwrap();
    assert_eq!(text(&deltas), "Hi");
    assert_eq!(error, Some(Error::TimedOut(Waited::NextByte(Duration::from_secs(90)))));
    assert_eq!(started.elapsed(), Duration::from_secs(90));

    let mut kept_alive = Answer::stream(HI);
    for _ in 0..60 {
        kept_alive = kept_alive.then(Duration::from_secs(60), Ok(": keep-alive\n\n"));
    }
    let (deltas, error) = ask(&request(), vec![kept_alive.then(Duration::ZERO, Ok(DONE))]).await.0.unwrap();
    assert_eq!((text(&deltas).as_str(), error), ("Hi", None), "an hour of comments is no silence");
}

#[tokio::test(start_paused = true)]
async fn asking_again_and_again_does_not_put_the_limit_off() {
    let server = Server::answering(vec![Answer::stream(HI).then(Duration::from_secs(1000), Ok(DONE))]);
    let mut stream = client(&server).chat(&request()).await.unwrap();
    assert_eq!(stream.next().await, Ok(Some(Delta::Text("Hi".into()))));
    let started = Instant::now();
    let error = loop {
        tokio::select! {
            next = stream.next() => break next.unwrap_err(),
            () = tokio::time::sleep(Duration::from_millis(33)) => {}
        }
    };
    assert!(matches!(error, Error::TimedOut(_)));
    assert!(started.elapsed() <= Duration::from_secs(91), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_before_the_first_token_is_tried_three_times_and_told() {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waits);
    let server = Server::answering(vec![
        refusal(429, 3040, "Capacity temporarily exceeded"),
        Answer::new(503, &[], ""),
        hello(),
    ]);
    let client =
        client(&server).on_wait(move |wait: Wait| told.lock().unwrap().push((wait.attempt, wait.fault.code)));
    assert!(client.chat(&request()).await.is_ok());
    assert_eq!(*waits.lock().unwrap(), [(2, FaultCode::ModelBusy), (3, FaultCode::Upstream)]);

    let in_stream = Answer::stream("data: {\"errors\":[{\"code\":3040,\"message\":\"Capacity\"}]}\n\n");
    let (outcome, seen) = ask(&request(), vec![in_stream]).await;
    assert_eq!(
        (outcome.unwrap_err().why(), seen.len()),
        (Some(Why::Busy), 3),
        "an error in place of the first token"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_again_after_the_first_token() {
    for after in ["data: {\"errors\":[{\"code\":3040,\"message\":\"x\"}]}\n\n", ""] {
        let (outcome, seen) = ask(&request(), vec![Answer::stream(format!("{HI}{after}"))]).await;
        assert!(outcome.unwrap().1.is_some());
        assert_eq!(seen.len(), 1, "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retired_model_is_told_with_its_successor() {
    let mut request = request();
    request.model = ModelId::from("@cf/moonshotai/kimi-k2.5");
    let (outcome, seen) =
        ask(&request, vec![refusal(410, 5028, "This model was deprecated on 2026-05-30.")]).await;
    let fault = outcome.unwrap_err().fault();
    assert_eq!((fault.code, seen.len()), (FaultCode::ModelGone, 1));
    assert_eq!(fault.replacement.as_deref(), Some("@cf/moonshotai/kimi-k2.6"));
}

#[tokio::test(start_paused = true)]
async fn one_call_that_is_told_to_wait_makes_all_of_them_wait() {
    let limited = Answer::new(429, &[("retry-after", "20")], "");
    let server = Server::answering(vec![limited, hello()]);
    let client = client(&server);
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.chat(&request()).await.map(|_| ()) }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(client.chat(&request()).await.is_ok());
    assert!(first.await.unwrap().is_ok());
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen[1..].iter().all(|seen_later| seen_later.at - seen[0].at >= Duration::from_secs(20)));

    let long = Server::answering(vec![Answer::new(429, &[("retry-after", "99999")], ""), hello()]);
    let client = self::client(&long);
    let fault = client.chat(&request()).await.unwrap_err().fault();
    assert_eq!((fault.code, fault.retry_after_ms), (FaultCode::RateLimited, Some(99_999_000)));
    let queued = client.chat(&request()).await.unwrap_err();
    assert_eq!(
        (queued.why(), long.seen().len()),
        (Some(Why::RateLimited), 1),
        "the next call does not even leave"
    );
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(client.chat(&request()).await.is_ok(), "five minutes are the service's own longest");
}

/// What one request of a random schedule is answered.
#[derive(Debug, Clone)]
enum Turn {
    Limited(Option<&'static str>),
    Busy(Option<&'static str>),
    Broken(u16),
    Refused(i32, u16),
    TokenThenError,
    TokenThenCut,
    Good,
    Unreachable,
}

impl Turn {
    fn answer(&self) -> Answer {
        let with = |header: Option<&'static str>| header.map(|value| ("retry-after", value));
        match self {
            Self::Limited(header) => Answer::new(429, with(*header).as_slice(), ""),
            Self::Busy(header) => {
                let body = r#"{"errors":[{"code":3040,"message":"Capacity temporarily exceeded"}]}"#;
                Answer::new(429, with(*header).as_slice(), body)
            }
            Self::Broken(status) => Answer::new(*status, &[], "<html>"),
            Self::Refused(code, status) => refusal(*status, *code, "no"),
            Self::TokenThenError => {
                Answer::stream(format!("{HI}data: {{\"errors\":[{{\"code\":3040}}]}}\n\n"))
            }
            Self::TokenThenCut => Answer::stream(HI),
            Self::Good => hello(),
            Self::Unreachable => Answer::failed(Error::Unreachable("refused".into())),
        }
    }

    fn asks_for(&self) -> Duration {
        match self {
            Self::Limited(Some(seconds)) | Self::Busy(Some(seconds)) => {
                Duration::from_secs(seconds.parse::<u64>().unwrap_or(0))
            }
            _ => Duration::ZERO,
        }
    }

    fn may_be_repeated(&self) -> bool {
        matches!(self, Self::Limited(_) | Self::Busy(_) | Self::Broken(_) | Self::Unreachable)
    }
}

fn turn() -> impl Strategy<Value = Turn> {
    let header = || {
        prop::sample::select(vec![
            None,
            Some("0"),
            Some("2"),
            Some("7"),
            Some("60"),
            Some("61"),
            Some("99999"),
            Some("-1"),
            Some("soon"),
        ])
    };
    prop_oneof![
        3 => header().prop_map(Turn::Limited),
        2 => header().prop_map(Turn::Busy),
        2 => prop::sample::select(vec![500u16, 502, 503, 504, 520, 524]).prop_map(Turn::Broken),
        1 => prop::sample::select(vec![(3036, 429u16), (10000, 401), (5021, 413), (3030, 400), (5035, 403), (5028, 410)])
            .prop_map(|(code, status)| Turn::Refused(code, status)),
        1 => Just(Turn::TokenThenError),
        1 => Just(Turn::TokenThenCut),
        2 => Just(Turn::Good),
        1 => Just(Turn::Unreachable),
    ]
}

/// The requests of one call: when each was sent, and what it was answered.
type Sent = Vec<(Instant, Turn)>;

/// Calls run at once, each with its own list of turns; what each sent and when, in order.
async fn run_schedule(calls: Vec<(u64, Vec<Turn>)>) -> Vec<Sent> {
    let log: Arc<Mutex<Vec<Sent>>> = Arc::new(Mutex::new(vec![Vec::new(); calls.len()]));
    let starts: Vec<u64> = calls.iter().map(|(start, _)| *start).collect();
    let server = Server::new({
        let log = Arc::clone(&log);
        move |_, request| {
            let call: usize = request.headers["x-session-affinity"].to_str().unwrap().parse().unwrap();
            let mut log = log.lock().unwrap();
            let turns = &calls[call].1;
            let turn = turns[log[call].len().min(turns.len() - 1)].clone();
            log[call].push((Instant::now(), turn.clone()));
            turn.answer()
        }
    });
    let client = client(&server);
    let tasks: Vec<_> = starts
        .into_iter()
        .enumerate()
        .map(|(call, start)| {
            let client = client.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(start)).await;
                let request = ChatRequest { session: Some(call.to_string()), ..request() };
                if let Ok(mut stream) = client.chat(&request).await {
                    all(&mut stream).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let seen = log.lock().unwrap();
    seen.clone()
}

fn check_discipline(calls: &[Sent]) -> Result<(), TestCaseError> {
    for sent in calls {
        prop_assert!(
            sent.len() <= MAX_TRIES as usize,
            "never more than {} for a call: {:?}",
            MAX_TRIES,
            sent
        );
        for pair in sent.windows(2) {
            let (at, turn) = &pair[0];
            prop_assert!(
                turn.may_be_repeated(),
                "never after a token, never after a plain refusal: {:?}",
                turn
            );
            let pause = pair[1].0 - *at;
            prop_assert!(pause >= turn.asks_for(), "never before Retry-After: {:?} after {:?}", pause, turn);
            prop_assert!(pause >= Duration::from_secs(1), "and never at once: {:?}", pause);
            prop_assert!(
                turn.asks_for() <= Duration::from_secs(60),
                "a long pause is the person's to decide"
            );
        }
    }
    let mut all: Vec<&(Instant, Turn)> = calls.iter().flatten().collect();
    all.sort_by_key(|(at, _)| *at);
    for (place, (at, turn)) in all.iter().enumerate() {
        if let Turn::Limited(_) = turn {
            let quiet = turn.asks_for().min(Duration::from_secs(300));
            for (later, _) in &all[place + 1..] {
                prop_assert!(
                    *later == *at || *later - *at >= quiet,
                    "one cooldown for all: {:?} after {:?}",
                    *later - *at,
                    turn
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_200))]

    #[test]
    fn requests_are_repeated_with_discipline_under_any_schedule(
        calls in prop::collection::vec((0u64..90_000, prop::collection::vec(turn(), 1..5)), 1..7),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let sent = runtime.block_on(run_schedule(calls));
        check_discipline(&sent)?;
    }
}

#[test]
fn the_check_of_discipline_can_fail() {
    let at = Instant::now();
    let early = vec![vec![(at, Turn::Limited(Some("7"))), (at + Duration::from_secs(6), Turn::Good)]];
    assert!(check_discipline(&early).is_err());
    let after_token = vec![vec![(at, Turn::TokenThenCut), (at + Duration::from_secs(6), Turn::Good)]];
    assert!(check_discipline(&after_token).is_err());
    let late = at + Duration::from_secs(8);
    let four = vec![(0..4).map(|n| (late + Duration::from_secs(n * 9), Turn::Broken(500))).collect()];
    assert!(check_discipline(&four).is_err());
    let other = vec![vec![(at, Turn::Limited(Some("7")))], vec![(at + Duration::from_secs(1), Turn::Good)]];
    assert!(check_discipline(&other).is_err());
}

#[tokio::test(start_paused = true)]
async fn twenty_calls_that_are_all_refused_send_no_more_than_sixty_requests() {
    let server = Server::answering(vec![Answer::new(429, &[("retry-after", "2")], "")]);
    let client = client(&server);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.chat(&request()).await.map(|_| ()) })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap_err().why(), Some(Why::RateLimited));
    }
    assert!(server.seen().len() <= 60, "{}", server.seen().len());
}

#[test]
fn a_refusal_is_printed_without_the_prompt() {
    let refusal = Refusal::in_stream(Why::Busy, "busy".into());
    assert_eq!(Error::Refused(Box::new(refusal)).to_string(), "Busy (HTTP 200): busy");
}
