//! Speech in both directions (reference, sections 6.5 and 6.6): transcripts that say that they are simulated, and
//! sounds that can be heard: a tone for each letter, as WAV or as MP3.

mod mp3;
mod transcript;
mod wav;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::answers::pictures::bytes_of_value;
use crate::errors::Refusal;
use crate::price;
use crate::run::Job;

/// `ai/run` of a model that hears or speaks.
pub(crate) fn run(job: &Job<'_>) -> Result<Answer, Refusal> {
    match job.model.name() {
        "whisper" | "whisper-tiny-en" => whisper(job),
        "whisper-large-v3-turbo" => turbo(job),
        "nova-3" => nova(job),
        "flux" => {
            Err(Refusal::saying("invalid_input", "AiError: This model is only available over WebSocket"))
        }
        "melotts" => melo(job),
        "smart-turn-v2" => turn_end(job),
        _ => aura(job),
    }
}

/// The audio of a request: the body itself, or `{"audio": [..]}`, or base64 where `base64` says so.
fn audio_of(job: &Job<'_>, encoded: bool) -> Result<(Vec<u8>, Value), Refusal> {
    let is_json = job.call.content_type().starts_with("application/json") || job.input.is_some();
    if !is_json && !encoded {
        return Ok((job.call.body.to_vec(), json!({})));
    }
    let body = job.json()?;
    let fits = if encoded { body["audio"].is_string() } else { body["audio"].is_array() };
    if !fits {
        return Err(Refusal::schema("Type mismatch of '/audio'"));
    }
    let bytes = bytes_of_value(&body["audio"])?;
    Ok((bytes, body))
}

fn seconds_of(bytes: &[u8]) -> Result<f64, Refusal> {
    transcript::seconds(bytes).ok_or_else(|| Refusal::named("invalid_input"))
}

fn whisper(job: &Job<'_>) -> Result<Answer, Refusal> {
    let (bytes, _) = audio_of(job, false)?;
    let seconds = seconds_of(&bytes)?;
    let heard = transcript::Transcript::of(seconds, "en");
    let result = json!({"text": heard.text, "word_count": heard.words.len(), "words": heard.words_json(),
                        "vtt": heard.vtt_loose()});
    Ok(Answer::enveloped(&result).charged(price::audio(job.model, seconds), 0, 0))
}

fn turbo(job: &Job<'_>) -> Result<Answer, Refusal> {
    let (bytes, body) = audio_of(job, true)?;
    let seconds = seconds_of(&bytes)?;
    let language = if body["task"] == "translate" { "en" } else { body["language"].as_str().unwrap_or("en") };
    let heard = transcript::Transcript::of(seconds, language);
    let result = json!({
        "transcription_info": {"language": language, "language_probability": 0.99, "duration": seconds,
                               "duration_after_vad": seconds},
        "text": heard.text, "word_count": heard.words.len(), "segments": heard.segments_json(), "vtt": heard.vtt() });
    Ok(Answer::enveloped(&result).charged(price::audio(job.model, seconds), 0, 0))
}

fn nova(job: &Job<'_>) -> Result<Answer, Refusal> {
    if job.call.content_type().starts_with("application/json") {
        return Err(Refusal::saying("invalid_input", "AiError: Invalid input: send the audio itself"));
    }
    let broken = || Refusal::saying("sequence_too_long", "AiError: AiError: No audio could be detected");
    let seconds = transcript::seconds(&job.call.body).ok_or_else(broken)?;
    let heard = transcript::Transcript::of(seconds, job.call.query("language").unwrap_or("en"));
    let words: Vec<Value> = heard
        .words
        .iter()
        .map(|word| json!({"word": word.text, "start": word.start, "end": word.end, "confidence": 0.99}))
        .collect();
    let result = json!({"results": {"channels": [{"alternatives": [
        {"transcript": heard.text, "confidence": 0.99, "words": words}]}]}});
    Ok(Answer::enveloped(&result).charged(price::audio(job.model, seconds), 0, 0))
}

