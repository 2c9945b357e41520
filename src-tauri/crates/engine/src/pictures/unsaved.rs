//! Pictures that were paid for and cannot be saved yet: the disk is full, or what else it is. They are shown from memory,
//! marked, can be saved elsewhere, and are saved when the disk takes them, by themselves or when the person asks.

use super::making::announce;
use crate::Engine;
use crate::error::{Error, not_found};
use domain::{Fault, LedgerEntry, Picture, PictureState};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{PictureArrival, PictureEnded, PictureEnding, Store};
use tokio_util::sync::CancellationToken;

/// No new picture is asked for while more bytes than this wait. What is in the making then is still held.
const ENOUGH: usize = 256 * 1024 * 1024;
/// More than this is not held, whatever was paid.
const MOST: usize = 2 * ENOUGH;
/// Between two tries. Only while something waits.
const AGAIN: Duration = Duration::from_secs(5);

/// A picture that was paid for.
pub(crate) struct Paid {
    id: String,
    /// The file's bytes, settings and all.
    pub(crate) bytes: Vec<u8>,
    thumbnail: Vec<u8>,
    /// How its row will read.
    ending: PictureEnding,
    /// Its line of the ledger, until that is written.
    entry: Mutex<Option<LedgerEntry>>,
    /// Why it could not be saved the last time.
    fault: Mutex<Option<Fault>>,
}

impl Paid {
    pub(super) fn new(
        id: String,
        bytes: Vec<u8>,
        thumbnail: Vec<u8>,
        ending: PictureEnding,
        entry: LedgerEntry,
    ) -> Self {
        Self { id, bytes, thumbnail, ending, entry: Mutex::new(Some(entry)), fault: Mutex::default() }
    }

    /// The thumbnail, made when the picture arrived.
    pub(crate) fn thumbnail(&self) -> &[u8] {
        &self.thumbnail
    }

    /// The row as it is while the picture waits.
    pub(crate) fn as_row(&self, row: Picture) -> Picture {
        let file = self.ending.file.as_ref();
        let fault = locked(&self.fault).clone();
        Picture {
            state: fault.map_or(row.state, |fault| PictureState::Failed { fault }),
            request: self.ending.request.clone(),
            left_out: self.ending.left_out.clone(),
            width: file.map(|file| file.width),
            height: file.map(|file| file.height),
            media_type: file.map(|file| file.media_type.clone()),
            file_name: file.map(|file| file.name.clone()),
            size: file.map(|file| file.size),
            usage: self.ending.usage.clone(),
            took_ms: Some(self.ending.took_ms),
            unsaved: true,
            ..row
        }
    }

    /// Saves it: the arrival, the file, the thumbnail, the row. Doing it twice does no harm.
    fn save(&self, disk: &Store) -> Result<PictureEnded, Error> {
        let ledger = locked(&self.entry).clone();
        let usage = self.ending.usage.clone().unwrap_or_default();
        disk.note_arrival(&self.id, &PictureArrival { file: self.ending.file.clone(), ledger, usage })?;
        *locked(&self.entry) = None;
        if let Some(file) = &self.ending.file {
            disk.write_picture(&file.name, &self.bytes)?;
        }
        if let Err(error) = disk.keep_thumbnail(&self.id, &self.thumbnail) {
            tracing::info!(%error, "a thumbnail was not kept");
        }
        Ok(disk.end_picture(&self.id, &self.ending)?)
    }

    /// Writes into the row that it is not saved; when even that fails the row stays pending, and a later save puts it
    /// right, or the next start. A row whose file is there is left pending too: the next start takes it up.
    fn give_up(&self, disk: &Store, fault: &Fault) {
        let file = self.ending.file.as_ref().and_then(|file| disk.picture_path(&file.name).ok());
        if file.is_some_and(|file| file.exists()) {
            return;
        }
        let state = PictureState::Failed { fault: fault.clone() };
        let ending = PictureEnding { state, file: None, ..self.ending.clone() };
        if let Err(error) = disk.end_picture(&self.id, &ending) {
            tracing::warn!(%error, "nor could its row say so");
        }
    }
}

/// The pictures that wait. A cheap clone: all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Unsaved {
    held: Arc<Mutex<HashMap<String, Arc<Paid>>>>,
    /// One is saved at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Unsaved {
    /// A picture that waits.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Paid>> {
        locked(&self.held).get(id).cloned()
    }

    /// Shows a row as what waits for it.
    pub(crate) fn overlay(&self, row: &mut Picture) {
        if let Some(paid) = self.get(&row.id) {
            *row = paid.as_row(row.clone());
        }
    }

    /// Refuses, with the fault of those that wait, when they are many: nothing more is to be paid for then.
    pub(crate) fn has_room(&self) -> Result<(), Fault> {
        let held = locked(&self.held);
        let bytes: usize = held.values().map(|paid| paid.bytes.len()).sum();
        let fault = held.values().find_map(|paid| locked(&paid.fault).clone());
        fault.filter(|_| bytes > ENOUGH).map_or(Ok(()), Err)
    }

    /// Saves a picture that has just arrived, or holds it and says in its row that it is not saved.
    pub(super) fn save_or_hold(&self, disk: &Store, paid: Paid) -> Result<PictureEnded, Error> {
        paid.save(disk).map_err(|error| {
            let fault = error.fault();
            *locked(&paid.fault) = Some(fault.clone());
            let paid = Arc::new(paid);
            // It is held before the row can be read as failed.
            self.hold(&paid);
            paid.give_up(disk, &fault);
            Error::from(fault)
        })
    }

    fn hold(&self, paid: &Arc<Paid>) {
        let mut held = locked(&self.held);
        let bytes: usize = held.values().map(|paid| paid.bytes.len()).sum();
        if bytes + paid.bytes.len() <= MOST {
            held.insert(paid.id.clone(), Arc::clone(paid));
        } else {
            tracing::warn!("a picture could neither be saved nor held");
        }
    }

    fn release(&self, id: &str) {
        locked(&self.held).remove(id);
    }
}

/// Tries again by itself, until it is saved or the app ends.
pub(super) fn try_again(engine: &Engine, id: String) {
    let worker = engine.clone();
    engine.runs().quietly(CancellationToken::new(), async move {
        while worker.pictures_at_work().unsaved().get(&id).is_some() {
            tokio::time::sleep(AGAIN).await;
            // Why it failed is kept with the picture.
            let _ = save(&worker, &id).await;
        }
    });
}

/// Saves a picture that waits, and tells the window.
pub(super) async fn save(engine: &Engine, id: &str) -> Result<(), Fault> {
    let unsaved = engine.pictures_at_work().unsaved();
    let _turn = unsaved.turn.lock().await;
    let Some(paid) = unsaved.get(id) else {
        let id = id.to_owned();
        let row = engine.database().read(move |shelf| Ok(shelf.disk.picture(&id)?)).await?;
        // One that failed for another reason has nothing to save.
        return if row.state == PictureState::Done { Ok(()) } else { Err(not_found("the picture's bytes")) };
    };
    let (saving, releasing) = (Arc::clone(&paid), unsaved.clone());
    let saved = engine
        .database()
        .write(move |shelf| {
            let ended = saving.save(&shelf.disk)?;
            releasing.release(&saving.id);
            Ok(ended)
        })
        .await;
    match saved {
        Ok(ended) => {
            if !ended.in_trash {
                announce(engine, ended.picture);
            }
            Ok(())
        }
        Err(fault) => {
            *locked(&paid.fault) = Some(fault.clone());
            Err(fault)
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
