//! Prompt and parameters inside the file: written in our own key and in the form that other tools read, and read back
//! from our files and from those of common local tools.
//!
//! PNG: an `iTXt` chunk with our key (JSON) and one named `parameters` (the text form of the Stable Diffusion web UI).
//! JPEG and WebP: EXIF `ImageDescription` holds our JSON in ASCII, `UserComment` the `parameters` text in UTF-16. Pixels
//! are not touched: chunks are spliced in.

mod exif;
mod foreign;
mod strip;
mod text;

pub use strip::strip;

use crate::{Error, Kind, sniff};
use domain::{PictureRequest, PictureSettings};
use img_parts::jpeg::Jpeg;
use img_parts::png::Png;
use img_parts::webp::WebP;
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
    /// The prompts are longer than the file can hold, and were cut. The gallery has them whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shortened: bool,
}

impl Record {
    /// A record of this version.
    pub fn new(version: &str, width: u32, height: u32, request: PictureRequest) -> Self {
        Self { app: KEY.to_owned(), version: version.to_owned(), width, height, request, shortened: false }
    }

    /// The record with prompts of at most `most` characters.
    fn shortened(&self, most: usize) -> Self {
        let mut short = Self { shortened: true, ..self.clone() };
        short.request.prompt = shorten(&self.request.prompt, most);
        short.request.negative_prompt =
            self.request.negative_prompt.as_deref().map(|text| shorten(text, most));
        short
    }
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The same picture with its settings inside. Prompts that are longer than its container holds are cut, and the record
/// says so.
///
/// # Errors
/// [`Error::NotAPicture`] and [`Error::Damaged`] when the container cannot be taken apart.
pub fn write(bytes: &[u8], record: &Record) -> Result<Vec<u8>, Error> {
    let record = portable(record);
    match sniff(bytes).ok_or(Error::NotAPicture)? {
        Kind::Png => {
            let (json, parameters) = texts(&record)?;
            let mut png = open_png(bytes)?;
            // Right behind the header: some readers stop looking at the pixels.
            let place = png.chunks().len().min(1);
            png.chunks_mut().insert(place, text::chunk("parameters", &parameters));
            png.chunks_mut().insert(place, text::chunk(KEY, &json));
            Ok(png.encoder().bytes().to_vec())
        }
        Kind::Jpeg => {
            let mut jpeg = open_jpeg(bytes)?;
            jpeg.set_exif(Some(Bytes::from(exif_block(&record)?)));
            Ok(jpeg.encoder().bytes().to_vec())
        }
        Kind::WebP => {
            let mut webp = open_webp(bytes)?;
            webp.set_exif(Some(Bytes::from(exif_block(&record)?)));
            Ok(webp.encoder().bytes().to_vec())
        }
    }
}

/// Our record as JSON, and the `parameters` text.
fn texts(record: &Record) -> Result<(String, String), Error> {
    let json = serde_json::to_string(record).map_err(|error| Error::Damaged { detail: error.to_string() })?;
    Ok((json, text::parameters(record)))
}

/// The EXIF of a record, which has to fit into one segment of a JPEG: a longer one would be left out without a word.
fn exif_block(record: &Record) -> Result<Vec<u8>, Error> {
    let block = |record: &Record| {
        let (json, parameters) = texts(record)?;
        exif::write(&json, &parameters, &record.version)
    };
    let mut whole = block(record)?;
    let mut most = exif::LARGEST / 8; // a character takes up to six bytes as an escape and two in UTF-16
    while whole.len() > exif::LARGEST {
        whole = block(&record.shortened(most))?;
        most /= 2;
    }
    Ok(whole)
}

/// The settings inside a picture: ours, else those of a common local tool, else none.
pub fn read(bytes: &[u8]) -> Option<PictureSettings> {
    let texts = match sniff(bytes)? {
        Kind::Png => text::all(&open_png(bytes).ok()?),
        Kind::Jpeg => exif::read(&open_jpeg(bytes).ok()?.exif()?),
        Kind::WebP => exif::read(&open_webp(bytes).ok()?.exif()?),
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

fn open_webp(bytes: &[u8]) -> Result<WebP, Error> {
    WebP::from_bytes(Bytes::copy_from_slice(bytes)).map_err(damaged)
}

fn damaged(error: img_parts::Error) -> Error {
    Error::Damaged { detail: error.to_string() }
}
