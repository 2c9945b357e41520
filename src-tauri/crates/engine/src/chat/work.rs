//! The work of a turn whose messages are on disk: passages, context, stream, end. Whatever happens here ends in one
//! [`Ending`] and one last event, also a defect.

use super::answer::Answer;
use super::arrived::Arrived;
use super::ending::{Ended, Outcome};
use super::journal;
use super::prompt::{self, Prompt, Talk};
use super::retrieval::{self, Passages, Wanted};
use super::title;
use super::turn::Turn;
use crate::Engine;
use crate::runs::{Halt, Run};
use crate::saving::is_trouble;
use crate::{context, usage, views};
use domain::{
    AppEvent, Fault, FaultCode, LedgerEntry, Message, MessageStatus, MessageView, RunStep, SourceRef, Usage,
};
use std::sync::Arc;
use store::{Ending, Store, StoredMessage};

/// How often a talk that a model finds too long is shortened and sent again.
const SHRINKS: u32 = 2;

/// What is left of a turn whose work panicked.
pub(super) struct Lost {
    engine: Engine,
    run: Arc<Run>,
    home: Store,
}

impl Lost {
    pub(super) fn of(turn: &Turn) -> Self {
        Self { engine: turn.engine.clone(), run: Arc::clone(&turn.run), home: turn.home.clone() }
    }

    /// Ends the answer with what the journal holds.
    pub(super) async fn end(self) {
        let fault = Fault::new(FaultCode::Internal);
        let (home, message, at) = (self.home.clone(), self.run.message.clone(), self.engine.now());
        let told = fault.clone();
        let stored = self
            .engine
            .database()
            .write(move |_| {
                let before = home.message(&message)?.message;
                home.end_answer(&Ending {
                    message: message.clone(),
                    status: MessageStatus::Interrupted,
                    text: before.text,
                    thinking: before.thinking,
                    thinking_ms: before.thinking_ms,
                    fault: Some(fault),
                    finish: None,
                    usage: before.usage,
                    first_token_ms: None,
                    stream_ms: None,
                    tool_calls: Vec::new(),
                    sources: before.sources,
                    pictures: Vec::new(),
                    dropped_parameters: before.dropped_parameters,
                    ledger: Vec::new(),
                    at,
                })?;
                Ok(home.message(&message)?)
            })
            .await;
        if let Ok(message) = stored {
            self.engine.runs().leave(&self.run);
            let view = Box::new(views::view(&self.engine, message).await);
            self.run.tell(RunStep::Failed { fault: told, view });
        }
    }
}

impl Turn {
    /// The run's work, to its last event.
    pub(super) async fn work(self) {
        if let Some(request) = self.picture_wanted().await {
            return self.draw(request).await;
        }
        let mut sources = Vec::new();
        let mut tokens = 0;
        let ended = self.answered(&mut sources, &mut tokens).await;
        self.end(ended, sources, tokens).await;
    }

    /// Passages, context and answer. The room in a model's window is an estimate of ours: when the model finds the talk
    /// too long after all, it is asked again with less of it, as long as something can be left out.
    async fn answered(&self, sources: &mut Vec<SourceRef>, tokens: &mut u32) -> Ended {
        let before = self.continued.then_some(&self.answer.message);
        let unsent = |outcome| Ended { outcome, arrived: Arrived::after(before) };
        let passages = match self.unless_halted(self.found(sources)).await {
            Ok(passages) => passages,
            Err(outcome) => return unsent(outcome),
        };
        let answer = self.answer_with(before, sources);
        let mut window = self.setting.model.context_window;
        let mut shrinks = 0;
        loop {
            let prompt = match self.unless_halted(self.prompt(passages.clone(), window)).await {
                Ok(prompt) => prompt,
                Err(outcome) => return unsent(outcome),
            };
            *tokens = prompt.tokens;
            let ended = answer.write(prompt.request).await;
            if !ended.is_too_long() || !prompt.can_shrink || shrinks == SHRINKS {
                return ended;
            }
            shrinks += 1;
            // What was sent is the measure, not the window: one of the two was judged wrongly.
            let room = context::answer_room(&self.setting.model, &self.setting.options.parameters);
            window = Some(tokens.saturating_add(room) / 10 * 7);
        }
    }

