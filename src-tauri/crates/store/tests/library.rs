//! The library's rows: passages keep their rows while their words stay, words find them, the trash gives back and lets go.

use domain::{CollectionSettings, DocumentQuery, DocumentState, Fault, FaultCode, RunId, Timestamp};
use store::library::{Claim, Content, NewDocument, NewPassage, NewRun, PageLines, Scope};
use store::{Error, Store};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn passage(number: u32, text: &str) -> NewPassage {
    NewPassage {
        text: text.to_owned(),
        header: None,
        headings: vec!["Chapter".to_owned()],
        page: Some(1),
        range: (number * 100, number * 100 + 10),
        tokens: 7,
        hash: *blake3::hash(text.as_bytes()).as_bytes(),
    }
}

fn content(hash: &str) -> Content {
    Content {
        hash: hash.to_owned(),
        format: "text".to_owned(),
        title: None,
        pages: None,
        empty_pages: Vec::new(),
        text: "明天北京有雨 and more".to_owned(),
        reading: "{}".to_owned(),
        lines: Vec::new(),
    }
}

/// A store with one document of these passages, and the key of its collection.
fn library(folder: &std::path::Path, texts: &[&str]) -> (Store, i64) {
    let store = Store::open(folder, NOW).expect("opened");
    let settings = CollectionSettings::default();
    let collection = store.create_collection("c", "Notes", "blue", &settings, NOW).expect("made").key;
    let file = store.keep_original(texts.concat().as_bytes()).expect("kept");
    let new = NewDocument {
        id: "d".into(),
        name: "d.txt".into(),
        hash: Some(file.hash.clone()),
        size: file.size,
        ..NewDocument::default()
    };
    begin(&store, collection, "run", vec![new]);
    set(&store, Some(&content(&file.hash)), texts);
    (store, collection)
}

/// Begins a run with documents.
fn begin(store: &Store, collection: i64, id: &str, new: Vec<NewDocument>) -> RunId {
    let id = RunId::from(id);
    let run = NewRun { id: id.clone(), collection, accepted: false, load: None, known: Vec::new(), new };
    store.begin_ingest(&run, NOW).expect("begun");
    id
}

fn set(store: &Store, content: Option<&Content>, texts: &[&str]) {
    let passages: Vec<_> = (0..).zip(texts).map(|(number, text)| passage(number, text)).collect();
    store.set_passages::<Error>("d", content, "400/60", &passages, |_, _| Ok(())).expect("set");
}

fn found(store: &Store, collection: i64, query: &str) -> Vec<String> {
    let scope = Scope { collections: vec![collection], ..Scope::default() };
    let hits = store.keyword_hits(query, &scope, 10).expect("found");
    let keys: Vec<i64> = hits.iter().map(|(key, _)| *key).collect();
    store.passages_by_key(&keys).expect("passages").into_iter().map(|one| one.hit.text).collect()
}

#[test]
fn passages_whose_words_stay_keep_their_rows_when_a_document_is_cut_anew() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, collection) = library(folder.path(), &["first words", "second words", "third words"]);
    let document = store.document("d").expect("there").key;
    let before = store.missing_passages(document, None, 0, 10).expect("missing");
    set(&store, None, &["new beginning", "second words", "first words"]);
    let after = store.missing_passages(document, None, 0, 10).expect("missing");
    let key = |list: &[store::library::Missing], text: &str| {
        list.iter().find(|one| one.text.ends_with(text)).map(|one| one.key)
    };
    assert_eq!(key(&before, "first words"), key(&after, "first words"));
    assert_eq!(key(&before, "second words"), key(&after, "second words"));
    assert_eq!(after.len(), 3);
    let order: Vec<String> =
        store.passages("d", 0, 10).expect("passages").into_iter().map(|one| one.text).collect();
    assert_eq!(order, ["new beginning", "second words", "first words"]);
    assert!(found(&store, collection, "third").is_empty(), "what went is found no more");
    assert_eq!(found(&store, collection, "beginning"), ["new beginning"]);
}

#[test]
fn words_are_found_in_every_script_and_form() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, collection) =
        library(folder.path(), &["The contracts were cancelled.", "明天北京有小雨", "Straße nach Köln"]);
    assert_eq!(found(&store, collection, "contract")[0], "The contracts were cancelled.");
    assert_eq!(found(&store, collection, "北京的雨"), ["明天北京有小雨"]);
    assert_eq!(found(&store, collection, "koln"), ["Straße nach Köln"]);
    assert!(found(&store, collection, "上海").is_empty());
    assert!(found(&store, collection, "\" OR *").is_empty(), "no query is an expression");
}

#[test]
fn places_of_lines_stay_when_other_pages_are_read_and_go_with_their_content() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = library(folder.path(), &["first words"]);
    let hash = store.document("d").expect("there").hash.expect("an original");
    let placed = |page: u32| store.placed_lines(&hash, page).expect("asked");
    assert!(placed(1).is_empty(), "a text without pages has none");
    let lines = vec![(0, 11, 720, 6_000, 1_200, 120), (12, 20, 720, 5_850, 900, 120)];
    let first = PageLines { page: 1, lines: lines.clone() };
    store.replace_content(&Content { lines: vec![first], ..content(&hash) }).expect("replaced");
    assert_eq!((placed(1), placed(2)), (lines.clone(), Vec::new()));
    store.replace_content(&content(&hash)).expect("replaced");
    assert_eq!(placed(1), lines, "a reading of other pages knows none of this one");
    store.set_documents_deleted(&["d".into()], Some(NOW)).expect("deleted");
    store.purge_library::<Error>(Timestamp(NOW.0 + 1), |_, _| Ok(())).expect("purged");
    assert!(placed(1).is_empty());
}

