//! The library in figures: finding among many passages, ingesting many small files beside the sum of its parts, and what
//! following a folder costs while nothing happens.
//!
//! ```text
//! ./dev bench library                    10,000 and 100,000 passages, 10,000 files
//! ./dev bench library -- 20000 2000      so many passages, so many files
//! ```
//!
//! Vectors are the simulator's, of 384 figures (`bge-small-en-v1.5`), over real sockets on this machine.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures and prints")]

use domain::{CollectionSettings, IngestEvent, PassageQuery, SearchMode};
use engine::{Engine, Options};
use ingest::{Budget, Limits, Source, WalkLimits, cut, estimate_tokens, walk};
use keychain::Keychain;
use simulator::{DEMO_ACCOUNT_ID, Simulator};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};
use store::Store;
use store::library::{Claim, NewDocument, NewPassage, NewRun};

/// Questions for each figure of latency.
const QUESTIONS: usize = 200;
/// Passages of one file when many passages are wanted.
const PASSAGES_OF_FILE: usize = 100;
/// Words that passages are made of.
const WORDS: usize = 20_000;
/// How long an idle watcher is looked at.
const IDLE: Duration = Duration::from_secs(10);

/// A number that looks random and is the same in every run.
fn scattered(seed: u64, below: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (value ^ (value >> 31)) % below
}

fn sentence(seed: usize, words: usize) -> String {
    let word = |place: usize| format!("word{}", scattered((seed * 64 + place) as u64, WORDS as u64));
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}

async fn open(folder: &Path, simulator: &Simulator) -> Engine {
    let options = Options {
        api_url: simulator.base_url(),
        environment_account: Some(("cfut_bench".to_owned(), DEMO_ACCOUNT_ID.to_owned())),
        keychain: Keychain::in_memory(),
        ..Options::new(folder)
    };
    Engine::open(options).await
}

/// Ingests a folder; how long it took.
async fn ingest(engine: &Engine, folder: &Path, tokens: u32) -> (String, Duration) {
    let settings = CollectionSettings {
        embedding_model: "@cf/baai/bge-small-en-v1.5".into(),
        passage_tokens: tokens,
        overlap_tokens: 0,
        ..CollectionSettings::default()
    };
    let library = engine.library();
    let collection = library.create_collection("bench".into(), "blue".into(), settings).await.unwrap();
    let (teller, mut events) = tokio::sync::mpsc::unbounded_channel();
    let begun = Instant::now();
    let paths = vec![folder.to_owned()];
    library.add_files_unasked(Some(collection.id.clone()), paths, teller).await.unwrap();
    while let Some(event) = events.recv().await {
        if let IngestEvent::Finished { failed, fault, .. } = event {
            assert_eq!((failed, fault), (0, None));
            break;
        }
    }
    (collection.id, begun.elapsed())
}

/// Latency of searches as a person has them, with the request for the question's vector.
async fn search(engine: &Engine, collection: &str, name: &str, mode: SearchMode) {
    let mut times = Vec::with_capacity(QUESTIONS);
    let mut considered = 0;
    for question in 0..QUESTIONS {
        let query = PassageQuery {
            text: sentence(question * 7, 8),
            collections: vec![collection.to_owned()],
            mode,
            k: 10,
            ..PassageQuery::default()
        };
        let begun = Instant::now();
        considered = engine.library().search_passages(query).await.unwrap().considered;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{considered:>8} passages  {name:<8}  median {:>7.2} ms  p95 {:>7.2} ms", at(50), at(95));
}

async fn finding(simulator: &Simulator, passages: usize) {
    let (folder, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for file in 0..passages.div_ceil(PASSAGES_OF_FILE) {
        let text: Vec<String> = (0..PASSAGES_OF_FILE)
            .map(|place| format!("# Part {place}\n\n{}.", sentence(file * PASSAGES_OF_FILE + place, 24)))
            .collect();
        std::fs::write(files.path().join(format!("{file}.md")), text.join("\n\n")).unwrap();
    }
    let engine = open(folder.path(), simulator).await;
    let (collection, _) = ingest(&engine, files.path(), 64).await;
    for (name, mode) in
        [("words", SearchMode::Keyword), ("vectors", SearchMode::Vector), ("fused", SearchMode::Hybrid)]
    {
        search(&engine, &collection, name, mode).await;
    }
    engine.close().await;
}

fn write_small(folder: &Path, files: usize) {
    for file in 0..files {
        let text = format!("# Note {file}\n\n{}.\n", sentence(file, 40));
        std::fs::write(folder.join(format!("{file}.md")), text).unwrap();
    }
}

/// What ingesting does, each part alone: walk and read, cut, insert with words and originals.
fn parts(files: &Path) -> [Duration; 3] {
    let begun = Instant::now();
    let found: Vec<_> = walk(files, WalkLimits::default())
        .filter_map(|found| match found {
            ingest::Found::File { path, .. } => Some(path),
            ingest::Found::Skipped { .. } => None,
        })
        .collect();
    let readings: Vec<_> = found
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy();
            ingest::read(&Source { name: &name, bytes: &bytes, password: None }, &Limits::default()).unwrap()
        })
        .collect();
    let read = begun.elapsed();
    let begun = Instant::now();
    let budget = Budget { tokens: 400, overlap: 0 };
    let cuts: Vec<_> = readings.iter().map(|reading| cut(reading, &budget, &estimate_tokens)).collect();
    let chunked = begun.elapsed();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), domain::Timestamp(0)).unwrap();
    let settings = CollectionSettings::default();
    let collection = store.create_collection("c", "c", "blue", &settings, domain::Timestamp(0)).unwrap().key;
    let run = NewRun {
        id: "run".into(),
        collection,
        accepted: true,
        load: None,
        known: Vec::new(),
        new: Vec::new(),
    };
    store.begin_ingest(&run, domain::Timestamp(0)).unwrap();
    let begun = Instant::now();
    for (number, (path, passages)) in found.iter().zip(cuts).enumerate() {
        let id = format!("document-{number}");
        let new = NewDocument { id: id.clone(), name: id.clone(), ..NewDocument::default() };
        store.enter_documents(collection, &run.id, &[new], Claim::Firm, domain::Timestamp(0)).unwrap();
        let file = store.keep_original_file(path, u64::MAX).unwrap();
        store.set_original(&id, &file).unwrap();
        let new: Vec<NewPassage> = passages
            .into_iter()
            .map(|passage| NewPassage {
                range: (0, 0),
                text: passage.text,
                header: passage.header,
                headings: passage.heading_path,
                page: passage.page,
                tokens: passage.tokens as u32,
                hash: passage.hash,
            })
            .collect();
        store.set_passages::<store::Error>(&id, None, "400/0", &new, |_, _| Ok(())).unwrap();
    }
    [read, chunked, begun.elapsed()]
}

