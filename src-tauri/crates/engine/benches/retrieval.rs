//! How well passages are found, on XQuAD: its 240 paragraphs as documents, its 1,190 questions as queries, in English and in
//! Chinese. Prints recall@1, @5 and @10, MRR@10 and nDCG@10 for words, vectors, both
//! fused, and reranked; fails when fused lies below the better of its parts.
//!
//! ```text
//! ./dev bench retrieval
//! ```
//!
//! Without an account the vectors are the simulator's, which know words and no meaning: the figures of the vector side say
//! something of the plumbing and of the fusion, and nothing of a model. With `EDGEWISE_BENCH_PROVIDER` (the base URL of
//! an OpenAI-compatible server, a space, a model) that embeds, and nothing is reranked. With `EDGEWISE_BENCH_TOKEN` and
//! `EDGEWISE_BENCH_ACCOUNT` the service itself is asked (about 1,500 texts each). `EDGEWISE_BENCH_QUESTIONS` asks fewer
//! questions.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures and prints")]

use domain::{CollectionSettings, IngestEvent, PassageQuery, SearchMode};
use engine::{Engine, Options};
use keychain::Keychain;
use simulator::{DEMO_ACCOUNT_ID, Simulator};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where the figures end.
const DEPTH: u32 = 10;

/// A paragraph and the questions that it answers.
struct Entry {
    paragraph: String,
    questions: Vec<String>,
}

/// Sums over questions.
#[derive(Default)]
struct Figures {
    questions: u32,
    at: [u32; 3],
    reciprocal: f64,
    gain: f64,
    time: Duration,
}

impl Figures {
    /// Notes at which rank, from 1, the right paragraph stood. There is one, so that the ideal gain is 1.
    fn note(&mut self, rank: Option<u32>, time: Duration) {
        self.questions += 1;
        self.time += time;
        let Some(rank) = rank else { return };
        for (count, depth) in self.at.iter_mut().zip([1, 5, 10]) {
            *count += u32::from(rank <= depth);
        }
        self.reciprocal += 1.0 / f64::from(rank);
        self.gain += 1.0 / f64::from(rank + 1).log2();
    }

    fn ndcg(&self) -> f64 {
        self.gain / f64::from(self.questions)
    }

    fn print(&self, name: &str) {
        let all = f64::from(self.questions);
        let recall = self.at.map(|count| format!("{:.3}", f64::from(count) / all)).join("      ");
        let (mrr, ndcg) = (self.reciprocal / all, self.gain / all);
        let time = self.time.as_secs_f64() * 1e3 / all;
        println!("{name:<22}  {recall}      {mrr:.3}   {ndcg:.3}    {time:.2}");
    }
}

fn read(path: &Path) -> Vec<Entry> {
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let articles = value["data"].as_array().unwrap();
    let paragraphs = articles.iter().flat_map(|article| article["paragraphs"].as_array().unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    paragraphs
        .map(|paragraph| Entry {
            paragraph: text(&paragraph["context"]),
            questions: paragraph["qas"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| text(&one["question"]))
                .collect(),
        })
        .collect()
}

async fn ingest(engine: &Engine, entries: &[Entry]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (number, entry) in entries.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.txt")), &entry.paragraph).unwrap();
    }
    // Long enough that every paragraph is one passage.
    let mut settings =
        CollectionSettings { passage_tokens: 2_000, overlap_tokens: 0, ..CollectionSettings::default() };
    if let Some((url, model)) = provider() {
        settings.provider_url = Some(url);
        settings.embedding_model = model.as_str().into();
    }
    let library = engine.library();
    let collection = library.create_collection("bench".into(), "blue".into(), settings).await.unwrap();
    let (teller, mut events) = tokio::sync::mpsc::unbounded_channel();
    let paths = vec![folder.path().to_owned()];
    library.add_files_unasked(Some(collection.id.clone()), paths, teller).await.unwrap();
    while let Some(event) = events.recv().await {
        if let IngestEvent::Finished { ready, failed, .. } = event {
            assert_eq!((ready as usize, failed), (entries.len(), 0));
            break;
        }
    }
    collection.id
}

