//! A chat request, read and checked as the service checks it (reference, section 2.2).

use serde_json::Value;

use super::{Family, family};
use crate::answers::pictures::Picture;
use crate::answers::{Role, Turn};
use crate::catalogue::Model;
use crate::errors::Refusal;
use crate::random::hash;
use crate::run::Job;
use crate::tokens;

/// Through which endpoint the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Run,
    Openai,
}

/// What form the answer shall have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Text,
    Object,
    Schema(Value),
}

/// A function that the model may ask for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) parameters: Value,
}

/// A request that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) turns: Vec<Turn>,
    /// It came as `prompt`, not as `messages`.
    pub(crate) is_prompt: bool,
    pub(crate) stream: bool,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: Value,
    pub(crate) format: Format,
    /// 0 is off; else how long the thoughts are, 1 to 3.
    pub(crate) effort: usize,
    pub(crate) tokens_in: usize,
}

/// Keys of the OpenAI-style models on `ai/run`, which refuse every other.
const OPENAI_KEYS: &[&str] = &[
    "messages",
    "prompt",
    "model",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "reasoning_effort",
    "chat_template_kwargs",
    "stop",
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "user",
    "parallel_tool_calls",
    "stream_options",
    "service_tier",
    "metadata",
    "store",
    "prediction",
    "web_search_options",
    "options",
    "modalities",
    "audio",
    "guided_json",
    "reasoning",
    "input",
    "instructions",
    "max_output_tokens",
];

/// Numbers with their bounds: name, native low and high, OpenAI-style low and high.
const RANGES: &[(&str, f64, f64, f64, f64)] = &[
    ("temperature", 0.0, 5.0, 0.0, 2.0),
    ("top_p", 0.0, 2.0, 0.0, 1.0),
    ("top_k", 1.0, 50.0, 1.0, 50.0),
    ("seed", 1.0, 9_999_999_999.0, i64::MIN as f64, i64::MAX as f64),
    ("repetition_penalty", 0.0, 2.0, 0.0, 2.0),
    ("frequency_penalty", 0.0, 2.0, -2.0, 2.0),
    ("presence_penalty", 0.0, 2.0, -2.0, 2.0),
    ("max_tokens", 1.0, 1e9, 1.0, 1e9),
    ("max_completion_tokens", 1.0, 1e9, 1.0, 1e9),
];

/// `max_tokens` of the native family when it is not set.
const NATIVE_MAX_TOKENS: usize = 256;

impl Request {
    pub(crate) fn read(job: &Job<'_>, body: &Value, door: Door) -> Result<Self, Refusal> {
        let native = family(job.model) == Family::Native;
        check_keys(job.model, body, door, native)?;
        check_ranges(body, native)?;
        let turns = turns(job.model, body)?;
        let stream = flag(body, "stream")? && job.call.effects.json_instead_of_stream != Some(true);
        let format = format(body, door, native, stream)?;
        let asked = body["max_completion_tokens"].as_u64().filter(|_| !(native && door == Door::Run));
        let max_tokens = asked.or(body["max_tokens"].as_u64()).map(|n| n as usize);
        let tokens_in = turns.iter().map(turn_tokens).sum::<usize>() + 3;
        let request = Request {
            is_prompt: body.get("messages").is_none(),
            stream,
            max_tokens: max_tokens.or(native.then_some(NATIVE_MAX_TOKENS)),
            seed: job.seed(body) ^ hash(job.model.id.as_bytes()),
            tools: tools(body)?,
            tool_choice: body["tool_choice"].clone(),
            format,
            effort: effort(job.model, body),
            tokens_in,
            turns,
        };
        request.check_context(job.model)?;
        Ok(request)
    }

    /// 413 / 5021: what comes in and what may go out must fit together.
    fn check_context(&self, model: &Model) -> Result<(), Refusal> {
        let Some(window) = model.context_window else { return Ok(()) };
        let wanted = self.tokens_in + self.max_tokens.unwrap_or(1);
        if wanted <= window {
            return Ok(());
        }
        Err(Refusal::saying(
            "context",
            format!(
                "AiError: The estimated number of input and maximum output tokens ({wanted}) exceeded this model \
                 context window limit ({window})."
            ),
        ))
    }

