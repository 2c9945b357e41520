//! Folders that collections follow. The system tells when something in them changes; when it has been quiet for a moment the
//! folder is walked again, where unchanged files cost a hash and nothing else. Nothing polls. A folder that cannot be
//! watched is the trouble of its collection until it can be; so is one in which nothing is left of what came from it.

use super::Library;
use super::ingests::{self, Consent, Load};
use crate::Engine;
use crate::sink::{Nowhere, Sink};
use domain::{Collection, Fault, FaultCode, IngestEvent};
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Why the folder of a collection is not watched, by collection.
    failed: Mutex<HashMap<String, Fault>>,
    /// Folders in which nothing is left of what came from them, by collection.
    emptied: Mutex<HashMap<String, Fault>>,
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

    fn failed(&self) -> MutexGuard<'_, HashMap<String, Fault>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emptied(&self) -> MutexGuard<'_, HashMap<String, Fault>> {
        self.emptied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the folder of a collection is not watched, when it should be.
    pub(crate) fn trouble(&self, collection: &str) -> Option<Fault> {
        self.failed().get(collection).cloned()
    }

    /// Notes whether a look found nothing left of what came from a folder: its documents are kept then, and that is told.
    pub(crate) fn note_emptied(&self, collection: &str, folder: Option<&Path>) {
        let mut emptied = self.emptied();
        match folder {
            Some(folder) => {
                let fault = Fault::new(FaultCode::NotFound).with_detail(folder.to_string_lossy());
                emptied.insert(collection.to_owned(), fault);
            }
            None => {
                emptied.remove(collection);
            }
        }
    }

    /// Nothing was left in the folder of a collection when it was looked at.
    pub(crate) fn is_emptied(&self, collection: &str) -> bool {
        self.emptied().contains_key(collection)
    }

    /// A collection as callers see it: with this trouble where its runs have none.
    pub(crate) fn shown(&self, mut collection: Collection) -> Collection {
        let emptied = || self.emptied().get(&collection.id).cloned().filter(|_| collection.documents > 0);
        let own = self.trouble(&collection.id).or_else(emptied);
        collection.trouble = collection.trouble.or(own);
        collection
    }

    /// Ends watching for a collection.
    pub(crate) fn forget(&self, collection: &str) {
        self.failed().remove(collection);
        self.emptied().remove(collection);
        if let Some(watched) = self.watched().remove(collection) {
            watched.ends.cancel();
        }
    }

    /// Ends all watching.
    pub(crate) fn close(&self) {
        self.failed().clear();
        self.emptied().clear();
        self.watched().clear();
    }
}

impl Library {
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
        follow(&self.engine, &row.collection);
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
}

/// Watches the folder of a collection, if it has one and that is not being done. True when it was begun now: what has
/// changed before is not told.
pub(crate) fn follow(engine: &Engine, collection: &Collection) -> bool {
    let watching = &engine.library_state().watching;
    let Some(folder) = collection.folder.clone() else { return false };
    if watching.watched().get(&collection.id).is_some_and(|watched| watched.folder == folder) {
        return false;
    }
    let (watcher, changes) = match watch(Path::new(&folder)) {
        Ok(watched) => watched,
        Err(error) => {
            tracing::warn!(%error, "a folder cannot be watched");
            watching.forget(&collection.id);
            let fault = Fault::new(FaultCode::FileUnreadable).with_detail(folder);
            watching.failed().insert(collection.id.clone(), fault);
            engine.library_state().changes.note(engine, []);
            return false;
        }
    };
    if watching.trouble(&collection.id).is_some() {
        engine.library_state().changes.note(engine, []);
    }
    let ends = CancellationToken::new();
    let watched = Watched { folder, ends: ends.clone(), _watcher: watcher };
    watching.forget(&collection.id);
    watching.watched().insert(collection.id.clone(), watched);
    let (looking, id) = (engine.clone(), collection.id.clone());
    engine.runs().quietly(ends, async move { look_when_quiet(&looking, &id, changes).await });
    true
}

/// What is heard of a folder.
struct Changes {
    folder: PathBuf,
    /// One place: many changes are one reason to look.
    heard: Receiver<()>,
    /// The folder itself was moved or removed: what is watched then is not what lies at its path.
    left: Arc<AtomicBool>,
}

