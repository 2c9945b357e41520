//! Runs that fill the library: read, quote, wait, embed. Their truth is in the database, document by document and batch
//! by batch; a run that was killed is taken up at the first passage without a vector.

use super::embedding::Embedder;
use super::reading::{self, Read, Reader};
use super::vectors::SpaceName;
use crate::Engine;
use crate::error::Error;
use crate::sink::Sink;
use domain::{DAILY_ALLOWANCE, Document, Fault, FaultCode, IngestEvent, Quote, RunId, SkippedFile};
use ingest::{Found, Reason, WalkLimits, walk};
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::library::{CollectionRow, DocumentRow, Missing, NewDocument, Outcome, embedded, still_missing};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vector_table::{Row, SpaceId};
use workers_ai::Side;

/// Requests for vectors in flight. Each has a part of the model's batch, so that a kill costs at most one batch again.
const IN_FLIGHT: usize = 4;
/// Documents that are read at the same time, at most: each is a process.
const READERS: usize = 4;
/// Progress is told at most so often.
const TOLD_EVERY: Duration = Duration::from_millis(200);
/// Files that are entered in one transaction.
const ENTERED_AT_ONCE: usize = 200;

/// Whether a run waits for its quote to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// It asks, unless nothing has to be paid.
    Asked,
    /// It was given beforehand.
    Given,
}

/// One run.
pub(crate) struct Ingest {
    pub(crate) id: RunId,
    pub(crate) collection: String,
    stop: CancellationToken,
    /// The same for blocking work.
    halted: AtomicBool,
    paused: watch::Sender<bool>,
    accepted: watch::Sender<Option<bool>>,
    log: Mutex<Log>,
}

/// What who attaches later has to be told.
#[derive(Default)]
struct Log {
    listeners: Vec<Arc<dyn Sink<IngestEvent>>>,
    quote: Option<IngestEvent>,
    progress: Option<IngestEvent>,
    last: Option<IngestEvent>,
}

/// What a run begins with.
pub(crate) enum Load {
    /// Files and folders.
    Paths(Vec<PathBuf>),
    /// Documents whose originals are kept.
    New(Vec<NewDocument>),
    /// Documents that are there.
    Known(Vec<String>),
    /// A document whose text the service makes, which is quoted first.
    Converted(String),
    /// What it had when the process ended.
    TakenUp,
}

impl Ingest {
    fn new(id: RunId, collection: String, consent: Consent, listener: Arc<dyn Sink<IngestEvent>>) -> Self {
        Self {
            id,
            collection,
            stop: CancellationToken::new(),
            halted: AtomicBool::new(false),
            paused: watch::Sender::new(false),
            accepted: watch::Sender::new((consent == Consent::Given).then_some(true)),
            log: Mutex::new(Log { listeners: vec![listener], ..Log::default() }),
        }
    }

    /// Tells all listeners.
    fn tell(&self, event: IngestEvent) {
        let mut log = self.log();
        match &event {
            IngestEvent::Quoted { .. } => log.quote = Some(event.clone()),
            IngestEvent::Progress { .. } => log.progress = Some(event.clone()),
            IngestEvent::Finished { .. } => log.last = Some(event.clone()),
            _ => {}
        }
        log.listeners.retain(|listener| listener.send(event.clone()));
    }

    /// Tells `listener` where the run stands, and everything from now on.
    pub(crate) fn attach(&self, listener: Arc<dyn Sink<IngestEvent>>) {
        let mut log = self.log();
        let standing = [log.quote.clone(), log.progress.clone(), log.last.clone()];
        if standing.into_iter().flatten().all(|event| listener.send(event)) && log.last.is_none() {
            log.listeners.push(listener);
        }
    }

    pub(crate) fn stop(&self) {
        self.halted.store(true, Ordering::Relaxed);
        self.stop.cancel();
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    pub(crate) fn answer(&self, accepted: bool) {
        self.accepted.send_replace(Some(accepted));
    }

    /// Waits while the run is paused. `false` when it was stopped.
    async fn may_go_on(&self) -> bool {
        let mut paused = self.paused.subscribe();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            // The sender lives as long as `self`.
            _ = paused.wait_for(|paused| !paused) => true,
        }
    }

