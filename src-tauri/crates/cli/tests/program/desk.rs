//! The other commands: models, usage, backup, restore, doctor, simulate; and what works beside an open window.

use crate::terminal::{Said, Terminal, finish, program};
use engine::{Engine, Options};
use serde_json::Value;
use simulator::{Effects, Scenario};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

async fn asked(terminal: &Terminal, question: &str) -> String {
    let effects = Effects { text: Some("The zebra is striped.".to_owned()), ..Effects::default() };
    terminal.scenario(Scenario::always(effects).on_path("chat/completions"));
    let said = terminal.run(&["chat", "--json", question]).await.done();
    said.line("started")["conversation"].as_str().expect("id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_with_what_they_can_do() {
    let terminal = Terminal::open().await;
    let said = terminal.run(&["models", "--task", "text generation", "--json"]).await.done();
    assert!(said.lines().len() > 5, "{said:?}");
    for line in said.lines() {
        assert_eq!(line["task"], "Text Generation");
        assert!(line["id"].as_str().is_some_and(|id| id.starts_with('@')), "{line}");
        assert_eq!(line["retired"], false);
        assert!(line["prices"].is_array() && line.get("context_window").is_some(), "{line}");
    }
    let all = terminal.run(&["models"]).await.done();
    assert!(all.out.lines().count() > said.lines().len(), "pictures and embeddings too");
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_counts_what_was_asked() {
    let terminal = Terminal::open().await;
    let before = terminal.run(&["usage", "--json"]).await.done();
    assert_eq!(before.lines()[0]["by"], "today");
    assert_eq!(before.lines()[0]["neurons"], 0.0);
    asked(&terminal, "Which animal?").await;
    let after = terminal.run(&["usage", "--json"]).await.done();
    let today = &after.lines()[0];
    assert!(today["neurons"].as_f64() > Some(0.0), "{today}");
    assert_eq!(today["allowance"], 10_000.0);
    assert!(today["resets_at_ms"].is_i64());
    assert!(after.lines().iter().any(|line| line["by"] == "model" && line["calls"].as_u64() > Some(0)));
    assert!(terminal.run(&["usage"]).await.done().out.starts_with("Today: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_brings_everything_back_elsewhere() {
    let terminal = Terminal::open().await;
    let id = asked(&terminal, "Which animal?").await;
    let file = terminal.folder.path().join("all.backup");
    let file = file.to_str().expect("text");
    terminal.run(&["backup", file]).await.done();

    let elsewhere = Terminal::open().await;
    elsewhere.run(&["restore", file]).await.done();
    let shown = elsewhere.run(&["history", "show", &id]).await.done();
    assert!(shown.out.contains("The zebra is striped."), "{}", shown.out);

    std::fs::write(terminal.folder.path().join("not.backup"), "just text").expect("written");
    let wrong = terminal.folder.path().join("not.backup");
    elsewhere.run(&["restore", wrong.to_str().expect("text")]).await.failed();
    let shown = elsewhere.run(&["history", "show", &id]).await.done();
    assert!(shown.out.contains("zebra"), "a refused backup changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_each_check_and_fails_with_the_first_that_did() {
    let terminal = Terminal::open().await;
    let said = terminal.run(&["doctor", "--json"]).await.done();
    let checks: Vec<String> =
        said.lines().iter().map(|line| line["check"].as_str().expect("name").to_owned()).collect();
    for check in ["database", "keychain", "vector table", "network", "token", "workers ai"] {
        assert!(checks.iter().any(|each| each == check), "{check} is missing: {checks:?}");
    }
    assert!(said.lines().iter().all(|line| line["ok"] == true));
    let network = said.lines().into_iter().find(|line| line["check"] == "network").expect("it is there");
    let detail = network["detail"].as_str().expect("a detail");
    assert!(
        detail.starts_with(&terminal.simulator.base_url()) && detail.ends_with("without a proxy"),
        "{detail}"
    );
    assert!(network["took_ms"].is_u64(), "{network}");
    assert!(terminal.simulator.requests().iter().all(|seen| seen.method == "GET"), "nothing is spent");

    let refused = Effects { error: Some("invalid_token".to_owned()), ..Effects::default() };
    terminal.scenario(Scenario::always(refused));
    let said = terminal.run(&["doctor"]).await.failed();
    assert!(said.out.contains("FAILED  token") && said.out.contains("ok      database"), "{}", said.out);
    assert!(said.err.contains("token"), "the sentence is about what failed: {}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_a_service_out_of_reach_once_and_leaves_it_alone_when_told_to() {
    let terminal = Terminal::open().await;
    let offline = terminal.run(&["doctor", "--offline", "--json"]).await.done();
    let checks: Vec<Value> = offline.lines().into_iter().map(|line| line["check"].clone()).collect();
    assert_eq!(checks, ["database", "keychain", "vector table"]);
    assert!(terminal.simulator.requests().is_empty(), "nothing was asked");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = listener.local_addr().expect("address");
    drop(listener);
    let mut command = terminal.command(&["doctor", "--json"]);
    command.env("EDGEWISE_API_URL", format!("http://{nobody}/client/v4"));
    let said = finish(command, None).await.failed();
    assert!(said.err.starts_with("edgewise-cli: The service cannot be reached."), "{}", said.err);
    let failed: Vec<Value> = said.lines().into_iter().filter(|line| line["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "one cause is one line: {failed:?}");
    assert_eq!(failed[0]["check"], "network");
    assert!(failed[0]["detail"].as_str().is_some_and(|detail| detail.contains("cannot be reached")));
    assert!(failed[0]["hint"].is_string(), "{failed:?}");

    let mut command = terminal.command(&["doctor"]);
    command
        .env("EDGEWISE_API_URL", "https://service.invalid/client/v4")
        .env("HTTPS_PROXY", format!("http://ada:secret@{nobody}"))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let said = finish(command, None).await.failed();
    assert!(said.out.contains(&format!("through the proxy http://{nobody}")), "{}", said.out);
    assert!(!format!("{said:?}").contains("secret"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn simulate_prints_an_address_that_answers() {
    let folder = tempfile::tempdir().expect("folder");
    let mut server = program(folder.path(), &["simulate", "--speed", "500"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut address = String::new();
    BufReader::new(server.stdout.take().expect("piped")).read_line(&mut address).expect("its first line");
    let mut command = program(&folder.path().join("data"), &["chat", "Hello"]);
    command
        .env("EDGEWISE_API_URL", address.trim())
        .env("CLOUDFLARE_API_TOKEN", simulator::DEMO_TOKEN)
        .env("CLOUDFLARE_ACCOUNT_ID", simulator::DEMO_ACCOUNT_ID);
    let said = finish(command, None).await;
    server.kill().expect("it ran until now");
    // A process that was killed has nothing more to say.
    let _ = server.wait();
    assert!(said.done().out.to_lowercase().contains("simulat"), "it says what it is");

    let missing = folder.path().join("nowhere.json");
    let arguments = ["simulate", "--scenario", missing.to_str().expect("text")];
    finish(program(folder.path(), &arguments), None).await.failed();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_reads_works_beside_an_open_window() {
    let terminal = Terminal::open().await;
    let id = asked(&terminal, "Which animal?").await;
    let text = terminal.folder.path().join("zebra.txt");
    std::fs::write(&text, "A zebra has stripes that no other zebra has.").expect("written");
    terminal.run(&["ingest", "-l", "Animals", text.to_str().expect("text")]).await.done();

    let window = Engine::open(Options {
        api_url: terminal.simulator.base_url(),
        environment_account: Some(("cfut_window".into(), simulator::DEMO_ACCOUNT_ID.into())),
        keychain: keychain::Keychain::in_memory(),
        ..Options::new(terminal.data())
    })
    .await;
    assert_eq!(window.app().app_info().database, domain::DatabaseState::Ok);

    let file = terminal.folder.path().join("beside.backup");
    let export = terminal.folder.path().join("beside.json");
    let (file, export) = (file.to_str().expect("text"), export.to_str().expect("text"));
    let beside: [(&[&str], &str); 9] = [
        (&["history", "list"], &id),
        (&["history", "show", &id], "zebra"),
        (&["history", "search", "zebra"], &id),
        (&["history", "export", export], ""),
        (&["usage"], "Today: "),
        (&["models"], "@cf/"),
        (&["vectors", "info"], "1 rows"),
        (&["search", "-l", "Animals", "--json", "zebra stripes"], "zebra.txt"),
        (&["backup", file], ""),
    ];
    for (arguments, expected) in beside {
        let said: Said = terminal.run(arguments).await.done();
        assert!(said.out.contains(expected), "{arguments:?}: {said:?}");
    }
    terminal.run(&["doctor"]).await.done();

    for arguments in [&["chat", "Hello"] as &[&str], &["restore", file], &["history", "import", export]] {
        let said = terminal.run(arguments).await.failed();
        assert!(said.err.contains("Close the Edgewise window"), "{arguments:?}: {said:?}");
    }
    let rows = window.history().conversations(0, 10, false).await.expect("the window is undisturbed");
    assert_eq!(rows.conversations.len(), 1);
    window.close().await;
    let whole = std::fs::metadata(file).expect("the backup is there");
    assert!(whole.len() > 1_000);
}
