//! PNG text chunks, and the `parameters` text that other tools read.

use super::Record;
use img_parts::Bytes;
use img_parts::png::{Png, PngChunk};
use std::fmt::Write;

/// An uncompressed `iTXt` chunk: UTF-8, so that Chinese prompts are read back whole.
pub(super) fn chunk(key: &str, text: &str) -> PngChunk {
    let mut contents = key.as_bytes().to_vec();
    // End of the key; not compressed (flag, method); no language; no translated key.
    contents.extend([0, 0, 0, 0, 0]);
    contents.extend(text.as_bytes());
    PngChunk::new(*b"iTXt", Bytes::from(contents))
}

/// All texts of a PNG by key, in order. Compressed ones of over-long or broken form are left out.
pub(super) fn all(png: &Png) -> Vec<(String, String)> {
    png.chunks().iter().filter_map(one).collect()
}

fn one(chunk: &PngChunk) -> Option<(String, String)> {
    let contents = chunk.contents();
    let split = contents.iter().position(|byte| *byte == 0)?;
    let key = latin1(&contents[..split]);
    let rest = &contents[split + 1..];
    match &chunk.kind() {
        b"tEXt" => Some((key, latin1_or_utf8(rest))),
        b"iTXt" => {
            let (compressed, rest) = (*rest.first()? == 1, rest.get(2..)?);
            let language = rest.iter().position(|byte| *byte == 0)?;
            let rest = &rest[language + 1..];
            let translated = rest.iter().position(|byte| *byte == 0)?;
            let text = &rest[translated + 1..];
            // Compressed texts are rare and could be bombs: none of the tools that we read writes them.
            (!compressed).then(|| String::from_utf8(text.to_vec()).ok().map(|text| (key, text)))?
        }
        _ => None,
    }
}

/// `tEXt` is Latin-1 by the standard; many tools write UTF-8 into it all the same.
fn latin1_or_utf8(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| latin1(bytes))
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The text form of the Stable Diffusion web UI: prompt, negative prompt, then one line of named values.
pub(super) fn parameters(record: &Record) -> String {
    let request = &record.request;
    let mut text = request.prompt.clone();
    if let Some(negative) = request.negative_prompt.as_ref().filter(|negative| !negative.is_empty()) {
        let _ = write!(text, "\nNegative prompt: {negative}"); // writing to a String cannot fail
    }
    let mut values = Vec::new();
    values.extend(request.steps.map(|steps| format!("Steps: {steps}")));
    values.extend(request.guidance.map(|guidance| format!("CFG scale: {guidance}")));
    values.extend(request.seed.map(|seed| format!("Seed: {seed}")));
    values.push(format!("Size: {}x{}", record.width, record.height));
    values.extend(request.model.as_ref().map(|model| format!("Model: {model}")));
    values.extend(request.strength.map(|strength| format!("Denoising strength: {strength}")));
    values.push(format!("Version: {} {}", record.app, record.version));
    text.push('\n');
    text.push_str(&values.join(", "));
    text
}
