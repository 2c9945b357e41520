//! The child's side: confine, read, answer.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use super::{ANSWER, Header, QUESTION};
use crate::{Death, Error, Limits, Measure, Reading, Source};

/// Deep but honest documents fit; a hostile one reaches the end without eating the memory limit.
const STACK: usize = 64 << 20;
/// A longer header is no header.
const LONGEST_HEADER: usize = 1 << 20;

/// The whole life of the reading process: reads questions from standard input and writes each answer to
/// standard output, until there is no more question. The program that calls it must do nothing else in that process.
pub fn child_main() -> ExitCode {
    let place = remember_panics();
    let reader = std::thread::Builder::new().name("reader".to_owned()).stack_size(STACK);
    let Ok(running) = reader.spawn(move || answer(&place)) else { return ExitCode::from(3) };
    match running.join() {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(_)) => ExitCode::from(2),
        Err(_) => ExitCode::from(4),
    }
}

/// Panics are kept by their place alone: their text may quote the document.
fn remember_panics() -> Arc<Mutex<String>> {
    let place = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&place);
    std::panic::set_hook(Box::new(move |panic| {
        if let (Some(location), Ok(mut kept)) = (panic.location(), kept.lock()) {
            let file = location.file().rsplit(['/', '\\']).next().unwrap_or_default();
            *kept = format!("{file}:{}", location.line());
        }
    }));
    place
}

fn answer(place: &Mutex<String>) -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    let mut confined = false;
    while let Some(header) = read_header(&mut stdin)? {
        if !confined {
            confine(&header.limits);
            confined = true;
        }
        let mut document = Document { stdin: &mut stdin, left: 0, ended: false };
        let result = catch_unwind(AssertUnwindSafe(|| read_document(&mut document, &header)));
        let (fit, read_whole) = (result.is_ok(), document.ended);
        let result = result.unwrap_or_else(|_| {
            let place = place.lock().map(|place| place.clone()).unwrap_or_default();
            Err(Error::ReaderDied { how: Death::Panicked { place } })
        });
        write_answer(&result, header.limits.answer_bytes)?;
        if !fit || !read_whole {
            break;
        }
    }
    Ok(())
}

/// None at the end of the stream.
fn read_header(stdin: &mut impl Read) -> io::Result<Option<Header>> {
    let mut start = [0_u8; 8];
    if stdin.read(&mut start[..1])? == 0 {
        return Ok(None);
    }
    stdin.read_exact(&mut start[1..])?;
    let (mark, length) = start.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes of eight")) as usize;
    if mark != QUESTION || length > LONGEST_HEADER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut json = vec![0; length];
    stdin.read_exact(&mut json)?;
    Ok(Some(serde_json::from_slice(&json)?))
}

/// A document as it comes, in pieces.
struct Document<'a, R> {
    stdin: &'a mut R,
    /// Of this piece.
    left: usize,
    ended: bool,
}

impl<R: Read> Read for Document<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.ended {
            let mut length = [0_u8; 4];
            self.stdin.read_exact(&mut length)?;
            self.left = u32::from_le_bytes(length) as usize;
            self.ended = self.left == 0;
        }
        let most = buffer.len().min(self.left);
        if most == 0 {
            // Asked for nothing, standard input would wait for something.
            return Ok(0);
        }
        let read = self.stdin.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        Ok(read)
    }
}

fn read_document(document: &mut impl Read, header: &Header) -> Result<Reading, Error> {
    let limits = &header.limits;
    let mut bytes = Vec::new();
    document
        .take(limits.file_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::Unreadable { reason: error.to_string() })?;
    let source = Source { name: &header.name, bytes: &bytes, password: header.password.as_deref() };
    crate::read(&source, limits)
}

fn write_answer(result: &Result<Reading, Error>, most: usize) -> io::Result<()> {
    let mut json = serde_json::to_vec(result)?;
    if json.len() > most
        && let Ok(reading) = result
    {
        // Better a text without places than none.
        json = serde_json::to_vec(&Ok::<_, Error>(Reading { lines: Vec::new(), ..reading.clone() }))?;
    }
    if json.len() > most {
        let limit = most as u64;
        json = serde_json::to_vec(&Err::<Reading, _>(Error::TooLarge { what: Measure::AnswerBytes, limit }))?;
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(ANSWER)?;
    stdout.write_all(&(json.len() as u64).to_le_bytes())?;
    stdout.write_all(&json)?;
    stdout.flush()
}

/// Puts every limit on this process that the system offers, for good: memory, processor time, no file written
/// or opened, no socket, no further process. One that cannot be set is left off: the parent's wall time and
/// cap on the answer hold in any case.
pub fn confine(limits: &Limits) {
    #[cfg(unix)]
    limit_resources(limits);
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
    ))]
    super::sandbox::close();
    #[cfg(not(unix))]
    let _ = limits;
}

#[cfg(unix)]
fn limit_resources(limits: &Limits) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let set = |resource: Resource, current: u64, maximum: u64| {
        // See `confine`.
        let _ = setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) });
    };
    let memory = mapped_bytes().saturating_add(limits.memory_bytes);
    set(Resource::As, memory, memory);
    // Reaching the first ends the process with SIGXCPU, the second with SIGKILL.
    set(Resource::Cpu, limits.cpu_seconds, limits.cpu_seconds + 1);
    set(Resource::Fsize, 0, 0);
    set(Resource::Core, 0, 0);
    set(Resource::Nofile, 3, 3);
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    set(Resource::Nproc, 0, 0);
}

/// What the process maps before it begins: the shell links a web view whose libraries alone are hundreds of
/// megabytes of address space, which are not the document's.
#[cfg(target_os = "linux")]
fn mapped_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(all(unix, not(target_os = "linux")))]
fn mapped_bytes() -> u64 {
    0
}
