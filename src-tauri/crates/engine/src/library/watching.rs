//! Folders that collections follow. The system tells when something in them changes; when it has been quiet for a moment the
//! folder is walked again, where unchanged files cost a hash and nothing else. Nothing polls.

use super::{Consent, Load, ingests};
use crate::Engine;
use crate::sink::Nowhere;
use domain::Collection;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};
use tokio_util::sync::CancellationToken;

/// A folder is walked again when it has been quiet for so long: a file that is being copied changes many times.
const QUIET: Duration = Duration::from_secs(2);
/// And at the latest after so long: something in it may never be quiet, like a log.
const LATEST: Duration = Duration::from_secs(30);

/// The folders that are watched, by collection.
#[derive(Default)]
pub(crate) struct Watching {
    watched: Mutex<HashMap<String, Watched>>,
}

struct Watched {
    folder: String,
    ends: CancellationToken,
    /// Dropping it ends the watching.
    _watcher: RecommendedWatcher,
}

impl Watching {
    fn watched(&self) -> MutexGuard<'_, HashMap<String, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends watching for a collection.
    pub(crate) fn forget(&self, collection: &str) {
        if let Some(watched) = self.watched().remove(collection) {
            watched.ends.cancel();
        }
    }

    /// Ends all watching.
    pub(crate) fn close(&self) {
        self.watched().clear();
    }
}

/// Watches the folder of a collection, if it has one and that is not being done. True when it was begun now: what has
/// changed before is not told.
pub(crate) fn follow(engine: &Engine, collection: &Collection) -> bool {
    let watching = &engine.library_state().watching;
    let Some(folder) = collection.folder.clone() else { return false };
    if watching.watched().get(&collection.id).is_some_and(|watched| watched.folder == folder) {
        return false;
    }
    // One place: many changes are one reason to look.
    let (teller, changes) = channel::<()>(1);
    let hear = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // When the place is taken, somebody is going to look anyway.
            let _ = teller.try_send(());
        }
    };
    let watcher = notify::recommended_watcher(hear).and_then(|mut watcher| {
        watcher.watch(&PathBuf::from(&folder), RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    let watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, "a folder cannot be watched");
            return false;
        }
    };
    let ends = CancellationToken::new();
    let watched = Watched { folder, ends: ends.clone(), _watcher: watcher };
    watching.forget(&collection.id);
    watching.watched().insert(collection.id.clone(), watched);
    let (looking, id) = (engine.clone(), collection.id.clone());
    engine.runs().quietly(ends, async move { look_when_quiet(&looking, &id, changes).await });
    true
}

async fn look_when_quiet(engine: &Engine, collection: &str, mut changes: Receiver<()>) {
    while changes.recv().await.is_some() {
        let latest = tokio::time::Instant::now() + LATEST;
        loop {
            let quiet = (tokio::time::Instant::now() + QUIET).min(latest);
            match tokio::time::timeout_at(quiet, changes.recv()).await {
                Ok(Some(())) if tokio::time::Instant::now() < latest => {}
                _ => break,
            }
        }
        look(engine, collection).await;
    }
}

/// Walks the folder of a collection again.
pub(crate) async fn look(engine: &Engine, collection: &str) {
    let Ok(row) = engine.library().row(collection).await else { return };
    let Some(folder) = row.collection.folder.clone().filter(|_| !row.deleted) else { return };
    if engine.library_state().ingests.is_going_to_look(collection) {
        return;
    }
    let load = Load::Look(folder.into());
    let begun = ingests::begin(engine, &row, load, Consent::Asked, None, Arc::new(Nowhere)).await;
    if let Err(fault) = begun {
        tracing::warn!(code = ?fault.code, "a folder that changed could not be looked at");
    }
}
