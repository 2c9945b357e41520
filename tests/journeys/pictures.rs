//! Pictures, from the engine down: made, refused, saved, found, talked about. The pictures are real files, looked at by the
//! `image` crate and, where it is installed, by exiftool.

mod failing;
mod gallery;
mod making;
mod saving;
mod talking;

use crate::desk::Desk;
use domain::{Fault, Picture, PictureEvent, PictureQuery, PictureRequest, PictureState};
use image::{DynamicImage, ImageFormat, RgbImage};
use simulator::{Effects, Seen};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The longest that a picture may take: a debug build decodes 64 MiB on a busy machine.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(180);
/// The path of making, for scenarios that must not touch catalogues and schemas.
pub const RUN: &str = "ai/run";
pub const SCHNELL: &str = "@cf/black-forest-labs/flux-1-schnell";
pub const KLEIN: &str = "@cf/black-forest-labs/flux-2-klein-4b";
pub const PHOENIX: &str = "@cf/leonardo/phoenix-1.0";
pub const DREAMSHAPER: &str = "@cf/lykon/dreamshaper-8-lcm";
pub const IMG2IMG: &str = "@cf/runwayml/stable-diffusion-v1-5-img2img";
pub const INPAINTING: &str = "@cf/runwayml/stable-diffusion-v1-5-inpainting";

pub fn request(model: &str, prompt: &str) -> PictureRequest {
    PictureRequest {
        model: Some(model.into()),
        prompt: prompt.to_owned(),
        count: 1,
        ..PictureRequest::default()
    }
}

/// Pictures in the making, and what is told of them.
pub struct Making {
    pub begun: Vec<Picture>,
    events: UnboundedReceiver<PictureEvent>,
}

pub async fn begin(desk: &Desk, request: PictureRequest) -> Result<Making, Fault> {
    let (listener, events) = unbounded_channel();
    let begun = desk.engine.pictures().make_pictures(request, listener).await?;
    Ok(Making { begun, events })
}

impl Making {
    /// Waits until all have come out, and returns them in the order of their beginning.
    pub async fn end(mut self) -> Vec<Picture> {
        let mut rows = self.begun;
        while rows.iter().any(|row| row.state == PictureState::Pending) {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("in time");
            if let PictureEvent::Changed { picture } = event.expect("an event") {
                let place = rows.iter().position(|row| row.id == picture.id).expect("one of ours");
                rows[place] = *picture;
            }
        }
        rows
    }
}

/// Makes one picture, however it comes out.
pub async fn make(desk: &Desk, request: PictureRequest) -> Picture {
    begin(desk, request).await.expect("begun").end().await.remove(0)
}

/// Requests for pictures that the service saw.
pub fn orders(desk: &Desk) -> Vec<Seen> {
    desk.simulator
        .requests()
        .into_iter()
        .filter(|seen| seen.method == "POST" && seen.path.contains(RUN))
        .collect()
}

pub fn folder(desk: &Desk) -> PathBuf {
    desk.folder.path().join("files").join("pictures")
}

/// The names in a folder, sorted; none when it is not there.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub fn bytes_of(desk: &Desk, picture: &Picture) -> Vec<u8> {
    let name = picture.file_name.as_deref().unwrap_or_else(|| panic!("it has a file: {picture:?}"));
    std::fs::read(folder(desk).join(name)).expect("its file is there")
}

/// The neurons and calls of pictures in the ledger.
pub async fn booked(desk: &Desk) -> (f64, u32) {
    let report = desk.engine.usage().usage_report(1).await.expect("report");
    report
        .by_task
        .iter()
        .find(|line| line.label == "image")
        .map_or((0.0, 0), |line| (line.neurons, line.calls))
}

pub async fn all(desk: &Desk) -> Vec<Picture> {
    let query = PictureQuery { limit: 1_000, ..PictureQuery::default() };
    desk.engine.pictures().pictures(query).await.expect("listed").pictures
}

/// A picture to start from.
pub fn drawing(width: u32, height: u32) -> Vec<u8> {
    let drawn = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 256) as u8, (y % 256) as u8, 90]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(drawn).write_to(&mut bytes, ImageFormat::Png).expect("encoded");
    bytes.into_inner()
}

pub async fn attach(desk: &Desk, name: &str, bytes: Vec<u8>) -> domain::AttachmentId {
    desk.engine.attachments().attach_bytes(name.to_owned(), bytes).await.expect("attached").id
}

pub fn after_ms(ms: u64) -> Effects {
    Effects { first_byte_ms: Some(ms), ..Effects::default() }
}

pub fn fault(picture: &Picture) -> &Fault {
    match &picture.state {
        PictureState::Failed { fault } => fault,
        other => panic!("it failed: {other:?}"),
    }
}
