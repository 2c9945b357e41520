//! A desk to test at: a virtual display, a session bus, a keychain daemon, a data folder, and the real window driven
//! through WebKitWebDriver. Nothing is left behind: every process belongs to a value and ends with it.
//!
//! [`Desk`] is the machine, [`Window`] is Edgewise on it. Windows are found by role and accessible name, as a person
//! with a screen reader finds them.

mod desk;
pub mod gallery;
pub mod measure;
pub mod samples;
mod window;

pub use desk::{Desk, Drag, Keyring};
pub use window::Window;