async fn measure(
    engine: &Engine,
    collection: &str,
    entries: &[Entry],
    (mode, rerank): (SearchMode, bool),
    most: usize,
) -> Figures {
    let mut figures = Figures::default();
    let questions = entries
        .iter()
        .enumerate()
        .flat_map(|(number, entry)| entry.questions.iter().map(move |text| (number, text)));
    for (number, text) in questions.take(most) {
        let query = PassageQuery {
            text: text.clone(),
            collections: vec![collection.to_owned()],
            k: DEPTH,
            mode,
            rerank: Some(rerank),
            ..PassageQuery::default()
        };
        let begun = Instant::now();
        let found = engine.library().search_passages(query).await.unwrap();
        let time = begun.elapsed();
        let right = format!("{number}.txt");
        let rank = (1_u32..).zip(&found.hits).find(|(_, hit)| hit.title == right).map(|(rank, _)| rank);
        figures.note(rank, time);
    }
    figures
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn account() -> Option<(String, String)> {
    variable("EDGEWISE_BENCH_TOKEN").zip(variable("EDGEWISE_BENCH_ACCOUNT"))
}

/// Another embedding provider's base URL and model.
fn provider() -> Option<(String, String)> {
    let named = variable("EDGEWISE_BENCH_PROVIDER")?;
    let (url, model) = named.split_once(' ')?;
    Some((url.to_owned(), model.to_owned()))
}

async fn open(folder: &Path, simulator: &Simulator) -> Engine {
    let real = account();
    let api_url = if real.is_some() { Options::new(folder).api_url } else { simulator.base_url() };
    let source = match (&real, provider()) {
        (_, Some((url, model))) => format!("{model} at {url}"),
        (Some(_), None) => "the service".to_owned(),
        (None, None) => "the simulator".to_owned(),
    };
    println!("vectors from {source}");
    let account = real.unwrap_or_else(|| ("cfut_bench".to_owned(), DEMO_ACCOUNT_ID.to_owned()));
    let options = Options {
        api_url,
        environment_account: Some(account),
        keychain: Keychain::in_memory(),
        ..Options::new(folder)
    };
    Engine::open(options).await
}

#[tokio::main]
async fn main() {
    let named = std::env::var_os("EDGEWISE_CORPORA").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let corpora = named.unwrap_or_else(|| root.join("../shared/corpora")).join("retrieval");
    let most = std::env::var("EDGEWISE_BENCH_QUESTIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usize::MAX);
    let simulator = Simulator::start(simulator::Options::default()).await.unwrap();
    for language in ["en", "zh"] {
        let file = corpora.join(format!("xquad.{language}.json"));
        if !file.is_file() {
            println!("no corpora here: set EDGEWISE_CORPORA");
            return;
        }
        let entries = read(&file);
        let folder = tempfile::tempdir().unwrap();
        let engine = open(folder.path(), &simulator).await;
        let collection = ingest(&engine, &entries).await;
        println!("XQuAD {language}: {} paragraphs", entries.len());
        println!("{:<22}  recall@1   recall@5   recall@10  MRR@10  nDCG@10  ms/query", "");
        let (mut reached, mut asked) = (Vec::new(), 1.0);
        let lines = [
            ("words", SearchMode::Keyword, false),
            ("vectors", SearchMode::Vector, false),
            ("fused", SearchMode::Hybrid, false),
            ("fused and reranked", SearchMode::Hybrid, true),
        ];
        let measured = if provider().is_some() { &lines[..3] } else { &lines[..] };
        for &(name, mode, rerank) in measured {
            let figures = measure(&engine, &collection, &entries, (mode, rerank), most).await;
            figures.print(name);
            reached.push(figures.ndcg());
            asked = f64::from(figures.questions);
        }
        let [words, vectors, fused, ..] = reached[..] else {
            unreachable!("three lines and more are measured")
        };
        // The simulator's vectors are the same everywhere; with a model's, what one question more or less weighs is chance.
        let a_model = account().is_some() || provider().is_some();
        let chance = if a_model { 1.0 / asked } else { 0.0 };
        assert!(
            fused + chance >= words.max(vectors),
            "{language}: fused ({fused:.4}) lies below the better of its parts ({words:.4}, {vectors:.4})"
        );
        engine.close().await;
    }
}
