//! `GET .../ai/models/schema`: JSON schemas from which a client builds its forms. They say what the simulator enforces.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::catalogue::{self, Model};
use crate::chat::{self, Family};
use crate::errors::Refusal;
use crate::handle::Call;
use crate::images::form_schema;

/// The schemas of one model's input and output.
pub(crate) fn schema(call: &Call) -> Result<Answer, Refusal> {
    let id = call.query("model").unwrap_or_default();
    let model = catalogue::find(id).ok_or_else(|| Refusal::no_such_model(id))?;
    Ok(Answer::enveloped(&json!({"input": input(model), "output": output(model)})))
}

fn input(model: &Model) -> Value {
    match model.task.as_str() {
        "Text Generation" if model.response_family.as_deref() == Some("clef_decision") => object(
            &[
                ("model", json!({"type": "string"})),
                ("state", json!({})),
                ("questions", json!({"type": "object"})),
            ],
            &["model", "state", "questions"],
        ),
        "Text Generation" => text_generation(model),
        "Text Embeddings" => embeddings(model),
        "Text-to-Image" => form_schema(model),
        _ => other(model),
    }
}

fn object(properties: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn number(low: f64, high: f64) -> Value {
    json!({"type": "number", "minimum": low, "maximum": high})
}

fn text_generation(model: &Model) -> Value {
    let native = chat::family(model) == Family::Native;
    let mut common = vec![
        ("stream", json!({"type": "boolean", "default": false})),
        (
            "max_tokens",
            if native {
                json!({"type": "integer", "default": 256})
            } else {
                json!({"type": "integer", "deprecated": true})
            },
        ),
        (
            "temperature",
            if native {
                json!({"type": "number", "minimum": 0, "maximum": 5, "default": 0.6})
            } else {
                number(0.0, 2.0)
            },
        ),
        ("top_p", number(0.0, if native { 2.0 } else { 1.0 })),
        (
            "seed",
            if native {
                json!({"type": "integer", "minimum": 1, "maximum": 9_999_999_999_u64})
            } else {
                json!({"type": "integer"})
            },
        ),
        ("frequency_penalty", number(if native { 0.0 } else { -2.0 }, 2.0)),
        ("presence_penalty", number(if native { 0.0 } else { -2.0 }, 2.0)),
        ("response_format", json!({"type": "object"})),
        ("options", json!({"type": "object", "properties": {"rejectIfBusy": {"type": "boolean"}}})),
    ];
    if native {
        common.push(("raw", json!({"type": "boolean", "default": false})));
        common.push(("top_k", json!({"type": "integer", "minimum": 1, "maximum": 50})));
        common.push(("repetition_penalty", number(0.0, 2.0)));
    } else {
        common.push(("max_completion_tokens", json!({"type": "integer"})));
        common.push(("stop", json!({"type": ["string", "array"]})));
    }
    if model.lora {
        common.push(("lora", json!({"type": "string"})));
    }
    if model.function_calling {
        common.push(("tools", json!({"type": "array", "items": {"type": "object"}})));
        common.push(("tool_choice", json!({})));
    }
    if model.reasoning && !native {
        let efforts = if model.name() == "qwen3.8-27b" {
            ["low", "medium", "xhigh"]
        } else {
            ["low", "medium", "high"]
        };
        common.push(("reasoning_effort", json!({"type": ["string", "null"], "enum": efforts})));
        common.push(("chat_template_kwargs", json!({"type": "object"})));
    }
    let content = if model.vision { json!({"type": ["string", "array"]}) } else { json!({"type": "string"}) };
    let messages = json!({"type": "array", "minItems": 1, "items": object(&[("role", json!({"type": "string"})), ("content", content)], &["role", "content"])});
    let form = |name: &str, value: Value| {
        let mut properties = vec![(name, value)];
        properties.extend(common.iter().cloned());
        let mut schema = object(&properties, &[name]);
        schema["title"] = json!(if name == "prompt" { "Prompt" } else { "Messages" });
        schema
    };
    json!({"type": "object", "oneOf": [form("prompt", json!({"type": "string", "minLength": 1})), form("messages", messages)]})
}

fn embeddings(model: &Model) -> Value {
    let text = json!({"oneOf": [{"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": model.max_batch.unwrap_or(100)}]});
    let mut properties = vec![("text", text.clone())];
    if let Some(poolings) = &model.pooling {
        properties.push(("pooling", json!({"type": "string", "enum": poolings, "default": "mean"})));
    }
    match model.name() {
        "bge-m3" => {
            properties.push(("query", json!({"type": "string"})));
            properties.push((
                "contexts",
                json!({"type": "array", "items": object(&[("text", json!({"type": "string"}))], &["text"])}),
            ));
            properties.push(("truncate_inputs", json!({"type": "boolean", "default": false})));
            object(&properties, &[])
        }
        "qwen3-embedding-0.6b" => {
            properties.push(("queries", text.clone()));
            properties.push(("documents", text));
            properties.push(("instruction", json!({"type": "string"})));
            object(&properties, &[])
        }
        _ => object(&properties, &["text"]),
    }
}

fn other(model: &Model) -> Value {
    let string = || json!({"type": "string", "minLength": 1});
    let bytes = || json!({"type": "array", "items": {"type": "number"}});
    match model.name() {
        "m2m100-1.2b" => object(
            &[
                ("text", string()),
                ("source_lang", json!({"type": "string", "default": "en"})),
                ("target_lang", string()),
            ],
            &["text", "target_lang"],
        ),
        "indictrans2-en-indic-1B" => object(
            &[("text", json!({"type": ["string", "array"]})), ("target_language", string())],
            &["text", "target_language"],
        ),
        "bart-large-cnn" => object(
            &[("input_text", string()), ("max_length", json!({"type": "integer", "default": 1024}))],
            &["input_text"],
        ),
        "bge-reranker-base" => object(
            &[
                ("query", string()),
                (
                    "contexts",
                    json!({"type": "array", "minItems": 1, "items": object(&[("text", string())], &["text"])}),
                ),
                ("top_k", json!({"type": "integer", "minimum": 1})),
            ],
            &["query", "contexts"],
        ),
        "distilbert-sst-2-int8" => object(&[("text", string())], &["text"]),
        "melotts" => {
            object(&[("prompt", string()), ("lang", json!({"type": "string", "default": "en"}))], &["prompt"])
        }
        "aura-1" | "aura-2-en" | "aura-2-es" => object(
            &[
                ("text", string()),
                ("speaker", string()),
                (
                    "encoding",
                    json!({"type": "string", "enum": ["linear16", "flac", "mulaw", "alaw", "mp3", "opus", "aac"], "default": "mp3"}),
                ),
                ("container", json!({"type": "string", "enum": ["none", "wav", "ogg"]})),
                ("sample_rate", json!({"type": "number"})),
            ],
            &["text"],
        ),
        "whisper-large-v3-turbo" => object(
            &[
                ("audio", json!({"type": "string", "contentEncoding": "base64"})),
                (
                    "task",
                    json!({"type": "string", "enum": ["transcribe", "translate"], "default": "transcribe"}),
                ),
                ("language", string()),
                ("vad_filter", json!({"type": "boolean", "default": false})),
                ("initial_prompt", string()),
            ],
            &["audio"],
        ),
        "whisper" | "whisper-tiny-en" | "nova-3" => {
            json!({"oneOf": [{"type": "string", "format": "binary"}, object(&[("audio", bytes())], &["audio"])]})
        }
        "llava-1.5-7b-hf" | "uform-gen2-qwen-500m" => object(
            &[
                ("image", bytes()),
                ("prompt", string()),
                ("max_tokens", json!({"type": "integer", "default": 512})),
            ],
            &["image"],
        ),
        "moondream3.1-9B-A2B" => object(
            &[
                ("image", string()),
                (
                    "task",
                    json!({"type": "string", "enum": ["query", "caption", "point", "detect"], "default": "query"}),
                ),
                ("question", string()),
                ("target", string()),
                ("stream", json!({"type": "boolean", "default": true})),
            ],
            &["image"],
        ),
        _ => {
            json!({"oneOf": [{"type": "string", "format": "binary"}, object(&[("image", bytes())], &["image"])]})
        }
    }
}

fn output(model: &Model) -> Value {
    let string = || json!({"type": "string"});
    match model.task.as_str() {
        "Text Generation" if chat::family(model) == Family::Native => object(&[("response", string())], &[]),
        "Text Generation" => {
            object(&[("choices", json!({"type": "array"})), ("usage", json!({"type": "object"}))], &[])
        }
        "Text Embeddings" => {
            object(&[("shape", json!({"type": "array"})), ("data", json!({"type": "array"}))], &[])
        }
        "Text-to-Image" => match model.name() {
            name if name.starts_with("flux") || name == "lucid-origin" => {
                object(&[("image", string())], &["image"])
            }
            _ => json!({"type": "string", "contentType": "image/png", "format": "binary"}),
        },
        "Translation" => object(&[("translated_text", string())], &[]),
        "Summarization" => object(&[("summary", string())], &[]),
        "Automatic Speech Recognition" => object(&[("text", string())], &["text"]),
        "Text-to-Speech" if model.name() == "melotts" => object(&[("audio", string())], &[]),
        "Text-to-Speech" => json!({"type": "string", "contentType": "audio/mpeg", "format": "binary"}),
        "Image-to-Text" => object(&[("description", string())], &[]),
        _ => json!({"type": ["array", "object"]}),
    }
}
