//! Conversations, their settings, and what the sidebar and the transcript list.

use crate::app::Grant;
use crate::fault::Fault;
use crate::ids::{AssistantId, AttachmentId, ConversationId, MessageId, ModelId, RunId, Timestamp};
use crate::message::{Attachment, MessageView, Role};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a person may set for a model. Unset values are not sent: several models refuse keys they do not know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    /// 0 to 5 on native models, 0 to 2 on OpenAI-style ones.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Only on the native endpoint.
    pub top_k: Option<u32>,
    /// Most tokens of the answer.
    pub max_tokens: Option<u32>,
    /// The same seed gives the same answer, where the model honours it.
    #[ts(type = "number | null")]
    pub seed: Option<u64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// 0 to 2, native only.
    pub repetition_penalty: Option<f64>,
    /// `low`, `medium`, `high`, ...; `off` where the model allows no thinking.
    pub reasoning_effort: Option<String>,
    /// Stop words.
    pub stop: Vec<String>,
    /// Ask for a JSON object.
    pub json: bool,
    /// The JSON schema that it must fit, as text. It counts only with [`Parameters::json`].
    pub json_schema: Option<String>,
}

/// What belongs to one conversation: who answers, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct ConversationOptions {
    /// The model; the default one when absent.
    pub model: Option<ModelId>,
    /// The system prompt.
    pub system: Option<String>,
    /// What is set for the model.
    pub parameters: Parameters,
    /// Collections of the library that are attached.
    pub collections: Vec<String>,
    /// Single documents of the library that are attached.
    pub documents: Vec<String>,
    /// Hand over attached documents whole (true), or only passages of them (false); absent = whole when they fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub whole_documents: Option<bool>,
}

/// A named way to begin a conversation: its options, collections and documents too, are copied into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Assistant {
    /// Its id.
    pub id: AssistantId,
    /// As the person named it.
    pub name: String,
    /// What it sets.
    pub options: ConversationOptions,
}

/// A row of the sidebar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConversationSummary {
    /// Its id.
    pub id: ConversationId,
    /// Its title; empty until one is made.
    pub title: String,
    /// The person named it: no title is made any more.
    pub renamed: bool,
    /// Kept at the top.
    pub pinned: bool,
    /// Put away.
    pub archived: bool,
    /// Not stored beyond this session.
    pub temporary: bool,
    /// The model it uses.
    pub model: Option<ModelId>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When something was last said.
    pub updated_at: Timestamp,
    /// A run is in flight.
    pub streaming: bool,
}

/// A page of the sidebar, newest first, pinned ones before all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConversationPage {
    /// The rows.
    pub conversations: Vec<ConversationSummary>,
    /// There are more after these.
    pub more: bool,
}

/// A message on the path that is shown, without its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PathItem {
    /// The message.
    pub id: MessageId,
    /// Who speaks.
    pub role: Role,
    /// Length of its text in characters: an estimate of its height before it is drawn.
    pub length: u32,
}

/// An open conversation: the path that is shown, and the bodies of its last screenful.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Transcript {
    /// Its row.
    pub conversation: ConversationSummary,
    /// Its settings.
    pub options: ConversationOptions,
    /// All messages on the shown path, first to last.
    pub path: Vec<PathItem>,
    /// Bodies of the last of them (at most 20).
    pub tail: Vec<MessageView>,
    /// What was typed and not sent.
    pub draft: Draft,
}

/// What was typed and not sent: what stands in the box, and the messages that wait for their turn behind it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Draft {
    /// The text in the box.
    pub text: String,
    /// Files beside it.
    pub attachments: Vec<Attachment>,
    /// Messages that wait until the answer in flight has ended, first to last.
    pub queue: Vec<QueuedMessage>,
}

impl Draft {
    /// There is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.attachments.is_empty() && self.queue.is_empty()
    }

    /// All files that it needs.
    pub fn files(&self) -> impl Iterator<Item = &AttachmentId> {
        let queued = self.queue.iter().flat_map(|message| &message.attachments);
        self.attachments.iter().chain(queued).map(|attachment| &attachment.id)
    }
}

impl From<String> for Draft {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// A message that waits until the answer in flight has ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct QueuedMessage {
    /// What the person typed.
    pub text: String,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
}

/// What became of files that the person chose or dropped: the good ones are attached, whatever the others are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AttachedFiles {
    /// Those that were taken.
    pub attached: Vec<Attachment>,
    /// Those that were not.
    pub refused: Vec<RefusedFile>,
    /// The right to put the rest into the library: documents, which a message itself cannot hold.
    pub documents: Option<Grant>,
}

/// A file that cannot be attached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RefusedFile {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// A message to send.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct SendRequest {
    /// The conversation; a new one is begun when absent.
    pub conversation: Option<ConversationId>,
    /// The message it follows; the end of the shown path when absent.
    pub parent: Option<MessageId>,
    /// What the person typed.
    pub text: String,
    /// Files that go with it.
    pub attachments: Vec<AttachmentId>,
    /// Settings for a new conversation; ignored for an existing one.
    pub options: Option<ConversationOptions>,
    /// Begin a conversation that is not stored beyond this session.
    pub temporary: bool,
    /// What stays in the box: it replaces the draft in the transaction that stores the message. The draft is left as it
    /// is when absent.
    pub draft: Option<Draft>,
}

/// What was begun: the new messages are on disk when this is returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The run, to stop it or to attach to it.
    pub run: RunId,
    /// The conversation's row.
    pub conversation: ConversationSummary,
    /// The person's message, when one was made.
    pub question: Option<MessageView>,
    /// The answer, empty as yet (or, for Continue, as far as it came).
    pub answer: MessageView,
    /// The shown path from now on.
    pub path: Vec<PathItem>,
}

/// How full the context window is, for the meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ContextMeter {
    /// The model's window in tokens, when known.
    pub window: Option<u32>,
    /// Estimated tokens of the system prompt.
    pub system: u32,
    /// Of the history that would be sent.
    pub history: u32,
    /// Of the draft and its attachments.
    pub draft: u32,
    /// Messages at the start that would be left out.
    pub left_out: u32,
}

/// The forms in which an answer can be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CopyForm {
    /// The answer's Markdown.
    Markdown,
    /// A curl command that repeats the call, without the key.
    Curl,
    /// A TypeScript Worker that repeats it.
    TypeScript,
    /// A Python program that repeats it.
    Python,
}
