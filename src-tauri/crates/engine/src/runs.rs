//! The registry of everything that runs by itself: answers being written, and quiet work such as titles.
//!
//! A run outlives the window that began it. Its truth is in the database; what is kept here is a log of its events,
//! so that a window that opens later can [`Runs::attach`] and be told what it missed. The log holds each block
//! once: a patch that is overwritten by a later one is shortened, not kept, so that a long answer costs its own
//! size and not the size of everything that was ever painted.
//!
//! Every task of the engine is spawned here and ends when the engine is closed.

use crate::sink::Sink;
use domain::{ActiveRun, ConversationId, Fault, FaultCode, MessageId, RunEvent, RunId, RunStep};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Logs of runs that are over and may still be asked for: a window may attach a moment too late.
const ENDED_KEPT: usize = 8;

/// One answer being written.
pub(crate) struct Run {
    /// Its id.
    pub(crate) id: RunId,
    /// Where it writes.
    pub(crate) conversation: ConversationId,
    /// What it writes.
    pub(crate) message: MessageId,
    stop: CancellationToken,
    closing: CancellationToken,
    log: Mutex<Log>,
}

/// Why a run must end before its answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The person stopped it.
    Stopped,
    /// The app ends.
    Closing,
}

#[derive(Default)]
struct Log {
    events: Vec<RunEvent>,
    listeners: Vec<Arc<dyn Sink<RunEvent>>>,
}

impl Run {
    /// Tells all listeners the next step, and remembers it for later ones.
    pub(crate) fn tell(&self, what: RunStep) {
        let mut log = self.log();
        if let RunStep::Patch { from, .. } = &what {
            log.forget_blocks_from(*from);
        }
        let seq = log.events.len() as u64 + 1;
        let event = RunEvent { run: self.id.clone(), message: self.message.clone(), seq, what };
        log.listeners.retain(|listener| listener.send(event.clone()));
        log.events.push(event);
    }

    /// Repeats all events after the one numbered `after` to `listener`, and then tells it the coming ones.
    fn attach(&self, after: u64, listener: Arc<dyn Sink<RunEvent>>) {
        let mut log = self.log();
        let mut missed = log.events.iter().filter(|event| event.seq > after);
        let listens = missed.all(|event| listener.send(event.clone()));
        if listens && !log.is_over() {
            log.listeners.push(listener);
        }
    }

    /// Waits until somebody wants the run to end.
    pub(crate) async fn halted(&self) -> Halt {
        tokio::select! {
            () = self.stop.cancelled() => Halt::Stopped,
            () = self.closing.cancelled() => Halt::Closing,
        }
    }

    /// Waits until the app ends.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn is_over(&self) -> bool {
        self.events.last().is_some_and(|event| event.what.is_last())
    }

    /// Shortens earlier patches by the blocks that a patch from index `from` on replaces. Numbers stay without
    /// gaps: a patch whose blocks are all replaced remains as an empty one.
    fn forget_blocks_from(&mut self, from: u32) {
        for event in self.events.iter_mut().rev() {
            if let RunStep::Patch { from: start, blocks } = &mut event.what {
                blocks.truncate(from.saturating_sub(*start) as usize);
                // All patches before one that starts here or lower were shortened to its start when it came.
                if *start <= from {
                    break;
                }
            }
        }
    }
}

