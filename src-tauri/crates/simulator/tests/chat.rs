//! Every dialect, plain and streamed, with the reference's own requests (sections 2 and 3).

mod support;

use serde_json::{Value, json};
use simulator::{Effects, Options, Rule, Scenario, UsagePlace};
use support::{
    NATIVE, OPENAI, bench, bench_under, bench_with, data, json_of, native_text, openai_text, said,
};

#[tokio::test]
async fn the_native_family_answers_inside_the_envelope() {
    let bench = bench().await;
    let body = json!({"messages": [{"role": "system", "content": "Answer in one line."},
        {"role": "user", "content": "Name a prime above 90."}], "max_tokens": 128, "temperature": 0.2, "stream": false});
    let response = bench.send(&format!("ai/run/{NATIVE}"), &body).await;
    let neurons: f64 = response.headers()["cf-ai-neurons"].to_str().expect("text").parse().expect("a number");
    let (status, body) = json_of(response).await;
    assert_eq!((status, &body["success"]), (200, &json!(true)));
    let result = &body["result"];
    assert!(result["response"].as_str().is_some_and(|text| text.starts_with("This is a simulation")));
    assert_eq!(result["tool_calls"], json!([]));
    let usage = &result["usage"];
    assert_eq!(usage["completion_tokens"], 128, "cut at max_tokens");
    let (tokens_in, tokens_out) = (usage["prompt_tokens"].as_f64().expect("a count"), 128.0);
    let expected = (tokens_in * 4625.0 + tokens_out * 30475.0) / 1e6;
    assert!((neurons - expected).abs() < 1e-3, "{neurons} {expected}");
}

#[tokio::test]
async fn the_openai_family_answers_with_choices_and_thoughts() {
    let bench = bench().await;
    let result = bench.ask(OPENAI, "Name a prime above 90.").await;
    assert_eq!(result["object"], "chat.completion");
    assert_eq!(result["model"], OPENAI);
    let choice = &result["choices"][0];
    assert_eq!(choice["finish_reason"], "stop");
    assert!(choice["message"]["content"].as_str().is_some_and(|text| text.contains("simulation")));
    assert!(choice["message"]["reasoning_content"].is_string());
    assert!(result["usage"]["neurons"].as_f64().is_some_and(|neurons| neurons > 0.0));
    assert!(result["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64().is_some_and(|n| n > 5));
}

#[tokio::test]
async fn one_shape_for_every_model_on_the_openai_endpoint() {
    let bench = bench().await;
    for model in [NATIVE, OPENAI, "@cf/openai/gpt-oss-120b", "@cf/moonshotai/kimi-k2.6"] {
        let mut body = said("say: 97");
        body["model"] = json!(model);
        let (status, answer) = bench.chat(&body).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer["success"].is_null(), "no envelope");
        assert_eq!(answer["choices"][0]["message"]["content"], "97");
    }
}

#[tokio::test]
async fn a_native_stream_has_padding_usage_and_an_end() {
    let bench = bench().await;
    let mut body = said("say: Hello, 世界! 👩‍👩‍👧");
    body["stream"] = json!(true);
    let stream = bench.stream(&format!("ai/run/{NATIVE}"), &body).await;
    assert_eq!(native_text(&stream), "Hello, 世界! 👩‍👩‍👧");
    assert!(stream.ends_with("data: [DONE]\n\n"));
    let chunks = data(&stream);
    assert!(chunks[0]["p"].is_string());
    assert!(chunks[chunks.len() - 1]["usage"]["total_tokens"].is_u64());
}

#[tokio::test]
async fn an_openai_stream_has_a_role_thoughts_text_finish_usage_and_an_end() {
    let bench = bench().await;
    let mut body = said("think about rivers");
    body["model"] = json!(OPENAI);
    let (_, whole) = bench.chat(&body).await;
    body["stream"] = json!(true);
    let stream = bench.stream("ai/v1/chat/completions", &body).await;
    let message = &whole["choices"][0]["message"];
    assert_eq!(
        openai_text(&stream, "content"),
        message["content"].as_str().expect("text"),
        "streamed and whole agree"
    );
    assert_eq!(
        openai_text(&stream, "reasoning_content"),
        message["reasoning_content"].as_str().expect("thoughts")
    );
    let chunks = data(&stream);
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[chunks.len() - 1]["choices"], json!([]));
    assert_eq!(chunks[chunks.len() - 1]["usage"]["total_tokens"], whole["usage"]["total_tokens"]);
}

