//! A run from its first step to its last.

use super::embeds;
use super::handle::Ingest;
use super::lanes::{Lane, Turn};
use super::load::Load;
use crate::Engine;
use crate::library::converting;
use domain::{Document, DocumentState, Fault, FaultCode, IngestEvent, SkippedFile, Timestamp};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::library::{Claim, CollectionRow, DocumentRow, Outcome};

/// The work of a run.
pub(super) struct Work {
    pub(super) engine: Engine,
    pub(super) ingest: Arc<Ingest>,
    pub(super) password: Option<String>,
    pub(super) claim: Mutex<Claim>,
    /// Documents that it reads and that another run embeds.
    pub(super) beside: Mutex<Vec<String>>,
    pub(super) skipped: Mutex<Vec<SkippedFile>>,
    pub(super) neurons: Mutex<f64>,
    lane: Arc<Lane>,
    turn: Mutex<Option<Turn>>,
}

/// Takes a run out of the registry however its work ends; blocking work of a closing engine is told to stop.
struct Leaving<'a>(&'a Work);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.ingest.halted.store(true, Ordering::Relaxed);
        self.0.engine.library_state().ingests.active().remove(&self.0.ingest.id);
    }
}

/// How waiting for a quote's answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Declined,
    /// Another run changed what the quote is about.
    Outdated,
}

impl Work {
    pub(super) fn new(
        engine: Engine,
        ingest: Arc<Ingest>,
        lane: Arc<Lane>,
        password: Option<String>,
    ) -> Self {
        Self {
            engine,
            ingest,
            password,
            claim: Mutex::new(Claim::Firm),
            beside: Mutex::default(),
            skipped: Mutex::default(),
            neurons: Mutex::default(),
            lane,
            turn: Mutex::default(),
        }
    }

    pub(super) async fn run(self, load: Load, waits: Option<(Fault, Timestamp)>) {
        let leaving = Leaving(&self);
        let outcome = self.work(load, waits).await;
        if let Err(fault) = &outcome {
            tracing::warn!(code = ?fault.code, "an ingestion ended early");
            self.leave_rest(&Outcome::Failed(fault.clone())).await;
        }
        // What a person stopped needs no explanation.
        let fault = outcome.err().filter(|fault| fault.code != FaultCode::Stopped);
        let finished = self.finish(fault).await;
        self.lane.changed();
        self.leave_lane();
        drop(leaving);
        self.ingest.tell(finished);
        self.engine.library_state().changes.note(&self.engine, []);
        self.engine.usage().tell_today().await;
    }

    async fn work(&self, load: Load, waits: Option<(Fault, Timestamp)>) -> Result<(), Fault> {
        *self.claim.lock().unwrap_or_else(PoisonError::into_inner) = load.claim();
        self.take_turn().await?;
        self.ingest.is_waiting_look.store(false, Ordering::Relaxed);
        if let Some((fault, until)) = waits {
            self.hold(fault, until).await?;
        }
        match &load {
            Load::Converted(id) if !self.convert(id).await? => return Ok(()),
            Load::Settings(settings) if !self.change(settings).await? => return Ok(()),
            _ => {}
        }
        let folder = self.enter(load).await?;
        let collection = self.collection().await?;
        self.bring_along(&collection).await?;
        self.read_all(&collection).await?;
        if let Some(folder) = folder {
            self.let_go_of_gone(&collection, &folder).await?;
        }
        self.lane.changed();
        let mut before = None;
        while let Some(agreed) = self.agree().await? {
            if before.replace(agreed.due) == Some(agreed.due) {
                // Passages that nobody can embed must not be tried for ever.
                return Err(Fault::new(FaultCode::Internal).with_detail("no passage got a vector"));
            }
            let neurons = embeds::embed_all(self, &agreed).await?;
            *self.neurons() += neurons;
        }
        self.swap().await
    }

    /// Waits for its turn in the collection's lane.
    pub(super) async fn take_turn(&self) -> Result<(), Fault> {
        let turn = tokio::select! {
            biased;
            () = self.ingest.stop.cancelled() => return Err(stopped()),
            turn = self.lane.turn() => turn,
        };
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
        Ok(())
    }

