//! Documents: added, read, embedded, found, asked. Real files, real SQLite, real sockets to the simulator.

use crate::desk::{CHAT, Desk, PATIENCE};
use domain::{
    CollectionSettings, ConversationOptions, Document, DocumentQuery, DocumentState, FaultCode, IngestEvent,
    PassageQuery, RunStep, SearchMode, SendRequest, SourceRef,
};
use engine::Engine;
use simulator::{Effects, Rule, Scenario, Simulator, When};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The path of embeddings, for scenarios.
pub const EMBEDDINGS: &str = "bge-m3";
/// Texts of one request to bge-m3.
pub const BATCH: usize = 100;

pub const SENTENCES: [(&str, &str); 5] = [
    (
        "learning",
        "Machine learning algorithms learn patterns from examples instead of following fixed rules.",
    ),
    ("python", "Python is one of the most popular programming languages for data analysis and science."),
    ("cloud", "Cloud computing rents servers and storage over the internet by the hour."),
    ("blockchain", "A blockchain is a distributed ledger that nobody can change afterwards."),
    ("language", "Natural language processing lets computers understand human speech and text."),
];

/// Where third-party documents lie, when they do.
pub fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("EDGEWISE_CORPORA").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let folder = named.unwrap_or_else(|| root.join("../shared/corpora"));
    folder.is_dir().then_some(folder)
}

pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path
}

/// A text of so many paragraphs, each a passage of its own words.
pub fn long_text(seed: usize, paragraphs: usize) -> String {
    let paragraph = |number: usize| {
        let words: Vec<String> = (0..60).map(|word| format!("w{seed}x{number}x{word}")).collect();
        format!("# Part {number}\n\n{}.\n\n", words.join(" "))
    };
    (0..paragraphs).map(paragraph).collect()
}

/// What a run told, to its end.
pub struct Told {
    pub events: Vec<IngestEvent>,
}

impl Told {
    pub async fn to_end(mut events: UnboundedReceiver<IngestEvent>) -> Self {
        let mut told = Vec::new();
        loop {
            let event =
                tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time").expect("an end");
            let last = matches!(event, IngestEvent::Finished { .. });
            told.push(event);
            if last {
                return Self { events: told };
            }
        }
    }

    pub fn finished(&self) -> (u32, u32, f64) {
        match self.events.last() {
            Some(IngestEvent::Finished { ready, failed, neurons, .. }) => (*ready, *failed, *neurons),
            other => panic!("a run ends with its end: {other:?}"),
        }
    }
}

/// Adds files and waits until they can be searched.
pub async fn add(engine: &Engine, collection: Option<&str>, paths: Vec<PathBuf>) -> Told {
    let (teller, events) = unbounded_channel();
    engine.library().add_files_unasked(collection.map(str::to_owned), paths, teller).await.expect("begun");
    Told::to_end(events).await
}

pub async fn documents(engine: &Engine) -> Vec<Document> {
    let query = DocumentQuery { limit: 10_000, ..DocumentQuery::default() };
    engine.library().documents(query).await.expect("documents").documents
}

pub fn question(text: &str) -> PassageQuery {
    PassageQuery { text: text.to_owned(), ..PassageQuery::default() }
}

