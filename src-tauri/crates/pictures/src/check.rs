//! Kind by magic bytes, size before decoding, integrity by decoding.

use crate::{Error, container};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::io::Cursor;

/// The kinds of picture files that are kept. SVG is none of them: it is a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
}

impl Kind {
    /// `image/png` and the like.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }

    /// The ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }

    pub(crate) fn format(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::WebP => ImageFormat::WebP,
        }
    }
}

/// How much is taken.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most pixels, width times height.
    pub pixels: u64,
    /// Most bytes of memory for decoding.
    pub memory: u64,
}

impl Default for Limits {
    /// 64 megapixels, 256 MB.
    fn default() -> Self {
        Self { pixels: 64 * 1_000_000, memory: 256 * 1024 * 1024 }
    }
}

/// A picture that was decoded to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Its kind.
    pub kind: Kind,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// The kind by the first bytes: `89 50 4E 47` PNG, `FF D8 FF` JPEG, `RIFF....WEBP` WebP.
pub fn sniff(bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(Kind::Png)
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some(Kind::Jpeg)
    } else if bytes.len() >= 12 && bytes.starts_with(b"RIFF") && &bytes[8..12] == b"WEBP" {
        Some(Kind::WebP)
    } else {
        None
    }
}

/// Checks a picture: its kind, that it is there to its end, its size against the limits before anything is decoded, and
/// that it decodes.
///
/// # Errors
/// [`Error::NotAPicture`], [`Error::TooLarge`], [`Error::Damaged`].
pub fn check(bytes: &[u8], limits: &Limits) -> Result<Checked, Error> {
    look(bytes, limits).map(|(seen, _)| seen)
}

/// The picture's own bytes: without what was put behind its end.
///
/// # Errors
/// [`Error::NotAPicture`], and [`Error::Damaged`] when its end is not there.
pub fn whole(bytes: &[u8]) -> Result<&[u8], Error> {
    let kind = sniff(bytes).ok_or(Error::NotAPicture)?;
    let end = container::end(kind, bytes)
        .ok_or_else(|| Error::Damaged { detail: "it ends before its end".to_owned() })?;
    Ok(&bytes[..end])
}

/// As [`check`], with the decoded picture.
pub(crate) fn look(bytes: &[u8], limits: &Limits) -> Result<(Checked, DynamicImage), Error> {
    let (kind, image) = decode(whole(bytes)?, limits)?;
    Ok((Checked { kind, width: image.width(), height: image.height() }, image))
}

/// Decodes a picture under limits.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<(Kind, DynamicImage), Error> {
    let kind = sniff(bytes).ok_or(Error::NotAPicture)?;
    let damaged = |error: image::ImageError| match error {
        image::ImageError::Limits(limit) => Error::TooLarge { what: limit.to_string() },
        other => Error::Damaged { detail: other.to_string() },
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), kind.format());
    let mut bounds = image::Limits::default();
    bounds.max_alloc = Some(limits.memory);
    reader.limits(bounds);
    let decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(Error::TooLarge {
            what: format!("{width} x {height} pixels, at most {}", limits.pixels),
        });
    }
    let image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    Ok((kind, image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::tests::{jpeg, png, webp};

    #[test]
    fn a_picture_is_judged_by_its_content() {
        let limits = Limits::default();
        assert_eq!(check(&png(40, 20), &limits).unwrap(), Checked { kind: Kind::Png, width: 40, height: 20 });
        assert_eq!(check(&jpeg(40, 20), &limits).unwrap().kind, Kind::Jpeg);
        for other in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
            b"<!doctype html>",
            b"{\"error\":1}",
            b"GIF89a",
            b"",
        ] {
            assert!(matches!(check(other, &limits), Err(Error::NotAPicture)), "{other:?}");
        }
    }

    #[test]
    fn every_truncation_is_found() {
        for (kind, whole) in [("png", png(64, 48)), ("jpeg", jpeg(64, 48)), ("webp", webp(64, 48))] {
            check(&whole, &Limits::default()).expect(kind);
            for length in 0..whole.len() {
                let outcome = check(&whole[..length], &Limits::default());
                assert!(outcome.is_err(), "{kind}: {length} of {} bytes passed for whole", whole.len());
            }
        }
    }

    #[test]
    fn what_follows_the_end_belongs_to_no_picture() {
        for picture in [png(40, 20), jpeg(40, 20), webp(40, 20)] {
            let mut longer = picture.clone();
            longer.extend(b"PK\x03\x04 a second file behind the first \xff\xd9");
            assert_eq!(whole(&longer).unwrap(), picture);
            assert_eq!(whole(&picture).unwrap(), picture);
            check(&longer, &Limits::default()).unwrap();
        }
    }

    #[test]
    fn the_end_of_a_jpeg_is_not_the_end_of_the_preview_inside_it() {
        let (outer, inner) = (jpeg(40, 20), jpeg(8, 8));
        let mut preview = vec![0xFF, 0xE1];
        preview.extend(u16::try_from(inner.len() + 2).unwrap().to_be_bytes());
        preview.extend(&inner);
        let joined = [&outer[..2], &preview, &outer[2..]].concat();
        assert_eq!(whole(&joined).unwrap().len(), joined.len());
        assert!(whole(&joined[..joined.len() - 2]).is_err(), "the preview's end is not its end");
    }

    #[test]
    fn a_huge_size_is_refused_before_it_is_decoded() {
        // A PNG header that promises 65,500 x 65,500 pixels and holds none.
        let mut bomb = png(1, 1);
        bomb[16..20].copy_from_slice(&65_500u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&65_500u32.to_be_bytes());
        assert!(check(&bomb, &Limits::default()).is_err(), "its checksum or its size gives it away");
        let small = Limits { pixels: 100, ..Limits::default() };
        assert!(matches!(check(&png(40, 20), &small), Err(Error::TooLarge { .. })));
        let tight = Limits { memory: 1_000, ..Limits::default() };
        assert!(matches!(check(&png(400, 200), &tight), Err(Error::TooLarge { .. })));
    }
}
