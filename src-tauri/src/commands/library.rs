//! The library: collections, documents, passages, and the runs that fill them.

use super::Answer;
use crate::{dialogs, drops::Grants, sink::Page};
use domain::{
    Collection, CollectionSettings, DocumentPage, DocumentQuery, DocumentText, Findings, IngestEvent,
    IngestStarted, KeptIn, MessageId, Passage, PassageQuery, PlacedLine, RunId, VectorFormat, VectorInfo,
    WhyAnswer,
};
use engine::{Engine, Nowhere};
use tauri::ipc::{Channel, Response};
use tauri::{AppHandle, State};

#[tauri::command]
pub async fn collections(engine: State<'_, Engine>) -> Answer<Vec<Collection>> {
    engine.library().collections().await
}

#[tauri::command]
pub async fn create_collection(
    engine: State<'_, Engine>,
    name: String,
    colour: String,
    settings: CollectionSettings,
) -> Answer<Collection> {
    engine.library().create_collection(name, colour, settings).await
}

#[tauri::command]
pub async fn update_collection(
    engine: State<'_, Engine>,
    collection: String,
    name: String,
    colour: String,
    settings: CollectionSettings,
) -> Answer<Collection> {
    engine.library().update_collection(collection, name, colour, settings).await
}

#[tauri::command]
pub async fn delete_collection(engine: State<'_, Engine>, collection: String) -> Answer<()> {
    engine.library().delete_collection(collection).await
}

#[tauri::command]
pub async fn undelete_collection(engine: State<'_, Engine>, collection: String) -> Answer<Collection> {
    engine.library().undelete_collection(collection).await
}

#[tauri::command]
pub async fn documents(engine: State<'_, Engine>, query: DocumentQuery) -> Answer<DocumentPage> {
    engine.library().documents(query).await
}

/// Adds files, or a folder, that the person chooses; `None` when the choice was cancelled.
#[tauri::command]
pub async fn add_picked(
    app: AppHandle,
    engine: State<'_, Engine>,
    collection: Option<String>,
    folder: bool,
    events: Channel<IngestEvent>,
) -> Answer<Option<IngestStarted>> {
    let paths = if folder {
        dialogs::open_folder(&app).await.into_iter().collect()
    } else {
        dialogs::open_several(&app).await
    };
    if paths.is_empty() {
        return Ok(None);
    }
    engine.library().add_files(collection, paths, Page(events)).await.map(Some)
}

#[tauri::command]
pub async fn add_grant(
    engine: State<'_, Engine>,
    grants: State<'_, Grants>,
    collection: Option<String>,
    grant: String,
    events: Channel<IngestEvent>,
) -> Answer<IngestStarted> {
    engine.library().add_files(collection, grants.take(&grant)?, Page(events)).await
}

#[tauri::command]
pub async fn add_text(
    engine: State<'_, Engine>,
    collection: Option<String>,
    title: String,
    text: String,
    events: Channel<IngestEvent>,
) -> Answer<IngestStarted> {
    engine.library().add_text(collection, title, text, Page(events)).await
}

#[tauri::command]
pub async fn add_address(
    engine: State<'_, Engine>,
    collection: Option<String>,
    address: String,
    events: Channel<IngestEvent>,
) -> Answer<IngestStarted> {
    engine.library().add_address(collection, address, Page(events)).await
}

#[tauri::command]
pub async fn accept_quote(engine: State<'_, Engine>, quote: String) -> Answer<()> {
    engine.library().accept_quote(&quote).await
}

#[tauri::command]
pub async fn decline_quote(engine: State<'_, Engine>, quote: String) -> Answer<()> {
    engine.library().decline_quote(&quote).await
}

#[tauri::command]
pub async fn pause_ingest(engine: State<'_, Engine>, run: RunId) -> Answer<()> {
    engine.library().pause_ingest(&run).await
}

#[tauri::command]
pub async fn resume_ingest(engine: State<'_, Engine>, run: RunId) -> Answer<()> {
    engine.library().resume_ingest(&run).await
}

#[tauri::command]
pub async fn stop_ingest(engine: State<'_, Engine>, run: RunId) -> Answer<()> {
    engine.library().stop_ingest(&run).await
}

#[tauri::command]
pub async fn active_ingests(engine: State<'_, Engine>) -> Answer<Vec<IngestStarted>> {
    engine.library().active_ingests().await
}

#[tauri::command]
pub async fn attach_ingest(
    engine: State<'_, Engine>,
    run: RunId,
    events: Channel<IngestEvent>,
) -> Answer<()> {
    engine.library().attach_ingest(&run, Page(events)).await
}

