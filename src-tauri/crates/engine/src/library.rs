//! The library: documents that a person can ask.
//!
//! Files become documents, documents passages, passages vectors and words; a question finds passages by both. The rows
//! are `store`'s, the vectors `vector-table`'s, the reading is `ingest`'s; here they are joined: what is done in which order,
//! what it costs, and who is told.
//!
//! Contents: `ingests` (runs that fill the library) · `reading` (file to passages) · `embedding` (who makes vectors) ·
//! `vectors` (tables and spaces) · `providers` (their keys) · `finding` (search) · `answering` (passages for a turn) ·
//! `converting` (pictures and recordings) · `exporting` (the vector table as a file) · `watching` (folders that are followed).

mod answering;
mod converting;
mod embedding;
mod exporting;
mod finding;
mod ingests;
pub(crate) mod providers;
mod reading;
mod vectors;
mod watching;

use crate::Engine;
use crate::chat::retrieval::{Passages, Wanted};
use crate::error::{Error, invalid, not_found};
use crate::sink::{Nowhere, Sink};
use domain::{
    AppEvent, Collection, CollectionSettings, ConversationId, Document, DocumentPage, DocumentQuery,
    DocumentState, DocumentText, Fault, Findings, IngestEvent, IngestStarted, KeptIn, MessageId, Passage,
    PassageQuery, PlacedLine, RunId, TextSection, VectorInfo, WhyAnswer,
};
use ingest::fence::{Program, Readers};
use ingests::{Consent, Ingests, Load};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::library::{CollectionRow, NewDocument};
use tokio_util::sync::CancellationToken;
use vectors::{SpaceName, Tables};
use watching::Watching;

/// The collection that takes what is added without one.
pub const DEFAULT_COLLECTION: &str = "library";
/// Before the id of a conversation: its own documents.
const OF_CONVERSATION: &str = "conversation:";
/// The palette of collections.
const COLOURS: &[&str] = &["blue", "green", "amber", "rose", "violet", "slate"];
/// Changes of documents are told to the window together, at most so often.
const TOLD_EVERY: Duration = Duration::from_millis(150);
/// Characters of a text that is pasted as a document.
const LONGEST_TEXT: usize = 16 << 20;

/// What the library keeps in memory.
pub(crate) struct State {
    /// The reading processes: our own program, started again.
    pub(crate) readers: Option<Arc<Readers>>,
    pub(crate) tables: Tables,
    pub(crate) ingests: Ingests,
    pub(crate) watching: Watching,
    /// Documents whose change has not been told yet; present while that is planned.
    changed: Mutex<Option<HashMap<String, Document>>>,
}

impl State {
    pub(crate) fn new(reader: Option<PathBuf>) -> Self {
        let program = |executable| Program { executable, arguments: vec![reading::READ_DOCUMENT.into()] };
        Self {
            readers: reader.map(|executable| Arc::new(Readers::new(program(executable)))),
            tables: Tables::default(),
            ingests: Ingests::default(),
            watching: Watching::default(),
            changed: Mutex::default(),
        }
    }

    /// Lets go of tables and folders.
    pub(crate) fn close(&self) {
        self.watching.close();
        self.tables.close();
    }

    /// Tells the window that documents changed, together with others that change at the same time.
    pub(crate) fn note_changed(&self, engine: &Engine, documents: impl IntoIterator<Item = Document>) {
        let documents = documents.into_iter().map(|document| (document.id.clone(), document));
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = changed.as_mut() {
            waiting.extend(documents);
            return;
        }
        *changed = Some(documents.collect());
        drop(changed);
        let teller = engine.clone();
        engine.runs().quietly(CancellationToken::new(), async move {
            tokio::time::sleep(TOLD_EVERY).await;
            let state = teller.library_state();
            let told = state.changed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let documents = told.unwrap_or_default().into_values().collect();
            teller.news().tell(&AppEvent::LibraryChanged { documents });
        });
    }
}

/// The use cases about the library. Made by [`Engine::library`].
#[derive(Clone)]
pub struct Library {
    pub(crate) engine: Engine,
}

/// The documents of one conversation only.
pub(crate) fn is_of_conversation(collection: &str) -> bool {
    collection.starts_with(OF_CONVERSATION)
}

