//! Titles made in the background, after the first answer: quiet, cheap, cancellable, and never over a name that the
//! person gave.

use super::turn::Turn;
use crate::Engine;
use crate::accounts::Caller;
use crate::{titles, usage};
use domain::{AppEvent, ConversationId, Parameters};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::Store;
use tokio_util::sync::CancellationToken;
use workers_ai::{ChatMessage, ChatRequest, Delta};

/// Tokens of a title, with room for a model that thinks first.
const TITLE_TOKENS: u32 = 64;
/// A title that takes longer is not worth it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Titles in the making. A cheap clone: all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Making {
    jobs: Arc<Mutex<HashMap<ConversationId, CancellationToken>>>,
}

impl Making {
    /// Stops making a title: the person gave one, or the conversation goes.
    pub(crate) fn cancel(&self, conversation: &ConversationId) {
        if let Some(job) = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(conversation) {
            job.cancel();
        }
    }

    fn begin(&self, conversation: &ConversationId) -> CancellationToken {
        let job = CancellationToken::new();
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(former) = jobs.insert(conversation.clone(), job.clone()) {
            former.cancel();
        }
        job
    }

    fn done(&self, conversation: &ConversationId) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(conversation);
    }
}

/// Makes a title for a conversation that has none, from its first question and answer.
pub(crate) fn make(turn: &Turn, question: String, answer: String) {
    let engine = turn.engine.clone();
    let (home, caller) = (turn.home.clone(), turn.caller.clone());
    let conversation = turn.run.conversation.clone();
    let temporary = turn.temporary;
    let job = engine.titles().begin(&conversation);
    engine.clone().runs().quietly(job, async move {
        // Neither a simulation nor what must leave no trace is worth a call.
        let wanted = engine.in_force().now().make_titles && !temporary && !caller.simulated;
        let made = if wanted { ask(&engine, &caller, &question, &answer, &conversation).await } else { None };
        if let Some(title) = made.or_else(|| titles::from_question(&question)) {
            set(&engine, home, &conversation, title).await;
        }
        engine.titles().done(&conversation);
    });
}

async fn ask(
    engine: &Engine,
    caller: &Caller,
    question: &str,
    answer: &str,
    conversation: &ConversationId,
) -> Option<String> {
    let model = engine.models().for_titles().await;
    let excerpt = titles::excerpt(question, answer);
    let messages = vec![ChatMessage::system(titles::INSTRUCTION), ChatMessage::user(excerpt.as_str())];
    let request = ChatRequest {
        parameters: Parameters { max_tokens: Some(TITLE_TOKENS), ..Parameters::default() },
        stream: false,
        ..ChatRequest::new(model.id.clone(), messages)
    };
    let mut words = String::new();
    let mut said = None;
    let asked = tokio::time::timeout(PATIENCE, async {
        let mut stream = caller.client.chat(&request).await?;
        while let Some(delta) = stream.next().await? {
            match delta {
                Delta::Text(text) => words.push_str(&text),
                Delta::Usage(usage) => said = Some(usage),
                _ => {}
            }
        }
        Ok::<(), workers_ai::Error>(())
    })
    .await;
    if !matches!(asked, Ok(Ok(()))) {
        tracing::info!("no title was made");
    }
    if said.is_some() || !words.is_empty() {
        let input = crate::context::tokens(titles::INSTRUCTION) + crate::context::tokens(&excerpt);
        let usage = usage::complete(said, &model, input, crate::context::tokens(&words));
        engine.usage().book(caller, &model, "title", Some(conversation.clone()), usage).await;
    }
    titles::cleaned(&words)
}

async fn set(engine: &Engine, home: Store, conversation: &ConversationId, title: String) {
    let id = conversation.clone();
    let changed = engine
        .database()
        .write(move |_| {
            Ok(if home.set_title_if_not_renamed(&id, &title)? { home.conversation(&id).ok() } else { None })
        })
        .await;
    if let Ok(Some(conversation)) = changed {
        engine.news().tell(&AppEvent::ConversationChanged { conversation });
    }
}
