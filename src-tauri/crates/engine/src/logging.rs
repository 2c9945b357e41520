//! What may be logged: no prompt, no answer and no token, however much is asked for.

use tracing::{Level, Metadata};

/// The crates of ours. Others log what passes through them (the parser of HTML tells every text at `debug`), and are heard
/// only when they warn.
const OURS: [&str; 13] = [
    "cli",
    "domain",
    "edgewise",
    "edgewise_cli",
    "engine",
    "ingest",
    "keychain",
    "pictures",
    "render",
    "simulator",
    "store",
    "vector_table",
    "workers_ai",
];

/// Whether something may be logged, if its level is asked for. For `tracing_subscriber::filter::filter_fn`.
pub fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let from = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::WARN || OURS.contains(&from)
}

#[cfg(test)]
mod tests {
    use super::may_be_logged;
    use std::io::{Result, Write};
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn crates_of_others_are_heard_only_when_they_warn() {
        let log = Log::default();
        let writer = log.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(filter_fn(may_be_logged)).with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "workers_ai::wire", "ours");
            tracing::debug!(target: "html5ever::tree_builder", "a text");
            tracing::info!(target: "engineering", "another's");
            tracing::warn!(target: "hyper", "a warning");
        });
        let lines = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(lines.contains("ours") && lines.contains("a warning"), "{lines}");
        assert!(!lines.contains("a text") && !lines.contains("another's"), "{lines}");
    }
}
