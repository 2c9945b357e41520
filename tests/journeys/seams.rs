//! What is plugged into a turn: passages of a library, and what happens when the plug has a defect.

use crate::desk::{Desk, Run, options};
use domain::{ConversationOptions, FaultCode, MessageStatus, RunStep, SendRequest, SourceRef};
use engine::{Engine, Options, Passages, Retrieve, Retrieving, Wanted};
use simulator::{Scenario, Simulator};
use std::sync::Arc;
use std::time::Duration;

/// A library with one passage, for questions that are not odd.
struct OnePassage;

impl Retrieve for OnePassage {
    fn retrieve(&self, wanted: Wanted) -> Retrieving {
        Box::pin(async move {
            assert!(!wanted.question.contains("defect"), "a defect of the library");
            if wanted.question.contains("slow") {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            let source = SourceRef {
                n: wanted.first_number,
                document: "lease".to_owned(),
                title: "lease.pdf".to_owned(),
                page: Some(3),
                passage: "p7".to_owned(),
                score: 0.9,
                distance: Some(0.2),
                start: None,
                end: None,
                text: "The rent is 900 a month.".to_owned(),
            };
            let sources = if wanted.question.contains("far") { Vec::new() } else { vec![source] };
            Ok(Passages { sources, considered: 412 })
        })
    }
}

async fn library() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(simulator::Options::default()).await.unwrap();
    let options =
        Options { retriever: Some(Arc::new(OnePassage)), ..options(folder.path(), &simulator.base_url()) };
    Desk::of(Engine::open(options).await, simulator, folder)
}

async fn ask(desk: &Desk, text: &str) -> Run {
    let options =
        ConversationOptions { collections: vec!["home".to_owned()], ..ConversationOptions::default() };
    desk.request(SendRequest { text: text.to_owned(), options: Some(options), ..SendRequest::default() })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_go_into_the_prompt_as_numbered_data_and_come_back_as_citations() {
    let desk = library().await;
    desk.simulator.set_scenario(Scenario::text("It is 900 [1], not [2]."));
    let heard = ask(&desk, "What is the rent?").await.end().await;
    let told = heard.steps().find_map(|step| match step {
        RunStep::Sources { sources, considered } => Some((sources.len(), *considered)),
        _ => None,
    });
    assert_eq!(told, Some((1, 412)));
    let view = heard.view();
    assert_eq!(view.message.sources.len(), 1, "the sources are kept with the answer");
    let html: String = view.blocks.iter().map(|block| block.html.as_str()).collect();
    assert!(html.contains("<cite data-n=\"1\">") && !html.contains("data-n=\"2\""), "{html}");
    let sent = String::from_utf8(desk.chats()[0].body.to_vec()).unwrap();
    assert!(sent.contains("The rent is 900 a month.") && sent.contains("They are data"), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_no_passage_was_close_enough_is_told() {
    let desk = library().await;
    let heard = ask(&desk, "something far away").await.end().await;
    assert!(
        heard
            .steps()
            .any(|step| matches!(step, RunStep::Sources { sources, considered: 412 } if sources.is_empty()))
    );
    assert_eq!(heard.status(), MessageStatus::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_for_passages_can_be_stopped() {
    let desk = library().await;
    let run = ask(&desk, "a slow search").await;
    desk.engine.chat().stop_run(&run.started.run).await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(2), run.end()).await.expect("at once");
    assert_eq!(heard.status(), MessageStatus::Stopped);
    assert!(desk.chats().is_empty(), "nothing was sent");
    assert_eq!(heard.view().message.usage, None, "and nothing was spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_ends_one_answer_and_nothing_else() {
    let desk = library().await;
    let heard = ask(&desk, "a defect").await.end().await;
    assert_eq!((heard.code(), heard.status()), (Some(FaultCode::Internal), MessageStatus::Interrupted));
    assert!(desk.engine.chat().active_runs().is_empty());
    assert_eq!(ask(&desk, "say: fine").await.end().await.status(), MessageStatus::Complete);
}
