//! Runs that fill the library side by side, interrupted, refused and changed: nothing is paid twice, nothing is lost, and
//! what went wrong is told.

use crate::desk::{Desk, PATIENCE};
use crate::library::{
    BATCH, EMBEDDINGS, SENTENCES, Told, add, documents, embedded_texts, long_text, question, write,
};
use domain::{Collection, CollectionSettings, Document, DocumentState, FaultCode, IngestEvent, Quote, RunId};
use engine::Engine;
use simulator::{Effects, Scenario};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Waits until no run is in flight. Runs that are taken up, and folders that are looked at, are.
async fn at_rest(engine: &Engine) {
    let rest = async {
        while !engine.library().active_ingests().await.expect("runs").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE * 4, rest).await.expect("every run ends");
}

/// Follows a run to its quote.
async fn quoted(events: &mut UnboundedReceiver<IngestEvent>) -> Quote {
    loop {
        match tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time").expect("an event") {
            IngestEvent::Quoted { quote } => return quote,
            IngestEvent::Finished { .. } => panic!("it ended without a quote"),
            _ => {}
        }
    }
}

/// The run that is in flight, attached.
async fn only_run(engine: &Engine) -> (RunId, UnboundedReceiver<IngestEvent>) {
    let run = engine.library().active_ingests().await.expect("runs").first().expect("a run").run.clone();
    let (teller, events) = unbounded_channel();
    engine.library().attach_ingest(&run, teller).await.expect("attached");
    (run, events)
}

fn slow(desk: &Desk) {
    let effects = Effects { first_byte_ms: Some(120), ..Effects::default() };
    desk.scenario(Scenario::always(effects).on_path(EMBEDDINGS));
}

fn refused(desk: &Desk, error: &str, path: &str) {
    let effects = Effects { error: Some(error.into()), retry_after: Some("0".into()), ..Effects::default() };
    desk.scenario(Scenario::always(effects).on_path(path));
}

async fn only_document(engine: &Engine) -> Document {
    documents(engine).await.remove(0)
}

