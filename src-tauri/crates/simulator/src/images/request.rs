//! What each model accepts, and a request read under those rules.

use image::RgbImage;
use serde_json::{Map, Value, json};

use super::AnswerForm;
use crate::answers::pictures::{bytes_of_value, decoded};
use crate::catalogue::Model;
use crate::errors::Refusal;
use crate::run::Job;

/// The form of one model.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) multipart: bool,
    pub(crate) answer: AnswerForm,
    /// The name of the number of steps, its default and its most; `None` where it cannot be set.
    pub(crate) steps: Option<(&'static str, u32, u32)>,
    /// Steps that run when none are named.
    usual_steps: u32,
    /// The default, least and greatest side; `None` where the size is fixed.
    pub(crate) side: Option<(u32, u32, u32)>,
    usual_side: u32,
    /// Guidance: default, least, most.
    pub(crate) guidance: Option<(f64, f64, f64)>,
    pub(crate) negative_prompt: bool,
    pub(crate) seed: bool,
    pub(crate) image: bool,
    pub(crate) mask: bool,
}

impl Form {
    pub(crate) fn of(model: &Model) -> Self {
        let stable_diffusion = Form {
            multipart: false,
            answer: AnswerForm::Png,
            steps: Some(("num_steps", 20, 20)),
            usual_steps: 20,
            side: Some((1024, 256, 2048)),
            usual_side: 1024,
            guidance: Some((7.5, 0.0, 100.0)),
            negative_prompt: true,
            seed: true,
            image: true,
            mask: true,
        };
        let bare = Form {
            guidance: None,
            negative_prompt: false,
            image: false,
            mask: false,
            ..stable_diffusion.clone()
        };
        let flux_2 = Form {
            multipart: true,
            answer: AnswerForm::Base64Jpeg,
            side: Some((1024, 256, 1920)),
            ..bare.clone()
        };
        match model.name() {
            "flux-1-schnell" => Form {
                answer: AnswerForm::Base64Jpeg,
                steps: Some(("steps", 4, 8)),
                usual_steps: 4,
                side: None,
                seed: false,
                ..bare
            },
            "flux-2-dev" => Form {
                steps: Some(("steps", 25, 50)),
                usual_steps: 25,
                guidance: Some((3.5, 0.0, 20.0)),
                ..flux_2
            },
            "flux-2-klein-4b" | "flux-2-klein-9b" => {
                Form { steps: None, usual_steps: 4, guidance: Some((3.5, 0.0, 20.0)), ..flux_2 }
            }
            "lucid-origin" => Form {
                answer: AnswerForm::Base64Jpeg,
                steps: Some(("num_steps", 25, 40)),
                usual_steps: 25,
                side: Some((1120, 0, 2500)),
                usual_side: 1120,
                guidance: Some((4.5, 0.0, 10.0)),
                ..bare
            },
            "phoenix-1.0" => Form {
                answer: AnswerForm::Jpeg,
                steps: Some(("num_steps", 25, 50)),
                usual_steps: 25,
                side: Some((1024, 0, 2048)),
                guidance: Some((2.0, 2.0, 10.0)),
                negative_prompt: true,
                ..bare
            },
            "stable-diffusion-xl-lightning" => Form { answer: AnswerForm::Jpeg, ..stable_diffusion },
            "stable-diffusion-v1-5-img2img" | "stable-diffusion-v1-5-inpainting" => {
                Form { side: Some((512, 256, 2048)), usual_side: 512, ..stable_diffusion }
            }
            _ => stable_diffusion,
        }
    }