async fn ingesting(simulator: &Simulator, count: usize) {
    let (folder, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_small(files.path(), count);
    let parts = parts(files.path());
    let engine = open(folder.path(), simulator).await;
    let (_, whole) = ingest(&engine, files.path(), 400).await;
    engine.close().await;
    let seconds = |time: Duration| time.as_secs_f64();
    let sum: f64 = parts.iter().copied().map(seconds).sum();
    println!(
        "{count} small files: {:.2} s with their vectors; parts alone {sum:.2} s (read {:.2}, cut {:.2}, insert {:.2}): {:.2} x",
        seconds(whole),
        seconds(parts[0]),
        seconds(parts[1]),
        seconds(parts[2]),
        sum / seconds(whole)
    );
}

/// Of each thread of this process: processor time in milliseconds, and how often it gave up the processor by itself.
#[cfg(target_os = "linux")]
fn spent() -> HashMap<std::ffi::OsString, (f64, u64)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
    let of = |task: std::fs::DirEntry| {
        // "on the processor (ns), waiting (ns), slices"
        let schedule = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let time = schedule.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        let switches = line.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
        (task.file_name(), (time / 1e6, switches))
    };
    tasks.map(of).collect()
}

/// What the threads did since then; one that has ended since did what nobody knows, and little.
#[cfg(target_os = "linux")]
fn spent_since(before: &HashMap<std::ffi::OsString, (f64, u64)>) -> (f64, u64) {
    spent().into_iter().fold((0.0, 0), |(time, switches), (thread, now)| {
        let then = before.get(&thread).copied().unwrap_or_default();
        (time + now.0 - then.0, switches + now.1.saturating_sub(then.1))
    })
}

/// A followed folder in which nothing happens.
#[cfg(target_os = "linux")]
async fn watching(simulator: &Simulator) {
    let (folder, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_small(files.path(), 100);
    let engine = open(folder.path(), simulator).await;
    let library = engine.library();
    let home = library.default_collection().await.unwrap();
    let (teller, mut events) = tokio::sync::mpsc::unbounded_channel();
    library.watch_folder(home.id, files.path().to_owned(), teller).await.unwrap();
    while let Some(event) = events.recv().await {
        match event {
            IngestEvent::Quoted { quote } => library.accept_quote(&quote.id).await.unwrap(),
            IngestEvent::Finished { .. } => break,
            _ => {}
        }
    }
    // What the end of an ingestion leaves to do is done by then.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = spent();
    std::thread::sleep(IDLE);
    let (time, switches) = spent_since(&before);
    println!(
        "a followed folder, nothing happens: {time:.1} ms of processor time and {switches} wake-ups in {} s",
        IDLE.as_secs()
    );
    engine.close().await;
}

#[tokio::main]
async fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (passages, files) = match numbers[..] {
        [] => (vec![10_000, 100_000], 10_000),
        [passages] => (vec![passages], passages / 10),
        [passages, files, ..] => (vec![passages], files),
    };
    let simulator = Simulator::start(simulator::Options::default()).await.unwrap();
    for passages in passages {
        finding(&simulator, passages).await;
    }
    ingesting(&simulator, files).await;
    #[cfg(target_os = "linux")]
    watching(&simulator).await;
}
