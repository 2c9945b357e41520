//! Stop: the server sees the connection close within 200 ms, whatever the run is doing.

use crate::desk::{CHAT, Desk, PATIENCE};
use domain::{Finish, MessageStatus};
use simulator::{Effects, Scenario};
use std::time::{Duration, Instant};

/// The longest that a stopped answer may go on at the server.
const LIMIT: Duration = Duration::from_millis(200);

/// Waits until the server has seen the client hang up.
async fn closed_at_the_server(desk: &Desk) -> Duration {
    let begun = Instant::now();
    loop {
        let seen = desk.chats().pop();
        if seen.is_some_and(|seen| seen.closed_early) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "the connection was never closed");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_in_the_middle_closes_the_connection_and_keeps_what_arrived() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::speed(50.0));
    let mut run = desk.send("write 500 words").await;
    run.first_words().await;
    desk.engine.chat().stop_run(&run.started.run).await.unwrap();
    let took = closed_at_the_server(&desk).await;
    assert!(took < LIMIT, "{took:?}");
    let heard = run.end().await;
    assert_eq!(heard.status(), MessageStatus::Stopped);
    assert_eq!(heard.view().message.finish, Some(Finish::Stopped));
    assert_eq!(heard.view().message.fault, None, "what the person wanted is no failure");
    assert!(!heard.text().is_empty());
    let usage = heard.view().message.usage.clone().expect("what was said so far is billed");
    assert!(usage.estimated && usage.neurons.is_some_and(|neurons| neurons > 0.0), "{usage:?}");
    assert_eq!(desk.load(&heard.view().message.id).await.message.text, heard.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_before_the_first_word_closes_the_connection_too() {
    let desk = Desk::open().await;
    for effects in [
        Effects { first_byte_ms: Some(20_000), ..Effects::default() },
        Effects { body_delay_ms: Some(20_000), ..Effects::default() },
        Effects { stall_after: Some(10), ..Effects::default() },
        Effects { speed: Some(0.1), ..Effects::default() },
    ] {
        desk.simulator.clear_requests();
        desk.scenario(Scenario::always(effects.clone()).on_path(CHAT));
        let run = desk.send("hello").await;
        while desk.chats().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        desk.engine.chat().stop_run(&run.started.run).await.unwrap();
        let took = closed_at_the_server(&desk).await;
        assert!(took < LIMIT, "{took:?} with {effects:?}");
        assert_eq!(run.end().await.status(), MessageStatus::Stopped);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_during_a_pause_ends_the_pause() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::error_with_retry_after("capacity", "30"));
    let mut run = desk.send("hello").await;
    while !matches!(run.next().await, domain::RunStep::Waiting { .. }) {}
    let begun = Instant::now();
    desk.engine.chat().stop_run(&run.started.run).await.unwrap();
    assert_eq!(run.end().await.status(), MessageStatus::Stopped);
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_conversation_stops_what_is_written_in_it() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::speed(50.0));
    let mut run = desk.send("write 500 words").await;
    run.first_words().await;
    let id = run.started.conversation.id.clone();
    desk.engine.history().delete_conversation(id.clone()).await.unwrap();
    assert_eq!(run.end().await.status(), MessageStatus::Stopped);
    assert!(desk.engine.history().transcript(id.clone()).await.is_err());
    let back = desk.engine.history().undelete_conversation(id.clone()).await.unwrap();
    assert!(!back.streaming);
    let transcript = desk.engine.history().transcript(id).await.unwrap();
    assert!(!transcript.tail[1].message.text.is_empty(), "what was written is there again");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_app_keeps_what_arrived_and_continue_finishes_it() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::speed(50.0));
    let mut run = desk.send("write 200 words").await;
    run.first_words().await;
    let message = run.started.answer.message.id.clone();
    let desk = desk.restart().await;
    let view = desk.load(&message).await;
    assert_eq!(view.message.status, MessageStatus::Interrupted);
    assert!(!view.message.text.is_empty());

    desk.scenario(Scenario::default());
    let (listener, events) = tokio::sync::mpsc::unbounded_channel();
    let started = desk.engine.chat().continue_answer(message, listener).await.unwrap();
    let whole = crate::desk::Run::from(started, events).end().await;
    assert_eq!(whole.status(), MessageStatus::Complete);
    assert!(whole.text().starts_with(&view.message.text) && whole.text().len() > view.message.text.len());
}