    /// Does work that comes before the request. It can be halted at any point.
    pub(super) async fn unless_halted<T>(
        &self,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Outcome> {
        tokio::select! {
            halt = self.run.halted() => Err(Outcome::Halted(halt)),
            done = work => done.map_err(Outcome::Failed),
        }
    }

    fn answer_with(&self, before: Option<&Message>, sources: &[SourceRef]) -> Answer {
        Answer {
            engine: self.engine.clone(),
            run: Arc::clone(&self.run),
            caller: self.caller.clone(),
            home: self.home.clone(),
            before: before.cloned(),
            words: self.words.clone(),
            citations: sources.iter().map(|source| source.n).collect(),
        }
    }

    /// The passages of this turn, told and remembered.
    async fn found(&self, sources: &mut Vec<SourceRef>) -> Result<Option<Passages>, Fault> {
        let passages = self.passages().await?;
        if let Some(Passages { sources: found, considered }) = &passages {
            sources.clone_from(found);
            self.run.tell(RunStep::Sources { sources: found.clone(), considered: *considered });
        }
        Ok(passages)
    }

    /// The request, with as much of the talk as fits into `window` tokens.
    async fn prompt(&self, passages: Option<Passages>, window: Option<u32>) -> Result<Prompt, Fault> {
        let (home, mut setting) = (self.home.clone(), self.setting.clone());
        setting.model.context_window = window;
        // A new answer is empty and says nothing; one that is continued is the end of the talk.
        let leaf = self.answer.message.id.clone();
        let prompt = self
            .engine
            .database()
            .read(move |_| {
                let talk = Talk::read(&home, &setting.conversation, Some(&leaf), &setting.model)?;
                Ok(prompt::build(&setting, talk, passages.as_ref()))
            })
            .await?;
        if prompt.left_out > 0 {
            let messages = u32::try_from(prompt.left_out).unwrap_or(u32::MAX);
            self.run.tell(RunStep::LeftOut { messages });
        }
        Ok(prompt)
    }

    /// Passages for the question, when the conversation has something to look in. A continued answer keeps its own.
    async fn passages(&self) -> Result<Option<Passages>, Fault> {
        if self.continued && !self.answer.message.sources.is_empty() {
            let sources = self.answer.message.sources.clone();
            return Ok(Some(Passages {
                considered: u32::try_from(sources.len()).unwrap_or(u32::MAX),
                sources,
            }));
        }
        if !retrieval::is_wanted(&self.setting.options) {
            return Ok(None);
        }
        let room = self.setting.model.context_window.unwrap_or(8_192);
        let wanted = Wanted {
            conversation: self.setting.conversation.clone(),
            answer: self.answer.message.id.clone(),
            options: self.setting.options.clone(),
            question: self.question().await?.unwrap_or_default(),
            first_number: 1,
            // Half of what the answer leaves: the question and the talk need the rest.
            budget: room
                .saturating_sub(context::answer_room(&self.setting.model, &self.setting.options.parameters))
                / 2,
        };
        match self.engine.retriever() {
            Some(retriever) => retriever.retrieve(wanted).await.map(Some),
            None => self.engine.library().retrieve(wanted).await.map(Some),
        }
    }

    /// The words of the question that is answered.
    pub(super) async fn question(&self) -> Result<Option<String>, Fault> {
        let Some(parent) = self.answer.message.parent.clone() else { return Ok(None) };
        let home = self.home.clone();
        self.engine.database().read(move |_| Ok(Some(home.message(&parent)?.message.text))).await
    }

    /// Stores how it ended, and tells it: to who listens, to the sidebar, to the count of the day.
    async fn end(&self, ended: Ended, sources: Vec<SourceRef>, tokens: u32) {
        let usage = self.usage(&ended, tokens);
        let entry = usage.clone().map(|usage| self.ledger_entry(usage));
        let (own, disk) = if self.temporary { (None, entry) } else { (entry, None) };
        let ledger = own.into_iter().collect();
        let ending = ended.ending(&self.run.message, sources, ledger, usage, self.engine.now());
        self.store(&ended, &ending, disk).await;
        self.tell_summary().await;
        self.engine.usage().tell_today().await;
        self.make_title(&ended).await;
    }

    /// Writes the end, once or as often as it takes: a disk that is full keeps nobody from reading the answer, and gets
    /// it when there is space again.
    pub(super) async fn store(&self, ended: &Ended, ending: &Ending, disk: Option<LedgerEntry>) {
        let mut told = false;
        let mut failures = 0;
        loop {
            let (home, ending_copy, line) = (self.home.clone(), ending.clone(), disk.clone());
            let stored = self
                .engine
                .database()
                .write(move |shelf| {
                    home.end_answer(&ending_copy)?;
                    if let Some(line) = &line {
                        shelf.disk.add_to_ledger(line)?;
                    }
                    Ok(home.message(&ending_copy.message)?)
                })
                .await;
            let trouble = stored.as_ref().err().is_some_and(|fault| is_trouble(fault.code));
            if let Err(fault) = &stored {
                tracing::warn!(code = ?fault.code, "the end of an answer could not be stored");
            }
            if !trouble {
                // Before the last event: who hears it may begin the next turn at once.
                self.engine.runs().leave(&self.run);
            }
            if !told {
                let view = match stored {
                    Ok(message) => views::view(&self.engine, message).await,
                    Err(_) => self.unstored_view(ending).await,
                };
                self.run.tell(ended.step(MessageView { run: None, ..view }));
                told = true;
            }
            if !trouble {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(journal::pause(failures)) => failures += 1,
                () = self.run.closing() => return,
            }
        }
    }

    /// The message as it would be on disk.
    async fn unstored_view(&self, ending: &Ending) -> MessageView {
        let ending = ending.clone();
        let message = Message {
            text: ending.text,
            thinking: ending.thinking,
            thinking_ms: ending.thinking_ms,
            status: ending.status,
            fault: ending.fault,
            finish: ending.finish,
            usage: ending.usage,
            first_token_ms: ending.first_token_ms,
            stream_ms: ending.stream_ms,
            tool_calls: ending.tool_calls,
            sources: ending.sources,
            pictures: ending.pictures,
            dropped_parameters: ending.dropped_parameters,
            ..self.answer.message.clone()
        };
        views::view(&self.engine, StoredMessage { message, ..self.answer.clone() }).await
    }

    /// What it cost: what the service said, or an estimate of what came before it ended. A request that was refused
    /// before anything arrived cost nothing.
    fn usage(&self, ended: &Ended, tokens: u32) -> Option<Usage> {
        let arrived = &ended.arrived;
        if arrived.usage.is_none() && !arrived.anything() {
            return None;
        }
        let output = context::tokens(arrived.new_text()).saturating_add(context::tokens(&arrived.thinking));
        Some(usage::complete(arrived.usage.clone(), &self.setting.model, tokens, output))
    }

    fn ledger_entry(&self, spent: Usage) -> LedgerEntry {
        let conversation = (!self.temporary).then(|| self.setting.conversation.clone());
        usage::entry(&self.engine, &self.caller, &self.setting.model, "chat", conversation, spent)
    }

    pub(super) async fn tell_summary(&self) {
        let (home, id) = (self.home.clone(), self.summary.id.clone());
        // A conversation that went meanwhile has no row to tell of.
        if let Ok(conversation) = self.engine.database().read(move |_| Ok(home.conversation(&id)?)).await {
            self.engine.news().tell(&AppEvent::ConversationChanged { conversation });
        }
    }

    /// The first answer that came to something names the conversation.
    pub(super) async fn make_title(&self, ended: &Ended) {
        let untitled = self.summary.title.is_empty() && !self.summary.renamed;
        let something = !ended.arrived.text.trim().is_empty() && ended.status() != MessageStatus::Failed;
        if !untitled || !something || ended.outcome == Outcome::Halted(Halt::Closing) {
            return;
        }
        if let Ok(Some(question)) = self.question().await {
            title::make(self, question, ended.arrived.text.clone());
        }
    }
}
