//! What the simulated chat model says. It says first that it is a simulation, then it uses the request: quotes the
//! question, the passages, the measures of pictures, the results of tools. The same request gives the same words.

mod continuation;
pub(crate) mod passages;
pub(crate) mod pictures;
mod prose;
mod titles;

use crate::catalogue::Model;
use crate::random::Random;
use crate::words;
use pictures::Picture;

/// Who speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    System,
    #[default]
    User,
    Assistant,
    Tool,
}

/// One message with its pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Turn {
    pub(crate) role: Role,
    pub(crate) text: String,
    pub(crate) pictures: Vec<Picture>,
}

impl Turn {
    pub(crate) fn saying(text: &str) -> Self {
        Turn { text: text.to_owned(), ..Turn::default() }
    }
}

/// The text of the last message by the person; empty when there is none.
pub(crate) fn last_user(turns: &[Turn]) -> &str {
    turns.iter().rev().find(|turn| turn.role == Role::User).map_or("", |turn| turn.text.as_str())
}

/// `say: X` and its like: the answer is X and nothing else, so the model does not think either.
pub(crate) fn is_literal(turns: &[Turn]) -> bool {
    turns.last().is_some_and(|turn| turn.role == Role::User) && literal(last_user(turns)).is_some()
}

fn literal(text: &str) -> Option<&str> {
    const WORDS: &[&str] = &["say:", "echo:", "说：", "说:"];
    let text = text.trim_start();
    let found = WORDS
        .iter()
        .find(|word| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)))?;
    Some(text[found.len()..].strip_prefix(' ').unwrap_or(&text[found.len()..]))
}

/// The answer to a conversation.
pub(crate) fn compose(turns: &[Turn], model: &Model, seed: u64) -> String {
    let Some(last) = turns.last() else { return String::new() };
    if let Some(rest) = continuation::of(turns, |earlier| compose(earlier, model, seed)) {
        return rest;
    }
    let said = last_user(turns);
    if let Some(text) = literal(said).filter(|_| last.role == Role::User) {
        return text.to_owned();
    }
    if let Some(text) = titles::requested(turns) {
        return text;
    }
    let passages = passages::found_in(turns);
    // A poisoned document: the simulated model falls for it, so that the app's defences can be seen to hold.
    if let Some(order) =
        passages.iter().find_map(|passage| after_ignoring_case(&passage.text, "simulator, say:"))
    {
        return order.trim().to_owned();
    }
    if passages.is_empty()
        && let Some(text) = prose::of_length(said)
    {
        return text;
    }
    let question = passages::question_of(said);
    let chinese = words::is_chinese(if question.is_empty() { said } else { &question });
    let mut random = Random::new(crate::random::hash(said.as_bytes()) ^ seed);
    match last {
        Turn { role: Role::Tool, text, .. } => prose::about_result(text, chinese),
        Turn { pictures, .. } if !pictures.is_empty() => pictures::described(pictures, said, chinese),
        _ if !passages.is_empty() => passages::quoted(&passages, &question, chinese),
        _ => prose::about(turns, said, model, chinese, &mut random),
    }
}

fn after_ignoring_case<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    // ASCII lowering keeps every byte where it is.
    let at = text.to_ascii_lowercase().find(mark)?;
    Some(&text[at + mark.len()..])
}

/// Thoughts of a reasoning model; longer when the person asks it to think, and with more effort.
pub(crate) fn thoughts(turns: &[Turn], effort: usize) -> String {
    let said = last_user(turns);
    let chinese = words::is_chinese(said);
    let asked = said.to_lowercase().contains("think") || said.contains("思考");
    prose::thoughts(said, chinese, effort + if asked { 3 } else { 0 })
}
