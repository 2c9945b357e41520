//! One answer being written: from the open stream to the disk and to the window, until something ends it.
//!
//! One task, one loop. It reads the stream, and beside it lets two pieces of blocking work run on their own threads:
//! the journal's write and the painter's rendering. Neither is waited for in place, so that Stop, which closes the
//! connection by dropping the stream, is never behind a slow disk.

use super::Words;
use super::arrived::Arrived;
use super::ending::{Ended, Outcome};
use super::journal::Journal;
use super::painter::{Painted, Painter};
use crate::Engine;
use crate::accounts::Caller;
use crate::pace::{self, Pace};
use crate::runs::Run;
use crate::sink::Sink;
use domain::{Fault, Message, RunStep};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::Store;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;
use workers_ai::{ChatRequest, ChatStream, Delta, Wait};

/// Everything that writing an answer needs.
pub(crate) struct Answer {
    pub(crate) engine: Engine,
    pub(crate) run: Arc<Run>,
    pub(crate) caller: Caller,
    /// The store that holds the conversation.
    pub(crate) home: Store,
    /// The answer as far as it came, when it is continued.
    pub(crate) before: Option<Message>,
    /// Told what arrives, as it was received.
    pub(crate) words: Option<Arc<dyn Sink<Words>>>,
    /// Numbers of the passages handed to the model.
    pub(crate) citations: BTreeSet<u32>,
}

/// A write of the journal that is going on.
type Flush = JoinHandle<Result<(), Fault>>;

struct Writing<'a> {
    answer: &'a Answer,
    arrived: Arrived,
    journal: Journal,
    flush: Option<Flush>,
    /// The parameters that were dropped are on disk, if there are any.
    is_noted: bool,
    pace: Pace,
    painter: Painter,
}

impl Answer {
    /// Sends the request and writes what comes, until the answer ends. Always returns: how it ended, and what arrived.
    pub(crate) async fn write(&self, request: ChatRequest) -> Ended {
        let arrived = Arrived::after(self.before.as_ref());
        let mut writing = Writing {
            answer: self,
            journal: Journal::default(),
            flush: None,
            is_noted: true,
            pace: Pace::every(pace::FRAME),
            painter: Painter::new(&arrived.text, self.citations.clone(), self.engine.render_limit()),
            arrived,
        };
        let outcome = match writing.open(request).await {
            Ok(stream) => {
                writing.tell_dropped(stream.dropped_keys());
                writing.read(stream).await
            }
            Err(outcome) => outcome,
        };
        // The order of writes: a part must not come after the end.
        writing.flushed().await;
        Ended { outcome, arrived: writing.arrived }
    }
}