    /// Waits for the answer to the quote; `false` when it was declined, or the run stopped.
    async fn is_accepted(&self) -> bool {
        let mut accepted = self.accepted.subscribe();
        tokio::select! {
            () = self.stop.cancelled() => false,
            answer = accepted.wait_for(Option::is_some) => answer.is_ok_and(|answer| *answer == Some(true)),
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runs in flight.
#[derive(Default)]
pub(crate) struct Ingests {
    active: Mutex<HashMap<RunId, Arc<Ingest>>>,
}

impl Ingests {
    pub(crate) fn find(&self, id: &RunId) -> Option<Arc<Ingest>> {
        self.active().get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Ingest>> {
        let mut all: Vec<_> = self.active().values().cloned().collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    }

    fn active(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Ingest>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a run. Its row is on disk when this returns.
pub(crate) async fn begin(
    engine: &Engine,
    collection: &CollectionRow,
    load: Load,
    consent: Consent,
    password: Option<String>,
    listener: Arc<dyn Sink<IngestEvent>>,
) -> Result<RunId, Fault> {
    let id: RunId = engine.new_id();
    let (run, key, now) = (id.clone(), collection.key, engine.now());
    engine
        .database()
        .write(move |shelf| Ok(shelf.disk.begin_ingest(&run, key, consent == Consent::Given, now)?))
        .await?;
    let ingest = Arc::new(Ingest::new(id.clone(), collection.collection.id.clone(), consent, listener));
    start(engine, ingest, load, password);
    Ok(id)
}

/// Takes up the runs that a process left when it ended.
pub(crate) async fn take_up(engine: &Engine) -> Result<(), Fault> {
    let left = engine.database().read(|shelf| Ok(shelf.disk.unended_ingests()?)).await?;
    for run in left {
        if engine.library_state().ingests.find(&run.id).is_some() {
            continue;
        }
        let consent = if run.accepted { Consent::Given } else { Consent::Asked };
        let ingest = Ingest::new(run.id, run.collection, consent, Arc::new(crate::Nowhere));
        ingest.pause(run.paused);
        start(engine, Arc::new(ingest), Load::TakenUp, None);
    }
    Ok(())
}

fn start(engine: &Engine, ingest: Arc<Ingest>, load: Load, password: Option<String>) {
    engine.library_state().ingests.active().insert(ingest.id.clone(), Arc::clone(&ingest));
    let work = Work { engine: engine.clone(), ingest, password, failed: Mutex::default() };
    // A stop is heard by the work itself: what is in flight was paid and is stored.
    engine.runs().quietly(CancellationToken::new(), async move { work.run(load).await });
}

/// Takes a run out of the registry however its work ends; blocking work of a closing engine is told to stop.
struct Leaving<'a>(&'a Work);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.ingest.halted.store(true, Ordering::Relaxed);
        self.0.engine.library_state().ingests.active().remove(&self.0.ingest.id);
    }
}

struct Work {
    engine: Engine,
    ingest: Arc<Ingest>,
    password: Option<String>,
    failed: Mutex<Vec<SkippedFile>>,
}

/// A batch that is stored.
struct Stored {
    documents: Vec<DocumentRow>,
    passages: u32,
    neurons: f64,
}

/// What the passages without vectors amount to.
#[derive(Default)]
struct Due {
    passages: u32,
    tokens: u64,
}

impl Work {
    async fn run(self, load: Load) {
        let leaving = Leaving(&self);
        let mut neurons = 0.0;
        let outcome = self.work(load, &mut neurons).await;
        if let Err(fault) = &outcome {
            tracing::warn!(code = ?fault.code, "an ingestion ended early");
            self.leave_rest(&Outcome::Failed(fault.clone())).await;
        }
        let finished = self.finish(neurons).await;
        drop(leaving);
        self.ingest.tell(finished);
        self.engine.usage().tell_today().await;
    }

    async fn work(&self, load: Load, neurons: &mut f64) -> Result<(), Fault> {
        if let Load::Converted(id) = &load
            && !self.convert(id, neurons).await?
        {
            return Ok(());
        }
        self.enter(load).await?;
        let collection = self.collection().await?;
        self.bring_along(&collection).await?;
        self.read_all(&collection).await?;
        if self.ingest.stop.is_cancelled() {
            return Err(Fault::new(FaultCode::Stopped));
        }
        let (documents, due) = self.due(&collection).await?;
        if due.passages == 0 {
            return self.swap(&collection).await;
        }
        let ingest = Arc::clone(&self.ingest);
        let embedder = Embedder::of(&self.engine, &collection.collection.settings, move |wait| {
            let delay_ms = u64::try_from(wait.delay.as_millis()).unwrap_or(u64::MAX);
            ingest.tell(IngestEvent::Waiting { fault: wait.fault, delay_ms });
        })
        .await?;
        self.quote(&embedder, &documents, &due);
        if embedder.is_free() {
            self.ingest.answer(true);
        }
        if !self.ingest.is_accepted().await {
            if self.ingest.stop.is_cancelled() {
                return Err(Fault::new(FaultCode::Stopped));
            }
            self.leave_rest(&Outcome::Paused(None)).await;
            return Ok(());
        }
        self.note_accepted().await;
        *neurons += self.embed_all(&embedder, &documents, &due).await?;
        self.swap(&collection).await
    }

    /// Has the service make the text of a document, when the person agrees. `false` when not.
    async fn convert(&self, id: &str, neurons: &mut f64) -> Result<bool, Fault> {
        let wanted = id.to_owned();
        let document = self.engine.database().read(move |shelf| Ok(shelf.disk.document(&wanted)?)).await?;
        // What the conversion costs depends on what is in the file: nobody can say before.
        self.ingest.tell(IngestEvent::Quoted {
            quote: Quote {
                id: self.ingest.id.to_string(),
                documents: 1,
                skipped: Vec::new(),
                passages: 0,
                tokens: 0,
                neurons: None,
                share_of_day: None,
            },
        });
        if self.engine.accounts().caller().await?.simulated {
            self.ingest.answer(true);
        }
        if !self.ingest.is_accepted().await {
            return Ok(false);
        }
        *neurons += super::converting::convert(&self.engine, &document).await?;
        Ok(true)
    }

    async fn collection(&self) -> Result<CollectionRow, Fault> {
        let id = self.ingest.collection.clone();
        self.engine.database().read(move |shelf| Ok(shelf.disk.collection(&id)?)).await
    }

    /// Enters the documents of the run.
    async fn enter(&self, load: Load) -> Result<(), Fault> {
        let collection = self.collection().await?.key;
        match load {
            Load::TakenUp => Ok(()),
            Load::Converted(id) => {
                let run = self.ingest.id.clone();
                self.engine.database().write(move |shelf| Ok(shelf.disk.give_to_run(&[id], &run)?)).await
            }
            Load::Known(ids) => {
                let run = self.ingest.id.clone();
                self.engine.database().write(move |shelf| Ok(shelf.disk.give_to_run(&ids, &run)?)).await
            }
            Load::New(documents) => self.enter_documents(collection, documents).await,
            Load::Paths(paths) => self.enter_paths(collection, paths).await,
        }
    }

    async fn enter_documents(&self, collection: i64, documents: Vec<NewDocument>) -> Result<(), Fault> {
        let (run, now) = (self.ingest.id.clone(), self.engine.now());
        self.engine
            .database()
            .write(move |shelf| {
                for some in documents.chunks(ENTERED_AT_ONCE) {
                    shelf.disk.enter_documents(collection, &run, some, now)?;
                }
                Ok(())
            })
            .await
    }

    /// Walks what was dropped. Files are entered as they are found, so that a long walk shows and survives.
    async fn enter_paths(&self, collection: i64, paths: Vec<PathBuf>) -> Result<(), Fault> {
        let mut files = 0;
        for root in paths {
            let mut walking = walk(&root, WalkLimits::default());
            loop {
                let (found, rest) = crate::database::Database::blocking(move || {
                    let found: Vec<Found> = walking.by_ref().take(ENTERED_AT_ONCE).collect();
                    Ok((found, walking))
                })
                .await?;
                walking = rest;
                if found.is_empty() || self.ingest.stop.is_cancelled() {
                    break;
                }
                let mut documents = Vec::new();
                for found in found {
                    match found {
                        Found::File { path, size, .. } => documents.push(self.document_at(path, size)),
                        Found::Skipped { reason: Reason::Hidden, .. } => {}
                        Found::Skipped { path, reason } => {
                            self.skip(&path.to_string_lossy(), left_out(&reason))
                        }
                    }
                }
                files += u32::try_from(documents.len()).unwrap_or_default();
                self.enter_documents(collection, documents).await?;
                self.ingest.tell(IngestEvent::Counting { files });
            }
        }
        Ok(())
    }

    fn document_at(&self, path: PathBuf, size: u64) -> NewDocument {
        let path = std::path::absolute(&path).unwrap_or(path);
        NewDocument {
            id: self.engine.new_id(),
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            source: Some(path.to_string_lossy().into_owned()),
            size,
            ..NewDocument::default()
        }
    }

    fn skip(&self, name: &str, fault: Fault) {
        let file = SkippedFile { name: name.to_owned(), fault };
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(file.clone());
        self.ingest.tell(IngestEvent::Skipped { file });
    }

    /// When the collection has another model than the one whose vectors serve it, all its documents go along: the new
    /// vectors serve when they are whole.
    async fn bring_along(&self, collection: &CollectionRow) -> Result<(), Fault> {
        let (Some(serving), key) = (collection.space, collection.key) else { return Ok(()) };
        let name = SpaceName::of(&collection.collection.settings);
        let run = self.ingest.id.clone();
        self.engine
            .database()
            .write(move |shelf| {
                let target = shelf.disk.read(|tx| name.find(tx))?;
                if target == Some(SpaceId(serving)) {
                    return Ok(());
                }
                let others = shelf.disk.documents_of(key)?;
                let ids: Vec<String> = others.into_iter().map(|other| other.document.id).collect();
                Ok(shelf.disk.give_to_run(&ids, &run)?)
            })
            .await
    }

    /// Reads all documents, a few at a time.
    async fn read_all(&self, collection: &CollectionRow) -> Result<(), Fault> {
        let mut waiting: VecDeque<DocumentRow> = self.documents().await?.into();
        let side_by_side = std::thread::available_parallelism().map_or(1, usize::from).min(READERS);
        let mut reading: JoinSet<(DocumentRow, Result<Read, Fault>)> = JoinSet::new();
        loop {
            while reading.len() < side_by_side
                && !self.ingest.stop.is_cancelled()
                && let Some(document) = waiting.pop_front()
            {
                let work = self.read_one(collection, document);
                reading.spawn(work);
            }
            let Some(read) = reading.join_next().await else { return Ok(()) };
            let (document, outcome) =
                read.map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))?;
            match outcome {
                Ok(Read::Cut(row) | Read::Unchanged(row)) => self.tell_document(row.document),
                Err(fault) => self.could_not_read(&document, fault).await,
            }
            if !self.ingest.may_go_on().await {
                reading.abort_all();
            }
        }
    }

    fn read_one(
        &self,
        collection: &CollectionRow,
        document: DocumentRow,
    ) -> impl Future<Output = (DocumentRow, Result<Read, Fault>)> + Send + 'static {
        let (engine, ingest) = (self.engine.clone(), Arc::clone(&self.ingest));
        let (settings, password) = (collection.collection.settings.clone(), self.password.clone());
        async move {
            let (reading_engine, id) = (engine.clone(), document.document.id.clone());
            let is_new = document.cut.is_none();
            let read = engine
                .database()
                .write(move |shelf| {
                    if is_new {
                        shelf.disk.set_document_state(&id, &Outcome::Reading)?;
                    }
                    let reader = Reader {
                        store: &shelf.disk,
                        tables: reading_engine.tables(),
                        program: reading_engine.library_state().reader.clone(),
                        settings,
                        stop: &ingest.halted,
                    };
                    reading::read(&reader, &id, password.as_deref())
                })
                .await;
            (document, read)
        }
    }

