//! Where a picture's own bytes end, and the pieces they are made of. Decoders forgive a file that was cut off (the rest is
//! painted grey) and ignore what follows its end; what is kept has to be whole, and nothing else.

use crate::Kind;
use std::ops::Range;

/// One piece of a JPEG: a marker with its segment, and for a scan the coded pixels behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The second byte of its marker.
    pub(crate) marker: u8,
    /// Its bytes, from the marker on.
    pub(crate) range: Range<usize>,
}

/// Start of scan.
const SCAN: u8 = 0xDA;
/// End of image.
const END: u8 = 0xD9;

/// The end of the picture inside `bytes`; `None` when it is not there.
pub(crate) fn end(kind: Kind, bytes: &[u8]) -> Option<usize> {
    match kind {
        Kind::Png => png_end(bytes),
        Kind::Jpeg => jpeg(bytes)?.last().map(|piece| piece.range.end),
        Kind::WebP => webp_end(bytes),
    }
}

/// All pieces of a JPEG from its start (`FF D8`) to its end (`FF D9`); `None` when it does not come to its end.
pub(crate) fn jpeg(bytes: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = vec![Piece { marker: *bytes.get(1)?, range: 0..2 }];
    let mut at = 2;
    loop {
        // Readers skip what stands between segments, and so do we.
        let start = at + bytes.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
        let place = start + bytes[start..].iter().position(|byte| *byte != 0xFF)?;
        let marker = bytes[place];
        at = place + 1;
        match marker {
            END => {
                pieces.push(Piece { marker, range: start..at });
                return Some(pieces);
            }
            // These have no length and carry nothing.
            0x00 | 0x01 | 0xD0..=0xD7 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        at += length.max(2);
        if marker == SCAN {
            at += coded(bytes.get(at..)?)?;
        }
        if at > bytes.len() {
            return None;
        }
        pieces.push(Piece { marker, range: start..at });
    }
}

/// How long the coded pixels are that `bytes` begin with: up to a marker that is neither an escape nor a restart.
fn coded(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
        match bytes.get(at + 1)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}

fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    loop {
        let length = usize::try_from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()?;
        let kind = bytes.get(at + 4..at + 8)?;
        // Length, kind, contents, checksum.
        at = at.checked_add(length)?.checked_add(12)?;
        if at > bytes.len() {
            return None;
        }
        if kind == b"IEND" {
            return Some(at);
        }
    }
}

fn webp_end(bytes: &[u8]) -> Option<usize> {
    let size = usize::try_from(u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?)).ok()?;
    let end = size.checked_add(8)?;
    (end <= bytes.len()).then_some(end)
}
