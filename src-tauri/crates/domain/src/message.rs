//! Messages: what was said, by whom, and how it came out.

use crate::fault::Fault;
use crate::ids::{AttachmentId, ConversationId, MessageId, ModelId, Timestamp};
use crate::usage::Usage;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// How far a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum MessageStatus {
    /// It is whole.
    Complete,
    /// Its run is in flight.
    Streaming,
    /// Its process or connection died; the text that arrived is kept.
    Interrupted,
    /// The person stopped it; the text that arrived is kept.
    Stopped,
    /// It failed; the text that arrived (maybe none) is kept, `fault` says why.
    Failed,
}

/// Why a model ended its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was done.
    Stop,
    /// It reached the limit of tokens: Continue is offered.
    Length,
    /// It asks for a tool.
    ToolCalls,
    /// A filter ended it.
    ContentFilter,
    /// The person stopped it.
    Stopped,
}

/// A stored file that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Names the stored bytes.
    pub id: AttachmentId,
    /// The file's name as the person knew it.
    pub name: String,
    /// Its media type by content, e.g. `image/png`, `text/plain`.
    pub media_type: String,
    /// Its size in bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// Pixels, for pictures.
    pub width: Option<u32>,
    /// Pixels, for pictures.
    pub height: Option<u32>,
}

impl Attachment {
    /// It is a picture that a vision model can be shown.
    pub fn is_picture(&self) -> bool {
        self.media_type.starts_with("image/")
    }
}

/// A tool that the model asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    /// The service's id for it, or one of ours.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments as JSON text.
    pub arguments: String,
}

/// A passage that was handed to the model, under the number that citations use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SourceRef {
    /// The number in `[n]`, running through the conversation.
    pub n: u32,
    /// The document's id.
    pub document: String,
    /// The document's name.
    pub title: String,
    /// The page, for paged formats; from 1.
    pub page: Option<u32>,
    /// The passage's id.
    pub passage: String,
    /// Fused score.
    pub score: f64,
    /// Cosine distance, when vectors were used.
    pub distance: Option<f64>,
    /// The passage's text.
    pub text: String,
    /// Characters (Unicode scalar values) of the document's text: from. Absent in answers of before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub start: Option<u32>,
    /// To (exclusive).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub end: Option<u32>,
}

/// One message as it is stored. Its text is the original; HTML is derived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The message it answers; `None` for a first message.
    pub parent: Option<MessageId>,
    /// Who speaks.
    pub role: Role,
    /// What was said, as received.
    pub text: String,
    /// The model's thoughts, as received.
    pub thinking: Option<String>,
    /// How long it thought, in milliseconds.
    pub thinking_ms: Option<u32>,
    /// How far it came.
    pub status: MessageStatus,
    /// Why it failed or was cut.
    pub fault: Option<Fault>,
    /// The model that answered.
    pub model: Option<ModelId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Why the model ended.
    pub finish: Option<Finish>,
    /// Tokens and neurons.
    pub usage: Option<Usage>,
    /// From sending to the first token, in milliseconds.
    pub first_token_ms: Option<u32>,
    /// From the first token to the last, in milliseconds.
    pub stream_ms: Option<u32>,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
    /// Tools the model asked for.
    pub tool_calls: Vec<ToolCall>,
    /// Passages that were handed to the model for this answer.
    pub sources: Vec<SourceRef>,
    /// How many passages were compared for it; absent when none were looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub considered: Option<u32>,
    /// Pictures of the gallery that this answer is.
    #[serde(default)]
    pub pictures: Vec<String>,
    /// Parameters that the person set and the model refused, by their names on the wire: it was answered without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub dropped_parameters: Vec<String>,
}

/// A piece of rendered Markdown: a top-level block. Blocks before the open tail never change again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Safe HTML, made by `render` and by nothing else.
    pub html: String,
}

/// A message as the window shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// The message.
    pub message: Message,
    /// Its text, rendered.
    pub blocks: Vec<Block>,
    /// Its place among its versions, from 1.
    pub version: u32,
    /// How many versions there are.
    pub versions: u32,
    /// The versions' ids, in order.
    pub siblings: Vec<MessageId>,
    /// The run that is writing it, if one is in flight.
    pub run: Option<crate::ids::RunId>,
}