#[tauri::command]
pub async fn retry_document(
    engine: State<'_, Engine>,
    document: String,
    password: Option<String>,
    events: Channel<IngestEvent>,
) -> Answer<IngestStarted> {
    engine.library().retry_document(document, password, Page(events)).await
}

#[tauri::command]
pub async fn retry_failed(
    engine: State<'_, Engine>,
    collection: String,
    events: Channel<IngestEvent>,
) -> Answer<Option<IngestStarted>> {
    engine.library().retry_failed(collection, Page(events)).await
}

#[tauri::command]
pub async fn set_provider_key(engine: State<'_, Engine>, url: String, key: Option<String>) -> Answer<KeptIn> {
    engine.library().set_provider_key(url, key).await
}

#[tauri::command]
pub async fn convert_document(
    engine: State<'_, Engine>,
    document: String,
    events: Channel<IngestEvent>,
) -> Answer<IngestStarted> {
    engine.library().convert_document(document, Page(events)).await
}

#[tauri::command]
pub async fn delete_documents(engine: State<'_, Engine>, documents: Vec<String>) -> Answer<()> {
    engine.library().delete_documents(documents).await
}

#[tauri::command]
pub async fn undelete_documents(engine: State<'_, Engine>, documents: Vec<String>) -> Answer<()> {
    engine.library().undelete_documents(documents).await
}

#[tauri::command]
pub async fn move_documents(
    engine: State<'_, Engine>,
    documents: Vec<String>,
    collection: String,
) -> Answer<()> {
    engine.library().move_documents(documents, collection).await
}

#[tauri::command]
pub async fn search_passages(engine: State<'_, Engine>, query: PassageQuery) -> Answer<Findings> {
    engine.library().search_passages(query).await
}

#[tauri::command]
pub async fn passages(
    engine: State<'_, Engine>,
    document: String,
    offset: u32,
    limit: u32,
) -> Answer<Vec<Passage>> {
    engine.library().passages(document, offset, limit).await
}

#[tauri::command]
pub async fn document_text(engine: State<'_, Engine>, document: String) -> Answer<DocumentText> {
    engine.library().document_text(document).await
}

#[tauri::command]
pub async fn placed_lines(
    engine: State<'_, Engine>,
    document: String,
    start: u32,
    end: u32,
) -> Answer<Vec<PlacedLine>> {
    engine.library().placed_lines(document, start, end).await
}

/// The original of a document as raw bytes, by the address that `document_text` gave.
#[tauri::command]
pub async fn document_bytes(engine: State<'_, Engine>, address: String) -> Answer<Response> {
    let document = address.rsplit('/').next().unwrap_or_default().to_owned();
    let (_, bytes) = engine.library().document_bytes(document).await?;
    Ok(Response::new(bytes))
}

#[tauri::command]
pub async fn why_answer(engine: State<'_, Engine>, message: MessageId) -> Answer<Option<WhyAnswer>> {
    engine.library().why_answer(message).await
}

/// Lets a collection follow a folder that the person chooses; `None` when the choice was cancelled.
#[tauri::command]
pub async fn watch_folder(
    app: AppHandle,
    engine: State<'_, Engine>,
    collection: String,
) -> Answer<Option<Collection>> {
    let Some(folder) = dialogs::open_folder(&app).await else { return Ok(None) };
    engine.library().watch_folder(collection, folder, Nowhere).await.map(Some)
}

#[tauri::command]
pub async fn unwatch_folder(engine: State<'_, Engine>, collection: String) -> Answer<Collection> {
    engine.library().unwatch_folder(collection).await
}

#[tauri::command]
pub async fn vector_info(engine: State<'_, Engine>) -> Answer<Vec<VectorInfo>> {
    engine.library().vector_info().await
}

/// Writes the vector table to a file that the person chooses; `None` when the choice was cancelled.
#[tauri::command]
pub async fn export_vectors(
    app: AppHandle,
    engine: State<'_, Engine>,
    format: VectorFormat,
) -> Answer<Option<String>> {
    let extension = match format {
        VectorFormat::Jsonl => "jsonl",
        VectorFormat::Csv => "csv",
        VectorFormat::Parquet => "parquet",
        VectorFormat::Vectorize => "ndjson",
        VectorFormat::Sql => "sql",
    };
    let Some(file) = dialogs::save(&app, "edgewise-vectors", extension).await else { return Ok(None) };
    engine.library().export_vectors(format, file.clone()).await?;
    Ok(Some(file.display().to_string()))
}
