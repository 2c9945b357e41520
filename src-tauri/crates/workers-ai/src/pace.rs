//! Keeping within the account's limits per minute, and within a number of requests at once.
//!
//! A window, not a bucket: a full bucket lets nearly twice the limit through in its first minute. A request that would be
//! one too many is delayed, never refused. Figures: reference, section 10.1.

use domain::{ModelId, Task};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// Requests of one task that may be in flight at once: enough to keep a line busy, few enough that the service's own queue
/// stays short.
const AT_ONCE: usize = 16;

/// The limits of one account.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    windows: Mutex<HashMap<Key, VecDeque<Instant>>>,
    slots: Mutex<HashMap<Task, Arc<Semaphore>>>,
}

/// The right to have one request in flight. It travels with the answer and is free when that is dropped.
#[derive(Debug)]
pub(crate) struct Slot(#[allow(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Task(Task),
    Model(ModelId),
}

impl Pace {
    /// Waits until fewer than [`AT_ONCE`] requests of this task are in flight.
    pub(crate) async fn slot(&self, task: Task) -> Slot {
        let semaphore = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(task).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        Slot(semaphore.acquire_owned().await.expect("the semaphore is never closed"))
    }

    /// Takes the next place in the minute and says when it begins: now, or later.
    pub(crate) fn reserve(&self, task: Task, model: Option<&ModelId>, now: Instant) -> Instant {
        let (key, limit) = limit(task, model);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(key).or_default();
        while window.front().is_some_and(|first| *first + MINUTE <= now) {
            window.pop_front();
        }
        let begins = match window.len().checked_sub(limit) {
            Some(place) => (window[place] + MINUTE).max(now),
            None => now,
        };
        window.push_back(begins);
        begins
    }
}

/// Requests per minute, counted for the task or for the model alone.
fn limit(task: Task, model: Option<&ModelId>) -> (Key, usize) {
    let id = model.map(ModelId::as_str).unwrap_or_default();
    let own = match id {
        "@cf/moonshotai/kimi-k2.6" | "@cf/moonshotai/kimi-k2.7-code" | "@cf/zai-org/glm-5.2" => Some(20),
        // No figure is published for these; they are of the same size.
        "@cf/zai-org/glm-5.3" | "@cf/zai-org/glm-5.3-flash" => Some(20),
        "@cf/baai/bge-large-en-v1.5" | "@cf/runwayml/stable-diffusion-v1-5-img2img" => Some(1500),
        _ if id.starts_with("@cf/deepseek-ai/deepseek-v4") => Some(20),
        _ => None,
    };
    if let (Some(limit), Some(model)) = (own, model) {
        return (Key::Model(model.clone()), limit);
    }
    let limit = match task {
        Task::TextGeneration => 300,
        Task::ImageClassification | Task::ObjectDetection | Task::TextEmbeddings => 3000,
        Task::TextClassification => 2000,
        Task::Summarization => 1500,
        Task::TextToImage
        | Task::SpeechRecognition
        | Task::ImageToText
        | Task::Translation
        // Not published.
        | Task::TextToSpeech => 720,
        // The API as a whole allows 1,200 in five minutes.
        Task::Other => 240,
    };
    (Key::Task(task), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_hundred_and_first_chat_waits_for_the_minute_to_pass() {
        let pace = Pace::default();
        let start = Instant::now();
        let places: Vec<_> =
            (0..601).map(|_| pace.reserve(Task::TextGeneration, None, start) - start).collect();
        assert_eq!(places[299], Duration::ZERO);
        assert_eq!(places[300], MINUTE);
        assert_eq!(places[600], 2 * MINUTE);
        let kimi = ModelId::from("@cf/moonshotai/kimi-k2.6");
        assert_eq!(pace.reserve(Task::TextGeneration, Some(&kimi), start), start, "its own window is empty");
    }

    #[tokio::test]
    async fn a_dropped_slot_is_free_again() {
        let pace = Pace::default();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(pace.slot(Task::TextToImage).await);
        }
        let full = tokio::time::timeout(Duration::from_millis(10), pace.slot(Task::TextToImage)).await;
        assert!(full.is_err(), "all places are taken");
        held.pop();
        let free = tokio::time::timeout(Duration::from_millis(10), pace.slot(Task::TextToImage)).await;
        assert!(free.is_ok());
    }

    proptest! {
        #[test]
        fn no_minute_ever_holds_more_than_the_limit(gaps in prop::collection::vec(0u64..8_000, 1..200)) {
            let pace = Pace::default();
            let glm = ModelId::from("@cf/zai-org/glm-5.2");
            let mut now = Instant::now();
            let mut places: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                places.push(pace.reserve(Task::TextGeneration, Some(&glm), now));
            }
            for pair in places.windows(21) {
                prop_assert!(pair[20] - pair[0] >= MINUTE, "twenty a minute");
            }
        }
    }
}