impl Library {
    /// All collections but those of single conversations, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn collections(&self) -> Result<Vec<Collection>, Fault> {
        let rows = self.engine.database().read(|shelf| Ok(shelf.disk.collections()?)).await?;
        let rows = rows.into_iter().map(|row| self.shown(row.collection));
        Ok(rows.filter(|collection| !is_of_conversation(&collection.id)).collect())
    }

    /// Makes a collection.
    ///
    /// # Errors
    /// `InvalidInput` for a name or settings that cannot be used; the store's.
    pub async fn create_collection(
        &self,
        name: String,
        colour: String,
        settings: CollectionSettings,
    ) -> Result<Collection, Fault> {
        let (name, colour) = (checked_name(&name)?, checked_colour(&colour)?);
        check_settings(&settings)?;
        let (id, now): (String, _) = (self.engine.new_id(), self.engine.now());
        let row = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.create_collection(&id, &name, &colour, &settings, now)?))
            .await?;
        self.tell([]);
        Ok(row.collection)
    }

    /// Changes a collection. Other passages or another model mean that its documents are cut or embedded anew, in the
    /// background and quoted first (see [`Library::active_ingests`]): until the quote is accepted such settings are only
    /// `wanted`, and until the work is done the former vectors serve.
    ///
    /// # Errors
    /// `NotFound`, `InvalidInput`; the store's.
    pub async fn update_collection(
        &self,
        collection: String,
        name: String,
        colour: String,
        settings: CollectionSettings,
    ) -> Result<Collection, Fault> {
        self.change_collection(collection, name, colour, settings, Consent::Asked).await
    }

    /// As [`Library::update_collection`], for callers who want no quote first: the settings hold at once, and the next run
    /// over the collection embeds what they need.
    ///
    /// # Errors
    /// As there.
    pub async fn update_collection_unasked(
        &self,
        collection: String,
        name: String,
        colour: String,
        settings: CollectionSettings,
    ) -> Result<Collection, Fault> {
        self.change_collection(collection, name, colour, settings, Consent::Given).await
    }

    async fn change_collection(
        &self,
        collection: String,
        name: String,
        colour: String,
        settings: CollectionSettings,
        consent: Consent,
    ) -> Result<Collection, Fault> {
        let (name, colour) = (checked_name(&name)?, checked_colour(&colour)?);
        check_settings(&settings)?;
        let wanted = settings.clone();
        let (row, waits) = self
            .engine
            .database()
            .write(move |shelf| {
                let before = shelf.disk.collection(&collection)?;
                let waits = consent == Consent::Asked
                    && !shelf.disk.documents_of(before.key)?.is_empty()
                    && is_costly(&before.collection.settings, &wanted);
                let now = if waits { searched_as(&before.collection.settings, &wanted) } else { wanted };
                Ok((shelf.disk.update_collection(&collection, &name, &colour, &now)?, waits))
            })
            .await?;
        // What was wanted before is not wanted any more.
        for ingest in self.engine.library_state().ingests.all() {
            if ingest.collection == row.collection.id && ingest.is_change() {
                ingest.stop();
            }
        }
        if waits {
            let load = Load::Settings(Box::new(settings));
            ingests::begin(&self.engine, &row, load, consent, None, Arc::new(Nowhere)).await?;
        }
        self.tell([]);
        self.row(&row.collection.id).await.map(|row| self.shown(row.collection))
    }

    /// Keeps the key of an embedding provider where the person's tokens are, or forgets it (`None`); where it is kept.
    ///
    /// # Errors
    /// `InvalidInput` for an address or a key that cannot be used; the keychain's.
    pub async fn set_provider_key(&self, url: String, key: Option<String>) -> Result<KeptIn, Fault> {
        providers::keep(&self.engine, &url, key.as_deref()).await
    }

    /// Holds the key of an embedding provider for this session only.
    ///
    /// # Errors
    /// `InvalidInput` for an address or a key that cannot be used.
    pub fn use_provider_key(&self, url: &str, key: &str) -> Result<(), Fault> {
        providers::hold(&self.engine, url, key)
    }

    /// Puts a collection into the trash, with its documents.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn delete_collection(&self, collection: String) -> Result<(), Fault> {
        let now = self.engine.now();
        self.engine.library_state().watching.forget(&collection);
        for ingest in self.engine.library_state().ingests.all() {
            if ingest.collection == collection {
                ingest.stop();
            }
        }
        self.engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_collection_deleted(&collection, Some(now))?))
            .await?;
        self.tell([]);
        Ok(())
    }

    /// Takes a collection out of the trash.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn undelete_collection(&self, collection: String) -> Result<Collection, Fault> {
        let row = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_collection_deleted(&collection, None)?))
            .await?;
        if watching::follow(&self.engine, &row.collection) {
            watching::look(&self.engine, &row.collection.id).await;
        }
        self.tell([]);
        Ok(self.shown(row.collection))
    }

    /// A page of the list of documents.
    ///
    /// # Errors
    /// The store's.
    pub async fn documents(&self, query: DocumentQuery) -> Result<DocumentPage, Fault> {
        self.engine.database().read(move |shelf| Ok(shelf.disk.documents(&query)?)).await
    }

    /// Adds files and folders. Embedding waits for [`Library::accept_quote`] unless nothing has to be paid.
    ///
    /// # Errors
    /// `NotFound` for an unknown collection; the store's. What goes wrong with single files is told by the run.
    pub async fn add_files(
        &self,
        collection: Option<String>,
        paths: Vec<PathBuf>,
        events: impl Sink<IngestEvent>,
    ) -> Result<IngestStarted, Fault> {
        self.begin(collection, Load::Paths(paths), Consent::Asked, events).await
    }

    /// As [`Library::add_files`], for callers who want no quote first.
    ///
    /// # Errors
    /// As there.
    pub async fn add_files_unasked(
        &self,
        collection: Option<String>,
        paths: Vec<PathBuf>,
        events: impl Sink<IngestEvent>,
    ) -> Result<IngestStarted, Fault> {
        self.begin(collection, Load::Paths(paths), Consent::Given, events).await
    }

    /// Adds a text that was pasted.
    ///
    /// # Errors
    /// `InvalidInput` for an empty or endless text; as [`Library::add_files`].
    pub async fn add_text(
        &self,
        collection: Option<String>,
        title: String,
        text: String,
        events: impl Sink<IngestEvent>,
    ) -> Result<IngestStarted, Fault> {
        if text.trim().is_empty() || text.len() > LONGEST_TEXT {
            return Err(invalid("a text without words, or one that is too long"));
        }
        let title = title.trim();
        let title = if title.is_empty() { first_words(&text) } else { title.to_owned() };
        self.add_bytes(collection, format!("{title}.md"), None, text.into_bytes(), events).await
    }

    /// Adds a web page. It is fetched at once; only what it says is kept.
    ///
    /// # Errors
    /// `InvalidInput` for an address that is not fetched (other schemes, private addresses), the network's, and as
    /// [`Library::add_files`].
    pub async fn add_address(
        &self,
        collection: Option<String>,
        address: String,
        events: impl Sink<IngestEvent>,
    ) -> Result<IngestStarted, Fault> {
        let network = crate::settings::network(&self.engine.in_force().now());
        let page = workers_ai::page::fetch(&address, &network).await.map_err(|error| error.fault())?;
        self.add_bytes(collection, page.name(), Some(page.address.clone()), page.bytes, events).await
    }

    async fn add_bytes(
        &self,
        collection: Option<String>,
        name: String,
        address: Option<String>,
        bytes: Vec<u8>,
        events: impl Sink<IngestEvent>,
    ) -> Result<IngestStarted, Fault> {
        let file = self.engine.database().write(move |shelf| Ok(shelf.disk.keep_original(&bytes)?)).await?;
        let document = NewDocument {
            id: self.engine.new_id(),
            name,
            source: None,
            address,
            hash: Some(file.hash),
            size: file.size,
        };
        self.begin(collection, Load::New(vec![document]), Consent::Asked, events).await
    }

    /// Lets the run of a quote go on to embedding.
    ///
    /// # Errors
    /// `NotFound` for a quote whose run is over.
    pub async fn accept_quote(&self, quote: &str) -> Result<(), Fault> {
        self.ingest(&quote.into()).map(|ingest| ingest.answer(true))
    }

    /// Ends the run of a quote before anything was sent. The documents stay, and are found by their words.
    ///
    /// # Errors
    /// `NotFound` for a quote whose run is over.
    pub async fn decline_quote(&self, quote: &str) -> Result<(), Fault> {
        self.ingest(&quote.into()).map(|ingest| ingest.answer(false))
    }

    /// Pauses a run; what is in flight is still stored.
    ///
    /// # Errors
    /// `NotFound` for a run that is over; the store's.
    pub async fn pause_ingest(&self, run: &RunId) -> Result<(), Fault> {
        self.set_paused(run, true).await
    }

    /// Lets a paused run go on.
    ///
    /// # Errors
    /// As [`Library::pause_ingest`].
    pub async fn resume_ingest(&self, run: &RunId) -> Result<(), Fault> {
        self.set_paused(run, false).await
    }

    async fn set_paused(&self, run: &RunId, paused: bool) -> Result<(), Fault> {
        let ingest = self.ingest(run)?;
        let id = run.clone();
        let documents = self
            .engine
            .database()
            .write(move |shelf| {
                shelf.disk.pause_ingest(&id, paused)?;
                Ok(shelf.disk.documents_of_run(&id)?)
            })
            .await?;
        ingest.pause(paused);
        self.tell(documents.into_iter().map(|row| row.document));
        Ok(())
    }

    /// Stops a run; what is in flight is still stored.
    ///
    /// # Errors
    /// `NotFound` for a run that is over.
    pub async fn stop_ingest(&self, run: &RunId) -> Result<(), Fault> {
        self.ingest(run).map(|ingest| ingest.stop())
    }

    /// The runs in flight. Those that an earlier process left when it ended are taken up first, where they stood, and
    /// folders that collections follow are watched from now on: who asks this stays.
    ///
    /// # Errors
    /// The store's.
    pub async fn active_ingests(&self) -> Result<Vec<IngestStarted>, Fault> {
        ingests::take_up(&self.engine).await?;
        for collection in self.collections().await? {
            if watching::follow(&self.engine, &collection) {
                // It may have changed while nobody watched.
                watching::look(&self.engine, &collection.id).await;
            }
        }
        let mut started = Vec::new();
        for ingest in self.engine.library_state().ingests.all() {
            let collection = self.row(&ingest.collection).await?.collection;
            started.push(IngestStarted { run: ingest.id.clone(), collection });
        }
        Ok(started)
    }

    /// Tells `events` where a run stands, and everything from now on.
    ///
    /// # Errors
    /// `NotFound` for a run that is over.
    pub async fn attach_ingest(&self, run: &RunId, events: impl Sink<IngestEvent>) -> Result<(), Fault> {
        self.ingest(run)?.attach(Arc::new(events));
        Ok(())
    }

    /// Tries a document again, with a password where one was asked for.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn retry_document(
        &self,
        document: String,
        password: Option<String>,
        events: impl Sink<IngestEvent>,
    ) -> Result<IngestStarted, Fault> {
        let collection = self.row_of(&document).await?;
        let load = Load::Known(vec![document]);
        let run = ingests::begin(&self.engine, &collection, load, Consent::Asked, password, Arc::new(events))
            .await?;
        Ok(IngestStarted { run, collection: collection.collection })
    }

    /// Tries everything again that failed in a collection, and goes on with what its last run left; `None` when there is
    /// nothing to try. A folder that could not be watched is tried too.
    ///
    /// # Errors
    /// `FileUnreadable` when that folder still cannot be and is all there was to try; `NotFound`; the store's.
    pub async fn retry_failed(
        &self,
        collection: String,
        events: impl Sink<IngestEvent>,
    ) -> Result<Option<IngestStarted>, Fault> {
        let row = self.row(&collection).await?;
        let key = row.key;
        let documents = self.engine.database().read(move |shelf| Ok(shelf.disk.documents_of(key)?)).await?;
        let failed: Vec<String> = documents
            .into_iter()
            .filter(|row| matches!(row.document.state, DocumentState::Failed { .. }))
            .map(|row| row.document.id)
            .collect();
        let watching = &self.engine.library_state().watching;
        let is_watched_again =
            watching.trouble(&collection).is_some() && watching::follow(&self.engine, &row.collection);
        let load = if !failed.is_empty() || row.collection.trouble.is_some() {
            if is_watched_again {
                watching::look(&self.engine, &collection).await;
            }
            Load::Known(failed)
        } else if let (true, Some(folder)) =
            (is_watched_again || watching.is_emptied(&collection), &row.collection.folder)
        {
            Load::Look(folder.into())
        } else {
            return watching.trouble(&collection).map_or(Ok(None), Err);
        };
        let run = ingests::begin(&self.engine, &row, load, Consent::Asked, None, Arc::new(events)).await?;
        Ok(Some(IngestStarted { run, collection: row.collection }))
    }

    /// Has the service make text of a document that cannot be read here: pictures and scans by its Markdown conversion,
    /// recordings by Whisper. Quoted first.
    ///
    /// # Errors
    /// `FormatUnknown` for a file that the service does not convert; `NotFound`; the store's.
    pub async fn convert_document(
        &self,
        document: String,
        events: impl Sink<IngestEvent>,
    ) -> Result<IngestStarted, Fault> {
        let wanted = document.clone();
        let row = self.engine.database().read(move |shelf| Ok(shelf.disk.document(&wanted)?)).await?;
        if !converting::is_convertible(&row.document.name) {
            return Err(Fault::new(domain::FaultCode::FormatUnknown).with_detail(row.document.name));
        }
        let collection = self.row_of(&document).await?;
        let load = Load::Converted(document);
        let run =
            ingests::begin(&self.engine, &collection, load, Consent::Asked, None, Arc::new(events)).await?;
        Ok(IngestStarted { run, collection: collection.collection })
    }

    /// Puts documents into the trash. They are found no more.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_documents(&self, documents: Vec<String>) -> Result<(), Fault> {
        let now = self.engine.now();
        self.engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_documents_deleted(&documents, Some(now))?))
            .await?;
        self.tell([]);
        Ok(())
    }

    /// Takes documents out of the trash.
    ///
    /// # Errors
    /// The store's.
    pub async fn undelete_documents(&self, documents: Vec<String>) -> Result<(), Fault> {
        let rows = self
            .engine
            .database()
            .write(move |shelf| {
                shelf.disk.set_documents_deleted(&documents, None)?;
                for row in shelf.disk.documents_by_id(&documents)? {
                    // Its file is gone: it stands for itself, so that no folder takes it away again.
                    let gone = |path: &String| matches!(std::path::Path::new(path).try_exists(), Ok(false));
                    if row.hash.is_some() && row.source.as_ref().is_some_and(gone) {
                        shelf.disk.set_document_source(&row.document.id, &row.document.name, None)?;
                    }
                }
                Ok(shelf.disk.documents_by_id(&documents)?)
            })
            .await?;
        self.tell(rows.into_iter().map(|row| row.document));
        Ok(())
    }

    /// Puts documents into another collection. Their vectors go along; where that collection cuts otherwise or has
    /// another model, they are cut and embedded anew, quoted first.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn move_documents(&self, documents: Vec<String>, collection: String) -> Result<(), Fault> {
        let target = self.row(&collection).await?;
        let (engine, ids, key) = (self.engine.clone(), documents.clone(), target.key);
        self.engine
            .database()
            .write(move |shelf| {
                let rows = shelf.disk.documents_by_id(&ids)?;
                let mut passages = Vec::new();
                for row in &rows {
                    passages.extend(shelf.disk.passage_keys(row.key)?);
                }
                shelf.disk.write(|tx| {
                    store::Store::move_documents(tx, &ids, key)?;
                    vectors::recollect(&engine, tx, &shelf.disk, &passages, key)
                })
            })
            .await?;
        let load = Load::Known(documents);
        ingests::begin(&self.engine, &target, load, Consent::Asked, None, Arc::new(Nowhere)).await?;
        self.tell([]);
        Ok(())
    }

    /// Finds passages by meaning, by words, or by both.
    ///
    /// # Errors
    /// `InvalidInput` for an empty query; when only meaning is asked for, the service's. Collections and documents that
    /// are gone hold nothing.
    pub async fn search_passages(&self, query: PassageQuery) -> Result<Findings, Fault> {
        finding::search(&self.engine, query).await.map(|found| found.findings)
    }

    /// Passages of a document, in order, from `offset` on.
    ///
    /// # Errors
    /// The store's.
    pub async fn passages(&self, document: String, offset: u32, limit: u32) -> Result<Vec<Passage>, Fault> {
        self.engine.database().read(move |shelf| Ok(shelf.disk.passages(&document, offset, limit)?)).await
    }

    /// A document to be read.
    ///
    /// # Errors
    /// `NotFound`, `FileHasNoText` for one that was not read; the store's.
    pub async fn document_text(&self, document: String) -> Result<DocumentText, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let row = shelf.disk.document(&document)?;
                let content = match &row.hash {
                    Some(hash) => shelf.disk.content(hash)?,
                    None => None,
                };
                let unread = || Fault::new(domain::FaultCode::FileHasNoText).with_detail(&row.document.name);
                let content = content.ok_or_else(unread)?;
                let reading = reading::reading_of(&content)?;
                let is_pdf = content.format == "pdf";
                Ok(DocumentText {
                    sections: sections(&reading),
                    pdf_url: is_pdf.then(|| format!("media://document/{}", row.document.id)),
                    text: reading.text,
                    document: row.document,
                })
            })
            .await
    }

    /// Where a stretch of a document's text (in characters) is drawn on its pages, line by line: what a viewer of PDF files
    /// marks when it cannot find the words in its own reading. Empty where that is not known.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn placed_lines(
        &self,
        document: String,
        start: u32,
        end: u32,
    ) -> Result<Vec<PlacedLine>, Fault> {
        self.engine
            .database()
            .read(move |shelf| match shelf.disk.document(&document)?.hash {
                Some(hash) => reading::placed(&shelf.disk, &hash, start, end),
                None => Ok(Vec::new()),
            })
            .await
    }

    /// The original of a document: its media type and its bytes. For the viewer of PDF files.
    ///
    /// # Errors
    /// `NotFound`; `FileUnreadable` when it is gone.
    pub async fn document_bytes(&self, document: String) -> Result<(String, Vec<u8>), Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let row = shelf.disk.document(&document)?;
                let hash = row.hash.ok_or_else(|| not_found("the original"))?;
                let bytes = std::fs::read(shelf.disk.original_path(&hash)?).map_err(|error| {
                    Fault::new(domain::FaultCode::FileUnreadable).with_detail(error.to_string())
                })?;
                let is_pdf = bytes.starts_with(b"%PDF");
                Ok((if is_pdf { "application/pdf" } else { "application/octet-stream" }.to_owned(), bytes))
            })
            .await
    }

    /// Why an answer says what it says, when passages were looked for.
    ///
    /// # Errors
    /// The store's.
    pub async fn why_answer(&self, message: MessageId) -> Result<Option<WhyAnswer>, Fault> {
        self.engine.database().read(move |shelf| Ok(shelf.home_of(&message).why(&message)?)).await
    }

    /// The vector tables in figures.
    ///
    /// # Errors
    /// The store's.
    pub async fn vector_info(&self) -> Result<Vec<VectorInfo>, Fault> {
        exporting::info(&self.engine).await
    }

    /// Compares vectors and codes with what was written. Each line is something wrong.
    ///
    /// # Errors
    /// The store's.
    pub async fn verify_vectors(&self) -> Result<Vec<String>, Fault> {
        exporting::verify(&self.engine).await
    }

    /// How many vectors there are, or what is wrong with them.
    pub(crate) async fn examine(&self) -> Result<String, Fault> {
        let problems = self.verify_vectors().await?;
        if let Some(first) = problems.first() {
            let told = format!("{} problems, the first: {first}", problems.len());
            return Err(Fault::new(domain::FaultCode::DatabaseDamaged).with_detail(told));
        }
        let rows: u64 = self.vector_info().await?.iter().map(|table| table.rows).sum();
        Ok(format!("{rows} vectors"))
    }

    /// Writes the vectors that searches use with their passages to a file; how many. Where collections have several models,
    /// those of each further one go to a file of their own beside it, named after the model.
    ///
    /// # Errors
    /// The disk's.
    pub async fn export_vectors(&self, format: domain::VectorFormat, file: PathBuf) -> Result<u64, Fault> {
        exporting::export(&self.engine, format, None, exporting::Target::File(file)).await
    }

    /// As [`Library::export_vectors`], of one model only.
    ///
    /// # Errors
    /// `NotFound` when there are no vectors of this model; the disk's.
    pub async fn export_vectors_of(
        &self,
        format: domain::VectorFormat,
        model: String,
        file: PathBuf,
    ) -> Result<u64, Fault> {
        exporting::export(&self.engine, format, Some(model), exporting::Target::File(file)).await
    }

    /// As [`Library::export_vectors`], to anything that can be written to.
    ///
    /// # Errors
    /// As there; `InvalidInput` when there are several models and none is named.
    pub async fn export_vectors_to(
        &self,
        format: domain::VectorFormat,
        model: Option<String>,
        out: impl std::io::Write + Send + 'static,
    ) -> Result<u64, Fault> {
        exporting::export(&self.engine, format, model, exporting::Target::Stream(Box::new(out))).await
    }

    /// Has a collection follow a folder: what is in it is added now, and what changes there is read again. A folder that
    /// cannot be watched is the collection's trouble.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn watch_folder(
        &self,
        collection: String,
        folder: PathBuf,
        events: impl Sink<IngestEvent>,
    ) -> Result<Collection, Fault> {
        let name = folder.to_string_lossy().into_owned();
        let row = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_collection_folder(&collection, Some(&name))?))
            .await?;
        let load = Load::Paths(vec![folder]);
        ingests::begin(&self.engine, &row, load, Consent::Asked, None, Arc::new(events)).await?;
        watching::follow(&self.engine, &row.collection);
        self.tell([]);
        Ok(self.shown(row.collection))
    }

    /// Has a collection follow no folder any more. Its documents stay.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn unwatch_folder(&self, collection: String) -> Result<Collection, Fault> {
        self.engine.library_state().watching.forget(&collection);
        let row = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_collection_folder(&collection, None)?))
            .await?;
        self.tell([]);
        Ok(row.collection)
    }

    /// A collection by its name or id, for the command line; made when there is none of that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn collection_named(&self, name: &str) -> Result<Collection, Fault> {
        match self.find_collection(name).await? {
            Some(known) => Ok(known),
            None => {
                self.create_collection(name.to_owned(), COLOURS[0].to_owned(), self.default_settings()).await
            }
        }
    }

    /// A collection by its name or id, when there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_collection(&self, name: &str) -> Result<Option<Collection>, Fault> {
        let known = self.collections().await?;
        let by_id = known.iter().position(|collection| collection.id == name);
        let folded = name.to_lowercase();
        let by_name = || known.iter().position(|collection| collection.name.to_lowercase() == folded);
        Ok(by_id.or_else(by_name).and_then(|place| known.into_iter().nth(place)))
    }

    /// The collection that takes what is added without one; made when it is missing.
    ///
    /// # Errors
    /// The store's.
    pub async fn default_collection(&self) -> Result<Collection, Fault> {
        self.resolve(None).await.map(|row| row.collection)
    }

    /// Estimated tokens of a document's passages.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn document_tokens(&self, document: String) -> Result<u64, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let key = shelf.disk.document(&document)?.key;
                Ok(shelf.disk.tokens_of(&[key])?)
            })
            .await
    }

    /// Passages for a turn.
    pub(crate) async fn retrieve(&self, wanted: Wanted) -> Result<Passages, Fault> {
        answering::retrieve(&self.engine, wanted).await
    }

    async fn begin(
        &self,
        collection: Option<String>,
        load: Load,
        consent: Consent,
        events: impl Sink<IngestEvent>,
    ) -> Result<IngestStarted, Fault> {
        let row = self.resolve(collection).await?;
        let run = ingests::begin(&self.engine, &row, load, consent, None, Arc::new(events)).await?;
        Ok(IngestStarted { run, collection: row.collection })
    }

    /// The collection that is meant. The default one, and that of a conversation, are made when they are missing; the
    /// latter is attached to its conversation.
    async fn resolve(&self, collection: Option<String>) -> Result<CollectionRow, Fault> {
        let id = collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned());
        let (settings, now) = (self.default_settings(), self.engine.now());
        let row = self
            .engine
            .database()
            .write(move |shelf| {
                if let Some(conversation) = id.strip_prefix(OF_CONVERSATION) {
                    let conversation = ConversationId::from(conversation);
                    let home = shelf.home(&conversation);
                    let mut options = home.options(&conversation)?;
                    if !options.collections.contains(&id) {
                        options.collections.push(id.clone());
                        home.set_options(&conversation, &options)?;
                    }
                    return Ok::<_, Error>(
                        shelf.disk.create_collection(&id, "", COLOURS[0], &settings, now)?,
                    );
                }
                if id == DEFAULT_COLLECTION {
                    return Ok(shelf.disk.create_collection(&id, "Library", COLOURS[0], &settings, now)?);
                }
                Ok(shelf.disk.collection(&id)?)
            })
            .await?;
        if row.deleted { Err(not_found("the collection")) } else { Ok(row) }
    }

    fn default_settings(&self) -> CollectionSettings {
        let settings = CollectionSettings::default();
        match self.engine.in_force().now().embedding_model {
            Some(embedding_model) => CollectionSettings { embedding_model, ..settings },
            None => settings,
        }
    }

    fn ingest(&self, run: &RunId) -> Result<Arc<ingests::Ingest>, Fault> {
        self.engine.library_state().ingests.find(run).ok_or_else(|| not_found("the run"))
    }

    async fn row(&self, collection: &str) -> Result<CollectionRow, Fault> {
        let id = collection.to_owned();
        self.engine.database().read(move |shelf| Ok(shelf.disk.collection(&id)?)).await
    }

    async fn row_of(&self, document: &str) -> Result<CollectionRow, Fault> {
        let id = document.to_owned();
        self.engine.database().read(move |shelf| Ok(shelf.disk.collection_of(&id)?)).await
    }

    /// A collection as callers see it.
    fn shown(&self, collection: Collection) -> Collection {
        self.engine.library_state().watching.shown(collection)
    }

    fn tell(&self, documents: impl IntoIterator<Item = Document>) {
        self.engine.library_state().note_changed(&self.engine, documents);
    }
}

