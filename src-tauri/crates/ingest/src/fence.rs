//! The reading process: documents are read in a child that may die.
//!
//! Parsers of other people's formats panic, overflow their stack and eat memory on odd files. So the shell and
//! the command line run their own binary again with a hidden argument and call [`child_main`] there; the
//! parent sends the document through a pipe and gets the reading back through another. However the child
//! ends, the parent sees an ordinary [`Error`].
//!
//! Around the child: memory, processor time, wall time and the length of the answer are limited on every
//! system that can; on Linux it can also open no file, no socket and start no process from the moment the
//! first byte of the document is parsed. Its environment is empty but for what the loader needs, so that no
//! secret of the parent is in it.
//!
//! The protocol: to the child `EWR1`, a 32-bit little-endian length, that many bytes of JSON (name, password,
//! limits), then the document to the end of the stream. From the child `EWA1`, a 64-bit little-endian length,
//! and that many bytes of JSON: `{"Ok": reading}` or `{"Err": error}`.

mod child;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
mod sandbox;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use child::{child_main, confine};

use crate::{Death, Error, Limits, Measure, Reading, Source};

const QUESTION: &[u8; 4] = b"EWR1";
const ANSWER: &[u8; 4] = b"EWA1";
/// How much of the child's last words is looked at.
const LAST_WORDS: u64 = 8 << 10;
/// How often the wish to stop is looked at while waiting.
const GLANCE: Duration = Duration::from_millis(40);

/// How to start the child: a program and the arguments that make it call [`child_main`].
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable, usually the running one.
    pub executable: PathBuf,
    /// For the shell and the command line `["--read-document"]`.
    pub arguments: Vec<OsString>,
}

/// What the child reads.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Bytes at hand.
    Bytes(Source<'a>),
    /// A file, sent to the child piece by piece so that the parent never holds it.
    File {
        /// Where it is.
        path: &'a Path,
        /// What it is called, where that is not the path's last part.
        name: Option<&'a str>,
        /// The password, where the person gave one.
        password: Option<&'a str>,
    },
}

/// What goes before the document.
#[derive(Serialize, Deserialize)]
struct Header {
    name: String,
    password: Option<String>,
    limits: Limits,
}

/// Reads a document in a child process. Blocks until it has answered, died or passed its wall time; `stop` set
/// to true ends it within a few hundredths of a second.
///
/// # Errors
/// What the child found wrong with the document, or [`Error::ReaderDied`], [`Error::TimedOut`],
/// [`Error::Stopped`], [`Error::Unreadable`], [`Error::TooLarge`].
pub fn read_in_child(
    program: &Program,
    input: Input<'_>,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<Reading, Error> {
    let document = Document::open(input, limits)?;
    let header = document.header(limits)?;
    let mut child = Guard(start(program)?);
    let stdin = child.0.stdin.take().expect("stdin is piped");
    let stdout = child.0.stdout.take().expect("stdout is piped");
    let stderr = child.0.stderr.take().expect("stderr is piped");
    let most = limits.answer_bytes as u64 + 64;
    std::thread::scope(|scope| {
        let (sender, answer) = mpsc::channel();
        scope.spawn(|| document.send(&header, stdin));
        scope.spawn(move || sender.send(read_at_most(stdout, most)));
        let last_words = scope.spawn(move || read_at_most(stderr, LAST_WORDS));
        let bytes = wait(&answer, &mut child.0, limits, stop)?;
        let status = child.end(limits);
        if bytes.len() as u64 > most - 64 + 12 {
            return Err(Error::TooLarge { what: Measure::AnswerBytes, limit: limits.answer_bytes as u64 });
        }
        parse(&bytes).unwrap_or_else(|| {
            let words = last_words.join().unwrap_or_default();
            Err(Error::ReaderDied { how: death(status, &String::from_utf8_lossy(&words)) })
        })
    })
}

/// The child, killed on every way out.
struct Guard(Child);

