//! Bytes to characters: byte order mark, then strict UTF-8, then what the file declares, then a detector.
//!
//! A guess is said to be one, and text of which more than one character in a hundred means nothing is
//! refused: soup of replacement characters is never stored silently.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Encoding, UTF_8, UTF_16BE, UTF_16LE, X_MAC_CYRILLIC};

use crate::Error;

/// How much of a file the detector sees: beyond this its answer no longer changes, only its cost.
const DETECTED: usize = 1 << 20;
/// So many replaced characters are let pass (and told) in a text too short for a share to mean anything.
const FEW: usize = 3;
/// How much of a file decides whether it is text at all.
const SNIFFED: usize = 64 << 10;

/// Decoded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text without a byte order mark.
    pub text: String,
    /// The encoding by its WHATWG name, or `UTF-32LE` and `UTF-32BE`, which that standard leaves out.
    pub encoding: String,
    /// Neither a mark nor strict UTF-8 nor a declaration said so.
    pub guessed: bool,
    /// Characters that were replaced by U+FFFD, or were that already.
    pub replaced: usize,
}

/// Decodes text in any encoding. `declared` is what the file says of itself (`<meta charset>`), which is
/// believed only where the bytes agree.
///
/// # Errors
/// [`Error::EncodingUnknown`] when more than 1 % of the characters come out as U+FFFD.
pub fn decode(bytes: &[u8], declared: Option<&str>) -> Result<Decoded, Error> {
    let decoded = decode_any(bytes, declared);
    let characters = decoded.text.chars().count();
    if decoded.replaced > FEW && decoded.replaced * 100 > characters {
        return Err(Error::EncodingUnknown { guess: decoded.encoding });
    }
    Ok(decoded)
}

fn decode_any(bytes: &[u8], declared: Option<&str>) -> Decoded {
    if let Some(decoded) = by_mark(bytes) {
        return decoded;
    }
    if let Some((text, name)) = wide_without_mark(bytes) {
        return decoded(text, name, true);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && !is_iso_2022_jp(bytes)
    {
        return decoded(text.to_owned(), UTF_8.name(), false);
    }
    if let Some(encoding) = declared.and_then(|label| Encoding::for_label(label.as_bytes())) {
        let (text, errors) = encoding.decode_without_bom_handling(bytes);
        if !errors {
            return decoded(text.into_owned(), encoding.name(), false);
        }
    }
    if let Some(text) = nearly_utf8(bytes) {
        return decoded(text, UTF_8.name(), false);
    }
    let encoding = detect(bytes);
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    decoded(text.into_owned(), encoding.name(), true)
}

fn decoded(text: String, encoding: &str, guessed: bool) -> Decoded {
    let replaced = text.chars().filter(|&c| c == '\u{fffd}').count();
    Decoded { text, encoding: encoding.to_owned(), guessed, replaced }
}

/// The five marks. UTF-32 comes first because its little-endian mark begins with that of UTF-16.
fn by_mark(bytes: &[u8]) -> Option<Decoded> {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe\x00\x00")
        && bytes.len().is_multiple_of(4)
    {
        return Some(decoded(utf32(rest, u32::from_le_bytes), "UTF-32LE", false));
    }
    if let Some(rest) = bytes.strip_prefix(b"\x00\x00\xfe\xff") {
        return Some(decoded(utf32(rest, u32::from_be_bytes), "UTF-32BE", false));
    }
    let (encoding, mark) = Encoding::for_bom(bytes)?;
    let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
    Some(decoded(text.into_owned(), encoding.name(), false))
}

fn utf32(bytes: &[u8], number: fn([u8; 4]) -> u32) -> String {
    let (units, rest) = bytes.as_chunks::<4>();
    let mut text: String =
        units.iter().map(|unit| char::from_u32(number(*unit)).unwrap_or('\u{fffd}')).collect();
    if !rest.is_empty() {
        text.push('\u{fffd}');
    }
    text
}

/// UTF-16 and UTF-32 that came without a mark.
fn wide_without_mark(bytes: &[u8]) -> Option<(String, &'static str)> {
    let head = &bytes[..bytes.len().min(SNIFFED)];
    if bytes.len() >= 8 && bytes.len().is_multiple_of(4) {
        for (number, name) in
            [(u32::from_le_bytes as fn([u8; 4]) -> u32, "UTF-32LE"), (u32::from_be_bytes, "UTF-32BE")]
        {
            if head.as_chunks::<4>().0.iter().all(|unit| is_wide_text(number(*unit))) {
                return Some((utf32(bytes, number), name));
            }
        }
    }
    let even = &head[..head.len() & !1];
    let (encoding, name) = [(UTF_16LE, "UTF-16LE"), (UTF_16BE, "UTF-16BE")]
        .into_iter()
        .find(|(encoding, _)| is_plausible_utf16(even, encoding))?;
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Some((text.into_owned(), name))
}

fn is_wide_text(number: u32) -> bool {
    char::from_u32(number).is_some_and(|c| c != '\0' && (!c.is_control() || c.is_whitespace()))
}

/// UTF-16 has white space or full stops in it, which read in the other byte order, or from an 8-bit
/// encoding, are exceedingly rare characters; and nearly all else is of scripts that people write in.
fn is_plausible_utf16(bytes: &[u8], encoding: &'static Encoding) -> bool {
    if bytes.len() < 4 {
        return false;
    }
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let (mut all, mut spaced, mut written) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        all += 1;
        spaced += usize::from(is_pause(c));
        written += usize::from(is_of_common_script(c));
    }
    let ascii = text.chars().filter(char::is_ascii_graphic).count();
    written * 100 >= all * 97 && (spaced * 100 >= all || (ascii * 2 > all && bytes.contains(&0)))
}

