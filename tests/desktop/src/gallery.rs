//! A gallery of any size, entered as the engine does: rows in the database, files in the pictures' folder. Twenty-four
//! different pictures stand for all; a file more of the same picture is a link to it.

use anyhow::{Context, Result};
use domain::{Picture, PictureRequest, PictureState, RunId, Timestamp, Usage};
use image::{Rgb, RgbImage};
use std::path::Path;
use store::{PictureEnding, PictureFile, Store};

const DIFFERENT: usize = 24;
const SIDE: u32 = 768;
const THINGS: [&str; 8] = [
    "a lighthouse",
    "a paper boat",
    "两只猫",
    "a chimney at dawn",
    "港口的灯",
    "a blue book",
    "an owl",
    "山间的雾",
];

/// Fills the data folder with so many pictures, spread over two years before now.
///
/// # Errors
/// When a file or a row cannot be written.
pub fn fill(data: &Path, count: usize, now: Timestamp) -> Result<()> {
    let folder = data.join("files/pictures");
    std::fs::create_dir_all(&folder)?;
    let kinds: Vec<_> = (0..DIFFERENT)
        .map(|n| {
            let file = folder.join(format!("kind-{n}.jpg"));
            drawn(n).save(&file)?;
            Ok((std::fs::metadata(&file)?.len(), file))
        })
        .collect::<Result<_>>()?;
    let store = Store::open(data, now).ok().context("the database opens")?;
    let pictures: Vec<Picture> = (0..count).map(|n| picture(n, count, now)).collect();
    store.add_pictures(&pictures)?;
    for (n, picture) in pictures.iter().enumerate() {
        let (size, kind) = &kinds[n % DIFFERENT];
        let name = format!("{}.jpg", picture.id);
        std::fs::hard_link(kind, folder.join(&name))?;
        store.end_picture(
            &picture.id,
            &PictureEnding {
                state: PictureState::Done,
                request: picture.request.clone(),
                file: Some(PictureFile {
                    name,
                    media_type: "image/jpeg".into(),
                    size: *size,
                    width: SIDE,
                    height: SIDE,
                }),
                usage: Some(Usage { neurons: Some(57.6), ..Usage::default() }),
                took_ms: 2_100,
                left_out: Vec::new(),
            },
        )?;
    }
    for (_, kind) in kinds {
        std::fs::remove_file(kind)?;
    }
    Ok(())
}

fn picture(n: usize, count: usize, now: Timestamp) -> Picture {
    const TWO_YEARS: i64 = 2 * 365 * 24 * 3_600_000;
    let age = TWO_YEARS * (count - n) as i64 / count as i64;
    let request = PictureRequest {
        model: Some("@cf/black-forest-labs/flux-1-schnell".into()),
        prompt: format!("{} number {n}", THINGS[n % THINGS.len()]),
        seed: Some(n as u64),
        steps: Some(4),
        count: 1,
        ..PictureRequest::default()
    };
    Picture {
        id: format!("picture-{n:06}"),
        run: RunId(format!("run-{n:06}")),
        model: "@cf/black-forest-labs/flux-1-schnell".into(),
        request,
        state: PictureState::Pending,
        width: None,
        height: None,
        media_type: None,
        file_name: None,
        size: None,
        usage: None,
        starred: false,
        albums: Vec::new(),
        created_at: Timestamp(now.0 - age),
        took_ms: None,
        left_out: Vec::new(),
        unsaved: false,
    }
}

fn drawn(n: usize) -> RgbImage {
    let hue = (n * 255 / DIFFERENT) as u32;
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let wave = ((x * 7 + y * 3 + hue * 11) % 97) as u8;
        Rgb([(hue as u8).wrapping_add((x / 4) as u8), ((y / 4) as u8).wrapping_add(wave), wave])
    })
}
