//! A Tauri channel as a sink of the engine's events.

use engine::Sink;
use serde::Serialize;
use tauri::ipc::Channel;

/// Sends each event to the page; says `false` when the page is gone.
pub struct Page<Event>(pub Channel<Event>);

impl<Event: Serialize + Clone + Send + Sync + 'static> Sink<Event> for Page<Event> {
    fn send(&self, event: Event) -> bool {
        self.0.send(event).is_ok()
    }
}
