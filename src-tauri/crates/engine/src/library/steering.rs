//! Runs in the person's hands: listed, followed, agreed to, paused and stopped.

use super::ingests::{self, Ingest};
use super::{Library, watching};
use crate::error::not_found;
use crate::sink::Sink;
use domain::{Fault, IngestEvent, IngestStarted, RunId};
use std::sync::Arc;

impl Library {
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

    fn ingest(&self, run: &RunId) -> Result<Arc<Ingest>, Fault> {
        self.engine.library_state().ingests.find(run).ok_or_else(|| not_found("the run"))
    }
}
