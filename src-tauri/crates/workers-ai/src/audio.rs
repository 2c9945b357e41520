//! Speech to text, and text to speech. Source: reference, sections 6.5 and 6.6.

use crate::client::{Call, Client, parse};
use crate::error::Error;
use crate::images::encoded;
use crate::prices::{estimate_audio, estimate_speech};
use crate::wire::Payload;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{Model, ModelId, Task, Usage};
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::form_urlencoded;

/// How long to wait for speech.
const PATIENCE: Duration = Duration::from_secs(180);
/// A transcript with a time for each word of some hours is not larger.
const LARGEST_TRANSCRIPT: usize = 64 * 1024 * 1024;
/// Speech that is made is not larger.
const LARGEST_SPEECH: usize = 128 * 1024 * 1024;

/// Speech to write down.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscribeRequest {
    /// The model.
    pub model: ModelId,
    /// An audio file. Cut long recordings: the service publishes no limit and refuses large ones (20 MB is safe).
    pub audio: Vec<u8>,
    /// Its media type, e.g. `audio/mpeg`.
    pub media_type: String,
    /// The spoken language as ISO 639-1; found out when absent.
    pub language: Option<String>,
    /// Write it down in English, whatever is spoken (Whisper large only).
    pub translate: bool,
    /// Names and words that occur in it (Whisper large only).
    pub hint: Option<String>,
}

/// Speech, written down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// The language that was heard.
    pub language: Option<String>,
    /// How long the recording is, in seconds.
    pub seconds: Option<f64>,
    /// Pieces with their times; captions are made from these (the service's own are not always valid).
    pub segments: Vec<Segment>,
    /// What it cost.
    pub usage: Usage,
}

/// A piece of speech.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Seconds from the start.
    pub start: f64,
    /// Seconds from the start.
    pub end: f64,
    /// What is said.
    pub text: String,
}

/// Text to speak.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeakRequest {
    /// The model.
    pub model: ModelId,
    /// What to say; Aura takes at most some 2,000 characters.
    pub text: String,
    /// The voice (Aura only).
    pub voice: Option<String>,
    /// The language (MeloTTS only).
    pub language: Option<String>,
}

/// Spoken text.
#[derive(Debug, Clone, PartialEq)]
pub struct Speech {
    /// The sound.
    pub bytes: Vec<u8>,
    /// By its first bytes: the documentation is not right on this.
    pub media_type: &'static str,
    /// What it cost.
    pub usage: Usage,
}

impl Client {
    /// Writes speech down.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] without audio; everything of the wire. Repeated only where nothing can be billed twice.
    pub async fn transcribe(&self, request: &TranscribeRequest) -> Result<Transcript, Error> {
        if request.audio.is_empty() {
            return Err(Error::InvalidInput("the recording is empty".to_owned()));
        }
        let path = format!("{}{}", Self::run_path(&request.model)?, query(request));
        let wire = self.model_request(&path, audio_payload(request))?;
        let call = Call::new(self, wire, Task::SpeechRecognition).of(&request.model);
        let call = call.at_most(LARGEST_TRANSCRIPT).costly(PATIENCE);
        let (reply, body) =
            self.bytes(&call).await.map_err(|error| self.with_replacement(error, &request.model))?;
        let value = parse(&reply, &body)?;
        let result = value.get("result").filter(|result| result.is_object()).unwrap_or(&value);
        let mut transcript =
            if result.get("results").is_some() { channels(result) } else { segments(result) };
        let seconds = transcript.seconds;
        transcript.usage =
            self.sound_usage(&request.model, reply.neurons(), |model| estimate_audio(model, seconds?));
        Ok(transcript)
    }

    /// Speaks a text.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] without text, [`Error::AnswerMalformed`] for what is no sound; everything of the wire.
    /// Repeated only where nothing can be billed twice.
    pub async fn speak(&self, request: &SpeakRequest) -> Result<Speech, Error> {
        if request.text.trim().is_empty() {
            return Err(Error::InvalidInput("there is nothing to say".to_owned()));
        }
        let wire =
            self.model_request(&Self::run_path(&request.model)?, Payload::json(&speak_body(request)))?;
        let call = Call::new(self, wire, Task::TextToSpeech).of(&request.model);
        let call = call.at_most(LARGEST_SPEECH).costly(PATIENCE);
        let (reply, body) =
            self.bytes(&call).await.map_err(|error| self.with_replacement(error, &request.model))?;
        let neurons = reply.neurons();
        let bytes = encoded(&reply, body, "audio")?;
        let media_type = sound_type(&bytes)
            .ok_or_else(|| Error::AnswerMalformed("it is no sound that is known".to_owned()))?;
        let characters = request.text.chars().count();
        let usage = self.sound_usage(&request.model, neurons, |model| {
            estimate_speech(model, characters).or_else(|| estimate_audio(model, wave_seconds(&bytes)?))
        });
        Ok(Speech { bytes, media_type, usage })
    }

