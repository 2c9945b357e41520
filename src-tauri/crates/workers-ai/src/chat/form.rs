//! The form in which a chat request is sent, and how it changes when a model refuses it.

use super::ChatRequest;
use crate::client::Client;
use crate::error::{Error, Why};
use crate::wire::Payload;
use domain::ModelId;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Keys that may be left out when a model does not know them: they tune an answer, none of them changes what is asked.
const DISPENSABLE: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "reasoning_effort",
    "chat_template_kwargs",
    "stop",
    "stream_options",
    "options",
    "tool_choice",
    "reasoning",
    "max_tokens",
];

/// Where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// `/ai/v1/chat/completions`
    OpenAi,
    /// `/ai/run/{model}`
    Native,
}

/// One way to write a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    pub(super) door: Door,
    pub(super) stream: bool,
    object_arguments: bool,
    switched: bool,
    dropped: BTreeSet<&'static str>,
}

impl Form {
    /// The form to begin with.
    pub(super) fn first(request: &ChatRequest) -> Self {
        let parameters = &request.parameters;
        let native = parameters.top_k.is_some()
            || parameters.repetition_penalty.is_some()
            || request.lora.is_some()
            || request.raw;
        Self {
            door: if native { Door::Native } else { Door::OpenAi },
            stream: request.stream && !request.parameters.json,
            object_arguments: false,
            switched: false,
            dropped: BTreeSet::new(),
        }
    }

    /// Parameters that the person set and the model refused.
    pub(super) fn dropped(&self) -> Vec<String> {
        let ours = ["stream_options", "options", "reasoning"];
        let theirs = self.dropped.iter().filter(|key| !ours.contains(*key));
        // To some models an effort is told under another name.
        let named = theirs.map(|key| if *key == "chat_template_kwargs" { "reasoning_effort" } else { key });
        named.map(str::to_owned).collect()
    }

    pub(super) fn path(&self, request: &ChatRequest) -> Result<String, Error> {
        let native = Client::run_path(&request.model)?;
        Ok(match self.door {
            Door::OpenAi => "ai/v1/chat/completions".to_owned(),
            Door::Native => native,
        })
    }