    /// The keys a request may have.
    fn keys(&self) -> Vec<&'static str> {
        let mut keys = vec!["prompt"];
        keys.extend(self.steps.map(|(name, _, _)| name));
        let several = [
            (self.side.is_some(), &["width", "height"][..]),
            (self.guidance.is_some(), &["guidance"]),
            (self.negative_prompt, &["negative_prompt"]),
            (self.seed, &["seed"]),
            (self.image, &["image", "image_b64", "strength"]),
            (self.mask, &["mask"]),
            (self.multipart, &["input_image_0", "input_image_1", "input_image_2", "input_image_3"]),
        ];
        keys.extend(several.iter().filter(|(has, _)| *has).flat_map(|(_, names)| names.iter()));
        // Lucid takes both names.
        if self.usual_side == 1120 {
            keys.push("steps");
        }
        keys
    }

    /// The JSON schema of the input.
    pub(crate) fn schema(&self) -> Value {
        let mut properties = Map::new();
        let mut add = |name: &str, value: Value| {
            properties.insert(name.to_owned(), value);
        };
        add(
            "prompt",
            json!({"type": "string", "minLength": 1, "maxLength": 2048, "description": "What to draw"}),
        );
        if self.negative_prompt {
            add("negative_prompt", json!({"type": "string", "description": "What to leave out"}));
        }
        if let Some((usual, low, high)) = self.side {
            for name in ["width", "height"] {
                add(name, json!({"type": "integer", "minimum": low, "maximum": high, "default": usual}));
            }
        }
        if let Some((name, usual, most)) = self.steps {
            add(name, json!({"type": "integer", "minimum": 1, "maximum": most, "default": usual}));
        }
        if let Some((usual, low, high)) = self.guidance {
            add("guidance", json!({"type": "number", "minimum": low, "maximum": high, "default": usual}));
        }
        if self.seed {
            add("seed", json!({"type": "integer", "minimum": 0}));
        }
        if self.image {
            let bytes = json!({"type": "array", "items": {"type": "number"}});
            add("image", bytes.clone());
            add("image_b64", json!({"type": "string"}));
            add("mask", bytes);
            add("strength", json!({"type": "number", "minimum": 0, "maximum": 1, "default": 1}));
        }
        if self.multipart {
            for i in 0..4 {
                add(&format!("input_image_{i}"), json!({"type": "string", "format": "binary"}));
            }
        }
        let mut schema = json!({"type": "object", "properties": properties, "required": ["prompt"]});
        schema["additionalProperties"] = json!(false);
        if self.multipart {
            schema["contentType"] = json!("multipart/form-data");
        }
        schema
    }
}

/// A checked order for a picture.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) prompt: String,
    pub(crate) negative: String,
    pub(crate) seed: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) steps: u32,
    /// The picture to begin with, how much of it is repainted, and where.
    pub(crate) start: Option<RgbImage>,
    pub(crate) strength: f32,
    pub(crate) mask: Option<RgbImage>,
    pub(crate) references: Vec<RgbImage>,
}

impl Order {
    pub(crate) fn read(job: &Job<'_>, form: &Form) -> Result<Self, Refusal> {
        let (body, references) = if form.multipart { multipart(job)? } else { (json_of(job)?, Vec::new()) };
        check_keys(form, &body)?;
        let prompt = body["prompt"].as_str().filter(|prompt| !prompt.is_empty());
        let prompt = prompt.ok_or_else(|| Refusal::schema("required properties at '/' are 'prompt'"))?;
        if prompt.chars().count() > 2048 {
            return Err(Refusal::schema("maxLength at '/prompt' is 2048"));
        }
        let side = |name: &str| match form.side {
            Some((usual, low, high)) => Ok(match whole(&body, name, low, high)? {
                None | Some(0) => usual,
                Some(side) => side,
            }),
            None => Ok(form.usual_side),
        };
        let steps = match form.steps {
            Some((name, _, most)) => {
                let named = whole(&body, name, 1, most)?;
                named.or(whole(&body, "steps", 1, most)?)
            }
            None => None,
        };
        if let Some((_, low, high)) = form.guidance {
            within(&body, "guidance", low, high)?;
        }
        within(&body, "strength", 0.0, 1.0)?;
        let start = picture(&body, "image_b64")?.or(picture(&body, "image")?);
        let mask = picture(&body, "mask")?;
        demand(job.model, start.is_some(), mask.is_some())?;
        Ok(Order {
            prompt: prompt.to_owned(),
            negative: body["negative_prompt"].as_str().unwrap_or_default().to_owned(),
            seed: job.seed(&body) ^ crate::random::hash(job.model.id.as_bytes()),
            width: side("width")?,
            height: side("height")?,
            steps: steps.unwrap_or(form.usual_steps),
            start,
            strength: body["strength"].as_f64().unwrap_or(1.0) as f32,
            mask,
            references,
        })
    }
}