    /// A document that failed shows why, with what can be done. Programs, fonts and the like, of which folders are full,
    /// are left out instead.
    async fn could_not_read(&self, document: &DocumentRow, fault: Fault) {
        let id = document.document.id.clone();
        let (outcome, now) = (Outcome::Failed(fault.clone()), self.engine.now());
        let convertible = super::converting::is_convertible(&document.document.name);
        let leave_out = fault.code == FaultCode::FormatUnknown && !convertible;
        let stored = self
            .engine
            .database()
            .write(move |shelf| {
                let row = shelf.disk.set_document_state(&id, &outcome)?;
                if leave_out {
                    shelf.disk.set_documents_deleted(&[id], Some(now))?;
                }
                Ok(row)
            })
            .await;
        if leave_out {
            return self.skip(&document.document.name, fault);
        }
        if let Ok(row) = stored {
            self.tell_document(row.document);
        }
    }

    fn tell_document(&self, document: Document) {
        self.engine.library_state().note_changed(&self.engine, [document.clone()]);
        self.ingest.tell(IngestEvent::Document { document });
    }

    async fn documents(&self) -> Result<Vec<DocumentRow>, Fault> {
        let run = self.ingest.id.clone();
        self.engine.database().read(move |shelf| Ok(shelf.disk.documents_of_run(&run)?)).await
    }

