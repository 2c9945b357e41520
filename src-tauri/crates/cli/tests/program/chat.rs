//! Asking from the command line: the built program, a real data folder, the simulator over a real socket.

use crate::terminal::{Terminal, finish, program};
use serde_json::json;
use simulator::{Effects, Scenario};

fn answer(effects: Effects) -> Scenario {
    Scenario::always(effects).on_path("chat/completions")
}

fn saying(text: &str) -> Effects {
    Effects { text: Some(text.to_owned()), ..Effects::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_the_answer_and_nothing_else() {
    let terminal = Terminal::open().await;
    terminal.scenario(answer(saying("An **edge** is near you.")));
    let said = terminal.run(&["chat", "What is an edge?"]).await.done();
    assert_eq!(said.out, "An **edge** is near you.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dash_reads_the_prompt_from_standard_input() {
    let terminal = Terminal::open().await;
    terminal.run_with(&["chat", "-"], "总结一下\nthese lines".as_bytes()).await.done();
    let asked = terminal.simulator.requests().into_iter().find(|seen| seen.path.contains("chat/completions"));
    let body = String::from_utf8_lossy(&asked.expect("it asked").body).into_owned();
    assert!(body.contains(r"总结一下\nthese lines"), "{body}");
    let said = terminal.run_with(&["chat", "-"], b"caf\xe9 \x00\xff").await.failed();
    assert!(said.err.contains("UTF-8"), "{}", said.err);
    terminal.run_with(&["chat", "-"], b"  \n").await.failed();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_json_are_as_contracted() {
    let terminal = Terminal::open().await;
    let effects = Effects { thoughts: Some("Let me see.".to_owned()), ..saying("Yes and no.") };
    terminal.scenario(answer(effects));
    let said = terminal.run(&["chat", "-m", "@cf/openai/gpt-oss-120b", "--json", "Well?"]).await.done();
    let lines = said.lines();
    let started = said.line("started");
    assert!(started["conversation"].is_string() && started["message"].is_string(), "{started}");
    assert_eq!(lines[0], started, "first of all");
    let text_of = |kind: &str| -> String {
        let texts = lines.iter().filter(|line| line["type"] == kind);
        texts.map(|line| line["text"].as_str().expect("text")).collect()
    };
    assert_eq!(text_of("thinking"), "Let me see.");
    assert_eq!(text_of("delta"), "Yes and no.");
    let usage = said.line("usage");
    for count in ["input_tokens", "output_tokens", "neurons"] {
        assert!(usage[count].as_f64() > Some(0.0), "{count}: {usage}");
    }
    assert!(usage["estimated"].is_boolean() && usage.get("cached_tokens").is_some(), "{usage}");
    assert_eq!(lines.last(), Some(&json!({ "type": "done", "finish": "stop" })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_the_model_refuses_is_told_beside_the_answer() {
    let terminal = Terminal::open().await;
    let begun = terminal.run(&["chat", "--json", "-m", "@cf/zai-org/glm-4.7-flash", "Hello"]).await.done();
    assert!(begun.lines().iter().all(|line| line["type"] != "dropped"), "nothing was refused: {begun:?}");
    let id = begun.line("started")["conversation"].as_str().expect("id").to_owned();
    {
        let window = engine::Engine::open(engine::Options::new(terminal.data())).await;
        let history = window.history();
        let mut options = history.transcript(id.as_str().into()).await.expect("there").options;
        options.parameters.top_k = Some(20);
        history.set_conversation_options(id.as_str().into(), options).await.expect("set");
        window.close().await;
    }
    let said = terminal.run(&["chat", "-c", &id, "--json", "Hello"]).await.done();
    assert_eq!(said.line("dropped")["parameters"], json!(["top_k"]));
    let said = terminal.run(&["chat", "-c", &id, "Hello"]).await.done();
    assert!(said.err.lines().any(|line| line == "This model does not take: top_k"), "{}", said.err);
    assert!(!said.out.contains("top_k"), "not in the answer: {}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_a_line_of_json_a_sentence_and_status_1() {
    let terminal = Terminal::open().await;
    terminal.scenario(answer(Effects { error: Some("daily_allowance".to_owned()), ..Effects::default() }));
    let said = terminal.run(&["chat", "--json", "Hello"]).await.failed();
    let error = said.line("error");
    assert_eq!(said.lines().last(), Some(&error), "the last line");
    assert_eq!(error["code"], "dailyAllowanceSpent", "{error}");
    assert!(
        error["message"].is_string() && error["hint"].is_string() && error.get("retry_after_ms").is_some()
    );
    assert!(said.err.contains("used up"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_fails_and_what_arrived_is_kept() {
    let terminal = Terminal::open().await;
    terminal.scenario(answer(Effects { cut_after: Some(1_500), ..saying(&"word ".repeat(2_000)) }));
    let said = terminal.run(&["chat", "--json", "Go on"]).await.failed();
    assert_eq!(said.line("error")["code"], "streamCut");
    let conversation = said.line("started")["conversation"].as_str().expect("id").to_owned();
    let shown = terminal.run(&["history", "show", "--json", &conversation]).await.done();
    let stored = &shown.lines()[1];
    assert_eq!(stored["status"], "interrupted", "{stored}");
    assert!(stored["text"].as_str().is_some_and(|text| text.starts_with("word word")), "{stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_and_can_be_shown_and_found() {
    let terminal = Terminal::open().await;
    terminal.scenario(answer(saying("The zebra is striped.")));
    let begun = terminal.run(&["chat", "--json", "--system", "Be short.", "Which animal?"]).await.done();
    let id = begun.line("started")["conversation"].as_str().expect("id").to_owned();
    terminal.run(&["chat", "-c", &id, "And then?"]).await.done();

    let listed = terminal.run(&["history", "list", "--json"]).await.done();
    assert_eq!(listed.lines().len(), 1);
    assert_eq!(listed.lines()[0]["conversation"], id);
    let shown = terminal.run(&["history", "show", &id]).await.done();
    assert!(
        shown.out.contains("## You\n\nWhich animal?") && shown.out.contains("And then?"),
        "{}",
        shown.out
    );
    let found = terminal.run(&["history", "search", "--json", "zebra"]).await.done();
    assert!(!found.lines().is_empty());
    for hit in found.lines() {
        assert_eq!(hit["conversation"], id);
        assert!(hit["text"].as_str().is_some_and(|text| text.contains("zebra")), "{hit}");
    }
    assert_eq!(terminal.run(&["history", "search", "giraffe"]).await.done().out, "");
    terminal.run(&["history", "show", "nowhere"]).await.failed();
    terminal.run(&["chat", "-c", "nowhere", "Hello"]).await.failed();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_status_2() {
    let terminal = Terminal::open().await;
    for wrong in [&["chat"] as &[&str], &["tell", "me"], &["history", "list", "--limit", "many"], &[]] {
        let said = terminal.run(wrong).await;
        assert_eq!(said.status, 2, "{wrong:?}: {said:?}");
        assert!(said.out.is_empty() && !said.err.is_empty(), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_the_sentence_says_how_to_connect_one() {
    let folder = tempfile::tempdir().expect("folder");
    let said = finish(program(folder.path(), &["chat", "Hello"]), None).await.failed();
    assert!(said.err.contains("CLOUDFLARE_API_TOKEN"), "{}", said.err);
}
