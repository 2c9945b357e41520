//! What the tests and the figures share: where the corpora are, and how much of an expected text was found.
#![allow(dead_code, clippy::print_stdout)] // each user takes a part of it; an absent corpus is said in a line

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use ingest::fence::{Input, Program, read_in_child};
use ingest::{Error, Limits, Reading, Source};

/// The corpora, or nothing with one line that says so.
pub fn corpora() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let named = std::env::var_os("EDGEWISE_CORPORA").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| root.join("../shared/corpora"));
    match folder.canonicalize() {
        Ok(folder) => Some(folder),
        Err(_) => {
            println!("no corpora at {} (set EDGEWISE_CORPORA): nothing to read", folder.display());
            None
        }
    }
}

/// Reads bytes in this process under the default limits.
pub fn read(name: &str, bytes: &[u8]) -> Result<Reading, Error> {
    ingest::read(&Source { name, bytes, password: None }, &Limits::default())
}

/// Reads a file through a reading process.
pub fn read_through(program: &Program, path: &Path, password: Option<&str>) -> Result<Reading, Error> {
    read_in_child(
        program,
        Input::File { path, name: None, password },
        &Limits::default(),
        &AtomicBool::new(false),
    )
}

/// The passwords that the corpora's own notes give.
pub fn password_of(path: &Path) -> Option<&'static str> {
    match path.file_name()?.to_str()? {
        "2206.01062_pg3.pdf" => Some("1234"),
        "libreoffice-writer-password.pdf" => Some("openpassword"),
        _ => None,
    }
}

/// The text that stands beside a document of the corpora.
pub fn expected_text(path: &Path) -> Option<String> {
    let folder = path.parent()?.parent()?.join("groundtruth");
    let name = path.file_name()?.to_str()?;
    let stem = path.file_stem()?.to_str()?;
    let both = [folder.join(format!("{name}.md")), folder.join(format!("{stem}.md"))];
    both.iter().find_map(|path| std::fs::read_to_string(path).ok())
}

/// The share of the expected words, each counted as often as it occurs, that are in the text.
pub fn share_found(expected: &str, text: &str) -> f64 {
    let mut there: HashMap<String, usize> = HashMap::new();
    for word in words(text) {
        *there.entry(word).or_default() += 1;
    }
    let expected = words(&without_comments(expected));
    let found = expected
        .iter()
        .filter(|word| match there.get_mut(*word) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        })
        .count();
    if expected.is_empty() { 1.0 } else { found as f64 / expected.len() as f64 }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Place holders such as `<!-- image -->`, and the escapes of Markdown and HTML.
fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("<!--") {
        out.push_str(&rest[..open]);
        rest = rest[open..].find("-->").map_or("", |close| &rest[open + close + 3..]);
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace('\\', "")
}