    /// What has to be embedded. Passages whose words have a vector already get a copy of it, free of charge.
    async fn due(&self, collection: &CollectionRow) -> Result<(Vec<DocumentRow>, Due), Fault> {
        let (run, engine) = (self.ingest.id.clone(), self.engine.clone());
        let (name, key) = (SpaceName::of(&collection.collection.settings), collection.key);
        self.engine
            .database()
            .write(move |shelf| {
                let space = shelf.disk.read(|tx| name.find(tx))?;
                let documents = shelf.disk.documents_of_run(&run)?;
                let mut due = Due::default();
                for document in &documents {
                    let missing = shelf.disk.missing_passages(
                        document.key,
                        space.map(|space| space.0),
                        0,
                        usize::MAX,
                    )?;
                    let known: Vec<(i64, i64)> =
                        missing.iter().filter_map(|one| Some((one.key, one.known_as?))).collect();
                    if let Some(space) = space {
                        copy_vectors(&engine, &shelf.disk, space, key, &known)?;
                    }
                    for one in missing.iter().filter(|one| one.known_as.is_none()) {
                        due.passages += 1;
                        due.tokens += u64::from(one.tokens);
                    }
                }
                Ok((documents, due))
            })
            .await
    }

    fn quote(&self, embedder: &Embedder, documents: &[DocumentRow], due: &Due) {
        let neurons = embedder.neurons(due.tokens);
        let skipped = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let quote = Quote {
            id: self.ingest.id.to_string(),
            documents: u32::try_from(documents.len()).unwrap_or(u32::MAX),
            skipped,
            passages: due.passages,
            tokens: due.tokens,
            neurons,
            share_of_day: neurons.map(|neurons| neurons / DAILY_ALLOWANCE),
        };
        self.ingest.tell(IngestEvent::Quoted { quote });
    }

