//! Folders: what is found, what is left out and why, and that nothing blocks.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // what does not unwrap here fails the test

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ingest::{Found, Reason, WalkLimits, walk};

fn files(root: &Path) -> Vec<String> {
    walk(root, WalkLimits::default())
        .filter_map(|found| match found {
            Found::File { path, .. } => Some(path.strip_prefix(root).unwrap().to_string_lossy().into_owned()),
            Found::Skipped { .. } => None,
        })
        .collect()
}

fn reason_for(root: &Path, name: &str, limits: WalkLimits) -> Option<Reason> {
    walk(root, limits).find_map(|found| match found {
        Found::Skipped { path, reason } if path.ends_with(name) => Some(reason),
        _ => None,
    })
}

#[test]
fn files_come_in_order_of_level_and_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    for name in ["c.txt", "a.txt", "b/d.txt"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    assert_eq!(files(folder.path()), ["a.txt", "c.txt", "b/d.txt"]);
    assert_eq!(
        walk(&folder.path().join("a.txt"), WalkLimits::default()).count(),
        1,
        "a file is its own walk"
    );
}

#[test]
fn links_stay_inside_and_loops_end() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), "x").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("sub")).unwrap();
    fs::write(root.join("sub/real.txt"), "x").unwrap();
    symlink(root, root.join("sub/loop")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink("/etc/passwd", root.join("passwd")).unwrap();
    symlink(root.join("nowhere"), root.join("broken")).unwrap();
    symlink(root.join("sub/real.txt"), root.join("again.txt")).unwrap();
    let found = files(root);
    assert_eq!(found.len(), 1, "one real file, by whichever way it is met first: {found:?}");
    let reason = |name| reason_for(root, name, WalkLimits::default());
    assert_eq!(reason("out"), Some(Reason::LinkOutside));
    assert_eq!(reason("passwd"), Some(Reason::LinkOutside));
    assert_eq!(reason("broken"), Some(Reason::LinkBroken));
    assert_eq!(reason("sub/loop"), Some(Reason::MetBefore));
}

#[test]
fn pipes_sockets_and_devices_are_skipped_without_being_opened() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert!(Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
    let _listener = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let begin = Instant::now();
    assert_eq!(reason_for(root, "pipe", WalkLimits::default()), Some(Reason::Pipe));
    assert_eq!(reason_for(root, "socket", WalkLimits::default()), Some(Reason::Socket));
    assert_eq!(reason_for(Path::new("/dev/null"), "null", WalkLimits::default()), Some(Reason::Device));
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[test]
fn hostile_names_are_found_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}.txt", "x".repeat(251));
    let names: [&[u8]; 8] = [
        b"line\nbreak.txt",
        b"star*[a]?.txt",
        b"\"quotes'.txt",
        b"<img onerror=1>.txt",
        "\u{202e}txt.exe".as_bytes(),
        b"latin-\xe9\xff.txt",
        b"-rf.txt",
        long.as_bytes(),
    ];
    for name in names {
        fs::write(folder.path().join(OsStr::from_bytes(name)), "x").unwrap();
    }
    let found: Vec<_> = walk(folder.path(), WalkLimits::default())
        .filter_map(|found| match found {
            Found::File { path, .. } => Some(path.file_name().unwrap().as_bytes().to_owned()),
            Found::Skipped { .. } => None,
        })
        .collect();
    for name in names {
        assert!(found.iter().any(|known| known == name), "{name:?} was not found");
    }
}

#[test]
fn limits_end_a_walk_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut deep = root.to_owned();
    for level in 0..30 {
        deep = deep.join(level.to_string());
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(root.join("large.bin"), vec![0; 5_000]).unwrap();
    fs::write(root.join(".hidden"), "x").unwrap();
    let limits = WalkLimits { entries: 1_000, depth: 20, file_bytes: 1_000, skip_hidden: true };
    let reasons: Vec<Reason> = walk(root, limits)
        .filter_map(|found| match found {
            Found::Skipped { reason, .. } => Some(reason),
            Found::File { .. } => None,
        })
        .collect();
    assert!(reasons.contains(&Reason::TooDeep));
    assert!(reasons.contains(&Reason::Hidden));
    assert!(reasons.contains(&Reason::TooLarge { size: 5_000 }));
    let few = WalkLimits { entries: 5, ..limits };
    assert!(walk(root, few).any(|f| matches!(f, Found::Skipped { reason: Reason::TooMany, .. })));
}

#[test]
fn ten_thousand_files_are_found_within_seconds() {
    let folder = tempfile::tempdir().unwrap();
    for group in 0..100 {
        let sub = folder.path().join(format!("{group:03}"));
        fs::create_dir(&sub).unwrap();
        for file in 0..100 {
            fs::write(sub.join(format!("{file:03}.txt")), "x").unwrap();
        }
    }
    let begin = Instant::now();
    assert_eq!(files(folder.path()).len(), 10_000);
    assert!(begin.elapsed() < Duration::from_secs(5), "it took {:?}", begin.elapsed());
}
