//! Prompt and parameters inside the file: written in our own key and in the form that other tools read, and read back
//! from our files and from those of common local tools.
//!
//! PNG: an `iTXt` chunk with our key (JSON) and one named `parameters` (the text form of the Stable Diffusion web UI).
//! JPEG: EXIF `ImageDescription` holds our JSON in ASCII, `UserComment` the `parameters` text in UTF-16. Pixels are not
//! touched: chunks are spliced in.

mod exif;
mod foreign;
mod text;

use crate::{Error, Kind, sniff};
use domain::{PictureRequest, PictureSettings};
use img_parts::jpeg::Jpeg;
use img_parts::png::{Png, PngChunk};
use img_parts::{Bytes, ImageEXIF};
use serde::{Deserialize, Serialize};

/// Our key in PNG files, and the name by which we know our own record.
pub const KEY: &str = "Edgewise";

/// What is written into a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Always `Edgewise`.
    pub app: String,
    /// Edgewise's version.
    pub version: String,
    /// Pixels, as received.
    pub width: u32,
    /// Pixels, as received.
    pub height: u32,
    /// What was asked for, with the model and the seed that were used.
    pub request: PictureRequest,
}

impl Record {
    /// A record of this version.
    pub fn new(version: &str, width: u32, height: u32, request: PictureRequest) -> Self {
        Self { app: KEY.to_owned(), version: version.to_owned(), width, height, request }
    }
}

/// The same picture with its settings inside. A kind that holds none (WebP) comes back as it was.
///
/// # Errors
/// [`Error::NotAPicture`] and [`Error::Damaged`] when the container cannot be taken apart.
pub fn write(bytes: &[u8], record: &Record) -> Result<Vec<u8>, Error> {
    let json = serde_json::to_string(&portable(record))
        .map_err(|error| Error::Damaged { detail: error.to_string() })?;
    let parameters = text::parameters(record);
    match sniff(bytes).ok_or(Error::NotAPicture)? {
        Kind::Png => {
            let mut png = open_png(bytes)?;
            // Right behind the header: some readers stop looking at the pixels.
            let place = png.chunks().len().min(1);
            png.chunks_mut().insert(place, text::chunk("parameters", &parameters));
            png.chunks_mut().insert(place, text::chunk(KEY, &json));
            Ok(png.encoder().bytes().to_vec())
        }
        Kind::Jpeg => {
            let mut jpeg = open_jpeg(bytes)?;
            jpeg.set_exif(Some(Bytes::from(exif::write(&json, &parameters, &record.version)?)));
            Ok(jpeg.encoder().bytes().to_vec())
        }
        Kind::WebP => Ok(bytes.to_vec()),
    }
}

/// The settings inside a picture: ours, else those of a common local tool, else none.
pub fn read(bytes: &[u8]) -> Option<PictureSettings> {
    let texts = match sniff(bytes)? {
        Kind::Png => text::all(&open_png(bytes).ok()?),
        Kind::Jpeg => exif::read(&open_jpeg(bytes).ok()?.exif()?),
        Kind::WebP => {
            exif::read(&img_parts::webp::WebP::from_bytes(Bytes::copy_from_slice(bytes)).ok()?.exif()?)
        }
    };
    let ours = texts
        .iter()
        .find(|(key, _)| key == KEY)
        .and_then(|(_, json)| serde_json::from_str::<Record>(json).ok());
    match ours {
        Some(record) => {
            Some(PictureSettings { request: record.request, source: KEY.to_owned(), model_name: None })
        }
        None => foreign::read(&texts),
    }
}

/// The same pixels without any text, EXIF, time or location inside.
///
/// # Errors
/// [`Error::NotAPicture`] and [`Error::Damaged`] when the container cannot be taken apart.
pub fn strip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    match sniff(bytes).ok_or(Error::NotAPicture)? {
        Kind::Png => {
            let mut png = open_png(bytes)?;
            png.chunks_mut().retain(|chunk| !is_metadata(chunk));
            Ok(png.encoder().bytes().to_vec())
        }
        Kind::Jpeg => {
            let mut jpeg = open_jpeg(bytes)?;
            // APP1 (EXIF, XMP), APP13 (IPTC) and comments; APP0, APP2 (colour profile) and APP14 belong to the pixels.
            for marker in [0xE1, 0xED, 0xFE] {
                jpeg.remove_segments_by_marker(marker);
            }
            Ok(jpeg.encoder().bytes().to_vec())
        }
        Kind::WebP => {
            let mut webp =
                img_parts::webp::WebP::from_bytes(Bytes::copy_from_slice(bytes)).map_err(damaged)?;
            for id in [*b"EXIF", *b"XMP "] {
                webp.remove_chunks_by_id(id);
            }
            Ok(webp.encoder().bytes().to_vec())
        }
    }
}

fn is_metadata(chunk: &PngChunk) -> bool {
    [*b"tEXt", *b"zTXt", *b"iTXt", *b"eXIf", *b"tIME"].contains(&chunk.kind())
}

/// The record without what means nothing elsewhere: names of stored files and of conversations.
fn portable(record: &Record) -> Record {
    let mut portable = record.clone();
    portable.request.references.clear();
    portable.request.mask = None;
    portable.request.conversation = None;
    portable
}

fn open_png(bytes: &[u8]) -> Result<Png, Error> {
    Png::from_bytes(Bytes::copy_from_slice(bytes)).map_err(damaged)
}

fn open_jpeg(bytes: &[u8]) -> Result<Jpeg, Error> {
    Jpeg::from_bytes(Bytes::copy_from_slice(bytes)).map_err(damaged)
}

fn damaged(error: img_parts::Error) -> Error {
    Error::Damaged { detail: error.to_string() }
}
