//! How a turn begins: [`begin`] commits the message, the empty answer and the run before anything leaves the machine,
//! and returns. The rest is the run's own work (`work.rs`).

use super::Words;
use super::prompt::Setting;
use super::work::Lost;
use crate::Engine;
use crate::accounts::Caller;
use crate::runs::Run;
use crate::sink::Sink;
use crate::views;
use domain::{
    AppEvent, AttachmentId, ConversationId, ConversationOptions, ConversationSummary, Draft, Fault,
    MessageId, ModelId, PathItem, RunEvent, RunId, Started,
};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use store::{NewConversation, NewMessage, Place, Store, StoredMessage, Where};

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    /// Ask something (`question`) at a place of a conversation, or have the question there answered once more.
    Ask {
        /// In an existing conversation, or a new one.
        conversation: Conversation,
        /// Where in it.
        place: Place,
        /// What is asked; `None` when the question is there already.
        question: Option<Question>,
        /// Another model for this one answer.
        model: Option<ModelId>,
    },
    /// Go on with an answer that was cut.
    Continue(MessageId),
}

/// Where an order goes.
#[derive(Debug, Clone)]
pub(crate) enum Conversation {
    /// It exists.
    Existing(ConversationId),
    /// It begins with this turn.
    New {
        /// Its settings.
        options: Box<ConversationOptions>,
        /// It leaves no trace.
        temporary: bool,
    },
}

/// A message of the person.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Its words.
    pub(crate) text: String,
    /// Files with it.
    pub(crate) attachments: Vec<AttachmentId>,
    /// What the draft becomes with it; as it was when absent.
    pub(crate) left: Option<Draft>,
}

/// A turn whose messages are on disk.
pub(crate) struct Turn {
    pub(crate) engine: Engine,
    pub(crate) run: Arc<Run>,
    pub(crate) caller: Caller,
    pub(crate) home: Store,
    pub(crate) temporary: bool,
    pub(super) setting: Setting,
    pub(super) summary: ConversationSummary,
    /// The answer as it was when the turn began.
    pub(super) answer: StoredMessage,
    /// It is continued.
    pub(super) continued: bool,
    /// Told what arrives, as it was received.
    pub(super) words: Option<Arc<dyn Sink<Words>>>,
}

/// What begins a turn left on disk.
struct Committed {
    home: Store,
    summary: ConversationSummary,
    question: Option<StoredMessage>,
    answer: StoredMessage,
    path: Vec<PathItem>,
}

/// Stores the turn's messages, begins its run, and returns what was begun. Nothing was sent yet.
pub(crate) async fn begin(
    engine: &Engine,
    order: Order,
    listener: Arc<dyn Sink<RunEvent>>,
    words: Option<Arc<dyn Sink<Words>>>,
) -> Result<Started, Fault> {
    let caller = engine.accounts().caller().await?;
    engine.usage().keep_within_cap(&caller).await?;
    let setting = setting(engine, &order).await?;
    let run: RunId = engine.new_id();
    let committed = commit(engine, order.clone(), &setting, run.clone()).await?;
    let Committed { home, summary, question, answer, path } = committed;
    let entered = engine.runs().enter(run.clone(), summary.id.clone(), answer.message.id.clone(), listener);
    let started = Started {
        run,
        conversation: summary.clone(),
        question: match question {
            Some(question) => Some(views::view(engine, question).await),
            None => None,
        },
        answer: views::view(engine, answer.clone()).await,
        path,
    };
    let turn = Turn {
        engine: engine.clone(),
        run: Arc::clone(&entered),
        caller,
        temporary: summary.temporary,
        setting: Setting { conversation: summary.id.clone(), ..setting },
        home,
        summary: summary.clone(),
        answer,
        continued: matches!(order, Order::Continue(_)),
        words,
    };
    engine.news().tell(&AppEvent::ConversationChanged { conversation: summary });
    // While the model is still silent: who only reads old conversations does not pay for it.
    tokio::task::spawn_blocking(render::warm_up);
    let lost = Lost::of(&turn);
    engine.runs().work(entered, async move {
        // A defect ends this answer, and neither leaves it streaming for ever nor keeps others from being written.
        if AssertUnwindSafe(turn.work()).catch_unwind().await.is_err() {
            lost.end().await;
        }
    });
    Ok(started)
}