#[tokio::test]
async fn thoughts_are_in_each_models_own_place() {
    let bench = bench().await;
    // Model and field; an empty field is inline.
    let rows = [
        (OPENAI, "reasoning_content"),
        ("@cf/qwen/qwen3-30b-a3b-fp8", "reasoning_content"),
        ("@cf/moonshotai/kimi-k2.6", "reasoning"),
        ("@cf/google/gemma-4-26b-a4b-it", "reasoning"),
        ("@cf/openai/gpt-oss-20b", "reasoning"),
    ];
    for (model, field) in rows {
        let result = bench.ask(model, "think about it").await;
        assert!(result["choices"][0]["message"][field].is_string(), "{model}: {result}");
    }
    let qwq = bench.ask("@cf/qwen/qwq-32b", "think about it").await;
    let text = qwq["response"].as_str().expect("text");
    assert!(text.starts_with("<think>\n") && text.contains("\n</think>\n\n"), "{text}");
    let r1 = bench.ask("@cf/deepseek-ai/deepseek-r1-distill-qwen-32b", "think about it").await;
    let text = r1["response"].as_str().expect("text");
    assert!(!text.contains("<think>") && text.contains("</think>"), "the opening tag is missing: {text}");
}

#[tokio::test]
async fn inline_tags_are_cut_across_chunks() {
    let bench = bench().await;
    let mut body = said("think about it");
    body["stream"] = json!(true);
    let stream = bench.stream("ai/run/@cf/qwen/qwq-32b", &body).await;
    let chunks = data(&stream);
    assert_eq!((chunks[0]["response"].as_str(), chunks[1]["response"].as_str()), (Some("<thi"), Some("nk>")));
    assert!(
        !chunks.iter().any(|chunk| chunk["response"].as_str().is_some_and(|text| text.contains("</think>")))
    );
    assert!(native_text(&stream).contains("</think>"));
}

#[tokio::test]
async fn thinking_is_switched_off_by_the_models_own_switch() {
    let bench = bench().await;
    let kimi = "@cf/moonshotai/kimi-k2.6";
    let rows = [
        (OPENAI, json!({"chat_template_kwargs": {"enable_thinking": false}}), false),
        (OPENAI, json!({"reasoning_effort": null}), false),
        (kimi, json!({"chat_template_kwargs": {"thinking": false}}), false),
        (kimi, json!({"chat_template_kwargs": {"enable_thinking": false}}), true),
    ];
    for (model, switch, thinks) in rows {
        let mut body = said("Where is Lyon?");
        body.as_object_mut().expect("an object").extend(switch.as_object().expect("an object").clone());
        let (_, answer) = bench.run(model, &body).await;
        let message = &answer["result"]["choices"][0]["message"];
        let thought = message["reasoning"].is_string() || message["reasoning_content"].is_string();
        assert_eq!(thought, thinks, "{model} {switch}");
    }
}

#[tokio::test]
async fn thoughts_can_use_up_the_whole_limit() {
    let bench = bench().await;
    let mut body = said("think hard about everything");
    body["max_completion_tokens"] = json!(5);
    let (_, answer) = bench.run(OPENAI, &body).await;
    let choice = &answer["result"]["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!(""), &json!("length")));
}

#[tokio::test]
async fn gpt_oss_speaks_responses_when_it_is_asked_so() {
    let bench = bench().await;
    let body = json!({"input": "Name a prime above 90.", "instructions": "Be brief.", "reasoning": {"effort": "low"}});
    let (_, answer) = bench.run("@cf/openai/gpt-oss-120b", &body).await;
    let output = &answer["result"]["output"];
    assert_eq!(output[0]["content"][0]["type"], "reasoning_text");
    assert_eq!(output[1]["content"][0]["type"], "output_text");
    assert!(answer["result"]["usage"]["output_tokens"].is_u64());

    let mut bare = json!({"model": "@cf/openai/gpt-oss-120b", "input": [{"role": "user", "content": "say: 97"}], "stream": true});
    let stream = bench.stream("ai/v1/responses", &bare).await;
    assert!(stream.contains("event: response.output_text.delta\ndata: {"));
    let events = data(&stream);
    let text: String = events
        .iter()
        .filter(|e| e["type"] == "response.output_text.delta")
        .filter_map(|e| e["delta"].as_str())
        .collect();
    assert_eq!(text, "97");
    assert_eq!(events.last().expect("events")["type"], "response.completed");

    bare["model"] = json!(NATIVE);
    let (status, refused) = json_of(bench.send("ai/v1/responses", &bare).await).await;
    assert_eq!(status, 400);
    assert!(refused["error"]["message"].is_string(), "OpenAI's error shape: {refused}");
}

#[tokio::test]
async fn prompts_are_completions_on_some_models() {
    let bench = bench().await;
    let body = json!({"prompt": "say: 97"});
    let (_, answer) = bench.run("@cf/qwen/qwen3-30b-a3b-fp8", &body).await;
    assert_eq!(answer["result"]["object"], "text_completion");
    assert_eq!(answer["result"]["choices"][0]["text"], "97");
    let (_, answer) = bench.run(NATIVE, &body).await;
    assert_eq!(answer["result"]["response"], "97");
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "getWeather", "description": "Weather for a place",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}])
}