    pub(super) fn headers(&self, request: &ChatRequest, headers: &mut HeaderMap) {
        if let Some(session) =
            request.session.as_deref().and_then(|session| HeaderValue::from_str(session).ok())
        {
            headers.insert(HeaderName::from_static("x-session-affinity"), session);
        }
        if self.stream {
            // A compressed stream waits for its compressor.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
    }

    pub(super) fn payload(&self, request: &ChatRequest) -> Payload {
        Payload::json(&Value::Object(self.body(request)))
    }

    fn body(&self, request: &ChatRequest) -> Map<String, Value> {
        let mut body = Map::new();
        if self.door == Door::OpenAi {
            body.insert("model".to_owned(), json!(request.model));
        }
        if request.raw {
            let words: Vec<String> = request.messages.iter().map(super::ChatMessage::words).collect();
            body.insert("prompt".to_owned(), json!(words.join("\n")));
            body.insert("raw".to_owned(), json!(true));
        } else {
            let reasoning = self.door == Door::OpenAi && !self.dropped.contains("reasoning");
            let messages =
                request.messages.iter().map(|message| message.wire(reasoning, self.object_arguments));
            body.insert("messages".to_owned(), messages.collect());
        }
        body.insert("stream".to_owned(), json!(self.stream));
        if self.stream && self.door == Door::OpenAi {
            body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
        }
        self.parameters(request, &mut body);
        if !request.tools.is_empty() {
            body.insert("tools".to_owned(), request.tools.iter().map(super::Tool::wire).collect());
            if let Some(choice) = &request.tool_choice {
                body.insert("tool_choice".to_owned(), choice.wire());
            }
        }
        if request.reject_if_busy {
            body.insert("options".to_owned(), json!({ "rejectIfBusy": true }));
        }
        body.retain(|key, _| !self.dropped.contains(key.as_str()));
        body
    }

    /// Only what the person set: several models refuse keys they do not know.
    fn parameters(&self, request: &ChatRequest, body: &mut Map<String, Value>) {
        let set = &request.parameters;
        let values = [
            ("temperature", set.temperature.map(Value::from)),
            ("top_p", set.top_p.map(Value::from)),
            ("top_k", set.top_k.map(Value::from)),
            ("max_tokens", set.max_tokens.map(Value::from)),
            ("seed", set.seed.map(Value::from)),
            ("frequency_penalty", set.frequency_penalty.map(Value::from)),
            ("presence_penalty", set.presence_penalty.map(Value::from)),
            ("repetition_penalty", set.repetition_penalty.map(Value::from)),
            ("stop", (!set.stop.is_empty()).then(|| json!(set.stop))),
            ("lora", request.lora.as_ref().map(|lora| json!(lora))),
            ("response_format", self.response_format(request)),
        ];
        for (key, value) in values {
            if let Some(value) = value {
                body.insert(key.to_owned(), value);
            }
        }
        if let Some(effort) = set.reasoning_effort.as_deref().filter(|effort| !effort.is_empty()) {
            let (key, value) = effort_as_sent(&request.model, effort);
            body.insert(key.to_owned(), value);
        }
    }

    /// The bare schema for the native endpoint, OpenAI's wrapper for the other: each breaks the other's models.
    fn response_format(&self, request: &ChatRequest) -> Option<Value> {
        if !request.parameters.json {
            return None;
        }
        let schema = request
            .parameters
            .json_schema
            .as_deref()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        Some(match (schema, self.door) {
            (None, _) => json!({ "type": "json_object" }),
            (Some(schema), Door::Native) => json!({ "type": "json_schema", "json_schema": schema }),
            (Some(schema), Door::OpenAi) => {
                let wrapper = json!({ "name": "answer", "schema": schema, "strict": true });
                json!({ "type": "json_schema", "json_schema": wrapper })
            }
        })
    }

    /// Changes the form so that the refused request may be taken; false when nothing is left to try.
    pub(super) fn change(&mut self, error: &Error, request: &ChatRequest) -> bool {
        if matches!(error, Error::EmptyAnswer { thoughts_used_up: false }) && self.stream {
            // Only a whole answer in place of a stream comes here: some models cannot stream on this endpoint.
            self.stream = false;
            return true;
        }
        let Some(refusal) = error.refusal() else { return false };
        match refusal.why {
            Why::ArgumentsNotObjects => !std::mem::replace(&mut self.object_arguments, true),
            Why::JsonSchemaRefused => self.switch(request),
            Why::SchemaMismatch => self.drop_named(&refusal.message, request) || self.switch(request),
            Why::NoSuchEndpoint => self.switch(request),
            _ => false,
        }
    }

    /// Leaves out the keys that the message names.
    fn drop_named(&mut self, message: &str, request: &ChatRequest) -> bool {
        let sent = self.body(request);
        let thoughts = request.messages.iter().any(|message| message.reasoning.is_some());
        let is_sent = |key: &str| sent.contains_key(key) || (key == "reasoning" && thoughts);
        let named: Vec<&'static str> = DISPENSABLE
            .iter()
            .copied()
            .filter(|key| is_sent(key) && !self.dropped.contains(key) && names(message, key))
            .collect();
        let any = !named.is_empty();
        self.dropped.extend(named);
        any
    }

    /// Takes the other endpoint, once, if it can carry what was set.
    fn switch(&mut self, request: &ChatRequest) -> bool {
        let carried = match self.door {
            Door::OpenAi => true,
            Door::Native => !request.raw && request.lora.is_none(),
        };
        if self.switched || !carried {
            return false;
        }
        self.switched = true;
        self.door = match self.door {
            Door::OpenAi => Door::Native,
            Door::Native => Door::OpenAi,
        };
        if self.door == Door::OpenAi {
            // It does not know these.
            let lost = [("top_k", request.parameters.top_k.is_some())]
                .into_iter()
                .chain([("repetition_penalty", request.parameters.repetition_penalty.is_some())]);
            self.dropped.extend(lost.filter(|(_, set)| *set).map(|(key, _)| key));
        }
        true
    }
}

/// The message names the key as a word of its own.
fn names(message: &str, key: &str) -> bool {
    let of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    message.match_indices(key).any(|(at, _)| {
        let before = message[..at].chars().next_back();
        let after = message[at + key.len()..].chars().next();
        !before.is_some_and(of_word) && !after.is_some_and(of_word)
    })
}

/// How a level of effort is told to a model. `off` has three forms (reference, section 2.6).
fn effort_as_sent(model: &ModelId, effort: &str) -> (&'static str, Value) {
    if effort != "off" {
        return ("reasoning_effort", json!(effort));
    }
    let id = model.as_str();
    let template = ["/glm-4.7", "/qwen3-30b", "/gemma-4", "/nemotron-3"];
    if id.contains("/kimi-") {
        ("chat_template_kwargs", json!({ "thinking": false }))
    } else if template.iter().any(|name| id.contains(name)) {
        ("chat_template_kwargs", json!({ "enable_thinking": false }))
    } else {
        ("reasoning_effort", Value::Null)
    }
}
