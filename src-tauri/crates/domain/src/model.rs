//! Models of the catalogue, with what a picker and a price need.

use crate::ids::{ModelId, Timestamp};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a model does. Unknown task names of the live catalogue become `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// Chat and completion.
    TextGeneration,
    /// Pictures from words.
    TextToImage,
    /// Vectors from text.
    TextEmbeddings,
    /// Labels or relevance scores.
    TextClassification,
    /// Text from speech.
    SpeechRecognition,
    /// Speech from text.
    TextToSpeech,
    /// Another language.
    Translation,
    /// Shorter text.
    Summarization,
    /// Words from pictures.
    ImageToText,
    /// Labels for pictures.
    ImageClassification,
    /// Boxes in pictures.
    ObjectDetection,
    /// Anything else.
    Other,
}

/// A price line, as the catalogue gives it, with its neurons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// The catalogue's wording, e.g. `per M input tokens`.
    pub unit: String,
    /// US dollars for that unit.
    pub usd: f64,
    /// Neurons for that unit: dollars / 0.000011 when the catalogue does not say.
    pub neurons: f64,
}

/// One model of the catalogue. Unknown figures are absent, never guessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// The name to call it by.
    pub id: ModelId,
    /// The last part of the id, for display: `glm-4.7-flash`.
    pub name: String,
    /// The second part: `zai-org`.
    pub author: String,
    /// What it does.
    pub task: Task,
    /// The catalogue's sentence on it.
    pub description: String,
    /// Tokens of input and answer together.
    pub context_window: Option<u32>,
    /// Most tokens of an answer.
    pub max_output: Option<u32>,
    /// Calls tools.
    pub tools: bool,
    /// Thinks before it answers.
    pub reasoning: bool,
    /// Levels of effort it takes, e.g. `low`, `medium`, `high`; empty when it has no such switch.
    pub reasoning_efforts: Vec<String>,
    /// Takes pictures.
    pub vision: bool,
    /// Takes LoRA adapters.
    pub lora: bool,
    /// Needs the Workers Paid plan.
    pub paid_only: bool,
    /// Marked as beta.
    pub beta: bool,
    /// Can be talked to: a text generation model that is not a classifier or a guard.
    pub chat: bool,
    /// Prices; empty when none is published.
    pub prices: Vec<Price>,
    /// The day (ISO 8601) from which it is retired; may lie in the future.
    pub retires_on: Option<String>,
    /// Its retirement day has passed.
    pub retired: bool,
    /// The model to use instead.
    pub replacement: Option<ModelId>,
    /// Licence or terms page.
    pub terms: Option<String>,
    /// Length of its vectors, for embedding models.
    pub output_dimensions: Option<u32>,
}

/// Where a catalogue came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CatalogueSource {
    /// Asked from the service just now.
    Live,
    /// Asked earlier and kept.
    Cached,
    /// The list that ships with Edgewise.
    Bundled,
}

/// All models, and how fresh that knowledge is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// The models, in the catalogue's order.
    pub models: Vec<Model>,
    /// The model of new conversations when the person chose none.
    pub standard_chat: ModelId,
    /// Where they came from.
    pub source: CatalogueSource,
    /// When the service was last asked.
    pub fetched_at: Option<Timestamp>,
}

/// The table of models and prices that ships with Edgewise, as JSON text: an array whose keys `workers-ai` reads.
/// It serves until the live catalogue was asked, and fills in what that leaves out.
pub const BUNDLED_MODELS: &str = include_str!("../data/models.json");
