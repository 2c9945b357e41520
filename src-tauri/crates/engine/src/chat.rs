//! Asking and answering.
//!
//! A method that begins a run returns when its messages are on disk; everything after that is told on the listener,
//! and goes on without one. Contents: `turn` (how one begins) · `work` (its work, to the stored end) · `prompt` and
//! `wire` (what is sent) · `answer` (the loop of a stream) · `arrived`, `journal`, `painter`, `ending` (its parts) ·
//! `title` · [`retrieval`] (the seam to the library) · `meter` · `copying`.

mod answer;
mod arrived;
mod copying;
mod drawing;
mod ending;
mod journal;
pub(crate) mod meter;
pub(crate) mod painter;
mod prompt;
pub mod retrieval;
pub(crate) mod title;
mod turn;
mod wire;
mod work;

use crate::Engine;
use crate::error::{Error, invalid};
use crate::sink::Sink;
use domain::{
    ActiveRun, AttachmentId, ContextMeter, ConversationId, ConversationOptions, CopyForm, Fault, Message,
    MessageId, MessageStatus, ModelId, Role, RunEvent, RunId, SendRequest, Started,
};
use std::sync::Arc;
use store::Place;
use turn::{Conversation, Order, Question};

/// What a model said, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// More of the answer.
    Text(String),
    /// More of the thoughts.
    Thinking(String),
}

/// The use cases about asking and answering. Made by [`Engine::chat`].
#[derive(Clone)]
pub struct Chat {
    pub(crate) engine: Engine,
}

impl Chat {
    /// Sends a message and has it answered.
    ///
    /// # Errors
    /// `InvalidInput` for an empty message, or while the message that it follows is being written; the account's
    /// (`NoAccount`, the keychain's states), `CapReached`, and the store's. Nothing was stored then. Whatever fails
    /// later is told by the run and kept on the answer.
    pub async fn send_message(
        &self,
        request: SendRequest,
        events: impl Sink<RunEvent>,
    ) -> Result<Started, Fault> {
        let order = self.order(request)?;
        self.begin(order, events).await
    }

    /// As [`Chat::send_message`], and tells `words` what arrives as it was received, beside the rendered events.
    ///
    /// # Errors
    /// As [`Chat::send_message`].
    pub async fn send_and_tell(
        &self,
        request: SendRequest,
        events: impl Sink<RunEvent>,
        words: impl Sink<Words>,
    ) -> Result<Started, Fault> {
        let order = self.order(request)?;
        turn::begin(&self.engine, order, Arc::new(events), Some(Arc::new(words))).await
    }

    fn order(&self, request: SendRequest) -> Result<Order, Fault> {
        let SendRequest { conversation, parent, text, attachments, options, temporary, draft } = request;
        let question = Question { left: draft, ..question(text, attachments)? };
        let conversation = match conversation {
            Some(id) => {
                if parent.is_none() && self.engine.runs().writes_into(&id) {
                    return Err(invalid("the last answer is still being written"));
                }
                Conversation::Existing(id)
            }
            None => Conversation::New { options: Box::new(self.options(options)), temporary },
        };
        let place = parent.map_or(Place::End, Place::After);
        Ok(Order::Ask { conversation, place, question: Some(question), model: None })
    }

    /// Has a question answered once more, also by another model. The former answer stays as a version. `message` is an
    /// answer, or a question that has none.
    ///
    /// # Errors
    /// As [`Chat::send_message`].
    pub async fn regenerate(
        &self,
        message: MessageId,
        model: Option<ModelId>,
        events: impl Sink<RunEvent>,
    ) -> Result<Started, Fault> {
        let message = self.message(message).await?;
        let place = match (message.role, message.parent) {
            (Role::User, _) => Place::After(message.id),
            (Role::Assistant, Some(parent)) => Place::After(parent),
            (Role::Assistant, None) => return Err(invalid("an answer without a question")),
        };
        let conversation = Conversation::Existing(message.conversation);
        self.begin(Order::Ask { conversation, place, question: None, model }, events).await
    }

