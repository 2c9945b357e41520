//! A picture without anything but its pixels. What belongs to the pixels is named, and everything else goes: a list of what
//! goes would miss the next invention.

use super::{open_png, open_webp};
use crate::container::{Piece, jpeg};
use crate::{Error, Kind, sniff};
use img_parts::png::PngChunk;

/// The same pixels without any text, EXIF, time, location or statement of origin inside, and without what stands behind
/// the picture's end.
///
/// # Errors
/// [`Error::NotAPicture`] and [`Error::Damaged`] when the container cannot be taken apart.
pub fn strip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    match sniff(bytes).ok_or(Error::NotAPicture)? {
        Kind::Png => {
            let mut png = open_png(bytes)?;
            png.chunks_mut().retain(is_of_the_pixels);
            Ok(png.encoder().bytes().to_vec())
        }
        Kind::Jpeg => {
            let pieces =
                jpeg(bytes).ok_or_else(|| Error::Damaged { detail: "it ends before its end".to_owned() })?;
            let kept = pieces.iter().filter(|piece| is_needed(piece, bytes));
            Ok(kept.flat_map(|piece| &bytes[piece.range.clone()]).copied().collect())
        }
        Kind::WebP => {
            // Only then does the header no longer promise what is gone.
            let mut webp = open_webp(bytes)?;
            img_parts::ImageEXIF::set_exif(&mut webp, None);
            let known = [*b"VP8X", *b"VP8 ", *b"VP8L", *b"ALPH", *b"ANIM", *b"ANMF", *b"ICCP"];
            webp.chunks_mut().retain(|chunk| known.contains(&chunk.id()));
            Ok(without_promise(webp.encoder().bytes().to_vec()))
        }
    }
}

/// Critical chunks (a capital first letter), and those that say how the pixels look, move or lie.
fn is_of_the_pixels(chunk: &PngChunk) -> bool {
    const LOOKS: [&[u8; 4]; 15] = [
        b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"hIST", b"sPLT", b"cICP",
        b"mDCV", b"cLLI", b"acTL", b"fcTL",
    ];
    let kind = chunk.kind();
    kind[0].is_ascii_uppercase() || LOOKS.contains(&&kind) || &kind == b"fdAT"
}

/// All segments but APP1 to APP15 and comments; of those the colour profile (APP2) and what Adobe says of the colours
/// (APP14) belong to the pixels.
fn is_needed(piece: &Piece, bytes: &[u8]) -> bool {
    let contents = bytes.get(piece.range.start + 4..piece.range.end).unwrap_or_default();
    match piece.marker {
        0xE2 => contents.starts_with(b"ICC_PROFILE\0"),
        0xEE => contents.starts_with(b"Adobe"),
        0xE1..=0xEF | 0xFE => false,
        _ => true,
    }
}

/// Clears the marks for EXIF and XMP in the header of an extended WebP.
fn without_promise(mut webp: Vec<u8>) -> Vec<u8> {
    if webp.get(12..16) == Some(b"VP8X")
        && let Some(marks) = webp.get_mut(20)
    {
        *marks &= !0b0000_1100;
    }
    webp
}
