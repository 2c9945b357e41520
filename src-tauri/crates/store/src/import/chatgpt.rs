//! ChatGPT's export: an array of conversations, each a `mapping` of nodes with `parent` and `message`, and a `current_node`.
//! Its ids become ours. System and tool nodes, and empty ones, are passed over: what follows them follows their parent.

use super::Foreign;
use crate::error::Result;
use crate::export::{Exported, Head};
use domain::{
    ConversationId, ConversationOptions, Finish, Message, MessageId, MessageStatus, ModelId, Role, Timestamp,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::BufRead;

#[derive(Deserialize)]
struct Conversation {
    id: Option<String>,
    title: Option<String>,
    create_time: Option<f64>,
    update_time: Option<f64>,
    current_node: Option<String>,
    #[serde(default)]
    mapping: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Node {
    parent: Option<String>,
    message: Option<Value>,
    #[serde(default)]
    children: Vec<String>,
}

/// The conversations of an export, and how many entries could not be read.
pub(super) fn read(from: &mut dyn BufRead) -> Result<(Vec<Foreign>, u32)> {
    let bytes = super::read_all(from)?;
    let entries: Vec<Value> = serde_json::from_slice(&bytes).map_err(|error| super::not_readable(&error))?;
    drop(bytes);
    let mut left_out = 0;
    let mut conversations = Vec::with_capacity(entries.len());
    for entry in entries {
        match normal(entry) {
            Some(conversation) => conversations.push(conversation),
            None => left_out += 1,
        }
    }
    Ok((conversations, left_out))
}

/// The id stands in `conversation_id`, in `id`, or in both.
fn normal(mut entry: Value) -> Option<Foreign> {
    let fields = entry.as_object_mut()?;
    if let Some(id) = fields.remove("conversation_id") {
        fields.insert("id".into(), id);
    }
    foreign(serde_json::from_value(entry).ok()?)
}

fn foreign(found: Conversation) -> Option<Foreign> {
    let nodes: BTreeMap<String, Node> = found
        .mapping
        .into_iter()
        .filter_map(|(id, value)| Some((id, serde_json::from_value(value).ok()?)))
        .collect();
    let created_at = instant(found.create_time);
    let id = ConversationId(found.id.unwrap_or_else(|| {
        let title = found.title.clone().unwrap_or_default();
        blake3::hash(format!("chatgpt {title} {}", created_at.0).as_bytes()).to_hex().to_string()
    }));
    let order = in_tree_order(&nodes);
    let mut said: HashMap<&str, Message> = HashMap::new();
    for node in &order {
        if let Some(message) =
            nodes[*node].message.as_ref().and_then(|value| message(node, value, &id, created_at))
        {
            said.insert(node, message);
        }
    }
    let spoken = |from: Option<&str>| -> Option<MessageId> {
        let up = std::iter::successors(from, |node| nodes.get(*node)?.parent.as_deref());
        // A damaged mapping may run in a circle.
        up.take(nodes.len() + 1).find(|node| said.contains_key(node)).map(MessageId::from)
    };
    let messages: Vec<Exported> = order
        .iter()
        .filter_map(|node| {
            let parent = spoken(nodes[*node].parent.as_deref());
            Some(Exported { message: Message { parent, ..said.get(node)?.clone() }, shown_child: None })
        })
        .collect();
    let leaf = spoken(found.current_node.as_deref());
    let head = Head {
        id,
        title: found.title.unwrap_or_default(),
        renamed: true,
        pinned: false,
        archived: false,
        created_at,
        updated_at: found.update_time.map_or(created_at, |time| instant(Some(time))),
        // The model's name stays on its answers; here it cannot be called.
        options: ConversationOptions::default(),
        leaf,
    };
    (!messages.is_empty()).then_some(Foreign { head, messages })
}

/// Parents first, children in the order in which they are listed: the order of versions.
fn in_tree_order(nodes: &BTreeMap<String, Node>) -> Vec<&str> {
    let is_root = |node: &Node| node.parent.as_ref().is_none_or(|parent| !nodes.contains_key(parent));
    let mut waiting: Vec<&str> =
        nodes.iter().rev().filter(|(_, node)| is_root(node)).map(|(id, _)| id.as_str()).collect();
    let mut seen = HashSet::new();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        order.push(id);
        let children = nodes[id].children.iter().rev();
        waiting.extend(children.filter_map(|child| nodes.get_key_value(child).map(|(id, _)| id.as_str())));
    }
    order
}

fn message(
    node: &str,
    value: &Value,
    conversation: &ConversationId,
    created_at: Timestamp,
) -> Option<Message> {
    let role = match value.pointer("/author/role")?.as_str()? {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => return None,
    };
    let text = text_of(value.get("content")?)?;
    let model = value.pointer("/metadata/model_slug").and_then(Value::as_str).map(ModelId::from);
    Some(Message {
        id: node.into(),
        conversation: conversation.clone(),
        parent: None,
        role,
        text,
        thinking: None,
        thinking_ms: None,
        status: MessageStatus::Complete,
        fault: None,
        model: model.filter(|_| role == Role::Assistant),
        created_at: value
            .get("create_time")
            .and_then(Value::as_f64)
            .map_or(created_at, |time| instant(Some(time))),
        finish: (role == Role::Assistant).then_some(Finish::Stop),
        usage: None,
        first_token_ms: None,
        stream_ms: None,
        attachments: Vec::new(),
        tool_calls: Vec::new(),
        sources: Vec::new(),
        considered: None,
        pictures: Vec::new(),
        dropped_parameters: Vec::new(),
    })
}

/// The words of a message; `None` when there are none. A picture is named, since the export holds it elsewhere.
fn text_of(content: &Value) -> Option<String> {
    let text = match content.get("content_type").and_then(Value::as_str)? {
        "code" => {
            let language = content.get("language").and_then(Value::as_str).unwrap_or_default();
            let language = if language == "unknown" { "" } else { language };
            format!("```{language}\n{}\n```", content.get("text")?.as_str()?)
        }
        "text" | "multimodal_text" => {
            let parts = content.get("parts")?.as_array()?;
            parts.iter().filter_map(part).collect::<Vec<_>>().join("\n\n")
        }
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

fn part(part: &Value) -> Option<String> {
    match part {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Object(fields) => match fields.get("content_type")?.as_str()? {
            "image_asset_pointer" => Some("[image]".into()),
            "audio_transcription" => fields.get("text")?.as_str().map(str::to_owned),
            _ => None,
        },
        _ => None,
    }
}

/// Seconds with a fraction since 1970.
#[allow(clippy::cast_possible_truncation)] // a float beyond i64 saturates
fn instant(seconds: Option<f64>) -> Timestamp {
    Timestamp((seconds.unwrap_or_default() * 1_000.0).round() as i64)
}
