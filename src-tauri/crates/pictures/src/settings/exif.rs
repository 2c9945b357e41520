//! EXIF of JPEG files. `ImageDescription` is ASCII by the standard, so our JSON is written with escapes; `UserComment` is
//! where the web UI and its kin look for `parameters`.

use super::KEY;
use crate::Error;
use exif::experimental::Writer;
use exif::{Field, In, Tag, Value};
use std::io::Cursor;

/// The most bytes of one block in a JPEG: a segment's length is a `u16` that counts itself, and `Exif` comes before.
pub(super) const LARGEST: usize = 65_535 - 2 - 6;

/// The character code of a `UserComment` in UTF-16.
const UNICODE: &[u8; 8] = b"UNICODE\0";

/// The TIFF block that holds our record, the `parameters` text and the program's name.
pub(super) fn write(json: &str, parameters: &str, version: &str) -> Result<Vec<u8>, Error> {
    let mut comment = UNICODE.to_vec();
    comment.extend(parameters.encode_utf16().flat_map(u16::to_be_bytes));
    let fields = [
        ascii(Tag::ImageDescription, &format!("{KEY}:{}", escape(json))),
        ascii(Tag::Software, &format!("{KEY} {version}")),
        Field { tag: Tag::UserComment, ifd_num: In::PRIMARY, value: Value::Undefined(comment, 0) },
    ];
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, false).map_err(|error| Error::Damaged { detail: error.to_string() })?;
    Ok(block.into_inner())
}

/// The texts of a TIFF block, by the same keys as in a PNG.
pub(super) fn read(block: &[u8]) -> Vec<(String, String)> {
    let Ok(exif) = exif::Reader::new().read_raw(block.to_vec()) else { return Vec::new() };
    let mut texts = Vec::new();
    for field in exif.fields() {
        match (&field.value, field.tag) {
            (Value::Ascii(lines), Tag::ImageDescription) => {
                let text = String::from_utf8_lossy(&lines.concat()).into_owned();
                match text.strip_prefix(KEY).and_then(|rest| rest.strip_prefix(':')) {
                    Some(json) => texts.push((KEY.to_owned(), json.to_owned())),
                    None => texts.push(("description".to_owned(), text)),
                }
            }
            (Value::Undefined(bytes, _), Tag::UserComment) => {
                texts.extend(user_comment(bytes).map(|text| ("parameters".to_owned(), text)));
            }
            _ => {}
        }
    }
    texts
}

fn user_comment(bytes: &[u8]) -> Option<String> {
    let (code, text) = bytes.split_at_checked(8)?;
    if code == UNICODE {
        // The standard leaves the byte order open; the order that gives fewer control characters is meant.
        let (pairs, _) = text.as_chunks::<2>();
        let big: String =
            char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair))).map(or_unknown).collect();
        let little: String =
            char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair))).map(or_unknown).collect();
        let ascii = |text: &str| text.chars().filter(char::is_ascii).count();
        return Some(if ascii(&big) >= ascii(&little) { big } else { little });
    }
    Some(String::from_utf8_lossy(text).into_owned())
}

fn or_unknown(decoded: Result<char, std::char::DecodeUtf16Error>) -> char {
    decoded.unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn ascii(tag: Tag, text: &str) -> Field {
    Field { tag, ifd_num: In::PRIMARY, value: Value::Ascii(vec![text.as_bytes().to_vec()]) }
}

/// JSON with every character beyond ASCII written as `\uXXXX`.
fn escape(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}
