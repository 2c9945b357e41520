//! Tool calls: when the simulated model makes one, with which arguments, and in which of the shapes (reference,
//! section 2.7).

use serde_json::{Map, Value, json};

use super::json_mode;
use super::request::{Request, Tool};
use crate::answers::{Role, last_user};
use crate::catalogue::Model;
use crate::tokens;
use crate::words;

/// A call the model asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

impl ToolCall {
    /// `{name, arguments}` with an object, as the older native models have it.
    pub(crate) fn traditional(&self) -> Value {
        json!({"name": self.name, "arguments": self.arguments})
    }

    /// Llama 4 Scout on `ai/run`: OpenAI's frame around an object.
    pub(crate) fn framed(&self) -> Value {
        json!({"id": self.id, "type": "function", "function": self.traditional()})
    }

    /// OpenAI: the arguments are a string.
    pub(crate) fn openai(&self) -> Value {
        json!({"id": self.id, "type": "function",
               "function": {"name": self.name, "arguments": self.arguments.to_string()}})
    }

    pub(crate) fn as_text(&self) -> String {
        self.traditional().to_string()
    }

    pub(crate) fn tokens(&self) -> usize {
        tokens::count(&self.as_text())
    }
}

/// Scout's calls have a form of their own on `ai/run`.
pub(crate) fn stays_native(model: &Model) -> bool {
    model.name() == "llama-4-scout-17b-16e-instruct"
}

/// A forced call of gpt-oss-20b comes out as text.
pub(crate) fn leaks(model: &Model, request: &Request) -> bool {
    model.name() == "gpt-oss-20b" && forced(request).is_some()
}

fn forced(request: &Request) -> Option<&str> {
    request.tool_choice["function"]["name"].as_str()
}

/// The calls that this request provokes: a forced tool, or the one that the person's words name. A result that was
/// handed back provokes none.
pub(crate) fn calls(model: &Model, request: &Request) -> Vec<ToolCall> {
    let answered = request.turns.last().is_some_and(|turn| turn.role != Role::User);
    if request.tools.is_empty() || answered || request.tool_choice == "none" || !model.function_calling {
        return Vec::new();
    }
    let said = last_user(&request.turns);
    let chosen = match forced(request) {
        Some(name) => request.tools.iter().find(|tool| tool.name == name),
        None => request.tools.iter().find(|tool| is_meant(tool, said)),
    };
    let required = || request.tools.first().filter(|_| request.tool_choice == "required");
    chosen.or_else(required).map(|tool| call(tool, said)).into_iter().collect()
}

/// The tool's name, a word of it, or the weather of every tutorial.
fn is_meant(tool: &Tool, said: &str) -> bool {
    let said = said.to_lowercase();
    let name = tool.name.to_lowercase();
    let parts = split_name(&tool.name);
    let weather = said.contains("weather") || said.contains("天气");
    said.contains(&name)
        || (name.contains("weather") && weather)
        || parts.iter().any(|part| part.len() > 4 && said.contains(part))
}

/// `getWeather` and `get_weather` are both `get`, `weather`.
fn split_name(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() {
            parts.push(String::new());
        }
        if let Some(last) = parts.last_mut().filter(|_| c.is_alphanumeric()) {
            last.extend(c.to_lowercase());
        }
    }
    parts
}

fn call(tool: &Tool, said: &str) -> ToolCall {
    let mut arguments = match json_mode::value_for(&tool.parameters, said) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    };
    // A text is best guessed from what follows "in" or "for", else from the words with a capital.
    if let Some(place) = place_in(said) {
        let texts = arguments.values_mut().filter(|value| value.is_string());
        if let Some(first) = texts.into_iter().next() {
            *first = json!(place);
        }
    }
    let id =
        format!("chatcmpl-tool-{:016x}", crate::random::hash(format!("{} {said}", tool.name).as_bytes()));
    ToolCall { id, name: tool.name.clone(), arguments: Value::Object(arguments) }
}

fn place_in(said: &str) -> Option<String> {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let list: Vec<&str> = said.split_whitespace().collect();
    let after = list.windows(2).find(|pair| matches!(pair[0].to_lowercase().as_str(), "in" | "for" | "at"));
    let capital = || {
        list.iter()
            .skip(1)
            .find(|word| word.starts_with(char::is_uppercase) && !words::is_stop_word(&word.to_lowercase()))
    };
    after
        .map(|pair| bare(pair[1]))
        .or_else(|| capital().map(|word| bare(word)))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_the_question() {
        assert_eq!(place_in("What is the weather in Paris?").as_deref(), Some("Paris"));
        assert_eq!(place_in("Does Lyon have rain").as_deref(), Some("Lyon"));
        assert_eq!(split_name("getWeather"), ["get", "weather"]);
    }
}
