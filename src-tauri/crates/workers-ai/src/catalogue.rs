//! The models: asked from the service page by page, completed and replaced by the list that ships with Edgewise.
//!
//! The live catalogue wins; the bundled one fills in what it leaves out (neurons, levels of effort, lengths of vectors)
//! and knows what became of models that the live one no longer lists. Source: reference, section 8.

mod bundled;
mod live;

pub(crate) use bundled::models as bundled_models;

use crate::client::{Call, Client};
use crate::error::Error;
use crate::wire::Payload;
use domain::{Model, ModelId, Task, Timestamp};
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Wrangler asks for as many.
const PER_PAGE: usize = 50;
/// More pages than the catalogue ever had; an endless one is left there.
const MOST_PAGES: usize = 40;

/// The list that ships with Edgewise, `retired` judged on the day of `today` (UTC).
pub fn bundled_catalogue(today: Timestamp) -> Vec<Model> {
    let mut models = bundled_models();
    judge(&mut models, today);
    models
}

/// Sets `retired` on every model: its day has come.
pub fn judge(models: &mut [Model], today: Timestamp) {
    let day = iso_day(today);
    for model in models {
        model.retired = model.retires_on.as_ref().is_some_and(|on| on.as_str() <= day.as_str());
    }
}

impl Client {
    /// All models of the account, completed from the bundled list; its retired ones follow at the end, so that their
    /// successors can be told. `retired` is judged on the day of `today` (UTC).
    ///
    /// # Errors
    /// Everything of the wire; [`Error::AnswerMalformed`] when the answer is no list.
    pub async fn catalogue(&self, today: Timestamp) -> Result<Vec<Model>, Error> {
        let mut live = Vec::new();
        let mut names = HashSet::new();
        for page in 1..=MOST_PAGES {
            let found = self.models_page(page, PER_PAGE).await?;
            let short = found.len() < PER_PAGE;
            let before = live.len();
            live.extend(found.iter().filter_map(live::model).filter(|model| names.insert(model.id.clone())));
            // A service that ignores `page` gives the same page again and again.
            if short || live.len() == before {
                break;
            }
        }
        let mut models = merge(live, bundled_models());
        judge(&mut models, today);
        self.account.prices.learn(&models);
        Ok(models)
    }

    /// Whether the token may use Workers AI on this account: asks for one model of the catalogue.
    ///
    /// # Errors
    /// The refusal, when it may not: [`crate::Why::PermissionMissing`] mostly.
    pub async fn can_use_workers_ai(&self) -> Result<(), Error> {
        self.models_page(1, 1).await.map(|_| ())
    }

    /// Most tokens of an answer for each text model, from the catalogue's OpenRouter form, which alone tells it.
    ///
    /// # Errors
    /// Everything of the wire. The form is optional: a caller does without when it fails.
    pub async fn output_limits(&self) -> Result<BTreeMap<ModelId, u32>, Error> {
        let request =
            self.account_request(Method::GET, "ai/models/search?format=openrouter", Payload::Nothing)?;
        let answered = self.json(&Call::new(self, request, Task::Other)).await?;
        Ok(live::output_limits(&answered.value))
    }

    /// The JSON schemas of a model's input and output.
    ///
    /// # Errors
    /// Everything of the wire.
    pub async fn schema(&self, model: &ModelId) -> Result<Schema, Error> {
        Self::run_path(model)?;
        let path = format!("ai/models/schema?model={model}");
        let request = self.account_request(Method::GET, &path, Payload::Nothing)?;
        let mut value = self.json(&Call::new(self, request, Task::Other)).await?.value;
        let mut take = |key: &str| value.get_mut(key).map(Value::take).unwrap_or_default();
        Ok(Schema { input: take("input"), output: take("output") })
    }

    async fn models_page(&self, page: usize, per_page: usize) -> Result<Vec<Value>, Error> {
        let path = format!("ai/models/search?page={page}&per_page={per_page}");
        let request = self.account_request(Method::GET, &path, Payload::Nothing)?;
        match self.json(&Call::new(self, request, Task::Other)).await?.value {
            Value::Array(models) => Ok(models),
            _ => Err(Error::AnswerMalformed("the catalogue is no list".to_owned())),
        }
    }
}

/// What a model takes and gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// JSON schema of the input.
    pub input: Value,
    /// JSON schema of the output.
    pub output: Value,
}

/// The live models completed, then the bundled ones that are known to retire and are not listed any more.
fn merge(live: Vec<Model>, bundled: Vec<Model>) -> Vec<Model> {
    let mut known: BTreeMap<ModelId, Model> =
        bundled.into_iter().map(|model| (model.id.clone(), model)).collect();
    let mut models: Vec<Model> = Vec::with_capacity(live.len());
    for model in live {
        let filler = known.remove(&model.id);
        models.push(match filler {
            Some(filler) => complete(model, filler),
            None => model,
        });
    }
    models.extend(known.into_values().filter(|model| model.retires_on.is_some()));
    models
}

fn complete(mut live: Model, bundled: Model) -> Model {
    live.context_window = live.context_window.or(bundled.context_window);
    live.max_output = live.max_output.or(bundled.max_output);
    live.output_dimensions = live.output_dimensions.or(bundled.output_dimensions);
    live.retires_on = live.retires_on.or(bundled.retires_on);
    live.replacement = live.replacement.or(bundled.replacement);
    live.terms = live.terms.or(bundled.terms);
    if live.description.is_empty() {
        live.description = bundled.description;
    }
    if live.reasoning_efforts.is_empty() {
        live.reasoning_efforts = bundled.reasoning_efforts;
    }
    if live.task == Task::Other {
        live.task = bundled.task;
    }
    if live.prices.is_empty() {
        live.prices = bundled.prices;
    } else {
        // The table's neurons are published figures; dividing dollars only comes near them.
        for price in &mut live.prices {
            if let Some(known) =
                bundled.prices.iter().find(|known| known.unit == price.unit && known.usd == price.usd)
            {
                price.neurons = known.neurons;
            }
        }
    }
    live.chat &= bundled.chat;
    live
}

/// `@cf/zai-org/glm-4.7-flash` → `zai-org`, `glm-4.7-flash`.
fn parts(id: &str) -> (String, String) {
    let mut parts = id.rsplitn(3, '/');
    let name = parts.next().unwrap_or_default().to_owned();
    let author = parts.next().unwrap_or_default().to_owned();
    (author, name)
}

/// A text generation model that is talked to: not a decision model, not a guard.
fn is_chat(id: &str, task: Task) -> bool {
    task == Task::TextGeneration && !id.contains("/clef") && !id.contains("llama-guard")
}

fn task_named(name: &str) -> Task {
    match name {
        "Text Generation" => Task::TextGeneration,
        "Text-to-Image" => Task::TextToImage,
        "Text Embeddings" => Task::TextEmbeddings,
        "Text Classification" => Task::TextClassification,
        "Automatic Speech Recognition" => Task::SpeechRecognition,
        "Text-to-Speech" => Task::TextToSpeech,
        "Translation" => Task::Translation,
        "Summarization" => Task::Summarization,
        "Image-to-Text" => Task::ImageToText,
        "Image Classification" => Task::ImageClassification,
        "Object Detection" => Task::ObjectDetection,
        _ => Task::Other,
    }
}

/// `2026-10-10` for an instant, in UTC.
fn iso_day(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.strftime("%F").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
