//! Smaller copies: thumbnails for the gallery, reference pictures for the wire.

use crate::check::{Checked, Limits, decode, look};
use crate::{Error, Kind};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};
use std::io::Cursor;

/// The quality of thumbnails: small files, no visible blocks at their size.
const THUMBNAIL_QUALITY: u8 = 82;
/// The quality of a picture that is asked for as JPEG and is none.
const CONVERTED_QUALITY: u8 = 95;

/// A JPEG whose longer side has at most `edge` pixels. Never enlarges.
///
/// # Errors
/// As [`crate::check()`].
pub fn thumbnail(bytes: &[u8], edge: u32) -> Result<Vec<u8>, Error> {
    let (_, image) = decode(bytes, &Limits::default())?;
    small(image, edge)
}

/// Checks a picture as [`crate::check()`] does and makes its thumbnail, with one decoding for both.
///
/// # Errors
/// As [`crate::check()`].
pub fn check_with_thumbnail(bytes: &[u8], limits: &Limits, edge: u32) -> Result<(Checked, Vec<u8>), Error> {
    let (seen, image) = look(bytes, limits)?;
    Ok((seen, small(image, edge)?))
}

fn small(image: DynamicImage, edge: u32) -> Result<Vec<u8>, Error> {
    let small = if image.width().max(image.height()) > edge { image.thumbnail(edge, edge) } else { image };
    let mut jpeg = Vec::new();
    // JPEG has no transparency: what shows through is white.
    let flat = flatten(&small);
    flat.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, THUMBNAIL_QUALITY)).map_err(encoding)?;
    Ok(jpeg)
}

/// A picture that goes in, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// PNG, JPEG or WebP.
    pub bytes: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// The picture with neither side above `edge` pixels, in its own kind; unchanged bytes when it is small enough.
///
/// FLUX.2 takes reference pictures smaller than 512 by 512; vision models are shown at most 2,048.
///
/// # Errors
/// As [`crate::check()`], but a file whose end is missing will do: it is the person's, and nothing is paid for it.
pub fn fit(bytes: &[u8], edge: u32) -> Result<Fitted, Error> {
    let (kind, image) = decode(bytes, &Limits::default())?;
    let (width, height) = (image.width(), image.height());
    if width <= edge && height <= edge {
        return Ok(Fitted { bytes: bytes.to_vec(), width, height });
    }
    let small = image.resize(edge, edge, FilterType::CatmullRom);
    let bytes = encode(&small, if kind == Kind::Jpeg { Kind::Jpeg } else { Kind::Png })?;
    Ok(Fitted { bytes, width: small.width(), height: small.height() })
}

/// The picture in another kind, without its settings. JPEG at a quality whose loss is not seen.
///
/// # Errors
/// As [`crate::check()`].
pub fn convert(bytes: &[u8], kind: Kind) -> Result<Vec<u8>, Error> {
    let (_, image) = decode(bytes, &Limits::default())?;
    let mut converted = Cursor::new(Vec::new());
    match kind {
        Kind::Png => image.write_to(&mut converted, ImageFormat::Png),
        Kind::WebP => image.to_rgba8().write_to(&mut converted, ImageFormat::WebP),
        Kind::Jpeg => flatten(&image)
            .write_with_encoder(JpegEncoder::new_with_quality(&mut converted, CONVERTED_QUALITY)),
    }
    .map_err(encoding)?;
    Ok(converted.into_inner())
}

/// A mask for inpainting, as PNG in black and white at the picture's size: white where the mask is light and opaque.
///
/// # Errors
/// As [`crate::check()`].
pub fn mask(bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    let (_, image) = decode(bytes, &Limits::default())?;
    let image = image.resize_exact(width, height, FilterType::Nearest).to_luma_alpha8();
    let white = image::GrayImage::from_fn(width, height, |x, y| {
        let pixel = image.get_pixel(x, y);
        image::Luma([if pixel[0] > 127 && pixel[1] > 127 { 255 } else { 0 }])
    });
    encode(&DynamicImage::ImageLuma8(white), Kind::Png)
}

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Red, green, blue and alpha of each pixel, row by row.
    pub rgba: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// The picture decoded.
