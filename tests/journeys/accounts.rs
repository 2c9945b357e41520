//! Accounts: the two doors, the three ticks, where tokens are kept, and switching while something runs.

use crate::desk::{Desk, PATIENCE, Run, options};
use domain::{
    AccountKey, AppEvent, CheckEvent, CheckOutcome, CheckStep, FaultCode, KeepIn, KeptIn, KeychainState,
    MessageStatus, SendRequest,
};
use engine::{DemoDoor, DemoRoom, Engine, Nowhere, Opening, Options};
use keychain::Keychain;
use simulator::{DEMO_ACCOUNT_ID, DEMO_TOKEN, SECOND_ACCOUNT_ID, Scenario, Simulator};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::unbounded_channel;

/// Options without an account, with this keychain.
fn bare(folder: &Path, api_url: &str, keychain: &Keychain) -> Options {
    Options { environment_account: None, keychain: keychain.clone(), ..options(folder, api_url) }
}

struct Bare {
    engine: Engine,
    simulator: Simulator,
    folder: tempfile::TempDir,
    keychain: Keychain,
}

async fn bare_desk(keychain: Keychain) -> Bare {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(simulator::Options::default()).await.unwrap();
    let engine = Engine::open(bare(folder.path(), &simulator.base_url(), &keychain)).await;
    let mut settings = engine.settings().settings().await.unwrap();
    settings.make_titles = false;
    engine.settings().save_settings(settings).await.unwrap();
    Bare { engine, simulator, folder, keychain }
}

