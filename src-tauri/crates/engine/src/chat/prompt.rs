//! What a model is sent for one answer: the system prompt, passages, as much of the talk as fits, the question.
//!
//! Only the end of a long conversation is read from the disk: bodies are asked for backwards until the model's window
//! must be full.

use super::retrieval::{self, Passages};
use super::wire::{self, Enclosure, Turn};
use crate::context::{self, Fit, Weight};
use crate::error::Error;
use domain::{ConversationId, ConversationOptions, Message, MessageId, Model, Parameters, PathItem, Role};
use store::Store;
use workers_ai::ChatRequest;

/// A token holds at most so many characters on average, in any language: a bound for reading, not an
/// estimate.
const CHARACTERS_A_TOKEN: u32 = 6;

/// A request, and what was decided on the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    /// What is sent.
    pub(crate) request: ChatRequest,
    /// Earlier messages that did not fit.
    pub(crate) left_out: usize,
    /// There are earlier messages in it that could be left out too.
    pub(crate) can_shrink: bool,
    /// Estimated tokens of all of it.
    pub(crate) tokens: u32,
}

/// For whom and with what.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// The conversation.
    pub(crate) conversation: ConversationId,
    /// Its settings.
    pub(crate) options: ConversationOptions,
    /// The model that answers.
    pub(crate) model: Model,
}

/// The talk as it may be sent: the end of a path, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Talk {
    /// Turns with their weights. Messages with nothing to say are not among them.
    turns: Vec<(Turn, Weight)>,
    /// Messages before the first of them that were not read, because they cannot fit.
    unread: usize,
}

impl Talk {
    /// Reads the end of the path that ends at `leaf` (the end of the shown path without one), as far as it can fit.
    /// Blocking.
    pub(crate) fn read(
        home: &Store,
        conversation: &ConversationId,
        leaf: Option<&MessageId>,
        model: &Model,
    ) -> Result<Self, Error> {
        Self::along(home, &home.path(conversation, leaf)?, model)
    }

    /// Reads the end of a path, as far as it can fit. Blocking.
    pub(crate) fn along(home: &Store, path: &[PathItem], model: &Model) -> Result<Self, Error> {
        let first = first_that_can_fit(path, model.context_window);
        let ids: Vec<MessageId> = path[first..].iter().map(|item| item.id.clone()).collect();
        let mut talk = Self { turns: Vec::with_capacity(ids.len()), unread: first };
        for stored in home.messages(&ids)? {
            talk.add(home, &stored.message, model);
        }
        Ok(talk)
    }

    fn add(&mut self, home: &Store, message: &Message, model: &Model) {
        let enclosures = message.attachments.iter().map(|attachment| {
            let bytes = home.attachment_bytes(&attachment.id).ok();
            Enclosure::of(attachment, bytes.as_deref(), model.vision)
        });
        if let Some(turn) = Turn::of(message, enclosures.collect()) {
            let weight = Weight::of(turn.role, &turn.text, turn.pictures.len());
            self.turns.push((turn, weight));
        }
    }

    /// Where the part begins that is always sent: the last question, and what was answered to it so far.
    fn question_at(&self) -> usize {
        let last_answer = self.turns.iter().rposition(|(turn, _)| turn.role == Role::User);
        last_answer.unwrap_or(self.turns.len())
    }

    /// What of the talk fits beside `fixed` tokens, when everything before `end` may be left out.
    fn fit(&self, window: Option<u32>, fixed: u32, end: usize) -> Fit {
        let weights: Vec<Weight> = self.turns[..end].iter().map(|(_, weight)| *weight).collect();
        let fit = context::fit(window, fixed, &weights);
        Fit { left_out: fit.left_out + self.unread, ..fit }
    }

    /// The weights of what was read, and how many messages before were not.
    pub(crate) fn weights(&self) -> (Vec<Weight>, usize) {
        (self.turns.iter().map(|(_, weight)| *weight).collect(), self.unread)
    }

    fn tokens_from(&self, start: usize) -> u32 {
        self.turns[start..].iter().fold(0, |sum, (_, weight)| sum.saturating_add(weight.tokens))
    }
}

/// The first message of a path that can possibly be sent: those after it fill the window already.
fn first_that_can_fit(path: &[PathItem], window: Option<u32>) -> usize {
    let Some(window) = window else { return 0 };
    let room = u64::from(window) * u64::from(CHARACTERS_A_TOKEN);
    let mut characters = 0;
    for (place, item) in path.iter().enumerate().rev() {
        characters += u64::from(item.length);
        // The last question and its answer are read whatever their length.
        if characters > room && place + 2 < path.len() {
            return place;
        }
    }
    0
}

/// The system prompt of a turn, with passages when there was something to look in.
pub(crate) fn system(options: &ConversationOptions, passages: Option<&Passages>) -> Option<String> {
    let own = options.system.as_deref().map(str::trim).filter(|system| !system.is_empty());
    let passages = passages.map(|passages| retrieval::prompt(&passages.sources));
    match (own, passages) {
        (None, None) => None,
        (Some(own), None) => Some(own.to_owned()),
        (None, Some(passages)) => Some(passages),
        (Some(own), Some(passages)) => Some(format!("{own}\n\n{passages}")),
    }
}

/// What of the parameters is sent to this model: what a person can see and change for it. A level of effort that was
/// chosen for another model stays in the conversation's settings, for when they go back to it.
fn known_to(model: &Model, parameters: &Parameters) -> Parameters {
    let effort = parameters.reasoning_effort.clone();
    Parameters {
        reasoning_effort: effort.filter(|effort| model.reasoning_efforts.contains(effort)),
        ..parameters.clone()
    }
}

/// Builds the request for an answer at the end of `talk`.
pub(crate) fn build(setting: &Setting, talk: Talk, passages: Option<&Passages>) -> Prompt {
    let Setting { conversation, options, model } = setting;
    let system = system(options, passages);
    let question_at = talk.question_at();
    let fixed = system
        .as_deref()
        .map_or(0, context::tokens)
        .saturating_add(talk.tokens_from(question_at))
        .saturating_add(context::answer_room(model, &options.parameters));
    let fit = talk.fit(model.context_window, fixed, question_at);
    let first = fit.left_out - talk.unread;
    let can_shrink = first < question_at;
    let turns = talk.turns.into_iter().skip(first).map(|(turn, _)| turn).collect();
    let request = ChatRequest {
        parameters: known_to(model, &options.parameters),
        session: Some(conversation.0.clone()),
        ..ChatRequest::new(model.id.clone(), wire::messages(system.as_deref(), turns))
    };
    let tokens = fixed.saturating_add(fit.tokens) - context::answer_room(model, &options.parameters);
    Prompt { request, left_out: fit.left_out, can_shrink, tokens }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(length: u32) -> PathItem {
        PathItem { id: "m".into(), role: Role::User, length }
    }

    #[test]
    fn a_long_conversation_is_read_from_its_end_only() {
        let path: Vec<PathItem> = std::iter::repeat_with(|| item(600)).take(10_000).collect();
        let first = first_that_can_fit(&path, Some(8_000));
        assert_eq!(path.len() - first, 81, "80 messages fill 48,000 characters; one more is read");
        assert_eq!(first_that_can_fit(&path, None), 0);
        assert_eq!(first_that_can_fit(&path[..5], Some(8_000)), 0);
        assert_eq!(
            first_that_can_fit(&[item(9), item(1_000_000)], Some(100)),
            0,
            "the last question is always read"
        );
    }
}