    async fn note_accepted(&self) {
        let run = self.ingest.id.clone();
        let noted = self.engine.database().write(move |shelf| Ok(shelf.disk.accept_ingest(&run)?)).await;
        if let Err(fault) = noted {
            tracing::warn!(code = ?fault.code, "that a quote was accepted could not be stored");
        }
    }

    /// Embeds everything that is due; returns what it cost.
    async fn embed_all(
        &self,
        embedder: &Embedder,
        documents: &[DocumentRow],
        due: &Due,
    ) -> Result<f64, Fault> {
        let mut due_passages = DuePassages::new(&self.engine, embedder.space(), documents);
        let mut in_flight: JoinSet<Result<Stored, Fault>> = JoinSet::new();
        let (mut done, mut neurons, mut trouble) = (0, 0.0, None);
        let mut told: Option<Instant> = None;
        let most = (embedder.batch() / IN_FLIGHT).max(1);
        loop {
            while in_flight.len() < IN_FLIGHT && trouble.is_none() && self.ingest.may_go_on().await {
                let batch = due_passages.next(most, embedder.request_tokens()).await?;
                if batch.is_empty() {
                    break;
                }
                in_flight.spawn(embed_batch(self.engine.clone(), embedder.clone(), batch));
            }
            let Some(stored) = in_flight.join_next().await else { break };
            let stored = stored
                .unwrap_or_else(|error| Err(Fault::new(FaultCode::Internal).with_detail(error.to_string())));
            match stored {
                Ok(stored) => {
                    done += stored.passages;
                    neurons += stored.neurons;
                    for row in stored.documents {
                        self.tell_document(row.document);
                    }
                    if done >= due.passages || told.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
                        told = Some(Instant::now());
                        self.tell_progress(done, due.passages).await;
                    }
                }
                // What is in flight beside it may still be stored.
                Err(fault) => trouble = trouble.or(Some(fault)),
            }
        }
        match trouble {
            Some(fault) => Err(fault),
            None if self.ingest.stop.is_cancelled() => Err(Fault::new(FaultCode::Stopped)),
            None => Ok(neurons),
        }
    }

    async fn tell_progress(&self, passages_done: u32, passages: u32) {
        let Ok(rows) = self.documents().await else { return };
        let ready = rows.iter().filter(|row| row.embedded >= row.document.passages).count();
        self.ingest.tell(IngestEvent::Progress {
            documents_done: u32::try_from(ready).unwrap_or(u32::MAX),
            documents: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            passages_done,
            passages,
        });
    }

    /// Has searches use the vectors of the collection's model as soon as every passage has one, and lets the others go.
    async fn swap(&self, collection: &CollectionRow) -> Result<(), Fault> {
        let (engine, key, serving) = (self.engine.clone(), collection.key, collection.space);
        let name = SpaceName::of(&collection.collection.settings);
        let swapped = self
            .engine
            .database()
            .write(move |shelf| {
                shelf.disk.write(|tx| {
                    let Some(target) = name.find(tx)? else { return Ok::<_, Error>(false) };
                    if serving == Some(target.0) || CollectionRow::missing_in(tx, key, target.0)? > 0 {
                        return Ok(false);
                    }
                    CollectionRow::use_space(tx, key, target.0)?;
                    let outdated = CollectionRow::outdated_vectors(tx, key, target.0)?;
                    engine.tables().delete(tx, &shelf.disk, &outdated)?;
                    Ok(true)
                })
            })
            .await?;
        if swapped {
            for row in self.documents().await? {
                self.tell_document(row.document);
            }
        }
        Ok(())
    }

    /// Marks the documents that are not done.
    async fn leave_rest(&self, outcome: &Outcome) {
        let Ok(rows) = self.documents().await else { return };
        for row in rows {
            let done = row.cut.is_some() && row.embedded >= row.document.passages;
            if done || matches!(row.document.state, domain::DocumentState::Failed { .. }) {
                continue;
            }
            let (id, outcome) = (row.document.id.clone(), outcome.clone());
            let left = self
                .engine
                .database()
                .write(move |shelf| Ok(shelf.disk.set_document_state(&id, &outcome)?))
                .await;
            if let Ok(row) = left {
                self.tell_document(row.document);
            }
        }
    }

    /// Ends the run on disk.
    async fn finish(&self, neurons: f64) -> IngestEvent {
        let rows = self.documents().await.unwrap_or_default();
        let failed =
            rows.iter().filter(|row| matches!(row.document.state, domain::DocumentState::Failed { .. }));
        let failed = u32::try_from(failed.count()).unwrap_or(u32::MAX);
        let ready = rows.iter().filter(|row| row.cut.is_some() && row.embedded >= row.document.passages);
        let ready = u32::try_from(ready.count()).unwrap_or(u32::MAX);
        let (run, now) = (self.ingest.id.clone(), self.engine.now());
        let ended = self.engine.database().write(move |shelf| Ok(shelf.disk.end_ingest(&run, now)?)).await;
        if let Err(fault) = ended {
            tracing::warn!(code = ?fault.code, "the end of an ingestion could not be stored");
        }
        IngestEvent::Finished { ready, failed, neurons, fault: None }
    }
}