    /// Asks something else at the place of a message of the person's. The former branch stays as a version.
    ///
    /// # Errors
    /// `InvalidInput` when `message` is an answer; else as [`Chat::send_message`].
    pub async fn edit_message(
        &self,
        message: MessageId,
        text: String,
        attachments: Vec<AttachmentId>,
        events: impl Sink<RunEvent>,
    ) -> Result<Started, Fault> {
        let question = question(text, attachments)?;
        let message = self.message(message).await?;
        if message.role != Role::User {
            return Err(invalid("only a message of the person's can be edited"));
        }
        let (conversation, place) = (Conversation::Existing(message.conversation), Place::Beside(message.id));
        self.begin(Order::Ask { conversation, place, question: Some(question), model: None }, events).await
    }

    /// Goes on with an answer that was cut, stopped, or ended at its limit of tokens. The same message grows.
    ///
    /// # Errors
    /// `InvalidInput` when it is no answer or is being written; else as [`Chat::send_message`].
    pub async fn continue_answer(
        &self,
        message: MessageId,
        events: impl Sink<RunEvent>,
    ) -> Result<Started, Fault> {
        let answer = self.message(message.clone()).await?;
        if answer.role != Role::Assistant || answer.status == MessageStatus::Streaming {
            return Err(invalid("this message cannot be continued"));
        }
        self.begin(Order::Continue(message), events).await
    }

    /// Stops a run. The connection is closed at once; this returns when what arrived is stored and the run's last event
    /// was told, so that the next message can be sent.
    ///
    /// # Errors
    /// `NotFound` for a run that was never there or ended long ago.
    pub async fn stop_run(&self, run: &RunId) -> Result<(), Fault> {
        self.engine.runs().stop(run).await
    }

    /// Tells `events` all that a run said after the event numbered `after`, and what it says from now on.
    ///
    /// # Errors
    /// `NotFound` for a run that is over: its message says how it ended.
    pub async fn attach_run(
        &self,
        run: &RunId,
        after: u64,
        events: impl Sink<RunEvent>,
    ) -> Result<(), Fault> {
        self.engine.runs().attach(run, after, Arc::new(events))
    }

    /// The runs in flight.
    pub fn active_runs(&self) -> Vec<ActiveRun> {
        self.engine.runs().list()
    }

    /// How full the context window would be if the draft were sent now.
    ///
    /// # Errors
    /// `NotFound` for an unknown conversation, or the store's.
    pub async fn context_meter(
        &self,
        conversation: Option<ConversationId>,
        options: ConversationOptions,
        draft: String,
        attachments: Vec<AttachmentId>,
    ) -> Result<ContextMeter, Fault> {
        meter::read(&self.engine, conversation, options, draft, attachments).await
    }

    /// An answer as Markdown, or the call behind it as a program without the key.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn copy_message(&self, message: MessageId, form: CopyForm) -> Result<String, Fault> {
        copying::copy(&self.engine, message, form).await
    }

    async fn begin(&self, order: Order, events: impl Sink<RunEvent>) -> Result<Started, Fault> {
        turn::begin(&self.engine, order, Arc::new(events), None).await
    }

    /// The settings of a new conversation: the person's system prompt where none is given.
    fn options(&self, given: Option<ConversationOptions>) -> ConversationOptions {
        given.unwrap_or_else(|| ConversationOptions {
            system: self.engine.in_force().now().system_prompt,
            ..ConversationOptions::default()
        })
    }

    async fn message(&self, id: MessageId) -> Result<Message, Fault> {
        self.engine
            .database()
            .read(move |shelf| Ok::<_, Error>(shelf.home_of(&id).message(&id)?.message))
            .await
    }
}

fn question(text: String, attachments: Vec<AttachmentId>) -> Result<Question, Fault> {
    if text.trim().is_empty() && attachments.is_empty() {
        return Err(invalid("an empty message"));
    }
    Ok(Question { text, attachments, left: None })
}
