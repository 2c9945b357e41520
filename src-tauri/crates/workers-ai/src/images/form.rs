//! What each text-to-image model takes, and a request written in its form.

use super::ImageRequest;
use crate::error::Error;
use crate::wire::{FormPart, Payload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::ModelId;
use serde_json::{Map, Value, json};

/// From the least to the most that a model takes, and what it uses when nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// When nothing is sent.
    pub usual: f64,
}

/// Pixels along one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The least.
    pub least: u32,
    /// The most.
    pub most: u32,
    /// Sizes are multiples of this.
    pub step: u32,
}

/// What a model takes besides the prompt: `None` and `false` are not sent, whatever is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageForm {
    /// Longest prompt in characters, where one is known.
    pub longest_prompt: Option<usize>,
    /// Width and height can be set.
    pub size: Option<Size>,
    /// The size when nothing is sent.
    pub usual_size: (u32, u32),
    /// Steps can be set.
    pub steps: Option<Range>,
    /// The steps when nothing is sent.
    pub usual_steps: u32,
    /// Guidance can be set.
    pub guidance: Option<Range>,
    /// It takes a seed.
    pub seed: bool,
    /// It takes a negative prompt.
    pub negative_prompt: bool,
    /// How many reference pictures it takes.
    pub references: usize,
    /// References have to be smaller than this on each side.
    pub reference_side: Option<u32>,
    /// It needs a reference picture.
    pub needs_reference: bool,
    /// How far to depart from the reference can be set.
    pub strength: bool,
    /// It takes a mask.
    pub mask: bool,
    /// It needs a mask.
    pub needs_mask: bool,
    pub(super) wire: WireForm,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum WireForm {
    Json { steps_key: &'static str, picture: PictureForm },
    Multipart,
}

/// How a picture goes into JSON.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum PictureForm {
    /// `image_b64`, as text: an array of bytes is about four times the size.
    Base64,
    /// `image`, as an array of bytes, where that is all the model knows.
    Bytes,
}

const NUM_STEPS: WireForm = WireForm::Json { steps_key: "num_steps", picture: PictureForm::Base64 };

const fn range(least: f64, most: f64, usual: f64) -> Option<Range> {
    Some(Range { least, most, usual })
}

const fn size(least: u32, most: u32, step: u32) -> Option<Size> {
    Some(Size { least, most, step })
}

/// What is assumed of a model that is not known, and the ground of the others.
const PLAIN: ImageForm = ImageForm {
    longest_prompt: None,
    size: size(256, 2048, 8),
    usual_size: (1024, 1024),
    steps: range(1.0, 20.0, 20.0),
    usual_steps: 20,
    guidance: range(0.0, 20.0, 7.5),
    seed: true,
    negative_prompt: true,
    references: 0,
    reference_side: None,
    needs_reference: false,
    strength: false,
    mask: false,
    needs_mask: false,
    wire: NUM_STEPS,
};

/// The common set of the Stable Diffusion family: a picture to begin with, how far to leave it, and where.
const STABLE_DIFFUSION: ImageForm = ImageForm { references: 1, strength: true, mask: true, ..PLAIN };

const FLUX_2: ImageForm = ImageForm {
    size: size(256, 1920, 16),
    guidance: None,
    negative_prompt: false,
    references: 4,
    reference_side: Some(512),
    wire: WireForm::Multipart,
    ..PLAIN
};

/// Whose models take the common set.
const DIFFUSION: [&str; 4] =
    ["@cf/stabilityai/", "@cf/lykon/", "@cf/bytedance/stable-diffusion", "@cf/runwayml/"];

/// What a model takes, by the table of reference section 5.
pub fn image_form(model: &ModelId) -> ImageForm {
    match model.as_str() {
        "@cf/black-forest-labs/flux-1-schnell" => ImageForm {
            longest_prompt: Some(2048),
            size: None,
            steps: range(1.0, 8.0, 4.0),
            usual_steps: 4,
            guidance: None,
            seed: false,
            negative_prompt: false,
            wire: WireForm::Json { steps_key: "steps", picture: PictureForm::Base64 },
            ..PLAIN
        },
        "@cf/black-forest-labs/flux-2-dev" => ImageForm {
            steps: range(1.0, 50.0, 25.0),
            usual_steps: 25,
            guidance: range(0.0, 10.0, 4.0),
            ..FLUX_2
        },
        id if id.starts_with("@cf/black-forest-labs/flux-2-") => {
            ImageForm { steps: None, usual_steps: 4, ..FLUX_2 }
        }
        "@cf/leonardo/lucid-origin" => ImageForm {
            size: size(256, 2500, 8),
            usual_size: (1120, 1120),
            steps: range(1.0, 40.0, 25.0),
            usual_steps: 25,
            guidance: range(0.0, 10.0, 4.5),
            negative_prompt: false,
            ..PLAIN
        },
        "@cf/leonardo/phoenix-1.0" => ImageForm {
            steps: range(1.0, 50.0, 25.0),
            usual_steps: 25,
            guidance: range(2.0, 10.0, 2.0),
            ..PLAIN
        },
        "@cf/runwayml/stable-diffusion-v1-5-img2img" => {
            ImageForm { usual_size: (512, 512), needs_reference: true, ..STABLE_DIFFUSION }
        }
        "@cf/runwayml/stable-diffusion-v1-5-inpainting" => {
            ImageForm { usual_size: (512, 512), needs_reference: true, needs_mask: true, ..STABLE_DIFFUSION }
        }
        id if DIFFUSION.iter().any(|family| id.starts_with(family)) => STABLE_DIFFUSION,
        _ => PLAIN,
    }
}