/// Passages without a vector, document by document, read from the disk as they are needed.
struct DuePassages {
    engine: Engine,
    name: SpaceName,
    documents: VecDeque<i64>,
    /// The last passage that was read of the first document.
    after: i64,
    read: VecDeque<Missing>,
}

impl DuePassages {
    fn new(engine: &Engine, name: SpaceName, documents: &[DocumentRow]) -> Self {
        let documents = documents.iter().map(|row| row.key).collect();
        Self { engine: engine.clone(), name, documents, after: 0, read: VecDeque::new() }
    }

    /// The next ones, at most `most` and `tokens`; none when all are done.
    async fn next(&mut self, most: usize, tokens: u32) -> Result<Vec<Missing>, Fault> {
        while self.read.len() < most && !self.documents.is_empty() {
            self.read_more().await?;
        }
        let (mut batch, mut sum) = (Vec::new(), 0_u32);
        while batch.len() < most
            && let Some(next) = self.read.pop_front()
        {
            sum = sum.saturating_add(next.tokens);
            if sum > tokens && !batch.is_empty() {
                self.read.push_front(next);
                break;
            }
            batch.push(next);
        }
        Ok(batch)
    }

    async fn read_more(&mut self) -> Result<(), Fault> {
        const AT_ONCE: usize = 512;
        let Some(document) = self.documents.front().copied() else { return Ok(()) };
        let (name, after) = (self.name.clone(), self.after);
        let more = self
            .engine
            .database()
            .read(move |shelf| {
                let space = shelf.disk.read(|tx| name.find(tx))?.map(|space| space.0);
                Ok(shelf.disk.missing_passages(document, space, after, AT_ONCE)?)
            })
            .await?;
        match more.last() {
            Some(last) if more.len() == AT_ONCE => self.after = last.key,
            _ => {
                self.documents.pop_front();
                self.after = 0;
            }
        }
        self.read.extend(more);
        Ok(())
    }
}

