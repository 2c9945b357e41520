//! Third-party texts for the tests of this crate, read in place.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::path::PathBuf;

/// The folder of third-party test data: `EDGEWISE_CORPORA`, else beside the repository.
fn corpora() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpora");
    std::env::var_os("EDGEWISE_CORPORA").map_or(beside, PathBuf::from)
}

/// A file of the corpora. Says so in one line when it is absent.
pub fn corpus(file: &str) -> Option<String> {
    let path = corpora().join(file);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("not run: {} is absent (set EDGEWISE_CORPORA)", path.display());
    }
    text
}

/// An example of the CommonMark specification.
pub struct Example {
    /// Counted from 1, as the specification does.
    pub number: usize,
    /// Its heading.
    pub section: String,
    /// What is written.
    pub markdown: String,
    /// What the specification expects.
    pub html: String,
}

/// The examples of CommonMark, in order.
pub fn examples() -> Option<Vec<Example>> {
    let spec = corpus("markdown/spec.txt")?;
    let mut examples = Vec::new();
    let mut section = String::new();
    let mut lines = spec.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix('#') {
            section = heading.trim_start_matches('#').trim().to_owned();
        }
        if !(line.starts_with("````") && line.ends_with(" example")) {
            continue;
        }
        let fence = line.trim_end_matches(" example");
        let take = |lines: &mut std::str::Lines<'_>, end: &str| {
            let taken: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            taken.iter().map(|line| format!("{line}\n")).collect::<String>().replace('→', "\t")
        };
        let markdown = take(&mut lines, ".");
        let html = take(&mut lines, fence);
        examples.push(Example { number: examples.len() + 1, section: section.clone(), markdown, html });
    }
    Some(examples)
}
