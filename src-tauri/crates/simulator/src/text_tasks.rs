//! The smaller tasks: translation, summary, classification, detection, and pictures put into words (reference,
//! sections 6.2 to 6.4 and 6.7).

use serde_json::{Value, json};

use crate::answer::{Answer, Event, Kind};
use crate::answers::pictures::{Picture, bytes_of_value};
use crate::embeddings;
use crate::errors::Refusal;
use crate::price;
use crate::run::Job;
use crate::tokens;

/// `ai/run` of a model of one of these tasks.
pub(crate) fn run(job: &Job<'_>) -> Result<Answer, Refusal> {
    match job.model.name() {
        "m2m100-1.2b" => translate(job),
        "indictrans2-en-indic-1B" => translate_indic(job),
        "bart-large-cnn" => summarise(job),
        "bge-reranker-base" => embeddings::rerank(job),
        "distilbert-sst-2-int8" => sentiment(job),
        "resnet-50" => classify(job),
        "detr-resnet-50" => detect(job),
        "moondream3.1-9B-A2B" => moondream(job),
        "llava-1.5-7b-hf" | "uform-gen2-qwen-500m" => describe(job),
        _ => Err(Refusal::no_such_model(&job.model.id)),
    }
}

fn text<'a>(body: &'a Value, key: &str) -> Result<&'a str, Refusal> {
    let text = body[key].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::schema(format!("required properties at '/' are '{key}'")))
}

fn charged(job: &Job<'_>, result: &Value, said: &str, answered: &str) -> Answer {
    let (tokens_in, tokens_out) = (tokens::count(said), tokens::count(answered));
    Answer::enveloped(result).charged(price::text(job.model, tokens_in, 0, tokens_out), tokens_in, tokens_out)
}

