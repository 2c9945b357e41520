//! Messages as the window shows them: with their blocks, and the run that is writing them.
//!
//! Rendering happens on blocking threads, one message at a time, each within the limit; a text that takes longer is
//! shown plain. What was rendered is kept for a while by content, so that going back and forth between conversations
//! costs nothing.

use crate::Engine;
use crate::chat::painter::{blocks_of, plain_blocks};
use domain::{Block, MessageView};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use store::StoredMessage;

/// Bytes of HTML that are kept: some hundred long messages.
const KEPT: usize = 8 * 1024 * 1024;

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
}

impl Rendered {
    fn get(&self, key: u64) -> Option<Vec<Block>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).blocks.get(&key).cloned()
    }

    fn put(&self, key: u64, blocks: &[Block]) {
        let mut kept = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
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
    let whole = text.to_owned();
    let rendering = tokio::task::spawn_blocking(move || blocks_of(&whole, citations));
    match tokio::time::timeout(engine.render_limit(), rendering).await {
        Ok(Ok(blocks)) => {
            engine.rendered().put(key, &blocks);
            blocks
        }
        // Too slow, or a defect of the renderer: the text is shown as it is.
        Ok(Err(_)) | Err(_) => plain_blocks(text),
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