impl Guard {
    /// Gives a child that has answered a moment to end by itself, so that its status is its own.
    fn end(&mut self, limits: &Limits) -> Option<ExitStatus> {
        let until = Instant::now() + Duration::from_secs(limits.wall_seconds.min(2));
        while Instant::now() < until {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        None
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &Program) -> Result<Child, Error> {
    let mut command = Command::new(&program.executable);
    command.args(&program.arguments).env_clear();
    // What the loader of the system needs to start the program, and no more: the rest may hold secrets.
    for name in ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Error::Unreadable { reason: format!("the reader cannot be started: {error}") })
}

/// A document ready to be sent.
enum Document<'a> {
    Bytes(Source<'a>),
    File { file: File, name: String, password: Option<&'a str>, most: u64 },
}

impl<'a> Document<'a> {
    fn open(input: Input<'a>, limits: &Limits) -> Result<Self, Error> {
        let too_large = || Error::TooLarge { what: Measure::FileBytes, limit: limits.file_bytes };
        match input {
            Input::Bytes(source) if source.bytes.len() as u64 > limits.file_bytes => Err(too_large()),
            Input::Bytes(source) => Ok(Self::Bytes(source)),
            Input::File { path, name, password } => {
                let unreadable = |error: io::Error| Error::Unreadable { reason: error.to_string() };
                let file = open_regular(path).map_err(unreadable)?;
                let metadata = file.metadata().map_err(unreadable)?;
                if !metadata.is_file() {
                    return Err(Error::Unreadable { reason: "it is not a regular file".to_owned() });
                }
                if metadata.len() > limits.file_bytes {
                    return Err(too_large());
                }
                let last = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let name = name.map_or_else(last, str::to_owned);
                Ok(Self::File { file, name, password, most: limits.file_bytes + 1 })
            }
        }
    }

    fn header(&self, limits: &Limits) -> Result<Vec<u8>, Error> {
        let (name, password) = match self {
            Self::Bytes(source) => (source.name, source.password),
            Self::File { name, password, .. } => (name.as_str(), *password),
        };
        let header =
            Header { name: name.to_owned(), password: password.map(str::to_owned), limits: limits.clone() };
        let json =
            serde_json::to_vec(&header).map_err(|error| Error::Unreadable { reason: error.to_string() })?;
        let length =
            u32::try_from(json.len()).map_err(|error| Error::Unreadable { reason: error.to_string() })?;
        Ok([QUESTION.as_slice(), &length.to_le_bytes(), &json].concat())
    }

    fn send(self, header: &[u8], mut stdin: ChildStdin) {
        let sent = stdin.write_all(header).and_then(|()| match self {
            Self::Bytes(source) => stdin.write_all(source.bytes),
            Self::File { file, most, .. } => io::copy(&mut file.take(most), &mut stdin).map(|_| ()),
        });
        // A child that has died or has seen enough closes the pipe; its answer tells which.
        drop(sent);
    }
}

/// Opens without waiting: opening a pipe would otherwise block until somebody writes to it.
#[cfg(unix)]
fn open_regular(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    File::options().read(true).custom_flags(flags.bits() as i32).open(path)
}

#[cfg(not(unix))]
fn open_regular(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Reads to the end but keeps only so much; the rest is drained so that the child does not block on it.
fn read_at_most(mut pipe: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A broken pipe means the child is gone: what came before is what there is.
    let _ = pipe.by_ref().take(most).read_to_end(&mut bytes);
    if bytes.len() as u64 >= most && most == LAST_WORDS {
        let _ = io::copy(&mut pipe, &mut io::sink());
    }
    bytes
}

/// Waits for the answer; kills the child when the time is over or the person stops it, which also ends the
/// threads that hold its pipes.
fn wait(
    answer: &mpsc::Receiver<Vec<u8>>,
    child: &mut Child,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<Vec<u8>, Error> {
    let until = Instant::now() + Duration::from_secs(limits.wall_seconds);
    loop {
        if let Ok(bytes) = answer.recv_timeout(GLANCE) {
            return Ok(bytes);
        }
        let error = if stop.load(Ordering::Relaxed) {
            Error::Stopped
        } else if Instant::now() >= until {
            Error::TimedOut { seconds: limits.wall_seconds }
        } else {
            continue;
        };
        // It may have ended in this moment.
        let _ = child.kill();
        return Err(error);
    }
}

/// The answer, if it is whole.
fn parse(bytes: &[u8]) -> Option<Result<Reading, Error>> {
    let rest = bytes.strip_prefix(ANSWER)?;
    let (length, json) = rest.split_first_chunk::<8>()?;
    if json.len() as u64 != u64::from_le_bytes(*length) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// How a child without an answer ended, from its status and the runtime's last words.
fn death(status: Option<ExitStatus>, words: &str) -> Death {
    if words.contains("has overflowed its stack") {
        return Death::StackOverflow;
    }
    if words.contains("memory allocation of") || words.contains("out of memory") {
        return Death::OutOfMemory;
    }
    match status.and_then(|status| signal(&status)) {
        Some(CPU_SIGNAL) => Death::CpuTime,
        Some(number) => Death::Signal { number },
        None => Death::NoAnswer { status: status.and_then(|status| status.code()) },
    }
}

/// SIGXCPU where the limit on processor time exists.
const CPU_SIGNAL: i32 = 24;

#[cfg(unix)]
fn signal(status: &ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(status)
}

#[cfg(not(unix))]
fn signal(_status: &ExitStatus) -> Option<i32> {
    None
}
