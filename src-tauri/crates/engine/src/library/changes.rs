//! Documents whose change the window has not been told yet.

use crate::Engine;
use domain::{AppEvent, Document};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Changes of documents are told to the window together, at most so often.
const TOLD_EVERY: Duration = Duration::from_millis(150);

/// What waits to be told, by document; present while that is planned.
#[derive(Default)]
pub(crate) struct Changes {
    waiting: Mutex<Option<HashMap<String, Document>>>,
}

impl Changes {
    /// Tells the window that documents changed, together with others that change at the same time.
    pub(crate) fn note(&self, engine: &Engine, documents: impl IntoIterator<Item = Document>) {
        let documents = documents.into_iter().map(|document| (document.id.clone(), document));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = waiting.as_mut() {
            waiting.extend(documents);
            return;
        }
        *waiting = Some(documents.collect());
        drop(waiting);
        let teller = engine.clone();
        engine.runs().quietly(CancellationToken::new(), async move {
            tokio::time::sleep(TOLD_EVERY).await;
            let documents = teller.library_state().changes.take();
            teller.news().tell(&AppEvent::LibraryChanged { documents });
        });
    }

    fn take(&self) -> Vec<Document> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.unwrap_or_default().into_values().collect()
    }
}
