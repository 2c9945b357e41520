//! The smallest real MP3 that can be heard: MPEG-2 layer III, 48 kbit/s, mono. Each frame holds one granule with a
//! single spectral line set, which a decoder turns into a tone.

use super::wav::pitch;

/// Lines of a granule; line `k` sounds at about `(k + 0.5) / 576` of half the sample rate.
const LINES: f32 = 576.0;
/// Side information of one mono channel in MPEG-2.
const SIDE_BYTES: usize = 9;
/// So many frames for one letter: 576 samples each, about 26 ms at 22,050 Hz.
const FRAMES_PER_LETTER: usize = 2;
/// At most so many letters sound.
const MOST_LETTERS: usize = 400;

/// A tone for each letter. `high` is 24,000 Hz, else 22,050 Hz.
pub(super) fn speech(text: &str, high: bool) -> Vec<u8> {
    let rate = if high { 24_000 } else { 22_050 };
    let mut bytes = Vec::new();
    for letter in text.chars().take(MOST_LETTERS) {
        for _ in 0..FRAMES_PER_LETTER {
            let line =
                letter.is_alphanumeric().then(|| (pitch(letter) / (rate as f32 / 2.0) * LINES) as usize);
            bytes.extend(frame(line, high));
        }
    }
    bytes
}

fn frame(line: Option<usize>, high: bool) -> Vec<u8> {
    // 72 * 48,000 / rate bytes, header included.
    let length = if high { 144 } else { 156 };
    // Sync, MPEG-2, layer III, no CRC; 48 kbit/s; 22,050 or 24,000 Hz; mono.
    let mut bytes = vec![0xff, 0xf3, if high { 0x64 } else { 0x60 }, 0xc0];
    let data = line.map(spectrum).unwrap_or_default();
    bytes.extend(side_information(line, data.length));
    bytes.extend(data.bytes);
    bytes.resize(length, 0);
    bytes
}

/// Where the granule's numbers stand: 8 + 1 + 63 bits.
fn side_information(line: Option<usize>, data_bits: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0, 9); // main data begins here; private bit
    bits.push(data_bits as u32, 12);
    bits.push(line.map_or(0, |line| line as u32 / 2 + 1), 9); // pairs of big values
    bits.push(if line.is_some() { 200 } else { 0 }, 8); // loudness
    bits.push(0, 9 + 1); // no scale factors; a long window
    for _ in 0..3 {
        bits.push(1, 5); // Huffman table 1 in every region
    }
    bits.push(0, 4 + 3 + 1 + 1); // regions, scale, the table of small values
    bits.bytes.resize(SIDE_BYTES, 0);
    bits.bytes
}

/// Pairs of zeros up to the line, then the line, in Huffman table 1: `(0,0)` is 1, `(0,1)` 001, `(1,0)` 01.
fn spectrum(line: usize) -> Bits {
    let mut bits = Bits::default();
    for _ in 0..line / 2 {
        bits.push(1, 1);
    }
    let (code, length) = if line.is_multiple_of(2) { (0b01, 2) } else { (0b001, 3) };
    bits.push(code, length);
    bits.push(0, 1); // positive
    bits
}

/// Bits, the highest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    fn push(&mut self, value: u32, count: usize) {
        for i in (0..count).rev() {
            if self.length.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = (value >> i & 1) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (7 - self.length % 8);
            }
            self.length += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_begin_with_their_sync_word_and_have_their_length() {
        let bytes = speech("Hi you", false);
        assert_eq!(bytes.len(), 6 * FRAMES_PER_LETTER * 156);
        assert!(bytes.chunks(156).all(|frame| frame[..2] == [0xff, 0xf3]));
    }
}