#[test]
fn the_trash_gives_back_and_lets_go() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, collection) = library(folder.path(), &["first words"]);
    let hash = store.document("d").expect("there").hash.expect("an original");
    let original = store.original_path(&hash).expect("a path");
    let listed = |store: &Store| store.documents(&DocumentQuery::default()).expect("listed").total;
    store.set_documents_deleted(&["d".into()], Some(NOW)).expect("deleted");
    assert!(found(&store, collection, "words").is_empty());
    assert_eq!(listed(&store), 0);
    store.set_documents_deleted(&["d".into()], None).expect("taken back");
    assert_eq!((found(&store, collection, "words").len(), listed(&store)), (1, 1));
    store.set_documents_deleted(&["d".into()], Some(NOW)).expect("deleted");
    let kept = store.purge_library::<Error>(NOW, |_, _| Ok(())).expect("purged");
    assert_eq!((kept, original.exists()), (0, true), "not before its time");
    let gone = store.purge_library::<Error>(Timestamp(NOW.0 + 1), |_, _| Ok(())).expect("purged");
    assert_eq!((gone, original.exists()), (1, false));
    assert!(store.document("d").is_err() && store.content(&hash).expect("read").is_none());
}

#[test]
fn a_run_that_did_not_end_is_there_after_the_process() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = library(folder.path(), &["first words"]);
    store.accept_ingest(&"run".into()).expect("accepted");
    drop(store);
    let store = Store::open(folder.path(), NOW).expect("opened again");
    let runs = store.unended_ingests().expect("runs");
    assert_eq!((runs.len(), runs[0].accepted, runs[0].collection.as_str()), (1, true, "c"));
    let document = store.documents_of_run(&"run".into()).expect("documents").remove(0);
    assert_eq!(document.document.state, DocumentState::Embedding { done: 0, total: 1 });
    store.end_ingest(&"run".into(), None, NOW).expect("ended");
    assert!(store.unended_ingests().expect("runs").is_empty());
}

#[test]
fn what_a_run_waits_for_is_there_after_the_process_and_tells_its_collection() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = library(folder.path(), &["first words"]);
    let (run, spent) = (RunId::from("run"), Fault::new(FaultCode::DailyAllowanceSpent));
    store.accept_ingest(&run).expect("accepted");
    store.hold_ingest(&run, &spent, Timestamp(NOW.0 + 5)).expect("held");
    drop(store);
    let store = Store::open(folder.path(), NOW).expect("opened again");
    let waits = store.unended_ingests().expect("runs").remove(0).waits;
    assert_eq!(waits, Some((spent.clone(), Timestamp(NOW.0 + 5))));
    let state = || store.document("d").expect("there").document.state;
    assert_eq!(state(), DocumentState::Paused { fault: Some(spent.clone()) });
    assert_eq!(store.collection("c").expect("there").collection.trouble, Some(spent));
    store.accept_ingest(&run).expect("goes on");
    assert_eq!(state(), DocumentState::Embedding { done: 0, total: 1 });
    assert_eq!(store.collection("c").expect("there").collection.trouble, None);
    let gone = Fault::new(FaultCode::ModelGone);
    store.end_ingest(&run, Some(&gone), NOW).expect("ended");
    assert_eq!(store.collection("c").expect("there").collection.trouble, Some(gone));
}

#[test]
fn documents_stay_with_the_run_whose_quote_was_accepted() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, collection) = library(folder.path(), &["first words"]);
    let new = |id: &str| NewDocument {
        id: id.into(),
        name: "a.txt".into(),
        source: Some("/a.txt".into()),
        ..NewDocument::default()
    };
    let first = begin(&store, collection, "first", vec![new("a")]);
    let later = begin(&store, collection, "later", Vec::new());
    let of = |run: &RunId| store.documents_of_run(run).expect("documents").len();
    let enter = |claim| store.enter_documents(collection, &later, &[new("b")], claim, NOW).expect("entered");
    assert_eq!(enter(Claim::Gentle), ["a"], "a look at a folder takes nothing from a run");
    assert_eq!((of(&first), of(&later)), (1, 0));
    store.accept_ingest(&first).expect("accepted");
    assert_eq!(enter(Claim::Firm), ["a"], "what was accepted is not asked again");
    store.end_ingest(&first, None, NOW).expect("ended");
    assert!(enter(Claim::Gentle).is_empty());
    assert_eq!((of(&first), of(&later)), (0, 1));
}

#[test]
fn the_same_bytes_in_a_collection_are_one_document() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, collection) = library(folder.path(), &["first words"]);
    let file = store.keep_original(b"first words").expect("kept");
    let new = NewDocument { id: "twin".into(), name: "twin.txt".into(), ..NewDocument::default() };
    store.enter_documents(collection, &"run".into(), &[new], Claim::Firm, NOW).expect("entered");
    assert_eq!(store.set_original("twin", &file).expect("noted").as_deref(), Some("d"));
    assert!(store.document("twin").is_err());
}
