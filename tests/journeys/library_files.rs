//! Files of every fate: pictures and recordings that the service writes down, folders whose files move and go, passwords,
//! other collections, and web pages that lead astray.

use crate::desk::{Desk, PATIENCE};
use crate::library::{SENTENCES, Told, add, corpora, documents, embedded_texts, long_text, question, write};
use domain::{
    Collection, CollectionSettings, Document, DocumentState, Fault, FaultCode, IngestEvent, PassageQuery,
    Quote, SearchMode, Timestamp,
};
use engine::Engine;
use simulator::{Effects, RawAnswer, Rule, Scenario, Simulator, When};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A picture of 2 by 2 pixels.
fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(2, 2, image::Rgb([200, 30, 30]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a picture");
    bytes.into_inner()
}

/// So many seconds of silence.
fn recording(seconds: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend(8_000_u32.to_le_bytes());
    bytes.extend(16_000_u32.to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend((seconds * 16_000).to_le_bytes());
    bytes.resize(bytes.len() + seconds as usize * 16_000, 0);
    bytes
}

async fn named(engine: &Engine, name: &str) -> Option<Document> {
    documents(engine).await.into_iter().find(|document| document.name == name)
}

/// Waits until the documents are as they should be; news of the library are what a window would wait for.
async fn until(desk: &mut Desk, what: &str, is_so: impl Fn(&[Document]) -> bool) {
    let come = async {
        while !is_so(&documents(&desk.engine).await) {
            desk.news.recv().await.expect("news");
        }
    };
    tokio::time::timeout(PATIENCE, come).await.unwrap_or_else(|_| panic!("{what}"));
}

/// Accepts what is quoted, to the end. All quotes, and what was told.
pub async fn accept_all(engine: &Engine, mut events: UnboundedReceiver<IngestEvent>) -> (Vec<Quote>, Told) {
    let (mut quotes, mut told) = (Vec::new(), Vec::new());
    loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time").expect("an event");
        told.push(event.clone());
        match event {
            IngestEvent::Quoted { quote } => {
                engine.library().accept_quote(&quote.id).await.expect("accepted");
                quotes.push(quote);
            }
            IngestEvent::Finished { .. } => return (quotes, Told { events: told }),
            _ => {}
        }
    }
}

async fn convert(engine: &Engine, document: &Document) -> (Vec<Quote>, Told) {
    let (teller, events) = unbounded_channel();
    engine.library().convert_document(document.id.clone(), teller).await.expect("begun");
    accept_all(engine, events).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_waits_for_its_conversion_and_is_found_by_what_it_shows() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sign.png");
    std::fs::write(&path, picture()).expect("written");
    add(&desk.engine, None, vec![path]).await;
    let document = named(&desk.engine, "sign.png").await.expect("it is no unknown format");
    let DocumentState::Failed { fault } = &document.state else { panic!("{document:?}") };
    assert_eq!(fault.code, FaultCode::FileHasNoText, "the state that offers the conversion");
    let (quotes, told) = convert(&desk.engine, &document).await;
    assert!(!quotes.is_empty() && told.finished().0 == 1, "{:?}", told.events);
    assert!(told.finished().2 > 0.0, "what it cost is told");
    let found =
        desk.engine.library().search_passages(question("simulated description")).await.expect("found");
    assert_eq!(found.hits[0].title, "sign.png");
    assert!(found.hits[0].text.contains("2 by 2 pixels"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_quoted_by_its_length_and_written_down() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("memo.wav");
    std::fs::write(&path, recording(90)).expect("written");
    add(&desk.engine, None, vec![path]).await;
    let document = named(&desk.engine, "memo.wav").await.expect("a document");
    let (quotes, told) = convert(&desk.engine, &document).await;
    // 46.63 neurons a minute.
    let neurons = quotes[0].neurons.expect("recordings are priced by the minute");
    assert!((neurons - 69.9).abs() < 0.2, "{neurons}");
    assert_eq!(told.finished().0, 1, "{:?}", told.events);
    let document = named(&desk.engine, "memo.wav").await.expect("still there");
    assert_eq!((document.state, document.format.as_str()), (DocumentState::Ready, "audio"));
    assert!(document.passages > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_without_text_are_sent_and_their_texts_stand_on_their_pages() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let line = |text: &str| vec![text.to_owned()];
    let pages =
        [line("The first page speaks of tides."), Vec::new(), line("The third page speaks of moons.")];
    let path = folder.path().join("scan.pdf");
    std::fs::write(&path, crate::library_answers::pdf(&pages)).expect("written");
    add(&desk.engine, None, vec![path]).await;
    let document = named(&desk.engine, "scan.pdf").await.expect("a document");
    assert_eq!(document.state, DocumentState::Partly { empty_pages: vec![2], pages: 3 });
    convert(&desk.engine, &document).await;
    let sent: Vec<_> =
        desk.simulator.requests().into_iter().filter(|seen| seen.path.contains("tomarkdown")).collect();
    let body = String::from_utf8_lossy(&sent[0].body).into_owned();
    assert!(sent.len() == 1 && body.contains("page-2.pdf"), "{} requests", sent.len());
    assert!(!body.contains("page-1.pdf") && !body.contains("page-3.pdf"), "pages with text stay here");
    let after = named(&desk.engine, "scan.pdf").await.expect("still there");
    assert_eq!((after.state, after.pages), (DocumentState::Ready, Some(3)));
    for (words, page) in [("tides", 1), ("simulated conversion", 2), ("moons", 3)] {
        let found = desk.engine.library().search_passages(question(words)).await.expect("found");
        assert_eq!(found.hits[0].page, Some(page), "{words}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_fails_says_why_at_its_document() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sign.png");
    std::fs::write(&path, picture()).expect("written");
    add(&desk.engine, None, vec![path]).await;
    let document = named(&desk.engine, "sign.png").await.expect("a document");
    let broken = Effects { error: Some("permission".into()), ..Effects::default() };
    desk.scenario(Scenario::always(broken).on_path("tomarkdown"));
    let (_, told) = convert(&desk.engine, &document).await;
    let Some(IngestEvent::Finished { fault: Some(why), failed: 1, .. }) = told.events.last() else {
        panic!("the end says that it failed: {:?}", told.events.last());
    };
    let document = named(&desk.engine, "sign.png").await.expect("still there");
    let DocumentState::Failed { fault } = &document.state else { panic!("{document:?}") };
    assert_eq!(fault.code, why.code, "and so does the document");
    assert_ne!(fault.code, FaultCode::FileHasNoText);

    desk.scenario(Scenario::default());
    assert_eq!(convert(&desk.engine, &document).await.1.finished().0, 1, "it can be tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document_leaves_nothing_behind() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("tool"), b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0").expect("written");
    let told = add(&desk.engine, None, vec![folder.path().join("tool")]).await;
    let skipped =
        told.events.iter().any(|event| matches!(event, IngestEvent::Skipped { file } if file.name == "tool"));
    assert!(skipped, "{:?}", told.events);
    assert!(documents(&desk.engine).await.is_empty());
    let originals = desk.folder.path().join("files/documents");
    assert!(std::fs::read_dir(originals).map_or(0, Iterator::count) == 0, "it was not even copied");
}

/// A collection that follows a folder with these files.
async fn followed(desk: &Desk, folder: &std::path::Path) -> Collection {
    let library = desk.engine.library();
    let collection = library.default_collection().await.expect("collection");
    let (teller, events) = unbounded_channel();
    library.watch_folder(collection.id.clone(), folder.to_owned(), teller).await.expect("followed");
    accept_all(&desk.engine, events).await;
    collection
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_leave_a_followed_folder_go_to_the_trash_and_renamed_ones_keep_their_vectors() {
    let mut desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    for (name, text) in SENTENCES {
        write(folder.path(), &format!("{name}.txt"), text);
    }
    followed(&desk, folder.path()).await;
    let paid = embedded_texts(&desk.simulator);
    let before = named(&desk.engine, "python.txt").await.expect("there");
    let cloud = named(&desk.engine, "cloud.txt").await.expect("there");
    std::fs::rename(folder.path().join("python.txt"), folder.path().join("snake.txt")).expect("renamed");
    std::fs::remove_file(folder.path().join("cloud.txt")).expect("removed");
    until(&mut desk, "both are noticed", |all| {
        all.len() == 4 && all.iter().any(|document| document.name == "snake.txt")
    })
    .await;
    let after = named(&desk.engine, "snake.txt").await.expect("renamed");
    assert_eq!((after.id, after.state), (before.id, DocumentState::Ready), "it is the same document");
    assert_eq!(embedded_texts(&desk.simulator), paid, "nothing was paid for it");

    let library = desk.engine.library();
    library.undelete_documents(vec![cloud.id.clone()]).await.expect("taken back");
    write(folder.path(), "later.txt", "Tides follow the moon twice a day.");
    until(&mut desk, "the folder is looked at again", |all| {
        all.iter().any(|document| document.name == "later.txt" && document.passages > 0)
    })
    .await;
    assert!(named(&desk.engine, "cloud.txt").await.is_some(), "what was taken back stays");
}

/// Waits until a collection's trouble is this one.
async fn until_trouble(desk: &mut Desk, collection: &str, wanted: Option<&Fault>) {
    let come = async {
        loop {
            let all = desk.engine.library().collections().await.expect("collections");
            let found = all.into_iter().find(|each| each.id == collection).expect("it is there");
            if found.trouble.as_ref() == wanted {
                return;
            }
            desk.news.recv().await.expect("news");
        }
    };
    tokio::time::timeout(PATIENCE, come).await.unwrap_or_else(|_| panic!("its trouble becomes {wanted:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_folder_that_is_emptied_keeps_its_documents_and_says_so() {
    let mut desk = Desk::open().await;
    let place = tempfile::tempdir().expect("folder");
    let folder = place.path().join("notes");
    std::fs::create_dir(&folder).expect("made");
    for (name, text) in &SENTENCES[..3] {
        write(&folder, &format!("{name}.txt"), text);
    }
    let collection = followed(&desk, &folder).await;
    let before = documents(&desk.engine).await.len();
    assert_eq!(before, 3);

    // As when a disk is unmounted: the folder is there, and nothing in it.
    let away = place.path().join("away");
    std::fs::create_dir(&away).expect("made");
    let move_all = |from: &std::path::Path, to: &std::path::Path| {
        for file in std::fs::read_dir(from).expect("listed") {
            let file = file.expect("an entry");
            std::fs::rename(file.path(), to.join(file.file_name())).expect("moved");
        }
    };
    move_all(&folder, &away);
    let empty = Fault::new(FaultCode::NotFound).with_detail(folder.to_string_lossy());
    until_trouble(&mut desk, &collection.id, Some(&empty)).await;
    assert_eq!(documents(&desk.engine).await.len(), before, "nothing was let go of");
    let found = desk.engine.library().search_passages(question("Python data analysis")).await.expect("found");
    assert!(found.hits.iter().any(|hit| hit.title == "python.txt"), "they still answer: {found:?}");

    // It comes back, and so does the following.
    let paid = embedded_texts(&desk.simulator);
    move_all(&away, &folder);
    until_trouble(&mut desk, &collection.id, None).await;
    assert_eq!((documents(&desk.engine).await.len(), embedded_texts(&desk.simulator)), (before, paid));
    std::fs::remove_file(folder.join("python.txt")).expect("removed");
    until(&mut desk, "one that goes alone is let go of", |all| all.len() == before - 1).await;

    // Gone as a whole: kept, and said.
    std::fs::remove_dir_all(&folder).expect("removed");
    let unwatched = Fault::new(FaultCode::FileUnreadable).with_detail(folder.to_string_lossy());
    until_trouble(&mut desk, &collection.id, Some(&unwatched)).await;
    assert_eq!(documents(&desk.engine).await.len(), before - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_in_the_trash_follows_nothing() {
    let mut desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "python.txt", SENTENCES[1].1);
    let collection = followed(&desk, folder.path()).await;
    let library = desk.engine.library();
    library.delete_collection(collection.id.clone()).await.expect("deleted");
    write(folder.path(), "later.txt", "Tides follow the moon twice a day.");
    // Longer than the quiet that a watcher waits for.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(library.active_ingests().await.expect("runs").is_empty());
    library.undelete_collection(collection.id).await.expect("taken back");
    until(&mut desk, "what changed meanwhile is noticed", |all| {
        all.iter().any(|document| document.name == "later.txt")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_documents_take_their_vectors_along() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let paths = SENTENCES.map(|(name, text)| write(folder.path(), &format!("{name}.txt"), text)).to_vec();
    add(&desk.engine, None, paths).await;
    let library = desk.engine.library();
    let other = library
        .create_collection("Other".into(), "green".into(), CollectionSettings::default())
        .await
        .expect("made");
    let python = named(&desk.engine, "python.txt").await.expect("there");
    let paid = embedded_texts(&desk.simulator);
    library.move_documents(vec![python.id], other.id.clone()).await.expect("moved");
    while !library.active_ingests().await.expect("runs").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(embedded_texts(&desk.simulator), paid);
    let within = |collection: &str| PassageQuery {
        collections: vec![collection.to_owned()],
        ..question("Python data analysis")
    };
    let found = library.search_passages(within(&other.id)).await.expect("found");
    assert!(found.hits[0].title == "python.txt" && found.hits[0].distance.is_some(), "{found:?}");
    let found = library.search_passages(within("library")).await.expect("found");
    assert!(found.hits.iter().all(|hit| hit.title != "python.txt"), "{found:?}");
    assert!(library.verify_vectors().await.expect("verified").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_narrowed_by_format_date_and_document() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let paths = vec![
        write(folder.path(), "a.txt", "The tide is high at noon."),
        write(folder.path(), "b.md", "# Sea\n\nThe tide is low at six."),
        write(folder.path(), "c.csv", "what,when\ntide,midnight\n"),
    ];
    add(&desk.engine, None, paths).await;
    let library = desk.engine.library();
    let titles = |query: PassageQuery| {
        let library = library.clone();
        async move {
            let found = library.search_passages(query).await.expect("found");
            let mut titles: Vec<String> = found.hits.into_iter().map(|hit| hit.title).collect();
            titles.sort();
            titles
        }
    };
    let all = question("tide");
    assert_eq!(titles(all.clone()).await, ["a.txt", "b.md", "c.csv"]);
    let formats = vec!["markdown".to_owned(), "csv".to_owned()];
    assert_eq!(titles(PassageQuery { formats, ..all.clone() }).await, ["b.md", "c.csv"]);
    let b = named(&desk.engine, "b.md").await.expect("there");
    assert_eq!(titles(PassageQuery { documents: vec![b.id], ..all.clone() }).await, ["b.md"]);
    let later = Some(Timestamp(b.added_at.0 + 3_600_000));
    for mode in [SearchMode::Hybrid, SearchMode::Vector, SearchMode::Keyword] {
        assert!(titles(PassageQuery { added_since: later, mode, ..all.clone() }).await.is_empty());
        let since = Some(Timestamp(b.added_at.0 - 3_600_000));
        assert_eq!(titles(PassageQuery { added_since: since, mode, ..all.clone() }).await.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_behind_a_password_is_read_when_it_is_given() {
    let Some(corpora) = corpora() else {
        println!("no corpora here: set EDGEWISE_CORPORA");
        return;
    };
    let path =
        corpora.join("documents/py-pdf/005-libreoffice-writer-password/libreoffice-writer-password.pdf");
    if !path.is_file() {
        println!("not in the corpora: {}", path.display());
        return;
    }
    let desk = Desk::open().await;
    add(&desk.engine, None, vec![path]).await;
    let document = documents(&desk.engine).await.remove(0);
    let is_locked = |document: &Document| matches!(&document.state, DocumentState::Failed { fault } if fault.code == FaultCode::FileEncrypted);
    assert!(is_locked(&document), "{document:?}");
    for (password, opens) in [("wrong", false), ("openpassword", true)] {
        let (teller, events) = unbounded_channel();
        let library = desk.engine.library();
        library.retry_document(document.id.clone(), Some(password.into()), teller).await.expect("begun");
        accept_all(&desk.engine, events).await;
        let now = documents(&desk.engine).await.remove(0);
        assert_eq!(is_locked(&now), !opens, "{password}: {now:?}");
        assert_eq!(now.passages > 0, opens, "{password}: {now:?}");
    }
}

fn page(path: &str, then: Effects) -> Rule {
    Rule { when: When { path: Some(path.into()), ..When::default() }, times: None, then }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_leads_to_no_private_place_and_has_an_end() {
    let desk = Desk::open().await;
    let here = desk.simulator.base_url();
    let html = |body: String| RawAnswer {
        content_type: "text/html; charset=utf-8".into(),
        body: Some(body),
        body_base64: None,
    };
    let leads = |to: String| Effects { redirect: Some(to), ..Effects::default() };
    let says = |body: String| Effects { answer: Some(html(body)), status: Some(200), ..Effects::default() };
    desk.scenario(Scenario {
        rules: vec![
            page("/inside", leads("http://192.168.0.1/router".into())),
            page("/metadata", leads("http://169.254.169.254/latest".into())),
            page("/file", leads("file:///etc/passwd".into())),
            page("/circle", leads(format!("{here}/circle"))),
            page("/moved", leads(format!("{here}/tides"))),
            page("/tides", says("<article><h1>Tides</h1><p>The moon pulls the sea.</p></article>".into())),
            page("/endless", says("x".repeat(33 << 20))),
        ],
    });
    let library = desk.engine.library();
    for (path, code) in [
        ("inside", FaultCode::InvalidInput),
        ("metadata", FaultCode::InvalidInput),
        ("file", FaultCode::InvalidInput),
        ("circle", FaultCode::InvalidInput),
    ] {
        let fault = library.add_address(None, format!("{here}/{path}"), engine::Nowhere).await;
        assert_eq!(fault.expect_err(path).code, code, "{path}");
    }
    let endless = library.add_address(None, format!("{here}/endless"), engine::Nowhere).await;
    endless.expect_err("more than a page may hold");
    assert!(documents(&desk.engine).await.is_empty(), "nothing of it was kept");
    let (teller, events) = unbounded_channel();
    library.add_address(None, format!("{here}/moved"), teller).await.expect("followed");
    assert_eq!(accept_all(&desk.engine, events).await.1.finished().0, 1);
    let address = documents(&desk.engine).await.remove(0).address;
    assert_eq!(address, Some(format!("{here}/tides")), "where it was found in the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_reading_are_the_persons() {
    let desk = Desk::open().await;
    let mut settings = desk.engine.settings().settings().await.expect("settings");
    settings.largest_document_mib = 1;
    desk.engine.settings().save_settings(settings).await.expect("saved");
    let folder = tempfile::tempdir().expect("folder");
    let large = write(folder.path(), "large.md", &long_text(40, 3_000));
    assert!(std::fs::metadata(&large).expect("a file").len() > 1 << 20);
    let told = add(&desk.engine, None, vec![large, write(folder.path(), "a.txt", SENTENCES[0].1)]).await;
    assert_eq!(told.finished().0, 1, "{:?}", told.events);
    let too_large = told.events.iter().any(
        |event| matches!(event, IngestEvent::Skipped { file } if file.fault.code == FaultCode::FileTooLarge),
    );
    assert!(too_large, "{:?}", told.events);
}

/// Of a gigabyte each, sparse: nothing of them is read, copied or held.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_gigabyte_are_left_out_by_their_size() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    for (name, begin) in [("log.txt", "A first line.\n"), ("book.pdf", "%PDF-1.7\n")] {
        let path = write(folder.path(), name, begin);
        std::fs::File::options().write(true).open(path).expect("opened").set_len(1 << 30).expect("made long");
    }
    write(folder.path(), "python.txt", SENTENCES[1].1);
    let begun = std::time::Instant::now();
    let told = add(&desk.engine, None, vec![folder.path().to_owned()]).await;
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    let skipped = told.events.iter().filter(
        |event| matches!(event, IngestEvent::Skipped { file } if file.fault.code == FaultCode::FileTooLarge),
    );
    assert_eq!((skipped.count(), told.finished().0), (2, 1), "{:?}", told.events);
    let originals = std::fs::read_dir(desk.folder.path().join("files/documents")).expect("originals");
    assert_eq!(originals.count(), 1, "only the one that was read is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_vanishes_after_it_was_listed_costs_only_itself() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let count = 60;
    let paths: Vec<_> = (0..count)
        .map(|number| write(folder.path(), &format!("{number:03}.txt"), &format!("Note {number} on tides.")))
        .collect();
    let (teller, mut events) = unbounded_channel();
    desk.engine
        .library()
        .add_files_unasked(None, vec![folder.path().to_owned()], teller)
        .await
        .expect("begun");
    let mut told = Vec::new();
    loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time").expect("an event");
        let (is_listed, is_last) =
            (matches!(event, IngestEvent::Counting { .. }), matches!(event, IngestEvent::Finished { .. }));
        told.push(event);
        if is_listed {
            // The last is read last.
            std::fs::remove_file(&paths[count - 1]).expect("removed");
        }
        if is_last {
            break;
        }
    }
    let told = Told { events: told };
    assert_eq!((told.finished().0, told.finished().1), (59, 1), "{:?}", told.events.last());
    let gone = named(&desk.engine, "059.txt").await.expect("it is said what became of it");
    let DocumentState::Failed { fault } = gone.state else { panic!("{:?}", gone.state) };
    assert_eq!(fault.code, FaultCode::FileUnreadable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_while_it_is_read_is_kept_as_it_was_read() {
    use std::io::Write;
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("folder");
    let path =
        write(folder.path(), "log.txt", &"The tide was high at noon, and so it was noted.\n".repeat(40_000));
    let (growing, stop) = (path.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let stopped = std::sync::Arc::clone(&stop);
    let writer = std::thread::spawn(move || {
        let mut file = std::fs::File::options().append(true).open(growing).expect("opened");
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            file.write_all(b"The tide was low at six, and so it was noted.\n").expect("written");
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    });
    let told = add(&desk.engine, None, vec![path.clone()]).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().expect("written to the end");
    assert_eq!(told.finished().0, 1, "{:?}", told.events.last());
    let document = named(&desk.engine, "log.txt").await.expect("a document");
    let kept = desk.engine.library().document_bytes(document.id.clone()).await.expect("its original").1;
    assert_eq!(kept.len() as u64, document.size);
    let now = std::fs::read(&path).expect("read");
    assert!(now.len() > kept.len() && now.starts_with(&kept), "what was kept is how it was at a moment");
    let text = desk.engine.library().document_text(document.id).await.expect("text").text;
    assert_eq!(
        text.trim_end(),
        String::from_utf8(kept).expect("text").trim_end(),
        "and that is what was read"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_time_for_reading_is_the_persons() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("folder");
    // A reader that never answers.
    let reader = write(folder.path(), "reader", "#!/bin/sh\nexec sleep 60\n");
    std::fs::set_permissions(&reader, std::fs::Permissions::from_mode(0o700)).expect("a program");
    let (data, simulator) =
        (tempfile::tempdir().expect("folder"), Simulator::start(Default::default()).await);
    let simulator = simulator.expect("simulator");
    let options = crate::desk::options(data.path(), &simulator.base_url());
    let engine = Engine::open(engine::Options { reader: Some(reader), ..options }).await;
    let desk = Desk::of(engine, simulator, data);
    let mut settings = desk.engine.settings().settings().await.expect("settings");
    settings.reading_wall_s = 0;
    let refused = desk.engine.settings().save_settings(settings.clone()).await.expect_err("no time at all");
    assert_eq!(refused.code, FaultCode::InvalidInput);
    settings.reading_wall_s = 1;
    desk.engine.settings().save_settings(settings).await.expect("saved");
    let told = add(&desk.engine, None, vec![write(folder.path(), "a.txt", SENTENCES[0].1)]).await;
    assert_eq!(told.finished().1, 1, "{:?}", told.events);
    let document = named(&desk.engine, "a.txt").await.expect("a document");
    let DocumentState::Failed { fault } = document.state else { panic!("{:?}", document.state) };
    let detail = fault.detail.unwrap_or_default();
    assert_eq!((fault.code, detail.as_str()), (FaultCode::FileUnreadable, "reading took longer than 1 s"));
}
