//! What must be nowhere: the token outside the place where it is kept, and temporary conversations on the disk.

use crate::desk::{Desk, options};
use domain::{AttachmentId, ConversationOptions, CopyForm, SendRequest};
use engine::{Engine, Options};
use keychain::Keychain;
use simulator::{DEMO_ACCOUNT_ID, Scenario};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Files below `folder` that hold `needle`, also in UTF-16.
fn holding(folder: &Path, needle: &str) -> Vec<String> {
    let wide: Vec<u8> = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            if holds(needle.as_bytes()) || holds(&wide) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// Collects everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_found_nowhere_but_where_it_is_kept() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Other journeys of this process log here too, which only makes the search larger.
    let logged = tracing_subscriber::util::SubscriberInitExt::try_init(subscriber).is_ok();

    let canary = format!("canary{:016x}", std::process::id().wrapping_mul(2_654_435_761));
    let token = format!("cfut_{canary}");
    let folder = tempfile::tempdir().unwrap();
    let simulator = simulator::Simulator::start(simulator::Options::default()).await.unwrap();
    let keychain = Keychain::in_memory();
    let engine = Engine::open(Options {
        environment_account: None,
        keychain: keychain.clone(),
        ..options(folder.path(), &simulator.base_url())
    })
    .await;
    let accounts = engine.accounts();
    let discovery = accounts.discover_accounts(token.clone()).await.unwrap();
    let told = format!("{discovery:?}");
    let state = accounts
        .connect_account(discovery.ticket, DEMO_ACCOUNT_ID.to_owned(), domain::KeepIn::Keychain)
        .await
        .unwrap();
    let desk = Desk::of(engine, simulator, folder);
    let heard = desk.ask("say: something").await;
    // The service's refusals are stored and told as it words them; one that repeats the token must not get through.
    let echo =
        format!(r#"{{"success":false,"errors":[{{"code":5006,"message":"AiError: Bad input: {token}"}}]}}"#);
    desk.scenario(Scenario::raw_stream(echo, "application/json"));
    let echoed = desk.ask("hello").await;
    desk.scenario(Scenario::error("authentication"));
    let refused = desk.ask("hello").await;
    let findings = desk.engine.app().examine().await;
    let mut copies = String::new();
    for form in [CopyForm::Curl, CopyForm::TypeScript, CopyForm::Python] {
        copies += &desk.engine.chat().copy_message(heard.view().message.id.clone(), form).await.unwrap();
    }
    let spoken = format!("{told} {state:?} {heard:?} {refused:?} {findings:?} {copies} {echoed:?}");
    desk.engine.close().await;

    let sent = desk.simulator.requests();
    assert!(
        sent.iter().any(|seen| seen.header("authorization").is_some_and(|value| value.contains(&canary)))
    );
    assert!(
        sent.iter().all(|seen| !seen.path.contains(&canary) && !seen.query.contains(&canary)),
        "never in a URL"
    );
    assert!(!spoken.contains(&canary), "no answer, event or copy holds it");
    assert_eq!(holding(desk.folder.path(), &canary), Vec::<String>::new(), "no file holds it");
    let lines = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    let telling: Vec<&str> = lines.lines().filter(|line| line.contains(&canary)).take(3).collect();
    assert!(telling.is_empty(), "no line of the log holds it: {telling:?}");
    assert!(!logged || !lines.is_empty(), "the log was really read");

    // The search finds what is there.
    std::fs::write(desk.folder.path().join("planted.log"), format!("Authorization: Bearer {token}")).unwrap();
    assert_eq!(holding(desk.folder.path(), &canary).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_conversation_leaves_no_trace() {
    let desk = Desk::open().await;
    let secret = "xylophone-marmalade";
    let notes = format!("the file says {secret}");
    let attached =
        desk.engine.attachments().attach_bytes("notes.txt".to_owned(), notes.into_bytes()).await.unwrap();
    let request = SendRequest {
        text: format!("say: {secret}"),
        attachments: vec![attached.id.clone()],
        options: Some(ConversationOptions {
            system: Some(secret.to_owned()),
            ..ConversationOptions::default()
        }),
        temporary: true,
        ..SendRequest::default()
    };
    let heard = desk.request(request).await.end().await;
    assert!(heard.text().contains(secret));
    let conversation = heard.conversation().clone();
    desk.ask_in(&conversation, &format!("say: more {secret}")).await;
    desk.engine
        .history()
        .save_draft(Some(conversation.clone()), format!("draft {secret}").into())
        .await
        .unwrap();
    let page = desk.engine.history().conversations(0, 10, false).await.unwrap();
    assert!(page.conversations[0].temporary, "it is in the sidebar while it lives");
    assert_eq!(desk.engine.history().transcript(conversation.clone()).await.unwrap().path.len(), 4);
    assert!(desk.engine.history().search_history(secret.to_owned(), 10).await.unwrap().is_empty());
    let report = desk.engine.usage().usage_report(1).await.unwrap();
    assert_eq!(report.by_task.iter().map(|line| line.calls).sum::<u32>(), 2, "its neurons count");
    assert!(report.by_conversation.iter().all(|line| !line.label.contains(secret)), "{report:?}");
    assert_eq!(holding(desk.folder.path(), secret), Vec::<String>::new());

    let desk = desk.restart().await;
    assert!(desk.engine.history().conversations(0, 10, false).await.unwrap().conversations.is_empty());
    assert!(desk.engine.history().transcript(conversation).await.is_err());
    assert!(desk.engine.attachments().bytes(AttachmentId(attached.id.0)).await.is_err());
    assert_eq!(holding(desk.folder.path(), secret), Vec::<String>::new());

    // The same words in an ordinary conversation are found by the same search.
    desk.ask(&format!("say: {secret}")).await;
    assert!(!holding(desk.folder.path(), secret).is_empty());
}
