//! The best rows so far.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Hit;

/// A row scored.
#[derive(Clone, Copy, Debug)]
pub struct Scored {
    /// What is sorted by; larger is nearer.
    pub rank: f64,
    /// What is returned.
    pub hit: Hit,
}

impl PartialEq for Scored {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scored {}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scored {
    /// The greater is the worse, so that a heap has the worst on top. Equal ranks go by id.
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank.total_cmp(&self.rank).then(self.hit.id.cmp(&other.hit.id))
    }
}

/// The best rows so far.
pub struct Best {
    k: usize,
    heap: BinaryHeap<Scored>,
}

impl Best {
    /// Of so many.
    pub fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k.min(4096) + 1) }
    }

    /// Takes a row in if it is among them.
    pub fn add(&mut self, scored: Scored) {
        if self.heap.len() < self.k {
            self.heap.push(scored);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && scored < *worst
        {
            *worst = scored;
        }
    }

    /// What a row must reach to be among them.
    pub fn threshold(&self) -> f64 {
        if self.heap.len() < self.k {
            f64::NEG_INFINITY
        } else {
            self.heap.peek().map_or(f64::INFINITY, |worst| worst.rank)
        }
    }

    /// Best first.
    pub fn into_hits(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(|scored| scored.hit).collect()
    }
}
