//! What a person does, from the engine down: real sockets to the simulator, real SQLite files in temporary folders.
//!
//! `desk` is the place to sit at; the other modules are named after what is tried there. Run with
//! `cargo test -p engine --test journeys`.

mod accounts;
mod crash;
mod desk;
mod dialects;
mod disk;
mod faults;
mod history;
mod privacy;
mod stop;
mod talk;