    fn sound_usage(
        &self,
        model: &ModelId,
        told: Option<f64>,
        estimate: impl FnOnce(&Model) -> Option<f64>,
    ) -> Usage {
        let neurons = told.or_else(|| self.account.prices.with(model, estimate)?);
        Usage { neurons, estimated: told.is_none() && neurons.is_some(), ..Usage::default() }
    }
}

fn is_deepgram(model: &ModelId) -> bool {
    model.as_str().starts_with("@cf/deepgram/")
}

/// Whisper large takes JSON with base64, the others the bytes as they are.
fn audio_payload(request: &TranscribeRequest) -> Payload {
    if !request.model.as_str().contains("whisper-large") {
        let fallback = "application/octet-stream";
        let media_type = if request.media_type.is_empty() { fallback } else { &request.media_type };
        return Payload::Binary {
            bytes: Bytes::from(request.audio.clone()),
            media_type: media_type.to_owned(),
        };
    }
    let mut body = Map::new();
    body.insert("audio".to_owned(), json!(STANDARD.encode(&request.audio)));
    if request.translate {
        body.insert("task".to_owned(), json!("translate"));
    }
    if let Some(language) = &request.language {
        body.insert("language".to_owned(), json!(language));
    }
    if let Some(hint) = &request.hint {
        body.insert("initial_prompt".to_owned(), json!(hint));
    }
    Payload::json(&Value::Object(body))
}

/// Deepgram's options stand in the query.
fn query(request: &TranscribeRequest) -> String {
    if !is_deepgram(&request.model) {
        return String::new();
    }
    let mut options = form_urlencoded::Serializer::new(String::new());
    options.append_pair("smart_format", "true").append_pair("utterances", "true");
    match &request.language {
        Some(language) => options.append_pair("language", language),
        None => options.append_pair("detect_language", "true"),
    };
    format!("?{}", options.finish())
}

fn speak_body(request: &SpeakRequest) -> Value {
    if is_deepgram(&request.model) {
        return match &request.voice {
            Some(voice) => json!({ "text": request.text, "speaker": voice, "encoding": "mp3" }),
            None => json!({ "text": request.text, "encoding": "mp3" }),
        };
    }
    json!({ "prompt": request.text, "lang": request.language.as_deref().unwrap_or("en") })
}

/// Whisper's answer.
fn segments(result: &Value) -> Transcript {
    let info = result.get("transcription_info").unwrap_or(&Value::Null);
    let list = ["segments", "words"].iter().find_map(|key| result.get(*key)?.as_array());
    let segments: Vec<Segment> = list.into_iter().flatten().filter_map(segment).collect();
    let seconds = info.get("duration").and_then(Value::as_f64);
    Transcript {
        text: string(result, "text").trim().to_owned(),
        language: info.get("language").and_then(Value::as_str).map(str::to_owned),
        seconds: seconds.or_else(|| segments.last().map(|segment| segment.end)),
        segments,
        usage: Usage::default(),
    }
}

/// Deepgram's answer: the first alternative of the first channel.
fn channels(result: &Value) -> Transcript {
    let results = &result["results"];
    let channel = &results["channels"][0];
    let best = &channel["alternatives"][0];
    let utterances = results.get("utterances").and_then(Value::as_array);
    let list = utterances.or_else(|| best.get("words").and_then(Value::as_array));
    let segments: Vec<Segment> = list.into_iter().flatten().filter_map(segment).collect();
    let seconds = result.get("metadata").and_then(|metadata| metadata.get("duration")?.as_f64());
    Transcript {
        text: string(best, "transcript").to_owned(),
        language: channel.get("detected_language").and_then(Value::as_str).map(str::to_owned),
        seconds: seconds.or_else(|| segments.last().map(|segment| segment.end)),
        segments,
        usage: Usage::default(),
    }
}

fn segment(value: &Value) -> Option<Segment> {
    let text =
        ["text", "transcript", "punctuated_word", "word"].iter().find_map(|key| value.get(*key)?.as_str())?;
    let time = |key: &str| value.get(key)?.as_f64();
    Some(Segment { start: time("start")?, end: time("end")?, text: text.trim().to_owned() })
}

fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The format of a sound by its first bytes.
fn sound_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some("audio/wav"),
        [b'I', b'D', b'3', ..] => Some("audio/mpeg"),
        [0xFF, second, ..] if second & 0xF6 == 0xF0 => Some("audio/aac"),
        [0xFF, second, ..] if second & 0xE0 == 0xE0 => Some("audio/mpeg"),
        [b'O', b'g', b'g', b'S', ..] => Some("audio/ogg"),
        [b'f', b'L', b'a', b'C', ..] => Some("audio/flac"),
        _ => None,
    }
}

/// Seconds of a WAV file, from its byte rate.
fn wave_seconds(bytes: &[u8]) -> Option<f64> {
    let rate = bytes.get(28..32).filter(|_| bytes.starts_with(b"RIFF"))?;
    let rate = u32::from_le_bytes(rate.try_into().ok()?);
    (rate > 0).then(|| (bytes.len().saturating_sub(44)) as f64 / f64::from(rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Answer, Server};

    fn request(model: &str) -> TranscribeRequest {
        TranscribeRequest {
            model: ModelId::from(model),
            audio: vec![1, 2, 3],
            media_type: "audio/wav".to_owned(),
            language: Some("en".to_owned()),
            translate: false,
            hint: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whisper_large_takes_base64_and_tells_the_length() {
        let answer = json!({ "result": {
            "transcription_info": { "language": "en", "duration": 60.0 }, "text": " Hello there. ",
            "segments": [{ "start": 0.0, "end": 1.2, "text": "Hello there." }] }, "success": true, "errors": [] });
        let server = Server::answering(vec![Answer::json(&answer)]);
        let wanted = request("@cf/openai/whisper-large-v3-turbo");
        let found = testing::client(&server).transcribe(&wanted).await.unwrap();
        assert_eq!((found.text.as_str(), found.seconds), ("Hello there.", Some(60.0)));
        assert_eq!(found.segments, [Segment { start: 0.0, end: 1.2, text: "Hello there.".into() }]);
        assert_eq!((found.usage.neurons, found.usage.estimated), (Some(46.63), true));
        assert_eq!(server.seen()[0].json(), json!({ "audio": "AQID", "language": "en" }));
    }

    #[tokio::test(start_paused = true)]
    async fn the_others_take_the_bytes_as_they_are() {
        let answer = json!({ "results": { "channels": [{ "detected_language": "en", "alternatives": [{ "transcript": "hi",
            "words": [{ "word": "hi", "start": 0.1, "end": 0.3 }] }] }] } });
        let server = Server::answering(vec![Answer::json(&answer)]);
        let found = testing::client(&server).transcribe(&request("@cf/deepgram/nova-3")).await.unwrap();
        assert_eq!((found.text.as_str(), found.segments.len()), ("hi", 1));
        let seen = &server.seen()[0].request;
        assert_eq!(seen.url.query(), Some("smart_format=true&utterances=true&language=en"));
        assert!(matches!(&seen.payload, Payload::Binary { media_type, .. } if media_type == "audio/wav"));
    }

    #[tokio::test(start_paused = true)]
    async fn speech_is_known_by_its_bytes() {
        let mut wave = b"RIFF....WAVEfmt ....................".to_vec();
        wave.resize(44 + 88_200, 0);
        wave[28..32].copy_from_slice(&88_200u32.to_le_bytes());
        let melo = json!({ "result": { "audio": STANDARD.encode(&wave) }, "success": true, "errors": [] });
        let server = Server::answering(vec![Answer::json(&melo)]);
        let text = SpeakRequest {
            model: ModelId::from("@cf/myshell-ai/melotts"),
            text: "Hello".into(),
            voice: None,
            language: None,
        };
        let speech = testing::client(&server).speak(&text).await.unwrap();
        assert_eq!(speech.media_type, "audio/wav");
        assert!((speech.usage.neurons.unwrap() - 18.63 / 60.0).abs() < 1e-6, "a second of sound");
        assert_eq!(server.seen()[0].json(), json!({ "prompt": "Hello", "lang": "en" }));

        let mut raw = Answer::new(200, &[("content-type", "audio/mpeg")], "");
        raw.body = vec![(Duration::ZERO, Ok(Bytes::from_static(b"ID3....")))];
        let server = Server::answering(vec![raw]);
        let text =
            SpeakRequest { model: ModelId::from("@cf/deepgram/aura-1"), voice: Some("luna".into()), ..text };
        let speech = testing::client(&server).speak(&text).await.unwrap();
        assert_eq!((speech.media_type, speech.usage.estimated), ("audio/mpeg", true));
        assert_eq!(server.seen()[0].json()["speaker"], json!("luna"));
    }
}