fn melo(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let text = spoken(&body, "prompt")?;
    let language = body["lang"].as_str().unwrap_or("en").to_lowercase();
    if !["en", "es", "fr", "zh", "ja", "jp", "ko", "kr"].contains(&language.as_str()) {
        return Err(Refusal::schema(format!("'/lang' does not know '{language}'")));
    }
    let (bytes, seconds) = wav::speech(text, 44_100);
    let answer = Answer::enveloped(&json!({"audio": BASE64.encode(bytes)}));
    Ok(answer.charged(price::audio(job.model, seconds), 0, 0))
}

fn aura(job: &Job<'_>) -> Result<Answer, Refusal> {
    let body = job.json()?;
    let text = spoken(&body, "text")?;
    if text.chars().count() > 2000 {
        return Err(Refusal::saying(
            "invalid_input",
            "AiError: Input text exceeds maximum character limit of 2000",
        ));
    }
    let speaker = body["speaker"].as_str().unwrap_or_default();
    if !speaker.is_empty() && !speakers(job.model.name()).contains(&speaker) {
        return Err(Refusal::schema(format!("'/speaker' does not know '{speaker}'")));
    }
    let rate = body["sample_rate"].as_u64().unwrap_or(24_000).clamp(8_000, 48_000) as u32;
    let answer = match body["encoding"].as_str() {
        None | Some("mp3") => Answer::bytes("audio/mpeg", mp3::speech(text, job.model.name() != "aura-1")),
        Some("linear16") if body["container"] == "none" => {
            Answer::bytes("audio/l16", wav::speech(text, rate).0[wav::HEADER..].to_vec())
        }
        Some("linear16") => Answer::bytes("audio/wav", wav::speech(text, rate).0),
        Some(other) => {
            return Err(Refusal::saying(
                "invalid_input",
                format!("AiError: the simulation does not encode {other}"),
            ));
        }
    };
    let rate = price::rate(job.model, "per 1k characters");
    Ok(answer.charged(rate * text.chars().count() as f64 / 1000.0, 0, 0))
}

fn speakers(model: &str) -> &'static [&'static str] {
    match model {
        "aura-1" => &[
            "angus", "asteria", "arcas", "orion", "orpheus", "athena", "luna", "zeus", "perseus", "helios",
            "hera", "stella",
        ],
        "aura-2-es" => &[
            "sirio", "nestor", "carina", "celeste", "alvaro", "diana", "aquila", "selena", "estrella",
            "javier",
        ],
        _ => &[
            "amalthea",
            "andromeda",
            "apollo",
            "arcas",
            "aries",
            "asteria",
            "athena",
            "atlas",
            "aurora",
            "callista",
            "cora",
            "cordelia",
            "delia",
            "draco",
            "electra",
            "harmonia",
            "helena",
            "hera",
            "hermes",
            "hyperion",
            "iris",
            "janus",
            "juno",
            "jupiter",
            "luna",
            "mars",
            "minerva",
            "neptune",
            "odysseus",
            "ophelia",
            "orion",
            "orpheus",
            "pandora",
            "phoebe",
            "pluto",
            "saturn",
            "thalia",
            "theia",
            "vesta",
            "zeus",
        ],
    }
}

fn spoken<'a>(body: &'a Value, key: &str) -> Result<&'a str, Refusal> {
    let text = body[key].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::schema(format!("required properties at '/' are '{key}'")))
}

/// Has the speaker finished? A simulated guess from the length.
fn turn_end(job: &Job<'_>) -> Result<Answer, Refusal> {
    let (bytes, body) = audio_of(job, true)?;
    if !["uint8", "float32", "float64"].contains(&body["dtype"].as_str().unwrap_or("uint8")) {
        return Err(Refusal::schema("'/dtype' is not one of 'uint8', 'float32', 'float64'"));
    }
    let probability = 0.5 + (crate::random::hash(&bytes) % 50) as f64 / 100.0;
    let result = json!({"is_complete": probability > 0.7, "probability": probability});
    Ok(Answer::enveloped(&result).charged(price::audio(job.model, bytes.len() as f64 / 16_000.0), 0, 0))
}
