//! Settings written into a picture are read back whole, by us and by an independent tool, and the pixels stay the same.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use domain::PictureRequest;
use image::{DynamicImage, ImageFormat, RgbImage};
use pictures::settings::{Record, read, strip, write};
use pictures::{Limits, check};
use proptest::prelude::*;
use std::io::Cursor;
use std::process::Command;

fn picture(format: ImageFormat) -> Vec<u8> {
    let drawn = RgbImage::from_fn(32, 24, |x, y| image::Rgb([(x * 8) as u8, (y * 10) as u8, 128]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(drawn).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn record(prompt: &str) -> Record {
    let request = PictureRequest {
        model: Some("@cf/black-forest-labs/flux-1-schnell".into()),
        prompt: prompt.to_owned(),
        negative_prompt: Some("模糊".to_owned()),
        steps: Some(4),
        guidance: Some(7.5),
        seed: Some(1_234_567_890_123),
        count: 1,
        ..PictureRequest::default()
    };
    Record::new("0.1.0", 32, 24, request)
}

fn pixels(bytes: &[u8]) -> Vec<u8> {
    image::load_from_memory(bytes).unwrap().to_rgb8().into_raw()
}

#[test]
fn settings_are_read_back_and_the_pixels_stay() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let plain = picture(format);
        let record = record("a lighthouse 黄昏的灯塔 🗼 \"quoted\", with, commas\nand lines");
        let written = write(&plain, &record).unwrap();
        let found = read(&written).unwrap_or_else(|| panic!("{format:?} holds its settings"));
        assert_eq!(found.request, record.request, "{format:?}");
        assert_eq!(found.source, "Edgewise");
        assert_eq!(pixels(&written), pixels(&plain), "{format:?}: the pixels are untouched");
        check(&written, &Limits::default()).unwrap();
    }
}

#[test]
fn stripped_pictures_say_nothing() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let written = write(&picture(format), &record("a secret garden")).unwrap();
        let stripped = strip(&written).unwrap();
        assert_eq!(read(&stripped), None, "{format:?}");
        for (name, bytes, expected) in [("written", &written, true), ("stripped", &stripped, false)] {
            let text = String::from_utf8_lossy(bytes);
            let wide: Vec<u8> = "secret".encode_utf16().flat_map(u16::to_be_bytes).collect();
            let there = text.contains("secret") || bytes.windows(wide.len()).any(|window| window == wide);
            assert_eq!(there, expected, "{format:?}, {name}: the detector sees the prompt only where it is");
        }
        assert_eq!(pixels(&stripped), pixels(&written));
    }
}

#[test]
fn what_belongs_to_this_machine_is_not_written() {
    let mut record = record("x");
    record.request.references = vec!["abc".into()];
    record.request.conversation = Some("private-conversation".into());
    let written = write(&picture(ImageFormat::Png), &record).unwrap();
    assert!(!String::from_utf8_lossy(&written).contains("private-conversation"));
}

#[test]
fn an_independent_tool_reads_them_too() {
    if Command::new("exiftool").arg("-ver").output().is_err() {
        eprintln!("exiftool is absent (package libimage-exiftool-perl): not compared");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let record = record("a lighthouse 黄昏的灯塔");
    for (format, name, tag) in
        [(ImageFormat::Png, "a.png", "-Parameters"), (ImageFormat::Jpeg, "a.jpg", "-UserComment")]
    {
        let file = folder.path().join(name);
        std::fs::write(&file, write(&picture(format), &record).unwrap()).unwrap();
        let told = Command::new("exiftool").args(["-s3", tag]).arg(&file).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        for part in [
            "a lighthouse 黄昏的灯塔",
            "模糊",
            "Steps: 4",
            "CFG scale: 7.5",
            "Seed: 1234567890123",
            "Size: 32x24",
        ] {
            assert!(told.contains(part), "exiftool {tag} {name} tells {part}: {told}");
        }
        let warnings = Command::new("exiftool").args(["-s3", "-Warning"]).arg(&file).output().unwrap();
        assert!(warnings.stdout.is_empty(), "{name}: {}", String::from_utf8_lossy(&warnings.stdout));
    }
}

#[test]
fn a_damaged_container_is_an_error_not_a_panic() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let whole = write(&picture(format), &record("x")).unwrap();
        for length in 0..whole.len() {
            let _ = read(&whole[..length]);
            let _ = strip(&whole[..length]);
            let _ = write(&whole[..length], &record("y"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_prompt_survives(prompt in "\\PC{1,300}") {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let written = write(&picture(format), &record(&prompt)).unwrap();
            prop_assert_eq!(&read(&written).expect("it is there").request.prompt, &prompt);
        }
    }
}
