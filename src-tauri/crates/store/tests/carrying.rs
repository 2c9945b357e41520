//! Backups, exports and imports: what comes back equals what went out, and hostile files are refused.

mod common;

use common::{NOW, ending, new_conversation, new_message, say, texts};
use domain::{
    AttachmentId, ConversationOptions, Draft, Fault, FaultCode, MessageStatus, Parameters, SourceRef,
    ToolCall, Usage,
};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use store::rusqlite::Connection;
use store::{
    DATABASE, Ending, Error, ExportFormat, Imported, NewAttachment, NewConversation, Place, Store, Turn,
    Where,
};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

fn open() -> (TempDir, Store) {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path(), NOW).expect("opens");
    (dir, store)
}

/// A history with everything in it: versions, files, sources, tools, faults, settings, a ledger, markup in every text.
fn rich(store: &Store) -> AttachmentId {
    let png = NewAttachment { name: "<b>cat</b>.png", media_type: "image/png", pixels: Some((2, 3)) };
    let file = store.add_attachment(&png, b"\x89PNG not really", NOW).expect("stored");
    let options = ConversationOptions {
        model: Some("@cf/meta/llama".into()),
        system: Some("Be brief".into()),
        parameters: Parameters { temperature: Some(0.5), stop: vec!["END".into()], ..Parameters::default() },
        ..ConversationOptions::default()
    };
    let mut question = new_message("q", "What is <script>alert(1)</script> & \"这个\"?");
    question.attachments.push(file.id.clone());
    let turn = Turn {
        conversation: Where::New(Box::new(NewConversation { options, ..new_conversation("rich") })),
        place: Place::End,
        question: Some(question),
        answer: store::NewMessage { model: Some("@cf/meta/llama".into()), ..new_message("a1", "") },
        run: "r1".into(),
        at: NOW,
    };
    store.begin_turn(&turn).expect("begun");
    let source = SourceRef {
        n: 1,
        document: "d".into(),
        title: "Lease <1>".into(),
        page: Some(12),
        passage: "p".into(),
        score: 0.75,
        distance: Some(0.125),
        start: Some(7),
        end: Some(18),
        text: "the passage".into(),
    };
    let tool = ToolCall { id: "t".into(), name: "clock".into(), arguments: "{}".into() };
    let usage = Usage { input_tokens: Some(3), neurons: Some(1.5), ..Usage::default() };
    let first = Ending {
        thinking: Some("hm <i>".into()),
        usage: Some(usage.clone()),
        tool_calls: vec![tool],
        sources: vec![source],
        pictures: vec!["pic".into()],
        dropped_parameters: vec!["seed".into()],
        ..ending(&"a1".into(), "A **script** [1]")
    };
    store.end_answer(&first).expect("ended");
    let again = Turn {
        conversation: Where::Existing("rich".into()),
        place: Place::Beside("a1".into()),
        question: None,
        answer: new_message("a2", ""),
        run: "r2".into(),
        at: NOW,
    };
    store.begin_turn(&again).expect("begun");
    let cut = Ending {
        status: MessageStatus::Failed,
        fault: Some(Fault::new(FaultCode::StreamCut)),
        ..ending(&"a2".into(), "A scr")
    };
    store.end_answer(&cut).expect("ended");
    store.select_version(&"a1".into()).expect("shown");
    say(store, "rich", 7, "and then?", "then that");
    store.rename_conversation(&"rich".into(), "A <title> & more").expect("named");
    store.set_pinned(&"rich".into(), true).expect("pinned");
    say(store, "plain", 1, "hello", "hello to you");
    store.set_archived(&"plain".into(), true).expect("archived");
    store
        .create_conversation(&NewConversation { temporary: true, ..new_conversation("temporary") })
        .expect("made");
    say(store, "temporary", 1, "a private thing", "yes");
    file.id
}

fn json(store: &Store) -> String {
    let mut out = Vec::new();
    store.export(&[], ExportFormat::Json, &mut out).expect("exported");
    String::from_utf8(out).expect("text")
}

fn exported(store: &Store, format: ExportFormat) -> String {
    let mut out = Vec::new();
    store.export(&["rich".into()], format, &mut out).expect("exported");
    String::from_utf8(out).expect("text")
}

#[test]
fn json_goes_out_and_comes_back_the_same_as_often_as_one_likes() {
    let (_dir, store) = open();
    let file = rich(&store);
    let out = json(&store);
    assert!(!out.contains("a private thing"), "temporary conversations stay");
    let (_other_dir, other) = open();
    let imported = other.import(&mut out.as_bytes(), NOW).expect("imported");
    assert_eq!(imported, Imported { conversations: 2, messages: 7, left_out: 0 });
    assert_eq!(json(&other), out, "nothing is lost and nothing added");
    assert_eq!(other.attachment_bytes(&file).expect("bytes"), b"\x89PNG not really");
    assert_eq!(other.search("then that", 5).expect("search").len(), 1);
    let again = other.import(&mut out.as_bytes(), NOW).expect("imported");
    assert_eq!(again, Imported::default(), "a second import changes nothing");
    assert_eq!(json(&other), out);
    store.import(&mut out.as_bytes(), NOW).expect("into its own store");
    assert_eq!(json(&store), out);
}

