//! Thumbnails per second, of pictures as the models send them, beside plain `image` decoding and resizing in the same run.
//!
//! ```text
//! cargo bench -p pictures --bench thumbnails
//! ```

#![allow(clippy::unwrap_used, missing_docs, reason = "a program that measures")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, RgbImage};
use pictures::{Limits, scale};
use std::hint::black_box;
use std::io::Cursor;

/// The longer side of the gallery's thumbnails.
const EDGE: u32 = 512;

/// A picture with detail everywhere, so that neither format has it easy.
fn drawn(side: u32, format: ImageFormat) -> Vec<u8> {
    let mut noise = 1_u32;
    let drawn = RgbImage::from_fn(side, side, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (noise >> 28) as u8;
        image::Rgb([(x / 5) as u8 ^ grain, (y / 3) as u8 ^ grain, ((x * y) >> 9) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(drawn).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// What one writes without thinking: decode, resize with a good filter, encode.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let small = image::load_from_memory(bytes).unwrap().resize(EDGE, EDGE, FilterType::CatmullRom);
    let mut jpeg = Vec::new();
    small.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 82)).unwrap();
    jpeg
}

fn thumbnails(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("thumbnail");
    group.sample_size(20).throughput(Throughput::Elements(1));
    for (name, side, format) in [
        ("jpeg 1024", 1_024, ImageFormat::Jpeg),
        ("png 1024", 1_024, ImageFormat::Png),
        ("jpeg 2048", 2_048, ImageFormat::Jpeg),
    ] {
        let bytes = drawn(side, format);
        group.bench_with_input(BenchmarkId::new("ours", name), &bytes, |bench, bytes| {
            bench.iter(|| scale::thumbnail(black_box(bytes), EDGE).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("plain image", name), &bytes, |bench, bytes| {
            bench.iter(|| plain(black_box(bytes)));
        });
        // What arrives is checked and made small with one decoding.
        group.bench_with_input(BenchmarkId::new("checked", name), &bytes, |bench, bytes| {
            bench.iter(|| scale::check_with_thumbnail(black_box(bytes), &Limits::default(), EDGE).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, thumbnails);
criterion_main!(benches);
