//! The reading process: however it ends, the parent sees an ordinary error, and what the document asks for
//! beyond its text is not there.
#![allow(clippy::unwrap_used)] // what does not unwrap here fails the test

mod common;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ingest::fence::{Input, Program, Readers, read_in_child};
use ingest::{Death, Error, Limits, Measure, Reading, Source};

fn reader() -> Program {
    Program { executable: PathBuf::from(env!("CARGO_BIN_EXE_read-document")), arguments: Vec::new() }
}

fn misbehaving(way: &str) -> Program {
    Program {
        executable: PathBuf::from(env!("CARGO_BIN_EXE_misbehaving-reader")),
        arguments: vec![OsString::from(way)],
    }
}

fn read(program: &Program, bytes: &[u8], limits: &Limits) -> Result<Reading, Error> {
    let source = Source { name: "note.txt", bytes, password: None };
    read_in_child(program, Input::Bytes(source), limits, &AtomicBool::new(false))
}

fn short() -> Limits {
    Limits { wall_seconds: 10, ..Limits::default() }
}

/// How a misbehaving child is seen.
fn death_of(way: &str) -> Death {
    match read(&misbehaving(way), b"words", &short()) {
        Err(Error::ReaderDied { how }) => how,
        other => panic!("{way} gave {other:?}"),
    }
}

#[test]
fn the_child_reads_what_this_process_reads() {
    let text = "# Title\n\nWords, 字, слово.\n";
    let source = Source { name: "a.md", bytes: text.as_bytes(), password: None };
    let here = ingest::read(&source, &Limits::default()).unwrap();
    let there = read_in_child(&reader(), Input::Bytes(source), &Limits::default(), &AtomicBool::new(false));
    assert_eq!(there.unwrap(), here);
}

#[test]
fn refusals_cross_the_pipe_as_they_are() {
    assert_eq!(read(&reader(), b"", &short()), Err(Error::Empty));
    assert_eq!(read(&reader(), b"  \n ", &short()), Err(Error::NoText { pages: None }));
}

#[cfg(unix)]
#[test]
fn every_way_of_dying_is_told_apart() {
    assert_eq!(death_of("overflow"), Death::StackOverflow);
    assert_eq!(death_of("abort"), Death::Signal { number: 6 });
    assert_eq!(death_of("status"), Death::NoAnswer { status: Some(7) });
    assert_eq!(death_of("lie"), Death::NoAnswer { status: Some(0) });
}

#[cfg(target_os = "linux")]
#[test]
fn memory_and_processor_time_end() {
    assert_eq!(death_of("memory"), Death::OutOfMemory);
    assert_eq!(death_of("spin"), Death::CpuTime);
}

#[test]
fn a_silent_child_is_stopped_at_the_wall_time() {
    let limits = Limits { wall_seconds: 1, ..Limits::default() };
    let begin = Instant::now();
    assert_eq!(read(&misbehaving("sleep"), b"words", &limits), Err(Error::TimedOut { seconds: 1 }));
    assert!(begin.elapsed() < Duration::from_secs(4), "it took {:?}", begin.elapsed());
}

#[test]
fn stopping_takes_less_than_half_a_second() {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let source = Source { name: "a.txt", bytes: b"words", password: None };
            read_in_child(&misbehaving("sleep"), Input::Bytes(source), &Limits::default(), &stop)
        });
        std::thread::sleep(Duration::from_millis(200));
        let begin = Instant::now();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(running.join().unwrap(), Err(Error::Stopped));
        assert!(begin.elapsed() < Duration::from_millis(500), "it took {:?}", begin.elapsed());
    });
}

#[test]
fn an_endless_answer_is_cut_off() {
    let limits = Limits { answer_bytes: 1 << 20, ..short() };
    let expected = Error::TooLarge { what: Measure::AnswerBytes, limit: 1 << 20 };
    assert_eq!(read(&misbehaving("flood"), b"words", &limits), Err(expected));
}

#[test]
fn an_answer_over_the_limit_is_refused_by_the_child_itself() {
    let limits = Limits { answer_bytes: 10_000, ..short() };
    let text = "word ".repeat(10_000);
    let expected = Error::TooLarge { what: Measure::AnswerBytes, limit: 10_000 };
    assert_eq!(read(&reader(), text.as_bytes(), &limits), Err(expected));
}

#[test]
fn a_missing_program_is_an_ordinary_error() {
    let program = Program { executable: PathBuf::from("/nowhere/reader"), arguments: Vec::new() };
    assert!(matches!(read(&program, b"words", &short()), Err(Error::Unreadable { .. })));
}