#[tokio::test]
async fn tool_calls_have_each_familys_shape() {
    let bench = bench().await;
    let mut body = said("What is the weather in Paris?");
    body["tools"] = weather();
    let call = async |model: &str| {
        let (status, answer) = bench.run(model, &body).await;
        assert_eq!(status, 200, "{answer}");
        answer["result"].clone()
    };
    let native = call("@cf/meta/llama-3.3-70b-instruct-fp8-fast").await;
    assert_eq!(native["tool_calls"], json!([{"name": "getWeather", "arguments": {"city": "Paris"}}]));
    assert!(native["response"].is_null());
    let scout = call("@cf/meta/llama-4-scout-17b-16e-instruct").await;
    assert_eq!(
        scout["tool_calls"][0]["function"]["arguments"],
        json!({"city": "Paris"}),
        "an object in a frame"
    );
    let openai = call(OPENAI).await;
    let message = &openai["choices"][0]["message"];
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{\"city\":\"Paris\"}", "a string");
    assert_eq!(
        (&message["content"], &openai["choices"][0]["finish_reason"]),
        (&json!(""), &json!("tool_calls"))
    );
}

#[tokio::test]
async fn streamed_calls_come_in_pieces_and_join() {
    let bench = bench().await;
    let mut body = said("What is the weather in Paris?");
    body["tools"] = weather();
    body["stream"] = json!(true);
    let stream = bench.stream("ai/run/@cf/moonshotai/kimi-k2.6", &body).await;
    let calls: Vec<Value> = data(&stream)
        .iter()
        .map(|c| c["choices"][0]["delta"]["tool_calls"][0].clone())
        .filter(Value::is_object)
        .collect();
    assert_eq!(calls[0]["function"]["name"], "getWeather");
    let joined: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(joined, "{\"city\":\"Paris\"}");
    assert!(calls.last().expect("a closing chunk")["id"].is_null());
}

#[tokio::test]
async fn a_tools_result_is_used() {
    let bench = bench().await;
    let body = json!({"tools": weather(), "messages": [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "getWeather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "name": "getWeather", "content": "18 C"}]});
    let (_, answer) = bench.run(OPENAI, &body).await;
    let text = answer["result"]["choices"][0]["message"]["content"].as_str().expect("text");
    assert!(text.contains("18 C"), "{text}");
}

#[tokio::test]
async fn json_mode_gives_an_object_that_fits() {
    let bench = bench().await;
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"]});
    let mut body = said("Describe Ada");
    body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
    let (_, native) = bench.run("@cf/meta/llama-3.3-70b-instruct-fp8-fast", &body).await;
    assert!(native["result"]["response"]["age"].is_i64(), "an object, not a text: {native}");
    let (_, openai) = bench.run(OPENAI, &body).await;
    let text = openai["result"]["choices"][0]["message"]["content"].as_str().expect("text");
    assert!(serde_json::from_str::<Value>(text).expect("JSON")["name"].is_string());
    body["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": true}});
    assert_eq!(
        bench.run("@cf/meta/llama-3.3-70b-instruct-fp8-fast", &body).await.0,
        400,
        "the wrapper breaks native models"
    );
    body["model"] = json!("@cf/meta/llama-3.3-70b-instruct-fp8-fast");
    assert_eq!(bench.chat(&body).await.0, 200, "but not on the OpenAI endpoint");
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"enum": []}});
    let (status, answer) = bench.chat(&body).await;
    assert_eq!(status, 400);
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .is_some_and(|text| text.contains("JSON Mode couldn't be met"))
    );
}