async fn collection(engine: &Engine) -> Collection {
    engine.library().default_collection().await.expect("a collection")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_added_twice_at_once_is_paid_once() {
    let desk = Desk::open().await;
    slow(&desk);
    let folder = tempfile::tempdir().expect("folder");
    let path = write(folder.path(), "long.md", &long_text(20, 120));
    let both =
        tokio::join!(add(&desk.engine, None, vec![path.clone()]), add(&desk.engine, None, vec![path]),);
    assert_eq!((both.0.finished().1, both.1.finished().1), (0, 0));
    let document = only_document(&desk.engine).await;
    assert_eq!(document.state, DocumentState::Ready);
    assert_eq!(embedded_texts(&desk.simulator), document.passages as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_passages_of_one_run_are_paid_once() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let text = long_text(21, 30);
    let paths = vec![
        write(folder.path(), "one.md", &text),
        // Other bytes, the same passages.
        write(folder.path(), "two.md", &format!("{text}\n\n\n")),
    ];
    assert_eq!(add(&desk.engine, None, paths).await.finished().0, 2);
    let all = documents(&desk.engine).await;
    assert_eq!(all.len(), 2);
    let paid = embedded_texts(&desk.simulator);
    let passages: usize = all.iter().map(|document| document.passages as usize).sum();
    assert!(paid < passages * 3 / 4, "{paid} of {passages}: what is known is copied");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_start_nothing_accepted_is_asked_or_paid_again_though_its_folder_is_looked_at() {
    let desk = Desk::open().await;
    slow(&desk);
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "long.md", &long_text(22, 400));
    let (teller, mut events) = unbounded_channel();
    let home = collection(&desk.engine).await;
    let library = desk.engine.library();
    library.watch_folder(home.id, folder.path().to_owned(), teller).await.expect("followed");
    let quote = quoted(&mut events).await;
    library.accept_quote(&quote.id).await.expect("accepted");
    while !matches!(events.recv().await.expect("an event"), IngestEvent::Progress { .. }) {}
    let desk = desk.restart().await;
    at_rest(&desk.engine).await;
    let document = only_document(&desk.engine).await;
    assert_eq!(document.state, DocumentState::Ready, "nobody was asked");
    let again = embedded_texts(&desk.simulator) - document.passages as usize;
    assert!(again <= BATCH, "{again} texts were paid again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_quote_stays_the_only_one_when_its_folder_changes() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "one.md", &long_text(23, 10));
    let (teller, mut events) = unbounded_channel();
    let home = collection(&desk.engine).await;
    let library = desk.engine.library();
    library.watch_folder(home.id, folder.path().to_owned(), teller).await.expect("followed");
    let first = quoted(&mut events).await;
    // The same file again, with more in it: it still is the first run's.
    write(folder.path(), "one.md", &long_text(23, 14));
    let more = loop {
        let quote = quoted(&mut events).await;
        if quote.passages > first.passages {
            break quote;
        }
    };
    assert_eq!(more.id, first.id, "the quote is told anew, by the same run");
    library.accept_quote(&more.id).await.expect("accepted");
    assert_eq!(Told::to_end(events).await.finished().0, 1);
    at_rest(&desk.engine).await;
    assert_eq!(embedded_texts(&desk.simulator), more.passages as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_not_counted_yet_are_found_after_a_start() {
    const FILES: usize = 250;
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    for file in 0..FILES {
        write(folder.path(), &format!("{file}.txt"), &format!("Note {file} is about w{file}x."));
    }
    let paths = vec![folder.path().to_owned()];
    desk.engine.library().add_files_unasked(None, paths, engine::Nowhere).await.expect("begun");
    let desk = desk.restart().await;
    let there = documents(&desk.engine).await.len();
    at_rest(&desk.engine).await;
    let all = documents(&desk.engine).await;
    assert_eq!(all.len(), FILES, "{there} were entered before the process ended");
    assert!(all.iter().all(|document| document.state == DocumentState::Ready));
    assert!(there < FILES, "it ended while files were counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_it_reads_says_so_and_goes_on_when_retried() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    for file in 0..60 {
        write(folder.path(), &format!("{file}.md"), &long_text(2_400 + file, 60));
    }
    let (teller, mut events) = unbounded_channel();
    let library = desk.engine.library();
    let paths = vec![folder.path().to_owned()];
    let started = library.add_files_unasked(None, paths, teller).await.expect("begun");
    while !matches!(events.recv().await.expect("an event"), IngestEvent::Document { .. }) {}
    library.stop_ingest(&started.run).await.expect("stopped");
    let told = Told::to_end(events).await;
    let Some(IngestEvent::Finished { fault: None, .. }) = told.events.last() else {
        panic!("stopping is no fault: {:?}", told.events.last());
    };
    for document in documents(&desk.engine).await {
        let DocumentState::Failed { fault } = &document.state else { panic!("{document:?}") };
        assert_eq!(fault.code, FaultCode::Stopped, "{document:?}");
    }
    let (teller, mut events) = unbounded_channel();
    let again = library.retry_failed("library".into(), teller).await.expect("begun").expect("something");
    assert_eq!(again.collection.id, "library");
    let quote = quoted(&mut events).await;
    library.accept_quote(&quote.id).await.expect("accepted");
    assert_eq!(Told::to_end(events).await.finished().0, 60);
    let nothing = library.retry_failed("library".into(), engine::Nowhere).await.expect("asked");
    assert!(nothing.is_none(), "there is nothing left to try");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_allowance_is_waited_for_over_a_restart() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    refused(&desk, "daily_allowance", EMBEDDINGS);
    let path = write(folder.path(), "long.md", &long_text(25, 40));
    let (teller, mut events) = unbounded_channel();
    desk.engine.library().add_files_unasked(None, vec![path], teller).await.expect("begun");
    let (fault, delay) = loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time");
        if let IngestEvent::Waiting { fault, delay_ms } = event.expect("an event") {
            break (fault, delay_ms);
        }
    };
    assert_eq!(fault.code, FaultCode::DailyAllowanceSpent);
    assert!(delay <= 86_400_000, "until midnight UTC at the latest: {delay} ms");
    let waits = |document: &Document| match &document.state {
        DocumentState::Paused { fault: Some(fault) } => fault.code == FaultCode::DailyAllowanceSpent,
        _ => false,
    };
    assert!(waits(&only_document(&desk.engine).await), "the state says why");
    assert_eq!(
        collection(&desk.engine).await.trouble.map(|fault| fault.code),
        Some(FaultCode::DailyAllowanceSpent)
    );

    let desk = desk.restart().await;
    let (run, mut events) = only_run(&desk.engine).await;
    assert!(waits(&only_document(&desk.engine).await), "it waits in this process too");
    let before = desk.simulator.requests().iter().filter(|seen| seen.path.contains(EMBEDDINGS)).count();
    desk.scenario(Scenario::default());
    loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time");
        if let IngestEvent::Waiting { .. } = event.expect("an event") {
            break;
        }
    }
    let asked = desk.simulator.requests().iter().filter(|seen| seen.path.contains(EMBEDDINGS)).count();
    assert_eq!(asked, before, "nothing is sent while it waits");
    desk.engine.library().resume_ingest(&run).await.expect("tries at once");
    assert_eq!(Told::to_end(events).await.finished().0, 1);
    assert_eq!(only_document(&desk.engine).await.state, DocumentState::Ready);
    assert_eq!(collection(&desk.engine).await.trouble, None);
}

async fn of_another_model(desk: &Desk) -> (Collection, CollectionSettings) {
    let folder = tempfile::tempdir().expect("folder");
    let paths: Vec<PathBuf> =
        SENTENCES.map(|(name, text)| write(folder.path(), &format!("{name}.txt"), text)).to_vec();
    add(&desk.engine, None, paths).await;
    let before = collection(&desk.engine).await;
    let settings = CollectionSettings {
        embedding_model: "@cf/baai/bge-base-en-v1.5".into(),
        passage_tokens: 64,
        overlap_tokens: 0,
        top_k: 3,
        ..before.settings.clone()
    };
    (before, settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cost_something_hold_when_they_are_accepted_and_not_before() {
    let desk = Desk::open().await;
    let (before, wanted) = of_another_model(&desk).await;
    let library = desk.engine.library();
    let update = || {
        library.update_collection(
            before.id.clone(),
            before.name.clone(),
            before.colour.clone(),
            wanted.clone(),
        )
    };
    let waiting = update().await.expect("updated");
    assert_eq!(waiting.settings, CollectionSettings { top_k: 3, ..before.settings.clone() });
    assert_eq!(waiting.wanted.as_ref(), Some(&wanted), "what waits is told");
    let (run, mut events) = only_run(&desk.engine).await;
    assert_eq!(quoted(&mut events).await.passages, 5);
    library.decline_quote(run.as_str()).await.expect("declined");
    Told::to_end(events).await;
    let declined = collection(&desk.engine).await;
    assert_eq!((declined.settings, declined.wanted), (waiting.settings, None), "nothing has changed");
    let found = library.search_passages(question("Python data analysis")).await.expect("found");
    assert!(found.hits[0].distance.is_some(), "and every vector is there");

    update().await.expect("updated");
    let desk = desk.restart().await;
    let library = desk.engine.library();
    let (run, mut events) = only_run(&desk.engine).await;
    assert_eq!(quoted(&mut events).await.passages, 5, "what waits survives the process");
    library.accept_quote(run.as_str()).await.expect("accepted");
    Told::to_end(events).await;
    let after = collection(&desk.engine).await;
    assert_eq!((after.settings, after.wanted), (wanted, None));
    let found = library.search_passages(question("Python data analysis")).await.expect("found");
    assert_eq!(found.hits[0].title, "python.txt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_model_that_fails_is_told_and_can_be_gone_on_with() {
    let desk = Desk::open().await;
    let (before, wanted) = of_another_model(&desk).await;
    let library = desk.engine.library();
    refused(&desk, "authentication", "bge-base");
    library
        .update_collection(before.id.clone(), before.name, before.colour, wanted.clone())
        .await
        .expect("updated");
    let (run, mut events) = only_run(&desk.engine).await;
    quoted(&mut events).await;
    library.accept_quote(run.as_str()).await.expect("accepted");
    let told = Told::to_end(events).await;
    let Some(IngestEvent::Finished { fault: Some(fault), .. }) = told.events.last() else {
        panic!("why it ended is told: {:?}", told.events.last());
    };
    let trouble = collection(&desk.engine).await.trouble.expect("and stays to be seen");
    assert_eq!(trouble.code, fault.code);
    let found = library.search_passages(question("Python data analysis")).await.expect("found");
    assert_eq!(found.hits[0].title, "python.txt", "the collection still answers");

    desk.scenario(Scenario::default());
    let (teller, mut events) = unbounded_channel();
    library.retry_failed(before.id, teller).await.expect("begun").expect("something to try");
    let quote = quoted(&mut events).await;
    library.accept_quote(&quote.id).await.expect("accepted");
    Told::to_end(events).await;
    let after = collection(&desk.engine).await;
    assert_eq!((after.trouble, after.settings), (None, wanted));
    let tables = library.vector_info().await.expect("tables");
    let rows =
        |model: &str| tables.iter().find(|table| table.model.as_str() == model).map(|table| table.rows);
    assert_eq!(rows("@cf/baai/bge-base-en-v1.5"), Some(5), "{tables:?}");
}
