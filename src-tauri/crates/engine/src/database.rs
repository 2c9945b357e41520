//! The one door to the disk. Everything blocking goes through [`Database::read`] and [`Database::write`], which run it
//! on a blocking thread.
//!
//! There are two stores: the one on disk, and one in memory for conversations that must leave no trace. A
//! conversation lives whole in one of them. Files wait in memory until the message they belong to is sent, so that a
//! temporary conversation's files never touch the disk either.
//!
//! A database that cannot be opened is a state and no failure: the app runs, and each use case that needs it answers
//! with its fault.

use crate::error::Error;
use crate::saving::Saving;
use domain::{
    Attachment, AttachmentId, ConversationId, DatabaseState, Fault, FaultCode, MessageId, Timestamp,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use store::{NewAttachment, OpenError, Store};
use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

/// The longest wait for those who use a database that is about to be replaced. Who takes longer keeps its lock, and
/// the replacement answers that it is in use.
const LETTING_GO: Duration = Duration::from_secs(3);

/// The stores.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    /// What is kept.
    pub(crate) disk: Store,
    /// What is forgotten when the app ends.
    pub(crate) memory: Store,
}

impl Shelf {
    /// The store that holds a conversation.
    pub(crate) fn home(&self, conversation: &ConversationId) -> &Store {
        if self.memory.conversation(conversation).is_ok() { &self.memory } else { &self.disk }
    }

    /// The store that holds a message.
    pub(crate) fn home_of(&self, message: &MessageId) -> &Store {
        if self.memory.message(message).is_ok() { &self.memory } else { &self.disk }
    }
}

impl Shelf {
    /// Brings a kept file into the store where its message will be. Files wait in memory until then.
    pub(crate) fn bring(&self, id: &AttachmentId, home: &Store, at: Timestamp) -> Result<(), Error> {
        if home.attachment(id).is_ok() {
            return Ok(());
        }
        let source = if self.memory.attachment(id).is_ok() { &self.memory } else { &self.disk };
        let known = source.attachment(id)?;
        let bytes = source.attachment_bytes(id)?;
        let new = NewAttachment {
            name: &known.name,
            media_type: &known.media_type,
            pixels: known.width.zip(known.height),
        };
        home.add_attachment(&new, &bytes, at)?;
        Ok(())
    }

    /// A kept file, wherever it is.
    pub(crate) fn attachment(&self, id: &AttachmentId) -> Result<(Attachment, Vec<u8>), Error> {
        let home = if self.memory.attachment(id).is_ok() { &self.memory } else { &self.disk };
        Ok((home.attachment(id)?, home.attachment_bytes(id)?))
    }
}

/// The database of the engine. A cheap clone: all clones are the same.
#[derive(Clone)]
pub(crate) struct Database {
    dir: Arc<PathBuf>,
    slot: Arc<RwLock<Slot>>,
    saving: Saving,
    work: TaskTracker,
}

struct Slot {
    shelf: Result<Shelf, Fault>,
    state: DatabaseState,
    /// Another process writes this database: it is read beside it, and never changed.
    beside: bool,
}

/// What to do when another process holds the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenHeld {
    /// Say so: `DatabaseBusy`.
    #[default]
    Refuse,
    /// Read it beside that process. Each change answers `DatabaseBusy`.
    Read,
}

impl Database {
    /// Opens the database in `dir`. Never fails: what was found is [`Database::state`].
    pub(crate) async fn open(dir: PathBuf, when_held: WhenHeld, now: Timestamp, saving: Saving) -> Self {
        let opened = Self::blocking({
            let dir = dir.clone();
            move || {
                Ok(match Store::open(&dir, now) {
                    Err(OpenError::Locked) if when_held == WhenHeld::Read => Slot::beside(&dir),
                    opened => Slot::of(opened, now),
                })
            }
        })
        .await;
        let slot = opened.unwrap_or_else(Slot::closed);
        Self { dir: Arc::new(dir), slot: Arc::new(RwLock::new(slot)), saving, work: TaskTracker::new() }
    }

    /// What opening found.
    pub(crate) fn state(&self) -> DatabaseState {
        self.slot.read().unwrap_or_else(PoisonError::into_inner).state.clone()
    }

    /// Another process writes it; here it is only read.
    pub(crate) fn is_beside(&self) -> bool {
        self.slot.read().unwrap_or_else(PoisonError::into_inner).beside
    }