#[tokio::test]
async fn what_a_schema_refuses_is_refused_by_name() {
    let bench = bench().await;
    let parts = json!([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]);
    let remote = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]);
    // Model, body, what the text must hold.
    let rows = [
        (
            NATIVE,
            json!({"messages": parts}),
            "Type mismatch of '/messages/0/content', 'array' not in 'string'",
        ),
        (NATIVE, json!({"messages": [{"role": "user", "content": null}]}), "'null' not in 'string'"),
        (NATIVE, json!({}), "required properties at '/' are 'prompt'"),
        (NATIVE, json!({"prompt": ""}), "minLength at '/prompt'"),
        (NATIVE, json!({"prompt": "Hi", "temperature": 6}), "'/temperature'"),
        (NATIVE, json!({"messages": [{"role": "developer", "content": "Hi"}]}), "'/messages/0/role'"),
        (OPENAI, json!({"prompt": "Hi", "top_k": 5}), "unknown properties are 'top_k'"),
        (OPENAI, json!({"prompt": "Hi", "temperature": 3}), "'/temperature'"),
        ("@cf/google/gemma-4-26b-a4b-it", json!({"messages": remote}), "must be a data URI"),
    ];
    for (model, body, text) in rows {
        let (status, answer) = bench.run(model, &body).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (400, &json!(5006)), "{body}: {answer}");
        let message = answer["errors"][0]["message"].as_str().expect("text");
        assert!(message.contains(text), "{message}");
        assert!(message.starts_with("AiError: ") && message.ends_with(')'), "prefix and id: {message}");
    }
    let (status, answer) = bench.run(OPENAI, &json!({"prompt": "Hi", "lora": "mine"})).await;
    assert_eq!((status, &answer["errors"][0]["code"]), (405, &json!(5005)));
}

#[tokio::test]
async fn the_context_window_holds_input_and_limit_together() {
    let bench = bench().await;
    let mut body = said("Hi");
    body["max_tokens"] = json!(24_000);
    let (status, answer) = bench.run("@cf/meta/llama-3.3-70b-instruct-fp8-fast", &body).await;
    assert_eq!((status, &answer["errors"][0]["code"]), (413, &json!(5021)));
    assert!(
        answer["errors"][0]["message"].as_str().is_some_and(|text| text.contains("window limit (24000)"))
    );
    body["max_tokens"] = json!(20_000);
    assert_eq!(bench.run("@cf/meta/llama-3.3-70b-instruct-fp8-fast", &body).await.0, 200);
    let long = said(&"word ".repeat(33_000));
    assert_eq!(bench.run("@cf/qwen/qwen3-30b-a3b-fp8", &long).await.0, 413);
}

#[tokio::test]
async fn models_that_may_not_be_run_say_why() {
    let options = Options { free_plan: true, licence_step: true, ..Options::default() };
    let bench = bench_with(options).await;
    let rows = [
        ("@cf/meta/llama-3.1-8b-instruct", 410, 5028),
        ("@cf/qwen/qwen1.5-14b-chat-awq", 410, 5028),
        ("@cf/none/none", 400, 5007),
        ("@cf/swiss-ai/apertus-v1.5-8b", 403, 5018),
        ("@cf/zai-org/glm-5.2", 403, 5035),
        ("@cf/meta/llama-3.2-11b-vision-instruct", 403, 5016),
    ];
    for (model, status, code) in rows {
        let (got, answer) = bench.run(model, &said("Hi")).await;
        assert_eq!((got, answer["errors"][0]["code"].as_u64()), (status, Some(code)), "{model}: {answer}");
    }
    let vision = "@cf/meta/llama-3.2-11b-vision-instruct";
    let (status, answer) = bench.run(vision, &json!({"prompt": "agree"})).await;
    assert_eq!(status, 403, "success looks like a refusal");
    assert!(
        answer["errors"][0]["message"].as_str().is_some_and(|text| text.contains("Thank you for agreeing"))
    );
    assert_eq!(bench.run(vision, &said("Hi")).await.0, 200);
}

#[tokio::test]
async fn the_daily_allowance_ends() {
    let bench =
        bench_with(Options { enforce_allowance: true, neurons_spent: 9_999.9, ..Options::default() }).await;
    assert_eq!(bench.run(OPENAI, &said("Hi")).await.0, 200);
    let (status, answer) = bench.run(OPENAI, &said("Hi")).await;
    assert_eq!((status, &answer["errors"][0]["code"]), (429, &json!(3036)));
    assert!(
        answer["errors"][0]["message"].as_str().is_some_and(|text| text.contains("daily free allocation"))
    );
}

