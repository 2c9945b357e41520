//! Embeddings and the reranker. A text's vector is the sum of its terms' directions, which are drawn from the term's
//! hash: texts that share words are near by cosine, others nearly at right angles, and nothing depends on the machine.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::catalogue::Model;
use crate::errors::Refusal;
use crate::handle::Call;
use crate::price;
use crate::random::{Random, hash};
use crate::run::{self, Job};
use crate::state::State;
use crate::tokens;
use crate::words;

/// Places of a vector that one term touches.
const PLACES: usize = 16;

/// `ai/run` of an embedding model.
pub(crate) fn run(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    match (job.model.name(), body.get("contexts")) {
        ("bge-m3", Some(contexts)) => contexts_of_m3(job, &body, contexts),
        _ => plain(job, &body),
    }
}

fn plain(job: &Job<'_>, body: &Value) -> Result<Answer, Refusal> {
    let keys = ["text", "queries", "documents"];
    let keys = if job.model.name() == "qwen3-embedding-0.6b" { &keys[..] } else { &keys[..1] };
    let Some((key, value)) = keys.iter().find_map(|key| Some((key, body.get(*key)?))) else {
        return Err(Refusal::schema(format!("required properties at '/' are '{}'", keys[0])));
    };
    let texts = texts(job.model, &format!("/{key}"), value)?;
    let pooling = pooling(job.model, body)?;
    let tokens_in = counted(job.model, &texts, body["truncate_inputs"] == true)?;
    let vectors: Vec<Value> = texts.iter().map(|text| json!(vector(job.model, pooling, text))).collect();
    let mut result = json!({"shape": [texts.len(), dimensions(job.model)], "data": vectors});
    if job.model.pooling.is_some() || job.model.name() == "bge-m3" {
        result["pooling"] = json!(pooling);
    }
    let neurons = price::text(job.model, tokens_in, 0, 0);
    Ok(Answer::enveloped(&result).charged(neurons, tokens_in, 0))
}

/// bge-m3's other modes: vectors of contexts, or scores of contexts for a query.
fn contexts_of_m3(job: &Job<'_>, body: &Value, contexts: &Value) -> Result<Answer, Refusal> {
    let list = context_texts(contexts)?;
    check_batch(job.model, "/contexts", list.len())?;
    let mut texts: Vec<&str> = list.clone();
    texts.extend(body["query"].as_str());
    let tokens_in = counted(job.model, &texts, body["truncate_inputs"] == true)?;
    let vectors: Vec<Vec<f32>> = list.iter().map(|text| vector(job.model, "cls", text)).collect();
    let result = match body["query"].as_str() {
        Some(query) => {
            let query = vector(job.model, "cls", query);
            let score = |(id, vector): (usize, &Vec<f32>)| json!({"id": id, "score": cosine(&query, vector)});
            json!({"response": vectors.iter().enumerate().map(score).collect::<Vec<_>>()})
        }
        None => json!({"response": vectors, "shape": [list.len(), dimensions(job.model)], "pooling": "cls"}),
    };
    let neurons = price::text(job.model, tokens_in, 0, 0);
    Ok(Answer::enveloped(&result).charged(neurons, tokens_in, 0))
}

/// `POST .../ai/v1/embeddings`: a bare OpenAI object, without neurons in `usage`.
pub(crate) fn openai(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let id =
        body["model"].as_str().ok_or_else(|| Refusal::schema("required properties at '/' are 'model'"))?;
    let model = run::open(call, id, state)?;
    if model.task != "Text Embeddings" {
        return Err(Refusal::no_such_model(id));
    }
    run::metered(call, model, state, || {
        let texts = texts(model, "/input", &body["input"])?;
        let tokens_in = counted(model, &texts, false)?;
        let data = texts.iter().enumerate().map(|(index, text)| {
            let vector = vector(model, "mean", text);
            let embedding =
                if body["encoding_format"] == "base64" { json!(packed(&vector)) } else { json!(vector) };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        });
        let body = json!({"object": "list", "data": data.collect::<Vec<_>>(), "model": model.id,
                          "usage": {"prompt_tokens": tokens_in, "total_tokens": tokens_in}});
        Ok(Answer::json(&body).charged(price::text(model, tokens_in, 0, 0), tokens_in, 0))
    })
}