    /// Lets others work on the collection.
    pub(super) fn leave_lane(&self) {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Waits outside the lane while the run is paused.
    ///
    /// # Errors
    /// `Stopped`.
    pub(super) async fn may_go_on(&self) -> Result<(), Fault> {
        if self.ingest.is_paused() && !self.ingest.is_stopped() {
            self.leave_lane();
            if !self.ingest.goes_on().await {
                return Err(stopped());
            }
            self.take_turn().await?;
        }
        if self.ingest.is_stopped() { Err(stopped()) } else { Ok(()) }
    }

    /// Waits outside the lane for the answer to the quote that was told.
    ///
    /// # Errors
    /// `Stopped`.
    pub(super) async fn answer(&self) -> Result<Answer, Fault> {
        let mut changes = self.lane.changes();
        self.leave_lane();
        let answer = tokio::select! {
            biased;
            () = self.ingest.stop.cancelled() => return Err(stopped()),
            accepted = self.ingest.answered() => {
                if accepted { Answer::Accepted } else { Answer::Declined }
            }
            // The sender lives as long as the lane.
            _ = changes.changed() => Answer::Outdated,
        };
        self.take_turn().await?;
        Ok(answer)
    }

    /// Has the service make the text of a document, when the person agrees. `false` when not.
    async fn convert(&self, id: &str) -> Result<bool, Fault> {
        let wanted = id.to_owned();
        let document = self.engine.database().read(move |shelf| Ok(shelf.disk.document(&wanted)?)).await?;
        if !self.ingest.has_consent() {
            let quote = converting::quote(&self.engine, &self.ingest.id, &document).await?;
            self.ingest.tell(IngestEvent::Quoted { quote });
            if self.engine.accounts().caller().await?.simulated {
                self.ingest.answer(true);
            }
            loop {
                match self.answer().await? {
                    Answer::Accepted => break,
                    Answer::Declined => return Ok(false),
                    Answer::Outdated => {}
                }
            }
        }
        self.ingest.agree_beforehand();
        self.note_accepted().await;
        let mut tries = 0;
        loop {
            match converting::convert(&self.engine, &document).await {
                Ok(neurons) => {
                    *self.neurons() += neurons;
                    return Ok(true);
                }
                Err(fault) if self.wait_out(&fault, &mut tries).await? => {}
                Err(fault) => {
                    self.could_not_convert(&document, &fault).await;
                    return Err(fault);
                }
            }
        }
    }

    /// What failed is told where the document is seen; pages that had text stay as they are.
    async fn could_not_convert(&self, document: &DocumentRow, fault: &Fault) {
        if document.cut.is_some() {
            return self.skip(&document.document.name, fault.clone());
        }
        self.set_state(document, &Outcome::Failed(fault.clone())).await;
    }

    pub(super) async fn collection(&self) -> Result<CollectionRow, Fault> {
        let id = self.ingest.collection.clone();
        self.engine.database().read(move |shelf| Ok(shelf.disk.collection(&id)?)).await
    }

    pub(super) async fn documents(&self) -> Result<Vec<DocumentRow>, Fault> {
        let run = self.ingest.id.clone();
        self.engine.database().read(move |shelf| Ok(shelf.disk.documents_of_run(&run)?)).await
    }

    pub(super) fn neurons(&self) -> MutexGuard<'_, f64> {
        self.neurons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn skip(&self, name: &str, fault: Fault) {
        let file = SkippedFile { name: name.to_owned(), fault };
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner).push(file.clone());
        self.ingest.tell(IngestEvent::Skipped { file });
    }

    pub(super) fn tell_document(&self, document: Document) {
        self.engine.library_state().changes.note(&self.engine, [document.clone()]);
        self.ingest.tell(IngestEvent::Document { document });
    }

    pub(super) async fn set_state(&self, document: &DocumentRow, outcome: &Outcome) {
        let (id, outcome) = (document.document.id.clone(), outcome.clone());
        let stored = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_document_state(&id, &outcome)?))
            .await;
        match stored {
            Ok(row) => self.tell_document(row.document),
            Err(fault) => tracing::warn!(code = ?fault.code, "the state of a document could not be stored"),
        }
    }

    /// Marks the documents that are not done.
    pub(super) async fn leave_rest(&self, outcome: &Outcome) {
        let Ok(rows) = self.documents().await else { return };
        for row in rows {
            let failed = matches!(row.document.state, DocumentState::Failed { .. });
            if !is_done(&row) && !failed {
                self.set_state(&row, outcome).await;
            }
        }
    }

    /// Ends the run on disk.
    async fn finish(&self, fault: Option<Fault>) -> IngestEvent {
        let rows = self.documents().await.unwrap_or_default();
        let failed = rows.iter().filter(|row| matches!(row.document.state, DocumentState::Failed { .. }));
        let failed = u32::try_from(failed.count()).unwrap_or(u32::MAX);
        let ready = rows.iter().filter(|row| is_done(row));
        let ready = u32::try_from(ready.count()).unwrap_or(u32::MAX);
        let (run, now, why) = (self.ingest.id.clone(), self.engine.now(), fault.clone());
        let ended = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.end_ingest(&run, why.as_ref(), now)?))
            .await;
        if let Err(fault) = ended {
            tracing::warn!(code = ?fault.code, "the end of an ingestion could not be stored");
        }
        IngestEvent::Finished { ready, failed, neurons: *self.neurons(), fault }
    }
}

fn is_done(row: &DocumentRow) -> bool {
    row.cut.is_some() && row.embedded >= row.document.passages
}

pub(super) fn stopped() -> Fault {
    Fault::new(FaultCode::Stopped)
}
