//! Damages every document of the corpora in many ways, reads each through the real reading process and
//! counts how it ended: `cargo run --profile bench -p ingest --example odd_files -- [MUTANTS PER FILE]`.
//!
//! What must be true of every one: an answer or a typed error, within the limits, and no text that is blank.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // printing is its purpose, and a failure may end it

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ingest::fence::{Input, Program, read_in_child};
use ingest::{Found, Limits, Source, WalkLimits, walk};

fn main() {
    let Some(corpora) = common::corpora() else { return };
    let each: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(20);
    let beside = std::env::current_exe().unwrap();
    let executable = beside.parent().and_then(Path::parent).unwrap().join("read-document");
    let program = Program { executable, arguments: Vec::new() };
    let limits = Limits::default();
    let mut outcomes: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    let (mut tried, mut slowest) = (0, Duration::ZERO);
    for found in walk(&corpora.join("documents"), WalkLimits::default()) {
        let Found::File { path, .. } = found else { continue };
        if path.components().any(|part| part.as_os_str() == "groundtruth") {
            continue;
        }
        let whole = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let mut random = Random(blake3::hash(name.as_bytes()).as_bytes()[0].into());
        for _ in 0..each {
            let bytes = damaged(&whole, &mut random);
            let begin = Instant::now();
            let source = Source { name: &name, bytes: &bytes, password: None };
            let result = read_in_child(&program, Input::Bytes(source), &limits, &AtomicBool::new(false));
            slowest = slowest.max(begin.elapsed());
            tried += 1;
            let outcome = match &result {
                Ok(reading) if reading.text.trim().is_empty() => "SILENTLY EMPTY".to_owned(),
                Ok(_) => "read".to_owned(),
                Err(error) => shortened(&format!("{error:?}")),
            };
            *outcomes.entry(extension.clone()).or_default().entry(outcome).or_default() += 1;
        }
    }
    println!("{tried} damaged documents, the slowest took {slowest:.1?}");
    for (extension, outcomes) in outcomes {
        println!("{extension}: {outcomes:?}");
    }
}

/// The name of the error, with the place of a panic.
fn shortened(error: &str) -> String {
    if error.starts_with("ReaderDied") {
        error.to_owned()
    } else {
        error.split([' ', '{']).next().unwrap_or_default().to_owned()
    }
}

/// A linear congruential generator: the same damage on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

fn damaged(whole: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    match random.below(5) {
        0 => bytes.truncate(random.below(whole.len())),
        1 => {
            for _ in 0..=random.below(40) {
                let place = random.below(bytes.len());
                bytes[place] ^= 1 << random.below(8);
            }
        }
        2 => {
            let (from, length) = (random.below(bytes.len()), random.below(400));
            let end = (from + length).min(bytes.len());
            bytes[from..end].fill(0);
        }
        3 => {
            let (from, length) = (random.below(bytes.len()), random.below(2_000));
            let end = (from + length).min(bytes.len());
            bytes.drain(from..end);
        }
        _ => {
            let (from, length) = (random.below(bytes.len()), random.below(2_000));
            let copied = bytes[from..(from + length).min(bytes.len())].to_vec();
            let place = random.below(bytes.len());
            bytes.splice(place..place, copied);
        }
    }
    bytes
}