    /// The text of the whole input, for the prefix cache.
    pub(crate) fn input_text(&self) -> String {
        self.turns.iter().map(|turn| format!("{:?}: {}\n", turn.role, turn.text)).collect()
    }
}

/// A template adds some tokens to each message; a picture counts by its area.
fn turn_tokens(turn: &Turn) -> usize {
    let pictures =
        turn.pictures.iter().map(|p| ((p.width as usize * p.height as usize) / 750).clamp(85, 1600));
    tokens::count(&turn.text) + 4 + pictures.sum::<usize>()
}

fn check_keys(model: &Model, body: &Value, door: Door, native: bool) -> Result<(), Refusal> {
    match body["lora"].as_str() {
        Some(_) if !model.lora => return Err(Refusal::named("no_lora")),
        Some(name) if name.contains("incomplete") => return Err(Refusal::named("finetune_files_missing")),
        _ => {}
    }
    let keys = body.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let unknown: Vec<String> =
        keys.filter(|key| !OPENAI_KEYS.contains(key)).map(|key| format!("'{key}'")).collect();
    if !native && door == Door::Run && !unknown.is_empty() {
        let what =
            format!("additionalProperties at '/' not met, unknown properties are {}", unknown.join(", "));
        return Err(Refusal::schema(what));
    }
    if body.get("messages").is_none() && body.get("prompt").is_none() {
        return Err(Refusal::schema(
            "oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt', required properties at '/' are \
             'messages'",
        ));
    }
    Ok(())
}

fn check_ranges(body: &Value, native: bool) -> Result<(), Refusal> {
    for (name, native_low, native_high, low, high) in RANGES {
        let value = &body[*name];
        if value.is_null() {
            continue;
        }
        let number = value.as_f64().ok_or_else(|| mismatch(&format!("/{name}"), value, "number"))?;
        let (low, high) = if native { (native_low, native_high) } else { (low, high) };
        if number < *low || number > *high {
            return Err(Refusal::schema(format!("'/{name}' must be >= {low} and <= {high}, got {number}")));
        }
    }
    Ok(())
}

/// The sentence that clients match on.
fn mismatch(path: &str, value: &Value, wanted: &str) -> Refusal {
    Refusal::schema(format!("Type mismatch of '{path}', '{}' not in '{wanted}'", type_name(value)))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn flag(body: &Value, name: &str) -> Result<bool, Refusal> {
    match &body[name] {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        other => Err(mismatch(&format!("/{name}"), other, "boolean")),
    }
}

fn turns(model: &Model, body: &Value) -> Result<Vec<Turn>, Refusal> {
    let mut turns = match &body["messages"] {
        Value::Null => vec![Turn { role: Role::User, ..Turn::saying(prompt(&body["prompt"])?) }],
        Value::Array(list) if list.is_empty() => {
            return Err(Refusal::schema("minItems at '/messages' is 1, but got 0"));
        }
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(i, message)| turn(model, i, message))
            .collect::<Result<Vec<_>, _>>()?,
        other => return Err(mismatch("/messages", other, "array")),
    };
    // The older form of vision: one picture beside the messages.
    if let Some(image) = body.get("image").filter(|image| !image.is_null())
        && let Some(last) = turns.last_mut()
    {
        last.pictures.push(Picture::of_value(image)?);
    }
    Ok(turns)
}

fn prompt(value: &Value) -> Result<&str, Refusal> {
    match value.as_str() {
        Some("") => Err(Refusal::schema("minLength at '/prompt' is 1, but got 0")),
        Some(text) => Ok(text),
        None => Err(mismatch("/prompt", value, "string")),
    }
}

fn turn(model: &Model, i: usize, message: &Value) -> Result<Turn, Refusal> {
    let native = family(model) == Family::Native;
    let role = match message["role"].as_str() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system") => Role::System,
        Some("developer") if !native => Role::System,
        Some("tool") => Role::Tool,
        _ => {
            return Err(Refusal::schema(format!(
                "'/messages/{i}/role' is not one of the roles of this model"
            )));
        }
    };
    let path = format!("/messages/{i}/content");
    let mut turn = match &message["content"] {
        Value::String(text) => Turn::saying(text),
        Value::Array(parts) if model.vision => parts_of(&path, parts)?,
        other => return Err(mismatch(&path, other, "string")),
    };
    turn.role = role;
    Ok(turn)
}

