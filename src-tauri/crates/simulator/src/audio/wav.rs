//! WAV: 16 bits, one channel.

use std::f32::consts::TAU;

/// Bytes before the samples.
pub(super) const HEADER: usize = 44;
/// Seconds for one letter, and at most for a whole text.
const LETTER: f64 = 0.055;
const LONGEST: f64 = 20.0;

/// A tone for each letter, and how many seconds that lasts.
pub(super) fn speech(text: &str, rate: u32) -> (Vec<u8>, f64) {
    let letters: Vec<char> = text.chars().collect();
    let seconds = (letters.len() as f64 * LETTER).clamp(0.3, LONGEST);
    let count = (seconds * f64::from(rate)) as usize;
    let per_letter = (LETTER * f64::from(rate)) as usize;
    let mut bytes = header(count, rate);
    let mut phase = 0.0_f32;
    for i in 0..count {
        let letter = letters[(i / per_letter) % letters.len().max(1)];
        let place = (i % per_letter) as f32 / per_letter as f32;
        // Fades in and out of each letter keep it from clicking.
        let loudness =
            if letter.is_alphanumeric() { (place * std::f32::consts::PI).sin() * 6_000.0 } else { 0.0 };
        phase = (phase + TAU * pitch(letter) / rate as f32) % TAU;
        bytes.extend(((phase.sin() * loudness) as i16).to_le_bytes());
    }
    (bytes, seconds)
}

/// Twenty-four steps of a scale upwards from 220 Hz.
pub(super) fn pitch(letter: char) -> f32 {
    220.0 * 2.0_f32.powf((letter.to_lowercase().next().unwrap_or('a') as u32 % 24) as f32 / 12.0)
}

fn header(samples: usize, rate: u32) -> Vec<u8> {
    let data = (samples * 2) as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(data.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_the_length() {
        let (bytes, seconds) = speech("Hello there", 16_000);
        assert_eq!(bytes.len(), HEADER + (seconds * 16_000.0) as usize * 2);
        assert_eq!(
            super::super::transcript::seconds(&bytes).map(|s| (s * 10.0).round()),
            Some((seconds * 10.0).round())
        );
    }
}
