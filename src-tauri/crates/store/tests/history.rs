//! Conversations, turns and what belongs to them, on a real file.

mod common;

use common::{NOW, begin, ending, new_conversation, new_message, say, texts};
use domain::{
    Account, AccountKey, ConversationId, ConversationOptions, Draft, Fault, FaultCode, Finish, KeptIn,
    LedgerEntry, MessageId, MessageStatus, ModelId, QueuedMessage, RunId, Settings, Timestamp, Usage,
};
use store::{Ending, Error, NewAttachment, Place, Store, Turn, Where};
use tempfile::TempDir;

fn open() -> (TempDir, Store) {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path(), NOW).expect("opens");
    (dir, store)
}

fn ids(store: &Store) -> Vec<String> {
    let page = store.conversations(0, 100, false).expect("list");
    page.conversations.into_iter().map(|row| row.id.0).collect()
}

#[test]
fn a_turn_is_found_again_after_closing() {
    let (dir, store) = open();
    say(&store, "c", 1, "What is a neuron?", "A unit of cost.");
    drop(store);
    let store = Store::open(dir.path(), NOW).expect("opens again");
    assert_eq!(texts(&store, "c"), ["What is a neuron?", "A unit of cost."]);
    assert!(store.recover(NOW).expect("recovers").is_empty(), "nothing was cut");
}

#[test]
fn everything_an_answer_ends_with_is_read_back() {
    let (_dir, store) = open();
    let (_, answer) = begin(&store, "c", 1, "Why?");
    let usage = Usage { input_tokens: Some(12), neurons: Some(3.5), ..Usage::default() };
    let whole = Ending {
        status: MessageStatus::Failed,
        thinking: Some("hm".into()),
        thinking_ms: Some(7),
        fault: Some(Fault::new(FaultCode::StreamCut).with_detail("after 5 characters")),
        finish: Some(Finish::Length),
        usage: Some(usage.clone()),
        first_token_ms: Some(120),
        stream_ms: Some(900),
        pictures: vec!["p1".into()],
        dropped_parameters: vec!["seed".into(), "top_k".into()],
        ..ending(&answer, "Because")
    };
    store.end_answer(&whole).expect("ends");
    let read = store.message(&answer).expect("there").message;
    assert_eq!(read.status, MessageStatus::Failed);
    assert_eq!(
        (read.text.as_str(), read.thinking.as_deref(), read.thinking_ms),
        ("Because", Some("hm"), Some(7))
    );
    assert_eq!((read.fault, read.finish, read.usage), (whole.fault, whole.finish, Some(usage)));
    assert_eq!((read.first_token_ms, read.stream_ms), (Some(120), Some(900)));
    assert_eq!(read.pictures, ["p1"]);
    assert_eq!(read.dropped_parameters, ["seed", "top_k"]);
    assert_eq!(read.parent, Some(MessageId::from("c-q1")));
}

#[test]
fn an_answer_whose_process_died_is_kept_as_interrupted_and_can_go_on() {
    let (dir, store) = open();
    let (_, answer) = begin(&store, "c", 1, "Tell me");
    store.journal_answer(&answer, "Once ", "").expect("journalled");
    store.journal_answer(&answer, "Once upon 从前", "let me think").expect("journalled");
    store.note_dropped_parameters(&answer, &["seed".into()]).expect("noted");
    assert_eq!(store.active_runs().expect("runs").len(), 1);
    assert_eq!(
        store.message(&answer).expect("there").message.text,
        "Once upon 从前",
        "readable while it streams"
    );
    drop(store);

    let store = Store::open(dir.path(), NOW).expect("opens");
    assert_eq!(store.recover(NOW).expect("recovers"), std::slice::from_ref(&answer));
    let read = store.message(&answer).expect("there").message;
    assert_eq!(read.status, MessageStatus::Interrupted);
    assert_eq!((read.text.as_str(), read.thinking.as_deref()), ("Once upon 从前", Some("let me think")));
    assert_eq!(read.dropped_parameters, ["seed"]);
    let late = store.note_dropped_parameters(&answer, &["top_k".into()]);
    assert!(matches!(late, Err(Error::NotFound(_))), "only while it streams");
    assert!(store.active_runs().expect("runs").is_empty());
    assert_eq!(store.search("从前", 10).expect("search").len(), 1, "what was recovered can be found");

    store.begin_continuation(&answer, &RunId::from("r2"), NOW).expect("goes on");
    store.journal_answer(&answer, "Once upon 从前 a time", "let me think").expect("journalled");
    drop(store);
    let store = Store::open(dir.path(), NOW).expect("opens");
    store.recover(NOW).expect("recovers");
    assert_eq!(store.message(&answer).expect("there").message.text, "Once upon 从前 a time");
}

