//! What a person does, from the engine down: real sockets to the simulator, real SQLite files in temporary folders.
//!
//! `desk` is the place to sit at; the other modules are named after what is tried there. Run with
//! `cargo test -p engine --test journeys`.

#![allow(
    clippy::unwrap_used,
    reason = "a journey that cannot go on fails; helpers beside the tests are no functions of the product"
)]

mod accounts;
mod bad_input;
mod crash;
mod cuts;
mod desk;
mod dialects;
mod disk;
mod faults;
mod history;
mod library;
mod library_answers;
mod library_crash;
mod library_files;
mod library_runs;
mod pictures;
mod pictures_crash;
mod privacy;
mod seams;
mod stop;
mod talk;
