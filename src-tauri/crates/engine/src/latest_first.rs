//! A few at a time, the latest first: a semaphore whose queue is a stack. What a person looks at now was asked for last;
//! who scrolls past a thousand pictures does not wait for them.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Hands out a few permits. A cheap clone: all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct LatestFirst {
    line: Arc<Mutex<Line>>,
}

#[derive(Debug)]
struct Line {
    free: usize,
    waiting: Vec<oneshot::Sender<Permit>>,
}

/// The right to work. The one who has waited least gets it next.
#[derive(Debug)]
pub(crate) struct Permit(Option<LatestFirst>);

impl Default for LatestFirst {
    /// For work that a processor is busy with: one processor is left to the window.
    fn default() -> Self {
        const MOST: usize = 4;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new((processors - 1).min(MOST))
    }
}

impl LatestFirst {
    /// So many work at once; at least one does.
    pub(crate) fn new(at_once: usize) -> Self {
        Self { line: Arc::new(Mutex::new(Line { free: at_once.max(1), waiting: Vec::new() })) }
    }

    /// Waits for a permit. Who stops waiting takes none.
    pub(crate) async fn permit(&self) -> Permit {
        let turn = {
            let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            if line.free > 0 {
                line.free -= 1;
                return Permit(Some(self.clone()));
            }
            let (turn, mine) = oneshot::channel();
            line.waiting.push(turn);
            mine
        };
        // A turn is never dropped unused: it is given to one who waits or put back.
        turn.await.unwrap_or(Permit(None))
    }

    fn give_back(&self) {
        loop {
            let next = {
                let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(next) = line.waiting.pop() else {
                    line.free += 1;
                    return;
                };
                next
            };
            match next.send(Permit(Some(self.clone()))) {
                Ok(()) => return,
                // It does not wait any more: the next one. The permit that comes back is not given back twice.
                Err(mut permit) => permit.0 = None,
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LatestFirst;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn the_latest_goes_first_and_who_left_is_passed_over() {
        let line = LatestFirst::new(1);
        let working = line.permit().await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for name in 0..4 {
            let (line, order) = (line.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                let _permit = line.permit().await;
                order.lock().expect("a list").push(name);
            }));
            // It stands in line before the next comes.
            tokio::task::yield_now().await;
        }
        tasks[2].abort();
        tokio::task::yield_now().await;
        drop(working);
        for (name, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.is_ok(), name != 2);
        }
        assert_eq!(*order.lock().expect("a list"), [3, 1, 0]);
        // Nothing was lost or won on the way.
        let _one = line.permit().await;
        let second = tokio::time::timeout(std::time::Duration::from_millis(20), line.permit()).await;
        assert!(second.is_err(), "one works at a time");
    }
}
