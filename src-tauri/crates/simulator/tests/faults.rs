//! Every effect of a scenario as a client sees it, every named error, and what the simulator notices of its clients.

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::{
    Effects, ErrorShape, LineEnd, NoAnswer, Rule, Scenario, StreamError, StreamErrorShape, error_names,
};
use support::{Bench, NATIVE, OPENAI, bench, bench_under, data, json_of, native_text, openai_text, said};

/// The promise is 50 ms; a machine that is building beside the tests gets some more.
const NOTICED: Duration = Duration::from_millis(150);

fn streamed(question: &str) -> Value {
    let mut body = said(question);
    body["stream"] = json!(true);
    body
}

/// Reads until the end or an error: the bytes, and whether it ended well.
async fn read(bench: &Bench, body: &Value) -> (Vec<u8>, Result<(), String>) {
    let mut response = bench.send(&format!("ai/run/{NATIVE}"), body).await;
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend(chunk),
            Ok(None) => return (bytes, Ok(())),
            Err(error) => return (bytes, Err(format!("{error:?}"))),
        }
    }
}

#[tokio::test]
async fn every_named_error_has_its_status_and_code() {
    let bench = bench().await;
    // The rows of the reference that have a code and one status.
    let coded = [
        ("incomplete_request", 400, 3003),
        ("request_too_large", 413, 3006),
        ("timeout", 408, 3007),
        ("aborted", 408, 3008),
        ("account_blocked", 403, 3023),
        ("content_refused", 400, 3030),
        ("daily_allowance", 429, 3036),
        ("finetune_files_missing", 400, 3039),
        ("capacity", 429, 3040),
        ("not_allowed", 403, 3041),
        ("gated", 403, 5018),
        ("invalid_model", 404, 3042),
        ("internal", 500, 3043),
        ("daily_allowance_4006", 429, 4006),
        ("invalid_base64", 400, 5004),
        ("no_lora", 405, 5005),
        ("schema", 400, 5006),
        ("no_such_model", 400, 5007),
        ("licence", 403, 5016),
        ("deprecated_sdk", 405, 5019),
        ("context", 413, 5021),
        ("json_mode", 400, 5023),
        ("deprecated", 410, 5028),
        ("deprecated_400", 400, 5028),
        ("paid_plan", 403, 5035),
        ("invalid_input", 400, 8001),
        ("provider", 400, 8007),
        ("invalid_token", 401, 1000),
        ("authorization_header", 400, 6003),
        ("no_route", 404, 7003),
        ("user_endpoint", 403, 9106),
        ("unauthorized", 403, 9109),
        ("authentication", 401, 10000),
        ("permission", 403, 10000),
        ("method_scheme", 405, 10405),
    ];
    for (name, status, code) in coded {
        bench.simulator.set_scenario(Scenario::error(name));
        let (got, body) = bench.run(NATIVE, &said("Hi")).await;
        assert_eq!((got, body["errors"][0]["code"].as_u64()), (status, Some(code)), "{name}: {body}");
        assert_eq!((&body["success"], &body["messages"]), (&json!(false), &json!([])), "{name}");
    }
    for name in error_names() {
        bench.simulator.set_scenario(Scenario::error(name));
        let response = bench.send(&format!("ai/run/{NATIVE}"), &said("Hi")).await;
        assert!(response.status().as_u16() >= 400, "{name}");
    }
}

