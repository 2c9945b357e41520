//! What it costs to render an answer while it arrives, against rendering it once (goal P8 of the performance plan), and
//! how long hostile texts take.
//!
//! `cargo bench -p render --bench stream` prints the ratios first, measured side by side as the fastest of several runs,
//! then criterion's own figures.

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "a benchmark prints, and its macros make undocumented items"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use render::{Options, Stream, render};

#[path = "../tests/common/texts.rs"]
mod texts;

use texts::{answer, pathological, tokens};

/// Streams `parts` with a patch after each `every` of them.
fn streamed(parts: &[&str], every: usize) -> Stream {
    let mut stream = Stream::with(Options::default());
    for (at, part) in parts.iter().enumerate() {
        stream.push(part);
        if at % every == every - 1 {
            black_box(stream.patch());
        }
    }
    black_box(stream.finish());
    stream
}

fn fastest(runs: usize, mut work: impl FnMut()) -> Duration {
    let time = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..runs).map(|_| time(&mut work)).min().unwrap_or_default()
}

fn ratios() {
    let text = answer(32 * 1024);
    let parts = tokens(&text);
    let once = fastest(15, || drop(black_box(render(&text))));
    println!("answer: {} bytes, {} tokens, rendered once in {once:?}", text.len(), parts.len());
    for (name, every) in [
        ("nothing but the end", usize::MAX),
        ("each token", 1),
        ("each frame at 100 tokens/s", 3),
        ("each frame at 1,000 tokens/s", 33),
    ] {
        let mut parsed = 0;
        let time = fastest(15, || parsed = streamed(&parts, every).parsed());
        println!(
            "streamed, a patch for {name}: {time:?}, {:.2} x one rendering (goal 1.2), parsed {:.1} x the text",
            time.as_secs_f64() / once.as_secs_f64(),
            parsed as f64 / text.len() as f64,
        );
    }
    let whole = fastest(3, || {
        for end in (0..text.len()).step_by(128).filter(|end| text.is_char_boundary(*end)) {
            black_box(render(&text[..end]));
        }
    });
    println!("for comparison, the whole answer again for every 128 bytes: {whole:?}");
    for (name, make) in pathological() {
        let (one, two) = (make(50_000), make(100_000));
        let time = |text: &str| fastest(2, || drop(black_box(render(text))));
        let (one, two) = (time(&one), time(&two));
        println!(
            "hostile, 50,000 of {name}: {one:?}, twice as long: {:.1} x",
            two.as_secs_f64() / one.as_secs_f64()
        );
    }
}

fn benchmarks(criterion: &mut Criterion) {
    if !std::env::args().any(|argument| argument == "--profile-time") {
        ratios();
    }
    let text = answer(32 * 1024);
    let parts = tokens(&text);
    criterion.bench_function("render 32 KiB once", |b| b.iter(|| render(black_box(&text))));
    criterion.bench_function("stream 32 KiB token by token", |b| {
        b.iter_batched(|| parts.clone(), |parts| streamed(&parts, 1), BatchSize::LargeInput);
    });
    criterion
        .bench_function("stream 32 KiB at 1,000 tokens/s", |b| b.iter(|| streamed(black_box(&parts), 33)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(3));
    targets = benchmarks
}
criterion_main!(benches);
