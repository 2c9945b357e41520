//! Where events go: a channel of the window, a terminal, a test's queue. The engine knows none of them.
//!
//! A sink takes an event without waiting. One that is gone says so and is not asked again; the run behind the
//! events goes on, because a run outlives the window that began it.

use std::sync::Arc;

/// Takes events.
pub trait Sink<E>: Send + Sync + 'static {
    /// Hands over one event. `false` means that nobody listens any more.
    fn send(&self, event: E) -> bool;
}

impl<E: Send + 'static> Sink<E> for tokio::sync::mpsc::UnboundedSender<E> {
    fn send(&self, event: E) -> bool {
        Self::send(self, event).is_ok()
    }
}

impl<E: 'static> Sink<E> for Arc<dyn Sink<E>> {
    fn send(&self, event: E) -> bool {
        self.as_ref().send(event)
    }
}

/// A function as a sink.
pub struct FnSink<F>(pub F);

impl<E, F> Sink<E> for FnSink<F>
where
    F: Fn(E) -> bool + Send + Sync + 'static,
{
    fn send(&self, event: E) -> bool {
        (self.0)(event)
    }
}

/// A sink for those who do not want to hear.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl<E> Sink<E> for Nowhere {
    fn send(&self, _event: E) -> bool {
        false
    }
}