/// Embeds some passages and stores their vectors with everything that says so, in one transaction.
async fn embed_batch(engine: Engine, embedder: Embedder, batch: Vec<Missing>) -> Result<Stored, Fault> {
    let texts = batch.iter().map(|one| one.text.clone()).collect();
    let answer = embedder.embed(texts, Side::Document).await?;
    let neurons = answer.usage.neurons.unwrap_or_default();
    let entry = embedder.entry(answer.usage.clone());
    let (name, tables) = (embedder.space(), engine.clone());
    engine
        .database()
        .write(move |shelf| {
            shelf.disk.write(|tx| {
                let space = name.create(tx, answer.dimensions)?;
                let table = tables.tables().table(tx, &shelf.disk, space)?;
                let keys: Vec<i64> = batch.iter().map(|one| one.key).collect();
                let missing = still_missing(tx, space.0, &keys)?;
                let collections = store::library::collections_of(tx, &keys)?;
                let rows: Vec<Row<'_>> = keys
                    .iter()
                    .zip(&answer.vectors)
                    .filter(|(key, _)| missing.contains(key))
                    .filter_map(|(key, vector)| {
                        Some(Row { id: *key, collection: *collections.get(key)?, vector })
                    })
                    .collect();
                table.upsert(tx, &rows)?;
                let written: Vec<i64> = rows.iter().map(|row| row.id).collect();
                let documents = embedded(tx, space.0, &written, neurons, entry.as_ref())?;
                let passages = u32::try_from(batch.len()).unwrap_or(u32::MAX);
                Ok::<_, Error>(Stored { documents, passages, neurons })
            })
        })
        .await
}

/// Gives passages the vectors of others of the same words.
fn copy_vectors(
    engine: &Engine,
    store: &store::Store,
    space: SpaceId,
    collection: i64,
    pairs: &[(i64, i64)],
) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    store.write(|tx| {
        let table = engine.tables().table(tx, store, space)?;
        let keys: Vec<i64> = pairs.iter().map(|(key, _)| *key).collect();
        let missing = still_missing(tx, space.0, &keys)?;
        let mut written = Vec::with_capacity(pairs.len());
        for (key, known_as) in pairs.iter().filter(|(key, _)| missing.contains(key)) {
            if let Some(known) = table.get(tx, *known_as)? {
                table.upsert(tx, &[Row { id: *key, collection, vector: &known.vector }])?;
                written.push(*key);
            }
        }
        embedded(tx, space.0, &written, 0.0, None)?;
        Ok(())
    })
}

/// Why a file of a folder is not taken, as a fault.
fn left_out(reason: &Reason) -> Fault {
    let code = match reason {
        Reason::TooLarge { .. } => FaultCode::FileTooLarge,
        Reason::LinkBroken => FaultCode::NotFound,
        _ => FaultCode::FileUnreadable,
    };
    Fault::new(code).with_detail(reason.to_string())
}