#[test]
fn an_answer_that_became_shorter_is_refused_and_the_journal_stays() {
    let (_dir, store) = open();
    let (_, answer) = begin(&store, "c", 1, "?");
    store.journal_answer(&answer, "four", "").expect("journalled");
    assert!(matches!(store.journal_answer(&answer, "fo", ""), Err(Error::Invalid(_))));
    assert_eq!(store.message(&answer).expect("there").message.text, "four");
}

#[test]
fn versions_are_counted_and_selecting_one_shows_its_branch() {
    let (_dir, store) = open();
    let (question, first) = say(&store, "c", 1, "Q", "A1");
    say(&store, "c", 2, "Q2", "A2");
    let again = Turn {
        conversation: Where::Existing("c".into()),
        place: Place::Beside(first.clone()),
        question: None,
        answer: new_message("again", ""),
        run: "r-again".into(),
        at: NOW,
    };
    store.begin_turn(&again).expect("another version");
    store.end_answer(&ending(&again.answer.id, "A1b")).expect("ends");
    assert_eq!(texts(&store, "c"), ["Q", "A1b"]);
    let stored = store.message(&again.answer.id).expect("there");
    assert_eq!((stored.version, stored.versions), (2, 2));
    assert_eq!(stored.siblings, [first.clone(), again.answer.id]);
    store.select_version(&first).expect("selected");
    assert_eq!(texts(&store, "c"), ["Q", "A1", "Q2", "A2"], "what was shown below comes back");

    let edited = Turn {
        conversation: Where::Existing("c".into()),
        place: Place::Beside(question),
        question: Some(new_message("edited", "Q'")),
        answer: new_message("edited-a", ""),
        run: "r-edited".into(),
        at: NOW,
    };
    store.begin_turn(&edited).expect("an edited question");
    assert_eq!(texts(&store, "c"), ["Q'", ""]);
    assert_eq!(store.message(&"edited".into()).expect("there").versions, 2);
}

#[test]
fn a_fork_has_the_path_up_to_its_message_and_its_own_ids() {
    let (_dir, store) = open();
    let (_, first) = say(&store, "c", 1, "Q1", "A1");
    say(&store, "c", 2, "Q2", "A2");
    let mut number = 0;
    let mut next = || {
        number += 1;
        MessageId(format!("f{number}"))
    };
    let forked = store.fork_conversation(&first, &new_conversation("f"), "Fork", &mut next).expect("forked");
    assert_eq!(forked.title, "Fork");
    assert_eq!(texts(&store, "f"), ["Q1", "A1"]);
    say(&store, "f", 9, "only here", "yes");
    assert_eq!(texts(&store, "c"), ["Q1", "A1", "Q2", "A2"]);
}

#[test]
fn the_list_is_ordered_paged_and_hides_archive_and_trash() {
    let (_dir, store) = open();
    for (number, name) in (1..).zip(["a", "b", "c", "d", "e"]) {
        begin(&store, name, number, "hello");
    }
    store.set_pinned(&"b".into(), true).expect("pinned");
    store.set_archived(&"d".into(), true).expect("archived");
    store.delete_conversation(&"c".into(), NOW).expect("deleted");
    assert_eq!(ids(&store), ["b", "e", "a"]);
    let page = store.conversations(1, 1, false).expect("page");
    assert_eq!((page.conversations[0].id.as_str(), page.more), ("e", true));
    assert!(page.conversations[0].streaming);
    assert_eq!(store.conversations(0, 9, true).expect("archive").conversations[0].id.as_str(), "d");
    assert_eq!(store.trash().expect("trash")[0].id.as_str(), "c");
    store.restore_conversation(&"c".into()).expect("undone");
    assert_eq!(ids(&store), ["b", "e", "c", "a"]);
}

