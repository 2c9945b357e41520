//! What is said to a model, in our words, and as JSON in the forms that models take.

use super::ChatRequest;
use crate::error::Error;
use serde_json::{Value, json};

/// Who speaks to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The system prompt.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool, with its result.
    Tool,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A picture as `data:` URI; web addresses are refused by the service.
    Picture {
        /// `data:image/png;base64,…`
        data_uri: String,
    },
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatMessage {
    /// Who speaks.
    pub speaker: Speaker,
    /// What is said. Texts are sent before pictures, whatever their order here.
    pub content: Vec<Part>,
    /// Tools that the model called in this message.
    pub tool_calls: Vec<domain::ToolCall>,
    /// For a tool's result: the id and the name of the call it answers.
    pub answers: Option<(String, String)>,
    /// Thoughts of an earlier answer. They go into a field of their own, never into the text, and only where a model
    /// reads them.
    pub reasoning: Option<String>,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// JSON schema of its arguments.
    pub parameters: Value,
}

/// Which tool the model has to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it sees fit.
    Auto,
    /// None.
    None,
    /// Some tool; models take this as advice only.
    Required,
    /// This one.
    Named(String),
}

impl ChatMessage {
    /// A message of words.
    pub fn text(speaker: Speaker, text: impl Into<String>) -> Self {
        let content = vec![Part::Text(text.into())];
        Self { speaker, content, tool_calls: Vec::new(), answers: None, reasoning: None }
    }

    /// A system prompt.
    pub fn system(text: impl Into<String>) -> Self {
        Self::text(Speaker::System, text)
    }

    /// The person's words.
    pub fn user(text: impl Into<String>) -> Self {
        Self::text(Speaker::User, text)
    }

    /// The model's words.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::text(Speaker::Assistant, text)
    }

    /// A tool's result.
    pub fn tool_result(id: impl Into<String>, name: impl Into<String>, result: impl Into<String>) -> Self {
        Self { answers: Some((id.into(), name.into())), ..Self::text(Speaker::Tool, result) }
    }

    /// All words, joined by line feeds.
    pub(super) fn words(&self) -> String {
        let texts = self.content.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Picture { .. } => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    fn pictures(&self) -> impl Iterator<Item = &str> {
        self.content.iter().filter_map(|part| match part {
            Part::Picture { data_uri } => Some(data_uri.as_str()),
            Part::Text(_) => None,
        })
    }

    /// `content`: text as a string (an array is refused by models without vision), else parts, the words first.
    fn wire_content(&self) -> Value {
        let words = self.words();
        if self.pictures().next().is_none() {
            return Value::String(words);
        }
        let words = (!words.is_empty()).then(|| json!({ "type": "text", "text": words }));
        let pictures = self.pictures().map(|uri| json!({ "type": "image_url", "image_url": { "url": uri } }));
        Value::Array(words.into_iter().chain(pictures).collect())
    }

    /// The message as JSON. `reasoning`: the endpoint takes the field. `objects`: arguments as objects instead of text.
    pub(super) fn wire(&self, reasoning: bool, objects: bool) -> Value {
        let role = match self.speaker {
            Speaker::System => "system",
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
            Speaker::Tool => "tool",
        };
        let mut message = json!({ "role": role, "content": self.wire_content() });
        if let Some((id, name)) = &self.answers {
            message["tool_call_id"] = json!(id);
            message["name"] = json!(name);
        }
        if !self.tool_calls.is_empty() {
            message["tool_calls"] = self.tool_calls.iter().map(|call| wire_call(call, objects)).collect();
        }
        if let (true, Some(thoughts)) = (reasoning, &self.reasoning) {
            message["reasoning"] = json!(thoughts);
        }
        message
    }
}

fn wire_call(call: &domain::ToolCall, objects: bool) -> Value {
    let arguments = match serde_json::from_str::<Value>(&call.arguments) {
        Ok(arguments) if objects && arguments.is_object() => arguments,
        _ => Value::String(call.arguments.clone()),
    };
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": arguments } })
}

impl Tool {
    /// OpenAI's form, which every tool model takes.
    pub(super) fn wire(&self) -> Value {
        let function =
            json!({ "name": self.name, "description": self.description, "parameters": self.parameters });
        json!({ "type": "function", "function": function })
    }
}

impl ToolChoice {
    pub(super) fn wire(&self) -> Value {
        match self {
            Self::Auto => json!("auto"),
            Self::None => json!("none"),
            Self::Required => json!("required"),
            Self::Named(name) => json!({ "type": "function", "function": { "name": name } }),
        }
    }
}

impl ChatRequest {
    /// Refuses what no model takes before it is sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.messages.is_empty() {
            return Err(Error::InvalidInput("there is nothing to send".to_owned()));
        }
        let pictures = self.messages.iter().flat_map(ChatMessage::pictures);
        if pictures.into_iter().any(|uri| !uri.starts_with("data:image/")) {
            return Err(Error::InvalidInput("a picture has to be sent as data:image/… URI".to_owned()));
        }
        if let Some(schema) = self.parameters.json_schema.as_ref().filter(|_| self.parameters.json) {
            serde_json::from_str::<Value>(schema)
                .map_err(|error| Error::InvalidInput(format!("the JSON schema is no JSON: {error}")))?;
        }
        Ok(())
    }

    /// All words of the request in bytes, for estimates.
    pub(super) fn length(&self) -> usize {
        self.messages.iter().map(|message| message.words().len()).sum()
    }
}