///
/// # Errors
/// As [`crate::check()`].
pub fn pixels(bytes: &[u8]) -> Result<Pixels, Error> {
    let (_, image) = decode(bytes, &Limits::default())?;
    let (width, height) = (image.width(), image.height());
    Ok(Pixels { rgba: image.into_rgba8().into_raw(), width, height })
}

fn flatten(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return DynamicImage::ImageRgb8(image.to_rgb8());
    }
    let mut rgb = image::RgbImage::new(image.width(), image.height());
    for (to, from) in rgb.pixels_mut().zip(image.to_rgba8().pixels()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            let mixed = (u32::from(from[channel]) * alpha + 255 * (255 - alpha)) / 255;
            to[channel] = u8::try_from(mixed).unwrap_or(u8::MAX);
        }
    }
    DynamicImage::ImageRgb8(rgb)
}

fn encode(image: &DynamicImage, kind: Kind) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    match kind {
        Kind::Jpeg => DynamicImage::ImageRgb8(image.to_rgb8()).write_to(&mut bytes, ImageFormat::Jpeg),
        Kind::Png | Kind::WebP => image.write_to(&mut bytes, ImageFormat::Png),
    }
    .map_err(encoding)?;
    Ok(bytes.into_inner())
}

fn encoding(error: image::ImageError) -> Error {
    Error::Damaged { detail: error.to_string() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::check;

    fn drawn(width: u32, height: u32) -> DynamicImage {
        DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([(x * 7 % 256) as u8, (y * 11 % 256) as u8, ((x ^ y) % 256) as u8])
        }))
    }

    /// A PNG to test with.
    pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
        encode(&drawn(width, height), Kind::Png).unwrap()
    }

    /// A WebP to test with.
    pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
        convert(&png(width, height), Kind::WebP).unwrap()
    }

    /// A JPEG to test with.
    pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
        encode(&drawn(width, height), Kind::Jpeg).unwrap()
    }

    #[test]
    fn a_thumbnail_keeps_the_proportions_and_never_grows() {
        let small = check(&thumbnail(&png(1_000, 500), 256).unwrap(), &Limits::default()).unwrap();
        assert_eq!((small.kind, small.width, small.height), (Kind::Jpeg, 256, 128));
        let same = check(&thumbnail(&png(10, 10), 256).unwrap(), &Limits::default()).unwrap();
        assert_eq!((same.width, same.height), (10, 10));
    }

    #[test]
    fn what_fits_is_sent_as_it_is() {
        let picture = jpeg(300, 200);
        assert_eq!(fit(&picture, 511).unwrap(), Fitted { bytes: picture.clone(), width: 300, height: 200 });
        let made = fit(&picture, 100).unwrap();
        let fitted = check(&made.bytes, &Limits::default()).unwrap();
        assert_eq!((fitted.kind, fitted.width, fitted.height), (Kind::Jpeg, made.width, made.height));
        assert_eq!(made.width, 100);
    }

    #[test]
    fn a_picture_becomes_another_kind() {
        for kind in [Kind::Png, Kind::Jpeg, Kind::WebP] {
            let made = check(&convert(&jpeg(30, 20), kind).unwrap(), &Limits::default()).unwrap();
            assert_eq!((made.kind, made.width, made.height), (kind, 30, 20));
        }
    }

    #[test]
    fn a_mask_is_black_and_white_at_the_pictures_size() {
        let painted =
            image::RgbaImage::from_fn(8, 8, |x, _| image::Rgba([255, 255, 255, if x < 4 { 255 } else { 0 }]));
        let painted = encode(&DynamicImage::ImageRgba8(painted), Kind::Png).unwrap();
        let (_, made) = decode(&mask(&painted, 16, 16).unwrap(), &Limits::default()).unwrap();
        let made = made.to_luma8();
        assert_eq!((made.get_pixel(0, 0)[0], made.get_pixel(15, 15)[0]), (255, 0));
        assert!(made.pixels().all(|pixel| [0, 255].contains(&pixel[0])), "nothing between black and white");
    }
}
