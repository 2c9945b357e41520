//! Pictures in a conversation: the words that ask for one, what may stand behind them, and the next question about it.

use super::{KLEIN, PHOENIX, all, orders};
use crate::desk::Desk;
use domain::{ConversationOptions, FaultCode, MessageStatus, Picture, RunStep, SendRequest};
use simulator::{ImageFault, Scenario};

/// The picture that the answer is.
async fn drawn(desk: &Desk, text: &str) -> Picture {
    let heard = desk.ask(text).await;
    assert_eq!(heard.status(), MessageStatus::Complete, "{text}: {:?}", heard.code());
    let told = heard.steps().any(|step| matches!(step, RunStep::Picture { .. }));
    assert!(told, "{text}: the window is told of the tile");
    let ids = &heard.view().message.pictures;
    assert_eq!(ids.len(), 1, "{text}");
    desk.engine.pictures().picture(ids[0].clone()).await.expect("it is in the gallery")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_begins_with_a_word_makes_a_picture_there() {
    let desk = Desk::open().await;
    let cat = drawn(&desk, "画一只猫").await;
    assert_eq!(cat.request.prompt, "一只猫");
    assert!(cat.request.conversation.is_some());
    let heron =
        drawn(&desk, "/image a heron\nin the reeds --model phoenix-1.0 --size 512x768 --seed 42 --steps 8")
            .await;
    assert_eq!(heron.request.prompt, "a heron\nin the reeds");
    assert_eq!((heron.model.as_str(), heron.width, heron.height), (PHOENIX, Some(512), Some(768)));
    assert_eq!((heron.request.seed, heron.request.steps), (Some(42), Some(8)));
    let fox = drawn(&desk, "/draw a fox --model flux-2-klein-4b").await;
    assert_eq!(fox.model.as_str(), KLEIN);
    assert!(desk.chats().is_empty(), "no chat model was asked");
    assert_eq!((all(&desk).await.len(), orders(&desk).len()), (3, 3), "they are in the gallery too");
    let small = drawn(&desk, "/image a sketch --size 512x512 --model flux-1-schnell").await;
    assert_eq!(small.left_out, [domain::PictureField::Size], "what the model does not take is said");

    let mut settings = desk.engine.settings().settings().await.unwrap();
    settings.picture_words = false;
    desk.engine.settings().save_settings(settings).await.unwrap();
    let heard = desk.ask("画一只猫").await;
    assert!(
        heard.view().message.pictures.is_empty() && desk.chats().len() == 1,
        "switched off, it is a question"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_asks_for_a_picture_has_its_price_and_the_soft_limit_asks() {
    let desk = Desk::open().await;
    let pictures = desk.engine.pictures();
    let quote = async |text: &str| pictures.quote_message(text.to_owned()).await.expect("quoted");
    let set = async |cap: Option<f64>, words: bool| {
        let settings = desk.engine.settings().settings().await.unwrap();
        let changed = domain::Settings { soft_cap: cap, picture_words: words, ..settings };
        desk.engine.settings().save_settings(changed).await.unwrap();
    };
    let cat = quote("画一只猫").await.expect("a picture");
    let neurons = cat.neurons.expect("a price is published");
    assert!(neurons > 1.0 && !cat.ask, "no limit, no question: {cat:?}");
    let four = quote("/image a cat --count 4").await.and_then(|quote| quote.neurons).expect("a price");
    assert!((four - 4.0 * neurons).abs() < 1e-9, "the options count: {four}");
    for words in ["What is a picture?", "/draw", "  /image  "] {
        assert_eq!(quote(words).await, None, "{words:?}");
    }

    set(Some(neurons * 2.5), true).await;
    assert!(!quote("画一只猫").await.expect("a picture").ask);
    assert!(quote("/image a cat --count 4").await.expect("a picture").ask, "four would pass the limit");
    drawn(&desk, "画一只猫").await;
    drawn(&desk, "画一只猫").await;
    assert!(quote("画一只猫").await.expect("a picture").ask, "what was made counts");
    set(Some(neurons * 2.5), false).await;
    assert_eq!(quote("画一只猫").await, None, "switched off, it is a question");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_picture_ends_the_answer_with_its_fault_and_can_be_asked_for_again() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::image(ImageFault::Truncated).on_path(super::RUN).times(1));
    let heard = desk.ask("/image a cat").await;
    assert_eq!((heard.status(), heard.code()), (MessageStatus::Failed, Some(FaultCode::FileUnreadable)));
    let refused = desk.ask("/image something nsfw").await;
    assert_eq!(refused.code(), Some(FaultCode::ContentRefused));
    let again = desk.ask_in(heard.conversation(), "/image a cat").await;
    assert_eq!(again.status(), MessageStatus::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_goes_with_the_next_question_of_a_model_that_sees() {
    let desk = Desk::open().await;
    let options = ConversationOptions {
        model: Some("@cf/meta/llama-4-scout-17b-16e-instruct".into()),
        ..ConversationOptions::default()
    };
    let drawing = SendRequest {
        text: "/image a lighthouse".to_owned(),
        options: Some(options),
        ..SendRequest::default()
    };
    let heard = desk.request(drawing).await.end().await;
    let picture = heard.view().message.pictures[0].clone();
    let attachment = desk.engine.pictures().picture_as_attachment(picture).await.expect("a file");
    let question = SendRequest {
        conversation: Some(heard.conversation().clone()),
        text: "What is in this picture?".to_owned(),
        attachments: vec![attachment.id],
        ..SendRequest::default()
    };
    let answered = desk.request(question).await.end().await;
    assert_eq!(answered.status(), MessageStatus::Complete, "{:?}", answered.code());
    let sent = desk.chats().pop().expect("a chat request").json().to_string();
    assert!(sent.contains("data:image/jpeg;base64,"), "the model is shown the picture");
    assert!(sent.contains("a lighthouse"), "and knows what was asked for");
}
