//! What was said stays: restarts, long conversations, newer and damaged databases, the trash, forks, finding.

use crate::desk::{CHAT, Desk, options};
use domain::{ConversationId, DatabaseState, FaultCode, MessageId, Role, SendRequest, Timestamp};
use engine::{Engine, ExportFormat, Nowhere};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use store::Store;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_everything_again() {
    let desk = Desk::open().await;
    let heard = desk.ask("say: 你好，世界").await;
    let conversation = heard.conversation().clone();
    desk.engine.history().rename_conversation(conversation.clone(), "Greetings".to_owned()).await.unwrap();
    desk.engine.history().pin_conversation(conversation.clone(), true).await.unwrap();
    desk.engine
        .history()
        .save_draft(Some(conversation.clone()), "half a though".to_owned().into())
        .await
        .unwrap();
    desk.engine.history().save_draft(None, "another".to_owned().into()).await.unwrap();
    let before = desk.engine.history().transcript(conversation.clone()).await.unwrap();
    let spent = desk.engine.usage().usage_today().await.unwrap().neurons;
    assert!(spent > 0.0);

    let desk = desk.restart().await;
    let after = desk.engine.history().transcript(conversation.clone()).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(after.draft.text, "half a though");
    assert_eq!(desk.engine.history().draft(None).await.unwrap().text, "another");
    assert_eq!(desk.engine.usage().usage_today().await.unwrap().neurons, spent);
    let hits = desk.engine.history().search_history("世界".to_owned(), 10).await.unwrap();
    assert!(hits.iter().any(|hit| hit.message == Some(heard.view().message.id.clone())), "{hits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_conversation_comes_back_and_a_fork_goes_its_own_way() {
    let desk = Desk::open().await;
    let history = desk.engine.history();
    let first = desk.ask("say: one").await;
    let conversation = first.conversation().clone();
    desk.ask_in(&conversation, "say: two").await;
    let fork = history.fork_conversation(first.view().message.id.clone()).await.unwrap();
    assert_eq!(history.transcript(fork.id.clone()).await.unwrap().path.len(), 2);
    desk.ask_in(&fork.id, "say: three").await;
    assert_eq!(history.transcript(conversation.clone()).await.unwrap().path.len(), 4);

    history.delete_conversation(conversation.clone()).await.unwrap();
    assert_eq!(history.conversations(0, 10, false).await.unwrap().conversations.len(), 1);
    history.undelete_conversation(conversation.clone()).await.unwrap();
    assert_eq!(history.transcript(conversation.clone()).await.unwrap().path.len(), 4);
    history.archive_conversation(conversation, true).await.unwrap();
    assert_eq!(history.conversations(0, 10, true).await.unwrap().conversations.len(), 1);
}

/// A conversation of so many pairs: an exported one of a single pair, drawn out, and imported.
async fn long_conversation(desk: &Desk, pairs: usize) -> ConversationId {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.json");
    let heard = desk.ask("say: # Part\n\nSome *text* of it.").await;
    let history = desk.engine.history();
    history
        .export_conversations(vec![heard.conversation().clone()], ExportFormat::Json, file.clone())
        .await
        .unwrap();
    let mut export: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let entry = &mut export["conversations"][0];
    let pair: Vec<Value> = entry["messages"].as_array().unwrap().clone();
    let id = |number: usize| Value::String(format!("long-{number:06}"));
    let messages = (0..pairs * 2).map(|number| {
        let mut message = pair[number % 2].clone();
        message["id"] = id(number);
        message["conversation"] = "long".into();
        message["parent"] = if number == 0 { Value::Null } else { id(number - 1) };
        message["shownChild"] = if number + 1 == pairs * 2 { Value::Null } else { id(number + 1) };
        message
    });
    entry["messages"] = messages.collect();
    entry["conversation"]["id"] = "long".into();
    entry["conversation"]["leaf"] = id(pairs * 2 - 1);
    std::fs::write(&file, export.to_string()).unwrap();
    assert_eq!(history.import_conversations(file).await.unwrap(), 1);
    "long".into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_of_ten_thousand_messages_opens_and_goes_on() {
    let desk = Desk::open().await;
    let long = long_conversation(&desk, 5_000).await;
    let desk = desk.restart().await;
    let begun = Instant::now();
    let transcript = desk.engine.history().transcript(long.clone()).await.unwrap();
    let opened = begun.elapsed();
    assert_eq!(transcript.path.len(), 10_000);
    assert_eq!(transcript.tail.len(), 20);
    assert!(opened < Duration::from_secs(1), "it took {opened:?} to open");
    let middle: Vec<MessageId> = transcript.path[5_000..5_020].iter().map(|item| item.id.clone()).collect();
    assert_eq!(desk.engine.history().messages(middle).await.unwrap().len(), 20);

    let begun = Instant::now();
    let heard = desk.ask_in(&long, "say: on").await;
    assert_eq!(heard.text(), "on");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(heard.started.path.last().map(|item| item.role), Some(Role::Assistant));
    let meter = |draft: &str| {
        let (chat, long, draft) = (desk.engine.chat(), long.clone(), draft.to_owned());
        async move {
            chat.context_meter(Some(long), domain::ConversationOptions::default(), draft, Vec::new())
                .await
                .unwrap()
        }
    };
    let first = meter("a").await;
    let begun = Instant::now();
    let second = meter("a longer draft").await;
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "typing waits for no reading: {:?}",
        begun.elapsed()
    );
    assert_eq!(first.history, second.history);
    assert!(second.draft > first.draft);
}

async fn opened(folder: &Path) -> Engine {
    Engine::open(options(folder, "http://127.0.0.1:9/nowhere")).await
}

/// The file's bytes, and those of its log.
fn bytes(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join(store::DATABASE)).unwrap()
}

