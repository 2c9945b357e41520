//! What goes wrong on the wire: each failure keeps what arrived, says its own name, and is repeated only where that
//! can help and nothing was said yet.

use crate::desk::{CHAT, Desk, Heard};
use domain::{FaultCode, Finish, MessageStatus, RunStep};
use simulator::{Effects, Scenario, StreamErrorShape};
use std::time::{Duration, Instant};

/// Every named error of the service, its fault, and how many requests are made for one question.
const TABLE: &[(&str, FaultCode, usize)] = &[
    ("request_too_large", FaultCode::RequestTooLarge, 1),
    ("timeout", FaultCode::TimedOut, 3),
    ("aborted", FaultCode::Upstream, 2),
    ("account_blocked", FaultCode::TokenLacksPermission, 1),
    ("content_refused", FaultCode::ContentRefused, 1),
    ("daily_allowance", FaultCode::DailyAllowanceSpent, 1),
    ("daily_allowance_4006", FaultCode::DailyAllowanceSpent, 1),
    ("capacity", FaultCode::ModelBusy, 3),
    ("not_allowed", FaultCode::ModelGone, 1),
    ("gated", FaultCode::ModelGone, 1),
    ("internal", FaultCode::Upstream, 3),
    ("licence", FaultCode::LicenceNeeded, 1),
    ("context", FaultCode::ContextTooLong, 1),
    ("deprecated", FaultCode::ModelGone, 1),
    ("deprecated_400", FaultCode::ModelGone, 1),
    ("deprecated_text", FaultCode::ModelGone, 1),
    ("paid_plan", FaultCode::PaidPlanNeeded, 1),
    ("invalid_token", FaultCode::TokenRejected, 1),
    ("no_route", FaultCode::AccountUnknown, 1),
    ("unauthorized", FaultCode::TokenLacksPermission, 1),
    ("authentication", FaultCode::TokenRejected, 1),
    ("permission", FaultCode::TokenLacksPermission, 1),
    ("rate_limit", FaultCode::RateLimited, 3),
    ("server_error", FaultCode::Upstream, 3),
    ("page_502", FaultCode::Upstream, 3),
    ("page_524", FaultCode::Upstream, 3),
];

