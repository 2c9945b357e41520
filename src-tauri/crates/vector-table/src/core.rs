//! What all handles of one table share: its space, its catalogue of codes, and the bell of its worker.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::catalogue::{Catalogue, remove};
use crate::coder::Coder;
use crate::search::Scratch;
use crate::segment::Segment;
use crate::table::Options;

/// Searches that leave their memory to the next ones, at most.
const SPARE_SCRATCHES: usize = 4;

/// Versions of the table that are remembered.
const SEEN_VERSIONS: usize = 256;

/// What all handles of one table share.
#[derive(Debug)]
pub struct Core {
    /// How rows become codes.
    pub coder: Coder,
    /// Where the code files are.
    pub folder: PathBuf,
    /// The database's file, for the worker's own connection; none for a database in memory.
    pub database: Option<PathBuf>,
    /// As opened.
    pub options: Options,
    /// Tells the worker.
    pub bell: Bell,
    /// Held by the one search that brings codes up to date for all.
    pub catching_up: Mutex<()>,
    /// Versions that something here comes from, with their stamps: the newest, and some before it.
    seen: Mutex<BTreeMap<i64, i64>>,
    catalogue: RwLock<Arc<Catalogue>>,
    scratches: Mutex<Vec<Scratch>>,
    failure: Mutex<Option<String>>,
}

/// A poisoned lock guards nothing half-done here: every change is a single assignment.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// For a space, with the codes that were found.
    #[must_use]
    pub fn new(
        coder: Coder,
        folder: PathBuf,
        database: Option<PathBuf>,
        options: Options,
        catalogue: Catalogue,
    ) -> Self {
        Self {
            coder,
            folder,
            database,
            options,
            bell: Bell::default(),
            catching_up: Mutex::new(()),
            seen: Mutex::default(),
            catalogue: RwLock::new(Arc::new(catalogue)),
            scratches: Mutex::default(),
            failure: Mutex::default(),
        }
    }

    /// The codes as they are now.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers a version that something here comes from.
    pub fn see(&self, version: i64, stamp: i64) {
        let mut seen = locked(&self.seen);
        seen.insert(version, stamp);
        if seen.len() > SEEN_VERSIONS {
            seen.pop_first();
        }
    }

    /// The newest version that anything here comes from, and its stamp.
    #[must_use]
    pub fn newest_seen(&self) -> (i64, i64) {
        locked(&self.seen).last_key_value().map_or((0, 0), |(version, stamp)| (*version, *stamp))
    }

    /// The stamp of a version, if it was seen lately.
    #[must_use]
    pub fn stamp_seen(&self, version: i64) -> Option<i64> {
        locked(&self.seen).get(&version).copied()
    }

    /// Puts a code file's segment in the place of those that overlap with it; returns those.
    pub fn publish(&self, segment: Segment) -> Vec<Arc<Segment>> {
        self.see(segment.header.version, segment.header.stamp);
        let mut current = self.catalogue.write().unwrap_or_else(PoisonError::into_inner);
        let (next, replaced) = current.with(Arc::new(segment));
        *current = Arc::new(next);
        replaced
    }

    /// Adds codes that are only in memory, unless a code file has come for their slots in the meantime: memory never takes
    /// the place of a file.
    pub fn publish_in_memory(&self, segment: Segment) {
        self.see(segment.header.version, segment.header.stamp);
        let mut current = self.catalogue.write().unwrap_or_else(PoisonError::into_inner);
        if !current.has_file_over(segment.range()) {
            *current = Arc::new(current.with(Arc::new(segment)).0);
        }
    }

    /// Drops a damaged segment and its file. Its rows are coded again. Of two searches that find the damage the second finds
    /// the segment gone, and a new file perhaps in its place, which stays.
    pub fn discard(&self, segment: &Arc<Segment>) {
        let mut current = self.catalogue.write().unwrap_or_else(PoisonError::into_inner);
        if !current.has(segment) {
            return;
        }
        *current = Arc::new(current.without(segment));
        if let Some(path) = &segment.path {
            remove(path);
        }
    }

    /// Memory for a search.
    #[must_use]
    pub fn borrow_scratch(&self) -> Scratch {
        locked(&self.scratches).pop().unwrap_or_default()
    }

    /// Gives it back.
    pub fn return_scratch(&self, scratch: Scratch) {
        let mut spare = locked(&self.scratches);
        if spare.len() < SPARE_SCRATCHES {
            spare.push(scratch);
        }
    }

    /// Keeps what went wrong in the background, for `stats`.
    pub fn keep_failure(&self, failure: Option<String>) {
        *locked(&self.failure) = failure;
    }

    /// What went wrong in the background last, if it still does.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        locked(&self.failure).clone()
    }
}

/// Wakes the worker, and stops it.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
    stop: Cancel,
}

impl Bell {
    /// There may be work.
    pub fn ring(&self) {
        *locked(&self.rung) = true;
        self.changed.notify_all();
    }

    /// No more work, ever.
    pub fn stop_all(&self) {
        let _rung = locked(&self.rung);
        self.stop.cancel();
        self.changed.notify_all();
    }

    /// Says whether to stop.
    #[must_use]
    pub fn stop(&self) -> &Cancel {
        &self.stop
    }

    /// Waits to be told (true) or for the time to pass (false); none when it is time to end.
    pub fn wait(&self, patience: Option<Duration>) -> Option<bool> {
        let mut rung = locked(&self.rung);
        while !*rung && !self.stop.is_cancelled() {
            match patience {
                None => rung = self.changed.wait(rung).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (guard, timeout) =
                        self.changed.wait_timeout(rung, patience).unwrap_or_else(PoisonError::into_inner);
                    rung = guard;
                    if timeout.timed_out() {
                        break;
                    }
                }
            }
        }
        let told = std::mem::take(&mut *rung);
        (!self.stop.is_cancelled()).then_some(told)
    }
}