/// The request's body in the model's form.
pub(super) fn payload(request: &ImageRequest) -> Result<Payload, Error> {
    let form = request.form();
    check(request, &form)?;
    Ok(match form.wire {
        WireForm::Json { steps_key, picture } => {
            Payload::json(&Value::Object(json_body(request, &form, steps_key, picture)))
        }
        WireForm::Multipart => Payload::Form(parts(request, &form)),
    })
}

fn check(request: &ImageRequest, form: &ImageForm) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::InvalidInput(why));
    if request.prompt.trim().is_empty() {
        return refuse("the prompt is empty".to_owned());
    }
    if form.longest_prompt.is_some_and(|longest| request.prompt.chars().count() > longest) {
        return refuse("the prompt is too long for this model".to_owned());
    }
    if form.needs_reference && request.references.is_empty() {
        return refuse("this model needs a picture to start from".to_owned());
    }
    if request.references.len() > form.references {
        return refuse(format!("this model takes {} reference pictures", form.references));
    }
    if let Some(side) = form.reference_side
        && request.references.iter().any(|picture| picture.width >= side || picture.height >= side)
    {
        return refuse(format!("reference pictures have to be smaller than {side} × {side} pixels"));
    }
    if request.mask.is_some() && !form.mask {
        return refuse("this model takes no mask".to_owned());
    }
    if request.mask.is_some() && request.references.is_empty() {
        return refuse("a mask needs the picture that it lies on".to_owned());
    }
    if form.needs_mask && request.mask.is_none() {
        return refuse("this model needs a mask".to_owned());
    }
    Ok(())
}

/// What is set and what the model takes, under the model's names.
fn settings(request: &ImageRequest, form: &ImageForm, steps_key: &'static str) -> Vec<(&'static str, Value)> {
    let value = |key, value: Option<Value>| value.map(|value| (key, value));
    let found = [
        value("prompt", Some(json!(request.prompt))),
        value(
            "negative_prompt",
            request.negative_prompt.as_ref().filter(|_| form.negative_prompt).map(|text| json!(text)),
        ),
        value("width", request.width.filter(|_| form.size.is_some()).map(Value::from)),
        value("height", request.height.filter(|_| form.size.is_some()).map(Value::from)),
        value(steps_key, request.steps.filter(|_| form.steps.is_some()).map(Value::from)),
        value("guidance", request.guidance.filter(|_| form.guidance.is_some()).map(Value::from)),
        value("seed", request.seed.filter(|_| form.seed).map(Value::from)),
        value("strength", request.strength.filter(|_| form.strength).map(Value::from)),
    ];
    found.into_iter().flatten().collect()
}

fn json_body(
    request: &ImageRequest,
    form: &ImageForm,
    steps_key: &'static str,
    form_of_picture: PictureForm,
) -> Map<String, Value> {
    let mut body: Map<String, Value> =
        settings(request, form, steps_key).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    if let Some(picture) = request.references.first() {
        match form_of_picture {
            PictureForm::Base64 => {
                body.insert("image_b64".to_owned(), json!(STANDARD.encode(&picture.bytes)))
            }
            PictureForm::Bytes => body.insert("image".to_owned(), json!(picture.bytes)),
        };
    }
    if let Some(mask) = &request.mask {
        // The service documents no other form for a mask.
        body.insert("mask".to_owned(), json!(mask));
    }
    body
}

fn parts(request: &ImageRequest, form: &ImageForm) -> Vec<FormPart> {
    let as_text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let mut parts: Vec<FormPart> = settings(request, form, "steps")
        .into_iter()
        .map(|(key, value)| FormPart::text(key, as_text(value)))
        .collect();
    for (place, picture) in request.references.iter().enumerate() {
        let media_type = super::picture_type(&picture.bytes).unwrap_or("application/octet-stream");
        parts.push(FormPart {
            name: format!("input_image_{place}"),
            file_name: Some(format!(
                "input_image_{place}.{}",
                media_type.rsplit('/').next().unwrap_or("bin")
            )),
            media_type: Some(media_type.to_owned()),
            bytes: Bytes::from(picture.bytes.clone()),
        });
    }
    parts
}
