//! The words of the product: plain data that every other crate and the interface share.
//!
//! No I/O, no async, no clock. Each type derives its TypeScript twin; [`typescript::declarations`] prints them all,
//! and `tests/contract` fails when the committed file in `ui/src/ipc/generated` differs.
//!
//! Contents: [`ids`] · [`conversation`] · [`message`] · [`run`] · [`fault`] · [`model`] · [`usage`] · [`account`] ·
//! [`settings`] · [`history`] · [`library`] · [`pictures`] · [`app`] · [`typescript`].
//!
//! How to add a type: put it in the module of its noun, derive `TS`, and add its name to the list in [`typescript`].

pub mod account;
pub mod app;
pub mod conversation;
pub mod fault;
pub mod history;
pub mod ids;
pub mod library;
pub mod message;
pub mod model;
pub mod pictures;
pub mod run;
pub mod settings;
pub mod typescript;
pub mod usage;

pub use account::*;
pub use app::*;
pub use conversation::*;
pub use fault::*;
pub use history::*;
pub use ids::*;
pub use library::*;
pub use message::*;
pub use model::*;
pub use pictures::*;
pub use run::*;
pub use settings::*;
pub use usage::*;