    /// Where it lies.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The stores, or why there are none.
    pub(crate) fn shelf(&self) -> Result<Shelf, Fault> {
        self.slot.read().unwrap_or_else(PoisonError::into_inner).shelf.clone()
    }

    /// Looks something up.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Fault> {
        let shelf = self.shelf()?;
        let done = self.work.spawn_blocking(move || work(&shelf).map_err(Fault::from));
        flat(done.await)
    }

    /// Changes something. Whether the disk took it is told to the whole window when that changes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Fault> {
        if self.is_beside() {
            return Err(Fault::new(FaultCode::DatabaseBusy));
        }
        let done = self.read(work).await;
        self.saving.note(done.as_ref().err());
        done
    }

    /// Puts a copy in the place of the present database, which is set aside.
    pub(crate) async fn restore_copy(&self, name: String, now: Timestamp) -> Result<(), Fault> {
        self.replace(move |dir| Store::restore_copy(dir, &name, now), now).await
    }

    /// Begins a new database; the present one is set aside.
    pub(crate) async fn start_fresh(&self, now: Timestamp) -> Result<(), Fault> {
        self.replace(move |dir| Store::start_fresh(dir, now), now).await
    }

    async fn replace(
        &self,
        open: impl FnOnce(&Path) -> Result<Store, OpenError> + Send + 'static,
        now: Timestamp,
    ) -> Result<(), Fault> {
        // The present one is closed first: it holds the lock.
        let busy = Fault::new(FaultCode::DatabaseBusy);
        {
            let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
            slot.shelf = Err(busy);
        }
        self.work.close();
        let _idle_or_late = tokio::time::timeout(LETTING_GO, self.work.wait()).await;
        self.work.reopen();
        let dir = Arc::clone(&self.dir);
        let replaced = Self::blocking(move || {
            let opened = open(&dir);
            let told = opened.as_ref().map(|_| ()).map_err(OpenError::fault);
            // When it could not be replaced, the one that is there is opened again, or its state told again.
            let slot = Slot::of(opened.or_else(|_| Store::open(&dir, now)), now);
            Ok((slot, told))
        })
        .await;
        let (slot, told) = replaced.unwrap_or_else(|fault| (Slot::closed(fault.clone()), Err(fault)));
        *self.slot.write().unwrap_or_else(PoisonError::into_inner) = slot;
        told
    }

    /// The one place where blocking work leaves the async threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        flat(tokio::task::spawn_blocking(work).await)
    }

    /// Lets go of the file: nothing is read or written after this. Waits for what is going on, at most `limit`.
    pub(crate) async fn close(&self, limit: Duration) {
        let closed = Fault::new(FaultCode::DatabaseBusy).with_detail("it was closed");
        self.slot.write().unwrap_or_else(PoisonError::into_inner).shelf = Err(closed);
        self.work.close();
        if tokio::time::timeout(limit, self.work.wait()).await.is_err() {
            tracing::warn!(left = self.work.len(), "the database was still in use when the engine closed");
        }
    }
}

fn flat<T>(done: Result<Result<T, Fault>, JoinError>) -> Result<T, Fault> {
    done.unwrap_or_else(|panic| Err(Fault::new(FaultCode::Internal).with_detail(panic.to_string())))
}

impl Slot {
    fn of(opened: Result<Store, OpenError>, now: Timestamp) -> Self {
        let disk = match opened {
            Ok(disk) => disk,
            Err(error) => return Self { state: error.state(), shelf: Err(error.fault()), beside: false },
        };
        match Store::in_memory() {
            Ok(memory) => {
                if let Err(error) = disk.recover(now) {
                    tracing::warn!(%error, "answers that were cut could not be marked");
                }
                Self { shelf: Ok(Shelf { disk, memory }), state: DatabaseState::Ok, beside: false }
            }
            Err(error) => Self::closed(error.fault()),
        }
    }

    /// The database of another process. Its answers in flight are that process's: nothing is put in order.
    fn beside(dir: &Path) -> Self {
        let disk = match Store::open_read_only(dir) {
            Ok(disk) => disk,
            Err(error) => return Self { state: error.state(), shelf: Err(error.fault()), beside: true },
        };
        match Store::in_memory() {
            Ok(memory) => Self { shelf: Ok(Shelf { disk, memory }), state: DatabaseState::Ok, beside: true },
            Err(error) => Self::closed(error.fault()),
        }
    }

    fn closed(fault: Fault) -> Self {
        Self { state: DatabaseState::Unreadable { fault: fault.clone() }, shelf: Err(fault), beside: false }
    }
}