#[test]
fn the_list_is_one_query_over_its_index() {
    let (_dir, store) = open();
    let plan: Vec<String> = store
        .read(|tx| {
            let sql = "EXPLAIN QUERY PLAN SELECT c.id FROM conversation c WHERE c.deleted_at IS NULL AND c.archived = 0
                ORDER BY c.pinned DESC, c.updated_at DESC, c.key DESC LIMIT 51";
            let mut query = tx.prepare(sql).map_err(Error::from)?;
            let rows = query.query_map([], |row| row.get(3)).map_err(Error::from)?;
            rows.collect::<Result<_, _>>().map_err(Error::from)
        })
        .expect("plan");
    assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{plan:?}");
    assert!(plan.iter().any(|step| step.contains("conversation_list")), "{plan:?}");
}

#[test]
fn odd_values_degrade_one_row_and_never_the_list() {
    let (_dir, store) = open();
    let (question, answer) = say(&store, "c", 1, "Q", "A");
    say(&store, "d", 2, "Q", "A");
    store
        .write(|tx| {
            tx.execute_batch(
                "UPDATE conversation SET options = '{\"model\":7' WHERE id = 'c';
                 UPDATE message SET status = 'pondering', role = 'oracle' WHERE id = 'c-a1';
                 UPDATE body SET usage = '[', fault = '{\"code\":\"fromTheFuture\"}', finish = 'bored', sources = '{}';",
            )
            .map_err(Error::from)
        })
        .expect("made odd");
    assert_eq!(ids(&store), ["d", "c"]);
    assert_eq!(store.options(&"c".into()).expect("options"), ConversationOptions::default());
    let read = store.message(&answer).expect("still there").message;
    assert_eq!(
        (read.text.as_str(), read.status, read.fault, read.usage),
        ("A", MessageStatus::Complete, None, None)
    );
    assert_eq!(store.path(&"c".into(), None).expect("path").len(), 2);
    assert_eq!(store.message(&question).expect("there").message.text, "Q");
}

#[test]
fn a_name_given_by_hand_is_never_overwritten() {
    let (_dir, store) = open();
    begin(&store, "c", 1, "hello");
    assert!(store.set_title_if_not_renamed(&"c".into(), "Made").expect("titled"));
    let renamed = store.rename_conversation(&"c".into(), " Mine ").expect("renamed");
    assert_eq!((renamed.title.as_str(), renamed.renamed), ("Mine", true));
    assert!(!store.set_title_if_not_renamed(&"c".into(), "Made again").expect("refused"));
    assert_eq!(store.conversation(&"c".into()).expect("row").title, "Mine");
}

#[test]
fn purging_removes_everything_but_the_ledger() {
    let (dir, store) = open();
    let file = store
        .add_attachment(
            &NewAttachment { name: "a.txt", media_type: "text/plain", pixels: None },
            b"bytes",
            NOW,
        )
        .expect("stored");
    let mut question = new_message("q", "findme");
    question.attachments.push(file.id.clone());
    let turn = Turn {
        conversation: Where::New(Box::new(new_conversation("c"))),
        place: Place::End,
        question: Some(question),
        answer: new_message("a", ""),
        run: "r".into(),
        at: NOW,
    };
    store.begin_turn(&turn).expect("begun");
    let entry = ledger_entry("c", NOW, 5.0, false);
    store.end_answer(&Ending { ledger: vec![entry], ..ending(&"a".into(), "findme too") }).expect("ended");
    store.rename_conversation(&"c".into(), "Last title").expect("renamed");
    store.delete_conversation(&"c".into(), NOW).expect("deleted");
    assert_eq!(store.search("findme", 9).expect("search").len(), 0, "the trash is not searched");
    assert_eq!(store.purge_trash(Timestamp(NOW.0 - 1)).expect("purge"), 0, "too early");
    assert_eq!(store.purge_trash(Timestamp(NOW.0 + 1)).expect("purge"), 1);
    assert!(matches!(store.message(&"a".into()), Err(Error::NotFound(_))));
    assert!(matches!(store.attachment(&file.id), Err(Error::NotFound(_))));
    let left =
        std::fs::read_dir(dir.path().join("files/attachments").join(&file.id.as_str()[..2])).expect("listed");
    assert_eq!(left.count(), 0, "its bytes are gone too");
    let report = store.usage_report(NOW, 7, None).expect("report");
    assert_eq!(report.by_conversation[0].label, "Last title");
    assert!(store.integrity().expect("checked").is_empty());
}

