//! `edgewise-cli`: the same engine as the window's, without a display.
//!
//! Contents: [`arguments`] what can be typed · [`commands`] one file for each · [`output`] lines for people and lines of
//! JSON · [`sentences`] a sentence and a hint for each fault.
//!
//! Exit status: 0 done, 1 failed (one sentence and a hint on standard error), 2 wrong usage.
//!
//! How to add a command: a variant in [`arguments`], a file in [`commands`], a row in the README.

mod arguments;
mod commands;
mod demo;
mod output;
mod sentences;

use arguments::{Arguments, Command};
use clap::Parser;
use domain::Fault;
use engine::{Engine, WhenHeld};
use std::ffi::OsString;
use std::process::ExitCode;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

/// Does what the arguments say, of which the first is the program's name. The program must read documents when it is
/// called with `--read-document`: see [`ingest::fence`].
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let filter = EnvFilter::try_from_env("EDGEWISE_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(engine::may_be_logged))
        .with(fmt::layer().with_writer(std::io::stderr))
        .init();
    // Wrong usage ends here with status 2 and clap's own words.
    let arguments = Arguments::parse_from(arguments);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Fault::new(domain::FaultCode::Internal).with_detail(error.to_string())),
    };
    match runtime.block_on(execute(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => failed(&fault),
    }
}

async fn execute(command: Command) -> Result<(), Fault> {
    // The simulator needs no data folder; everything else opens the engine.
    if let Command::Simulate(options) = command {
        return commands::simulate(options).await;
    }
    let engine = Engine::open(engine::Options {
        reader: std::env::current_exe().ok(),
        when_held: if command.only_reads() { WhenHeld::Read } else { WhenHeld::Refuse },
        ..engine::Options::from_environment(arguments::data_dir(), demo::Door)
    })
    .await;
    let outcome = match command {
        Command::Chat(options) => commands::chat(&engine, options).await,
        Command::Ingest(options) => commands::ingest(&engine, options).await,
        Command::Search(options) => commands::search(&engine, options).await,
        Command::Vectors(which) => commands::vectors(&engine, which).await,
        Command::Image(options) => commands::image(&engine, options).await,
        Command::Models(options) => commands::models(&engine, options).await,
        Command::Usage(options) => commands::usage(&engine, options).await,
        Command::History(which) => commands::history(&engine, which).await,
        Command::Backup(options) => commands::backup(&engine, options).await,
        Command::Restore(options) => commands::restore(&engine, options).await,
        Command::Doctor(options) => commands::doctor(&engine, options).await,
        Command::Simulate(_) => unreachable!("it was handled above"),
    };
    engine.close().await;
    outcome
}

fn failed(fault: &Fault) -> ExitCode {
    output::complain(fault);
    ExitCode::FAILURE
}
