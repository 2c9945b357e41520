//! One run at a time works on a collection; the others wait their turn. Two that embedded the same passages side by
//! side would pay twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedMutexGuard, watch};

/// The lanes of all collections.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<String, Arc<Lane>>>);

/// The lane of one collection. A run leaves it while it waits for a person or a limit.
pub(crate) struct Lane {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// How often a run has changed what the collection holds.
    changes: watch::Sender<u64>,
}

/// The right to work on a collection. Turns come in the order in which they were asked for.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Lanes {
    pub(crate) fn of(&self, collection: &str) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes
            .entry(collection.to_owned())
            .or_insert_with(|| Arc::new(Lane { turn: Arc::default(), changes: watch::Sender::new(0) }));
        Arc::clone(lane)
    }
}

impl Lane {
    pub(super) async fn turn(&self) -> Turn {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Tells those who wait outside that their figures may be old.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