/// Texts that the service was given to embed, answered or not.
pub fn embedded_texts(simulator: &Simulator) -> usize {
    let texts = |body: &[u8]| {
        let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        value["text"].as_array().map_or(0, Vec::len)
    };
    let of_model = |seen: &&simulator::Seen| seen.path.contains(EMBEDDINGS);
    simulator.requests().iter().filter(of_model).map(|seen| texts(&seen.body)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sentence_on_python_answers_the_question_on_programming_languages() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let paths = SENTENCES.map(|(name, text)| write(folder.path(), &format!("{name}.txt"), text)).to_vec();
    let told = add(&desk.engine, None, paths).await;
    assert_eq!((told.finished().0, told.finished().1), (5, 0), "{:?}", told.events);
    assert!(told.finished().2 > 0.0, "what it cost is told");
    for mode in [SearchMode::Hybrid, SearchMode::Vector, SearchMode::Keyword] {
        let query = PassageQuery { mode, ..question("Programming languages for data analysis") };
        let found = desk.engine.library().search_passages(query).await.expect("found");
        assert_eq!(found.hits[0].title, "python.txt", "{mode:?}: {found:?}");
        assert_eq!(found.considered, 5);
        if mode == SearchMode::Keyword {
            assert!(found.hits[0].keyword_score.is_some_and(|score| score > 0.0));
            continue;
        }
        let first = found.hits[0].distance.expect("a distance");
        assert!((0.0..1.0).contains(&first), "{first}");
        assert!(
            found.hits[1..].iter().all(|hit| hit.distance.is_none_or(|distance| distance > first)),
            "it is the nearest: {found:?}"
        );
    }
    let today = desk.engine.usage().usage_today().await.expect("usage");
    assert!(today.neurons > 0.0, "embedding stands in the ledger");
}

#[tokio::test(flavor = "multi_thread")]
async fn chinese_is_found_by_words_without_spaces() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let paths = vec![
        write(folder.path(), "天气.txt", "明天北京有小雨，气温下降。"),
        write(folder.path(), "编程.txt", "Python 是数据分析最常用的编程语言之一。"),
    ];
    add(&desk.engine, None, paths).await;
    for (text, expected) in [("数据分析", "编程.txt"), ("雨", "天气.txt"), ("编程用什么语言", "编程.txt")]
    {
        let query = PassageQuery { mode: SearchMode::Keyword, ..question(text) };
        let found = desk.engine.library().search_passages(query).await.expect("found");
        assert_eq!(found.hits.first().map(|hit| hit.title.as_str()), Some(expected), "{text}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cites_numbered_passages_and_says_why() {
    let mut desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let paths = SENTENCES.map(|(name, text)| write(folder.path(), &format!("{name}.txt"), text)).to_vec();
    add(&desk.engine, None, paths).await;
    let options =
        ConversationOptions { collections: vec!["library".to_owned()], ..ConversationOptions::default() };
    let request = SendRequest {
        text: "Which programming languages are used for data analysis?".to_owned(),
        options: Some(options),
        ..SendRequest::default()
    };
    let (listener, events) = unbounded_channel();
    let started = desk.engine.chat().send_message(request, listener).await.expect("begun");
    let conversation = started.conversation.id.clone();
    let heard = crate::desk::Run::from(started, events).end().await;
    let told = heard.steps().find_map(|step| match step {
        RunStep::Sources { sources, considered } => Some((sources.clone(), *considered)),
        _ => None,
    });
    let (sources, considered) = told.expect("sources are told before the answer");
    assert_eq!(considered, 5);
    assert_eq!(
        sources.iter().map(|source| source.n).collect::<Vec<_>>(),
        (1..=sources.len() as u32).collect::<Vec<_>>()
    );
    assert_eq!(sources[0].title, "python.txt");
    // A score that was written as text and read again may differ in its last digit.
    let cited = |sources: &[SourceRef]| -> Vec<(u32, String, String)> {
        sources.iter().map(|source| (source.n, source.passage.clone(), source.text.clone())).collect()
    };
    assert_eq!(cited(&heard.view().message.sources), cited(&sources), "they are stored with the answer");
    let sent = desk.chats().pop().expect("a request");
    let body = String::from_utf8_lossy(&sent.body).into_owned();
    assert!(body.contains("Python is one of the most popular"), "the passage is in the prompt");
    let why =
        desk.engine.library().why_answer(heard.view().message.id.clone()).await.expect("read").expect("why");
    assert_eq!(cited(&why.sources), cited(&sources));
    assert!(why.findings.vector_hits > 0 && why.findings.keyword_hits > 0, "{:?}", why.findings);

    // The same passage keeps its number, a new one gets the next.
    let again = desk.ask_in(&conversation, "And which ledger is distributed, a blockchain?").await;
    let second = &again.view().message.sources;
    for source in second {
        let earlier = sources.iter().find(|earlier| earlier.text == source.text);
        match earlier {
            Some(earlier) => assert_eq!(source.n, earlier.n, "one passage, one number"),
            None => assert!(source.n > sources.len() as u32, "numbers run through the conversation"),
        }
    }
    while let Ok(event) = desk.news.try_recv() {
        drop(event);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_can_leave_nothing_and_that_is_said() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let settings = CollectionSettings { max_distance: Some(0.01), ..CollectionSettings::default() };
    let strict = desk
        .engine
        .library()
        .create_collection("Strict".into(), "rose".into(), settings)
        .await
        .expect("made");
    add(&desk.engine, Some(&strict.id), vec![write(folder.path(), "a.txt", SENTENCES[0].1)]).await;
    let query = PassageQuery { collections: vec![strict.id.clone()], ..question("learn patterns") };
    let found = desk.engine.library().search_passages(query).await.expect("found");
    assert!(found.hits.is_empty() && found.beyond_threshold == 1 && found.considered == 1, "{found:?}");
    let options = ConversationOptions { collections: vec![strict.id], ..ConversationOptions::default() };
    let request =
        SendRequest { text: "learn patterns".into(), options: Some(options), ..SendRequest::default() };
    let heard = desk.request(request).await.end().await;
    assert!(heard.steps().any(|step| *step == RunStep::Sources { sources: Vec::new(), considered: 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_waited_for_and_nothing_is_sent_before() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let path = write(folder.path(), "long.md", &long_text(1, 12));
    let (teller, mut events) = unbounded_channel();
    let library = desk.engine.library();
    library.add_files(None, vec![path], teller).await.expect("begun");
    let quote = loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time").expect("an event");
        if let IngestEvent::Quoted { quote } = event {
            break quote;
        }
    };
    assert!(quote.passages > 1 && quote.tokens > 100, "{quote:?}");
    assert!(quote.neurons.is_some_and(|neurons| neurons > 0.0), "{quote:?}");
    assert_eq!(embedded_texts(&desk.simulator), 0, "nothing leaves before the person agrees");
    let by_words = PassageQuery { mode: SearchMode::Keyword, ..question("w1x3x7") };
    assert_eq!(
        library.search_passages(by_words).await.expect("found").hits.len(),
        1,
        "words are there already"
    );
    library.accept_quote(&quote.id).await.expect("accepted");
    let told = Told::to_end(events).await;
    assert_eq!((told.finished().0, told.finished().1), (1, 0));
    assert_eq!(embedded_texts(&desk.simulator), quote.passages as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unchanged_or_known_is_not_paid_again() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let path = write(folder.path(), "long.md", &long_text(2, 12));
    add(&desk.engine, None, vec![path.clone()]).await;
    let paid = embedded_texts(&desk.simulator);
    let document = documents(&desk.engine).await.remove(0);
    assert_eq!(paid, document.passages as usize);

    add(&desk.engine, None, vec![path.clone()]).await;
    assert_eq!(embedded_texts(&desk.simulator), paid, "an unchanged file is skipped by its hash");
    assert_eq!(documents(&desk.engine).await.len(), 1);

    let other = desk
        .engine
        .library()
        .create_collection("Other".into(), "green".into(), CollectionSettings::default())
        .await
        .expect("made");
    let told = add(&desk.engine, Some(&other.id), vec![path.clone()]).await;
    assert_eq!(told.finished().0, 1);
    assert_eq!(
        embedded_texts(&desk.simulator),
        paid,
        "the same words in another collection have vectors already"
    );
    let kept = std::fs::read_dir(desk.folder.path().join("files/documents")).expect("originals").count();
    assert_eq!(kept, 1, "the same bytes are stored once");
    let query = PassageQuery { collections: vec![other.id], ..question("w2x5x7") };
    assert!(!desk.engine.library().search_passages(query).await.expect("found").hits.is_empty());

    let changed = long_text(2, 12).replace("w2x4x10", "quite new words here");
    std::fs::write(&path, changed).expect("changed");
    let told = add(&desk.engine, None, vec![path]).await;
    assert_eq!(told.finished().0, 1);
    let more = embedded_texts(&desk.simulator) - paid;
    assert!((1..=3).contains(&more), "only what changed is embedded again: {more} of {paid}");
    assert_eq!(documents(&desk.engine).await.len(), 2, "it is the same document as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_refusals_is_bounded_and_waited_out() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let path = write(folder.path(), "long.md", &long_text(3, 40));
    let refused =
        Effects { error: Some("rate_limit".into()), retry_after: Some("0".into()), ..Effects::default() };
    desk.scenario(Scenario::always(refused).on_path(EMBEDDINGS));
    let (teller, mut events) = unbounded_channel();
    let library = desk.engine.library();
    let started = library.add_files_unasked(None, vec![path], teller).await.expect("begun");
    let waited = loop {
        match tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time").expect("an event") {
            // The wire's own pauses are shorter.
            IngestEvent::Waiting { fault, delay_ms } if delay_ms > 10_000 => break fault,
            _ => {}
        }
    };
    assert_eq!(waited.code, FaultCode::RateLimited);
    let requests = desk.simulator.requests().iter().filter(|seen| seen.path.contains(EMBEDDINGS)).count();
    assert!(requests <= 4 * 8, "{requests} requests for a service that refuses");
    let document = documents(&desk.engine).await.remove(0);
    let DocumentState::Paused { fault: Some(fault) } = &document.state else { panic!("{document:?}") };
    assert_eq!(fault.code, FaultCode::RateLimited);

    desk.scenario(Scenario::default());
    let before = embedded_texts(&desk.simulator);
    library.resume_ingest(&started.run).await.expect("tries at once");
    assert_eq!(Told::to_end(events).await.finished().0, 1);
    assert_eq!(documents(&desk.engine).await[0].state, DocumentState::Ready);
    assert_eq!(embedded_texts(&desk.simulator) - before, document.passages as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_paused_resumed_and_stopped() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let slow = Effects { first_byte_ms: Some(150), ..Effects::default() };
    desk.scenario(Scenario::always(slow).on_path(EMBEDDINGS));
    let path = write(folder.path(), "long.md", &long_text(4, 600));
    let (teller, mut events) = unbounded_channel();
    let library = desk.engine.library();
    let started = library.add_files_unasked(None, vec![path], teller).await.expect("begun");
    while !matches!(events.recv().await.expect("an event"), IngestEvent::Progress { .. }) {}
    library.pause_ingest(&started.run).await.expect("paused");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let standing = embedded_texts(&desk.simulator);
    assert_eq!(documents(&desk.engine).await[0].state, DocumentState::Paused { fault: None });
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(embedded_texts(&desk.simulator), standing, "a paused run sends nothing");
    library.resume_ingest(&started.run).await.expect("resumed");
    while !matches!(events.recv().await.expect("an event"), IngestEvent::Progress { .. }) {}
    library.stop_ingest(&started.run).await.expect("stopped");
    let told = Told::to_end(events).await;
    assert_eq!(told.finished().0, 0);
    let document = documents(&desk.engine).await.remove(0);
    assert!(matches!(&document.state, DocumentState::Failed { fault } if fault.code == FaultCode::Stopped));
    let passages = library.passages(document.id, 0, 10_000).await.expect("passages");
    assert!(passages.iter().any(|passage| passage.embedded), "what was in flight is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_serves_when_its_vectors_are_whole() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let paths = SENTENCES.map(|(name, text)| write(folder.path(), &format!("{name}.txt"), text)).to_vec();
    add(&desk.engine, None, paths).await;
    let library = desk.engine.library();
    let before = library.default_collection().await.expect("collection");
    let settings =
        CollectionSettings { embedding_model: "@cf/baai/bge-base-en-v1.5".into(), ..before.settings.clone() };
    library
        .update_collection(before.id.clone(), before.name, before.colour, settings)
        .await
        .expect("updated");
    let run = loop {
        let runs = library.active_ingests().await.expect("runs");
        if let Some(run) = runs.first() {
            break run.run.clone();
        }
    };
    let (teller, mut events) = unbounded_channel();
    library.attach_ingest(&run, teller).await.expect("attached");
    loop {
        match tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time").expect("an event") {
            IngestEvent::Quoted { quote } => {
                let found = library.search_passages(question("Python data analysis")).await.expect("found");
                assert!(found.hits[0].distance.is_some(), "the former vectors serve until then");
                library.accept_quote(&quote.id).await.expect("accepted");
            }
            IngestEvent::Finished { .. } => break,
            _ => {}
        }
    }
    let tables = library.vector_info().await.expect("tables");
    let rows =
        |model: &str| tables.iter().find(|table| table.model.as_str() == model).map(|table| table.rows);
    assert_eq!(rows("@cf/baai/bge-base-en-v1.5"), Some(5), "{tables:?}");
    assert_eq!(rows("@cf/baai/bge-m3"), Some(0), "the former vectors are gone: {tables:?}");
    let pooled =
        tables.iter().any(|table| table.pooling.as_deref() == Some("cls") && table.dimensions == 768);
    assert!(pooled, "{tables:?}");
    let found =
        library.search_passages(question("Programming languages for data analysis")).await.expect("found");
    assert_eq!(found.hits[0].title, "python.txt");
    assert!(library.verify_vectors().await.expect("verified").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_trash_is_not_found_and_comes_back() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let paths = SENTENCES.map(|(name, text)| write(folder.path(), &format!("{name}.txt"), text)).to_vec();
    add(&desk.engine, None, paths).await;
    let library = desk.engine.library();
    let python =
        documents(&desk.engine).await.into_iter().find(|one| one.name == "python.txt").expect("there");
    library.delete_documents(vec![python.id.clone()]).await.expect("deleted");
    let found = library.search_passages(question("Python data analysis")).await.expect("found");
    assert!(found.hits.iter().all(|hit| hit.title != "python.txt"), "{found:?}");
    assert_eq!(found.considered, 4);
    library.undelete_documents(vec![python.id]).await.expect("taken back");
    let found = library.search_passages(question("Python data analysis")).await.expect("found");
    assert_eq!(found.hits[0].title, "python.txt");
    assert!(found.hits[0].distance.is_some(), "its vector was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_documents_are_read_with_their_pages_and_places() {
    let Some(corpora) = corpora() else {
        println!("no corpora here: set EDGEWISE_CORPORA");
        return;
    };
    let desk = Desk::open().await;
    let mut paths = Vec::new();
    for part in [
        "py-pdf/004-pdflatex-4-pages",
        "py-pdf/010-pdflatex-forms",
        "docling/docx/sources",
        "docling/md/sources",
        "docling/html/sources",
    ] {
        let folder = corpora.join("documents").join(part);
        let files =
            std::fs::read_dir(&folder).expect("a folder").filter_map(Result::ok).map(|entry| entry.path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
        files.sort();
        paths.extend(files.into_iter().take(3));
    }
    let told = add(&desk.engine, None, paths).await;
    let (ready, failed, _) = told.finished();
    assert!(ready >= 8 && failed <= 2, "{ready} ready, {failed} failed: {:?}", told.events);
    let library = desk.engine.library();
    let all = documents(&desk.engine).await;
    let pdf =
        all.iter().find(|one| one.format == "pdf" && one.pages == Some(4)).expect("the PDF of four pages");
    let text = library.document_text(pdf.id.clone()).await.expect("text");
    assert_eq!(text.pdf_url, Some(format!("media://document/{}", pdf.id)));
    let characters: Vec<char> = text.text.chars().collect();
    let passages = library.passages(pdf.id.clone(), 0, 1_000).await.expect("passages");
    assert_eq!(passages.len(), pdf.passages as usize);
    for passage in &passages {
        let there: String = characters[passage.start as usize..passage.end as usize].iter().collect();
        assert_eq!(there, passage.text, "a citation can be placed");
        assert!(passage.page.is_some() && passage.embedded, "{passage:?}");
    }
    let phrase: String = passages[0].text.split_whitespace().take(12).collect::<Vec<_>>().join(" ");
    let query = PassageQuery { documents: vec![pdf.id.clone()], ..question(&phrase) };
    let found = library.search_passages(query).await.expect("found");
    assert!(found.hits.iter().all(|hit| hit.document == pdf.id), "the filter is part of the search");
    assert!(found.hits[0].page.is_some() && found.hits[0].distance.is_some(), "{found:?}");
    let (kind, bytes) = library.document_bytes(pdf.id.clone()).await.expect("bytes");
    assert!(kind == "application/pdf" && bytes.starts_with(b"%PDF"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_read_are_told_and_stop_nobody() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let paths = vec![
        write(folder.path(), "empty.txt", ""),
        write(folder.path(), "good.txt", SENTENCES[1].1),
        write(folder.path(), "broken.pdf", "%PDF-1.7\nnothing of a document"),
    ];
    let told = add(&desk.engine, None, paths).await;
    assert_eq!((told.finished().0, told.finished().1), (1, 2), "{:?}", told.events);
    let state =
        |name: &str, all: &[Document]| all.iter().find(|one| one.name == name).map(|one| one.state.clone());
    let all = documents(&desk.engine).await;
    assert_eq!(state("good.txt", &all), Some(DocumentState::Ready));
    assert!(
        matches!(state("empty.txt", &all), Some(DocumentState::Failed { fault }) if fault.code == FaultCode::FileHasNoText)
    );
    assert!(matches!(state("broken.pdf", &all), Some(DocumentState::Failed { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn single_documents_that_fit_are_handed_over_whole() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    add(&desk.engine, None, vec![write(folder.path(), "long.md", &long_text(5, 8))]).await;
    let document = documents(&desk.engine).await.remove(0);
    let options =
        ConversationOptions { documents: vec![document.id.clone()], ..ConversationOptions::default() };
    let request = SendRequest { text: "summarise".into(), options: Some(options), ..SendRequest::default() };
    let heard = desk.request(request).await.end().await;
    let sources = &heard.view().message.sources;
    assert_eq!(sources.len(), document.passages as usize);
    let why =
        desk.engine.library().why_answer(heard.view().message.id.clone()).await.expect("read").expect("why");
    assert!(why.whole_documents);
    assert!(desk.chats().iter().any(|seen| seen.path.contains(CHAT)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_text_and_a_page_of_this_machine_become_documents() {
    let desk = Desk::open().await;
    let library = desk.engine.library();
    let finish = |mut events: UnboundedReceiver<IngestEvent>| {
        let library = library.clone();
        async move {
            while let Some(event) = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time") {
                match event {
                    IngestEvent::Quoted { quote } => library.accept_quote(&quote.id).await.expect("accepted"),
                    IngestEvent::Finished { ready, .. } => return ready,
                    _ => {}
                }
            }
            0
        }
    };
    let (teller, events) = unbounded_channel();
    let text = "The quarterly meeting is in Lisbon.".to_owned();
    library.add_text(None, "Notes".into(), text, teller).await.expect("begun");
    assert_eq!(finish(events).await, 1);
    let page = "<html><head><title>Tides</title></head><body><article><h1>Tides</h1><p>The moon pulls the sea \
                twice a day.</p></article></body></html>";
    let answer = simulator::RawAnswer {
        content_type: "text/html; charset=utf-8".into(),
        body: Some(page.into()),
        body_base64: None,
    };
    let when = When { path: Some("/tides".into()), ..When::default() };
    let then = Effects { answer: Some(answer), status: Some(200), ..Effects::default() };
    desk.scenario(Scenario { rules: vec![Rule { when, times: None, then }] });
    let (teller, events) = unbounded_channel();
    let address = format!("{}/tides", desk.simulator.base_url());
    library.add_address(None, address, teller).await.expect("begun");
    assert_eq!(finish(events).await, 1);
    let found = library.search_passages(question("What pulls the sea?")).await.expect("found");
    assert!(found.hits[0].text.contains("The moon pulls the sea"), "{found:?}");
    let seen =
        desk.simulator.requests().into_iter().find(|seen| seen.path.ends_with("/tides")).expect("asked");
    assert!(seen.headers.iter().all(|(name, _)| name != "authorization"), "no token goes along");
    let refused = library.add_address(None, "http://192.168.0.1/".into(), engine::Nowhere).await;
    assert_eq!(refused.expect_err("refused").code, FaultCode::InvalidInput);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_folder_is_read_again_when_it_changes() {
    let mut desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "python.txt", SENTENCES[1].1);
    let library = desk.engine.library();
    let collection = library.default_collection().await.expect("collection");
    let (teller, mut events) = unbounded_channel();
    let followed = library
        .watch_folder(collection.id.clone(), folder.path().to_owned(), teller)
        .await
        .expect("followed");
    assert_eq!(followed.folder.as_deref(), folder.path().to_str());
    while let Some(event) = events.recv().await {
        match event {
            IngestEvent::Quoted { quote } => library.accept_quote(&quote.id).await.expect("accepted"),
            IngestEvent::Finished { ready, .. } => {
                assert_eq!(ready, 1);
                break;
            }
            _ => {}
        }
    }
    write(folder.path(), "later.txt", "Tides follow the moon twice a day.");
    let come = async {
        while documents(&desk.engine).await.iter().all(|one| one.name != "later.txt" || one.passages == 0) {
            // News of the library are what a window would wait for.
            desk.news.recv().await.expect("news");
        }
    };
    tokio::time::timeout(PATIENCE, come).await.expect("the new file is read");
    let library = desk.engine.library();
    let by_words = PassageQuery { mode: SearchMode::Keyword, ..question("tides") };
    assert_eq!(library.search_passages(by_words).await.expect("found").hits[0].title, "later.txt");
    let alone = library.unwatch_folder(collection.id).await.expect("left alone");
    assert_eq!((alone.folder, alone.documents), (None, 2));
}
