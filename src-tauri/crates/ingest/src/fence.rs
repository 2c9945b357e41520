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
//! Starting a program takes longer than reading a small document, so a child that has read small ones in next to no
//! time is asked again ([`Readers`]); what dies on a document that was not its first is tried in a fresh one, so that
//! no document suffers from another.
//!
//! The protocol: to the child `EWR1`, a 32-bit little-endian length, that many bytes of JSON (name, password,
//! limits), then the document in pieces, each a 32-bit little-endian length and that many bytes, the last of length 0.
//! From the child `EWA1`, a 64-bit little-endian length, and that many bytes of JSON: `{"Ok": reading}` or
//! `{"Err": error}`. Then the next question, or the end of the stream.

mod child;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
mod sandbox;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use child::{child_main, confine};

use crate::{Death, Error, Limits, Measure, Reading, Source};

const QUESTION: &[u8; 4] = b"EWR1";
const ANSWER: &[u8; 4] = b"EWA1";
/// Bytes of an answer before its JSON.
const ANSWER_HEADER: u64 = 12;
/// Most bytes of a piece of a document.
const PIECE: usize = 64 << 10;
/// A document and an answer of up to so many bytes leave a child as it was.
const SMALL: u64 = 512 << 10;
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

/// Reads a document in a child process of its own: [`Readers::read`] for a single one.
///
/// # Errors
/// Those of [`Readers::read`].
pub fn read_in_child(
    program: &Program,
    input: Input<'_>,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<Reading, Error> {
    Readers::new(program.clone()).read(input, limits, stop)
}

/// Children that read documents, each one at a time.
#[derive(Debug)]
pub struct Readers {
    program: Program,
    idle: Mutex<Vec<Reader>>,
}

impl Readers {
    /// None is started before there is something to read.
    #[must_use]
    pub fn new(program: Program) -> Self {
        Self { program, idle: Mutex::default() }
    }

    /// Reads a document in a child process. Blocks until it has answered, died or passed its wall time; `stop` set
    /// to true ends it within a few hundredths of a second. Several threads may read at once, each in a child of its own.
    ///
    /// # Errors
    /// What the child found wrong with the document, or [`Error::ReaderDied`], [`Error::TimedOut`],
    /// [`Error::Stopped`], [`Error::Unreadable`], [`Error::TooLarge`].
    pub fn read(&self, input: Input<'_>, limits: &Limits, stop: &AtomicBool) -> Result<Reading, Error> {
        let document = Document::open(input, limits)?;
        if let Some(reader) = self.take(limits) {
            match self.ask(reader, document, limits, stop) {
                // It may have died of what it read before.
                Err(Error::ReaderDied { .. }) => {}
                outcome => return outcome,
            }
            let reader = Reader::start(&self.program, limits)?;
            return self.ask(reader, Document::open(input, limits)?, limits, stop);
        }
        self.ask(Reader::start(&self.program, limits)?, document, limits, stop)
    }

    /// Ends the children that have nothing to do.
    pub fn rest(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, limits: &Limits) -> Option<Reader> {
        let mut idle = self.idle();
        let at = idle.iter().rposition(|reader| reader.limits == *limits)?;
        Some(idle.swap_remove(at))
    }

    fn ask(
        &self,
        mut reader: Reader,
        document: Document<'_>,
        limits: &Limits,
        stop: &AtomicBool,
    ) -> Result<Reading, Error> {
        let outcome = reader.ask(document, stop)?;
        if reader.is_as_new(limits) {
            self.idle().push(reader);
        }
        outcome
    }
}

/// A child, killed when it is let go.
#[derive(Debug)]
struct Reader {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// What it wrote to standard error, once that has closed.
    last_words: mpsc::Receiver<Vec<u8>>,
    /// What it was confined to with its first document.
    limits: Limits,
    /// How long it has been at work.
    busy: Duration,
    /// It has read all it was sent, little each time, and answered.
    fit: bool,
}

impl Reader {
    fn start(program: &Program, limits: &Limits) -> Result<Self, Error> {
        let mut child = start(program)?;
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (teller, last_words) = mpsc::channel();
        std::thread::spawn(move || teller.send(read_at_most(stderr, LAST_WORDS)));
        Ok(Self {
            child,
            stdin,
            stdout,
            last_words,
            limits: limits.clone(),
            busy: Duration::ZERO,
            fit: false,
        })
    }

    /// Whether the next document has all but a twentieth of the limits that a fresh child would give it.
    fn is_as_new(&self, limits: &Limits) -> bool {
        self.fit && self.busy.as_secs_f64() < limits.cpu_seconds as f64 / 20.0
    }