/// What the three ticks said.
async fn ticks(
    engine: &Engine,
    token: &str,
    account: &str,
) -> (bool, Vec<(CheckStep, Option<CheckOutcome>)>) {
    let accounts = engine.accounts();
    let discovery = accounts.discover_accounts(token.to_owned()).await.unwrap();
    let (listener, mut events) = unbounded_channel::<CheckEvent>();
    let proved = accounts.check_account(discovery.ticket, account.to_owned(), listener).await.unwrap();
    let told =
        std::iter::from_fn(|| events.try_recv().ok()).map(|event| (event.step, event.outcome)).collect();
    (proved, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_discovered_proved_by_three_ticks_and_kept_in_the_keychain() {
    let desk = bare_desk(Keychain::in_memory()).await;
    let accounts = desk.engine.accounts();
    assert_eq!(accounts.settled_state().await.unwrap().current, None);
    let pasted = "  Bearer cfut_two_accounts_x\n".to_owned();
    let discovery = accounts.discover_accounts(pasted).await.unwrap();
    assert_eq!(discovery.accounts.len(), 2);
    assert!(!discovery.account_id_needed);
    let (listener, mut events) = unbounded_channel::<CheckEvent>();
    let second = SECOND_ACCOUNT_ID.to_owned();
    assert!(accounts.check_account(discovery.ticket.clone(), second.clone(), listener).await.unwrap());
    let told: Vec<CheckEvent> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert_eq!(told.len(), 6, "each tick is told when it is tried and when it is proved");
    let last = told.last().unwrap();
    assert!(
        matches!(last.outcome, Some(CheckOutcome::Proved { neurons: Some(neurons) }) if neurons > 0.0),
        "{last:?}"
    );

    let state = accounts.connect_account(discovery.ticket, second, KeepIn::Keychain).await.unwrap();
    assert!(state.ready);
    assert_eq!(state.current.as_ref().map(|account| account.kept_in), Some(KeptIn::Keychain));
    assert!(
        accounts
            .connect_account("gone".to_owned(), DEMO_ACCOUNT_ID.to_owned(), KeepIn::Session)
            .await
            .is_err()
    );

    // The next launch reads it from there.
    desk.engine.close().await;
    drop(desk.engine);
    let engine = Engine::open(bare(desk.folder.path(), &desk.simulator.base_url(), &desk.keychain)).await;
    let state = engine.accounts().settled_state().await.unwrap();
    assert!(state.ready, "{state:?}");
    let (listener, events) = unbounded_channel();
    let request = SendRequest { text: "say: hello".to_owned(), ..SendRequest::default() };
    let started = engine.chat().send_message(request, listener).await.unwrap();
    assert_eq!(Run::from(started, events).end().await.text(), "hello");
    let state = engine.accounts().disconnect_account(SECOND_ACCOUNT_ID.into()).await.unwrap();
    assert_eq!(state.current, None);
    assert!(desk.keychain.load().await.unwrap().is_empty(), "the token is gone from the keychain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_tick_names_the_permission_that_is_missing() {
    let desk = bare_desk(Keychain::in_memory()).await;
    let (proved, told) = ticks(&desk.engine, "cfut_no_ai_token", DEMO_ACCOUNT_ID).await;
    assert!(!proved);
    match told.last() {
        Some((CheckStep::WorkersAiPermission, Some(CheckOutcome::Failed { missing_permission, .. }))) => {
            assert_eq!(missing_permission.as_deref(), Some("Workers AI: Read"));
        }
        other => panic!("the second tick fails: {other:?}"),
    }
    let (proved, told) = ticks(&desk.engine, "cfut_read_only_token", DEMO_ACCOUNT_ID).await;
    assert!(!proved);
    match told.last() {
        Some((CheckStep::OneTokenAnswer, Some(CheckOutcome::Failed { missing_permission, .. }))) => {
            assert_eq!(missing_permission.as_deref(), Some("Workers AI: Edit"));
        }
        other => panic!("the third tick fails: {other:?}"),
    }
    let wrong = desk.engine.accounts().discover_accounts("cfut_invalid_token".to_owned()).await.unwrap_err();
    assert_eq!(wrong.code, FaultCode::TokenRejected);
    let narrow = desk.engine.accounts().discover_accounts("cfut_no_accounts_x".to_owned()).await.unwrap();
    assert!(narrow.account_id_needed && narrow.accounts.is_empty());
    let owned = ticks(&desk.engine, "cfat_of_an_account", DEMO_ACCOUNT_ID).await;
    assert!(owned.0, "an account's own token is good: {:?}", owned.1);
}

struct Door(Arc<AtomicUsize>);

impl DemoDoor for Door {
    fn open(&self) -> Opening {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            let running = Simulator::start(simulator::Options::default()).await.expect("simulator");
            Ok(DemoRoom {
                base_url: running.base_url(),
                token: DEMO_TOKEN.to_owned(),
                account_id: DEMO_ACCOUNT_ID.to_owned(),
                running: Box::new(running),
            })
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_door_opens_the_simulator_once_and_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let opened = Arc::new(AtomicUsize::new(0));
    let with_door = || Options {
        simulator: Some(Arc::new(Door(Arc::clone(&opened)))),
        ..bare(folder.path(), "http://127.0.0.1:9/nowhere", &Keychain::in_memory())
    };
    let engine = Engine::open(with_door()).await;
    let state = engine.accounts().try_demo().await.unwrap();
    assert!(state.ready);
    engine.accounts().try_demo().await.unwrap();
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    assert_eq!(say(&engine, "say: simulated").await, "simulated");
    let today = engine.usage().usage_today().await.unwrap();
    assert!(today.simulated, "it is said that nothing was spent: {today:?}");
    let findings = engine.app().examine().await;
    let wrong: Vec<_> = findings.iter().filter(|finding| finding.outcome.is_err()).collect();
    let checks: Vec<_> = findings.iter().map(|finding| finding.check).collect();
    assert!(checks.ends_with(&["network", "token", "workers ai"]), "{checks:?}");
    assert!(wrong.is_empty(), "no network is needed, and none is asked for: {wrong:?}");
    engine.close().await;
    drop(engine);
    let engine = Engine::open(with_door()).await;
    assert_eq!(say(&engine, "say: again").await, "again");
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

async fn say(engine: &Engine, text: &str) -> String {
    let (listener, events) = unbounded_channel();
    let request = SendRequest { text: text.to_owned(), ..SendRequest::default() };
    let started = engine.chat().send_message(request, listener).await.unwrap();
    Run::from(started, events).end().await.text().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_in_the_middle_of_an_answer_mixes_no_identities() {
    let desk = bare_desk(Keychain::in_memory()).await;
    let accounts = desk.engine.accounts();
    for (token, account) in [("cfut_token_of_a", DEMO_ACCOUNT_ID), ("cfut_two_accounts_b", SECOND_ACCOUNT_ID)]
    {
        let ticket = accounts.discover_accounts(token.to_owned()).await.unwrap().ticket;
        accounts.connect_account(ticket, account.to_owned(), KeepIn::Session).await.unwrap();
    }
    let (a, b) = (AccountKey::from(DEMO_ACCOUNT_ID), AccountKey::from(SECOND_ACCOUNT_ID));
    accounts.switch_account(a.clone()).await.unwrap();
    desk.simulator.clear_requests();
    desk.simulator.set_scenario(Scenario::speed(80.0));
    let (listener, events) = unbounded_channel();
    let request = SendRequest { text: "write 60 words".to_owned(), ..SendRequest::default() };
    let mut run = Run::from(desk.engine.chat().send_message(request, listener).await.unwrap(), events);
    run.first_words().await;
    accounts.switch_account(b.clone()).await.unwrap();
    desk.simulator.set_scenario(Scenario::default());
    say(&desk.engine, "say: as b").await;
    let heard = run.end().await;
    assert_eq!(heard.status(), MessageStatus::Complete, "the running answer ends under the old identity");
    for seen in desk.simulator.requests() {
        let token = seen.header("authorization").unwrap_or_default();
        let as_a = seen.path.contains(DEMO_ACCOUNT_ID);
        assert_eq!(as_a, token.contains("token_of_a"), "{} was asked with the other's token", seen.path);
    }
    let spent = |key: AccountKey| {
        let (engine, accounts) = (desk.engine.clone(), accounts.clone());
        async move {
            accounts.switch_account(key).await.unwrap();
            engine.usage().usage_report(1).await.unwrap().by_task.iter().map(|line| line.calls).sum::<u32>()
        }
    };
    assert_eq!((spent(a).await, spent(b).await), (1, 1), "each pays for its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_of_the_keychain_leaves_the_app_usable() {
    for (state, code) in [
        (KeychainState::Locked, FaultCode::KeychainLocked),
        (KeychainState::Denied, FaultCode::KeychainDenied),
        (KeychainState::Absent, FaultCode::KeychainMissing),
        (KeychainState::Silent, FaultCode::KeychainSilent),
    ] {
        let desk = bare_desk(Keychain::in_memory()).await;
        let ticket = desk.engine.accounts().discover_accounts(DEMO_TOKEN.to_owned()).await.unwrap().ticket;
        let account = DEMO_ACCOUNT_ID.to_owned();
        desk.engine.accounts().connect_account(ticket, account.clone(), KeepIn::Keychain).await.unwrap();
        desk.engine.close().await;
        drop(desk.engine);

        let begun = Instant::now();
        let keychain = Keychain::always(state);
        let engine = Engine::open(bare(desk.folder.path(), &desk.simulator.base_url(), &keychain)).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{state:?}: the window does not wait for it");
        let told = engine.accounts().settled_state().await.unwrap();
        assert_eq!((told.keychain, told.ready), (state, false));
        let request = SendRequest { text: "hello".to_owned(), ..SendRequest::default() };
        let fault = engine.chat().send_message(request, Nowhere).await.unwrap_err();
        assert_eq!(fault.code, code);
        let accounts = engine.accounts();
        let ticket = accounts.discover_accounts(DEMO_TOKEN.to_owned()).await.unwrap().ticket;
        let refused =
            accounts.connect_account(ticket.clone(), account.clone(), KeepIn::Keychain).await.unwrap_err();
        assert_eq!(refused.code, code, "nothing falls back by itself");
        let state = accounts.connect_account(ticket, account, KeepIn::Session).await.unwrap();
        assert!(state.ready, "the session's memory is the person's choice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_waits_for_its_passphrase() {
    let desk = bare_desk(Keychain::always(KeychainState::Absent)).await;
    let accounts = desk.engine.accounts();
    let ticket = accounts.discover_accounts(DEMO_TOKEN.to_owned()).await.unwrap().ticket;
    let keep = KeepIn::EncryptedFile { passphrase: "correct horse".to_owned() };
    assert!(accounts.connect_account(ticket, DEMO_ACCOUNT_ID.to_owned(), keep).await.unwrap().ready);
    desk.engine.close().await;
    drop((desk.engine, accounts));

    let engine = Engine::open(bare(desk.folder.path(), &desk.simulator.base_url(), &desk.keychain)).await;
    let accounts = engine.accounts();
    let state = accounts.settled_state().await.unwrap();
    assert!(state.passphrase_needed && !state.ready, "{state:?}");
    let wrong = accounts.unlock_key_file("wrong".to_owned()).await.unwrap_err();
    assert_eq!(wrong.code, FaultCode::PassphraseWrong);
    let state = accounts.unlock_key_file("correct horse".to_owned()).await.unwrap();
    assert!(state.ready && !state.passphrase_needed, "{state:?}");
    assert_eq!(say(&engine, "say: open").await, "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environments_account_wins_and_nothing_is_written_to_the_keychain() {
    let desk = Desk::open().await;
    let state = desk.engine.accounts().settled_state().await.unwrap();
    assert_eq!(state.current.as_ref().map(|account| account.kept_in), Some(KeptIn::Environment));
    assert!(state.ready);
    let refused = desk.engine.accounts().disconnect_account("environment".into()).await.unwrap_err();
    assert_eq!(refused.code, FaultCode::InvalidInput);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_is_told_when_keys_have_been_read() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(bare(folder.path(), "http://127.0.0.1:9/x", &Keychain::in_memory())).await;
    let (listener, mut news) = unbounded_channel::<AppEvent>();
    engine.app().subscribe(listener);
    engine.accounts().retry_keychain().await.unwrap();
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(AppEvent::AccountChanged { state }) = news.recv().await {
                return state;
            }
        }
    });
    assert_eq!(told.await.expect("told").keychain, KeychainState::Ok);
}
