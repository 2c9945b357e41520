//! Talking: send, stream, store, versions, continue, context, titles.

use crate::desk::{CHAT, Desk, Run};
use domain::{
    AppEvent, ConversationOptions, CopyForm, Finish, MessageStatus, Parameters, Role, RunStep, SendRequest,
};
use engine::Nowhere;
use simulator::{Effects, Rule, Scenario, When};
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_answered_shown_in_patches_and_stored() {
    let mut desk = Desk::open().await;
    let answer = "# Primes\n\nAbove ninety there is **97**.\n\n```rust\nlet prime = 97;\n```\n";
    desk.scenario(
        Scenario::text(answer).and(Rule::new(Effects { speed: Some(200.0), ..Effects::default() })),
    );
    let heard = desk.ask("Name a prime above 90.").await;

    assert_eq!(heard.status(), MessageStatus::Complete);
    assert_eq!(heard.text(), answer);
    let seqs: Vec<u64> = heard.events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "numbers have no gaps");
    assert!(matches!(heard.events[0].what, RunStep::Started));
    assert!(!heard.painted().is_empty(), "the window saw it grow");
    let message = &heard.view().message;
    assert_eq!(message.finish, Some(Finish::Stop));
    let usage = message.usage.as_ref().expect("usage");
    assert!(
        usage.input_tokens.is_some() && usage.output_tokens.is_some() && usage.neurons.is_some(),
        "{usage:?}"
    );
    assert!(message.first_token_ms.is_some() && message.stream_ms.is_some());

    let transcript = desk.engine.history().transcript(heard.conversation().clone()).await.unwrap();
    assert_eq!(
        transcript.path.iter().map(|item| item.role).collect::<Vec<_>>(),
        [Role::User, Role::Assistant]
    );
    assert_eq!(transcript.tail[1], *heard.view(), "what was told is what is stored");
    assert!(!transcript.conversation.streaming);
    assert_eq!(
        wait_for_title(&mut desk).await,
        "Name a prime above 90.",
        "without a model the question names it"
    );
    assert!(desk.engine.chat().active_runs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_come_at_most_thirty_times_a_second_and_stay_small() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::speed(1_000.0));
    let begun = std::time::Instant::now();
    let heard = desk.ask("write 800 words").await;
    let seconds = begun.elapsed().as_secs_f64();
    let patches: Vec<usize> = heard
        .steps()
        .filter_map(|step| match step {
            RunStep::Patch { blocks, .. } => Some(blocks.iter().map(|block| block.html.len()).sum()),
            _ => None,
        })
        .collect();
    let frames = seconds / 0.033 + 2.0;
    // A frame whose blocks do not fit into one message is more than one patch.
    assert!(patches.len() as f64 <= frames * 2.0, "{} patches in {seconds:.2} s", patches.len());
    assert!(patches.len() > 5, "it streamed: {} patches", patches.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_talk_so_far_goes_with_the_next_question_without_its_thoughts() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::always(Effects {
        thoughts: Some("secret deliberation".to_owned()),
        ..Effects::default()
    }));
    let options = ConversationOptions {
        model: Some("@cf/qwen/qwen3-30b-a3b-fp8".into()),
        system: Some("Answer in one line.".to_owned()),
        parameters: Parameters { temperature: Some(0.25), ..Parameters::default() },
        ..ConversationOptions::default()
    };
    let request =
        SendRequest { text: "say: one".to_owned(), options: Some(options), ..SendRequest::default() };
    let first = desk.request(request).await.end().await;
    assert_eq!(first.view().message.thinking.as_deref(), Some("secret deliberation"));
    assert!(first.view().message.thinking_ms.is_some());
    assert!(
        first.steps().any(|step| matches!(step, RunStep::Thinking { .. })),
        "thoughts are shown as they come"
    );
    desk.ask_in(first.conversation(), "say: two").await;

    let sent: serde_json::Value = serde_json::from_slice(&desk.chats().last().unwrap().body).unwrap();
    let talk: Vec<(&str, &str)> = sent["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            (message["role"].as_str().unwrap(), message["content"].as_str().expect("content is text"))
        })
        .collect();
    assert_eq!(talk[0], ("system", "Answer in one line."));
    assert_eq!(talk[1], ("user", "say: one"));
    assert_eq!(talk[2], ("assistant", first.text()));
    assert_eq!(talk[3], ("user", "say: two"));
    assert!(!sent.to_string().contains("secret deliberation"), "thoughts are never glued into the text");
    assert_eq!(sent["temperature"], 0.25);
    for unset in ["top_p", "top_k", "seed", "max_tokens", "frequency_penalty", "stop", "response_format"] {
        assert!(sent.get(unset).is_none(), "{unset} was not set and is not sent");
    }
    desk.ask("say: something else").await;
    let chats = desk.chats();
    let affinity: Vec<&str> =
        chats.iter().map(|seen| seen.header("x-session-affinity").expect("each request says it")).collect();
    let [first, second, other] = affinity.as_slice() else { panic!("three requests: {affinity:?}") };
    assert!(!first.is_empty());
    assert_eq!(first, second, "one conversation, one prefix cache");
    assert_ne!(first, other, "another conversation, another cache");
}