#[test]
fn a_temporary_conversation_is_gone_at_the_next_start() {
    let (_dir, store) = open();
    store
        .create_conversation(&store::NewConversation { temporary: true, ..new_conversation("t") })
        .expect("made");
    say(&store, "t", 1, "a secret question", "answer");
    assert_eq!(texts(&store, "t").len(), 2);
    assert!(store.search("secret", 9).expect("search").is_empty());
    store.recover(NOW).expect("recovers");
    assert!(matches!(store.conversation(&"t".into()), Err(Error::NotFound(_))));
}

#[test]
fn an_attachment_is_stored_once_and_damage_shows() {
    let (dir, store) = open();
    let new = |name| NewAttachment { name, media_type: "image/png", pixels: Some((3, 4)) };
    let one = store.add_attachment(&new("a.png"), b"same", NOW).expect("stored");
    let two = store.add_attachment(&new("b.png"), b"same", NOW).expect("stored");
    assert_eq!(one.id, two.id);
    assert_eq!(store.attachment_bytes(&one.id).expect("read"), b"same");
    assert_eq!(store.attachment(&one.id).expect("row").name, "b.png");
    let file = dir.path().join("files/attachments").join(&one.id.as_str()[..2]).join(one.id.as_str());
    std::fs::write(&file, b"sane").expect("damaged");
    assert_eq!(store.attachment_bytes(&one.id).expect_err("refused").fault().code, FaultCode::FileUnreadable);
    store.add_attachment(&new("a.png"), b"same", NOW).expect("stored again");
    assert_eq!(store.attachment_bytes(&one.id).expect("mended"), b"same");
    assert!(matches!(store.attachment_bytes(&"../../../etc/passwd".into()), Err(Error::NotFound(_))));
}

fn ledger_entry(conversation: &str, at: Timestamp, neurons: f64, estimated: bool) -> LedgerEntry {
    LedgerEntry {
        at,
        account: "acc".into(),
        model: ModelId::from("@cf/m"),
        task: "chat".into(),
        conversation: Some(ConversationId::from(conversation)),
        usage: Usage {
            input_tokens: Some(10),
            output_tokens: Some(5),
            neurons: Some(neurons),
            estimated,
            ..Usage::default()
        },
    }
}

#[test]
fn neurons_are_counted_by_utc_day_and_account() {
    let (_dir, store) = open();
    say(&store, "c", 1, "Q", "A");
    let yesterday = Timestamp(NOW.0 - 86_400_000);
    store.add_to_ledger(&ledger_entry("c", NOW, 2.0, false)).expect("added");
    store.add_to_ledger(&ledger_entry("c", NOW, 1.5, true)).expect("added");
    store.add_to_ledger(&ledger_entry("c", yesterday, 4.0, false)).expect("added");
    let demo = LedgerEntry { account: "demo".into(), ..ledger_entry("c", NOW, 100.0, false) };
    store.add_to_ledger(&demo).expect("added");
    let today = store.usage_today(NOW, None).expect("today");
    assert_eq!((today.neurons, today.estimated, today.simulated), (3.5, 1.5, false));
    let simulated = store.usage_today(NOW, Some(&"demo".into())).expect("today");
    assert_eq!((simulated.neurons, simulated.simulated), (100.0, true));
    let report = store.usage_report(NOW, 3, Some(&"acc".into())).expect("report");
    let days: Vec<_> =
        report.by_day.iter().map(|line| (line.label.as_str(), line.neurons, line.calls)).collect();
    assert_eq!(days, [("2026-11-18", 0.0, 0), ("2026-11-19", 4.0, 1), ("2026-11-20", 3.5, 2)]);
    assert_eq!(report.by_model[0].input_tokens, 30);
    assert_eq!(store.ledger(yesterday, Timestamp(NOW.0 + 1)).expect("lines").len(), 4);
}

#[test]
fn settings_survive_values_that_cannot_be_read() {
    let (_dir, store) = open();
    assert_eq!(store.settings().expect("defaults"), Settings::default());
    let changed = Settings { zoom: 1.5, soft_cap: Some(500.0), ..Settings::default() };
    store.save_settings(&changed).expect("saved");
    assert_eq!(store.settings().expect("read"), changed);
    store.set_value("settings/theme", &"from the future").expect("spoilt");
    store.set_value("settings/unheardOf", &7).expect("spoilt");
    assert_eq!(store.settings().expect("read"), changed, "one odd value costs itself only");
    store.set_value("account", &"k").expect("kept");
    assert_eq!(store.value::<String>("account").expect("read").as_deref(), Some("k"));
}

