//! A transcript for so many seconds of sound, which says in its first words that nobody listened.

use serde_json::{Value, json};

/// One word with its time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) start: f64,
    pub(super) end: f64,
}

/// What was "heard".
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Transcript {
    pub(super) text: String,
    pub(super) words: Vec<Word>,
    sentences: Vec<(usize, usize)>,
}

/// How long a sound lasts: from a WAV's header, else guessed from its bytes. `None` when this is no sound.
pub(super) fn seconds(bytes: &[u8]) -> Option<f64> {
    let guess = |bytes_per_second: f64| Some((bytes.len() as f64 / bytes_per_second).max(0.1));
    match bytes {
        [b'R', b'I', b'F', b'F', ..] => {
            let rate = u32::from_le_bytes(bytes.get(28..32)?.try_into().ok()?);
            (rate > 0).then(|| bytes.len().saturating_sub(44) as f64 / f64::from(rate))
        }
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => guess(6_000.0),
        [b'O', b'g', b'g', b'S', ..] | [0x1a, 0x45, 0xdf, 0xa3, ..] => guess(4_000.0),
        [b'f', b'L', b'a', b'C', ..] => guess(60_000.0),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => guess(12_000.0),
        _ => None,
    }
}

impl Transcript {
    pub(super) fn of(seconds: f64, language: &str) -> Self {
        let whole = format!("{seconds:.1}");
        let sentences: Vec<String> = if language.starts_with("zh") {
            vec!["这 是 模拟 的 转写。".to_owned(), format!("录音 长 {whole} 秒，没有 人 听过。")]
        } else {
            vec![
                "This is a simulated transcript.".to_owned(),
                format!("The recording lasts {whole} seconds and nobody listened to it."),
            ]
        };
        let count: usize = sentences.iter().map(|sentence| sentence.split(' ').count()).sum();
        let step = seconds / count.max(1) as f64;
        let mut words = Vec::new();
        let mut spans = Vec::new();
        for sentence in &sentences {
            let first = words.len();
            for word in sentence.split(' ') {
                let start = words.len() as f64 * step;
                words.push(Word {
                    text: word.to_owned(),
                    start: hundredths(start),
                    end: hundredths(start + step * 0.9),
                });
            }
            spans.push((first, words.len()));
        }
        let joiner = if language.starts_with("zh") { "" } else { " " };
        let text = sentences.iter().map(|s| if joiner.is_empty() { s.replace(' ', "") } else { s.clone() });
        Transcript { text: text.collect::<Vec<_>>().join(joiner), words, sentences: spans }
    }

    pub(super) fn words_json(&self) -> Vec<Value> {
        self.words
            .iter()
            .map(|word| json!({"word": word.text, "start": word.start, "end": word.end}))
            .collect()
    }

    pub(super) fn segments_json(&self) -> Vec<Value> {
        let words = self.words_json();
        let segment = |(first, end): &(usize, usize)| {
            json!({"start": self.words[*first].start, "end": self.words[*end - 1].end, "text": self.words_joined(*first, *end),
                   "temperature": 0, "avg_logprob": -0.2, "compression_ratio": 0.8, "no_speech_prob": 0.01,
                   "words": words[*first..*end]})
        };
        self.sentences.iter().map(segment).collect()
    }

    fn words_joined(&self, first: usize, end: usize) -> String {
        self.words[first..end].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Captions in proper WebVTT.
    pub(super) fn vtt(&self) -> String {
        self.captions(|seconds| format!("{:02}:{:06.3}", (seconds / 60.0) as u32, seconds % 60.0))
    }

    /// Captions as Whisper writes them: seconds alone, which is not valid WebVTT.
    pub(super) fn vtt_loose(&self) -> String {
        self.captions(|seconds| format!("{seconds:06.3}"))
    }

    fn captions(&self, time: impl Fn(f64) -> String) -> String {
        let caption = |(first, end): &(usize, usize)| {
            let (from, to) = (time(self.words[*first].start), time(self.words[*end - 1].end));
            format!("\n{from} --> {to}\n{}\n", self.words_joined(*first, *end))
        };
        format!("WEBVTT\n{}", self.sentences.iter().map(caption).collect::<String>())
    }
}

fn hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}
