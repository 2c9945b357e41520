//! Tool calls in all their shapes, brought into one.
//!
//! Native: no id, arguments an object. Llama 4: nested under `function`, arguments an object. OpenAI: arguments a string,
//! in pieces, under an index. Responses: an item, then pieces under its place. Source: reference, section 2.7.

use crate::delta::Delta;
use domain::ToolCall;
use serde_json::Value;
use std::collections::BTreeMap;

/// The id that the service's own schema hints at where a model gives none.
const NO_ID: &str = "000000001";

/// What is known of the calls so far, so that ids and names are told once and pieces find their call.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// By the service's index.
    known: BTreeMap<u64, Known>,
    last: Option<u64>,
}

#[derive(Debug, Default)]
struct Known {
    number: u32,
    id: bool,
    name: bool,
    arguments: bool,
}

impl Calls {
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// A member of a `tool_calls` list, whole or a piece.
    pub(crate) fn piece(&mut self, call: &Value) -> Option<Delta> {
        let function = call.get("function").filter(|function| function.is_object()).unwrap_or(call);
        let id = filled(call.get("id"));
        let name = filled(function.get("name"));
        let arguments = written(function.get("arguments"));
        if id.is_none() && name.is_none() && arguments.is_empty() {
            // A closing chunk in which everything is null.
            return None;
        }
        let key = match call.get("index").and_then(Value::as_u64) {
            Some(index) => index,
            // Without an index a name begins a new call, and a bare piece goes on with the last one.
            None if name.is_some() => self.free(),
            None => self.last?,
        };
        self.tell(key, id, name, arguments)
    }

    /// A whole call as an item of a Responses answer.
    pub(crate) fn whole(&mut self, item: &Value) -> Option<Delta> {
        let key = self.free();
        let id = filled(item.get("call_id")).or_else(|| filled(item.get("id")));
        self.tell(key, id, filled(item.get("name")), written(item.get("arguments")))
    }

    /// The beginning or the end of a call in a Responses stream.
    pub(crate) fn item(&mut self, place: Option<&Value>, item: &Value) -> Option<Delta> {
        let key = place.and_then(Value::as_u64).unwrap_or_else(|| self.free());
        let id = filled(item.get("call_id")).or_else(|| filled(item.get("id")));
        let has_arguments = self.known.get(&key).is_some_and(|known| known.arguments);
        let arguments = if has_arguments { String::new() } else { written(item.get("arguments")) };
        self.tell(key, id, filled(item.get("name")), arguments)
    }

    /// A piece of arguments in a Responses stream.
    pub(crate) fn arguments(&mut self, place: Option<&Value>, piece: &str) -> Option<Delta> {
        let key = place.and_then(Value::as_u64).or(self.last)?;
        self.tell(key, None, None, piece.to_owned())
    }

    /// The arguments once more, whole: news only when no piece came.
    pub(crate) fn arguments_done(&mut self, place: Option<&Value>, whole: &str) -> Option<Delta> {
        let key = place.and_then(Value::as_u64).or(self.last)?;
        if self.known.get(&key).is_some_and(|known| known.arguments) {
            return None;
        }
        self.tell(key, None, None, whole.to_owned())
    }

    fn free(&self) -> u64 {
        self.known.last_key_value().map_or(0, |(key, _)| key.saturating_add(1))
    }

    fn tell(
        &mut self,
        key: u64,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    ) -> Option<Delta> {
        let number = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let known = self.known.entry(key).or_insert_with(|| Known { number, ..Known::default() });
        self.last = Some(key);
        let id = id.filter(|_| !std::mem::replace(&mut known.id, true));
        let name = name.filter(|_| !std::mem::replace(&mut known.name, true));
        known.arguments |= !arguments.is_empty();
        let news = id.is_some() || name.is_some() || !arguments.is_empty();
        news.then_some(Delta::ToolCall { index: known.number, id, name, arguments })
    }
}

/// Joins the pieces of tool calls as they come out of a stream.
#[derive(Debug, Default)]
pub struct ToolCalls(Vec<ToolCall>);

impl ToolCalls {
    /// Takes a delta; others than tool calls are left alone.
    pub fn push(&mut self, delta: &Delta) {
        let Delta::ToolCall { index, id, name, arguments } = delta else { return };
        let index = *index as usize;
        while self.0.len() <= index {
            self.0.push(ToolCall { id: String::new(), name: String::new(), arguments: String::new() });
        }
        let call = &mut self.0[index];
        if let Some(id) = id {
            call.id.clone_from(id);
        }
        if let Some(name) = name {
            call.name.clone_from(name);
        }
        call.arguments.push_str(arguments);
    }

    /// The calls, whole. A missing id becomes `000000001` and so on; missing arguments become `{}`.
    pub fn finish(self) -> Vec<ToolCall> {
        let numbered = self.0.into_iter().enumerate();
        let filled = numbered.map(|(place, mut call)| {
            if call.id.is_empty() {
                call.id = if place == 0 { NO_ID.to_owned() } else { format!("{:09}", place + 1) };
            }
            if call.arguments.trim().is_empty() {
                call.arguments = "{}".to_owned();
            }
            call
        });
        filled.filter(|call| !call.name.is_empty()).collect()
    }
}

fn filled(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Arguments as JSON text, whether they came as text or as an object.
fn written(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
