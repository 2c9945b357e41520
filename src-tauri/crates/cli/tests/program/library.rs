//! The library from the command line: the built program, a real data folder, a simulator in another process's place.

use serde_json::Value;
use simulator::{DEMO_ACCOUNT_ID, Simulator};
use std::path::Path;
use std::process::{Command, Output};

const SENTENCES: [(&str, &str); 5] = [
    (
        "learning",
        "Machine learning algorithms learn patterns from examples instead of following fixed rules.",
    ),
    ("python", "Python is one of the most popular programming languages for data analysis and science."),
    ("cloud", "Cloud computing rents servers and storage over the internet by the hour."),
    ("blockchain", "A blockchain is a distributed ledger that nobody can change afterwards."),
    ("language", "Natural language processing lets computers understand human speech and text."),
];

/// Runs the program on a thread that may wait.
async fn run(data: &Path, service: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgewise-cli"));
    command
        .args(arguments)
        .env("EDGEWISE_DATA_DIR", data)
        .env("EDGEWISE_API_URL", service)
        .env("CLOUDFLARE_API_TOKEN", "cfut_library")
        .env("CLOUDFLARE_ACCOUNT_ID", DEMO_ACCOUNT_ID);
    tokio::task::spawn_blocking(move || command.output().expect("run")).await.expect("joined")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object on each line")).collect()
}

