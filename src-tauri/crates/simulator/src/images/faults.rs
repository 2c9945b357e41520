//! Pictures that arrive wrong, whichever form the model has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::answer::{Answer, Payload};
use crate::errors::Refusal;
use crate::scenario::ImageFault;

const SVG: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\"><script>alert(1)</script></svg>";

/// Damages the picture of a good answer; other answers pass.
pub(crate) fn damage(mut answer: Answer, fault: ImageFault) -> Answer {
    let Payload::Whole(bytes) = &answer.payload else { return answer };
    if answer.header("content-type").is_some_and(|kind| kind.starts_with("image/")) {
        return damage_raw(bytes.clone(), answer, fault);
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(bytes) else { return answer };
    let Some(image) = body["result"]["image"].as_str() else { return answer };
    match damage_text(image, fault) {
        Damaged::Text(text) => {
            body["result"]["image"] = json!(text);
            answer.payload = Payload::Whole(body.to_string().into());
            answer
        }
        Damaged::Instead(other) => other,
    }
}

enum Damaged {
    Text(String),
    Instead(Answer),
}

fn damage_text(image: &str, fault: ImageFault) -> Damaged {
    let whole = || BASE64.decode(image).unwrap_or_default();
    Damaged::Text(match fault {
        ImageFault::Truncated => image[..image.len() / 2].to_owned(),
        ImageFault::BadAlphabet => format!("{}#!§{}", &image[..image.len() / 2], &image[image.len() / 2..]),
        ImageFault::Whitespace => lines_of(image),
        ImageFault::DataUri => format!("data:image/png;base64,{image}"),
        ImageFault::Empty => String::new(),
        ImageFault::Html => BASE64.encode("<!DOCTYPE html><html><body>not a picture</body></html>"),
        ImageFault::Svg => BASE64.encode(SVG),
        ImageFault::Bomb => BASE64.encode(bomb()),
        ImageFault::Huge => BASE64.encode([whole(), vec![0; 64 << 20]].concat()),
        ImageFault::JsonError => return Damaged::Instead(json_error()),
        ImageFault::OtherForm => return Damaged::Instead(Answer::bytes("image/jpeg", whole())),
        ImageFault::WrongType => image.to_owned(),
    })
}

fn damage_raw(bytes: Bytes, mut answer: Answer, fault: ImageFault) -> Answer {
    let damaged: Bytes = match fault {
        ImageFault::Truncated => bytes.slice(..bytes.len() / 2),
        ImageFault::BadAlphabet => bytes.iter().rev().copied().collect(),
        ImageFault::Empty => Bytes::new(),
        ImageFault::Html => Bytes::from_static(b"<!DOCTYPE html><html><body>not a picture</body></html>"),
        ImageFault::Svg => Bytes::from_static(SVG.as_bytes()),
        ImageFault::Bomb => bomb().into(),
        ImageFault::Huge => [bytes.as_ref(), &vec![0; 64 << 20]].concat().into(),
        ImageFault::JsonError => return json_error(),
        ImageFault::OtherForm => return Answer::enveloped(&json!({"image": BASE64.encode(&bytes)})),
        ImageFault::WrongType => {
            answer.set_header("content-type", "text/plain");
            bytes
        }
        ImageFault::Whitespace | ImageFault::DataUri => bytes,
    };
    answer.payload = Payload::Whole(damaged);
    answer
}

fn json_error() -> Answer {
    let mut answer = Refusal::named("capacity").answer().with_status(200);
    answer.set_header("content-type", "image/png");
    answer
}

fn lines_of(image: &str) -> String {
    let mut text = String::with_capacity(image.len() * 65 / 64);
    for (i, c) in image.chars().enumerate() {
        if i > 0 && i % 76 == 0 {
            text.push_str(" \r\n");
        }
        text.push(c);
    }
    text
}

/// A PNG of a few dozen bytes whose header declares 65,500 by 65,500 pixels.
fn bomb() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let side = 65_500_u32.to_be_bytes();
    let header = [side.as_slice(), &side, &[8, 2, 0, 0, 0]].concat();
    for (kind, data) in
        [(b"IHDR", header.as_slice()), (b"IDAT", &[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]), (b"IEND", &[])]
    {
        bytes.extend((data.len() as u32).to_be_bytes());
        let chunk = [kind.as_slice(), data].concat();
        bytes.extend(&chunk);
        bytes.extend(crc(&chunk).to_be_bytes());
    }
    bytes
}

/// CRC-32 as PNG has it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bomb_has_a_header_that_a_decoder_believes() {
        let reader =
            image::ImageReader::new(std::io::Cursor::new(bomb())).with_guessed_format().expect("a cursor");
        assert_eq!(reader.into_dimensions().expect("a good header"), (65_500, 65_500));
    }
}
