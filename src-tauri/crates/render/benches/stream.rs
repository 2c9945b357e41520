//! What it costs to render an answer while it arrives, against rendering it once (goal P8 of the performance plan), and
//! how long hostile texts take.
//!
//! `cargo bench -p render --bench stream` prints the ratios first, as the least processor
//! time of several runs in turn, then criterion's own figures.

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

/// Processor time of this thread so far: on a shared machine the clock on the wall counts the neighbours too. Where the
/// system does not tell, the clock on the wall.
fn processor_time(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The least processor time of three series of `runs` of each work, in turn so that all meet the same weather. A series
/// should take some hundred milliseconds: the system counts processor time in ticks of four.
fn fastest(runs: u32, works: &mut [&mut dyn FnMut()]) -> Vec<Duration> {
    let start = Instant::now();
    let mut least = vec![Duration::MAX; works.len()];
    for _ in 0..3 {
        for (work, least) in works.iter_mut().zip(&mut least) {
            let before = processor_time(start);
            (0..runs).for_each(|_| work());
            *least = (*least).min((processor_time(start) - before) / runs);
        }
    }
    least
}

fn ratio(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64()
}

fn ratios() {
    let text = answer(32 * 1024);
    let parts = tokens(&text);
    let stream = |every: usize| drop(black_box(streamed(&parts, every)));
    let times = fastest(
        30,
        &mut [
            &mut || drop(black_box(render(&text))),
            &mut || stream(usize::MAX),
            &mut || stream(33),
            &mut || stream(3),
            &mut || stream(1),
        ],
    );
    println!("answer: {} bytes, {} tokens, rendered once in {:?}", text.len(), parts.len(), times[0]);
    let names = ["the end only", "each frame at 1,000 tokens/s", "each frame at 100 tokens/s", "each token"];
    for ((name, every), time) in names.into_iter().zip([usize::MAX, 33, 3, 1]).zip(&times[1..]) {
        let parsed = streamed(&parts, every).parsed() as f64 / text.len() as f64;
        let ratio = ratio(*time, times[0]);
        println!(
            "a patch for {name}: {time:?}, {ratio:.2} x one rendering (goal 1.2), parsed {parsed:.1} x the text"
        );
    }
    let again = fastest(
        2,
        &mut [&mut || {
            for end in (0..text.len()).step_by(128).filter(|end| text.is_char_boundary(*end)) {
                black_box(render(&text[..end]));
            }
        }],
    );
    println!("for comparison, the whole answer again for every 128 bytes: {:?}", again[0]);
    for (name, make) in pathological() {
        let (one, two) = (make(50_000), make(100_000));
        let times =
            fastest(40, &mut [&mut || drop(black_box(render(&one))), &mut || drop(black_box(render(&two)))]);
        let growth = ratio(times[1], times[0]);
        println!(
            "hostile, 50,000 of {name}: {:?} (goal 50 ms), twice as long: {growth:.1} x (goal 2.5)",
            times[0]
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