#[test]
fn an_import_adds_what_is_missing_and_keeps_what_is_shown() {
    let (_dir, store) = open();
    say(&store, "c", 1, "one", "two");
    let early = json(&store);
    say(&store, "c", 2, "three", "four");
    let late = json(&store);
    let (_other_dir, other) = open();
    other.import(&mut early.as_bytes(), NOW).expect("imported");
    let imported = other.import(&mut late.as_bytes(), NOW).expect("imported");
    assert_eq!(imported, Imported { conversations: 0, messages: 2, left_out: 0 });
    other.delete_conversation(&"c".into(), NOW).expect("deleted");
    other.import(&mut late.as_bytes(), NOW).expect("imported");
    assert!(other.conversation(&"c".into()).is_ok(), "what is imported again comes back from the trash");
}

#[test]
fn odd_entries_are_left_out_and_counted() {
    let (_dir, store) = open();
    let text = r#"{"format":"edgewise.conversations","version":1,"conversations":[
        {"conversation":{"id":"a"},"messages":[{"id":"m","strange":true}]},
        {"conversation":7,"messages":[]}],
        "attachments":[{"id":"00","name":"x","mediaType":"text/plain","size":1,"data":"!"}]}"#;
    let imported = store.import(&mut text.as_bytes(), NOW).expect("imported");
    assert_eq!(imported, Imported { conversations: 1, messages: 0, left_out: 3 });
    for (text, code) in [
        ("", FaultCode::InvalidInput),
        ("hello", FaultCode::InvalidInput),
        ("{}", FaultCode::InvalidInput),
        (r#"{"format":"edgewise.conversations","version":2}"#, FaultCode::DatabaseNewer),
        (r#"{"format":"other","version":1}"#, FaultCode::InvalidInput),
        ("[1,", FaultCode::InvalidInput),
    ] {
        let error = store.import(&mut text.as_bytes(), NOW).expect_err("refused");
        assert_eq!(error.fault().code, code, "{text}");
    }
}

#[test]
fn markdown_and_html_hold_the_shown_path_and_html_is_safe() {
    let (_dir, store) = open();
    rich(&store);
    let markdown = exported(&store, ExportFormat::Markdown);
    assert!(markdown.starts_with("# A <title> & more\n"), "{markdown}");
    for part in
        ["## You", "## Assistant (@cf/meta/llama)", "A **script** [1]", "[1] Lease <1>, p. 12", "then that"]
    {
        assert!(markdown.contains(part), "{part} in {markdown}");
    }
    assert!(!markdown.contains("A scr\n"), "the version that is not shown is not in it");
    let html = exported(&store, ExportFormat::Html);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;这个&quot;"), "{html}");
    assert!(html.contains("src=\"data:image/png;base64,"), "the picture is in the page");
    assert!(html.contains("alt=\"&lt;b&gt;cat&lt;/b&gt;.png\""));
    assert!(!html.contains("<script") && html.contains("default-src 'none'"));
    let (dir, file) = (tempfile::tempdir().expect("folder"), "out.html");
    store.export_file(&[], ExportFormat::Html, &dir.path().join(file)).expect("written");
    assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
}

/// The shape of ChatGPT's export: a system node, a hidden tool node, two versions of an answer.
const CHATGPT: &str = r#"[{"title":"Tea","create_time":1700000000.5,"update_time":1700000100.0,"conversation_id":"conv-1","id":"conv-1",
 "current_node":"n6","mapping":{
 "n0":{"id":"n0","message":null,"parent":null,"children":["n1"]},
 "n1":{"id":"n1","message":{"id":"n1","author":{"role":"system"},"content":{"content_type":"text","parts":[""]}},"parent":"n0","children":["n2"]},
 "n2":{"id":"n2","message":{"id":"n2","author":{"role":"user"},"create_time":1700000001.0,"content":{"content_type":"multimodal_text","parts":["How long 泡茶?",{"content_type":"image_asset_pointer","asset_pointer":"x"}]}},"parent":"n1","children":["n3","n5"]},
 "n3":{"id":"n3","message":{"id":"n3","author":{"role":"assistant"},"content":{"content_type":"text","parts":["Two minutes"]},"metadata":{"model_slug":"gpt-4"}},"parent":"n2","children":[]},
 "n5":{"id":"n5","message":{"id":"n5","author":{"role":"tool"},"content":{"content_type":"text","parts":["lookup"]}},"parent":"n2","children":["n6"]},
 "n6":{"id":"n6","message":{"id":"n6","author":{"role":"assistant"},"content":{"content_type":"code","language":"python","text":"print(3)"}},"parent":"n5","children":[]}}},
 {"title":"Empty","create_time":1,"mapping":{}}, 17]"#;

