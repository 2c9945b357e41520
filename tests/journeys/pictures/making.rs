//! Making: every form of request and answer, several at once, seeds, what a model ignores, stopping.

use super::{
    DREAMSHAPER, IMG2IMG, INPAINTING, KLEIN, PHOENIX, RUN, SCHNELL, after_ms, all, attach, begin, booked,
    bytes_of, drawing, folder, make, names_in, orders, request,
};
use crate::crash::scattered;
use crate::desk::Desk;
use domain::{AttachmentId, FaultCode, PictureField, PictureRequest, PictureState};
use simulator::Scenario;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_form_of_answer_becomes_a_file_with_its_settings_inside() {
    let desk = Desk::open().await;
    for (model, kind) in [
        (SCHNELL, "image/jpeg"),                                       // base64 in JSON
        ("@cf/leonardo/lucid-origin", "image/jpeg"),                   // the same, with sizes
        (PHOENIX, "image/jpeg"),                                       // raw bytes
        (DREAMSHAPER, "image/png"),                                    // raw bytes
        ("@cf/bytedance/stable-diffusion-xl-lightning", "image/jpeg"), // raw bytes
        (KLEIN, "image/jpeg"),                                         // multipart there, base64 back
    ] {
        let picture = make(&desk, request(model, "a lighthouse 灯塔 at dusk")).await;
        assert_eq!(picture.state, PictureState::Done, "{model}");
        assert_eq!(picture.media_type.as_deref(), Some(kind), "{model}");
        let bytes = bytes_of(&desk, &picture);
        assert_eq!(Some(bytes.len() as u64), picture.size, "{model}");
        let decoded = image::load_from_memory(&bytes).expect("a picture");
        assert_eq!(
            (Some(decoded.width()), Some(decoded.height())),
            (picture.width, picture.height),
            "{model}"
        );
        let inside = pictures::settings::read(&bytes).expect("settings inside");
        assert_eq!(inside.request.prompt, "a lighthouse 灯塔 at dusk");
        assert_eq!(inside.request.seed, picture.request.seed, "{model}");
        let cost = picture.usage.as_ref().and_then(|usage| usage.neurons);
        // Models in their trial time cost nothing, and say so.
        let free = [DREAMSHAPER, "@cf/bytedance/stable-diffusion-xl-lightning"].contains(&model);
        assert_eq!(cost.map(|neurons| neurons > 0.0), Some(!free), "{model}: {cost:?}");
        assert!(!desk.engine.pictures().thumbnail_bytes(picture.id).await.expect("a thumbnail").is_empty());
    }
    assert_eq!(booked(&desk).await.1, 6, "each is one line of the ledger");
    assert_eq!(names_in(&folder(&desk)).len(), 6);
    assert_eq!(orders(&desk).len(), 6, "and one request");
}