/// The options and the model that hold for a turn.
async fn setting(engine: &Engine, order: &Order) -> Result<Setting, Fault> {
    let (conversation, options, model) = match order {
        Order::Continue(message) => {
            let message = message.clone();
            let (id, options, model) = engine
                .database()
                .read(move |shelf| {
                    let home = shelf.home_of(&message);
                    let answer = home.message(&message)?.message;
                    Ok((answer.conversation.clone(), home.options(&answer.conversation)?, answer.model))
                })
                .await?;
            (id, options, model)
        }
        Order::Ask { conversation: Conversation::Existing(id), model, .. } => {
            let asked = id.clone();
            let options =
                engine.database().read(move |shelf| Ok(shelf.home(&asked).options(&asked)?)).await?;
            (id.clone(), options, model.clone())
        }
        Order::Ask { conversation: Conversation::New { options, .. }, model, .. } => {
            (engine.new_id(), options.as_ref().clone(), model.clone())
        }
    };
    let model = engine.models().for_chat(model.as_ref().or(options.model.as_ref())).await;
    Ok(Setting { conversation, options, model })
}

/// One transaction: all of it is on disk, or nothing is.
async fn commit(engine: &Engine, order: Order, setting: &Setting, run: RunId) -> Result<Committed, Fault> {
    let at = engine.now();
    let (question_id, answer_id): (MessageId, MessageId) = (engine.new_id(), engine.new_id());
    let setting = setting.clone();
    engine
        .database()
        .write(move |shelf| {
            let (home, conversation, place, question) = match order {
                Order::Continue(message) => {
                    let home = shelf.home_of(&message);
                    let summary = home.begin_continuation(&message, &run, at)?;
                    let answer = home.message(&message)?;
                    let path = home.path(&summary.id, None)?;
                    return Ok(Committed { home: home.clone(), summary, question: None, answer, path });
                }
                Order::Ask { conversation: Conversation::Existing(id), place, question, .. } => {
                    (shelf.home(&id), Where::Existing(id), place, question)
                }
                Order::Ask { conversation: Conversation::New { temporary, .. }, place, question, .. } => {
                    let home = if temporary { &shelf.memory } else { &shelf.disk };
                    // The model is fixed with the conversation: another default does not change it.
                    let model = Some(setting.model.id.clone());
                    let options = ConversationOptions { model, ..setting.options.clone() };
                    let id = setting.conversation.clone();
                    let new = NewConversation { id, options, temporary, created_at: at };
                    (home, Where::New(Box::new(new)), place, question)
                }
            };
            let left = question.as_ref().and_then(|question| question.left.clone());
            let asked = question.is_some();
            let turn = store::Turn {
                conversation,
                place,
                question: question.map(|Question { text, attachments, .. }| NewMessage {
                    id: question_id.clone(),
                    text,
                    model: None,
                    attachments,
                }),
                answer: NewMessage {
                    id: answer_id.clone(),
                    text: String::new(),
                    model: Some(setting.model.id.clone()),
                    attachments: Vec::new(),
                },
                run,
                at,
            };
            for attachment in turn.question.iter().flat_map(|question| &question.attachments) {
                shelf.bring(attachment, home, at)?;
            }
            for attachment in left.iter().flat_map(Draft::files) {
                shelf.bring(attachment, home, at)?;
            }
            let summary = match &left {
                Some(left) => home.begin_turn_leaving(&turn, left)?,
                None => home.begin_turn(&turn)?,
            };
            let question = if asked { Some(home.message(&question_id)?) } else { None };
            let answer = home.message(&answer_id)?;
            let path = home.path(&summary.id, None)?;
            Ok(Committed { home: home.clone(), summary, question, answer, path })
        })
        .await
}
