//! Each kernel at each level of instructions, in bytes a second, beside `memcpy` of as many bytes in the same run.
//!
//! `cargo bench -p vector-table` runs it. Sizes are those of a table of 768 dimensions: 4,096 rows for the scan, so that
//! the codes come from the second-level cache or beyond.

#![allow(missing_docs, reason = "criterion's macros make the functions")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vector_table::kernels::{BLOCK_ROWS, FACTOR_BYTES, Level, Lookup, Terms};

const PLACES: usize = 768;

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|index| (index * 31 % 251) as u8).collect()
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 7919 % 1000) as f32 - 500.0) / 500.0).collect()
}

fn little_endian(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Runs one kernel at every level, and `memcpy` over the same number of bytes.
fn compare(criterion: &mut Criterion, name: &str, size: usize, mut run: impl FnMut(Level)) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(size as u64));
    for level in Level::available() {
        group
            .bench_function(BenchmarkId::from_parameter(level.name()), |bencher| bencher.iter(|| run(level)));
    }
    let (source, mut target) = (bytes(size), vec![0; size]);
    group.bench_function(BenchmarkId::from_parameter("memcpy"), |bencher| {
        bencher.iter(|| black_box(&mut target).copy_from_slice(black_box(&source)));
    });
    group.finish();
}

fn scan(criterion: &mut Criterion) {
    let blocks = 128;
    let pairs = PLACES / 8;
    let mut codes = Vec::new();
    for _ in 0..blocks {
        codes.extend(bytes(pairs * BLOCK_ROWS));
        codes.extend(little_endian(&numbers(FACTOR_BYTES / 4)));
    }
    let (low, high) = (vec![77; pairs * 32], vec![55; pairs * 32]);
    let lookup = Lookup { pairs, low, high, step: 0.01, shift: -1.0 };
    let terms = Terms { constant: 0.5, margin: 3.0 };
    let (mut ranks, mut maxima) = (vec![0.0; blocks * BLOCK_ROWS], vec![0.0; blocks]);
    compare(criterion, "scan", codes.len(), |level| {
        level.scan(black_box(&codes), &lookup, &terms, &mut ranks, &mut maxima);
    });
}

fn rows(criterion: &mut Criterion) {
    let (query, vector) = (numbers(PLACES), little_endian(&numbers(PLACES)));
    compare(criterion, "dot_and_square", 4 * PLACES, |level| {
        black_box(level.dot_and_square(black_box(&query), black_box(&vector)));
    });
    let other = numbers(PLACES);
    compare(criterion, "dot", 4 * PLACES, |level| {
        black_box(level.dot(black_box(&query), black_box(&other)));
    });
    compare(criterion, "distance_square", 4 * PLACES, |level| {
        black_box(level.distance_square(black_box(&query), black_box(&other)));
    });
    let (whole, nibbles) = (vec![12_345i16; PLACES], bytes(PLACES / 2));
    compare(criterion, "nibble_dot", PLACES / 2, |level| {
        black_box(level.nibble_dot(black_box(&whole), black_box(&nibbles)));
    });
}

fn coding(criterion: &mut Criterion) {
    let (row, centre, shift) = (numbers(PLACES), vec![0.1; PLACES], vec![0.01; PLACES]);
    let mut values = numbers(512);
    compare(criterion, "hadamard", 4 * 512, |level| level.hadamard(black_box(&mut values)));
    let mut bits = vec![0; PLACES / 8];
    compare(criterion, "signs", 4 * PLACES, |level| {
        black_box(level.signs(black_box(&row), &centre, &shift, &shift, &mut bits));
    });
    let mut nibbles = vec![0; PLACES / 2];
    compare(criterion, "nibbles", 4 * PLACES, |level| {
        black_box(level.nibbles(black_box(&row), &centre, &shift, 3.0, &mut nibbles));
    });
    let (mut low, mut high) = (vec![0; PLACES * 4], vec![0; PLACES * 4]);
    compare(criterion, "tables", 4 * PLACES, |level| {
        level.tables(black_box(&row), 20.0, 127.0, &mut low, &mut high);
    });
}

criterion_group!(kernels, scan, rows, coding);
criterion_main!(kernels);