/// These two models cannot work from words alone.
fn demand(model: &Model, has_start: bool, has_mask: bool) -> Result<(), Refusal> {
    match model.name() {
        "stable-diffusion-v1-5-img2img" | "stable-diffusion-v1-5-inpainting" if !has_start => {
            Err(Refusal::schema("required properties at '/' are 'image' or 'image_b64'"))
        }
        "stable-diffusion-v1-5-inpainting" if !has_mask => {
            Err(Refusal::schema("required properties at '/' are 'mask'"))
        }
        _ => Ok(()),
    }
}

fn json_of(job: &Job<'_>) -> Result<Value, Refusal> {
    if job.call.parts.is_some() {
        return Err(Refusal::schema("this model takes application/json"));
    }
    job.json()
}

/// The fields as JSON, numbers as numbers, and the reference pictures, each smaller than 512 by 512.
fn multipart(job: &Job<'_>) -> Result<(Value, Vec<RgbImage>), Refusal> {
    let parts = job.call.parts.as_ref();
    let parts = parts.ok_or_else(|| Refusal::schema("required properties at '/' are 'multipart'"))?;
    let mut body = Map::new();
    let mut references = Vec::new();
    for part in parts {
        if part.name.starts_with("input_image_") {
            let picture = decoded(&part.bytes)?.to_rgb8();
            if picture.width() > 512 || picture.height() > 512 {
                return Err(Refusal::schema(format!("'/{}' must be smaller than 512x512", part.name)));
            }
            references.push(picture);
            body.insert(part.name.clone(), json!(true));
        } else {
            let text = String::from_utf8_lossy(&part.bytes).into_owned();
            let number = text.parse::<i64>().map(|n| json!(n)).or(text.parse::<f64>().map(|n| json!(n)));
            let value = number.ok().filter(|_| part.name != "prompt").unwrap_or_else(|| json!(text));
            body.insert(part.name.clone(), value);
        }
    }
    Ok((Value::Object(body), references))
}

fn check_keys(form: &Form, body: &Value) -> Result<(), Refusal> {
    let known = form.keys();
    let keys = body.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let unknown: Vec<String> =
        keys.filter(|key| !known.contains(key)).map(|key| format!("'{key}'")).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Refusal::schema(format!(
        "additionalProperties at '/' not met, unknown properties are {}",
        unknown.join(", ")
    )))
}

fn whole(body: &Value, name: &str, low: u32, high: u32) -> Result<Option<u32>, Refusal> {
    match &body[name] {
        Value::Null => Ok(None),
        value => {
            let number = value.as_u64().filter(|n| (u64::from(low)..=u64::from(high)).contains(n));
            let number =
                number.ok_or_else(|| Refusal::schema(format!("'/{name}' must be >= {low} and <= {high}")))?;
            Ok(Some(number as u32))
        }
    }
}

fn within(body: &Value, name: &str, low: f64, high: f64) -> Result<(), Refusal> {
    let value = &body[name];
    let fits = value.is_null() || value.as_f64().is_some_and(|n| (low..=high).contains(&n));
    if fits { Ok(()) } else { Err(Refusal::schema(format!("'/{name}' must be >= {low} and <= {high}"))) }
}

fn picture(body: &Value, name: &str) -> Result<Option<RgbImage>, Refusal> {
    match &body[name] {
        Value::Null => Ok(None),
        value => Ok(Some(decoded(&bytes_of_value(value)?)?.to_rgb8())),
    }
}