/// `bge-reranker-base`: how much of the query each context covers, as a figure between 0 and 1.
pub(crate) fn rerank(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let query = body["query"].as_str().filter(|query| !query.is_empty());
    let query = query.ok_or_else(|| Refusal::schema("required properties at '/' are 'query'"))?;
    let contexts = context_texts(&body["contexts"])?;
    let wanted = words::terms(query);
    let mut scores: Vec<(usize, f64)> =
        contexts.iter().enumerate().map(|(id, text)| (id, relevance(&wanted, text))).collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    if let Some(most) = body["top_k"].as_u64() {
        scores.truncate(most as usize);
    }
    let response: Vec<Value> = scores.iter().map(|(id, score)| json!({"id": id, "score": score})).collect();
    let tokens_in = contexts.iter().map(|text| tokens::count(text) + tokens::count(query)).sum();
    let neurons = price::text(job.model, tokens_in, 0, 0);
    Ok(Answer::enveloped(&json!({"response": response})).charged(neurons, tokens_in, 0))
}

/// A sigmoid over the share of the query's weight that a text covers; long texts cover more by accident.
fn relevance(query: &BTreeMap<u64, f32>, text: &str) -> f64 {
    let terms = words::terms(text);
    let length = 1.0 + (terms.len() as f64 / 400.0);
    let share = f64::from(words::coverage(query, &terms)) / length.sqrt();
    let score = 1.0 / (1.0 + (-(share * 14.0 - 6.0)).exp());
    (score * 1e6).round() / 1e6
}

fn context_texts<'a>(contexts: &'a Value) -> Result<Vec<&'a str>, Refusal> {
    let list = contexts.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| Refusal::schema("required properties at '/' are 'contexts'"))?;
    let text = |(i, context): (usize, &'a Value)| {
        let text = context["text"].as_str();
        text.ok_or_else(|| Refusal::schema(format!("required properties at '/contexts/{i}' are 'text'")))
    };
    list.iter().enumerate().map(text).collect()
}

fn dimensions(model: &Model) -> usize {
    model.output_dimensions.unwrap_or(768)
}

/// One text or a list of them, within the model's batch.
fn texts<'a>(model: &Model, path: &str, value: &'a Value) -> Result<Vec<&'a str>, Refusal> {
    let list = match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(list) => {
            let text = |(i, text): (usize, &'a Value)| {
                text.as_str()
                    .ok_or_else(|| Refusal::schema(format!("Type mismatch of '{path}/{i}', not in 'string'")))
            };
            list.iter().enumerate().map(text).collect::<Result<Vec<_>, _>>()?
        }
        _ => return Err(Refusal::schema(format!("Type mismatch of '{path}', not in 'string', 'array'"))),
    };
    check_batch(model, path, list.len())?;
    match list.iter().position(|text| text.is_empty()) {
        Some(i) => Err(Refusal::schema(format!("minLength at '{path}/{i}' is 1, but got 0"))),
        None => Ok(list),
    }
}

fn check_batch(model: &Model, path: &str, length: usize) -> Result<(), Refusal> {
    let most = model.max_batch.unwrap_or(100);
    match length {
        0 => Err(Refusal::schema(format!("minItems at '{path}' is 1, but got 0"))),
        n if n > most => Err(Refusal::schema(format!("maxItems at '{path}' is {most}, but got {n}"))),
        _ => Ok(()),
    }
}

