//! What goes wrong: each failure has its name, keeps the prompt, leaves no file, and is repeated only where nothing can be
//! billed twice.

use super::{
    PHOENIX, RUN, SCHNELL, all, begin, booked, bytes_of, fault, folder, make, names_in, orders, request,
};
use crate::desk::Desk;
use domain::{FaultCode, PictureState};
use simulator::{Effects, ImageFault, NoAnswer, RawAnswer, Scenario};

const PROMPT: &str = "a lighthouse 灯塔";

/// What comes of a damaged answer: a fault, or a picture all the same.
const DAMAGED: &[(ImageFault, Option<&[FaultCode]>)] = &[
    (ImageFault::Truncated, Some(&[FaultCode::FileUnreadable, FaultCode::Upstream])),
    (ImageFault::Empty, Some(&[FaultCode::Upstream])),
    (ImageFault::Html, Some(&[FaultCode::NotTheService, FaultCode::Upstream])),
    (ImageFault::Svg, Some(&[FaultCode::NotTheService, FaultCode::Upstream])),
    (ImageFault::JsonError, Some(&[FaultCode::ModelBusy])),
    (ImageFault::Bomb, Some(&[FaultCode::FileTooLarge])),
    (ImageFault::BadAlphabet, Some(&[FaultCode::Upstream])),
    (ImageFault::Whitespace, None),
    (ImageFault::DataUri, None),
    (ImageFault::WrongType, None),
    (ImageFault::OtherForm, None),
    (ImageFault::Huge, None),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_damaged_answer_is_named_or_read_all_the_same_and_never_kept_half() {
    let mut wrong = Vec::new();
    for model in [SCHNELL, PHOENIX] {
        let desk = Desk::open().await;
        let mut files = 0;
        for &(damage, expected) in DAMAGED {
            desk.scenario(Scenario::image(damage).on_path(RUN));
            let before = orders(&desk).len();
            let picture = make(&desk, request(model, PROMPT)).await;
            let requests = orders(&desk).len() - before;
            let right = match (&picture.state, expected) {
                (PictureState::Done, None) => {
                    files += 1;
                    // What was put behind the picture is not kept.
                    image::load_from_memory(&bytes_of(&desk, &picture)).is_ok()
                        && picture.size < Some(4 << 20)
                }
                (PictureState::Failed { fault }, Some(codes)) => {
                    codes.contains(&fault.code) && picture.request.prompt == PROMPT
                }
                _ => false,
            };
            if !right || (damage != ImageFault::JsonError && requests != 1) {
                wrong.push(format!("{model} {damage:?}: {requests} requests, {:?}", picture.state));
            }
        }
        assert_eq!(names_in(&folder(&desk)).len(), files, "no file of one that failed");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_a_damaged_picture_is_booked_and_told() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::image(ImageFault::Truncated).on_path(RUN));
    let half = make(&desk, request(PHOENIX, PROMPT)).await;
    assert_eq!(fault(&half).code, FaultCode::FileUnreadable, "half a JPEG is no picture");
    let cost = half.usage.as_ref().and_then(|usage| usage.neurons).expect("it says what it cost");
    desk.scenario(Scenario::image(ImageFault::Svg).on_path(RUN));
    let svg = make(&desk, request(SCHNELL, PROMPT)).await;
    let more = svg.usage.as_ref().and_then(|usage| usage.neurons).expect("the service told its cost");
    let (neurons, calls) = booked(&desk).await;
    assert_eq!(calls, 2);
    assert!((neurons - cost - more).abs() < 0.001, "{neurons} is {cost} and {more}");
}

/// Named errors, their faults, and how many requests are made for one picture.
const ERRORS: &[(&str, FaultCode, usize)] = &[
    ("capacity", FaultCode::ModelBusy, 3),
    ("rate_limit", FaultCode::RateLimited, 3),
    ("content_refused", FaultCode::ContentRefused, 1),
    ("output_flagged", FaultCode::ContentRefused, 1),
    ("daily_allowance", FaultCode::DailyAllowanceSpent, 1),
    ("daily_allowance_4006", FaultCode::DailyAllowanceSpent, 1),
    ("internal", FaultCode::Upstream, 1),
    ("server_error", FaultCode::Upstream, 1),
    ("page_502", FaultCode::Upstream, 1),
    ("page_524", FaultCode::Upstream, 1),
    ("timeout", FaultCode::TimedOut, 1),
    ("paid_plan", FaultCode::PaidPlanNeeded, 1),
    ("deprecated", FaultCode::ModelGone, 1),
    ("invalid_token", FaultCode::TokenRejected, 1),
    ("request_too_large", FaultCode::RequestTooLarge, 1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refusal_is_repeated_only_where_nothing_can_be_billed_twice() {
    let mut tries = tokio::task::JoinSet::new();
    for &(name, code, requests) in ERRORS {
        tries.spawn(async move {
            let desk = Desk::open().await;
            desk.scenario(Scenario::error(name).on_path(RUN));
            let row = make(&desk, request(SCHNELL, PROMPT)).await;
            let stored = all(&desk).await.remove(0);
            assert_eq!(stored, row, "{name}: what was told is what is stored");
            assert_eq!(row.request.prompt, PROMPT, "{name}");
            assert_eq!(booked(&desk).await.1, 0, "{name}: nothing is booked");
            let seen = orders(&desk).len();
            let told = fault(&row).code;
            (told != code || seen != requests).then(|| format!("{name}: {told:?}, {seen} requests"))
        });
    }
    let wrong: Vec<String> = tries.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_that_ends_is_not_asked_twice() {
    for effects in [
        Effects { no_answer: Some(NoAnswer::Reset), ..Effects::default() },
        Effects { no_answer: Some(NoAnswer::Close), ..Effects::default() },
        Effects { cut_after: Some(2_000), ..Effects::default() },
        Effects { captive_portal: Some(true), ..Effects::default() },
        Effects {
            answer: Some(RawAnswer {
                content_type: "application/json".to_owned(),
                body: Some("{\"result\":{\"picture\":1}}".to_owned()),
                body_base64: None,
            }),
            ..Effects::default()
        },
    ] {
        let desk = Desk::open().await;
        desk.scenario(Scenario::always(effects.clone()).on_path(RUN));
        let row = make(&desk, request(PHOENIX, PROMPT)).await;
        fault(&row);
        assert_eq!(orders(&desk).len(), 1, "{effects:?}: {:?}", row.state);
        assert_eq!(row.request.prompt, PROMPT);
        assert!(names_in(&folder(&desk)).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_is_told_and_the_second_try_succeeds() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::error_with_retry_after("rate_limit", "1").on_path(RUN).times(1));
    let row = make(&desk, request(SCHNELL, PROMPT)).await;
    assert_eq!(row.state, PictureState::Done);
    assert_eq!((orders(&desk).len(), booked(&desk).await.1), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_for_above_the_limit_that_the_person_set_nor_without_a_prompt() {
    let desk = Desk::open().await;
    let mut settings = desk.engine.settings().settings().await.unwrap();
    settings.hard_cap = Some(0.0);
    settings.soft_cap = Some(1.0);
    desk.engine.settings().save_settings(settings).await.unwrap();
    let refused = begin(&desk, request(SCHNELL, PROMPT)).await.err().expect("refused");
    assert_eq!(refused.code, FaultCode::CapReached);
    let refused = begin(&desk, request(SCHNELL, " \n")).await.err().expect("refused");
    assert_eq!(refused.code, FaultCode::InvalidInput);
    let quote = desk.engine.pictures().quote_picture(request(SCHNELL, PROMPT)).await.unwrap();
    assert!(quote.ask && quote.neurons > Some(1.0), "{quote:?}");
    let unknown = desk.engine.pictures().quote_picture(request("@cf/new/painter", PROMPT)).await.unwrap();
    assert!(!unknown.ask && unknown.neurons.is_none(), "without a price nothing is asked");
    assert!(orders(&desk).is_empty() && all(&desk).await.is_empty());
}
