//! `models`: the catalogue.

use crate::arguments::Models;
use crate::output;
use domain::{CatalogueSource, Fault, Model, Task};
use engine::Engine;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    task: &'a str,
    context_window: Option<u32>,
    tools: bool,
    reasoning: bool,
    vision: bool,
    paid_only: bool,
    retires_on: Option<&'a str>,
    retired: bool,
    prices: &'a [domain::Price],
}

/// Lists the models, live when an account is connected.
pub async fn models(engine: &Engine, options: Models) -> Result<(), Fault> {
    let catalogue = engine.models().catalogue(false).await?;
    if catalogue.source == CatalogueSource::Bundled && !options.json {
        output::note("Not connected: this is the list that ships with Edgewise.");
    }
    let wanted = options.task.as_deref().map(str::to_lowercase);
    for model in catalogue.models.iter().filter(|model| !model.retired) {
        let task = task_name(model.task);
        if wanted.as_ref().is_some_and(|wanted| task.to_lowercase() != *wanted) {
            continue;
        }
        if options.json { output::line(&line(model))? } else { output::print(&row(model))? }
    }
    Ok(())
}

fn line(model: &Model) -> Line<'_> {
    Line {
        id: model.id.as_str(),
        task: task_name(model.task),
        context_window: model.context_window,
        tools: model.tools,
        reasoning: model.reasoning,
        vision: model.vision,
        paid_only: model.paid_only,
        retires_on: model.retires_on.as_deref(),
        retired: model.retired,
        prices: &model.prices,
    }
}

fn row(model: &Model) -> String {
    let context = model.context_window.map_or_else(|| "-".to_owned(), |tokens| tokens.to_string());
    let marks = [
        (model.vision, "vision"),
        (model.tools, "tools"),
        (model.reasoning, "reasoning"),
        (model.paid_only, "paid"),
        (model.beta, "beta"),
    ];
    let marks: Vec<_> = marks.into_iter().filter_map(|(set, name)| set.then_some(name)).collect();
    let id = output::plain(model.id.as_str());
    format!("{id:<58} {:<22} {context:>9}  {}\n", task_name(model.task), marks.join(" "))
}

/// The catalogue's name of a task.
fn task_name(task: Task) -> &'static str {
    match task {
        Task::TextGeneration => "Text Generation",
        Task::TextToImage => "Text-to-Image",
        Task::TextEmbeddings => "Text Embeddings",
        Task::TextClassification => "Text Classification",
        Task::SpeechRecognition => "Automatic Speech Recognition",
        Task::TextToSpeech => "Text-to-Speech",
        Task::Translation => "Translation",
        Task::Summarization => "Summarization",
        Task::ImageToText => "Image-to-Text",
        Task::ImageClassification => "Image Classification",
        Task::ObjectDetection => "Object Detection",
        Task::Other => "Other",
    }
}