/// A copy of the data folder in which a failing disk changed a vector.
fn damaged_copy(data: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("folder");
    for suffix in ["", "-wal"] {
        let name = format!("{}{suffix}", store::DATABASE);
        if data.join(&name).exists() {
            std::fs::copy(data.join(&name), copy.path().join(&name)).expect("copied");
        }
    }
    let database = store::rusqlite::Connection::open(copy.path().join(store::DATABASE)).expect("opens");
    let guard = "SELECT sql FROM sqlite_schema WHERE name = 'vector_row_is_final'";
    let guard: String = database.query_row(guard, [], |row| row.get(0)).expect("a trigger");
    let damage = "DROP TRIGGER vector_row_is_final;
        UPDATE vector_row SET vector = x'00' WHERE slot = (SELECT min(slot) FROM vector_row);";
    database.execute_batch(&format!("{damage}{guard};")).expect("damaged");
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn five_sentences_are_ingested_searched_exported_and_asked() {
    let (data, files) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    for (name, text) in SENTENCES {
        std::fs::write(files.path().join(format!("{name}.txt")), text).expect("written");
    }
    let simulator = Simulator::start(simulator::Options::default()).await.expect("simulator");
    let service = simulator.base_url();
    let folder = files.path().to_string_lossy().into_owned();

    let output = run(data.path(), &service, &["ingest", "-l", "Seed", "--json", &folder]).await;
    assert!(output.status.success(), "{output:?}");
    let told = lines(&output);
    assert_eq!(told.len(), 5, "{told:?}");
    for line in &told {
        assert_eq!(line["state"], "ready", "{line}");
        assert_eq!(line["passages"], 1);
        assert!(
            line["tokens"].as_u64() > Some(5)
                && line["neurons"].as_f64() > Some(0.0)
                && line["error"].is_null()
        );
    }

    let query = "Programming languages for data analysis";
    let output = run(data.path(), &service, &["search", "-l", "Seed", "-k", "3", "--json", query]).await;
    assert!(output.status.success(), "{output:?}");
    let hits = lines(&output);
    assert_eq!(hits.len(), 3, "{hits:?}");
    assert_eq!((hits[0]["rank"].as_u64(), hits[0]["document"].as_str()), (Some(1), Some("python.txt")));
    let distance = hits[0]["distance"].as_f64().expect("a distance");
    assert!((0.0..1.0).contains(&distance), "{distance}");
    let plain = run(data.path(), &service, &["search", query]).await;
    let text = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(text.starts_with("1. python.txt") && text.contains("distance"), "{text}");
    for recall in ["fast", "balanced", "exact"] {
        let found = run(data.path(), &service, &["search", "--recall", recall, "--json", query]).await;
        assert_eq!(lines(&found)[0]["document"], "python.txt", "{recall}: {found:?}");
    }
    let reranked = run(data.path(), &service, &["search", "--rerank", "--json", query]).await;
    assert!(lines(&reranked)[0]["rerank_score"].is_number(), "{reranked:?}");

    let info = lines(&run(data.path(), &service, &["vectors", "info", "--json"]).await);
    assert_eq!((info[0]["rows"].as_u64(), info[0]["dimensions"].as_u64()), (Some(5), Some(1024)), "{info:?}");
    assert!(run(data.path(), &service, &["vectors", "verify"]).await.status.success());
    let verified = run(data.path(), &service, &["vectors", "verify", "--json"]).await;
    assert!(verified.status.success() && lines(&verified).is_empty(), "{verified:?}");
    let exported = lines(&run(data.path(), &service, &["vectors", "export"]).await);
    assert_eq!(exported.len(), 5);
    assert!(exported.iter().any(|row| row["name"] == "python.txt" && row["vector"].as_array().is_some()));
    for form in ["csv", "parquet", "vectorize", "sql"] {
        let file = data.path().join(form).to_string_lossy().into_owned();
        let output = run(data.path(), &service, &["vectors", "export", "--format", form, "-o", &file]).await;
        assert!(output.status.success(), "{form}: {output:?}");
        assert!(std::fs::metadata(&file).expect("a file").len() > 1_000, "{form}");
    }

    let asked =
        run(data.path(), &service, &["chat", "-l", "Seed", "--json", "Which languages suit data analysis?"])
            .await;
    assert!(asked.status.success(), "{asked:?}");
    let said = lines(&asked);
    let sources = said.iter().find(|line| line["type"] == "sources").expect("sources");
    assert_eq!(sources["sources"][0]["n"], 1);
    assert_eq!(sources["sources"][0]["document"], "python.txt");
    assert_eq!(said.last().expect("a last line")["type"], "done");

    let narrowed =
        ["search", "--type", "text", "--document", "cloud.txt", "--since", "2020-01-01", "--json", query];
    let narrowed = lines(&run(data.path(), &service, &narrowed).await);
    assert!(narrowed.iter().all(|hit| hit["document"] == "cloud.txt") && narrowed.len() == 1, "{narrowed:?}");
    for none in [["--type", "pdf"], ["--since", "2999-01-01"]] {
        let found = run(data.path(), &service, &["search", none[0], none[1], "--json", query]).await;
        assert!(found.status.success() && lines(&found).is_empty(), "{found:?}");
    }
    assert!(!run(data.path(), &service, &["search", "--since", "yesterday", query]).await.status.success());

    let copy = damaged_copy(data.path());
    let verified = run(copy.path(), &service, &["vectors", "verify", "--json"]).await;
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    let problems = lines(&verified);
    let damaged: Vec<&Value> = problems.iter().filter(|line| line["rebuildable"] == false).collect();
    assert_eq!(damaged.len(), 1, "{verified:?}");
    assert!(damaged[0]["problem"].as_str().is_some_and(|what| what.contains("bge-m3")), "{damaged:?}");

    let again = run(data.path(), &service, &["ingest", "-l", "Seed", "--json", &folder]).await;
    assert!(
        lines(&again).iter().all(|line| line["state"] == "ready"),
        "unchanged files are ready: {again:?}"
    );
    let missing = run(data.path(), &service, &["search", "-l", "Nowhere", "x"]).await;
    assert_eq!(missing.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_fails_makes_the_command_fail_and_the_others_are_there() {
    let (data, files) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    std::fs::write(files.path().join("good.txt"), SENTENCES[1].1).expect("written");
    std::fs::write(files.path().join("broken.pdf"), "%PDF-1.7\nnothing of a document").expect("written");
    let simulator = Simulator::start(simulator::Options::default()).await.expect("simulator");
    let folder = files.path().to_string_lossy().into_owned();
    let output = run(data.path(), &simulator.base_url(), &["ingest", "--json", &folder]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = lines(&output);
    let state = |file: &str| told.iter().find(|line| line["file"] == file).map(|line| line["state"].clone());
    assert_eq!((state("good.txt"), state("broken.pdf")), (Some("ready".into()), Some("failed".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_allowance_ends_the_command_and_not_the_ingestion() {
    let (data, files) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    std::fs::write(files.path().join("good.txt"), SENTENCES[1].1).expect("written");
    let simulator = Simulator::start(simulator::Options::default()).await.expect("simulator");
    let spent = simulator::Effects { error: Some("daily_allowance".into()), ..simulator::Effects::default() };
    simulator.set_scenario(simulator::Scenario::always(spent).on_path("bge-m3"));
    let folder = files.path().to_string_lossy().into_owned();
    let output = run(data.path(), &simulator.base_url(), &["ingest", &folder]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("free neurons are used up"), "{output:?}");
    simulator.set_scenario(simulator::Scenario::default());
    let output = run(data.path(), &simulator.base_url(), &["ingest", "--json", &folder]).await;
    assert!(output.status.success() && lines(&output)[0]["state"] == "ready", "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_embeds_with_its_own_key() {
    let (data, files) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    for (name, text) in SENTENCES {
        std::fs::write(files.path().join(format!("{name}.txt")), text).expect("written");
    }
    let simulator = Simulator::start(simulator::Options::default()).await.expect("simulator");
    let provider = format!("{}/accounts/{DEMO_ACCOUNT_ID}/ai/v1", simulator.base_url());
    let folder = files.path().to_string_lossy().into_owned();
    let with_key = |arguments: Vec<String>| {
        let (data, service) = (data.path().to_owned(), simulator.base_url());
        let mut command = Command::new(env!("CARGO_BIN_EXE_edgewise-cli"));
        command
            .args(arguments)
            .env("EDGEWISE_DATA_DIR", data)
            .env("EDGEWISE_API_URL", service)
            .env("EDGEWISE_PROVIDER_KEY", "cfut_provider")
            .env("CLOUDFLARE_API_TOKEN", "cfut_library")
            .env("CLOUDFLARE_ACCOUNT_ID", DEMO_ACCOUNT_ID);
        tokio::task::spawn_blocking(move || command.output().expect("run"))
    };
    let arguments =
        ["ingest", "--json", "--embedding-model", "@cf/baai/bge-m3", "--provider-url", &provider, &folder];
    let output = with_key(arguments.map(str::to_owned).to_vec()).await.expect("joined");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(lines(&output).len(), 5);
    let asked: Vec<_> =
        simulator.requests().into_iter().filter(|seen| seen.path.ends_with("/ai/v1/embeddings")).collect();
    assert!(!asked.is_empty(), "the provider was asked");
    let keys = |seen: &simulator::Seen| {
        seen.headers.iter().any(|(name, value)| name == "authorization" && value.contains("cfut_provider"))
    };
    assert!(asked.iter().all(keys), "with its own key and no other");
    let query = ["search", "--json", "Programming languages for data analysis"];
    let hits = lines(&with_key(query.map(str::to_owned).to_vec()).await.expect("joined"));
    assert!(hits[0]["document"] == "python.txt" && hits[0]["distance"].is_number(), "{hits:?}");
    let info = lines(&run(data.path(), &simulator.base_url(), &["vectors", "info", "--json"]).await);
    assert_eq!(info[0]["model"], format!("{provider} @cf/baai/bge-m3"), "vectors of a provider are its own");
}
