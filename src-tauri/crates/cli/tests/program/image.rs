//! Pictures from the command line: the built program, a real data folder, a simulator in another process's place.

use serde_json::Value;
use simulator::{DEMO_ACCOUNT_ID, Scenario, Simulator};
use std::path::Path;
use std::process::{Command, Output};

const PHOENIX: &str = "phoenix-1.0";

/// Runs the program on a thread that may wait.
async fn run(data: &Path, service: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgewise-cli"));
    command
        .arg("image")
        .args(arguments)
        .env("EDGEWISE_DATA_DIR", data)
        .env("EDGEWISE_API_URL", service)
        .env("CLOUDFLARE_API_TOKEN", "cfut_pictures")
        .env("CLOUDFLARE_ACCOUNT_ID", DEMO_ACCOUNT_ID);
    tokio::task::spawn_blocking(move || command.output().expect("run")).await.expect("joined")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object on each line")).collect()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_made_written_and_told() {
    let (data, out) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    let simulator = Simulator::start(simulator::Options::default()).await.expect("simulator");
    let service = simulator.base_url();
    let file = out.path().join("cat.jpg").to_string_lossy().into_owned();
    let asked = [
        "-m",
        PHOENIX,
        "--width",
        "512",
        "--height",
        "640",
        "--steps",
        "6",
        "--seed",
        "7",
        "--negative",
        "a dog",
    ];
    let output =
        run(data.path(), &service, &[&asked[..], &["-o", &file, "--json", "a cat 猫"]].concat()).await;
    assert!(output.status.success(), "{output:?}");
    let told = lines(&output);
    assert_eq!(told.len(), 1, "{told:?}");
    let line = &told[0];
    assert_eq!(
        (line["file"].as_str(), line["model"].as_str()),
        (Some(file.as_str()), Some("@cf/leonardo/phoenix-1.0"))
    );
    assert_eq!(
        (line["seed"].as_u64(), line["width"].as_u64(), line["height"].as_u64()),
        (Some(7), Some(512), Some(640))
    );
    assert!(
        line["picture"].is_string() && line["neurons"].as_f64() > Some(0.0) && line["took_ms"].is_number()
    );
    let bytes = std::fs::read(&file).expect("it is written");
    assert!(bytes.starts_with(b"\xff\xd8\xff"));
    let sent =
        simulator.requests().into_iter().rfind(|seen| seen.path.contains("ai/run")).expect("asked").json();
    assert_eq!((sent["negative_prompt"].as_str(), sent["num_steps"].as_u64()), (Some("a dog"), Some(6)));
    assert_eq!(
        std::fs::read_dir(data.path().join("files/pictures")).expect("listed").count(),
        1,
        "in the gallery too"
    );

    // Asked for as PNG, it is one; several get numbers; the price is told beforehand.
    let file = out.path().join("cat.png").to_string_lossy().into_owned();
    let output = run(data.path(), &service, &["--count", "2", "--width", "512", "-o", &file, "a cat"]).await;
    assert!(output.status.success(), "{output:?}");
    let second = out.path().join("cat-2.png");
    let mut paths: Vec<&str> = std::str::from_utf8(&output.stdout).expect("text").lines().collect();
    paths.sort_unstable();
    assert_eq!(paths, [second.to_str().expect("text"), file.as_str()]);
    for path in paths {
        assert!(std::fs::read(path).expect("it is written").starts_with(b"\x89PNG"), "{path}");
    }
    let said = errors(&output);
    assert!(
        said.contains("neurons") && said.contains("does not take: size") && said.contains("converted"),
        "{said}"
    );

    // Two references, of which the first is a picture just made.
    let asked = ["-m", "flux-2-klein-4b", "--reference", &file, "--reference", &file, "image 0 in winter"];
    let output = run(data.path(), &service, &asked).await;
    assert!(output.status.success(), "{output:?}");
    let seen = simulator.requests().into_iter().rfind(|seen| seen.path.contains("ai/run")).expect("asked");
    assert!(String::from_utf8_lossy(&seen.body).contains("input_image_1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_a_line_of_json_a_sentence_and_status_1() {
    let data = tempfile::tempdir().expect("folder");
    let simulator = Simulator::start(simulator::Options::default()).await.expect("simulator");
    let service = simulator.base_url();
    let output = run(data.path(), &service, &["--json", "something nsfw"]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = lines(&output);
    assert_eq!(
        (told.len(), told[0]["type"].as_str(), told[0]["code"].as_str()),
        (1, Some("error"), Some("contentRefused"))
    );
    assert!(told[0]["message"].is_string() && told[0]["hint"].is_string() && told[0]["picture"].is_string());
    assert!(errors(&output).starts_with("edgewise-cli: "), "{}", errors(&output));

    // One of two fails: the other is made, and the status says so.
    simulator.set_scenario(Scenario::error("server_error").on_path("ai/run").times(1));
    let output = run(data.path(), &service, &["--json", "--count", "2", "a cat"]).await;
    assert_eq!(output.status.code(), Some(1));
    let kinds: Vec<bool> = lines(&output).iter().map(|line| line["type"] == "error").collect();
    assert!(kinds.len() == 2 && kinds.contains(&true) && kinds.contains(&false), "{kinds:?}");

    let missing = run(data.path(), &service, &["--json", "--reference", "/no/such/file.png", "a cat"]).await;
    assert_eq!(
        (missing.status.code(), lines(&missing)[0]["code"].as_str()),
        (Some(1), Some("fileUnreadable"))
    );
    let wrong = run(data.path(), &service, &["--count", "9", "a cat"]).await;
    assert_eq!(wrong.status.code(), Some(2));
}