fn is_pause(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\r' | '\t' | '\u{3000}'..='\u{3002}' | '，' | '！' | '？' | '：' | '；' | '،')
}

fn is_of_common_script(c: char) -> bool {
    matches!(u32::from(c),
        0x09 | 0x0a | 0x0d | 0x20..=0x7e | 0xa0..=0x17f | 0x370..=0x5ff | 0x600..=0x6ff | 0x900..=0xdff
        | 0xe00..=0xe7f | 0x10a0..=0x10ff | 0x1e00..=0x1fff | 0x2010..=0x203a | 0x20a0..=0x20bf
        | 0x2100..=0x22ff | 0x2500..=0x25ff | 0x3000..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7a3
        | 0xff00..=0xffef | 0x1f300..=0x1faff | 0x20000..=0x3ffff)
}

/// ISO-2022-JP is pure ASCII with escapes, so strict UTF-8 accepts it.
fn is_iso_2022_jp(bytes: &[u8]) -> bool {
    [&b"\x1b$B"[..], b"\x1b$@", b"\x1b(J"].iter().any(|escape| memchr::memmem::find(bytes, escape).is_some())
        && bytes.is_ascii()
}

/// UTF-8 with a few broken bytes, as a log cut in the middle of a character: real multi-byte characters
/// outnumber the broken places by far, which no other encoding gives by chance.
fn nearly_utf8(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let broken = text.chars().filter(|&c| c == '\u{fffd}').count();
    let wide = text.chars().filter(|c| !c.is_ascii()).count() - broken;
    (wide > 0 && wide >= broken * 10 && broken * 200 <= text.chars().count()).then(|| text.into_owned())
}

/// The detector's choice, with second opinions where it has none of its own.
fn detect(bytes: &[u8]) -> &'static Encoding {
    let sample = &bytes[..bytes.len().min(DETECTED)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(sample, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    if is_mac_cyrillic(sample, guess) {
        return X_MAC_CYRILLIC;
    }
    if guess != BIG5 && is_better_big5(sample, guess) {
        return BIG5;
    }
    guess
}

/// The detector does not know the Macintosh encodings. Russian read right is nearly all small letters, and
/// half of them are the six commonest; accented Latin and Greek read as Cyrillic fail the one or the other.
fn is_mac_cyrillic(sample: &[u8], guess: &'static Encoding) -> bool {
    // Most small letters are the same in windows-1251, so that the capitals and the я decide.
    let own = cyrillic_prose(sample, X_MAC_CYRILLIC);
    own > 0 && own > cyrillic_prose(sample, guess)
}

/// How many characters fit Cyrillic prose; 0 where it is none.
fn cyrillic_prose(sample: &[u8], encoding: &'static Encoding) -> usize {
    let (text, errors) = encoding.decode_without_bom_handling(sample);
    let (mut good, mut common, mut all, mut latin, mut inside) = (0_usize, 0_usize, 0_usize, 0_usize, false);
    for c in text.chars() {
        if !c.is_ascii() {
            all += 1;
            let small = matches!(c, 'а'..='я' | 'ё');
            let capital = matches!(c, 'А'..='Я' | 'Ё') && !inside;
            good += usize::from(small || capital || matches!(c, '«' | '»' | '—' | '–' | '№'));
            common += usize::from(matches!(c, 'о' | 'е' | 'а' | 'и' | 'н' | 'т'));
        }
        latin += usize::from(c.is_ascii_alphabetic());
        inside = c.is_alphabetic();
    }
    let is_prose = !errors && all >= 20 && all > latin && good * 10 >= all * 9 && common * 100 >= all * 38;
    if is_prose { good } else { 0 }
}

/// Short Big5 texts are sometimes taken for a single-byte encoding.
fn is_better_big5(sample: &[u8], guess: &'static Encoding) -> bool {
    if !guess.is_single_byte() {
        return false;
    }
    let (text, errors) = BIG5.decode_without_bom_handling(sample);
    let wide = text.chars().filter(|c| !c.is_ascii()).count();
    let common = text.chars().filter(|&c| ('\u{4e00}'..='\u{9fff}').contains(&c) || is_pause(c)).count();
    !errors && wide >= 20 && common * 10 >= wide * 9
}

/// Whether the first bytes are text in some encoding rather than a binary format.
pub(crate) fn looks_like_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SNIFFED)];
    if by_mark(&sample[..sample.len().min(8)]).is_some() {
        return true;
    }
    let quarter = &sample[..sample.len() & !3];
    if wide_without_mark(quarter).is_some() {
        return true;
    }
    let strange = sample.iter().filter(|&&b| is_strange(b)).count();
    strange * 200 <= sample.len()
}

/// Control bytes that texts do not hold. Escape (terminal colours, ISO-2022), form feed and the end-of-file
/// mark of old systems do occur.
fn is_strange(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1b | 0x1a | 0x08)
}

/// The first characters of a text, for a look at what it is.
pub(crate) fn head(bytes: &[u8]) -> String {
    let sample = &bytes[..bytes.len().min(8 << 10) & !3];
    let sample = if sample.is_empty() { bytes } else { sample };
    decode_any(sample, None).text
}
