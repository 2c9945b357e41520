//! From stored messages to what a model is sent, by the replay rules of the service (reference, section 2.2).
//!
//! Thoughts of earlier answers are dropped: glued into the text they make the output empty or garbled. Pictures go
//! only to models that see. Content that is text alone stays text, because several models refuse lists. Answers that
//! hold nothing are left out, and what then stands side by side from one speaker is joined: some models refuse two
//! turns in a row. Tool calls without results are not replayed either.

use crate::attachments;
use domain::{Attachment, Message, Role};
use workers_ai::{ChatMessage, Part};

/// What makes a model go on with a cut answer, after that answer's text. A message of the model's at the end would be
/// simpler, but not every chat template goes on with one.
const GO_ON: &str = "Continue exactly where your last message ends. Repeat nothing and add no introduction.";

/// A kept file, read for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Enclosure {
    /// A text file, fenced.
    Text(String),
    /// A picture as a `data:` URI.
    Picture(String),
    /// A picture that this model cannot see, or a file that is gone: what the model is told instead.
    Note(String),
}

impl Enclosure {
    /// Reads a kept file for a model that `sees` pictures or not.
    pub(crate) fn of(attachment: &Attachment, bytes: Option<&[u8]>, sees: bool) -> Self {
        let name = &attachment.name;
        let Some(bytes) = bytes else { return Self::Note(format!("[The file \"{name}\" is missing.]")) };
        if !attachment.is_picture() {
            return match attachments::text_of(bytes) {
                Some(text) => Self::Text(attachments::fenced(name, &text)),
                None => Self::Note(format!("[The file \"{name}\" is not text.]")),
            };
        }
        if !sees {
            return Self::Note(format!("[The picture \"{name}\" cannot be shown to this model.]"));
        }
        match attachments::data_uri(&attachment.media_type, bytes, attachment.width.zip(attachment.height)) {
            Ok(uri) => Self::Picture(uri),
            Err(_) => Self::Note(format!("[The picture \"{name}\" cannot be read.]")),
        }
    }
}

/// One turn of the talk, ready but for the wire's own types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Who speaks.
    pub(crate) role: Role,
    /// The text, text files included.
    pub(crate) text: String,
    /// Pictures as `data:` URIs.
    pub(crate) pictures: Vec<String>,
}

impl Turn {
    /// A stored message with its files; `None` when it holds nothing to say.
    pub(crate) fn of(message: &Message, enclosures: Vec<Enclosure>) -> Option<Self> {
        let mut turn = Self { role: message.role, text: message.text.clone(), pictures: Vec::new() };
        for enclosure in enclosures {
            match enclosure {
                Enclosure::Picture(uri) => turn.pictures.push(uri),
                Enclosure::Text(text) | Enclosure::Note(text) => turn.add(&text),
            }
        }
        (!turn.text.trim().is_empty() || !turn.pictures.is_empty()).then_some(turn)
    }

    fn add(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(text);
    }

    fn join(&mut self, next: Self) {
        self.add(&next.text);
        self.pictures.extend(next.pictures);
    }
}

/// The messages of a request: the system prompt when there is one, the turns joined where one speaker follows
/// himself, and the request to go on when the last of them is an answer.
pub(crate) fn messages(system: Option<&str>, turns: Vec<Turn>) -> Vec<ChatMessage> {
    let mut joined: Vec<Turn> = Vec::with_capacity(turns.len() + 1);
    for turn in turns {
        match joined.last_mut() {
            Some(last) if last.role == turn.role => last.join(turn),
            _ => joined.push(turn),
        }
    }
    if joined.last().is_some_and(|last| last.role == Role::Assistant) {
        joined.push(Turn { role: Role::User, text: GO_ON.to_owned(), pictures: Vec::new() });
    }
    let system = system.map(str::trim).filter(|system| !system.is_empty());
    system.map(ChatMessage::system).into_iter().chain(joined.into_iter().map(message)).collect()
}

fn message(turn: Turn) -> ChatMessage {
    let mut message = match turn.role {
        Role::User => ChatMessage::user(turn.text),
        Role::Assistant => ChatMessage::assistant(turn.text),
    };
    message.content.extend(turn.pictures.into_iter().map(|data_uri| Part::Picture { data_uri }));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{MessageStatus, Timestamp};
    use workers_ai::Speaker;

    fn said(role: Role, text: &str) -> Message {
        Message {
            id: "m".into(),
            conversation: "c".into(),
            parent: None,
            role,
            text: text.to_owned(),
            thinking: Some("secret thoughts".to_owned()),
            thinking_ms: None,
            status: MessageStatus::Complete,
            fault: None,
            model: None,
            created_at: Timestamp(0),
            finish: None,
            usage: None,
            first_token_ms: None,
            stream_ms: None,
            attachments: Vec::new(),
            tool_calls: Vec::new(),
            sources: Vec::new(),
            considered: None,
            pictures: Vec::new(),
            dropped_parameters: Vec::new(),
        }
    }

    fn sent(system: Option<&str>, talk: &[(Role, &str)]) -> Vec<(Speaker, String)> {
        let turns = talk.iter().filter_map(|(role, text)| Turn::of(&said(*role, text), Vec::new())).collect();
        messages(system, turns)
            .into_iter()
            .map(|message| match &message.content[..] {
                [Part::Text(text)] => (message.speaker, text.clone()),
                other => panic!("words only become one part: {other:?}"),
            })
            .collect()
    }

    #[test]
    fn thoughts_are_dropped_and_empty_answers_left_out() {
        let talk = [(Role::User, "one"), (Role::Assistant, ""), (Role::User, "two")];
        assert_eq!(
            sent(Some(" be brief "), &talk),
            [(Speaker::System, "be brief".to_owned()), (Speaker::User, "one\n\ntwo".to_owned())],
            "what then stands side by side is joined"
        );
    }

    #[test]
    fn an_answer_at_the_end_is_to_be_continued() {
        let talk = [(Role::User, "count"), (Role::Assistant, "1, 2,")];
        assert_eq!(sent(None, &talk).last(), Some(&(Speaker::User, GO_ON.to_owned())));
        assert_eq!(sent(Some("  "), &talk).len(), 3, "an empty system prompt is not sent");
    }

    #[test]
    fn pictures_go_only_to_models_that_see() {
        let attachment = Attachment {
            id: "a".into(),
            name: "cat.png".to_owned(),
            media_type: "image/png".to_owned(),
            size: 3,
            width: Some(1),
            height: Some(1),
        };
        let seen = Enclosure::of(&attachment, Some(b"png"), true);
        let turn = Turn::of(&said(Role::User, "look"), vec![seen]).unwrap();
        assert_eq!(turn.pictures.len(), 1);
        let unseen = Enclosure::of(&attachment, Some(b"png"), false);
        let turn = Turn::of(&said(Role::User, "look"), vec![unseen]).unwrap();
        assert!(turn.pictures.is_empty() && turn.text.contains("cat.png"), "{turn:?}");
        let gone = Enclosure::of(&attachment, None, true);
        assert!(matches!(gone, Enclosure::Note(_)), "a file that is gone stops no talk");
    }
}