#[test]
fn chatgpts_export_becomes_a_tree_and_a_second_import_changes_nothing() {
    let (dir, store) = open();
    let file = dir.path().join("export.zip");
    let mut zip = ZipWriter::new(File::create(&file).expect("made"));
    zip.start_file("conversations.json", SimpleFileOptions::default()).expect("begun");
    zip.write_all(CHATGPT.as_bytes()).expect("written");
    zip.finish().expect("finished");
    let imported = store.import_file(&file, NOW).expect("imported");
    assert_eq!(imported, Imported { conversations: 1, messages: 3, left_out: 2 });
    assert_eq!(texts(&store, "conv-1"), ["How long 泡茶?\n\n[image]", "```python\nprint(3)\n```"]);
    let first = store.message(&"n3".into()).expect("the other version");
    assert_eq!((first.version, first.versions), (1, 2));
    assert_eq!(first.message.model.map(|model| model.0).as_deref(), Some("gpt-4"));
    assert_eq!(store.conversation(&"conv-1".into()).expect("row").updated_at.0, 1_700_000_100_000);
    let out = json(&store);
    assert_eq!(store.import(&mut CHATGPT.as_bytes(), NOW).expect("imported").messages, 0);
    assert_eq!(json(&store), out);
    assert_eq!(store.search("泡茶", 5).expect("search").len(), 1);
}

fn backed_up(store: &Store, dir: &Path) -> PathBuf {
    let file = dir.join("backup.zip");
    store.backup(&file, NOW).expect("backed up");
    file
}

#[test]
fn a_backup_brings_everything_back_and_the_present_state_is_copied_first() {
    let (dir, store) = open();
    let attachment = rich(&store);
    store.set_draft(None, &Draft::from("a draft".to_owned())).expect("kept");
    store.set_value("settings/zoom", &1.25).expect("set");
    fs::create_dir_all(dir.path().join("files/pictures/2026")).expect("made");
    fs::write(dir.path().join("files/pictures/2026/cat.png"), b"a cat").expect("written");
    let before = json(&store);
    let out = tempfile::tempdir().expect("folder");
    let file = backed_up(&store, out.path());
    assert_eq!(fs::read_dir(out.path()).expect("listed").count(), 1, "nothing but the backup");

    let (other_dir, other) = open();
    say(&other, "mine", 1, "was here", "before");
    fs::create_dir_all(other_dir.path().join("files/pictures/2026")).expect("made");
    fs::write(other_dir.path().join("files/pictures/2026/cat.png"), b"another cat").expect("written");
    let restored = other.restore(&file, NOW).expect("restored");
    assert_eq!((restored.conversations, restored.files), (2, 2));
    assert_eq!(json(&other), before);
    assert_eq!(other.draft(None).expect("read").text, "a draft");
    assert_eq!(other.settings().expect("read").zoom, 1.25);
    assert_eq!(other.attachment_bytes(&attachment).expect("bytes"), b"\x89PNG not really");
    assert_eq!(fs::read(other_dir.path().join("files/pictures/2026/cat.png")).expect("read"), b"a cat");
    let replaced = fs::read_dir(other_dir.path())
        .expect("listed")
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("replaced-"));
    let replaced = replaced.expect("set aside").path().join("files/pictures/2026/cat.png");
    assert_eq!(fs::read(replaced).expect("read"), b"another cat");
    assert!(other.search("private", 5).expect("search").is_empty(), "temporary conversations stay behind");
    assert!(other.integrity().expect("checked").is_empty());
    let copy = other.copies().remove(0);
    drop(other);
    let store = Store::restore_copy(other_dir.path(), &copy.name, NOW).expect("undone");
    assert_eq!(texts(&store, "mine"), ["was here", "before"]);
}

#[test]
fn readers_see_the_restored_history_at_once() {
    let (dir, store) = open();
    say(&store, "old", 1, "old", "old");
    let file = backed_up(&store, dir.path());
    say(&store, "new", 2, "new", "new");
    assert_eq!(store.conversations(0, 9, false).expect("list").conversations.len(), 2);
    store.restore(&file, NOW).expect("restored");
    let list = store.conversations(0, 9, false).expect("list").conversations;
    assert_eq!(list.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["old"]);
    say(&store, "after", 3, "still", "works");
}

/// The entries of a backup, to be changed and written again.
fn entries(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(File::open(file).expect("opened")).expect("a zip");
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).expect("entry");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("read");
            (entry.name().expect("named").into_owned(), bytes)
        })
        .collect()
}

