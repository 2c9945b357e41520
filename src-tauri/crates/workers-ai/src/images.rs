//! Pictures from words, in every form that the models take and give. Source: reference, section 5.
//!
//! What comes back is judged by its bytes: JSON with base64, or a picture; PNG, JPEG or WebP, and never SVG. Decoding under
//! limits is the caller's. A call is repeated only where nothing can be billed twice.

mod form;
mod schema;

pub use form::{ImageForm, Range, Size, image_form};

use crate::classify;
use crate::client::{Call, Client};
use crate::error::Error;
use crate::prices::{PictureWork, estimate_picture};
use crate::wire::Reply;
use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use domain::{ModelId, Task, Usage};
use serde::Deserialize;
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// A picture is not larger than this, as bytes.
pub const LARGEST_PICTURE: usize = 256 * 1024 * 1024;
/// The same in base64, and the envelope around it.
const LARGEST_ANSWER: usize = LARGEST_PICTURE / 3 * 4 + 64 * 1024;
/// How long to wait for a picture.
const PATIENCE: Duration = Duration::from_secs(120);

/// A picture to make. What is not set is not sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRequest {
    /// The model.
    pub model: ModelId,
    /// What it shows.
    pub prompt: String,
    /// What it does not show.
    pub negative_prompt: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Steps; sent under the name that the model knows.
    pub steps: Option<u32>,
    /// How closely to keep to the prompt.
    pub guidance: Option<f64>,
    /// The same seed gives the same picture, where the model honours it.
    pub seed: Option<u64>,
    /// 0 to 1: how far to depart from the first reference picture.
    pub strength: Option<f64>,
    /// Encoded pictures to start from.
    pub references: Vec<Reference>,
    /// An encoded picture: white is painted anew.
    pub mask: Option<Vec<u8>>,
    /// What the model takes, where its live schema was asked; the table when absent.
    pub form: Option<ImageForm>,
}

/// A picture that goes in.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// PNG, JPEG or WebP.
    pub bytes: Vec<u8>,
    /// Pixels, for the price.
    pub width: u32,
    /// Pixels, for the price.
    pub height: u32,
}

/// A picture as it was received.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageAnswer {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// `image/png`, `image/jpeg` or `image/webp`, by its bytes.
    pub media_type: &'static str,
    /// What it cost.
    pub usage: Usage,
}

impl ImageRequest {
    /// A request with nothing set but the prompt.
    pub fn new(model: ModelId, prompt: impl Into<String>) -> Self {
        Self {
            model,
            prompt: prompt.into(),
            negative_prompt: None,
            width: None,
            height: None,
            steps: None,
            guidance: None,
            seed: None,
            strength: None,
            references: Vec::new(),
            mask: None,
            form: None,
        }
    }

    /// What the model takes, as far as it is known.
    pub fn form(&self) -> ImageForm {
        self.form.unwrap_or_else(|| image_form(&self.model))
    }

    /// The work that this is, for a price: with the model's own size and steps where none are set.
    pub fn work(&self) -> PictureWork {
        let form = self.form();
        PictureWork {
            width: self.width.filter(|_| form.size.is_some()).unwrap_or(form.usual_size.0),
            height: self.height.filter(|_| form.size.is_some()).unwrap_or(form.usual_size.1),
            steps: self.steps.filter(|_| form.steps.is_some()).unwrap_or(form.usual_steps),
            references: self.references.iter().map(|picture| (picture.width, picture.height)).collect(),
        }
    }
}

impl Client {
    /// Makes a picture.
    ///
    /// # Errors
    /// [`crate::Why::ContentRefused`], [`Error::AnswerMalformed`] for what is no picture, [`Error::AnswerTooLarge`];
    /// everything of the wire.
    pub async fn image(&self, request: &ImageRequest) -> Result<ImageAnswer, Error> {
        self.image_with_cost(request).await.map_err(|(error, _)| error)
    }

    /// As [`Client::image`]; an answer that was paid for and holds no picture tells its cost beside the error.
    ///
    /// # Errors
    /// As there.
    pub async fn image_with_cost(
        &self,
        request: &ImageRequest,
    ) -> Result<ImageAnswer, (Error, Option<Usage>)> {
        let unsent = |error| (error, None);
        let (reply, body) = self.image_reply(request).await.map_err(unsent)?;
        let neurons = reply.neurons();
        let taken = encoded(&reply, body, "image").and_then(picture_in);
        let (bytes, media_type) = taken.map_err(|error| {
            let told = Usage { neurons, ..Usage::default() };
            (error, neurons.map(|_| told))
        })?;
        Ok(ImageAnswer { bytes, media_type, usage: self.picture_usage(request, neurons) })
    }

