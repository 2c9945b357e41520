//! kill -9 in the middle of ingestions, many times: a later process goes on by itself, nothing is half, and at most one
//! batch is paid again.
//!
//! The first process of a trial adds a folder; those after it only open the engine and ask for the runs in flight, as
//! the window does when it starts.

use crate::desk::{PATIENCE, options, this_program};
use crate::library::{BATCH, EMBEDDINGS, documents, embedded_texts, long_text, write};
use domain::DocumentState;
use engine::{Engine, Nowhere};
use simulator::{Effects, Scenario, Simulator};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};

const FOLDER: &str = "EDGEWISE_INGEST_FOLDER";
const SERVICE: &str = "EDGEWISE_INGEST_SERVICE";
const SOURCES: &str = "EDGEWISE_INGEST_SOURCES";
/// How often an ingestion is killed; `EDGEWISE_INGEST_CRASHES` changes it.
const CRASHES: u64 = 200;
/// Collections that are filled side by side, each with a service of its own that counts what it is sent.
const SIDE_BY_SIDE: u64 = 4;
/// Files of one trial's collection, and the paragraphs of each.
const FILES: usize = 6;
const PARAGRAPHS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that the trials start and kill"]
async fn the_process_that_ingests_and_is_killed() {
    let (Ok(folder), Ok(service)) = (std::env::var(FOLDER), std::env::var(SERVICE)) else { return };
    let engine = Engine::open(options(Path::new(&folder), &service)).await;
    let library = engine.library();
    if let Ok(sources) = std::env::var(SOURCES) {
        library.add_files_unasked(None, vec![sources.into()], Nowhere).await.expect("begun");
    }
    let mut runs = library.active_ingests().await.expect("runs");
    println!("\nack:open");
    while !runs.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        runs = library.active_ingests().await.expect("runs");
    }
    engine.close().await;
}

/// When a process dies, counted from where its run has begun, or was taken up.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// So long after that.
    After(Duration),
    /// When the service got so many requests for vectors more.
    AtRequest(usize),
    /// When it has done everything.
    Never,
}

impl Death {
    /// Half of them by the clock, which meets reading too, half while vectors are on their way.
    fn of(worker: u64, killed: u64, died: u64) -> Self {
        let seed = worker * 10_000 + killed;
        if killed.is_multiple_of(2) {
            // Each process lives a little longer, so that every collection is whole in the end.
            Self::After(Duration::from_millis(crate::crash::scattered(seed, 400) + died * 20))
        } else {
            Self::AtRequest(1 + crate::crash::scattered(seed, 4) as usize)
        }
    }