/// One question to a desk of its own, whose service always answers like this.
async fn asked(scenario: Scenario) -> (Desk, Heard) {
    let desk = Desk::open().await;
    desk.scenario(scenario);
    let heard = desk.ask("hello").await;
    (desk, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_refusal_has_its_own_name_and_is_repeated_only_where_that_helps() {
    let mut tries = tokio::task::JoinSet::new();
    for &(name, code, requests) in TABLE {
        tries.spawn(async move {
            let (desk, heard) = asked(Scenario::error(name)).await;
            // A refusal of the form, or of the endpoint, may be answered with another form; those are counted apart.
            let seen = desk.simulator.requests().iter().filter(|seen| seen.path.contains("/ai/")).count();
            (name, code, requests, heard, seen)
        });
    }
    let mut wrong = Vec::new();
    while let Some(tried) = tries.join_next().await {
        let (name, code, requests, heard, seen) = tried.expect("no panic");
        let view = heard.view();
        if heard.code() != Some(code) || seen != requests || view.message.status != MessageStatus::Failed {
            wrong.push(format!("{name}: {:?} after {seen} requests, {:?}", heard.code(), view.message.fault));
        }
        let waits = heard.steps().filter(|step| matches!(step, RunStep::Waiting { .. })).count();
        if waits + 1 < requests {
            wrong.push(format!("{name}: {waits} pauses were told for {requests} requests"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_allowance_says_when_it_comes_back_and_a_gone_model_what_to_use_instead() {
    let (_desk, heard) = asked(Scenario::error("daily_allowance")).await;
    let fault = heard.view().message.fault.clone().unwrap();
    let until = fault.until.expect("until 00:00 UTC");
    assert_eq!(until.0 % 86_400_000, 0);
    assert_eq!(fault.upstream_code, Some(3036));

    let desk = Desk::open().await;
    let options = domain::ConversationOptions {
        model: Some("@cf/meta/llama-3.1-8b-instruct".into()),
        ..domain::ConversationOptions::default()
    };
    let request = domain::SendRequest {
        text: "hello".to_owned(),
        options: Some(options),
        ..domain::SendRequest::default()
    };
    let heard = desk.request(request).await.end().await;
    assert_eq!(heard.code(), Some(FaultCode::ModelGone));
    assert!(
        heard.view().message.fault.as_ref().unwrap().replacement.is_some(),
        "{:?}",
        heard.view().message.fault
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_model_is_asked_again_and_answers() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::error_with_retry_after("capacity", "1").times(1));
    let heard = desk.ask("say: at last").await;
    assert_eq!(heard.text(), "at last");
    assert_eq!(desk.chats().len(), 2);
    let waited = heard.steps().find_map(|step| match step {
        RunStep::Waiting { fault, attempt, delay_ms } => Some((fault.code, *attempt, *delay_ms)),
        _ => None,
    });
    let (code, attempt, delay) = waited.expect("the pause is told");
    assert_eq!((code, attempt), (FaultCode::ModelBusy, 2));
    assert!((1_000..2_500).contains(&delay), "{delay} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_that_is_cut_keeps_what_arrived_and_is_never_called_done() {
    let whole: &str = &"words and more words ".repeat(40);
    let cases: [(&str, Effects, FaultCode); 6] = [
        ("FIN", Effects { cut_after: Some(3_000), ..Effects::default() }, FaultCode::StreamCut),
        ("RST", Effects { reset_after: Some(3_000), ..Effects::default() }, FaultCode::StreamCut),
        (
            "a proper end without a mark",
            Effects { end_after: Some(3_000), ..Effects::default() },
            FaultCode::StreamCut,
        ),
        (
            "an error inside",
            Scenario::stream_error(10, StreamErrorShape::Errors).rules[0].then.clone(),
            FaultCode::ModelBusy,
        ),
        (
            "an error object inside",
            Scenario::stream_error(10, StreamErrorShape::ErrorObject).rules[0].then.clone(),
            FaultCode::ModelBusy,
        ),
        (
            "finish_reason error",
            Scenario::stream_error(10, StreamErrorShape::FinishReason).rules[0].then.clone(),
            FaultCode::Upstream,
        ),
    ];
    for (name, effects, code) in cases {
        let (desk, heard) =
            asked(Scenario::always(Effects { text: Some(whole.to_owned()), ..effects })).await;
        assert_eq!(heard.code(), Some(code), "{name}: {:?}", heard.view().message.fault);
        assert_ne!(heard.status(), MessageStatus::Complete, "{name}");
        assert!(!heard.text().is_empty() && whole.starts_with(heard.text()), "{name}: {:?}", heard.text());
        assert_ne!(heard.view().message.finish, Some(Finish::Stop), "{name}");
        assert_eq!(desk.chats().len(), 1, "{name}: after the first token nothing is repeated");
        assert!(heard.view().message.usage.is_some(), "{name}: it cost something");

        // Continue finishes the same message.
        desk.scenario(Scenario::text(" and the rest."));
        let (listener, events) = tokio::sync::mpsc::unbounded_channel();
        let message = heard.started.answer.message.id.clone();
        let started = desk.engine.chat().continue_answer(message, listener).await.unwrap();
        let continued = crate::desk::Run::from(started, events).end().await;
        assert_eq!(continued.text(), format!("{} and the rest.", heard.text()), "{name}");
        assert_eq!(continued.status(), MessageStatus::Complete, "{name}");
        assert_eq!(continued.view().message.fault, None, "{name}: the former fault is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_falls_silent_ends_at_the_limit() {
    let desk = Desk::open().await;
    let mut settings = desk.engine.settings().settings().await.unwrap();
    settings.idle_timeout_s = 1;
    desk.engine.settings().save_settings(settings).await.unwrap();
    desk.scenario(Scenario::always(Effects {
        text: Some("some words ".repeat(50)),
        stall_after: Some(2_000),
        ..Effects::default()
    }));
    let begun = Instant::now();
    let heard = desk.ask("hello").await;
    assert_eq!((heard.code(), heard.status()), (Some(FaultCode::TimedOut), MessageStatus::Interrupted));
    assert!(!heard.text().is_empty());
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_no_answer() {
    for scenario in [
        Scenario::captive_portal(),
        Scenario::always(Effects {
            content_type: Some("text/event-stream".to_owned()),
            captive_portal: Some(true),
            ..Effects::default()
        }),
    ] {
        let (desk, heard) = asked(scenario).await;
        assert_eq!(heard.code(), Some(FaultCode::NotTheService), "{:?}", heard.view().message.fault);
        assert_eq!(desk.chats().len(), 1);
        let painted = format!("{:?}", heard.painted());
        assert!(!painted.contains("<html"), "nothing of the page is shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_with_the_token() {
    let elsewhere = simulator::Simulator::start(simulator::Options::default()).await.unwrap();
    let (_desk, heard) = asked(Scenario::redirect(&elsewhere.base_url())).await;
    assert_eq!(heard.code(), Some(FaultCode::NotTheService));
    assert!(elsewhere.requests().is_empty(), "no request reached the other host");
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_everything_else_works() {
    let desk = Desk::open().await;
    let kept = desk.ask("say: before").await;
    // A port that nobody listens to stands for a network that is gone.
    let folder = tempfile::tempdir().unwrap();
    let engine =
        engine::Engine::open(crate::desk::options(folder.path(), "http://127.0.0.1:9/client/v4")).await;
    let models = engine.models().catalogue(false).await.unwrap();
    assert!(models.models.len() > 50, "the bundled list serves");
    assert_eq!(engine.models().catalogue(true).await.unwrap_err().code, FaultCode::Offline);
    let begun = Instant::now();
    let (listener, events) = tokio::sync::mpsc::unbounded_channel();
    let request = domain::SendRequest { text: "hello".to_owned(), ..domain::SendRequest::default() };
    let started = engine.chat().send_message(request, listener).await.expect("the message is kept");
    let heard = crate::desk::Run::from(started, events).end().await;
    assert_eq!(heard.code(), Some(FaultCode::Offline));
    assert!(begun.elapsed() < Duration::from_secs(10), "said within ten seconds: {:?}", begun.elapsed());
    let question = heard.started.question.as_ref().unwrap().message.id.clone();
    let views = engine.history().messages(vec![question]).await.unwrap();
    assert_eq!(views[0].message.text, "hello", "what was asked is on disk");
    assert_eq!(kept.text(), "before");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_requests_of_chat_are_made_for_a_question() {
    let desk = Desk::open().await;
    desk.ask("say: one").await;
    let paths: Vec<String> = desk.simulator.requests().into_iter().map(|seen| seen.path).collect();
    assert!(paths.iter().all(|path| path.contains(CHAT)), "{paths:?}");
}
