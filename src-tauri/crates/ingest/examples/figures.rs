//! Reads every document of the corpora through the real reading process and prints what `docs/formats.md`
//! holds: counts, the share of expected words found, and the speed beside `pdftotext` where that is installed.
//!
//! `cargo run --release -p ingest --example figures [-- FOLDER]`; the reading process is looked for beside it.

#![allow(clippy::print_stdout)] // printing is its purpose

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ingest::{Error, Found, Reading, WalkLimits};

/// Figures of one extension.
#[derive(Default)]
struct Row {
    files: usize,
    read: usize,
    partly: usize,
    refused: Vec<String>,
    shares: Vec<f64>,
    bytes: u64,
    time: Duration,
    pages: u32,
}

fn main() {
    let Some(corpora) = common::corpora() else { return };
    let folder = std::env::args_os().nth(1).map_or_else(|| corpora.join("documents"), PathBuf::from);
    let beside = std::env::current_exe().expect("this program has a path");
    let program = ingest::fence::Program {
        executable: beside.parent().and_then(Path::parent).expect("in examples/").join("read-document"),
        arguments: Vec::new(),
    };
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let limits = WalkLimits { skip_hidden: true, ..WalkLimits::default() };
    for found in ingest::walk(&folder, limits) {
        let Found::File { path, size, .. } = found else { continue };
        if path.components().any(|part| part.as_os_str() == "groundtruth") {
            continue;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let row = rows.entry(extension).or_default();
        let begin = Instant::now();
        let result = common::read_through(&program, &path, common::password_of(&path));
        row.time += begin.elapsed();
        row.bytes += size;
        row.files += 1;
        note(row, &path, result);
    }
    print(&rows);
    compare_with_pdftotext(&folder);
    throughput(&corpora, &program);
}

/// Megabytes a second of the formats that are text, of cutting, and what the process around a file costs.
fn throughput(corpora: &Path, program: &ingest::fence::Program) {
    let json = std::fs::read_to_string(corpora.join("retrieval/xquad.en.json")).unwrap_or_default();
    let paragraph = "A paragraph of plain words, as they stand in a book. It has two sentences.\n\n";
    let text = json.replace("\", \"", "\n") + &paragraph.repeat(100_000);
    let rows: String = (0..200_000).map(|i| format!("item {i},{},\"words, more words\"\n", i * 3)).collect();
    let page = format!(
        "<html><body>{}</body></html>",
        "<h2>Part</h2><p>Words <b>bold</b> &amp; more.</p>".repeat(150_000)
    );
    let gbk = "文字在这里，有很多句子。".repeat(300_000).chars().collect::<String>();
    let files = [
        ("plain text", "a.txt", text.clone().into_bytes()),
        ("Markdown", "a.md", text.clone().into_bytes()),
        ("HTML", "a.html", page.into_bytes()),
        ("CSV", "a.csv", rows.into_bytes()),
        ("Chinese in UTF-8", "b.txt", gbk.into_bytes()),
    ];
    for (what, name, bytes) in files {
        let begin = Instant::now();
        let source = ingest::Source { name, bytes: &bytes, password: None };
        let reading = ingest::read(&source, &ingest::Limits::default()).expect("generated text can be read");
        let read = bytes.len() as f64 / 1e6 / begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let passages = ingest::cut(&reading, &ingest::Budget::default(), &ingest::estimate_tokens);
        let cut = reading.text.len() as f64 / 1e6 / begin.elapsed().as_secs_f64();
        println!("{what}: read {read:.0} MB/s, cut {cut:.0} MB/s into {} passages", passages.len());
    }
    let begin = Instant::now();
    for _ in 0..100 {
        let source = ingest::Source { name: "a.txt", bytes: b"A few words.", password: None };
        let input = ingest::fence::Input::Bytes(source);
        let stop = std::sync::atomic::AtomicBool::new(false);
        ingest::fence::read_in_child(program, input, &ingest::Limits::default(), &stop)
            .expect("words can be read");
    }
    println!("one small file through the reading process: {:.1} ms", begin.elapsed().as_secs_f64() * 10.0);
}

fn note(row: &mut Row, path: &Path, result: Result<Reading, Error>) {
    let reading = match result {
        Ok(reading) => reading,
        Err(error) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return row.refused.push(format!("{name}: {error}"));
        }
    };
    row.pages += reading.pages.unwrap_or(0);
    let partly = !reading.empty_pages.is_empty();
    row.partly += usize::from(partly);
    row.read += usize::from(!partly);
    if let Some(expected) = common::expected_text(path) {
        let share = common::share_found(&expected, &reading.text);
        if share < 0.95 {
            println!("{share:.3} {}", path.display());
        }
        row.shares.push(share);
    }
}

fn print(rows: &BTreeMap<String, Row>) {
    println!(
        "| extension | files | read | partly | refused | expected words found | files compared | MB/s |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (extension, row) in rows {
        let mean = row.shares.iter().sum::<f64>() / row.shares.len().max(1) as f64;
        let share = if row.shares.is_empty() { "–".to_owned() } else { format!("{:.1} %", mean * 100.0) };
        let speed = row.bytes as f64 / 1e6 / row.time.as_secs_f64();
        println!(
            "| {extension} | {} | {} | {} | {} | {share} | {} | {speed:.1} |",
            row.files,
            row.read,
            row.partly,
            row.refused.len(),
            row.shares.len()
        );
    }
    for (extension, row) in rows {
        for reason in &row.refused {
            println!("{extension}: {reason}");
        }
    }
}

/// Pages a second in this process and by poppler, each including its own start per file.
fn compare_with_pdftotext(folder: &Path) {
    let pdfs: Vec<PathBuf> = ingest::walk(folder, WalkLimits::default())
        .filter_map(|found| match found {
            Found::File { path, .. } if path.extension().is_some_and(|e| e == "pdf") => Some(path),
            _ => None,
        })
        .filter(|path| common::password_of(path).is_none())
        .collect();
    let (mut pages, mut bytes) = (0, 0);
    let begin = Instant::now();
    for path in &pdfs {
        let content = std::fs::read(path).expect("the corpora can be read");
        bytes += content.len();
        let source = ingest::Source { name: "a.pdf", bytes: &content, password: None };
        if let Ok(reading) = ingest::read(&source, &ingest::Limits::default()) {
            pages += reading.pages.unwrap_or(0);
        }
    }
    report("ingest, in process", pages, bytes, begin.elapsed());
    let begin = Instant::now();
    for path in &pdfs {
        if Command::new("pdftotext").arg(path).arg("-").output().is_err() {
            return println!("pdftotext is not installed: no comparison");
        }
    }
    report("pdftotext, a process a file", pages, bytes, begin.elapsed());
}

fn report(who: &str, pages: u32, bytes: usize, time: Duration) {
    let seconds = time.as_secs_f64();
    println!("{who}: {:.0} pages/s, {:.1} MB/s", f64::from(pages) / seconds, bytes as f64 / 1e6 / seconds);
}