    /// Sends a document and waits for the reading. The outer error leaves a child that can only be let go.
    fn ask(&mut self, document: Document<'_>, stop: &AtomicBool) -> Result<Result<Reading, Error>, Error> {
        let Self { child, stdin, stdout, last_words, limits, .. } = self;
        let header = document.header(limits)?;
        let most = limits.answer_bytes as u64 + 64;
        let begun = Instant::now();
        self.fit = false;
        let (bytes, sent, ended) = std::thread::scope(|scope| {
            let (sender, answer) = mpsc::channel();
            let sending = scope.spawn(|| document.send(&header, stdin));
            scope.spawn(move || sender.send(read_answer(stdout, most)));
            let bytes = wait(&answer, child, limits, stop)?;
            // Whoever still writes to it or reads from it must not wait for ever.
            let ended = (!is_whole(&bytes)).then(|| end(child, last_words, limits));
            Ok((bytes, sending.join().ok().flatten(), ended))
        })?;
        self.busy += begun.elapsed();
        if bytes.len() as u64 > most - 64 + 12 {
            return Err(Error::TooLarge { what: Measure::AnswerBytes, limit: limits.answer_bytes as u64 });
        }
        let Some(outcome) = parse(&bytes) else {
            let (status, words) = ended.unwrap_or_else(|| end(child, last_words, limits));
            return Err(Error::ReaderDied { how: death(status, &String::from_utf8_lossy(&words)) });
        };
        let small = |bytes: u64| bytes <= SMALL;
        self.fit = sent.is_some_and(small)
            && small(bytes.len() as u64)
            && !matches!(outcome, Err(Error::ReaderDied { .. }));
        Ok(outcome)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives a child that has no more to say a moment to end by itself, so that its status is its own, and then ends it. Its
/// standard error closes with it; by then its status is decided, and killing it changes nothing.
fn end(
    child: &mut Child,
    last_words: &mpsc::Receiver<Vec<u8>>,
    limits: &Limits,
) -> (Option<ExitStatus>, Vec<u8>) {
    let moment = Duration::from_secs(limits.wall_seconds.min(2));
    let words = last_words.recv_timeout(moment);
    let _ = child.kill();
    let status = child.wait().ok();
    // Killed, it closes what it kept open.
    let words = words.or_else(|_| last_words.recv_timeout(moment));
    (status, words.unwrap_or_default())
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

    /// Returns how long the document was; none when the child did not take all of it: then it has died or has seen
    /// enough, and its answer tells which.
    fn send(self, header: &[u8], stdin: &mut ChildStdin) -> Option<u64> {
        stdin.write_all(header).ok()?;
        let mut pieces = Pieces(stdin);
        let length = match self {
            Self::Bytes(source) => io::copy(&mut &*source.bytes, &mut pieces),
            Self::File { file, most, .. } => {
                let mut buffered = BufWriter::with_capacity(PIECE, &mut pieces);
                io::copy(&mut file.take(most), &mut buffered)
                    .and_then(|length| buffered.flush().map(|()| length))
            }
        };
        let length = length.ok()?;
        pieces.0.write_all(&0_u32.to_le_bytes()).ok()?;
        Some(length)
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

/// Writes a document in pieces.
struct Pieces<'a>(&'a mut ChildStdin);

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        if !piece.is_empty() {
            self.0.write_all(&(piece.len() as u32).to_le_bytes())?;
            self.0.write_all(piece)?;
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Reads one answer, or what comes in its place until the end of the stream; at most so much.
fn read_answer(stdout: &mut ChildStdout, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A broken pipe means the child is gone: what came before is what there is.
    let _ = stdout.by_ref().take(ANSWER_HEADER).read_to_end(&mut bytes);
    let length = answer_length(&bytes).unwrap_or(most);
    let left = length.min(most - ANSWER_HEADER);
    let _ = stdout.by_ref().take(left).read_to_end(&mut bytes);
    bytes
}

/// How long the JSON is that follows the first bytes of an answer.
fn answer_length(bytes: &[u8]) -> Option<u64> {
    let (length, _) = bytes.strip_prefix(ANSWER)?.split_first_chunk::<8>()?;
    Some(u64::from_le_bytes(*length))
}

fn is_whole(bytes: &[u8]) -> bool {
    answer_length(bytes).is_some_and(|length| bytes.len() as u64 == ANSWER_HEADER + length)
}

/// Reads to the end but keeps only so much; the rest is drained so that the child does not block on it.
fn read_at_most(mut pipe: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A broken pipe means the child is gone: what came before is what there is.
    let _ = pipe.by_ref().take(most).read_to_end(&mut bytes);
    let _ = io::copy(&mut pipe, &mut io::sink());
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
    is_whole(bytes).then(|| serde_json::from_slice(&bytes[ANSWER_HEADER as usize..]).ok())?
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
