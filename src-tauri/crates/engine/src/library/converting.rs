//! Documents that cannot be read here: pictures and scans through the service's Markdown conversion, recordings through
//! Whisper. Both cost neurons, so both are quoted first.

mod duration;

use super::reading;
use crate::Engine;
use crate::database::Database;
use crate::error::Error;
use domain::{DAILY_ALLOWANCE, Fault, FaultCode, Quote, RunId};
use ingest::{Limits, Reading, Source};
use std::collections::BTreeMap;
use store::library::DocumentRow;
use workers_ai::{FileToConvert, TranscribeRequest, estimate_audio};

/// The model that writes down speech.
const WHISPER: &str = "@cf/openai/whisper-large-v3-turbo";

/// How a file becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the service's conversion.
    Conversion,
    /// By writing down what is said.
    Transcription,
}

/// A file of this name may be converted.
pub(crate) fn is_convertible(name: &str) -> bool {
    way(name).is_some()
}

/// How a file of this name becomes text, and its media type.
pub(crate) fn way(name: &str) -> Option<(Way, &'static str)> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())?;
    Some(match extension.as_str() {
        "png" => (Way::Conversion, "image/png"),
        "jpg" | "jpeg" => (Way::Conversion, "image/jpeg"),
        "webp" => (Way::Conversion, "image/webp"),
        "svg" => (Way::Conversion, "image/svg+xml"),
        "pdf" => (Way::Conversion, "application/pdf"),
        "docx" => {
            (Way::Conversion, "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
        }
        "mp3" => (Way::Transcription, "audio/mpeg"),
        "wav" => (Way::Transcription, "audio/wav"),
        "m4a" => (Way::Transcription, "audio/mp4"),
        "ogg" | "oga" | "opus" => (Way::Transcription, "audio/ogg"),
        "flac" => (Way::Transcription, "audio/flac"),
        _ => return None,
    })
}

/// What making text of a document costs, as far as anybody can say before: recordings are priced by the minute; for a
/// picture the service publishes no figure.
pub(crate) async fn quote(engine: &Engine, run: &RunId, document: &DocumentRow) -> Result<Quote, Fault> {
    let seconds = match (way(&document.document.name), document.hash.clone()) {
        (Some((Way::Transcription, _)), Some(hash)) => {
            let bytes = original(engine, hash).await?;
            duration::seconds(&bytes)
        }
        _ => None,
    };
    let model = engine.models().find(&WHISPER.into()).await;
    let neurons = seconds.and_then(|seconds| estimate_audio(&model, seconds));
    Ok(Quote {
        id: run.to_string(),
        documents: 1,
        skipped: Vec::new(),
        passages: 0,
        tokens: 0,
        neurons,
        share_of_day: neurons.map(|neurons| neurons / DAILY_ALLOWANCE),
    })
}

async fn original(engine: &Engine, hash: String) -> Result<Vec<u8>, Fault> {
    engine
        .database()
        .read(move |shelf| {
            let path = shelf.disk.original_path(&hash)?;
            Ok(std::fs::read(path)
                .map_err(|error| Fault::new(FaultCode::FileUnreadable).with_detail(error.to_string()))?)
        })
        .await
}

/// Has the service make text of a document's original, and keeps it as what the document says. Returns what it cost.
pub(crate) async fn convert(engine: &Engine, document: &DocumentRow) -> Result<f64, Fault> {
    let unknown = || Fault::new(FaultCode::FormatUnknown).with_detail(&document.document.name);
    let (way, media_type) = way(&document.document.name).ok_or_else(unknown)?;
    let hash = document.hash.clone().ok_or_else(unknown)?;
    let name = document.document.name.clone();
    let bytes = original(engine, hash.clone()).await?;
    if media_type == "application/pdf"
        && let Some(neurons) = by_pages(engine, document, &hash, &bytes).await?
    {
        return Ok(neurons);
    }
    let (text, neurons) = match way {
        Way::Conversion => by_conversion(engine, &name, media_type, bytes).await?,
        Way::Transcription => by_transcription(engine, media_type, bytes).await?,
    };
    let format = if way == Way::Transcription { "audio" } else { &document.document.format }.to_owned();
    engine
        .database()
        .write(move |shelf| {
            let source = Source { name: "converted.md", bytes: text.as_bytes(), password: None };
            let reading =
                ingest::read(&source, &Limits::default()).map_err(|error| reading::fault(&error))?;
            let content = reading::content_of(&hash, &reading)?;
            let format = if format.is_empty() { content.format.clone() } else { format };
            Ok::<_, Error>(shelf.disk.replace_content(&store::library::Content { format, ..content })?)
        })
        .await?;
    Ok(neurons)
}

/// Pages that are sent in one request, and in all.
const PAGES_AT_ONCE: usize = 8;
const MOST_PAGES: usize = 500;

/// Sends the pages of a PDF that have no text, each as a document of its own, and puts their texts where they stand: page
/// numbers stay true, and pages with text are not paid for. `None` when the document cannot be taken apart: then it is
/// sent whole.
async fn by_pages(
    engine: &Engine,
    document: &DocumentRow,
    hash: &str,
    bytes: &[u8],
) -> Result<Option<f64>, Fault> {
    let (id, whole) = (hash.to_owned(), bytes.to_vec());
    let known = engine.database().read(move |shelf| Ok(shelf.disk.content(&id)?)).await?;
    let empty = known.as_ref().map(|content| content.empty_pages.clone());
    let pages = Database::blocking(move || Ok(ingest::pdf_pages(&whole, empty.as_deref(), MOST_PAGES).ok()));
    let Some(pages) = pages.await?.filter(|pages| !pages.is_empty()) else { return Ok(None) };
    let (mut found, mut spent) = (BTreeMap::new(), 0.0);
    for some in pages.chunks(PAGES_AT_ONCE) {
        let files = some.iter().map(|(page, bytes)| FileToConvert {
            name: format!("page-{page}.pdf"),
            media_type: "application/pdf".to_owned(),
            bytes: bytes.clone(),
        });
        let (texts, neurons) = markdown_of(engine, files.collect()).await?;
        spent += neurons;
        // A page that cannot be read is as blank as before.
        found.extend(some.iter().zip(texts).filter_map(|((page, _), text)| Some((*page, text.ok()?))));
    }
    if found.is_empty() {
        return Err(Fault::new(FaultCode::FileHasNoText).with_detail(&document.document.name));
    }
    let (hash, count) = (hash.to_owned(), u32::try_from(pages.len()).unwrap_or(u32::MAX));
    engine
        .database()
        .write(move |shelf| {
            let before = match &known {
                Some(content) => reading::reading_of(content)?,
                None => blank(count),
            };
            let read = |text: &String| {
                let source = Source { name: "page.md", bytes: text.as_bytes(), password: None };
                ingest::read(&source, &Limits::default()).ok()
            };
            let found: BTreeMap<u32, Reading> =
                found.iter().filter_map(|(page, text)| Some((*page, read(text)?))).collect();
            let content = reading::content_of(&hash, &before.with_pages(&found))?;
            Ok::<_, Error>(shelf.disk.replace_content(&content)?)
        })
        .await?;
    Ok(Some(spent))
}

/// A scan: pages without any text.
fn blank(pages: u32) -> Reading {
    Reading {
        format: ingest::Format::Pdf,
        title: None,
        text: String::new(),
        sections: Vec::new(),
        pages: Some(pages),
        empty_pages: (1..=pages).collect(),
        encoding: None,
        language: None,
        warnings: Vec::new(),
        lines: Vec::new(),
    }
}

async fn by_conversion(
    engine: &Engine,
    name: &str,
    media_type: &str,
    bytes: Vec<u8>,
) -> Result<(String, f64), Fault> {
    let file = FileToConvert { name: name.to_owned(), media_type: media_type.to_owned(), bytes };
    let (texts, neurons) = markdown_of(engine, vec![file]).await?;
    let text = texts.into_iter().next().ok_or_else(|| Fault::new(FaultCode::EmptyAnswer))?;
    Ok((text?, neurons))
}

/// The texts of files, or why one has none, and what all of them cost.
async fn markdown_of(
    engine: &Engine,
    files: Vec<FileToConvert>,
) -> Result<(Vec<Result<String, Fault>>, f64), Fault> {
    let caller = engine.accounts().caller().await?;
    engine.usage().keep_within_cap(&caller).await?;
    let (converted, usage) =
        caller.client.to_markdown(&files, None).await.map_err(|error| caller.fault(&error))?;
    let neurons = usage.neurons.unwrap_or_default();
    let model = engine.models().find(&"tomarkdown".into()).await;
    engine.usage().book(&caller, &model, "conversion", None, usage).await;
    let no_text = |why: String| caller.cleaned(Fault::new(FaultCode::FileHasNoText).with_detail(why));
    Ok((converted.into_iter().map(|one| one.text.map_err(no_text)).collect(), neurons))
}

async fn by_transcription(engine: &Engine, media_type: &str, audio: Vec<u8>) -> Result<(String, f64), Fault> {
    let caller = engine.accounts().caller().await?;
    engine.usage().keep_within_cap(&caller).await?;
    let model = engine.models().find(&WHISPER.into()).await;
    let request = TranscribeRequest {
        model: model.id.clone(),
        audio,
        media_type: media_type.to_owned(),
        language: None,
        translate: false,
        hint: None,
    };
    let transcript = caller.client.transcribe(&request).await.map_err(|error| caller.fault(&error))?;
    let mut usage = transcript.usage;
    if usage.neurons.is_none() {
        usage.neurons = transcript.seconds.and_then(|seconds| estimate_audio(&model, seconds));
        usage.estimated = usage.neurons.is_some();
    }
    let neurons = usage.neurons.unwrap_or_default();
    engine.usage().book(&caller, &model, "transcription", None, usage).await;
    Ok((transcript.text, neurons))
}
