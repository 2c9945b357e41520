//! `ai/tomarkdown`: each file by its extension, each failure on its own (reference, section 7). Text-like formats are
//! really converted; for the others the entry says that this is a simulation, with what can be seen of the file.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::answers::pictures::Picture;
use crate::errors::Refusal;
use crate::handle::{Call, Part};
use crate::random::uuid_of;
use crate::state::State;
use crate::tokens;

/// Extension, media type, and what the file must begin with.
const FORMATS: &[(&str, &str, &[u8])] = &[
    (".pdf", "application/pdf", b"%PDF"),
    (".jpeg", "image/jpeg", b"\xff\xd8"),
    (".jpg", "image/jpeg", b"\xff\xd8"),
    (".png", "image/png", b"\x89PNG"),
    (".webp", "image/webp", b"RIFF"),
    (".svg", "image/svg+xml", b""),
    (".gif", "image/gif", b"GIF8"),
    (".bmp", "image/bmp", b"BM"),
    (".html", "text/html", b""),
    (".htm", "text/html", b""),
    (".xml", "application/xml", b""),
    (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
    (".xlsm", "application/vnd.ms-excel.sheet.macroenabled.12", b"PK"),
    (".xlsb", "application/vnd.ms-excel.sheet.binary.macroenabled.12", b"PK"),
    (".xls", "application/vnd.ms-excel", b"\xd0\xcf"),
    (".et", "application/vnd.ms-excel", b""),
    (".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK"),
    (".ods", "application/vnd.oasis.opendocument.spreadsheet", b"PK"),
    (".odt", "application/vnd.oasis.opendocument.text", b"PK"),
    (".csv", "text/csv", b""),
    (".numbers", "application/vnd.apple.numbers", b"PK"),
];

/// `GET .../ai/tomarkdown/supported`
pub(crate) fn supported() -> Answer {
    let list: Vec<Value> = FORMATS
        .iter()
        .map(|(extension, kind, _)| json!({"extension": extension, "mimeType": kind}))
        .collect();
    Answer::json(&json!({"success": true, "result": list}))
}

/// `POST .../ai/tomarkdown`
pub(crate) fn convert(call: &Call, state: &State) -> Result<Answer, Refusal> {
    let parts = call
        .parts
        .as_ref()
        .ok_or_else(|| Refusal::saying("incomplete_request", "AiError: multipart/form-data expected"))?;
    let options = parts.iter().find(|part| part.name == "conversionOptions");
    let options: Value = match options {
        Some(part) => serde_json::from_slice(&part.bytes)
            .map_err(|_| Refusal::schema("'conversionOptions' is not JSON"))?,
        None => json!({}),
    };
    let plain = options["output"]["format"] == "text";
    let files: Vec<&Part> = parts.iter().filter(|part| part.name == "files").collect();
    if files.is_empty() {
        return Err(Refusal::saying("incomplete_request", "AiError: no files"));
    }
    let result: Vec<Value> = files.iter().enumerate().map(|(i, file)| entry(i, file, plain)).collect();
    let answer = Answer::json(&json!({"success": true, "result": result}));
    // Conversion is free except for pictures, which run a detector and a vision model.
    let pictures = result
        .iter()
        .filter(|entry| entry["mimeType"].as_str().is_some_and(|kind| kind.starts_with("image/")))
        .count();
    let answer = answer.charged(pictures as f64 * 12.5, 0, 0);
    state.charge("tomarkdown", &answer);
    Ok(answer)
}

fn entry(i: usize, file: &Part, plain: bool) -> Value {
    let name = file.file_name.as_deref().unwrap_or("file");
    let id = uuid_of(&format!("{i} {name} {}", file.bytes.len()));
    let lower = name.to_lowercase();
    let format = FORMATS.iter().find(|(extension, _, _)| lower.ends_with(extension));
    let Some((extension, kind, magic)) = format else {
        return json!({"id": id, "name": name, "mimeType": "application/octet-stream", "format": "error", "error": "Unsupported file type"});
    };
    match text_of(extension, magic, name, &file.bytes) {
        Ok(text) => {
            json!({"id": id, "name": name, "mimeType": kind, "format": if plain { "text" } else { "markdown" },
                           "tokens": tokens::count(&text), "data": text})
        }
        Err(error) => json!({"id": id, "name": name, "mimeType": kind, "format": "error", "error": error}),
    }
}

fn text_of(extension: &str, magic: &[u8], name: &str, bytes: &[u8]) -> Result<String, String> {
    if bytes.is_empty() || !bytes.starts_with(magic) {
        return Err(format!("The file could not be read as {extension}"));
    }
    match extension {
        ".html" | ".htm" | ".xml" | ".svg" => Ok(without_tags(&String::from_utf8_lossy(bytes))),
        ".csv" => Ok(table(&String::from_utf8_lossy(bytes))),
        ".png" | ".jpg" | ".jpeg" | ".webp" => match Picture::of_bytes(bytes) {
            Ok(picture) => Ok(format!(
                "# {name}\n\nA simulated description: a picture of {} by {} pixels.\n",
                picture.width, picture.height
            )),
            Err(_) => Err("The picture could not be decoded".to_owned()),
        },
        _ => Ok(format!(
            "# {name}\n\nA simulated conversion: the file holds {} bytes, which nobody read.\n",
            bytes.len()
        )),
    }
}

/// The text between tags, scripts and styles left out, headings marked.
fn without_tags(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tag_end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
        let tag = rest[at + 1..tag_end].to_lowercase();
        rest = &rest[tag_end..];
        for hidden in ["script", "style", "title"] {
            if tag.starts_with(hidden) {
                rest = rest.to_lowercase().find(&format!("</{hidden}")).map_or("", |end| &rest[end..]);
            }
        }
        match tag.as_bytes() {
            [b'h', level @ b'1'..=b'6', ..] => {
                out.push_str(&format!("\n{} ", "#".repeat(usize::from(level - b'0'))))
            }
            [b'l', b'i', ..] => out.push_str("\n- "),
            [b'p', ..] | [b'/', b'p' | b'h', ..] | [b'b', b'r', ..] | [b'd', b'i', b'v', ..] => {
                out.push('\n')
            }
            _ => {}
        }
    }
    out.push_str(rest);
    let lines: Vec<&str> = out.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n\n").replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&")
}

fn table(csv: &str) -> String {
    let row = |line: &str| {
        format!(
            "| {} |\n",
            line.split(',').map(|cell| cell.trim().trim_matches('"')).collect::<Vec<_>>().join(" | ")
        )
    };
    let mut lines = csv.lines().filter(|line| !line.trim().is_empty());
    let Some(head) = lines.next() else { return String::new() };
    let rule = format!("|{}\n", "---|".repeat(head.split(',').count()));
    row(head) + &rule + &lines.map(row).collect::<String>()
}
