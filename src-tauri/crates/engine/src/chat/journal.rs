//! When what arrived goes to disk: at most 250 ms after it came, or 2 KiB, whichever is first.

use std::time::Duration;
use tokio::time::Instant;

/// The longest that a received byte stays in memory only.
const LATEST: Duration = Duration::from_millis(250);
/// Bytes after which it is written at once.
const FULL: usize = 2 * 1024;
/// Pauses between tries while the disk refuses. No busy loop: each is longer than the one before.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// Says when to write. Holds no text.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    waiting: usize,
    due_at: Option<Instant>,
    failures: usize,
}

impl Journal {
    /// So many bytes arrived.
    pub(crate) fn arrived(&mut self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.waiting += bytes;
        let now = Instant::now();
        let due_at = *self.due_at.get_or_insert(now + LATEST);
        // While the disk refuses, the pause counts and not the amount.
        if self.waiting >= FULL && self.failures == 0 {
            self.due_at = Some(now.min(due_at));
        }
    }

    /// Waits until it is time to write; for ever when nothing waits. May be dropped and called again.
    pub(crate) async fn due(&self) {
        match self.due_at {
            Some(due_at) => tokio::time::sleep_until(due_at).await,
            None => std::future::pending().await,
        }
    }

    /// All that waits is being written.
    pub(crate) fn taken(&mut self) {
        self.waiting = 0;
        self.due_at = None;
    }

    /// The write came to its end.
    pub(crate) fn written(&mut self) {
        self.failures = 0;
    }

    /// The write failed: everything is to be written again after a pause.
    pub(crate) fn refused(&mut self) {
        self.due_at = Some(Instant::now() + pause(self.failures));
        self.failures += 1;
    }
}

/// The pause after so many failures in a row.
pub(crate) fn pause(failures: usize) -> Duration {
    PAUSES[failures.min(PAUSES.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_single_byte_is_written_after_a_quarter_second() {
        let mut journal = Journal::default();
        let begin = Instant::now();
        journal.arrived(1);
        tokio::time::advance(Duration::from_millis(200)).await;
        journal.arrived(1);
        journal.due().await;
        assert!(
            (LATEST..LATEST + Duration::from_millis(5)).contains(&begin.elapsed()),
            "{:?}",
            begin.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn two_kibibytes_are_written_at_once() {
        let mut journal = Journal::default();
        let begin = Instant::now();
        journal.arrived(FULL - 1);
        journal.arrived(1);
        journal.due().await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
        journal.taken();
        let silence = tokio::time::timeout(Duration::from_secs(60), journal.due()).await;
        assert!(silence.is_err(), "nothing waits, nothing is written");
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_refuses_is_tried_with_growing_pauses() {
        let mut journal = Journal::default();
        journal.arrived(FULL);
        let begin = Instant::now();
        let mut tries = 0;
        while begin.elapsed() < Duration::from_secs(60) {
            journal.due().await;
            journal.taken();
            journal.arrived(FULL);
            journal.refused();
            tries += 1;
        }
        assert!((5..=9).contains(&tries), "{tries} tries in a minute");
    }
}