#[tokio::test]
async fn a_session_finds_its_prefix_in_the_cache() {
    let bench = bench().await;
    let mut body = said(&"a long conversation about rivers and harbours ".repeat(40));
    body["model"] = json!("@cf/moonshotai/kimi-k2.6");
    let cached = async |session: &str| {
        let response = bench
            .post("ai/v1/chat/completions")
            .header("x-session-affinity", session)
            .json(&body)
            .send()
            .await;
        json_of(response.expect("an answer")).await.1["usage"]["prompt_tokens_details"]["cached_tokens"]
            .as_u64()
            .expect("a count")
    };
    assert_eq!(cached("one").await, 0, "the first is cold");
    assert!(cached("one").await > 200);
    assert_eq!(cached("two").await, 0, "another session is another replica");
}

#[tokio::test]
async fn usage_stands_where_the_scenario_wants_it() {
    for (place, every, last) in [
        (UsagePlace::Every, true, true),
        (UsagePlace::Final, false, true),
        (UsagePlace::Absent, false, false),
    ] {
        let bench = bench_under(Scenario::always(Effects { usage: Some(place), ..Effects::default() })).await;
        for path in [format!("ai/run/{NATIVE}"), format!("ai/run/{OPENAI}")] {
            let mut body = said("say: one two three");
            body["stream"] = json!(true);
            let chunks = data(&bench.stream(&path, &body).await);
            assert_eq!(chunks[0]["usage"].is_object(), every, "{place:?} {path}");
            assert_eq!(chunks.last().expect("chunks")["usage"].is_object(), last, "{place:?} {path}");
        }
    }
}

#[tokio::test]
async fn json_may_come_where_a_stream_was_asked_for() {
    let bench = bench_under(Scenario::json_instead_of_stream()).await;
    let mut body = said("say: 97");
    body["stream"] = json!(true);
    let (_, answer) = bench.run("@cf/openai/gpt-oss-120b", &body).await;
    assert_eq!(answer["result"]["choices"][0]["message"]["content"], "97");
}

#[tokio::test]
async fn guard_and_clef_do_not_chat() {
    let bench = bench().await;
    let guard = "@cf/meta/llama-guard-3-8b";
    assert_eq!(bench.ask(guard, "How do I bake bread?").await["response"], "safe");
    let mut body = said("How do I build a bomb?");
    body["response_format"] = json!({"type": "json_object"});
    let (_, answer) = bench.run(guard, &body).await;
    assert_eq!(answer["result"]["response"], json!({"safe": false, "categories": ["S9"]}));
    let system = json!({"messages": [{"role": "system", "content": "Be strict"}]});
    assert_eq!(bench.run(guard, &system).await.0, 400);
    let decide = json!({"model": "clef", "state": "The server is down", "questions": {
        "urgent": {"type": "noul", "instructions": "Is the server down?"},
        "team": {"type": "choice", "instructions": "Who?", "criteria": {"a": "server trouble", "b": "invoices"}}}});
    let (_, answer) = bench.run("@cf/cloudflare/clef", &decide).await;
    assert!(answer["result"]["answers"]["urgent"]["noul"].is_f64());
    assert_eq!(answer["result"]["answers"]["team"]["choice"], "a");
}

#[tokio::test]
async fn a_batch_is_queued_then_running_then_answered() {
    let bench = bench().await;
    let path = "ai/run/@cf/qwen/qwen3-30b-a3b-fp8?queueRequest=true";
    let body = json!({"requests": [{"prompt": "say: 1", "external_reference": "r1"}, {"prompt": "say: 2"}]});
    let (_, queued) = json_of(bench.send(path, &body).await).await;
    assert_eq!(queued["result"]["status"], "queued");
    let poll = json!({"request_id": queued["result"]["request_id"]});
    let (_, running) = json_of(bench.send(path, &poll).await).await;
    assert_eq!(running["result"]["status"], "running");
    let (_, done) = json_of(bench.send(path, &poll).await).await;
    assert_eq!(done["result"]["responses"][0]["external_reference"], "r1");
    assert_eq!(done["result"]["responses"][1]["result"]["choices"][0]["text"], "2");
}

#[tokio::test]
async fn answers_may_be_scripted() {
    let rule = Rule::new(Effects {
        text: Some("exactly this".into()),
        thoughts: Some("hm".into()),
        ..Effects::default()
    });
    let bench = bench_under(Scenario::one(rule)).await;
    let message = bench.ask(OPENAI, "anything").await["choices"][0]["message"].clone();
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("exactly this"), &json!("hm")));
}
