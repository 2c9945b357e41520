//! How long a recording lasts, by its first bytes: what writing it down costs is priced by the minute. An estimate for
//! MP3 of changing rates; nothing where the format does not say.

/// Seconds of a recording, where its bytes say.
pub(super) fn seconds(bytes: &[u8]) -> Option<f64> {
    let found = if bytes.starts_with(b"RIFF") {
        wav(bytes)
    } else if bytes.starts_with(b"fLaC") {
        flac(bytes)
    } else if bytes.starts_with(b"OggS") {
        ogg(bytes)
    } else if bytes.get(4..8) == Some(b"ftyp") {
        mp4(bytes)
    } else {
        mp3(bytes)
    };
    found.filter(|seconds| seconds.is_finite() && *seconds > 0.0)
}

/// Bytes of sound by bytes a second.
fn wav(bytes: &[u8]) -> Option<f64> {
    let (mut at, mut rate) = (12, None);
    while let Some(head) = bytes.get(at..at + 8) {
        let size = little(&head[4..8])?;
        match &head[..4] {
            b"fmt " => rate = little(bytes.get(at + 16..at + 20)?),
            b"data" => {
                // A recorder that was cut off wrote no size.
                let there = (bytes.len() - at - 8) as u64;
                return Some(size.min(there) as f64 / rate? as f64);
            }
            _ => {}
        }
        at += 8 + usize::try_from(size + size % 2).ok()?;
    }
    None
}

/// Samples by samples a second, from the first block.
fn flac(bytes: &[u8]) -> Option<f64> {
    let block = bytes.get(18..26)?;
    let rate = big(&block[..3])? >> 4;
    let samples = big(&block[3..8])? & 0xF_FFFF_FFFF;
    Some(samples as f64 / rate as f64)
}

/// The position on the last page, at the rate that the first one tells.
fn ogg(bytes: &[u8]) -> Option<f64> {
    let rate = match bytes.get(28..35)? {
        b"OpusHea" => 48_000,
        b"\x01vorbis" => little(bytes.get(40..44)?)?,
        _ => return None,
    };
    let last = bytes.windows(4).rposition(|window| window == b"OggS")?;
    Some(little(bytes.get(last + 6..last + 14)?)? as f64 / rate as f64)
}

/// The movie header's length in its own unit.
fn mp4(bytes: &[u8]) -> Option<f64> {
    let at = bytes.windows(4).position(|window| window == b"mvhd")? + 4;
    let (unit, length) = if *bytes.get(at)? == 1 {
        (big(bytes.get(at + 20..at + 24)?)?, big(bytes.get(at + 24..at + 32)?)?)
    } else {
        (big(bytes.get(at + 12..at + 16)?)?, big(bytes.get(at + 16..at + 20)?)?)
    };
    Some(length as f64 / unit as f64)
}

/// Bytes by the bit rate of the first frame.
fn mp3(bytes: &[u8]) -> Option<f64> {
    const RATES_1: [u64; 16] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
    const RATES_2: [u64; 16] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];
    let mut start = 0;
    if bytes.starts_with(b"ID3") {
        let size = bytes.get(6..10)?.iter().fold(0, |sum, byte| (sum << 7) | usize::from(byte & 0x7F));
        start = 10 + size;
    }
    let sound = bytes.get(start..)?;
    let frame = sound.windows(4).position(|head| {
        head[0] == 0xFF && head[1] & 0xE6 == 0xE2 && head[2] >> 4 != 0xF && head[2] >> 4 != 0
    })?;
    let head = &sound[frame..frame + 4];
    let rates = if head[1] & 0x18 == 0x18 { RATES_1 } else { RATES_2 };
    let rate = rates[usize::from(head[2] >> 4)];
    Some((sound.len() - frame) as f64 * 8.0 / (rate as f64 * 1_000.0))
}

fn little(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

fn big(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Option<f64>) {
        let found = seconds(bytes);
        let near = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 0.01,
            (found, expected) => found == expected,
        };
        assert!(near, "{found:?} for {expected:?}");
    }

    #[test]
    fn recordings_say_how_long_they_last() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend(8_000_u32.to_le_bytes());
        wav.extend(16_000_u32.to_le_bytes());
        wav.extend(b"\x02\0\x10\0data");
        wav.extend(48_000_u32.to_le_bytes());
        wav.extend(vec![0; 48_000]);
        check(&wav, Some(3.0));
        let mut mp3 = vec![0xFF, 0xFB, 0x90, 0x00];
        mp3.resize(32_000, 0);
        check(&mp3, Some(2.0));
        let mut mvhd = b"\0\0\0\x08ftypM4A mvhd".to_vec();
        mvhd.extend([0; 12]);
        mvhd.extend(1_000_u32.to_be_bytes());
        mvhd.extend(90_500_u32.to_be_bytes());
        check(&mvhd, Some(90.5));
        check(b"ID3", None);
        check(b"", None);
        check(b"no sound at all", None);
    }
}