#[tokio::test]
async fn errors_without_a_code_have_their_own_bodies() {
    let bench = bench_under(Scenario::error("page_502")).await;
    let response = bench.send(&format!("ai/run/{NATIVE}"), &said("Hi")).await;
    assert_eq!(response.status(), 502);
    assert!(response.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/html")));
    bench.simulator.set_scenario(Scenario::error("gateway_unauthorized"));
    let (status, body) = bench.run(NATIVE, &said("Hi")).await;
    assert_eq!((status, &body["error"][0]["code"], &body["internalCode"]), (401, &json!(2009), &json!(2009)));
    bench.simulator.set_scenario(Scenario::always(Effects {
        error_shape: Some(ErrorShape::Openai),
        ..Effects::error("schema")
    }));
    let (_, body) = bench.run(NATIVE, &said("Hi")).await;
    assert_eq!(body["error"]["code"], "invalid_prompt");
}

#[tokio::test]
async fn retry_after_is_any_text_or_absent() {
    let bench = bench().await;
    for value in ["2", "Wed, 21 Oct 2026 07:28:00 GMT", "0", "-1", "99999", "soon"] {
        bench.simulator.set_scenario(Scenario::error_with_retry_after("rate_limit", value));
        let response = bench.send(&format!("ai/run/{NATIVE}"), &said("Hi")).await;
        assert_eq!(response.headers()["retry-after"], value);
    }
    bench.simulator.set_scenario(Scenario::error("capacity"));
    let response = bench.send(&format!("ai/run/{NATIVE}"), &said("Hi")).await;
    assert!(!response.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_cut_keeps_the_first_bytes_and_breaks_the_body() {
    let bench = bench().await;
    let (whole, _) = read(&bench, &streamed("say: one two three")).await;
    for cut in [0, 1, 17, whole.len() / 2, whole.len() - 1] {
        bench.simulator.set_scenario(Scenario::cut_after(cut));
        let (bytes, end) = read(&bench, &streamed("say: one two three")).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(bytes.len(), cut, "{text}");
        assert!(end.is_err(), "a closed connection in the middle of a body is an error");
        bench.simulator.set_scenario(Scenario::end_after(cut));
        let (bytes, end) = read(&bench, &streamed("say: one two three")).await;
        assert_eq!((bytes.len(), end), (cut, Ok(())), "the body ends well for HTTP");
        bench.simulator.set_scenario(Scenario::reset_after(cut));
        let (bytes, end) = read(&bench, &streamed("say: one two three")).await;
        let reason = end.expect_err("a reset is an error");
        assert!(reason.contains("ConnectionReset"), "{reason}");
        assert_eq!(bytes.len(), cut, "what came before the reset is kept");
    }
    let seen = bench.simulator.requests();
    assert!(seen.iter().all(|request| !request.closed_early), "the server ended these, not the client");
}

#[tokio::test]
async fn a_cut_in_a_plain_answer_is_shorter_than_it_declared() {
    let bench = bench_under(Scenario::cut_after(30)).await;
    let (bytes, end) = read(&bench, &said("Hi")).await;
    assert_eq!(bytes.len(), 30);
    assert!(end.is_err());
}

#[tokio::test]
async fn no_answer_at_all_is_an_error_before_the_status() {
    let bench = bench().await;
    for way in [NoAnswer::Close, NoAnswer::Reset] {
        bench
            .simulator
            .set_scenario(Scenario::always(Effects { no_answer: Some(way), ..Effects::default() }));
        let sent = bench.post(&format!("ai/run/{NATIVE}")).json(&said("Hi")).send().await;
        assert!(sent.is_err(), "{way:?}");
    }
    bench
        .simulator
        .set_scenario(Scenario::always(Effects { no_answer: Some(NoAnswer::Silence), ..Effects::default() }));
    let request =
        bench.post(&format!("ai/run/{NATIVE}")).json(&said("Hi")).timeout(Duration::from_millis(80));
    assert!(request.send().await.is_err_and(|error| error.is_timeout()));
}

#[tokio::test]
async fn bytes_one_by_one_give_the_same_text() {
    let bench = bench_under(Scenario::byte_by_byte()).await;
    let mut response = bench.send(&format!("ai/run/{NATIVE}"), &streamed("say: 你好 👋")).await;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.expect("a good body") {
        assert_eq!(chunk.len(), 1);
        bytes.extend(chunk);
    }
    assert_eq!(native_text(&String::from_utf8(bytes).expect("UTF-8")), "你好 👋");
}

#[tokio::test]
async fn line_ends_and_byte_order_marks_are_as_asked() {
    let bench = bench().await;
    let effects =
        |line_end| Effects { line_end: Some(line_end), byte_order_mark: Some(true), ..Effects::default() };
    for (line_end, mark) in [(LineEnd::Crlf, "\r\n\r\n"), (LineEnd::Cr, "\r\r"), (LineEnd::Lf, "\n\n")] {
        bench.simulator.set_scenario(Scenario::always(effects(line_end)));
        let (bytes, _) = read(&bench, &streamed("say: one two")).await;
        let stream = String::from_utf8(bytes).expect("UTF-8");
        assert!(stream.starts_with("\u{feff}data: "), "{stream:?}");
        assert!(stream.ends_with(&format!("[DONE]{mark}")), "{stream:?}");
    }
}

#[tokio::test]
async fn an_error_inside_the_stream_has_each_known_shape() {
    let bench = bench().await;
    for model in [NATIVE, OPENAI] {
        let path = format!("ai/run/{model}");
        for (shape, pointer) in [
            (StreamErrorShape::Errors, "/errors/0/code"),
            (StreamErrorShape::ErrorObject, "/error/code"),
            (StreamErrorShape::ErrorText, "/error"),
        ] {
            bench.simulator.set_scenario(Scenario::stream_error(3, shape));
            let stream = bench.stream(&path, &streamed("say: one two three four five")).await;
            let chunks = data(&stream);
            assert!(chunks.last().is_some_and(|last| last.pointer(pointer).is_some()), "{shape:?}: {stream}");
            assert!(!stream.contains("[DONE]"), "it ends there");
            let text = if model == NATIVE { native_text(&stream) } else { openai_text(&stream, "content") };
            assert_eq!(text, "one two three");
        }
        bench.simulator.set_scenario(Scenario::stream_error(0, StreamErrorShape::FinishReason));
        assert!(bench.stream(&path, &streamed("say: one")).await.contains("\"finish_reason\":\"error\""));
    }
    let error = StreamError { after: 1, shape: StreamErrorShape::Errors, error: "timeout".to_owned() };
    bench
        .simulator
        .set_scenario(Scenario::always(Effects { stream_error: Some(error), ..Effects::default() }));
    assert!(bench.stream(&format!("ai/run/{NATIVE}"), &streamed("say: one")).await.contains("3007"));
}

#[tokio::test]
async fn broken_lines_comments_and_huge_events_stand_in_the_stream() {
    let bench = bench_under(Scenario::bad_json_after(2)).await;
    let path = format!("ai/run/{NATIVE}");
    let stream = bench.stream(&path, &streamed("say: one two three")).await;
    let lines: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert!(
        serde_json::from_str::<Value>(lines[2]).is_err() && serde_json::from_str::<Value>(lines[3]).is_ok(),
        "{stream}"
    );
    bench.simulator.set_scenario(Scenario::always(Effects { comment_every: Some(1), ..Effects::default() }));
    assert!(bench.stream(&path, &streamed("say: one two")).await.starts_with(": keep-alive\n\ndata: "));
    bench
        .simulator
        .set_scenario(Scenario::always(Effects { huge_event: Some(1 << 20), ..Effects::default() }));
    assert!(bench.stream(&path, &streamed("say: one")).await.len() > 1 << 20);
    bench.simulator.set_scenario(Scenario::no_done());
    assert!(!bench.stream(&path, &streamed("say: one")).await.contains("[DONE]"));
}

#[tokio::test]
async fn a_recorded_stream_is_sent_byte_for_byte() {
    let recorded = b"\xef\xbb\xbfdata:{\"response\":\"\xe4\xbd\"}\r\rdata: [DONE]\n\n\xff";
    let bench = bench_under(Scenario::raw_stream(recorded, "text/event-stream")).await;
    let (bytes, end) = read(&bench, &streamed("Hi")).await;
    assert_eq!((bytes.as_slice(), end), (recorded.as_slice(), Ok(())));
}

#[tokio::test]
async fn wrong_answers_come_with_status_200() {
    let bench = bench_under(Scenario::captive_portal()).await;
    let response = bench.send(&format!("ai/run/{NATIVE}"), &streamed("Hi")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    bench.simulator.set_scenario(Scenario::redirect("http://127.0.0.1:9/elsewhere"));
    let response = bench.send(&format!("ai/run/{NATIVE}"), &said("Hi")).await;
    assert_eq!(
        (response.status().as_u16(), response.headers()["location"].to_str().expect("text")),
        (302, "http://127.0.0.1:9/elsewhere")
    );
}

#[tokio::test]
async fn speed_and_the_first_byte_take_their_time() {
    let bench = bench_under(Scenario::speed(100.0)).await;
    let began = Instant::now();
    let stream = bench.stream(&format!("ai/run/{NATIVE}"), &streamed("write 50 words")).await;
    let took = began.elapsed().as_secs_f64();
    let tokens = data(&stream).len() - 1;
    let expected = tokens as f64 / 100.0;
    assert!((expected - 0.02..expected + 1.5).contains(&took), "{tokens} tokens took {took} s");
    bench.simulator.set_scenario(Scenario::slow_first_byte(120));
    let began = Instant::now();
    bench.run(NATIVE, &said("say: one")).await;
    assert!(began.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_stall_is_silent_or_keeps_alive() {
    let effects =
        Effects { stall_after: Some(60), keep_alive_ms: Some(10), stall_ms: Some(100), ..Effects::default() };
    let bench = bench_under(Scenario::always(effects)).await;
    let began = Instant::now();
    let (_, end) = read(&bench, &streamed("say: one two three four")).await;
    assert_eq!(end, Ok(()));
    assert!(began.elapsed() >= Duration::from_millis(100));
    bench.simulator.set_scenario(Scenario::stall_after(60));
    let mut response = bench.send(&format!("ai/run/{NATIVE}"), &streamed("say: one two three four")).await;
    let mut bytes = 0;
    while bytes < 60 {
        bytes += response.chunk().await.expect("a good start").expect("bytes").len();
    }
    let more = tokio::time::timeout(Duration::from_millis(80), response.chunk()).await;
    assert!(bytes == 60 && more.is_err(), "silence after {bytes} bytes");
}

#[tokio::test]
async fn a_client_that_hangs_up_is_noticed_at_once() {
    let bench = bench_under(Scenario::speed(20.0)).await;
    let mut response = bench.send(&format!("ai/run/{NATIVE}"), &streamed("write 500 words")).await;
    response.chunk().await.expect("a good start");
    assert_eq!(bench.simulator.open_streams(), 1);
    drop(response);
    let began = Instant::now();
    while bench.simulator.open_streams() > 0 {
        assert!(began.elapsed() < NOTICED, "not noticed");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let seen = bench.simulator.requests().pop().expect("one request");
    assert!(seen.closed_early && seen.closed_at.is_some_and(|at| at > seen.at));
}

#[tokio::test]
async fn hanging_up_is_noticed_before_the_first_byte_and_in_silence() {
    let bench = bench().await;
    for scenario in [Scenario::slow_first_byte(60_000), Scenario::stall_after(10)] {
        bench.simulator.set_scenario(scenario);
        let request =
            bench.post(&format!("ai/run/{NATIVE}")).json(&streamed("Hi")).timeout(Duration::from_millis(60));
        let outcome = async { request.send().await?.bytes().await }.await;
        assert!(outcome.is_err());
        let began = Instant::now();
        while bench.simulator.open_streams() > 0 {
            assert!(began.elapsed() < NOTICED, "not noticed");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(bench.simulator.requests().last().is_some_and(|seen| seen.closed_early));
    }
}

#[tokio::test]
async fn requests_are_remembered_with_their_headers_and_bodies() {
    let bench = bench().await;
    bench.send(&format!("ai/run/{NATIVE}?tags=a"), &said("say: 1")).await.bytes().await.expect("a body");
    let seen = bench.simulator.requests();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].query.as_str(), seen[0].token()),
        ("POST", "tags=a", Some(simulator::DEMO_TOKEN))
    );
    assert!(seen[0].path.ends_with(NATIVE));
    assert_eq!(seen[0].json()["messages"][0]["content"], "say: 1");
    assert_eq!(seen[0].status, Some(200));
    bench.simulator.clear_requests();
    assert!(bench.simulator.requests().is_empty());
}

#[tokio::test]
async fn rules_apply_to_their_turn_only() {
    let rule = Rule::error("capacity").on_path("ai/run").on_model("llama").times(2);
    let bench = bench_under(Scenario::one(rule)).await;
    assert_eq!(bench.get("accounts").await.0, 200);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(bench.run(NATIVE, &said("Hi")).await.0);
    }
    assert_eq!(statuses, [429, 429, 200]);
    assert_eq!(bench.run(OPENAI, &said("Hi")).await.0, 200);
}

#[tokio::test]
async fn a_scenario_is_set_from_outside() {
    let bench = bench().await;
    let origin = format!("http://{}", bench.simulator.address());
    let scenario = json!({"rules": [{"when": {"path": "ai/run"}, "then": {"error": "daily_allowance"}}]});
    let put = bench
        .client
        .put(format!("{origin}/_simulator/scenario"))
        .json(&scenario)
        .send()
        .await
        .expect("an answer");
    assert_eq!(put.status(), 204);
    assert_eq!(bench.run(NATIVE, &said("Hi")).await.0, 429);
    let (_, seen) =
        json_of(bench.client.get(format!("{origin}/_simulator/requests")).send().await.expect("an answer"))
            .await;
    assert_eq!(seen["requests"][0]["status"], 429);
    bench.client.delete(format!("{origin}/_simulator/requests")).send().await.expect("an answer");
    assert!(bench.simulator.requests().is_empty());
    let typo = bench
        .client
        .put(format!("{origin}/_simulator/scenario"))
        .body("{\"rule\":[]}")
        .send()
        .await
        .expect("an answer");
    assert_eq!(typo.status(), 400);
    let rebound = bench
        .client
        .get(format!("{origin}/_simulator/requests"))
        .header("host", "evil.example:80")
        .send()
        .await
        .expect("an answer");
    assert_eq!(rebound.status(), 403, "a page that rebinds its name reads nothing");
}

#[tokio::test]
async fn an_endless_body_can_be_refused_by_its_reader() {
    let bench =
        bench_under(Scenario::always(Effects { pad_body: Some(40 << 20), ..Effects::default() })).await;
    let request = bench.client.get(bench.account_url("ai/models/search")).bearer_auth(&bench.token);
    let mut response = request.send().await.expect("an answer");
    assert!(response.content_length().is_none(), "its length is not declared");
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.expect("a good body") {
        bytes += chunk.len();
        if bytes > 16 << 20 {
            return;
        }
    }
    panic!("only {bytes} bytes");
}

#[tokio::test]
async fn dropping_the_simulator_closes_its_connections() {
    let bench = bench_under(Scenario::stall_after(10)).await;
    let mut response = bench.send(&format!("ai/run/{NATIVE}"), &streamed("Hi")).await;
    response.chunk().await.expect("a good start");
    let address = bench.simulator.address();
    bench.simulator.shutdown().await;
    assert!(tokio::time::timeout(Duration::from_secs(2), response.chunk()).await.expect("an end").is_err());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[test]
fn the_page_on_scenarios_is_true() {
    let page = include_str!("../../../../docs/scenarios.md");
    let examples: Vec<&str> =
        page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 1);
    for example in examples {
        let scenario: Scenario = serde_json::from_str(example).expect("an example is a scenario");
        for name in scenario.rules.iter().filter_map(|rule| rule.then.error.as_deref()) {
            assert!(error_names().contains(&name), "{name} is an error");
        }
    }
    for name in error_names() {
        assert!(page.contains(&format!("`{name}`")), "{name} is listed");
    }
    let source = include_str!("../src/scenario.rs");
    let effects = source.split("pub struct Effects {").nth(1).and_then(|rest| rest.split("\n}").next());
    let fields = effects.expect("the struct").lines().filter_map(|line| line.trim().strip_prefix("pub "));
    for field in fields.filter_map(|field| field.split(':').next()) {
        assert!(page.contains(&format!("`{field}`")), "{field} is described");
    }
}