impl Writing<'_> {
    /// Opens the stream. Pauses before another try are told as they begin.
    async fn open(&mut self, request: ChatRequest) -> Result<ChatStream, Outcome> {
        let run = &self.answer.run;
        let (teller, mut waits) = unbounded_channel();
        let client = self.answer.caller.client.on_wait(move |wait| {
            // Who does not listen any more has ended the run.
            let _unheard = teller.send(wait);
        });
        run.tell(RunStep::Started);
        self.arrived.asked();
        let opening = client.chat(&request);
        tokio::pin!(opening);
        loop {
            tokio::select! {
                biased;
                halt = run.halted() => return Err(Outcome::Halted(halt)),
                Some(wait) = waits.recv() => run.tell(self.waiting(wait)),
                opened = &mut opening => return opened.map_err(|error| self.failed(&error)),
            }
        }
    }

    /// Reads the stream to its end. Returning drops it, which closes the connection.
    async fn read(&mut self, mut stream: ChatStream) -> Outcome {
        if !self.arrived.text.is_empty() {
            self.pace.changed();
        }
        let outcome = loop {
            tokio::select! {
                biased;
                halt = self.answer.run.halted() => break Outcome::Halted(halt),
                done = flush_done(&mut self.flush) => self.after_flush(done),
                painted = self.painter.painted() => {
                    self.tell_painted(painted);
                    if self.painter.is_behind() {
                        self.pace.changed();
                    }
                }
                () = self.pace.due(), if !self.painter.is_painting() => self.paint(),
                () = self.journal.due(), if self.flush.is_none() => self.begin_flush(),
                delta = stream.next() => match delta {
                    Ok(Some(delta)) => self.take(delta),
                    Ok(None) => break Outcome::Whole,
                    Err(error) => break self.failed(&error),
                },
            }
        };
        drop(stream);
        outcome
    }

    fn tell_dropped(&mut self, parameters: &[String]) {
        if !parameters.is_empty() {
            self.arrived.without(parameters);
            self.is_noted = false;
            self.journal.arrived(parameters.iter().map(String::len).sum());
            self.answer.run.tell(RunStep::Dropped { parameters: parameters.to_vec() });
        }
    }

    fn waiting(&self, wait: Wait) -> RunStep {
        let delay_ms = u64::try_from(wait.delay.as_millis()).unwrap_or(u64::MAX);
        RunStep::Waiting { fault: self.answer.caller.cleaned(wait.fault), attempt: wait.attempt, delay_ms }
    }

    fn failed(&self, error: &workers_ai::Error) -> Outcome {
        Outcome::Failed(self.answer.caller.fault(error))
    }

    fn take(&mut self, delta: Delta) {
        if let Delta::Text(text) = &delta {
            self.painter.push(text);
        }
        self.tell_words(&delta);
        let bytes = self.arrived.take(delta);
        self.journal.arrived(bytes);
        if bytes > 0 {
            self.pace.changed();
        }
    }

    fn tell_words(&self, delta: &Delta) {
        let Some(listener) = &self.answer.words else { return };
        let words = match delta {
            Delta::Text(text) => Words::Text(text.clone()),
            Delta::Thinking(text) => Words::Thinking(text.clone()),
            _ => return,
        };
        // Who does not listen any more can still read the answer when it is whole.
        let _unheard = listener.send(words);
    }

    fn paint(&mut self) {
        self.pace.sent();
        if self.arrived.has_untold_thinking()
            && let Some(text) = self.arrived.untold_thinking()
        {
            self.answer.run.tell(RunStep::Thinking { text });
        }
        let painted = self.painter.paint();
        self.tell_painted(painted);
    }

    fn tell_painted(&self, painted: Option<Painted>) {
        let Some(Painted { from, blocks }) = painted else { return };
        for (from, blocks) in pace::split(from, blocks) {
            self.answer.run.tell(RunStep::Patch { from, blocks });
        }
    }

    fn begin_flush(&mut self) {
        self.journal.taken();
        let (text, thinking) = (self.arrived.text.clone(), self.arrived.thinking.clone());
        let dropped = (!self.is_noted).then(|| self.arrived.dropped_parameters.clone());
        // What is dropped while this is written waits for the next time.
        self.is_noted = true;
        let (home, message) = (self.answer.home.clone(), self.answer.run.message.clone());
        self.flush = Some(tokio::task::spawn_blocking(move || {
            // First: what is on disk of the text never lacks the note.
            if let Some(dropped) = dropped {
                home.note_dropped_parameters(&message, &dropped).map_err(|error| error.fault())?;
            }
            home.journal_answer(&message, &text, &thinking).map_err(|error| error.fault())?;
            // The tests of crashes believe this line.
            tracing::trace!(target: "engine::journal", "ack:stored {} {message}", text.len());
            Ok(())
        }));
    }

    /// Notes how a write came out. A disk that refuses is told to the whole window; the text stays in memory, and the
    /// next write, after a pause, holds it all.
    fn after_flush(&mut self, done: Result<(), Fault>) {
        self.flush = None;
        self.answer.engine.saving().note(done.as_ref().err());
        match done {
            Ok(()) => self.journal.written(),
            Err(_) => {
                self.is_noted = self.arrived.dropped_parameters.is_empty();
                self.journal.refused();
            }
        }
    }

    async fn flushed(&mut self) {
        if self.flush.is_some() {
            let done = flush_done(&mut self.flush).await;
            self.after_flush(done);
        }
    }
}

/// Waits for the write that is going on; for ever when there is none. May be dropped and called again.
async fn flush_done(flush: &mut Option<Flush>) -> Result<(), Fault> {
    let Some(work) = flush else { return std::future::pending().await };
    match work.await {
        Ok(done) => done,
        Err(panic) => Err(Fault::new(domain::FaultCode::Internal).with_detail(panic.to_string())),
    }
}