async fn reference(desk: &Desk, width: u32, height: u32) -> Vec<AttachmentId> {
    vec![attach(desk, "start.png", drawing(width, height)).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_go_in_as_the_model_takes_them() {
    let desk = Desk::open().await;
    let references = vec![
        attach(&desk, "a.png", drawing(900, 600)).await,
        attach(&desk, "b.png", drawing(300, 300)).await,
    ];
    let picture =
        make(&desk, PictureRequest { references, ..request(KLEIN, "image 0 beside image 1") }).await;
    assert_eq!(picture.state, PictureState::Done);
    let body = orders(&desk).remove(0).body;
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(body.contains("name=\"input_image_0\"") && body.contains("name=\"input_image_1\""));

    let references = reference(&desk, 640, 480).await;
    let asked = PictureRequest { references, strength: Some(0.6), ..request(IMG2IMG, "in winter") };
    assert_eq!(make(&desk, asked).await.state, PictureState::Done);
    let sent = orders(&desk)[1].json();
    assert!(sent["image_b64"].is_string() && sent["strength"] == 0.6, "{}", sent["strength"]);

    // The whole family starts from a picture too.
    let references = reference(&desk, 512, 512).await;
    let asked = PictureRequest { references, strength: Some(0.4), ..request(DREAMSHAPER, "in spring") };
    assert_eq!(make(&desk, asked).await.state, PictureState::Done);
    assert!(orders(&desk)[2].json()["image_b64"].is_string());

    let mask = attach(&desk, "mask.png", drawing(64, 64)).await;
    let references = reference(&desk, 256, 256).await;
    let asked = PictureRequest { references, mask: Some(mask), ..request(INPAINTING, "a boat") };
    let picture = make(&desk, asked.clone()).await;
    assert_eq!(picture.state, PictureState::Done, "{picture:?}");
    assert!(orders(&desk)[3].json()["mask"].as_array().is_some_and(|bytes| !bytes.is_empty()));

    let without = make(&desk, PictureRequest { mask: None, ..asked }).await;
    assert_eq!(super::fault(&without).code, FaultCode::InvalidInput);
    assert_eq!(orders(&desk).len(), 4, "without its mask it is refused before it is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_are_made_at_once_with_seeds_that_follow_each_other() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::always(after_ms(700)).on_path(RUN));
    let begun = std::time::Instant::now();
    let asked = PictureRequest { count: 4, seed: Some(41), ..request(PHOENIX, "a heron") };
    let rows = begin(&desk, asked).await.expect("begun").end().await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let seeds: Vec<_> = rows.iter().map(|row| row.request.seed.expect("a seed")).collect();
    assert_eq!(seeds, [41, 42, 43, 44]);
    assert!(rows.iter().all(|row| row.state == PictureState::Done && row.run == rows[0].run));
    let seen = orders(&desk);
    let together = seen.iter().filter(|one| one.at < seen[0].closed_at.unwrap_or_default()).count();
    assert_eq!(together, 4, "the last was asked for before the first was there");

    let highest = PictureRequest { count: 2, seed: Some(u64::MAX), ..request(PHOENIX, "a heron") };
    let rows = begin(&desk, highest).await.expect("begun");
    assert_eq!(rows.begun.iter().map(|row| row.request.seed).collect::<Vec<_>>(), [Some(u64::MAX), Some(0)]);
    let drawn = make(&desk, request(PHOENIX, "a heron")).await;
    assert!(drawn.request.seed.is_some_and(|seed| seed > 0), "a seed is drawn and kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_ignores_is_said_and_not_recorded_as_used() {
    let desk = Desk::open().await;
    let asked = PictureRequest {
        width: Some(640),
        height: Some(640),
        seed: Some(9),
        negative_prompt: Some("people".to_owned()),
        steps: Some(3),
        ..request(SCHNELL, "a fox")
    };
    let picture = make(&desk, asked).await;
    assert_eq!(picture.left_out, [PictureField::Size, PictureField::Seed, PictureField::NegativePrompt]);
    let used = &picture.request;
    assert_eq!(
        (used.width, used.seed, used.negative_prompt.as_deref(), used.steps),
        (None, None, None, Some(3))
    );
    let inside = pictures::settings::read(&bytes_of(&desk, &picture)).expect("settings inside").request;
    assert_eq!(
        (inside.width, inside.seed, inside.negative_prompt, inside.steps),
        (None, None, None, Some(3))
    );
    let again = desk.engine.pictures().picture(picture.id.clone()).await.expect("stored");
    assert_eq!(again, picture, "what was told is what is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_found_by_its_last_name() {
    let desk = Desk::open().await;
    let picture = make(&desk, request("FLUX-2-klein-4b", "a fox")).await;
    assert_eq!((picture.model.as_str(), &picture.state), (KLEIN, &PictureState::Done));
    assert_eq!(desk.engine.pictures().picture_form("flux-2-klein-4b".into()).await.unwrap().references, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_what_the_live_schema_and_the_table_tell() {
    let desk = Desk::open().await;
    let pictures = desk.engine.pictures();
    let form = pictures.picture_form(INPAINTING.into()).await.unwrap();
    assert!(form.live && form.needs_mask && form.needs_reference && form.image_to_image);
    let form = pictures.picture_form(DREAMSHAPER.into()).await.unwrap();
    assert!(form.inpainting && !form.needs_mask && form.references == 1 && form.image_to_image);
    let form = pictures.picture_form(SCHNELL.into()).await.unwrap();
    assert!(form.size.is_none() && !form.seed && form.references == 0);
    // The table knows no guidance here; the service says that there is one.
    let form = pictures.picture_form(KLEIN.into()).await.unwrap();
    assert!(form.guidance.is_some() && form.live);
    let asked = PictureRequest { guidance: Some(5.0), ..request(KLEIN, "a fox") };
    assert_eq!(make(&desk, asked).await.request.guidance, Some(5.0));
    let body = orders(&desk).remove(0).body;
    assert!(String::from_utf8_lossy(&body).contains("name=\"guidance\""), "and it is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_in_the_making_is_stopped_and_its_prompt_stays() {
    let desk = Desk::open().await;
    desk.scenario(Scenario::always(after_ms(20_000)).on_path(RUN));
    let making = begin(&desk, request(PHOENIX, "a slow river")).await.expect("begun");
    while orders(&desk).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    desk.engine.pictures().cancel_picture(&making.begun[0].id).await.expect("stopped");
    let row = making.end().await.remove(0);
    assert_eq!((&row.state, row.request.prompt.as_str()), (&PictureState::Stopped, "a slow river"));
    assert!(names_in(&folder(&desk)).is_empty());
    assert_eq!(booked(&desk).await.1, 0);
}

/// Stopping at any moment: either there is a picture with its file and its line, or there is neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stopping_at_any_moment_leaves_no_half_truth() {
    let desk = Desk::open().await;
    let begun = std::time::Instant::now();
    make(&desk, request(SCHNELL, "a quick sketch")).await;
    let longest = begun.elapsed();
    let (mut stopped, mut done) = (0, 1);
    for trial in 0..30 {
        // From too early to too late, whatever the machine takes for one.
        let making = begin(&desk, request(SCHNELL, "a quick sketch")).await.expect("begun");
        let id = making.begun[0].id.clone();
        let most = longest.max(Duration::from_millis(50)).as_millis() as u64 * 5 / 4;
        tokio::time::sleep(Duration::from_millis(scattered(trial, most))).await;
        desk.engine.pictures().cancel_picture(&id).await.expect("asked");
        match making.end().await.remove(0).state {
            PictureState::Stopped => stopped += 1,
            PictureState::Done => done += 1,
            other => panic!("{other:?}"),
        }
    }
    println!("stopped at any moment: {stopped} stopped, {done} done");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(names_in(&folder(&desk)).len(), done, "no file of one that was stopped");
    assert_eq!(booked(&desk).await.1, done as u32, "each that is there is booked, and no other");
    assert!(
        all(&desk).await.iter().all(|row| matches!(row.state, PictureState::Done | PictureState::Stopped))
    );
}
