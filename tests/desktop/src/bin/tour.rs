//! Walks through the window as a new person does, and keeps pictures of it.
//!
//! `--screenshot FILE`: the simulator's door, one message, one picture. `--pictures FOLDER`: the pictures of the README.

fn main() {}