/// What the child says of itself through the protocol.
fn told(way: &str) -> String {
    match read(&misbehaving(way), b"words", &short()) {
        Err(Error::Unreadable { reason }) => reason,
        other => panic!("{way} gave {other:?}"),
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn a_confined_reader_opens_no_file_no_socket_and_no_process() {
    assert_eq!(told("probe-free"), "owspt", "the control run must be able to do all of it");
    assert_eq!(told("probe-confined"), "");
}

#[test]
fn the_childs_environment_holds_no_secret() {
    let names = told("environment");
    let allowed = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "PATH"];
    let others: Vec<&str> =
        names.split(',').filter(|name| !name.is_empty() && !allowed.contains(name)).collect();
    assert!(others.is_empty(), "unexpected in the environment: {others:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_document_that_needs_more_memory_than_allowed_ends_as_such() {
    let limits = Limits { memory_bytes: 24 << 20, ..short() };
    let text = "word ".repeat(4 << 20);
    match read(&reader(), text.as_bytes(), &limits) {
        Err(Error::ReaderDied { how: Death::OutOfMemory } | Error::Unreadable { .. }) => {}
        other => panic!("{:?}", other.map(|reading| reading.text.len())),
    }
}

#[test]
fn a_file_is_sent_without_being_held_and_a_large_one_is_refused_unread() {
    let mut file = tempfile::Builder::new().suffix(".txt").tempfile().unwrap();
    file.write_all(b"Some words.").unwrap();
    let through = common::read_through(&reader(), file.path(), None);
    assert_eq!(through.unwrap().text, "Some words.");
    file.as_file().set_len(1 << 30).unwrap();
    let begin = Instant::now();
    let refused = common::read_through(&reader(), file.path(), None);
    let limit = Limits::default().file_bytes;
    assert_eq!(refused, Err(Error::TooLarge { what: Measure::FileBytes, limit }));
    assert!(begin.elapsed() < Duration::from_secs(1));
}

/// How much memory this process holds now, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn a_gigabyte_is_refused_at_once_and_what_is_sent_takes_no_memory_here() {
    let folder = tempfile::tempdir().unwrap();
    let sparse = |name: &str, begin: &[u8], bytes: u64| {
        let path = folder.path().join(name);
        std::fs::write(&path, begin).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(bytes).unwrap();
        path
    };
    let before = resident();
    let limit = Limits::default().file_bytes;
    for (name, begin) in [("log.txt", b"A first line.\n".as_slice()), ("book.pdf", b"%PDF-1.7\n")] {
        let begun = Instant::now();
        let refused = common::read_through(&reader(), &sparse(name, begin, 1 << 30), None);
        assert_eq!(refused, Err(Error::TooLarge { what: Measure::FileBytes, limit }), "{name}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{name}: {:?}", begun.elapsed());
    }
    // The largest that is let through: the child holds it, this process never does.
    let largest = sparse("largest.txt", b"A first line.\n", limit);
    let most = std::thread::scope(|scope| {
        let reading = scope.spawn(|| common::read_through(&reader(), &largest, None));
        let mut most = 0;
        while !reading.is_finished() {
            most = most.max(resident());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(reading.join().unwrap().is_err(), "it is no text");
        most
    });
    let grown = most.saturating_sub(before);
    assert!(grown < 200 << 20, "{} MiB more", grown >> 20);
}

#[cfg(unix)]
#[test]
fn pipes_devices_and_missing_files_do_not_block() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.txt");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for path in [pipe, PathBuf::from("/dev/zero"), folder.path().join("absent"), folder.path().to_owned()] {
        let result = common::read_through(&reader(), &path, None);
        assert!(matches!(result, Err(Error::Unreadable { .. })), "{}: {result:?}", path.display());
    }
}

/// Real readers that note each start, by process id.
#[cfg(unix)]
struct Noted {
    _folder: tempfile::TempDir,
    starts: PathBuf,
    readers: Readers,
}

#[cfg(unix)]
impl Noted {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (script, starts) = (folder.path().join("reader"), folder.path().join("starts"));
        let real = reader().executable;
        let text = format!("#!/bin/sh\necho $$ >> '{}'\nexec '{}'\n", starts.display(), real.display());
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let readers = Readers::new(Program { executable: script, arguments: Vec::new() });
        Self { _folder: folder, starts, readers }
    }

    fn read(&self, text: &str, limits: &Limits) -> Result<Reading, Error> {
        let source = Source { name: "note.txt", bytes: text.as_bytes(), password: None };
        self.readers.read(Input::Bytes(source), limits, &AtomicBool::new(false))
    }

    fn starts(&self) -> Vec<String> {
        std::fs::read_to_string(&self.starts).unwrap().lines().map(str::to_owned).collect()
    }
}

#[cfg(unix)]
#[test]
fn small_documents_share_a_child_and_a_large_one_uses_it_up() {
    let noted = Noted::new();
    for word in ["one", "two", "three"] {
        assert_eq!(noted.read(word, &short()).unwrap().text, word);
        // What cannot be read is an answer like any other.
        assert_eq!(noted.read("", &short()), Err(Error::Empty));
    }
    assert_eq!(noted.starts().len(), 1);
    let large = "word ".repeat(200_000);
    assert!(noted.read(&large, &short()).unwrap().text.len() > 900_000);
    noted.read("four", &short()).unwrap();
    assert_eq!(noted.starts().len(), 2);
    // Other limits need another child.
    noted.read("five", &Limits { depth: 9, ..short() }).unwrap();
    assert_eq!(noted.starts().len(), 3);
    noted.readers.rest();
    noted.read("six", &short()).unwrap();
    assert_eq!(noted.starts().len(), 4);
    // Longer than a file may be, noticed before its end: nothing of it is left for the next.
    let tiny = Limits { file_bytes: 3, ..short() };
    assert!(noted.read("seven", &tiny).is_err());
    assert_eq!(noted.read("888", &tiny).unwrap().text, "888");
}

#[cfg(unix)]
#[test]
fn a_child_that_died_of_something_else_costs_no_document() {
    let noted = Noted::new();
    noted.read("one", &short()).unwrap();
    let killed = std::process::Command::new("kill").args(["-9", &noted.starts()[0]]).status().unwrap();
    assert!(killed.success());
    assert_eq!(noted.read("two", &short()).unwrap().text, "two");
    assert_eq!(noted.starts().len(), 2);
}

#[cfg(unix)]
#[test]
fn several_threads_read_at_once_and_none_gets_anothers_document() {
    let noted = Noted::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let noted = &noted;
            scope.spawn(move || {
                for number in 0..30 {
                    let text = format!("document {number} of {thread}");
                    assert_eq!(noted.read(&text, &short()).unwrap().text, text);
                }
            });
        }
    });
    let starts = noted.starts().len();
    assert!((1..=8).contains(&starts), "{starts} children for 120 documents");
}
