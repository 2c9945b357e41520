//! News for the whole window: every subscriber hears every [`AppEvent`], in one order.

use crate::sink::Sink;
use domain::AppEvent;
use std::sync::{Arc, Mutex, PoisonError};

/// Spreads news. A cheap clone: all clones have the same subscribers.
#[derive(Clone, Default)]
pub(crate) struct News {
    subscribers: Arc<Mutex<Vec<Box<dyn Sink<AppEvent>>>>>,
}

impl News {
    /// Tells `subscriber` everything from now on, until it says that it is gone.
    pub(crate) fn subscribe(&self, subscriber: impl Sink<AppEvent>) {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(subscriber));
    }

    /// Tells everybody.
    pub(crate) fn tell(&self, event: &AppEvent) {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|subscriber| subscriber.send(event.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::unbounded_channel;

    #[test]
    fn a_subscriber_that_left_is_forgotten_and_the_others_still_hear() {
        let news = News::default();
        let (gone, receiver) = unbounded_channel();
        let (stays, mut heard) = unbounded_channel();
        news.subscribe(gone);
        news.subscribe(stays);
        drop(receiver);
        news.tell(&AppEvent::CatalogueChanged);
        news.tell(&AppEvent::CatalogueChanged);
        assert_eq!(news.subscribers.lock().unwrap().len(), 1);
        assert_eq!(heard.try_recv(), Ok(AppEvent::CatalogueChanged));
        assert_eq!(heard.try_recv(), Ok(AppEvent::CatalogueChanged));
    }
}
