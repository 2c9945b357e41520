//! Clocks, memory and the line that is printed.

use std::path::Path;
use std::time::{Duration, Instant};

/// Making the table, searching it, or both. Apart, the tables of a million rows can be made one night and searched side by
/// side the next day.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Fill,
    Measure,
    All,
}

impl Phase {
    pub fn parse(word: Option<&str>) -> Self {
        match word {
            None | Some("all") => Self::All,
            Some("fill") => Self::Fill,
            Some("measure") => Self::Measure,
            Some(other) => panic!("a phase is fill, measure or all, not {other}"),
        }
    }

    pub fn fills(self) -> bool {
        self != Self::Measure
    }

    pub fn measures(self) -> bool {
        self != Self::Fill
    }
}

/// What filling a table showed: kept beside it for a later measuring.
#[derive(Clone, Copy, Default)]
pub struct Filled {
    /// Rows a second until the last is committed: durable, and found by searches.
    pub insert_per_second: f64,
    /// Rows a second until the last has its place in the index files.
    pub indexed_per_second: f64,
    pub disk_mb: f64,
}

impl Filled {
    pub fn keep(&self, folder: &Path, system: &str) {
        let line = format!("{} {} {}", self.insert_per_second, self.indexed_per_second, self.disk_mb);
        std::fs::write(folder.join(format!("{system}.filled")), line).expect("room for a line");
    }

    pub fn recall(folder: &Path, system: &str) -> Self {
        let line = std::fs::read_to_string(folder.join(format!("{system}.filled"))).expect("filled before");
        let mut numbers = line.split(' ').map(|word| word.parse().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        Self { insert_per_second: next(), indexed_per_second: next(), disk_mb: next() }
    }
}

/// What one system did.
#[derive(Default)]
pub struct Figures {
    pub system: String,
    pub filled: Filled,
    pub open_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub recall: f64,
    pub filtered_10: (f64, f64),
    pub filtered_1: (f64, f64),
    pub replace_ms: f64,
    /// Rows a second, written into the full table until they are committed.
    pub append_per_second: f64,
    pub memory_mb: f64,
    /// Of the shortest round of searches.
    pub queries: usize,
}

/// A round of searches ends after this time, with at least [`LEAST_QUERIES`]: some systems take seconds for one.
const LONGEST_ROUND: Duration = Duration::from_secs(20);
const LEAST_QUERIES: usize = 5;

/// Whether a round that began then has had queries enough.
pub fn enough(begin: Instant, queries: usize) -> bool {
    queries >= LEAST_QUERIES && begin.elapsed() > LONGEST_ROUND
}

impl std::fmt::Display for Figures {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{{\"system\":\"{}\",\"insert_per_second\":{:.0},\"indexed_per_second\":{:.0},\"disk_mb\":{:.1},\"open_ms\":{:.2},\"p50_ms\":{:.4},\
             \"p95_ms\":{:.4},\"recall\":{:.4},\"filtered_10_p50_ms\":{:.4},\"filtered_10_recall\":{:.4},\
             \"filtered_1_p50_ms\":{:.4},\"filtered_1_recall\":{:.4},\"replace_ms\":{:.2},\"append_per_second\":{:.0},\"memory_mb\":{:.1},\"queries\":{}}}",
            self.system,
            self.filled.insert_per_second,
            self.filled.indexed_per_second,
            self.filled.disk_mb,
            self.open_ms,
            self.p50_ms,
            self.p95_ms,
            self.recall,
            self.filtered_10.0,
            self.filtered_10.1,
            self.filtered_1.0,
            self.filtered_1.1,
            self.replace_ms,
            self.append_per_second,
            self.memory_mb,
            self.queries
        )
    }
}

/// The k-th of a hundred of the times, in milliseconds.
pub fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3
}

/// How many of the expected ids were found.
pub fn recall(found: &[i64], expected: &[i32; 10]) -> f64 {
    let expected: Vec<i64> = expected.iter().filter(|id| **id >= 0).map(|id| i64::from(*id)).collect();
    expected.iter().filter(|id| found.contains(id)).count() as f64 / expected.len().max(1) as f64
}

pub fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Megabytes of all files in a folder.
pub fn disk_mb(folder: &Path) -> f64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                disk_mb(&path)
            } else {
                entry.metadata().map_or(0.0, |data| data.len() as f64 / 1e6)
            }
        })
        .sum()
}

/// Megabytes of this process in memory, mapped pages included.
pub fn memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("VmRSS: 0 kB");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0) / 1e3
}

/// Time that this thread was on a processor: what a search costs, whoever else wants the processor.
pub fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is one of Linux, and the structure is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
