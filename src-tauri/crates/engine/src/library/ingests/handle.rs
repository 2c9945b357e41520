//! A run as others see it: told where it stands, paused, stopped, answered.

use crate::sink::Sink;
use domain::{IngestEvent, RunId};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// Whether a run waits for its quote to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// It asks, unless nothing has to be paid.
    Asked,
    /// It was given beforehand.
    Given,
}

/// One run.
pub(crate) struct Ingest {
    pub(crate) id: RunId,
    pub(crate) collection: String,
    /// It looks at a folder again, and has not begun to.
    pub(super) is_waiting_look: AtomicBool,
    /// It waits to be allowed other settings.
    pub(super) is_change: AtomicBool,
    pub(super) stop: CancellationToken,
    /// The same for blocking work.
    pub(super) halted: AtomicBool,
    paused: watch::Sender<bool>,
    accepted: watch::Sender<Option<bool>>,
    /// Nothing more is asked, whatever comes.
    beforehand: AtomicBool,
    /// Has a run that waits for something try at once.
    wake: Notify,
    log: Mutex<Log>,
}

/// What who attaches later has to be told.
#[derive(Default)]
struct Log {
    listeners: Vec<Arc<dyn Sink<IngestEvent>>>,
    quote: Option<IngestEvent>,
    progress: Option<IngestEvent>,
    waiting: Option<IngestEvent>,
    last: Option<IngestEvent>,
}

impl Ingest {
    pub(super) fn new(
        id: RunId,
        collection: String,
        consent: Consent,
        listener: Arc<dyn Sink<IngestEvent>>,
    ) -> Self {
        Self {
            id,
            collection,
            is_waiting_look: AtomicBool::new(false),
            is_change: AtomicBool::new(false),
            stop: CancellationToken::new(),
            halted: AtomicBool::new(false),
            paused: watch::Sender::new(false),
            accepted: watch::Sender::new((consent == Consent::Given).then_some(true)),
            beforehand: AtomicBool::new(consent == Consent::Given),
            wake: Notify::new(),
            log: Mutex::new(Log { listeners: vec![listener], ..Log::default() }),
        }
    }

    /// Tells all listeners.
    pub(super) fn tell(&self, event: IngestEvent) {
        let mut log = self.log();
        match &event {
            IngestEvent::Quoted { .. } => log.quote = Some(event.clone()),
            IngestEvent::Progress { .. } => (log.progress, log.waiting) = (Some(event.clone()), None),
            IngestEvent::Waiting { .. } => log.waiting = Some(event.clone()),
            IngestEvent::Finished { .. } => log.last = Some(event.clone()),
            _ => {}
        }
        log.listeners.retain(|listener| listener.send(event.clone()));
    }

    /// Tells `listener` where the run stands, and everything from now on.
    pub(crate) fn attach(&self, listener: Arc<dyn Sink<IngestEvent>>) {
        let mut log = self.log();
        // An answered quote is asked no more.
        let quote = log.quote.clone().filter(|_| self.accepted.borrow().is_none());
        let standing = [quote, log.progress.clone(), log.waiting.clone(), log.last.clone()];
        if standing.into_iter().flatten().all(|event| listener.send(event)) && log.last.is_none() {
            log.listeners.push(listener);
        }
    }

    pub(crate) fn stop(&self) {
        self.halted.store(true, Ordering::Relaxed);
        self.stop.cancel();
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
        if !paused {
            self.wake.notify_waiters();
        }
    }

    pub(crate) fn answer(&self, accepted: bool) {
        self.accepted.send_replace(Some(accepted));
    }

    /// It waits to be allowed other settings.
    pub(crate) fn is_change(&self) -> bool {
        self.is_change.load(Ordering::Relaxed)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(super) fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    /// Nothing more is asked.
    pub(super) fn agree_beforehand(&self) {
        self.answer(true);
        self.beforehand.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_agreed_beforehand(&self) -> bool {
        self.beforehand.load(Ordering::Relaxed)
    }

    /// Its quote was accepted, or there was nothing to ask.
    pub(super) fn has_consent(&self) -> bool {
        *self.accepted.borrow() == Some(true)
    }

    /// Asks again: what was accepted was less.
    pub(super) fn ask_again(&self) {
        self.accepted.send_replace(None);
    }

    /// Waits until the run is not paused. `false` when it was stopped.
    pub(super) async fn goes_on(&self) -> bool {
        let mut paused = self.paused.subscribe();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            // The sender lives as long as `self`.
            _ = paused.wait_for(|paused| !paused) => true,
        }
    }

    /// Waits for the answer to the quote.
    pub(super) async fn answered(&self) -> bool {
        let mut accepted = self.accepted.subscribe();
        let answer = accepted.wait_for(Option::is_some).await;
        answer.is_ok_and(|answer| *answer == Some(true))
    }

    /// Waits until somebody wants it to try at once.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
