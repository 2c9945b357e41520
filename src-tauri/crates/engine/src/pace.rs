//! The pace of an answer on its way to the window: at most one patch for each frame, none when nothing changed,
//! and each patch small enough for the quick way through the channel.

use domain::Block;
use std::time::Duration;
use tokio::time::Instant;

/// The time between two patches: a frame of most screens. Longer, and a word waits for nothing; what a patch costs is
/// little, because only the open tail is rendered and sent.
pub(crate) const FRAME: Duration = Duration::from_millis(16);

/// 8 KiB: above this Tauri sends channel messages the slow way round. What is left is for the event around the blocks.
pub(crate) const PATCH_LIMIT: usize = 8 * 1024 - 512;

/// Says when the next patch is due. Nothing is due, and no timer runs, until something changed.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    next: Instant,
    changed: bool,
}

impl Pace {
    /// A pace of one beat for each `interval`; the first may come at once.
    pub(crate) fn every(interval: Duration) -> Self {
        Self { interval, next: Instant::now(), changed: false }
    }

    /// Something is to be sent.
    pub(crate) fn changed(&mut self) {
        self.changed = true;
    }

    /// Waits until a patch is due; for ever when nothing changed. May be dropped and called again.
    pub(crate) async fn due(&self) {
        if self.changed {
            tokio::time::sleep_until(self.next).await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// It was sent.
    pub(crate) fn sent(&mut self) {
        self.changed = false;
        self.next = Instant::now() + self.interval;
    }
}

/// Cuts a patch of `blocks` from index `from` on into patches below [`PATCH_LIMIT`] bytes of JSON, as far as
/// single blocks allow. Applied in order they give the same blocks, because each replaces all that follow its index.
pub(crate) fn split(from: u32, blocks: Vec<Block>) -> Vec<(u32, Vec<Block>)> {
    let mut patches = Vec::new();
    let mut current: Vec<Block> = Vec::new();
    let (mut start, mut size) = (from, 0);
    for block in blocks {
        let length = json_length(&block.html);
        if !current.is_empty() && size + length > PATCH_LIMIT {
            let full = std::mem::take(&mut current);
            let next = start + u32::try_from(full.len()).unwrap_or(u32::MAX);
            patches.push((start, full));
            (start, size) = (next, 0);
        }
        size += length;
        current.push(block);
    }
    patches.push((start, current));
    patches
}

/// The bytes of `{"html":"…"},` with the escapes that JSON needs.
fn json_length(html: &str) -> usize {
    let escapes: usize = html
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\t' | b'\r' => 1,
            0..=0x1f => 5,
            _ => 0,
        })
        .sum();
    html.len() + escapes + r#"{"html":""},"#.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(length: usize) -> Block {
        Block { html: "x".repeat(length) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_tokens_in_a_second_make_a_patch_for_each_frame() {
        let mut pace = Pace::every(FRAME);
        let begin = Instant::now();
        let mut token = tokio::time::interval(Duration::from_millis(1));
        let mut patches = 0;
        while begin.elapsed() < Duration::from_secs(1) {
            tokio::select! {
                _ = token.tick() => pace.changed(),
                () = pace.due() => { patches += 1; pace.sent(); }
            }
        }
        assert!((55..=63).contains(&patches), "{patches} patches in a second of tokens");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_due_while_nothing_changes() {
        let mut pace = Pace::every(FRAME);
        pace.changed();
        pace.due().await;
        pace.sent();
        let silence = tokio::time::timeout(Duration::from_secs(3600), pace.due()).await;
        assert!(silence.is_err(), "an hour of silence sends nothing");
        pace.changed();
        let begin = Instant::now();
        pace.due().await;
        assert_eq!(begin.elapsed(), Duration::ZERO, "after a pause the first word goes out at once");
    }

    #[test]
    fn patches_stay_below_the_limit_and_join_to_the_same_blocks() {
        let blocks: Vec<Block> = [3_000, 3_000, 3_000, 20_000, 10, 7_600, 7_600].map(block).into();
        let patches = split(4, blocks.clone());
        let mut applied: Vec<Block> = vec![block(1); 9];
        for (from, part) in &patches {
            applied.truncate(*from as usize);
            applied.extend(part.iter().cloned());
            let length: usize = part.iter().map(|block| json_length(&block.html)).sum();
            assert!(length <= PATCH_LIMIT || part.len() == 1, "{length} bytes in {} blocks", part.len());
        }
        assert_eq!(applied[4..], blocks[..]);
        assert_eq!(patches.len(), 5, "3,000 twice, 3,000, 20,000, 10 with 7,600 exceeds nothing, 7,600");
    }

    #[test]
    fn an_empty_patch_still_cuts_the_tail() {
        assert_eq!(split(2, Vec::new()), vec![(2, Vec::new())]);
    }
}
