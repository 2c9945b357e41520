//! What is logged: to standard error, and, once the data folder is known, to files in it, one a day for a week.

use std::path::Path;
use std::sync::OnceLock;
use tracing_appender::rolling::{RollingFileAppender, RollingWriter, Rotation};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::OptionalWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

/// How many days are kept.
const DAYS: usize = 7;

static FILES: OnceLock<RollingFileAppender> = OnceLock::new();

/// Logs to standard error from now on, what `EDGEWISE_LOG` says or warnings.
pub fn begin() {
    let filter = EnvFilter::try_from_env("EDGEWISE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(engine::may_be_logged))
        .with(fmt::layer().with_writer(std::io::stderr))
        .with(fmt::layer().with_writer(Kept).with_ansi(false))
        .init();
}

/// Logs into the folder `logs` of the data folder too.
pub fn keep_in(data: &Path) {
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("edgewise")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(data.join("logs"));
    match files {
        Ok(files) => drop(FILES.set(files)),
        Err(error) => tracing::warn!(%error, "no log is kept"),
    }
}

/// The files, once there are any.
struct Kept;

impl MakeWriter<'_> for Kept {
    type Writer = OptionalWriter<RollingWriter<'static>>;

    fn make_writer(&self) -> Self::Writer {
        FILES.get().map_or_else(OptionalWriter::none, |files| OptionalWriter::some(files.make_writer()))
    }
}