fn watch(folder: &Path) -> notify::Result<(RecommendedWatcher, Changes)> {
    let (teller, heard) = channel::<()>(1);
    let left = Arc::new(AtomicBool::new(false));
    let changes = Changes { folder: folder.to_owned(), heard, left: Arc::clone(&left) };
    let root = folder.to_owned();
    let hear = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if event.kind.is_access() {
            return;
        }
        if is_leaving(&event.kind) && event.paths.contains(&root) {
            left.store(true, Ordering::Relaxed);
        }
        // When the place is taken, somebody is going to look anyway.
        let _ = teller.try_send(());
    };
    let mut watcher = notify::recommended_watcher(hear)?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok((watcher, changes))
}

fn is_leaving(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)))
}

impl Changes {
    /// Waits for a change, and then until the folder has been quiet. False when nothing is watched any more.
    async fn come(&mut self) -> bool {
        if self.heard.recv().await.is_none() {
            return false;
        }
        let latest = tokio::time::Instant::now() + LATEST;
        loop {
            let quiet = (tokio::time::Instant::now() + QUIET).min(latest);
            match tokio::time::timeout_at(quiet, self.heard.recv()).await {
                Ok(Some(())) if tokio::time::Instant::now() < latest => {}
                _ => return true,
            }
        }
    }

    async fn is_folder_gone(&self) -> bool {
        let folder = self.folder.clone();
        let is_there = tokio::task::spawn_blocking(move || folder.is_dir()).await;
        self.left.load(Ordering::Relaxed) || matches!(is_there, Ok(false))
    }
}

async fn look_when_quiet(engine: &Engine, collection: &str, mut changes: Changes) {
    while changes.come().await {
        if changes.is_folder_gone().await {
            return begin_again(engine, collection).await;
        }
        look(engine, collection).await;
    }
}

/// Watches what lies at the folder's path now; where nothing does, that is told.
async fn begin_again(engine: &Engine, collection: &str) {
    let Ok(row) = engine.library().row(collection).await else { return };
    if row.deleted {
        return;
    }
    // Not cancelled: that would end this very task.
    engine.library_state().watching.watched().remove(collection);
    if follow(engine, &row.collection) {
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

#[cfg(test)]
mod tests {
    use crate::library::Library;
    use crate::{Engine, Nowhere, Options};
    use domain::{Fault, FaultCode};
    use keychain::Keychain;
    use std::path::Path;
    use std::time::Duration;

    async fn engine(data: &Path) -> Engine {
        Engine::open(Options { keychain: Keychain::in_memory(), ..Options::new(data) }).await
    }

    async fn trouble(library: &Library) -> Option<Fault> {
        library.collections().await.unwrap().remove(0).trouble
    }

    /// The trouble with a folder.
    fn with(folder: &Path) -> Option<Fault> {
        Some(Fault::new(FaultCode::FileUnreadable).with_detail(folder.to_string_lossy()))
    }

    async fn until(library: &Library, expected: Option<Fault>) {
        let come = async {
            while trouble(library).await != expected {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), come).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_folder_that_cannot_be_watched_is_trouble_until_it_can_be() {
        let (data, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = place.path().join("notes");
        let engine = engine(data.path()).await;
        let library = engine.library();
        let collection = library.default_collection().await.unwrap().id;
        let followed = library.watch_folder(collection.clone(), folder.clone(), Nowhere).await.unwrap();
        assert_eq!(followed.trouble, with(&folder));
        assert_eq!(trouble(&library).await, with(&folder), "it stays in sight");
        let again = library.retry_failed(collection.clone(), Nowhere).await;
        assert_eq!(again.err(), with(&folder), "trying again says so too");

        std::fs::create_dir(&folder).unwrap();
        assert!(library.retry_failed(collection.clone(), Nowhere).await.unwrap().is_some());
        assert_eq!(trouble(&library).await, None, "it is watched");
        std::fs::remove_dir(&folder).unwrap();
        until(&library, with(&folder)).await;

        library.unwatch_folder(collection).await.unwrap();
        assert_eq!(trouble(&library).await, None, "nothing is to be watched");
        engine.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_folder_that_was_replaced_is_watched_as_the_new_one() {
        let (data, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = place.path().join("notes");
        std::fs::create_dir(&folder).unwrap();
        let engine = engine(data.path()).await;
        let library = engine.library();
        let collection = library.default_collection().await.unwrap().id;
        library.watch_folder(collection, folder.clone(), Nowhere).await.unwrap();
        std::fs::rename(&folder, place.path().join("old")).unwrap();
        std::fs::create_dir(&folder).unwrap();
        // Longer than the quiet that a watcher waits for.
        tokio::time::sleep(super::QUIET + Duration::from_secs(1)).await;
        assert_eq!(trouble(&library).await, None);
        std::fs::remove_dir(&folder).unwrap();
        until(&library, with(&folder)).await;
        engine.close().await;
    }
}
