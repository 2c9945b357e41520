//! A connection that ends anywhere in a stream: what arrived is kept, and it is never taken for the whole answer.

use crate::desk::{CHAT, Desk};
use domain::{ConversationOptions, FaultCode, MessageStatus, Parameters, SendRequest};
use simulator::{Effects, Scenario};

const ANSWER: &str = "Kurz: 你好 👩‍👩‍👧, **bold**.";

/// The native form, OpenAI's, and one that thinks first.
const FAMILIES: [(&str, Option<u32>); 3] = [
    ("@cf/meta/llama-3.2-3b-instruct", Some(20)),
    ("@cf/zai-org/glm-4.7-flash", None),
    ("@cf/qwen/qwq-32b", None),
];

/// An account may ask 300 times a minute, and who asks more often waits.
const PER_ACCOUNT: usize = 200;

/// How the stream is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The connection closes in the middle of the body.
    Connection,
    /// The body ends as if that were all.
    Body,
}

fn effects(cut: Option<(Cut, usize)>) -> Effects {
    let mut effects = Effects { text: Some(ANSWER.to_owned()), ..Effects::default() };
    match cut {
        Some((Cut::Connection, after)) => effects.cut_after = Some(after),
        Some((Cut::Body, after)) => effects.end_after = Some(after),
        None => {}
    }
    effects
}

async fn asked(
    desk: &Desk,
    model: &str,
    top_k: Option<u32>,
    cut: Option<(Cut, usize)>,
) -> crate::desk::Heard {
    desk.scenario(Scenario::always(effects(cut)).on_path(if top_k.is_some() { "/ai/run/" } else { CHAT }));
    let options = ConversationOptions {
        model: Some(model.into()),
        parameters: Parameters { top_k, ..Parameters::default() },
        ..ConversationOptions::default()
    };
    let request = SendRequest { text: "hello".to_owned(), options: Some(options), ..SendRequest::default() };
    desk.request(request).await.end().await
}

/// Cuts the stream after 1, `1 + step`, ... bytes until it comes through whole; returns where that was.
async fn cut_everywhere(model: &str, top_k: Option<u32>, cut: Cut, step: usize) -> usize {
    let mut desk = Desk::open().await;
    let mut longest = 0;
    for (number, after) in (1..).step_by(step).enumerate() {
        assert!(after < 20_000, "{model}: the stream has an end");
        if number % PER_ACCOUNT == PER_ACCOUNT - 1 {
            desk = Desk::open().await;
        }
        let heard = asked(&desk, model, top_k, Some((cut, after))).await;
        let which = format!("{model}, {cut:?} after {after} bytes: {:?}", heard.view().message);
        if heard.status() == MessageStatus::Complete {
            assert_eq!(heard.text().trim(), ANSWER, "{which}");
            return after;
        }
        assert!(
            ANSWER.starts_with(heard.text().trim_start()),
            "only what was sent, and no half character: {which}"
        );
        assert_eq!(heard.code(), Some(FaultCode::StreamCut), "{which}");
        let anything = !heard.text().is_empty() || heard.view().message.thinking.is_some();
        let expected = if anything { MessageStatus::Interrupted } else { MessageStatus::Failed };
        assert_eq!(heard.status(), expected, "{which}");
        assert!(heard.text().len() >= longest, "a later cut keeps no less: {which}");
        longest = heard.text().len();
        assert_eq!(
            desk.load(&heard.view().message.id).await.message.text,
            heard.text(),
            "{which}: stored as told"
        );
    }
    unreachable!("the loop returns")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_cut_at_any_byte_keeps_what_arrived_and_is_never_done() {
    let desk = Desk::open().await;
    for (model, top_k) in FAMILIES {
        assert_eq!(
            asked(&desk, model, top_k, None).await.text().trim(),
            ANSWER,
            "{model}: whole without a cut"
        );
        // Each byte where that is a matter of seconds; a prime step that hits every kind of place where it is not.
        let step = if top_k.is_some() { 1 } else { 7 };
        let whole = cut_everywhere(model, top_k, Cut::Connection, step).await;
        assert!(whole > ANSWER.len(), "{model}");
        cut_everywhere(model, top_k, Cut::Body, 13).await;
    }
}
