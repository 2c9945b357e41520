//! Thoughts that a model writes into its text between `<think>` and `</think>`, told apart while they stream.
//!
//! QwQ 32B and the DeepSeek R1 distill do so, and often leave the opening tag out. A tag may be cut anywhere.

use domain::ModelId;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// What is said.
    Text(String),
    /// What is thought.
    Thinking(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing but white space came yet; a tag may open here.
    Start,
    /// Inside thoughts that were opened by a tag.
    Thinking,
    /// Inside thoughts whose opening tag the model is known to leave out.
    Assumed,
    /// The thoughts are closed; white space before the answer is dropped.
    Closed,
    /// In the answer. A `<think>` from here on is only text.
    Answer,
}

/// The state machine. Feed it text, ask it for the rest at the end.
#[derive(Debug)]
pub(crate) struct Splitter {
    place: Place,
    /// The model is known to leave the opening tag out.
    assume: bool,
    /// Text that may be the beginning of a tag.
    held: String,
    /// What was thought under an assumption that a closing tag has yet to confirm.
    unconfirmed: String,
}

/// The model thinks in its text and may leave the opening tag out.
pub(crate) fn thinks_in_its_text(model: &ModelId) -> bool {
    let id = model.as_str();
    id.contains("/qwq") || id.contains("deepseek-r1")
}

impl Splitter {
    /// `assume`: the answer begins with thoughts even without a tag.
    pub(crate) fn new(assume: bool) -> Self {
        Self { place: Place::Start, assume, held: String::new(), unconfirmed: String::new() }
    }

    /// The service tells thoughts and text apart itself: no assumption holds any more.
    pub(crate) fn thoughts_came_apart(&mut self) {
        self.assume = false;
    }

    /// Takes more text and gives what is certain.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.held.push_str(text);
        while self.step(&mut pieces) {}
        pieces
    }

    /// The answer is over: gives what was held back. Thoughts that were only assumed and never closed were the answer.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        let held = std::mem::take(&mut self.held);
        let mut pieces = Vec::new();
        match self.place {
            Place::Thinking => self.thought(&held, &mut pieces),
            Place::Assumed => {
                self.thought(&held, &mut pieces);
                pieces.push(Piece::Text(std::mem::take(&mut self.unconfirmed)));
            }
            Place::Start | Place::Closed | Place::Answer => said(&held, &mut pieces),
        }
        self.place = Place::Answer;
        pieces
    }

    /// One transition or emission; false when more text is needed.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        match self.place {
            Place::Start => self.start(),
            Place::Thinking | Place::Assumed => self.inside(pieces),
            Place::Closed => {
                self.held = self.held.trim_start().to_owned();
                let more = !self.held.is_empty();
                if more {
                    self.place = Place::Answer;
                }
                more
            }
            Place::Answer => {
                said(&std::mem::take(&mut self.held), pieces);
                false
            }
        }
    }

    fn start(&mut self) -> bool {
        let visible = self.held.trim_start();
        if visible.is_empty() || (visible.len() < OPEN.len() && OPEN.starts_with(visible)) {
            return false;
        }
        if let Some(thoughts) = visible.strip_prefix(OPEN) {
            self.held = thoughts.to_owned();
            self.place = Place::Thinking;
        } else if self.assume {
            self.place = Place::Assumed;
        } else {
            self.place = Place::Answer;
        }
        true
    }

    fn inside(&mut self, pieces: &mut Vec<Piece>) -> bool {
        if let Some(end) = self.held.find(CLOSE) {
            let rest = self.held.split_off(end);
            let thoughts = std::mem::replace(&mut self.held, rest[CLOSE.len()..].to_owned());
            self.thought(&thoughts, pieces);
            self.unconfirmed.clear();
            self.place = Place::Closed;
            return true;
        }
        let kept = begun(&self.held, CLOSE);
        let tail = self.held.split_off(self.held.len() - kept);
        let thoughts = std::mem::replace(&mut self.held, tail);
        self.thought(&thoughts, pieces);
        false
    }

    fn thought(&mut self, text: &str, pieces: &mut Vec<Piece>) {
        if text.is_empty() {
            return;
        }
        if self.place == Place::Assumed {
            self.unconfirmed.push_str(text);
        }
        pieces.push(Piece::Thinking(text.to_owned()));
    }
}

fn said(text: &str, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// How many bytes at the end of `text` may be the beginning of `tag`.
fn begun(text: &str, tag: &str) -> usize {
    (1..tag.len()).rev().find(|length| text.ends_with(&tag[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(assume: bool, pieces: &[&str]) -> (String, String) {
        let mut splitter = Splitter::new(assume);
        let mut out: Vec<Piece> = pieces.iter().flat_map(|piece| splitter.push(piece)).collect();
        out.extend(splitter.finish());
        let (mut thoughts, mut text) = (String::new(), String::new());
        for piece in out {
            match piece {
                Piece::Text(piece) => text.push_str(&piece),
                Piece::Thinking(piece) => thoughts.push_str(&piece),
            }
        }
        (thoughts, text)
    }

    fn check(assume: bool, answer: &str, thoughts: &str, text: &str) {
        assert_eq!(split(assume, &[answer]), (thoughts.to_owned(), text.to_owned()), "{answer:?}");
    }

    #[test]
    fn thoughts_are_told_from_the_answer() {
        check(false, "<think>a b</think>\n\nc", "a b", "c");
        check(false, "\n <think>a</think>c </think> <think>", "a", "c </think> <think>");
        check(false, "no thoughts", "", "no thoughts");
        check(false, "a <think>b</think>", "", "a <think>b</think>");
        check(false, "<think>never closed", "never closed", "");
        check(false, "<thinking>x", "", "<thinking>x");
        check(false, "<thi", "", "<thi");
        check(true, "a b</think>\n\nc", "a b", "c");
        check(true, "<think>a</think>c", "a", "c");
        check(false, "<think>1 < 2 and </thin</think>c", "1 < 2 and </thin", "c");
    }

    #[test]
    fn assumed_thoughts_that_never_close_were_the_answer() {
        check(true, "97", "97", "97");
    }

    #[test]
    fn no_assumption_holds_once_thoughts_came_apart() {
        let mut splitter = Splitter::new(true);
        splitter.thoughts_came_apart();
        assert_eq!(splitter.push("97"), [Piece::Text("97".to_owned())]);
    }

    proptest! {
        #[test]
        fn a_tag_may_be_cut_anywhere(answer in "(<|th|ink|>|/|</think>|<think>|a|é| |\n){0,24}", assume: bool) {
            let whole = split(assume, &[&answer]);
            let letters: Vec<String> = answer.chars().map(String::from).collect();
            let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
            prop_assert_eq!(split(assume, &letters), whole);
        }
    }
}