/// The registry. A cheap clone: all clones know the same runs.
#[derive(Clone, Default)]
pub(crate) struct Runs {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    active: Mutex<HashMap<RunId, Arc<Run>>>,
    ended: Mutex<VecDeque<Arc<Run>>>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Runs {
    /// Enters a run whose answer is already on disk; `listener` is told its events. Its work follows with [`Runs::work`].
    pub(crate) fn enter(
        &self,
        id: RunId,
        conversation: ConversationId,
        message: MessageId,
        listener: Arc<dyn Sink<RunEvent>>,
    ) -> Arc<Run> {
        let run = Arc::new(Run {
            id: id.clone(),
            conversation,
            message,
            stop: CancellationToken::new(),
            closing: self.shared.closing.clone(),
            log: Mutex::new(Log { events: Vec::new(), listeners: vec![listener] }),
        });
        self.active().insert(id, Arc::clone(&run));
        run
    }

    /// Does the run's work in a task of its own. The run is active until the work returns, even by a panic.
    pub(crate) fn work(&self, run: Arc<Run>, work: impl Future<Output = ()> + Send + 'static) {
        let leaving = Leaving { runs: self.clone(), run };
        self.shared.tasks.spawn(async move {
            let _leaving = leaving;
            work.await;
        });
    }

    /// The run is over as far as others are concerned: what it wrote is stored. Its last event may still be told.
    pub(crate) fn leave(&self, run: &Arc<Run>) {
        if self.active().remove(&run.id).is_none() {
            return;
        }
        let mut ended = self.ended_runs();
        ended.push_back(Arc::clone(run));
        if ended.len() > ENDED_KEPT {
            ended.pop_front();
        }
    }

    /// Does quiet work that no window waits for. It is dropped when the engine closes or `cancel` is cancelled.
    pub(crate) fn quietly(&self, cancel: CancellationToken, work: impl Future<Output = ()> + Send + 'static) {
        let closing = self.shared.closing.clone();
        self.shared.tasks.spawn(async move {
            tokio::select! {
                () = work => {}
                () = cancel.cancelled() => {}
                () = closing.cancelled() => {}
            }
        });
    }

    /// Stops a run, and returns when it has ended. A run that is over already is no error.
    pub(crate) async fn stop(&self, id: &RunId) -> Result<(), Fault> {
        let run = self.find(id).ok_or_else(|| Fault::new(FaultCode::NotFound))?;
        run.stop.cancel();
        self.ended(id).await;
        Ok(())
    }

    /// Stops every run that writes into `conversation`, and waits until they have ended.
    pub(crate) async fn stop_all_in(&self, conversation: &ConversationId) {
        let concerned: Vec<RunId> = self
            .active()
            .values()
            .filter(|run| run.conversation == *conversation)
            .map(|run| {
                run.stop.cancel();
                run.id.clone()
            })
            .collect();
        for id in concerned {
            self.ended(&id).await;
        }
    }

    /// Tells `listener` the events of a run after number `after`, missed and coming.
    pub(crate) fn attach(
        &self,
        id: &RunId,
        after: u64,
        listener: Arc<dyn Sink<RunEvent>>,
    ) -> Result<(), Fault> {
        let run = self.find(id).ok_or_else(|| Fault::new(FaultCode::NotFound))?;
        run.attach(after, listener);
        Ok(())
    }

    /// The runs in flight.
    pub(crate) fn list(&self) -> Vec<ActiveRun> {
        let mut list: Vec<ActiveRun> = self
            .active()
            .values()
            .map(|run| ActiveRun {
                run: run.id.clone(),
                conversation: run.conversation.clone(),
                message: run.message.clone(),
            })
            .collect();
        list.sort_by(|one, other| one.run.cmp(&other.run));
        list
    }

    /// The run that writes `message`, if one does.
    pub(crate) fn writing(&self, message: &MessageId) -> Option<RunId> {
        self.active().values().find(|run| run.message == *message).map(|run| run.id.clone())
    }

    /// A run writes into `conversation`.
    pub(crate) fn writes_into(&self, conversation: &ConversationId) -> bool {
        self.active().values().any(|run| run.conversation == *conversation)
    }

    /// Asks everything to end, and waits for it at most `limit`.
    pub(crate) async fn close(&self, limit: std::time::Duration) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(limit, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.shared.tasks.len(), "work was still going on when the engine closed");
        }
    }

    async fn ended(&self, id: &RunId) {
        // The log tells when: a listener of its own that hears the last event. The work may still be storing.
        let Some(run) = self.active().get(id).cloned() else { return };
        let (listener, mut events) = tokio::sync::mpsc::unbounded_channel::<RunEvent>();
        run.attach(0, Arc::new(listener));
        drop(run);
        while let Some(event) = events.recv().await {
            if event.what.is_last() {
                break;
            }
        }
    }

    fn find(&self, id: &RunId) -> Option<Arc<Run>> {
        let active = self.active().get(id).cloned();
        active.or_else(|| self.ended_runs().iter().find(|run| run.id == *id).cloned())
    }

    fn active(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Run>>> {
        self.shared.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended_runs(&self) -> MutexGuard<'_, VecDeque<Arc<Run>>> {
        self.shared.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that a run leaves however its work ends.
struct Leaving {
    runs: Runs,
    run: Arc<Run>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.runs.leave(&self.run);
        self.run.log().listeners.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Nowhere;
    use domain::Block;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    fn begin(runs: &Runs) -> Arc<Run> {
        runs.enter("run".into(), "conversation".into(), "message".into(), Arc::new(Nowhere))
    }

    fn patch(from: u32, blocks: &[&str]) -> RunStep {
        let blocks = blocks.iter().map(|html| Block { html: (*html).to_owned() }).collect();
        RunStep::Patch { from, blocks }
    }

    /// What a window shows after these events.
    fn painted(events: &mut UnboundedReceiver<RunEvent>) -> Vec<String> {
        let mut shown: Vec<String> = Vec::new();
        while let Ok(event) = events.try_recv() {
            if let RunStep::Patch { from, blocks } = event.what {
                shown.truncate(from as usize);
                shown.extend(blocks.into_iter().map(|block| block.html));
            }
        }
        shown
    }

    #[tokio::test]
    async fn a_window_that_opens_later_is_told_what_it_missed_without_gaps() {
        let runs = Runs::default();
        let run = begin(&runs);
        run.tell(RunStep::Started);
        run.tell(patch(0, &["a"]));
        run.tell(patch(0, &["a b"]));
        run.tell(patch(1, &["c"]));
        let (listener, mut events) = unbounded_channel::<RunEvent>();
        runs.attach(&"run".into(), 1, Arc::new(listener)).unwrap();
        run.tell(patch(1, &["c d", "e"]));
        let seen: Vec<u64> = std::iter::from_fn(|| events.try_recv().ok()).map(|event| event.seq).collect();
        assert_eq!(seen, [2, 3, 4, 5]);
    }

    #[tokio::test]
    async fn the_log_holds_each_block_once_and_replays_to_the_same_picture() {
        let runs = Runs::default();
        let run = begin(&runs);
        let (early, mut seen_early) = unbounded_channel::<RunEvent>();
        runs.attach(&"run".into(), 0, Arc::new(early)).unwrap();
        let steps: [(u32, &[&str]); 7] = [
            (0, &["a"]),
            (0, &["a", "b"]),
            (1, &["bb", "c"]),
            (2, &["cc", "d", "e"]),
            (1, &["B", "C"]),
            (3, &["D"]),
            (3, &["D", "E"]),
        ];
        for (from, blocks) in steps {
            run.tell(patch(from, blocks));
        }
        let (late, mut seen_late) = unbounded_channel::<RunEvent>();
        runs.attach(&"run".into(), 0, Arc::new(late)).unwrap();
        assert_eq!(painted(&mut seen_late), ["a", "B", "C", "D", "E"]);
        assert_eq!(painted(&mut seen_early), ["a", "B", "C", "D", "E"]);
        let kept: usize = run
            .log()
            .events
            .iter()
            .map(|event| if let RunStep::Patch { blocks, .. } = &event.what { blocks.len() } else { 0 })
            .sum();
        assert_eq!(kept, 5, "each block that is shown is kept once");
    }

    #[tokio::test]
    async fn a_run_is_active_until_its_work_returns_and_can_be_asked_for_afterwards() {
        let runs = Runs::default();
        let run = begin(&runs);
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        runs.work(Arc::clone(&run), async move {
            let _gone_is_fine = wait.await;
        });
        assert_eq!(runs.list().len(), 1);
        assert_eq!(runs.writing(&"message".into()), Some("run".into()));
        go.send(()).unwrap();
        runs.close(std::time::Duration::from_secs(1)).await;
        assert!(runs.list().is_empty());
        let (listener, _events) = unbounded_channel::<RunEvent>();
        assert!(runs.attach(&"run".into(), 0, Arc::new(listener)).is_ok(), "a moment too late is in time");
    }

    #[tokio::test]
    async fn stopping_waits_until_the_run_has_ended() {
        let runs = Runs::default();
        let run = begin(&runs);
        let working = Arc::clone(&run);
        let registry = runs.clone();
        runs.work(run, async move {
            let halt = working.halted().await;
            assert_eq!(halt, Halt::Stopped);
            // Storing what arrived takes a while.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            registry.leave(&working);
        });
        runs.stop(&"run".into()).await.unwrap();
        assert!(!runs.writes_into(&"conversation".into()), "the next message may be sent");
    }

    #[tokio::test]
    async fn stopping_an_unknown_run_says_that_it_is_not_there() {
        let fault = Runs::default().stop(&"nothing".into()).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::NotFound);
    }

    #[tokio::test]
    async fn closing_drops_quiet_work() {
        let runs = Runs::default();
        runs.quietly(CancellationToken::new(), std::future::pending());
        runs.close(std::time::Duration::from_secs(1)).await;
        assert_eq!(runs.shared.tasks.len(), 0);
    }
}
