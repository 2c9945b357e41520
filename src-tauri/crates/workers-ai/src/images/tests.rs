//! Every form of request and answer.

use super::*;
use crate::error::Why;
use crate::testing::{self, Answer, Server};
use crate::wire::{FormPart, Payload};
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n....";
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0....";

fn raw(bytes: &'static [u8], media_type: &str) -> Answer {
    let mut answer = Answer::new(200, &[("content-type", media_type)], "");
    answer.body = vec![(Duration::ZERO, Ok(Bytes::from_static(bytes)))];
    answer
}

fn schnell() -> ImageRequest {
    ImageRequest::new(ModelId::from("@cf/black-forest-labs/flux-1-schnell"), "a lighthouse")
}

async fn make(request: &ImageRequest, answer: Answer) -> (Result<ImageAnswer, Error>, Server) {
    let server = Server::answering(vec![answer]);
    (testing::client(&server).image(request).await, server)
}

#[tokio::test(start_paused = true)]
async fn a_picture_is_known_by_its_bytes_however_it_comes() {
    let base64 = STANDARD.encode(JPEG);
    let wrapped = format!("{}\n {}", &base64[..5], &base64[5..]);
    for (answer, expected) in [
        (Answer::json(&json!({ "result": { "image": base64 }, "success": true, "errors": [] })), JPEG),
        (Answer::json(&json!({ "image": base64 })), JPEG),
        (Answer::json(&json!({ "result": { "image": format!("data:image/png;base64,{base64}") } })), JPEG),
        (Answer::json(&json!({ "result": { "image": wrapped } })), JPEG),
        (
            Answer::new(
                200,
                &[("content-type", "image/png")],
                json!({ "result": { "image": base64 } }).to_string(),
            ),
            JPEG,
        ),
        (raw(PNG, "image/png"), PNG),
        (raw(PNG, "application/octet-stream"), PNG),
        (raw(PNG, "application/json"), PNG),
        (raw(b"RIFF....WEBPVP8 ", "image/jpeg"), b"RIFF....WEBPVP8 "),
    ] {
        let picture = make(&schnell(), answer).await.0.unwrap();
        assert_eq!(picture.bytes, expected);
        assert_eq!(Some(picture.media_type), picture_type(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_picture_is_refused() {
    for answer in [
        Answer::json(&json!({ "result": { "image": "####" } })),
        Answer::json(&json!({ "result": { "image": STANDARD.encode("<svg xmlns='x'/>") } })),
        Answer::json(&json!({ "result": { "image": "" } })),
        Answer::json(&json!({ "result": {} })),
        Answer::new(200, &[], r#"{"result":{"image":"/9j/"#),
        raw(b"GIF89a", "image/png"),
        raw(b"", "image/png"),
    ] {
        let outcome = make(&schnell(), answer.clone()).await.0;
        assert!(matches!(outcome, Err(Error::AnswerMalformed(_))), "{answer:?}: {outcome:?}");
    }
    let page = make(&schnell(), raw(b"<html>", "image/png")).await.0;
    assert!(matches!(page, Err(Error::NotTheService { .. })), "and so is SVG as it is");
    let refused =
        json!({ "success": false, "errors": [{ "code": 3030, "message": "Your output has been flagged" }] });
    assert_eq!(
        make(&schnell(), Answer::json(&refused)).await.0.unwrap_err().why(),
        Some(Why::ContentRefused)
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_the_model_takes_is_sent() {
    let mut request = schnell();
    (request.width, request.height, request.steps, request.seed) = (Some(512), Some(512), Some(4), Some(7));
    (request.guidance, request.negative_prompt) = (Some(3.0), Some("people".to_owned()));
    let (_, server) = make(&request, raw(PNG, "image/png")).await;
    assert_eq!(server.seen()[0].json(), json!({ "prompt": "a lighthouse", "steps": 4 }));

    request.model = ModelId::from("@cf/leonardo/phoenix-1.0");
    let (_, server) = make(&request, raw(PNG, "image/png")).await;
    let expected = json!({ "prompt": "a lighthouse", "negative_prompt": "people", "width": 512, "height": 512, "num_steps": 4, "guidance": 3.0, "seed": 7 });
    assert_eq!(server.seen()[0].json(), expected);

    request.model = ModelId::from("@cf/runwayml/stable-diffusion-v1-5-inpainting");
    assert!(
        matches!(make(&request, raw(PNG, "image/png")).await.0, Err(Error::InvalidInput(_))),
        "it needs a picture"
    );
    request.references = vec![Reference { bytes: PNG.to_vec(), width: 256, height: 256 }];
    let (refused, server) = make(&request, raw(PNG, "image/png")).await;
    assert!(matches!(refused, Err(Error::InvalidInput(_))), "it needs a mask");
    assert!(server.seen().is_empty(), "and is told so before anything is sent");
    request.mask = Some(vec![1, 2]);
    let (_, server) = make(&request, raw(PNG, "image/png")).await;
    let body = server.seen()[0].json();
    assert_eq!((&body["image_b64"], &body["mask"]), (&json!(STANDARD.encode(PNG)), &json!([1, 2])));
}

#[test]
fn the_stable_diffusion_family_starts_from_a_picture_too() {
    for model in [
        "@cf/stabilityai/stable-diffusion-xl-base-1.0",
        "@cf/lykon/dreamshaper-8-lcm",
        "@cf/bytedance/stable-diffusion-xl-lightning",
    ] {
        let form = image_form(&ModelId::from(model));
        assert!(form.references == 1 && form.strength && form.mask && !form.needs_reference, "{model}");
    }
    for model in ["@cf/leonardo/phoenix-1.0", "@cf/leonardo/lucid-origin", "@cf/new/unknown"] {
        let form = image_form(&ModelId::from(model));
        assert!(form.references == 0 && !form.strength && !form.mask, "{model}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_picture_tells_what_it_cost() {
    let answer = Answer::new(
        200,
        &[("cf-ai-neurons", "12.5"), ("content-type", "application/json")],
        json!({ "result": { "image": STANDARD.encode("<svg/>") } }).to_string(),
    );
    let server = Server::answering(vec![answer]);
    let (error, usage) = testing::client(&server).image_with_cost(&schnell()).await.unwrap_err();
    assert!(matches!(error, Error::AnswerMalformed(_)), "{error:?}");
    assert_eq!(usage.map(|usage| (usage.neurons, usage.estimated)), Some((Some(12.5), false)));
}

#[tokio::test(start_paused = true)]
async fn the_new_flux_takes_a_form_with_files() {
    let mut request =
        ImageRequest::new(ModelId::from("@cf/black-forest-labs/flux-2-klein-4b"), "image 0 at dusk");
    (request.width, request.height, request.steps) = (Some(1024), Some(512), Some(9));
    request.references = vec![Reference { bytes: JPEG.to_vec(), width: 300, height: 300 }];
    let (outcome, server) =
        make(&request, Answer::json(&json!({ "result": { "image": STANDARD.encode(PNG) } }))).await;
    let Payload::Form(parts) = server.seen()[0].request.payload.clone() else { panic!("it is no form") };
    let names: Vec<&str> = parts.iter().map(|part: &FormPart| part.name.as_str()).collect();
    assert_eq!(names, ["prompt", "width", "height", "input_image_0"], "its steps are fixed and not sent");
    assert_eq!(parts[3].media_type.as_deref(), Some("image/jpeg"));
    assert_eq!(&parts[1].bytes[..], b"1024");
    let usage = outcome.unwrap().usage;
    assert!((usage.neurons.unwrap() - (5.37 + 2.0 * 26.05)).abs() < 0.01);
    assert!(usage.estimated);

    request.references[0].width = 512;
    assert!(matches!(make(&request, raw(PNG, "image/png")).await.0, Err(Error::InvalidInput(_))));
}

#[tokio::test(start_paused = true)]
async fn a_picture_is_asked_for_again_only_where_nothing_can_be_billed_twice() {
    let capacity = json!({ "errors": [{ "code": 3040, "message": "Capacity" }] }).to_string();
    for (answer, requests) in [
        (Answer::new(429, &[], capacity), 3),
        (Answer::new(429, &[("retry-after", "3")], ""), 3),
        (Answer::failed(Error::Unreachable("refused".into())), 3),
        (Answer::new(500, &[], ""), 1),
        (Answer::new(524, &[], "<html>"), 1),
        (Answer::new(408, &[], ""), 1),
        (Answer::failed(Error::StreamCut("reset".into())), 1),
        (Answer { after: Duration::from_secs(900), ..raw(PNG, "image/png") }, 1),
    ] {
        let (outcome, server) = make(&schnell(), answer.clone()).await;
        assert!(outcome.is_err());
        assert_eq!(server.seen().len(), requests, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_header_tells_the_cost() {
    let answer = Answer::new(
        200,
        &[("cf-ai-neurons", "172.80"), ("content-type", "application/json")],
        json!({ "result": { "image": STANDARD.encode(PNG) } }).to_string(),
    );
    let usage = make(&schnell(), answer).await.0.unwrap().usage;
    assert_eq!((usage.neurons, usage.estimated), (Some(172.80), false));
    let usage = make(&schnell(), raw(PNG, "image/png")).await.0.unwrap().usage;
    assert_eq!((usage.neurons.map(f64::round), usage.estimated), (Some(173.0), true));
}

#[test]
fn the_base64_of_a_large_picture_is_not_copied() {
    let body = br#"{"result":{"image":"iVBORw0KGgo="},"success":true}"#;
    assert!(matches!(base64_of(body, "image"), Ok(Some(Cow::Borrowed("iVBORw0KGgo=")))));
    let bare = br#"{"image":"iVBORw0KGgo="}"#;
    assert!(matches!(base64_of(bare, "image"), Ok(Some(Cow::Borrowed("iVBORw0KGgo=")))));
    let escaped = br#"{"image":"\/9j\/"}"#;
    assert_eq!(base64_of(escaped, "image").unwrap().as_deref(), Some("/9j/"));
}