fn pooling<'a>(model: &Model, body: &'a Value) -> Result<&'a str, Refusal> {
    match (&model.pooling, body["pooling"].as_str()) {
        (_, None) => Ok(if model.name() == "bge-m3" { "cls" } else { "mean" }),
        (Some(known), Some(wanted)) if known.iter().any(|name| name == wanted) => Ok(wanted),
        (Some(_), Some(wanted)) => {
            Err(Refusal::schema(format!("'/pooling' is not one of 'mean', 'cls': '{wanted}'")))
        }
        (None, Some(_)) => Ok("mean"),
    }
}

/// Tokens of a batch. The English bge models cut what is too long; the others refuse it unless asked to cut.
fn counted(model: &Model, texts: &[&str], cuts: bool) -> Result<usize, Refusal> {
    let (most_each, refuses) = match model.name() {
        "bge-m3" | "qwen3-embedding-0.6b" => (8192, !cuts),
        "plamo-embedding-1b" => (4096, true),
        "embeddinggemma-300m" => (2048, true),
        _ => (512, false),
    };
    let mut total = 0;
    for text in texts {
        let count = tokens::count(text);
        if refuses && count > most_each {
            return Err(Refusal::saying(
                "sequence_too_long",
                format!("AiError: AiError: Sequence too long: {count} > {most_each}"),
            ));
        }
        total += count.min(most_each);
    }
    match model.context_window.filter(|_| model.name() == "bge-m3") {
        Some(window) if total > window => Err(Refusal::saying(
            "context",
            format!(
                "AiError: The estimated number of input and maximum output tokens ({total}) exceeded this model context \
                 window limit ({window})."
            ),
        )),
        _ => Ok(total),
    }
}

/// The vector that a model answers for a text, without asking a server; none for a model that is unknown.
#[must_use]
pub fn embed(model: &str, pooling: &str, text: &str) -> Option<Vec<f32>> {
    crate::catalogue::find(model).map(|model| vector(model, pooling, text))
}

/// The unit vector of a text. Models and poolings have directions of their own, so that mixing them finds nothing.
pub(crate) fn vector(model: &Model, pooling: &str, text: &str) -> Vec<f32> {
    let size = dimensions(model);
    let salt = hash(format!("{} {pooling}", model.id).as_bytes());
    let mut values = vec![0.0_f32; size];
    for (term, weight) in words::terms(text) {
        add_direction(&mut values, term ^ salt, weight);
    }
    // What every text has in common, and a little of its own: no two texts have one vector, none is zero.
    add_direction(&mut values, salt, 0.3);
    add_direction(&mut values, hash(text.as_bytes()) ^ salt, 0.1);
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= norm);
    values
}

fn add_direction(values: &mut [f32], seed: u64, weight: f32) {
    let mut random = Random::new(seed);
    for _ in 0..PLACES {
        let draw = random.next();
        let place = (draw >> 1) as usize % values.len();
        values[place] += if draw & 1 == 0 { weight } else { -weight };
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Little-endian floats in base64, as OpenAI packs them.
fn packed(vector: &[f32]) -> String {
    BASE64.encode(vector.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;

    #[test]
    fn texts_that_share_words_are_near() {
        let model = find("@cf/baai/bge-m3").expect("in the table");
        let near = |a: &str, b: &str| cosine(&vector(model, "cls", a), &vector(model, "cls", b));
        let query = "Programming languages for data analysis";
        let python = near(query, "Python is a popular programming language for data science");
        let chain = near(query, "Blockchain keeps a ledger that nobody owns");
        assert!(python > chain + 0.2, "{python} {chain}");
        assert!(
            near("机器学习的应用", "机器学习有很多应用") > near("机器学习的应用", "今天的面条很好吃") + 0.2
        );
        let own = near("the same text", "the same text");
        assert!((own - 1.0).abs() < 1e-4, "{own}");
    }

    #[test]
    fn poolings_do_not_mix() {
        let model = find("@cf/baai/bge-base-en-v1.5").expect("in the table");
        let mixed = cosine(&vector(model, "cls", "one text"), &vector(model, "mean", "one text"));
        assert!(mixed.abs() < 0.3, "{mixed}");
    }
}
