//! Pictures: each text-to-image model with the request form, the limits and the answer form it has in life
//! (reference, section 5).

pub(crate) mod draw;
pub(crate) mod faults;
mod request;
mod stamp;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use serde_json::json;

use crate::answer::Answer;
use crate::errors::Refusal;
use crate::price;
use crate::run::Job;
use request::{Form, Order};

/// How a model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerForm {
    /// `result.image`, base64 of a JPEG.
    Base64Jpeg,
    Jpeg,
    Png,
}

/// `ai/run` of a text-to-image model.
pub(crate) fn run(job: &Job<'_>) -> Result<Answer, Refusal> {
    let form = Form::of(job.model);
    let order = Order::read(job, &form)?;
    let refused = order.prompt.to_lowercase();
    if refused.contains("nsfw") {
        return Err(Refusal::named("content_refused"));
    }
    let picture = draw::picture(&order);
    let sizes: Vec<(u32, u32)> =
        order.references.iter().map(|picture| (picture.width(), picture.height())).collect();
    let neurons = price::picture(job.model, (order.width, order.height), order.steps, &sizes);
    let answer = match form.answer {
        AnswerForm::Base64Jpeg => Answer::enveloped(&json!({"image": BASE64.encode(jpeg(&picture)?)})),
        AnswerForm::Jpeg => Answer::bytes("image/jpeg", jpeg(&picture)?),
        AnswerForm::Png => Answer::bytes("image/png", png(&picture)?),
    };
    Ok(answer.charged(neurons, 0, 0))
}

fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, Refusal> {
    encoded(|bytes| image::codecs::jpeg::JpegEncoder::new_with_quality(bytes, 88).encode_image(picture))
}

fn png(picture: &RgbImage) -> Result<Vec<u8>, Refusal> {
    encoded(|bytes| {
        image::codecs::png::PngEncoder::new(bytes).write_image(
            picture.as_raw(),
            picture.width(),
            picture.height(),
            ExtendedColorType::Rgb8,
        )
    })
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>) -> image::ImageResult<()>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    encode(&mut bytes).map_err(|error| Refusal::saying("internal", format!("AiError: {error}")))?;
    Ok(bytes)
}

/// The JSON schema of a model's input.
pub(crate) fn form_schema(model: &crate::catalogue::Model) -> serde_json::Value {
    Form::of(model).schema()
}