#[test]
fn accounts_keep_their_order_and_the_catalogue_is_theirs() {
    let (_dir, store) = open();
    let account = |key: &str, name: &str| Account {
        key: key.into(),
        account_id: "0".repeat(32),
        name: name.into(),
        gateway: None,
        kept_in: KeptIn::Keychain,
    };
    store.upsert_account(&account("k1", "One")).expect("added");
    store.upsert_account(&account("k2", "Two")).expect("added");
    store.upsert_account(&account("k1", "First")).expect("changed");
    let names: Vec<_> = store.accounts().expect("list").into_iter().map(|account| account.name).collect();
    assert_eq!(names, ["First", "Two"]);
    let key = AccountKey::from("k1");
    store.cache_catalogue(&key, &[], NOW).expect("kept");
    assert_eq!(store.cached_catalogue(&key).expect("read"), Some((Vec::new(), NOW)));
    store.remove_account(&key).expect("removed");
    assert_eq!(store.cached_catalogue(&key).expect("read"), None);
}

#[test]
fn a_message_is_in_the_draft_or_in_the_conversation() {
    let (_dir, store) = open();
    store.set_draft(None, &Draft::from("half a thou".to_owned())).expect("kept");
    let mut turn = Turn {
        conversation: Where::New(Box::new(new_conversation("c"))),
        place: Place::End,
        question: Some(new_message("q1", "half a thought")),
        answer: new_message("a1", ""),
        run: "r1".into(),
        at: NOW,
    };
    let typed = Draft::from("typed meanwhile".to_owned());
    store.begin_turn_leaving(&turn, &typed).expect("begun");
    assert_eq!(store.draft(None).expect("read"), Draft::default(), "sent from the empty chat");
    let id = Some(ConversationId::from("c"));
    assert_eq!(store.draft(id.as_ref()).expect("read"), typed, "what was typed meanwhile stays");
    turn = Turn {
        conversation: Where::Existing("c".into()),
        question: Some(new_message("q2", "typed meanwhile")),
        answer: new_message("a2", ""),
        run: "r2".into(),
        ..turn
    };
    store.begin_turn_leaving(&turn, &Draft::default()).expect("begun");
    assert_eq!(store.draft(id.as_ref()).expect("read"), Draft::default());
}

#[test]
fn a_draft_keeps_its_files_and_what_waits_behind_it() {
    let (_dir, store) = open();
    let new = |name| NewAttachment { name, media_type: "text/plain", pixels: None };
    let files = [("a.txt", b"one" as &[u8]), ("b.txt", b"two"), ("c.txt", b"three")]
        .map(|(name, bytes)| store.add_attachment(&new(name), bytes, NOW).expect("stored"));
    let [in_box, queued, loose] = files;
    let draft = Draft {
        text: String::new(),
        attachments: vec![in_box.clone()],
        queue: vec![QueuedMessage { text: "later".into(), attachments: vec![queued.clone()] }],
    };
    store.set_draft(Some(&"c".into()), &draft).expect("kept");
    assert_eq!(store.draft(Some(&"c".into())).expect("read"), draft);
    assert_eq!(store.remove_unused_attachments(Timestamp(NOW.0 + 1)).expect("removed"), 1);
    assert!(matches!(store.attachment(&loose.id), Err(Error::NotFound(_))));
    assert!(!store.remove_if_unused(&queued.id).expect("asked"), "the draft uses it");
    store.set_draft(Some(&"c".into()), &Draft::default()).expect("kept");
    assert!(store.remove_if_unused(&queued.id).expect("asked"));
    assert!(store.attachment_bytes(&queued.id).is_err(), "its bytes went with it");
    assert!(store.attachment(&in_box.id).is_ok(), "one at a time");
}

#[test]
fn a_turn_that_cannot_begin_leaves_nothing() {
    let (_dir, store) = open();
    say(&store, "c", 1, "Q", "A");
    let turn = Turn {
        conversation: Where::New(Box::new(new_conversation("d"))),
        place: Place::After("c-a1".into()),
        question: Some(new_message("q", "text")),
        answer: new_message("a", ""),
        run: "r".into(),
        at: NOW,
    };
    assert!(
        matches!(store.begin_turn(&turn), Err(Error::Invalid(_))),
        "the place is in another conversation"
    );
    assert_eq!(ids(&store), ["c"]);
}