fn write_entries(file: &Path, entries: &[(String, Vec<u8>)]) {
    let mut zip = ZipWriter::new(File::create(file).expect("made"));
    for (name, bytes) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).expect("begun");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("finished");
}

/// Changes the database within a backup with SQL.
fn with_sql(entries: &mut [(String, Vec<u8>)], sql: &str) {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("x.sqlite");
    let database = entries.iter_mut().find(|entry| entry.0 == DATABASE).expect("there");
    fs::write(&path, &database.1).expect("written");
    Connection::open(&path).expect("opened").execute_batch(sql).expect(sql);
    database.1 = fs::read(&path).expect("read");
}

#[test]
fn hostile_backups_are_refused_and_nothing_changes() {
    type Spoil = fn(&mut Vec<(String, Vec<u8>)>);
    let cases: [(&str, Spoil); 14] = [
        ("a trigger", |all| {
            with_sql(all, "CREATE TRIGGER t AFTER INSERT ON draft BEGIN DELETE FROM conversation; END;")
        }),
        ("a view", |all| with_sql(all, "CREATE VIEW v AS SELECT load_extension('x');")),
        ("a virtual table", |all| with_sql(all, "CREATE VIRTUAL TABLE spy USING fts5(a);")),
        ("a view in place of a table", |all| {
            with_sql(all, "DROP TABLE draft; CREATE VIEW draft AS SELECT '' AS conversation, '' AS text;")
        }),
        ("a table changed", |all| with_sql(all, "ALTER TABLE message ADD COLUMN extra TEXT;")),
        ("another application", |all| with_sql(all, "PRAGMA application_id = 7;")),
        ("a newer version", |all| with_sql(all, "PRAGMA user_version = 99;")),
        ("a damaged database", |all| {
            let database = all.iter_mut().find(|entry| entry.0 == DATABASE).expect("there");
            database.1[8_192..12_288].fill(0x5a);
        }),
        ("a path out of the folder", |all| all.push(("files/../../evil".into(), b"x".to_vec()))),
        ("an absolute path", |all| all.push(("/etc/evil".into(), b"x".to_vec()))),
        ("a strange file", |all| all.push(("edgewise.lock".into(), b"x".to_vec()))),
        ("an attachment that is not its hash", |all| {
            let file = all.iter_mut().find(|entry| entry.0.starts_with("files/attachments")).expect("there");
            file.1 = b"other".to_vec();
        }),
        ("no manifest", |all| all.retain(|entry| entry.0 != "manifest.json")),
        ("no database", |all| all.retain(|entry| entry.0 != DATABASE)),
    ];
    let (dir, store) = open();
    rich(&store);
    let file = backed_up(&store, dir.path());
    let whole = entries(&file);
    let before = json(&store);
    for (name, spoil) in cases {
        let mut changed = whole.clone();
        spoil(&mut changed);
        write_entries(&file, &changed);
        let error = store.restore(&file, NOW).expect_err(name);
        assert!(
            matches!(error, Error::Invalid(_) | Error::Damaged(_) | Error::Newer { .. }),
            "{name}: {error:?}"
        );
        assert_eq!(json(&store), before, "{name}");
        let left = fs::read_dir(dir.path()).expect("listed").flatten();
        let left: Vec<_> =
            left.filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp")).collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
    write_entries(&file, &whole);
    store.restore(&file, NOW).expect("the control: unchanged entries are accepted");
}

#[test]
fn a_cut_or_changed_backup_is_refused() {
    let (dir, store) = open();
    rich(&store);
    let file = backed_up(&store, dir.path());
    let whole = fs::read(&file).expect("read");
    let before = json(&store);
    let mut random = common::Random(7);
    for trial in 0..60 {
        let mut bytes = whole.clone();
        if trial % 2 == 0 {
            bytes.truncate(random.below(whole.len()));
        } else {
            let at = random.below(whole.len());
            bytes[at] ^= 1 << random.below(8);
        }
        fs::write(&file, &bytes).expect("written");
        // A flip in a field that nobody reads (a time, an attribute) harms nothing; any other is noticed.
        drop(store.restore(&file, NOW));
        assert_eq!(json(&store), before, "trial {trial}");
    }
}

#[test]
fn a_table_that_is_not_known_here_is_only_data() {
    let (dir, store) = open();
    say(&store, "c", 1, "q", "a");
    let file = backed_up(&store, dir.path());
    let mut all = entries(&file);
    with_sql(&mut all, "CREATE TABLE vectors_x (a BLOB); INSERT INTO vectors_x VALUES (x'00');");
    write_entries(&file, &all);
    store.restore(&file, NOW).expect("restored");
    assert_eq!(texts(&store, "c").len(), 2);
}
