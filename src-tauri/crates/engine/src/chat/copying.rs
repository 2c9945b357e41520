//! The call behind an answer, rebuilt for copying: the same messages, without pictures' bytes and without the key.

use super::prompt::{self, Setting, Talk};
use super::retrieval::Passages;
use crate::Engine;
use crate::copy::Call;
use domain::{CopyForm, Fault, Message, MessageId, Parameters, Role};
use serde_json::{Map, Value, json};
use workers_ai::{ChatMessage, ChatRequest, Part, Speaker};

/// A message in one of the forms.
pub(crate) async fn copy(engine: &Engine, id: MessageId, form: CopyForm) -> Result<String, Fault> {
    let wanted = id.clone();
    let message =
        engine.database().read(move |shelf| Ok(shelf.home_of(&wanted).message(&wanted)?.message)).await?;
    if form == CopyForm::Markdown {
        return Ok(message.text);
    }
    let request = request(engine, message).await?;
    let access = engine.access();
    let account = access.told().current.filter(|account| account.key.as_str() != crate::DEMO_KEY);
    let call = Call {
        // A program is for the real service, whatever stood for it here.
        base_url: workers_ai::CLOUDFLARE.to_owned(),
        account_id: account.map(|account| account.account_id),
        model: request.model.0.clone(),
        body: body(&request),
    };
    Ok(call.as_program(form))
}

async fn request(engine: &Engine, message: Message) -> Result<ChatRequest, Fault> {
    // The call ends with the question: the answer itself is what it is to bring.
    let leaf = match message.role {
        Role::User => Some(message.id.clone()),
        Role::Assistant => message.parent.clone(),
    };
    let conversation = message.conversation.clone();
    let options = engine
        .database()
        .read({
            let id = conversation.clone();
            move |shelf| Ok(shelf.home(&id).options(&id)?)
        })
        .await?;
    let model = engine.models().for_chat(message.model.as_ref().or(options.model.as_ref())).await;
    let setting = Setting { conversation, options, model };
    let sources = message.sources;
    engine
        .database()
        .read(move |shelf| {
            let home = shelf.home(&setting.conversation);
            let talk = Talk::read(home, &setting.conversation, leaf.as_ref(), &setting.model)?;
            let passages = (!sources.is_empty()).then_some(Passages { sources, considered: 0 });
            Ok(prompt::build(&setting, talk, passages.as_ref()).request)
        })
        .await
}

fn body(request: &ChatRequest) -> Value {
    let mut body = Map::new();
    body.insert("messages".to_owned(), request.messages.iter().map(message).collect());
    add_parameters(&mut body, &request.parameters);
    Value::Object(body)
}

fn message(message: &ChatMessage) -> Value {
    let role = match message.speaker {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
        Speaker::Tool => "tool",
    };
    let content = match &message.content[..] {
        [Part::Text(text)] => json!(text),
        parts => parts.iter().map(part).collect(),
    };
    json!({ "role": role, "content": content })
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Picture { data_uri } => {
            let head = data_uri.split_once(',').map_or("data:image/png;base64", |(head, _)| head);
            json!({ "type": "image_url", "image_url": { "url": format!("{head},PUT THE PICTURE HERE") } })
        }
    }
}

/// What the person set, under its names on the wire.
fn add_parameters(body: &mut Map<String, Value>, parameters: &Parameters) {
    let Parameters {
        temperature,
        top_p,
        top_k,
        max_tokens,
        seed,
        frequency_penalty,
        presence_penalty,
        repetition_penalty,
        reasoning_effort,
        stop,
        json: as_json,
        json_schema,
    } = parameters;
    let effort =
        reasoning_effort.as_deref().map(|effort| if effort == "off" { Value::Null } else { json!(effort) });
    let schema = json_schema
        .as_deref()
        .filter(|_| *as_json)
        .and_then(|schema| serde_json::from_str::<Value>(schema).ok());
    let format = match schema {
        Some(schema) => Some(json!({ "type": "json_schema", "json_schema": schema })),
        None => as_json.then(|| json!({ "type": "json_object" })),
    };
    let named = [
        ("temperature", temperature.map(Value::from)),
        ("top_p", top_p.map(Value::from)),
        ("top_k", top_k.map(Value::from)),
        ("max_tokens", max_tokens.map(Value::from)),
        ("seed", seed.map(Value::from)),
        ("frequency_penalty", frequency_penalty.map(Value::from)),
        ("presence_penalty", presence_penalty.map(Value::from)),
        ("repetition_penalty", repetition_penalty.map(Value::from)),
        ("reasoning_effort", effort),
        ("stop", (!stop.is_empty()).then(|| json!(stop))),
        ("response_format", format),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
}
