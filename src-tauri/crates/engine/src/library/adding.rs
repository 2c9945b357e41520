//! What a person puts in (files, texts, pages) or has tried again becomes the load of a run.

use super::ingests::{self, Consent, Load};
use super::{Library, converting, watching};
use crate::error::invalid;
use crate::sink::Sink;
use domain::{DocumentState, Fault, FaultCode, IngestEvent, IngestStarted};
use std::path::PathBuf;
use std::sync::Arc;
use store::library::NewDocument;

/// Characters of a text that is pasted as a document.
const LONGEST_TEXT: usize = 16 << 20;

impl Library {
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
            return Err(Fault::new(FaultCode::FormatUnknown).with_detail(row.document.name));
        }
        let collection = self.row_of(&document).await?;
        let load = Load::Converted(document);
        let run =
            ingests::begin(&self.engine, &collection, load, Consent::Asked, None, Arc::new(events)).await?;
        Ok(IngestStarted { run, collection: collection.collection })
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
}

fn first_words(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.trim_start_matches('#').trim().chars().take(60).collect()
}
