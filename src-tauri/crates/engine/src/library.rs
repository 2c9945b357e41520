//! The library: documents that a person can ask.
//!
//! Files become documents, documents passages, passages vectors and words; a question finds passages by both. The rows
//! are `store`'s, the vectors `vector-table`'s, the reading is `ingest`'s; here they are joined: what is done in which order,
//! what it costs, and who is told.
//!
//! Contents: searching and keys here · `collections` · `documents` · `adding` (what a run begins with) · `steering` (runs in
//! the person's hands) · `ingests` (runs that fill the library) · `reading` (file to passages) · `embedding` (who makes
//! vectors) · `vectors` (tables and spaces) · `providers` (their keys) · `finding` (search) · `fusion` (words and vectors put
//! together) · `answering` (passages for a turn) · `converting` (pictures and recordings) · `exporting` (the vector table
//! looked at, and as a file) · `watching` (folders that are followed) · `changes` (what the window is told).

mod adding;
mod answering;
mod changes;
mod collections;
mod converting;
mod documents;
mod embedding;
mod exporting;
mod finding;
mod fusion;
mod ingests;
pub(crate) mod providers;
mod reading;
mod steering;
mod vectors;
mod watching;

pub use collections::DEFAULT_COLLECTION;
pub(crate) use collections::is_of_conversation;

use crate::Engine;
use crate::chat::retrieval::{Passages, Wanted};
use changes::Changes;
use domain::{Document, Fault, FaultCode, Findings, KeptIn, MessageId, PassageQuery, Timestamp, WhyAnswer};
use ingest::fence::{Program, Readers};
use ingests::Ingests;
use std::path::PathBuf;
use std::sync::Arc;
use vectors::Tables;
use watching::Watching;

/// What the library keeps in memory.
pub(crate) struct State {
    /// The reading processes: our own program, started again.
    pub(crate) readers: Option<Arc<Readers>>,
    pub(crate) tables: Tables,
    pub(crate) ingests: Ingests,
    pub(crate) watching: Watching,
    pub(crate) changes: Changes,
}

impl State {
    pub(crate) fn new(reader: Option<PathBuf>) -> Self {
        let program = |executable| Program { executable, arguments: vec![reading::READ_DOCUMENT.into()] };
        Self {
            readers: reader.map(|executable| Arc::new(Readers::new(program(executable)))),
            tables: Tables::default(),
            ingests: Ingests::default(),
            watching: Watching::default(),
            changes: Changes::default(),
        }
    }

    /// Lets go of tables and folders.
    pub(crate) fn close(&self) {
        self.watching.close();
        self.tables.close();
    }
}

/// The use cases about the library. Made by [`Engine::library`].
#[derive(Clone)]
pub struct Library {
    pub(crate) engine: Engine,
}

impl Library {
    /// Finds passages by meaning, by words, or by both.
    ///
    /// # Errors
    /// `InvalidInput` for an empty query; when only meaning is asked for, the service's. Collections and documents that
    /// are gone hold nothing.
    pub async fn search_passages(&self, query: PassageQuery) -> Result<Findings, Fault> {
        finding::search(&self.engine, query).await.map(|found| found.findings)
    }

    /// Why an answer says what it says, when passages were looked for.
    ///
    /// # Errors
    /// The store's.
    pub async fn why_answer(&self, message: MessageId) -> Result<Option<WhyAnswer>, Fault> {
        self.engine.database().read(move |shelf| Ok(shelf.home_of(&message).why(&message)?)).await
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

    /// Passages for a turn.
    pub(crate) async fn retrieve(&self, wanted: Wanted) -> Result<Passages, Fault> {
        answering::retrieve(&self.engine, wanted).await
    }

    /// How many vectors there are, or what is wrong with them.
    pub(crate) async fn examine(&self) -> Result<String, Fault> {
        let problems = self.verify_vectors().await?;
        if let Some(first) = problems.first() {
            let told = format!("{} problems, the first: {first}", problems.len());
            return Err(Fault::new(FaultCode::DatabaseDamaged).with_detail(told));
        }
        let rows: u64 = self.vector_info().await?.iter().map(|table| table.rows).sum();
        Ok(format!("{rows} vectors"))
    }

    fn tell(&self, documents: impl IntoIterator<Item = Document>) {
        self.engine.library_state().changes.note(&self.engine, documents);
    }
}

/// Removes for good what has been in the trash since before `before`, what belonged to conversations that are gone, and
/// what a killed process left half-way.
pub(crate) async fn purge(engine: &Engine, before: Timestamp) -> Result<usize, Fault> {
    let tables = engine.clone();
    engine
        .database()
        .write(move |shelf| {
            shelf.disk.remove_half_copied();
            shelf.disk.forget_collections_without_conversation(collections::OF_CONVERSATION)?;
            shelf.disk.purge_library(before, |tx, vectors| tables.tables().delete(tx, &shelf.disk, vectors))
        })
        .await
}
