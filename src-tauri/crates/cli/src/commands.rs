//! One file for each command.

mod backup;
mod chat;
mod doctor;
mod history;
mod image;
mod library;
mod models;
mod simulate;
mod usage;

pub use backup::{backup, restore};
pub use chat::chat;
pub use doctor::doctor;
pub use history::history;
pub use image::image;
pub use library::{collection_id, ingest, search, vectors};
pub use models::models;
pub use simulate::simulate;
pub use usage::usage;
