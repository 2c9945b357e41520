//! Messages as the window shows them: with their blocks, and the run that is writing them.
//!
//! Rendering happens on blocking threads, one message at a time. Here, unlike in a stream, the wait is generous: these
//! views are what stays on the screen, and a machine that is busy for a moment must not leave Markdown raw there. A
//! text that takes longer still is shown plain, and when it is done after all, the next look gets it. What was rendered
//! is kept for a while by content, so that going back and forth between conversations costs nothing.

use crate::Engine;
use crate::chat::painter::{blocks_of, plain_blocks};
use domain::{Block, MessageView};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use store::StoredMessage;

/// Bytes of HTML that are kept: some hundred long messages.
const KEPT: usize = 8 * 1024 * 1024;
/// How much longer than for a patch of a stream is waited for a whole message.
const PATIENCE: u32 = 10;

/// Blocks by content. A cheap clone: all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Rendered {
    shelf: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    blocks: HashMap<u64, Vec<Block>>,
    order: VecDeque<u64>,
    bytes: usize,
    /// Those that took too long once and are still being rendered: nobody waits for them again.
    late: HashSet<u64>,
}

impl Rendered {
    fn get(&self, key: u64) -> Option<Vec<Block>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).blocks.get(&key).cloned()
    }

    fn put(&self, key: u64, blocks: &[Block]) {
        let mut kept = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        kept.late.remove(&key);
        if kept.blocks.insert(key, blocks.to_vec()).is_none() {
            kept.order.push_back(key);
            kept.bytes += size(blocks);
        }
        while kept.bytes > KEPT {
            let Some(oldest) = kept.order.pop_front() else { break };
            let gone = kept.blocks.remove(&oldest).unwrap_or_default();
            kept.bytes -= size(&gone);
        }
    }
}

impl Rendered {
    fn is_late(&self, key: u64) -> bool {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).late.contains(&key)
    }

    fn note_late(&self, key: u64) {
        let mut kept = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.blocks.contains_key(&key) {
            kept.late.insert(key);
        }
    }
}

fn size(blocks: &[Block]) -> usize {
    blocks.iter().map(|block| block.html.len()).sum()
}

fn key(text: &str, citations: &BTreeSet<u32>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (text, citations).hash(&mut hasher);
    hasher.finish()
}

/// Stored messages as views, in their order.
pub(crate) async fn views(engine: &Engine, messages: Vec<StoredMessage>) -> Vec<MessageView> {
    let mut views = Vec::with_capacity(messages.len());
    for message in messages {
        views.push(view(engine, message).await);
    }
    views
}

/// A stored message as a view.
pub(crate) async fn view(engine: &Engine, stored: StoredMessage) -> MessageView {
    let citations = stored.message.sources.iter().map(|source| source.n).collect();
    let blocks = rendered(engine, &stored.message.text, citations).await;
    MessageView {
        run: engine.runs().writing(&stored.message.id),
        blocks,
        version: stored.version,
        versions: stored.versions,
        siblings: stored.siblings,
        message: stored.message,
    }
}

/// The blocks of a text.
pub(crate) async fn rendered(engine: &Engine, text: &str, citations: BTreeSet<u32>) -> Vec<Block> {
    if text.is_empty() {
        return Vec::new();
    }
    let key = key(text, &citations);
    if let Some(blocks) = engine.rendered().get(key) {
        return blocks;
    }
    if engine.rendered().is_late(key) {
        return plain_blocks(text);
    }
    let (whole, kept) = (text.to_owned(), engine.rendered().clone());
    let rendering = tokio::task::spawn_blocking(move || {
        let blocks = blocks_of(&whole, citations);
        kept.put(key, &blocks);
        blocks
    });
    match tokio::time::timeout(engine.render_limit() * PATIENCE, rendering).await {
        Ok(Ok(blocks)) => blocks,
        // A defect of the renderer: the text is shown as it is.
        Ok(Err(_)) => plain_blocks(text),
        Err(_) => {
            engine.rendered().note_late(key);
            plain_blocks(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_within_its_bytes_and_the_oldest_goes() {
        let rendered = Rendered::default();
        let large = vec![Block { html: "x".repeat(KEPT / 3) }];
        for key in 0..10 {
            rendered.put(key, &large);
        }
        assert!(rendered.get(0).is_none());
        assert_eq!(rendered.get(9), Some(large));
        assert!(rendered.shelf.lock().unwrap().bytes <= KEPT);
    }
}
