//! Documents to passages, a few at a time.

use super::work::{Work, stopped};
use crate::library::converting;
use crate::library::reading::{self, Read, Reader};
use domain::{Fault, FaultCode};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use store::library::{Claim, CollectionRow, DocumentRow, Outcome};
use tokio::task::JoinSet;

/// Documents that are read at the same time, at most: each is a process.
const READERS: usize = 4;

impl Work {
    /// Reads all documents. What is being read when the run is stopped or paused is read to its end, or told to stop.
    pub(super) async fn read_all(&self, collection: &CollectionRow) -> Result<(), Fault> {
        let read = self.read_each(collection).await;
        if let Some(readers) = &self.engine.library_state().readers {
            readers.rest();
        }
        read
    }

    async fn read_each(&self, collection: &CollectionRow) -> Result<(), Fault> {
        let mut waiting: VecDeque<DocumentRow> = self.to_be_read().await?.into();
        let side_by_side = std::thread::available_parallelism().map_or(1, usize::from).min(READERS);
        let mut reading: JoinSet<(DocumentRow, Result<Read, Fault>)> = JoinSet::new();
        loop {
            while reading.len() < side_by_side
                && !self.ingest.is_stopped()
                && !self.ingest.is_paused()
                && let Some(document) = waiting.pop_front()
            {
                reading.spawn(self.read_one(collection, document));
            }
            let Some(read) = reading.join_next().await else {
                self.may_go_on().await?;
                if waiting.is_empty() {
                    return Ok(());
                }
                continue;
            };
            let (document, outcome) =
                read.map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))?;
            match outcome {
                Ok(Read::Cut(row) | Read::Unchanged(row)) => self.tell_document(row.document),
                // It is left with the others, as stopped.
                Err(fault) if fault.code == FaultCode::Stopped => {}
                Err(fault) => self.could_not_read(&document, fault).await,
            }
        }
    }

    /// Its own documents, and those that another run embeds.
    async fn to_be_read(&self) -> Result<Vec<DocumentRow>, Fault> {
        let mut rows = self.documents().await?;
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !beside.is_empty() {
            rows.extend(
                self.engine.database().read(move |shelf| Ok(shelf.disk.documents_by_id(&beside)?)).await?,
            );
        }
        if self.ingest.is_stopped() { Err(stopped()) } else { Ok(rows) }
    }

    fn read_one(
        &self,
        collection: &CollectionRow,
        document: DocumentRow,
    ) -> impl Future<Output = (DocumentRow, Result<Read, Fault>)> + Send + 'static {
        let (engine, ingest) = (self.engine.clone(), Arc::clone(&self.ingest));
        let (settings, password) = (collection.collection.settings.clone(), self.password.clone());
        // A folder that is looked at again has the same unreadable files as before.
        let again = *self.claim.lock().unwrap_or_else(PoisonError::into_inner) == Claim::Firm;
        async move {
            let (reading_engine, id) = (engine.clone(), document.document.id.clone());
            let is_new = document.cut.is_none() && again;
            let read = engine
                .database()
                .write(move |shelf| {
                    if is_new {
                        shelf.disk.set_document_state(&id, &Outcome::Reading)?;
                    }
                    let reader = Reader {
                        store: &shelf.disk,
                        tables: reading_engine.tables(),
                        readers: reading_engine.library_state().readers.clone(),
                        limits: reading::limits(&reading_engine),
                        settings,
                        again,
                        stop: &ingest.halted,
                    };
                    reading::read(&reader, &id, password.as_deref())
                })
                .await;
            (document, read)
        }
    }

    /// A document that failed shows why, with what can be done: a picture or a recording can be converted. Programs, fonts
    /// and the like, of which folders are full, are left out instead.
    async fn could_not_read(&self, document: &DocumentRow, fault: Fault) {
        let unknown = fault.code == FaultCode::FormatUnknown;
        if !unknown || document.cut.is_some() {
            return self.set_state(document, &Outcome::Failed(fault)).await;
        }
        if converting::is_convertible(&document.document.name) {
            let fault = Fault { code: FaultCode::FileHasNoText, ..fault };
            return self.set_state(document, &Outcome::Failed(fault)).await;
        }
        let id = document.document.id.clone();
        let forgotten = self.engine.database().write(move |shelf| Ok(shelf.disk.forget_unread(&id)?)).await;
        if let Err(fault) = forgotten {
            tracing::warn!(code = ?fault.code, "a file that is no document could not be left out");
        }
        self.skip(&document.document.name, fault);
    }
}