fn parts_of(path: &str, parts: &[Value]) -> Result<Turn, Refusal> {
    let mut turn = Turn::default();
    for (i, part) in parts.iter().enumerate() {
        match part["type"].as_str() {
            Some("text") => {
                let text = part["text"].as_str();
                let text =
                    text.ok_or_else(|| mismatch(&format!("{path}/{i}/text"), &part["text"], "string"))?;
                if !turn.text.is_empty() {
                    turn.text.push('\n');
                }
                turn.text.push_str(text);
            }
            Some("image_url") => {
                let url =
                    part["image_url"]["url"].as_str().or(part["image_url"].as_str()).unwrap_or_default();
                if !url.starts_with("data:") {
                    return Err(Refusal::schema(format!("'{path}/{i}/image_url/url' must be a data URI")));
                }
                turn.pictures.push(Picture::of_text(url)?);
            }
            _ => return Err(Refusal::schema(format!("'{path}/{i}/type' is not one of 'text', 'image_url'"))),
        }
    }
    Ok(turn)
}

fn format(body: &Value, door: Door, native: bool, stream: bool) -> Result<Format, Refusal> {
    let wanted = match body["response_format"]["type"].as_str() {
        None | Some("text") => match body.get("guided_json").filter(|schema| schema.is_object()) {
            Some(schema) => Format::Schema(schema.clone()),
            None => Format::Text,
        },
        Some("json_object") => Format::Object,
        Some("json_schema") => {
            let given = &body["response_format"]["json_schema"];
            let wrapped = given.get("schema").filter(|schema| schema.is_object());
            match wrapped {
                Some(_) if native && door == Door::Run => {
                    return Err(Refusal::schema(
                        "'/response_format/json_schema' must be a JSON schema itself",
                    ));
                }
                Some(schema) => Format::Schema(schema.clone()),
                None if given.is_object() => Format::Schema(given.clone()),
                None => return Err(mismatch("/response_format/json_schema", given, "object")),
            }
        }
        Some(other) => {
            return Err(Refusal::schema(format!("'/response_format/type' does not know '{other}'")));
        }
    };
    if native && stream && wanted != Format::Text {
        return Err(Refusal::saying("json_mode", "AiError: JSON Mode doesn't support streaming"));
    }
    Ok(wanted)
}

fn tools(body: &Value) -> Result<Vec<Tool>, Refusal> {
    let list = match &body["tools"] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(mismatch("/tools", other, "array")),
    };
    let tool = |(i, tool): (usize, &Value)| {
        let function = if tool["function"].is_object() { &tool["function"] } else { tool };
        let name = function["name"].as_str();
        let name =
            name.ok_or_else(|| Refusal::schema(format!("required properties at '/tools/{i}' are 'name'")))?;
        Ok(Tool { name: name.to_owned(), parameters: function["parameters"].clone() })
    };
    list.iter().enumerate().map(tool).collect()
}

/// Thinking is on unless the model's own switch turns it off (reference, section 2.6).
fn effort(model: &Model, body: &Value) -> usize {
    if !model.reasoning {
        return 0;
    }
    let name = model.name();
    let inline = matches!(name, "qwq-32b" | "deepseek-r1-distill-qwen-32b");
    let switch = if name.starts_with("kimi") { "thinking" } else { "enable_thinking" };
    let switched_off = body["chat_template_kwargs"][switch] == Value::Bool(false);
    let named_off = body.get("reasoning_effort").is_some_and(|e| e.is_null() || e == "none");
    if !inline && !name.starts_with("gpt-oss") && (switched_off || named_off) {
        return 0;
    }
    match body["reasoning_effort"].as_str() {
        Some("low" | "minimal") => 1,
        Some("high" | "xhigh") => 3,
        _ => 2,
    }
}
