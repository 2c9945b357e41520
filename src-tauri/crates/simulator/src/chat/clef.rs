//! The Clef decision models: questions about a state, answered with figures (reference, section 6.8).

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::errors::Refusal;
use crate::price;
use crate::run::Job;
use crate::tokens;
use crate::words;

/// Decides every question.
pub(crate) fn decide(job: &Job<'_>, body: &Value) -> Result<Answer, Refusal> {
    if body["model"] != job.model.name() {
        return Err(Refusal::schema(format!("'/model' must be '{}'", job.model.name())));
    }
    let questions = body["questions"].as_object().filter(|list| (1..=64).contains(&list.len()));
    let questions = questions.ok_or_else(|| Refusal::schema("'/questions' must hold 1 to 64 questions"))?;
    let state = body
        .get("state")
        .ok_or_else(|| Refusal::schema("required properties at '/' are 'state'"))?
        .to_string();
    if body["images"].as_array().is_some_and(|images| images.len() > 4) {
        return Err(Refusal::schema("maxItems at '/images' is 4"));
    }
    let mut answers = Map::new();
    for (id, question) in questions {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if id.is_empty() || id.len() > 100 || !id.chars().all(allowed) {
            return Err(Refusal::schema(format!("'/questions/{id}' is not an id")));
        }
        answers.insert(id.clone(), decision(question, &state)?);
    }
    let tokens_in = tokens::count(&state) + tokens::count(&body["questions"].to_string());
    let neurons = price::text(job.model, tokens_in, 0, 0);
    let result = json!({"model": job.model.name(), "answers": answers,
                        "usage": {"prompt_tokens": tokens_in, "completion_tokens": 0, "total_tokens": tokens_in}});
    Ok(Answer::enveloped(&result).charged(neurons, tokens_in, 0))
}

fn decision(question: &Value, state: &str) -> Result<Value, Refusal> {
    let about = words::terms(state);
    let likeness = |text: &str| f64::from(words::coverage(&words::terms(text), &about));
    match question["type"].as_str() {
        Some("noul") => {
            let figure = 0.05 + 0.9 * likeness(question["instructions"].as_str().unwrap_or_default());
            Ok(json!({"noul": price::rounded(figure)}))
        }
        Some("choice") => {
            let criteria = question["criteria"].as_object().filter(|criteria| !criteria.is_empty());
            let criteria = criteria.ok_or_else(|| Refusal::schema("a choice needs criteria"))?;
            let weights: Vec<(&String, f64)> = criteria
                .iter()
                .map(|(name, text)| (name, 0.1 + likeness(text.as_str().unwrap_or(name))))
                .collect();
            let whole: f64 = weights.iter().map(|(_, weight)| weight).sum();
            let best = weights.iter().max_by(|a, b| a.1.total_cmp(&b.1));
            let probabilities: Map<String, Value> = weights
                .iter()
                .map(|(name, weight)| ((*name).clone(), json!(price::rounded(weight / whole))))
                .collect();
            Ok(json!({"choice": best.map(|(name, _)| name), "probabilities": probabilities,
                      "confidence": best.map(|(_, weight)| price::rounded(weight / whole))}))
        }
        Some("score") => Ok(
            json!({"score": price::rounded(likeness(question["instructions"].as_str().unwrap_or_default()))}),
        ),
        _ => Err(Refusal::schema("a question's type is 'noul', 'choice' or 'score'")),
    }
}
