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
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
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
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
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
fn a_statement_of_origin_goes_too_and_colours_stay() {
    // JPEG: C2PA in APP11, IPTC in APP13, a colour profile in APP2, and a tail behind the end.
    let plain = picture(ImageFormat::Jpeg);
    let segment = |marker: u8, contents: &[u8]| {
        let length = u16::try_from(contents.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker][..], &length, contents].concat()
    };
    let foreign = [
        segment(0xEB, b"JP\0\x01c2pa secret"),
        segment(0xE4, b"secret of a vendor"),
        segment(0xE2, b"MPF\0secret"),
        segment(0xFE, b"secret comment"),
        segment(0xE2, b"ICC_PROFILE\0\x01\x01colours"),
    ]
    .concat();
    let marked = [&plain[..2], &foreign, &plain[2..], b"secret tail"].concat();
    let stripped = strip(&marked).unwrap();
    let text = String::from_utf8_lossy(&stripped);
    assert!(!text.contains("secret") && text.contains("ICC_PROFILE"), "{text}");
    assert_eq!(pixels(&stripped), pixels(&plain));

    let chunk = |kind: &[u8; 4], contents: &[u8]| {
        let mut png = img_parts::png::Png::from_bytes(picture(ImageFormat::Png).into()).unwrap();
        png.chunks_mut().insert(1, img_parts::png::PngChunk::new(*kind, contents.to_vec().into()));
        png.encoder().bytes().to_vec()
    };
    for kind in [b"caBX", b"eXIf", b"tIME", b"zTXt", b"prVt"] {
        let stripped = strip(&chunk(kind, b"secret")).unwrap();
        assert!(!String::from_utf8_lossy(&stripped).contains("secret"), "{kind:?}");
    }
    let gamma = strip(&chunk(b"gAMA", &45_455_u32.to_be_bytes())).unwrap();
    assert!(String::from_utf8_lossy(&gamma).contains("gAMA"));
}

#[test]
fn a_prompt_that_is_too_long_for_the_file_is_cut_and_marked() {
    let long = "很长的提示词 ".repeat(4_000);
    for format in [ImageFormat::Jpeg, ImageFormat::WebP] {
        let written = write(&picture(format), &record(&long)).unwrap();
        let found = read(&written).unwrap_or_else(|| panic!("{format:?} says something"));
        let prompt = found.request.prompt.strip_suffix('…').expect("marked as cut");
        assert!(long.starts_with(prompt) && prompt.chars().count() > 1_000, "{}", prompt.len());
        assert_eq!(found.request.seed, Some(1_234_567_890_123), "the rest is whole");
        check(&written, &Limits::default()).unwrap();
    }
    let written = write(&picture(ImageFormat::Png), &record(&long)).unwrap();
    assert_eq!(read(&written).unwrap().request.prompt, long, "PNG holds all of it");
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