fn translate(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let said = text(&body, "text")?;
    let target = text(&body, "target_lang")?;
    let source = body["source_lang"].as_str().unwrap_or("en");
    let translated =
        known_translation(said, target).unwrap_or_else(|| format!("[simulated {source} → {target}] {said}"));
    let (tokens_in, tokens_out) = (tokens::count(said), tokens::count(&translated));
    let result = json!({"translated_text": translated, "usage": {
        "prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}});
    Ok(charged(job, &result, said, &translated))
}

/// The greeting of every example is really translated.
fn known_translation(said: &str, target: &str) -> Option<String> {
    let greeting = matches!(said.trim().trim_end_matches(['.', '!']).to_lowercase().as_str(), "hello" | "hi");
    let word = match target.to_lowercase().as_str() {
        "fr" | "french" => "Bonjour",
        "es" | "spanish" => "Hola",
        "de" | "german" => "Hallo",
        "zh" | "chinese" => "你好",
        "ja" | "japanese" => "こんにちは",
        "it" | "italian" => "Ciao",
        _ => return None,
    };
    greeting.then(|| word.to_owned())
}

fn translate_indic(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let target = text(&body, "target_language")?;
    if target.split('_').count() != 2 {
        return Err(Refusal::schema(format!("'/target_language' does not know '{target}'")));
    }
    let list: Vec<&str> = match &body["text"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return Err(Refusal::schema("required properties at '/' are 'text'")),
    };
    let translations: Vec<String> =
        list.iter().map(|said| format!("[simulated → {target}] {said}")).collect();
    Ok(charged(job, &json!({"translations": translations}), &list.concat(), &translations.concat()))
}

fn summarise(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let said = text(&body, "input_text")?;
    let first = crate::words::sentences(said).into_iter().next().unwrap_or_default();
    let summary = format!("Simulated summary: {first}");
    Ok(charged(job, &json!({"summary": summary}), said, &summary))
}

fn sentiment(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let said = text(&body, "text")?;
    let words = crate::words::words(said);
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count() as f64;
    let good = count(&[
        "love",
        "great",
        "good",
        "nice",
        "wonderful",
        "happy",
        "best",
        "like",
        "excellent",
        "beautiful",
    ]);
    let bad = count(&["hate", "bad", "terrible", "awful", "sad", "worst", "ugly", "boring", "broken", "not"]);
    let positive = price::rounded(1.0 / (1.0 + (-3.0 * (good - bad) - 0.2).exp()));
    let result = json!([{"label": "NEGATIVE", "score": price::rounded(1.0 - positive)}, {"label": "POSITIVE", "score": positive}]);
    Ok(charged(job, &result, said, ""))
}

/// A picture as the raw body or as `{"image": [..]}`.
fn picture(job: &Job<'_>) -> Result<Picture, Refusal> {
    if job.input.is_none() && !job.call.content_type().starts_with("application/json") {
        return Picture::of_bytes(&job.call.body);
    }
    let body = job.json()?;
    if !body["image"].is_array() {
        return Err(Refusal::schema("Type mismatch of '/image', not in 'array'"));
    }
    Picture::of_bytes(&bytes_of_value(&body["image"])?)
}

fn classify(job: &Job<'_>) -> Result<Answer, Refusal> {
    let picture = picture(job)?;
    let [r, g, b] = picture.mean;
    let label = match () {
        () if b >= r && b >= g => "SEASHORE",
        () if g >= r => "VALLEY",
        () => "VOLCANO",
    };
    let scores = [(label, 0.61), ("LAKESIDE", 0.17), ("ALP", 0.09), ("CLIFF", 0.05), ("PROMONTORY", 0.03)];
    let result: Vec<Value> =
        scores.iter().map(|(label, score)| json!({"label": label, "score": score})).collect();
    Ok(Answer::enveloped(&json!(result)).charged(price::rate(job.model, "per M images") / 1e6, 0, 0))
}

fn detect(job: &Job<'_>) -> Result<Answer, Refusal> {
    let picture = picture(job)?;
    let (w, h) = (picture.width, picture.height);
    let result = json!([{"score": 0.98, "label": "cat",
        "box": {"xmin": w / 4, "ymin": h / 4, "xmax": w * 3 / 4, "ymax": h * 3 / 4}}]);
    Ok(Answer::enveloped(&result).charged(0.0, 0, 0))
}

fn seen(picture: &Picture) -> String {
    let [r, g, b] = picture.mean;
    let (w, h) = (picture.width, picture.height);
    format!("A simulated description: a picture of {w} by {h} pixels, mean colour #{r:02x}{g:02x}{b:02x}.")
}

fn describe(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let description = seen(&picture(job)?);
    let prompt = body["prompt"].as_str().unwrap_or_default();
    Ok(charged(job, &json!({"description": description}), prompt, &description))
}

fn moondream(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let source = text(&body, "image")?;
    if source.starts_with("http") {
        return Err(Refusal::saying(
            "invalid_input",
            "AiError: Invalid input: the simulation fetches no pictures",
        ));
    }
    let picture = Picture::of_text(source)?;
    let task = body["task"].as_str().unwrap_or("query");
    let words = seen(&picture);
    let place = |wanted: &str, value: Value| if task == wanted { value } else { Value::Null };
    let thinks = body["reasoning"] != false && task == "query";
    let said = match task {
        "query" => text(&body, "question")?,
        "point" | "detect" => text(&body, "target")?,
        "caption" => "",
        other => return Err(Refusal::schema(format!("'/task' does not know '{other}'"))),
    };
    let (tokens_in, tokens_out) = (729 + tokens::count(said), tokens::count(&words));
    let result = json!({
        "finish_reason": "stop",
        "metrics": {"input_tokens": tokens_in, "output_tokens": tokens_out, "prefill_time_ms": 20, "decode_time_ms": 60, "ttft_ms": 25},
        "answer": place("query", json!(words)), "caption": place("caption", json!(words)),
        "points": place("point", json!([{"x": 0.5, "y": 0.5}])),
        "objects": place("detect", json!([{"x_min": 0.25, "y_min": 0.25, "x_max": 0.75, "y_max": 0.75}])),
        "reasoning": if thinks { json!({"text": "Simulated: the mean colour was computed.", "grounding": []}) } else { Value::Null } });
    let neurons = price::text(job.model, tokens_in, 0, tokens_out);
    // It streams unless told not to.
    let streams = matches!(task, "query" | "caption") && body["stream"] != false;
    let answer =
        if streams { Answer::events(pieces_of(&words, task, &result)) } else { Answer::enveloped(&result) };
    Ok(answer.charged(neurons, tokens_in, tokens_out))
}

fn pieces_of(words: &str, task: &str, result: &Value) -> Vec<Event> {
    let field = if task == "caption" { "caption" } else { "answer" };
    let piece = |piece: &&str| Event::data(Kind::Token, &json!({field: piece}));
    let mut events: Vec<Event> = tokens::pieces(words).iter().map(piece).collect();
    events.push(Event::data(Kind::Other, &json!({"finish_reason": "stop", "metrics": result["metrics"]})));
    events.push(Event::done());
    events
}