    async fn image_reply(&self, request: &ImageRequest) -> Result<(Reply, Vec<u8>), Error> {
        let payload = form::payload(request)?;
        let wire = self.model_request(&Self::run_path(&request.model)?, payload)?;
        let call = Call::new(self, wire, Task::TextToImage)
            .of(&request.model)
            .at_most(LARGEST_ANSWER)
            .costly(PATIENCE);
        self.bytes(&call).await.map_err(|error| self.with_replacement(error, &request.model))
    }

    fn picture_usage(&self, request: &ImageRequest, told: Option<f64>) -> Usage {
        let estimate =
            || self.account.prices.with(&request.model, |model| estimate_picture(model, &request.work()))?;
        let neurons = told.or_else(estimate);
        Usage { neurons, estimated: told.is_none() && neurons.is_some(), ..Usage::default() }
    }
}

/// The bytes with their media type, when they are a picture of a size that is taken.
fn picture_in(bytes: Vec<u8>) -> Result<(Vec<u8>, &'static str), Error> {
    if bytes.len() > LARGEST_PICTURE {
        return Err(Error::AnswerTooLarge { limit: LARGEST_PICTURE });
    }
    let media_type = picture_type(&bytes)
        .ok_or_else(|| Error::AnswerMalformed("it is no PNG, JPEG or WebP".to_owned()))?;
    Ok((bytes, media_type))
}

/// The format of a picture by its first bytes; `None` for everything that is not shown, SVG among it.
pub fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"\xFF\xD8\xFF") {
        Some("image/jpeg")
    } else if bytes.len() >= 12 && bytes.starts_with(b"RIFF") && &bytes[8..12] == b"WEBP" {
        Some("image/webp")
    } else {
        None
    }
}

/// The bytes of a picture or a sound, whether they came as they are or as base64 under `key` in JSON. Takes the body, so
/// that no second copy of a large answer is alive.
pub(crate) fn encoded(reply: &Reply, body: Vec<u8>, key: &str) -> Result<Vec<u8>, Error> {
    let visible = body.trim_ascii_start();
    if visible.first() != Some(&b'{') {
        if classify::is_page(visible) && picture_type(visible).is_none() {
            return Err(Error::NotTheService { status: reply.status, detail: classify::title_of(visible) });
        }
        return Ok(body);
    }
    let text = base64_of(&body, key)
        .map_err(|error| Error::AnswerMalformed(error.to_string()))?
        .ok_or_else(|| no_bytes(reply, &body, key))?;
    decode(&text)
}

/// Only the strings at the two places are taken: nothing of a large answer is copied.
fn base64_of<'a>(body: &'a [u8], key: &str) -> Result<Option<Cow<'a, str>>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Whole<'a> {
        #[serde(borrow)]
        result: Option<Encoded<'a>>,
        #[serde(borrow, flatten)]
        bare: Encoded<'a>,
    }
    #[derive(Deserialize)]
    struct Encoded<'a> {
        #[serde(borrow)]
        image: Option<Text<'a>>,
        #[serde(borrow)]
        audio: Option<Text<'a>>,
    }
    // Around a `Cow` that is to be borrowed: inside an `Option` serde would copy it.
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let pick = |encoded: Encoded<'a>| {
        let text = if key == "image" { encoded.image } else { encoded.audio };
        text.map(|text| text.0)
    };
    let whole: Whole<'a> = serde_json::from_slice(body)?;
    Ok(whole.result.and_then(pick).or_else(|| pick(whole.bare)))
}

fn no_bytes(reply: &Reply, body: &[u8], key: &str) -> Error {
    let value = serde_json::from_slice(body).unwrap_or_default();
    classify::error_in(&value, &reply.headers, SystemTime::now())
        .unwrap_or_else(|| Error::AnswerMalformed(format!("there is no “{key}” in it")))
}

/// Base64 as services write it: perhaps with a `data:` prefix, white space, and without padding.
fn decode(text: &str) -> Result<Vec<u8>, Error> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let plain = match text.trim_start().strip_prefix("data:") {
        Some(uri) => uri.split_once(',').map_or("", |(_, data)| data),
        None => text,
    };
    let spaced = plain.bytes().any(|byte| byte.is_ascii_whitespace());
    let decoded = if spaced {
        LENIENT.decode(plain.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>())
    } else {
        LENIENT.decode(plain)
    };
    match decoded {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        Ok(_) => Err(Error::AnswerMalformed("the base64 in it is empty".to_owned())),
        Err(error) => Err(Error::AnswerMalformed(format!("the base64 in it is broken: {error}"))),
    }
}

#[cfg(test)]
mod tests;