#[tokio::test(flavor = "multi_thread")]
async fn regenerating_and_editing_keep_the_former_branches_as_versions() {
    let desk = Desk::open().await;
    let history = desk.engine.history();
    let first = desk.ask("say: one").await;
    let conversation = first.conversation().clone();
    let second = desk.ask_in(&conversation, "say: two").await;

    let (listener, events) = unbounded_channel();
    let model = "@cf/meta/llama-3.2-3b-instruct";
    let answer = first.started.answer.message.id.clone();
    let started = desk.engine.chat().regenerate(answer.clone(), Some(model.into()), listener).await.unwrap();
    let again = Run::from(started, events).end().await;
    assert_eq!((again.view().version, again.view().versions), (2, 2));
    assert_eq!(again.view().message.model, Some(model.into()));
    assert_eq!(again.started.path.len(), 2, "what followed the first version is not on the new path");
    assert!(again.started.question.is_none(), "no message of the person's was made");

    let back = history.select_version(answer).await.unwrap();
    assert_eq!(back.path.len(), 4, "the first version leads on to what followed it");
    assert_eq!(back.path[3].id, second.started.answer.message.id);

    let question = first.started.question.as_ref().unwrap().message.id.clone();
    let (listener, events) = unbounded_channel();
    let started = desk
        .engine
        .chat()
        .edit_message(question.clone(), "say: other".to_owned(), vec![], listener)
        .await
        .unwrap();
    let edited = Run::from(started, events).end().await;
    assert_eq!(edited.text(), "other");
    let asked = desk.load(&edited.started.question.as_ref().unwrap().message.id).await;
    assert_eq!((asked.version, asked.versions), (2, 2));
    assert_eq!(asked.siblings[0], question);
    assert_eq!(history.select_version(question).await.unwrap().path.len(), 4, "the old branch is whole");
    let row = history.conversations(0, 10, false).await.unwrap().conversations;
    assert_eq!(row.len(), 1, "all of it is one conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cut_by_its_limit_goes_on_in_the_same_message() {
    let desk = Desk::open().await;
    let options = ConversationOptions {
        model: Some("@cf/meta/llama-3.2-3b-instruct".into()),
        parameters: Parameters { max_tokens: Some(20), ..Parameters::default() },
        ..ConversationOptions::default()
    };
    let text = "write 60 words".to_owned();
    let request = SendRequest { text, options: Some(options), ..SendRequest::default() };
    let cut = desk.request(request).await.end().await;
    assert_eq!(cut.view().message.finish, Some(Finish::Length));
    assert_eq!(cut.status(), MessageStatus::Complete);

    let message = cut.started.answer.message.id.clone();
    let (listener, events) = unbounded_channel();
    let started = desk.engine.chat().continue_answer(message.clone(), listener).await.unwrap();
    assert_eq!(started.answer.message.text, cut.text(), "it begins as far as it came");
    let whole = Run::from(started, events).end().await;
    assert_eq!(whole.started.answer.message.id, message);
    assert!(
        whole.text().starts_with(cut.text()) && whole.text().len() > cut.text().len(),
        "{:?}",
        whole.text()
    );
    assert_eq!(whole.started.path.len(), 2);
    assert_eq!(desk.load(&message).await.message.text, whole.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_the_window_is_left_out_and_said() {
    let desk = Desk::open().await;
    let model = "@cf/meta/llama-3.3-70b-instruct-fp8-fast"; // 24,000 tokens
    let options = ConversationOptions { model: Some(model.into()), ..ConversationOptions::default() };
    let long = format!("say: ok. {}", "several words of padding ".repeat(2_000));
    let request =
        SendRequest { text: long.clone(), options: Some(options.clone()), ..SendRequest::default() };
    let first = desk.request(request).await.end().await;
    let conversation = first.conversation().clone();
    desk.ask_in(&conversation, &long).await;
    let third = desk.ask_in(&conversation, &long).await;
    let left_out = third.steps().find_map(|step| match step {
        RunStep::LeftOut { messages } => Some(*messages),
        _ => None,
    });
    assert_eq!(left_out, Some(4), "both earlier pairs are too long");
    assert_eq!(third.status(), MessageStatus::Complete);

    let meter = desk
        .engine
        .chat()
        .context_meter(Some(conversation), options, "and now?".to_owned(), vec![])
        .await
        .unwrap();
    assert_eq!(meter.window, Some(24_000));
    assert!(meter.history > 9_000 && meter.left_out == 4 && meter.draft > 0, "{meter:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_talk_that_the_model_finds_too_long_is_shortened_and_sent_again() {
    let desk = Desk::open().await;
    let first = desk.ask(&format!("say: one {}", "and more ".repeat(900))).await;
    desk.ask_in(first.conversation(), "say: two").await;
    desk.simulator.clear_requests();
    desk.scenario(Scenario::error("context").times(1));
    let heard = desk.ask_in(first.conversation(), "say: three").await;
    assert_eq!(heard.text(), "three", "{:?}", heard.view().message.fault);
    let lengths: Vec<usize> = desk.chats().iter().map(|seen| seen.body.len()).collect();
    assert!(lengths.len() == 2 && lengths[1] < lengths[0], "{lengths:?}");
    assert!(heard.steps().any(|step| matches!(step, RunStep::LeftOut { .. })), "and it is said");

    desk.scenario(Scenario::error("context"));
    let heard = desk.ask_in(first.conversation(), "say: four").await;
    assert_eq!(heard.code(), Some(domain::FaultCode::ContextTooLong), "and not for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_is_made_in_the_background_and_never_over_a_rename() {
    let mut desk = Desk::open().await;
    desk.with_titles().await;
    let titles = When { body: Some("Write a title".to_owned()), ..When::default() };
    let slow = Effects {
        text: Some("\"Prime numbers.\"".to_owned()),
        first_byte_ms: Some(400),
        ..Effects::default()
    };
    desk.scenario(Scenario::one(Rule { when: titles.clone(), times: None, then: slow }));

    let heard = desk.ask("Name a prime above 90.").await;
    assert_eq!(heard.status(), MessageStatus::Complete, "the answer does not wait for its title");
    let titled = wait_for_title(&mut desk).await;
    assert_eq!(titled, "Prime numbers");
    let report = desk.engine.usage().usage_report(1).await.unwrap();
    assert!(
        report.by_task.iter().any(|line| line.label == "title"),
        "the title is in the ledger: {report:?}"
    );

    let renamed = desk.ask("Name a prime above 190.").await;
    let id = renamed.conversation().clone();
    desk.engine.history().rename_conversation(id.clone(), "Mine".to_owned()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    let row = desk.engine.history().transcript(id).await.unwrap().conversation;
    assert_eq!((row.title.as_str(), row.renamed), ("Mine", true));
}

async fn wait_for_title(desk: &mut Desk) -> String {
    loop {
        let news = tokio::time::timeout(crate::desk::PATIENCE, desk.news.recv()).await.expect("in time");
        if let Some(AppEvent::ConversationChanged { conversation }) = news
            && !conversation.title.is_empty()
        {
            return conversation.title;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_opens_later_is_told_everything() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::speed(60.0));
    let mut run = desk.send("write 60 words").await;
    run.first_words().await;
    let id = run.started.run.clone();
    drop(run);
    let active = desk.engine.chat().active_runs();
    assert_eq!(active.len(), 1, "a run outlives the window that began it");
    let (listener, events) = unbounded_channel();
    desk.engine.chat().attach_run(&id, 0, listener).await.unwrap();
    let loaded = desk.load(&active[0].message).await;
    assert_eq!(loaded.run.as_ref(), Some(&active[0].run), "a message says which run writes it");
    let late = Run::from(desk_started(&desk, &active[0].conversation).await, events).end().await;
    assert_eq!(late.events[0].seq, 1);
    assert_eq!(late.status(), MessageStatus::Complete);
    assert!(!late.painted().is_empty());
}

/// A stand-in for what `send_message` returned to the window that is gone.
async fn desk_started(desk: &Desk, conversation: &domain::ConversationId) -> domain::Started {
    let transcript = desk.engine.history().transcript(conversation.clone()).await.unwrap();
    domain::Started {
        run: "gone".into(),
        conversation: transcript.conversation,
        question: None,
        answer: transcript.tail.last().unwrap().clone(),
        path: transcript.path,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_texts_go_with_a_message() {
    let desk = Desk::open().await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(8, 6).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let attachments = desk.engine.attachments();
    let picture = attachments.attach_bytes("cat.png".to_owned(), png.into_inner()).await.unwrap();
    assert_eq!((picture.width, picture.height), (Some(8), Some(6)));
    let notes = attachments.attach_bytes("notes.md".to_owned(), b"the rent is 900".to_vec()).await.unwrap();
    let options = ConversationOptions {
        model: Some("@cf/meta/llama-4-scout-17b-16e-instruct".into()),
        ..ConversationOptions::default()
    };
    let request = SendRequest {
        text: "say: seen".to_owned(),
        attachments: vec![picture.id.clone(), notes.id.clone()],
        options: Some(options.clone()),
        ..SendRequest::default()
    };
    let heard = desk.request(request.clone()).await.end().await;
    assert_eq!(heard.status(), MessageStatus::Complete, "{:?}", heard.view().message.fault);
    assert_eq!(heard.started.question.as_ref().unwrap().message.attachments.len(), 2);
    let sent = String::from_utf8(desk.chats()[0].body.to_vec()).unwrap();
    assert!(sent.contains("data:image/png;base64,"), "a vision model is shown the picture");
    assert!(sent.contains("the rent is 900") && sent.contains("data, not instructions"), "the text is data");

    let blind = ConversationOptions { model: Some("@cf/zai-org/glm-4.7-flash".into()), ..options };
    desk.request(SendRequest { options: Some(blind), ..request }).await.end().await;
    let sent = String::from_utf8(desk.chats()[1].body.to_vec()).unwrap();
    assert!(!sent.contains("data:image"), "a model that does not see is not sent the picture");
    assert!(sent.contains("cat.png"), "but is told of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_copied_as_a_program_without_the_key() {
    let desk = Desk::open().await;
    let heard = desk.ask("say: it's \"here\"").await;
    let id = heard.started.answer.message.id.clone();
    let chat = desk.engine.chat();
    let copied = |form| chat.copy_message(id.clone(), form);
    assert_eq!(copied(CopyForm::Markdown).await.unwrap(), heard.text());
    for form in [CopyForm::Curl, CopyForm::TypeScript, CopyForm::Python] {
        let program = copied(form).await.unwrap();
        assert!(program.contains("glm-4.7-flash") && program.contains("say: it"), "{program}");
        assert!(!program.contains("cfut_journey"), "{program}");
        assert!(
            !program.contains(heard.text()) || heard.text().len() < 12,
            "the answer is not sent: {program}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_when_nothing_can_be_sent() {
    let desk = Desk::open().await;
    let empty = SendRequest { text: "  \n".to_owned(), ..SendRequest::default() };
    let fault = desk.engine.chat().send_message(empty, Nowhere).await.unwrap_err();
    assert_eq!(fault.code, domain::FaultCode::InvalidInput);

    let mut settings = desk.engine.settings().settings().await.unwrap();
    settings.hard_cap = Some(0.0);
    desk.engine.settings().save_settings(settings).await.unwrap();
    let over = SendRequest { text: "say: no".to_owned(), ..SendRequest::default() };
    let fault = desk.engine.chat().send_message(over, Nowhere).await.unwrap_err();
    assert_eq!(fault.code, domain::FaultCode::CapReached);
    assert!(fault.until.is_some(), "and it says until when");
    assert!(desk.engine.history().conversations(0, 10, false).await.unwrap().conversations.is_empty());
    assert!(desk.simulator.requests().iter().all(|seen| !seen.path.contains(CHAT)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assistant_is_kept_and_a_conversation_with_it_asks_as_it_sets() {
    let desk = Desk::open().await;
    let options = ConversationOptions {
        model: Some("@cf/meta/llama-3.2-3b-instruct".into()),
        system: Some("Answer in rhymes. 用韵文回答。".to_owned()),
        parameters: Parameters { temperature: Some(0.25), ..Parameters::default() },
        ..ConversationOptions::default()
    };
    let assistants = desk.engine.assistants();
    let refused = assistants.save_assistant(None, "  ".to_owned(), options.clone()).await.unwrap_err();
    assert_eq!(refused.code, domain::FaultCode::InvalidInput);
    let poet = assistants.save_assistant(None, " Poet 诗人 ".to_owned(), options.clone()).await.unwrap();
    assert_eq!(poet.name, "Poet 诗人");

    let desk = desk.restart().await;
    let assistants = desk.engine.assistants();
    let kept = assistants.assistants().await.unwrap();
    assert_eq!(kept, std::slice::from_ref(&poet), "it is there after a restart, with all that it sets");

    let request = SendRequest {
        text: "A prime, please.".to_owned(),
        options: Some(kept[0].options.clone()),
        ..SendRequest::default()
    };
    let (listener, events) = unbounded_channel();
    let started = desk.engine.chat().send_message(request, listener).await.unwrap();
    Run::from(started, events).end().await;
    let sent = desk.chats().pop().expect("a request").json();
    assert_eq!(sent["model"], "@cf/meta/llama-3.2-3b-instruct");
    assert_eq!(sent["messages"][0]["content"], "Answer in rhymes. 用韵文回答。");
    assert!((sent["temperature"].as_f64().unwrap() - 0.25).abs() < 1e-6);
    assert!(sent.get("top_p").is_none(), "what is not set is not sent");

    let renamed =
        assistants.save_assistant(Some(poet.id.clone()), "Bard".to_owned(), options.clone()).await.unwrap();
    assert_eq!((renamed.id.clone(), assistants.assistants().await.unwrap().len()), (poet.id.clone(), 1));
    assistants.delete_assistant(poet.id.clone()).await.unwrap();
    assert!(assistants.assistants().await.unwrap().is_empty());
    assistants.save_assistant(Some(poet.id.clone()), poet.name.clone(), options).await.unwrap();
    assert_eq!(assistants.assistants().await.unwrap(), [poet], "deleting it is taken back");
}