    async fn comes(self, service: &Simulator, before: usize) {
        match self {
            Self::After(life) => tokio::time::sleep(life).await,
            Self::Never => tokio::time::sleep(PATIENCE * 4).await,
            Self::AtRequest(number) => {
                while requests(service) < before + number {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }
}

/// Requests for vectors that the service got.
fn requests(service: &Simulator) -> usize {
    service.requests().iter().filter(|seen| seen.path.contains(EMBEDDINGS)).count()
}

/// Starts a process and kills it. True when it ended before.
async fn ingest_until(folder: &Path, service: &Simulator, sources: Option<&Path>, death: Death) -> bool {
    let before = requests(service);
    let mut command = tokio::process::Command::new(this_program());
    command
        .args([
            "--exact",
            "library_crash::the_process_that_ingests_and_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(SERVICE, service.base_url())
        .env_remove(SOURCES)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if let Some(sources) = sources {
        command.env(SOURCES, sources);
    }
    let mut process = command.spawn().expect("started");
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let open = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("ack:open") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, open).await.expect("it starts");
    let ended = tokio::select! {
        status = process.wait() => Some(status.expect("ended")),
        () = death.comes(service, before) => None,
    };
    match ended {
        Some(status) => assert!(status.success(), "{status:?}"),
        None => process.kill().await.expect("killed"),
    }
    ended.is_some()
}

/// What is on disk after a kill: no half file, and as many vectors as the documents count. Documents, vectors, and passages.
async fn check(folder: &Path, service: &str) -> (usize, u64, u64) {
    if let Ok(entries) = std::fs::read_dir(folder.join("files/documents")) {
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                let bytes = std::fs::read(entry.path()).expect("an original");
                assert_eq!(blake3::hash(&bytes).to_hex().to_string(), name, "no half file has a whole name");
            }
        }
    }
    // Opening takes nothing up: that is asked for with the runs in flight.
    let engine = Engine::open(options(folder, service)).await;
    assert_eq!(engine.app().app_info().database, domain::DatabaseState::Ok);
    let library = engine.library();
    let collections = library.collections().await.expect("collections");
    let counted: u64 = collections.iter().map(|collection| u64::from(collection.embedded)).sum();
    let (mut with_vector, mut count, all) = (0, 0, documents(&engine).await);
    for document in &all {
        let passages = library.passages(document.id.clone(), 0, 100_000).await.expect("passages");
        assert_eq!(passages.len(), document.passages as usize, "{document:?}");
        count += passages.len() as u64;
        with_vector += passages.iter().filter(|passage| passage.embedded).count() as u64;
        if document.state == DocumentState::Ready {
            assert!(passages.iter().all(|passage| passage.embedded), "ready means whole: {document:?}");
        }
    }
    let rows: u64 = library.vector_info().await.expect("tables").iter().map(|table| table.rows).sum();
    assert_eq!((counted, with_vector), (rows, rows), "the count, the passages with vectors, and the vectors");
    assert!(library.verify_vectors().await.expect("verified").is_empty());
    engine.close().await;
    (all.len(), rows, count)
}

/// How deaths were spread.
#[derive(Default)]
struct Deaths {
    killed: u64,
    /// Some vectors were there and others not.
    halfway: u64,
    /// Not all files had been entered.
    counting: u64,
    collections: u64,
    most_again: usize,
}

/// Fills collections, one after the other, until so many processes were killed.
async fn trials(worker: u64, kills: u64) -> Deaths {
    let service = Simulator::start(simulator::Options::default()).await.expect("simulator");
    let slow = Effects { first_byte_ms: Some(100), ..Effects::default() };
    service.set_scenario(Scenario::always(slow).on_path(EMBEDDINGS));
    let mut deaths = Deaths::default();
    while deaths.killed < kills {
        deaths.collections += 1;
        let seed = (worker * 1_000 + deaths.collections) as usize * 100;
        one_collection(&service, worker, seed, kills, &mut deaths).await;
    }
    deaths
}

async fn one_collection(service: &Simulator, worker: u64, seed: usize, kills: u64, deaths: &mut Deaths) {
    let (folder, sources) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    for file in 0..FILES {
        write(sources.path(), &format!("{file}.md"), &long_text(seed + file, PARAGRAPHS));
    }
    let (before, url) = (embedded_texts(service), service.base_url());
    let (mut died, mut begun) = (0_u64, false);
    loop {
        let death =
            if deaths.killed >= kills { Death::Never } else { Death::of(worker, deaths.killed, died) };
        // Until a run is on disk there is nothing to take up.
        let adds = (!begun).then_some(sources.path());
        if ingest_until(folder.path(), service, adds, death).await {
            break;
        }
        (deaths.killed, died) = (deaths.killed + 1, died + 1);
        let (documents, vectors, passages) = check(folder.path(), &url).await;
        begun = begun || is_begun(folder.path());
        deaths.counting += u64::from(begun && documents < FILES);
        deaths.halfway += u64::from((1..passages).contains(&vectors));
    }
    check(folder.path(), &url).await;
    let engine = Engine::open(options(folder.path(), &url)).await;
    let all = documents(&engine).await;
    engine.close().await;
    assert_eq!(all.len(), FILES, "each file once: {all:?}");
    assert!(all.iter().all(|document| document.state == DocumentState::Ready), "{all:?}");
    let names: HashSet<&str> = all.iter().map(|document| document.name.as_str()).collect();
    assert_eq!(names.len(), FILES);
    let passages: usize = all.iter().map(|document| document.passages as usize).sum();
    let again = embedded_texts(service) - before - passages;
    assert!(
        again <= died as usize * BATCH,
        "{again} of {passages} texts were paid again after {died} kills: more than a batch for each"
    );
    deaths.most_again = deaths.most_again.max(again / (died as usize).max(1));
}

/// A run stands in the database.
fn is_begun(folder: &Path) -> bool {
    let Ok(store) = store_of(folder) else { return false };
    store.unended_ingests().is_ok_and(|runs| !runs.is_empty())
}

fn store_of(folder: &Path) -> Result<store::Store, store::OpenError> {
    store::Store::open(&PathBuf::from(folder), domain::Timestamp(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_ingestion_goes_on_by_itself_and_pays_at_most_one_batch_again() {
    let crashes =
        std::env::var("EDGEWISE_INGEST_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(CRASHES);
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..SIDE_BY_SIDE {
        workers.spawn(trials(worker, crashes.div_ceil(SIDE_BY_SIDE)));
    }
    let mut all = Deaths::default();
    while let Some(worker) = workers.join_next().await {
        let deaths = worker.expect("no trial failed");
        all.killed += deaths.killed;
        all.halfway += deaths.halfway;
        all.counting += deaths.counting;
        all.collections += deaths.collections;
        all.most_again = all.most_again.max(deaths.most_again);
    }
    println!(
        "{} processes killed in {} collections: {} with part of the vectors on disk, {} before every file was entered; \
         at most {} texts a kill were paid again",
        all.killed, all.collections, all.halfway, all.counting, all.most_again
    );
    assert!(all.halfway * 5 > all.killed, "enough died in the middle: {} of {}", all.halfway, all.killed);
}
