//! Pictures: what was asked for, how it came out, and where it is.

use crate::fault::Fault;
use crate::ids::{AttachmentId, ConversationId, ModelId, RunId, Timestamp};
use crate::usage::Usage;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a person asks for. Unset values are not sent; what a model does not take is left out before sending.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct PictureRequest {
    /// The model.
    pub model: Option<ModelId>,
    /// What to draw.
    pub prompt: String,
    /// What not to draw.
    pub negative_prompt: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Diffusion steps.
    pub steps: Option<u32>,
    /// How closely to follow the prompt.
    pub guidance: Option<f64>,
    /// The same seed gives the same picture; one is drawn when absent.
    #[ts(type = "number | null")]
    pub seed: Option<u64>,
    /// How many, 1 to 4.
    pub count: u32,
    /// Reference pictures (FLUX.2: up to four), or the picture to change.
    pub references: Vec<AttachmentId>,
    /// How far to move from the given picture, 0 to 1.
    pub strength: Option<f64>,
    /// Where to repaint: a PNG, white = repaint.
    pub mask: Option<AttachmentId>,
    /// The conversation it is made in, if any.
    pub conversation: Option<ConversationId>,
}

/// A range of numbers that a model takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NumberRange {
    /// Least.
    pub min: f64,
    /// Most.
    pub max: f64,
    /// Step.
    pub step: f64,
    /// What the model takes when nothing is said.
    pub default: Option<f64>,
}

/// What a model's form shows: an absent field is one that the model does not take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureForm {
    /// The model.
    pub model: ModelId,
    /// Longest prompt in characters.
    pub max_prompt: Option<u32>,
    /// Width and height may be chosen.
    pub size: Option<NumberRange>,
    /// The size it draws when nothing is said.
    pub default_size: [u32; 2],
    /// Steps may be chosen.
    pub steps: Option<NumberRange>,
    /// Guidance may be chosen.
    pub guidance: Option<NumberRange>,
    /// It takes a negative prompt.
    pub negative_prompt: bool,
    /// It takes a seed.
    pub seed: bool,
    /// Reference pictures it takes, 0 to 4.
    pub references: u32,
    /// It needs at least one of them.
    pub needs_reference: bool,
    /// It changes a given picture by `strength`.
    pub image_to_image: bool,
    /// It repaints under a mask.
    pub inpainting: bool,
    /// It needs that mask.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub needs_mask: bool,
    /// The form comes from the model's live schema (else from the bundled table).
    pub live: bool,
}

/// How far a picture came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum PictureState {
    /// It is being made.
    Pending,
    /// It lies in its file.
    Done,
    /// It could not be made.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// The person stopped it.
    Stopped,
    /// Its file is gone.
    Missing,
    /// Its file is damaged.
    Damaged,
}

/// One picture of the gallery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    /// Its id.
    pub id: String,
    /// The run that makes or made it.
    pub run: RunId,
    /// What was asked for, with the seed that was used.
    pub request: PictureRequest,
    /// The model.
    pub model: ModelId,
    /// How far it came.
    pub state: PictureState,
    /// Pixels, as received.
    pub width: Option<u32>,
    /// Pixels, as received.
    pub height: Option<u32>,
    /// `image/png` or `image/jpeg`, as received.
    pub media_type: Option<String>,
    /// Its file's name in the pictures' folder.
    pub file_name: Option<String>,
    /// Bytes.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// Neurons.
    pub usage: Option<Usage>,
    /// Marked by the person.
    pub starred: bool,
    /// Albums it is in.
    pub albums: Vec<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u32>,
    /// What was asked for and its model does not take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<PictureField>>")]
    pub left_out: Vec<PictureField>,
    /// It was made and paid for and could not be saved: its bytes are in memory only, until saving works again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub unsaved: bool,
}

/// A part of a request that not every model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum PictureField {
    /// Width and height.
    Size,
    /// Diffusion steps.
    Steps,
    /// How closely to follow the prompt.
    Guidance,
    /// The seed.
    Seed,
    /// What not to draw.
    NegativePrompt,
    /// How far to move from the given picture.
    Strength,
}

/// Which pictures to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct PictureQuery {
    /// Words of the prompt; Chinese too.
    pub text: Option<String>,
    /// Only of this model.
    pub model: Option<ModelId>,
    /// Only of this album; `uncategorised` for none.
    pub album: Option<String>,
    /// Only starred ones.
    pub starred: bool,
    /// Rows to skip.
    pub offset: u32,
    /// At most so many rows.
    pub limit: u32,
}

/// A page of the gallery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PicturePage {
    /// The pictures.
    pub pictures: Vec<Picture>,
    /// How many match in all.
    pub total: u32,
}

/// A day of the date scrubber.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct GalleryDay {
    /// The day (ISO 8601, local time of this machine).
    pub day: String,
    /// Pictures of that day.
    pub count: u32,
    /// Index of its first picture in the whole list.
    pub offset: u32,
}

/// An album.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Album {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Pictures in it.
    pub count: u32,
}

/// What a picture would cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureQuote {
    /// Neurons for all of them; absent when no price is published.
    pub neurons: Option<f64>,
    /// That as a share of today's allowance.
    pub share_of_day: Option<f64>,
    /// The soft cap would be passed: ask first.
    pub ask: bool,
}

/// Settings read from a picture file: ours, or of a common local tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureSettings {
    /// What they say.
    pub request: PictureRequest,
    /// Who wrote them: `Edgewise`, `Stable Diffusion web UI`, ...
    pub source: String,
    /// The name of the model as written, when it is none of ours.
    pub model_name: Option<String>,
}

/// Pictures written into a zip file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureExport {
    /// Where it lies.
    pub file: String,
    /// Pictures in it.
    pub count: u32,
    /// Pictures that could not be read and are not in it.
    pub left_out: u32,
}

/// News of pictures, on the channel of the run and to every subscriber.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum PictureEvent {
    /// A picture's row changed.
    Changed {
        /// The row.
        picture: Box<Picture>,
    },
    /// It waits: another try is made after the pause.
    Waiting {
        /// Which picture.
        picture: String,
        /// Why.
        fault: Fault,
        /// Milliseconds.
        #[ts(type = "number")]
        delay_ms: u64,
    },
    /// A picture is gone.
    Removed {
        /// Which.
        picture: String,
    },
}