/// A folder with one stored conversation and nobody who has it open.
async fn used_folder() -> tempfile::TempDir {
    let desk = Desk::open().await;
    desk.ask("say: kept").await;
    let Desk { engine, folder, simulator, news } = desk;
    engine.close().await;
    drop((engine, simulator, news));
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_and_not_touched() {
    let folder = used_folder().await;
    let file = folder.path().join(store::DATABASE);
    let connection = store::rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", store::KNOWN_VERSION + 1).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    let before = bytes(folder.path());

    let engine = opened(folder.path()).await;
    let state = engine.app().app_info().database;
    let (found, known) = (store::KNOWN_VERSION + 1, store::KNOWN_VERSION);
    assert_eq!(state, DatabaseState::Newer { found, known });
    let refused = engine.history().conversations(0, 10, false).await.unwrap_err();
    assert_eq!(refused.code, FaultCode::DatabaseNewer);
    let request = SendRequest { text: "hello".to_owned(), ..SendRequest::default() };
    assert_eq!(
        engine.chat().send_message(request, Nowhere).await.unwrap_err().code,
        FaultCode::DatabaseNewer
    );
    assert!(engine.models().catalogue(false).await.is_ok(), "what needs no database works");
    engine.close().await;
    drop(engine);
    assert_eq!(bytes(folder.path()), before, "not a byte was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_restored_from_a_copy_and_never_deleted() {
    let folder = used_folder().await;
    {
        let store = Store::open(folder.path(), Timestamp(1_790_000_000_000)).unwrap();
        store.copy_now(Timestamp(1_900_000_000_000)).unwrap();
    }
    let file = folder.path().join(store::DATABASE);
    let mut damaged = bytes(folder.path());
    damaged[..16].copy_from_slice(b"no database here");
    std::fs::write(&file, &damaged).unwrap();

    let engine = opened(folder.path()).await;
    let DatabaseState::Damaged { copies, .. } = engine.app().app_info().database else {
        panic!("it is damaged: {:?}", engine.app().app_info().database)
    };
    assert_eq!(engine.history().draft(None).await.unwrap_err().code, FaultCode::DatabaseDamaged);
    assert_eq!(bytes(folder.path()), damaged, "looking changes nothing");
    let info = engine.app().restore_copy(&copies[0].name).await.unwrap();
    assert_eq!(info.database, DatabaseState::Ok);
    assert_eq!(engine.history().conversations(0, 10, false).await.unwrap().conversations.len(), 1);
    let kept = std::fs::read_dir(folder.path())
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("damaged-"))
        .any(|entry| std::fs::read(entry.path().join(store::DATABASE)).is_ok_and(|bytes| bytes == damaged));
    assert!(kept, "the damaged file was set aside, not deleted");

    engine.app().start_fresh().await.unwrap();
    assert!(engine.history().conversations(0, 10, false).await.unwrap().conversations.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_that_the_database_is_in_use() {
    let desk = Desk::open().await;
    let second = Engine::open(options(desk.folder.path(), &desk.simulator.base_url())).await;
    assert_eq!(second.app().app_info().database, DatabaseState::Locked);
    assert_eq!(desk.ask("say: fine").await.text(), "fine");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_kept_for_the_next_start() {
    let desk = Desk::open().await;
    let live = desk.engine.models().catalogue(true).await.unwrap();
    assert_eq!(live.source, domain::CatalogueSource::Live);
    let desk = desk.restart().await;
    let seen = desk.simulator.requests().len();
    let kept = desk.engine.models().catalogue(false).await.unwrap();
    assert_eq!(kept.source, domain::CatalogueSource::Cached);
    assert_eq!(kept.models.len(), live.models.len());
    assert_eq!(desk.simulator.requests().len(), seen, "a fresh one is not asked for again");
    assert!(desk.simulator.requests().iter().all(|request| !request.path.contains(CHAT)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_comes_back_once_and_a_backup_whole() {
    let desk = Desk::open().await;
    let history = desk.engine.history();
    let heard = desk.ask("say: to be kept").await;
    desk.engine.chat().regenerate(heard.view().message.id.clone(), None, Nowhere).await.unwrap();
    while !desk.engine.chat().active_runs().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let (json, page, text) =
        (folder.path().join("a.json"), folder.path().join("a.html"), folder.path().join("a.md"));
    for (format, file) in
        [(ExportFormat::Json, &json), (ExportFormat::Html, &page), (ExportFormat::Markdown, &text)]
    {
        history.export_conversations(Vec::new(), format, file.clone()).await.unwrap();
        assert!(std::fs::read_to_string(file).unwrap().contains("to be kept"), "{}", file.display());
    }
    let backup = folder.path().join("a.edgewise");
    history.back_up(backup.clone()).await.unwrap();

    let other = Desk::open().await;
    let imported = other.engine.history();
    assert_eq!(imported.import_conversations(json.clone()).await.unwrap(), 1);
    assert_eq!(imported.import_conversations(json).await.unwrap(), 0, "what is there is not doubled");
    let transcript = imported.transcript(heard.conversation().clone()).await.unwrap();
    assert_eq!(transcript.tail[1].versions, 2, "with its versions");

    let third = Desk::open().await;
    third.ask("say: to be replaced").await;
    third.engine.history().restore_backup(backup).await.unwrap();
    let page = third.engine.history().conversations(0, 10, false).await.unwrap();
    assert_eq!(page.conversations.len(), 1);
    assert_eq!(page.conversations[0].id, *heard.conversation());
    assert_eq!(third.ask("say: on").await.text(), "on", "and it goes on at once");
}