/// Removes for good what has been in the trash since before `before`, what belonged to conversations that are gone, and
/// what a killed process left half-way.
pub(crate) async fn purge(engine: &Engine, before: domain::Timestamp) -> Result<usize, Fault> {
    let tables = engine.clone();
    engine
        .database()
        .write(move |shelf| {
            shelf.disk.remove_half_copied();
            shelf.disk.forget_collections_without_conversation(OF_CONVERSATION)?;
            shelf.disk.purge_library(before, |tx, vectors| tables.tables().delete(tx, &shelf.disk, vectors))
        })
        .await
}

/// Other passages or other vectors.
fn is_costly(before: &CollectionSettings, after: &CollectionSettings) -> bool {
    SpaceName::of(before) != SpaceName::of(after) || reading::cut_name(before) != reading::cut_name(after)
}

/// What costs something as it was, and the rest as it is wanted.
fn searched_as(before: &CollectionSettings, wanted: &CollectionSettings) -> CollectionSettings {
    CollectionSettings {
        embedding_model: before.embedding_model.clone(),
        provider_url: before.provider_url.clone(),
        passage_tokens: before.passage_tokens,
        overlap_tokens: before.overlap_tokens,
        ..wanted.clone()
    }
}

fn checked_name(name: &str) -> Result<String, Fault> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(invalid("a collection needs a name of at most 200 characters"));
    }
    Ok(name.to_owned())
}

fn checked_colour(colour: &str) -> Result<String, Fault> {
    match COLOURS.iter().find(|known| **known == colour) {
        Some(known) => Ok((*known).to_owned()),
        None => Err(invalid("no colour of the palette")),
    }
}

fn check_settings(settings: &CollectionSettings) -> Result<(), Fault> {
    if !(32..=8_192).contains(&settings.passage_tokens) {
        return Err(invalid("a passage has 32 to 8192 tokens"));
    }
    if settings.overlap_tokens * 2 > settings.passage_tokens {
        return Err(invalid("neighbours cannot share more than half of a passage"));
    }
    if settings.max_distance.is_some_and(|distance| !(0.0..=2.0).contains(&distance)) {
        return Err(invalid("a cosine distance lies between 0 and 2"));
    }
    if !(1..=100).contains(&settings.top_k) {
        return Err(invalid("1 to 100 passages"));
    }
    Ok(())
}

/// The sections of a reading, with places in characters.
fn sections(reading: &ingest::Reading) -> Vec<TextSection> {
    let ends = reading.sections.iter().flat_map(|section| [section.range.start, section.range.end]).collect();
    let places = reading::characters_at(&reading.text, ends);
    let section = |section: &ingest::Section| TextSection {
        heading_path: section.heading_path.clone(),
        page: section.page,
        start: places[&section.range.start],
        end: places[&section.range.end],
        kind: match section.kind {
            ingest::SectionKind::Table { .. } => "table",
            ingest::SectionKind::Code { .. } => "code",
            ingest::SectionKind::List => "list",
            ingest::SectionKind::Heading { .. } | ingest::SectionKind::Prose => "prose",
        }
        .to_owned(),
    };
    reading.sections.iter().map(section).collect()
}

fn first_words(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.trim_start_matches('#').trim().chars().take(60).collect()
}
