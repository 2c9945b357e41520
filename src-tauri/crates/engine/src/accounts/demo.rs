//! The second door: Edgewise without an account, on a simulator in this process.
//!
//! The engine does not know the simulator. The shell and the command line hand it a [`DemoDoor`], so that a build
//! without one is possible and tests can put something else behind the door.

use domain::{Account, Fault, KeptIn};
use std::any::Any;
use std::future::Future;
use std::pin::Pin;

/// The key of the simulator's account; its calls cost nothing.
pub const DEMO_KEY: &str = "demo";

/// Opens the simulator.
pub trait DemoDoor: Send + Sync + 'static {
    /// Starts it on a free port of this machine. Called at most once while it runs.
    fn open(&self) -> Opening;
}

/// A simulator about to run.
pub type Opening = Pin<Box<dyn Future<Output = Result<DemoRoom, Fault>> + Send>>;

/// A running simulator.
pub struct DemoRoom {
    /// Stands for `https://api.cloudflare.com/client/v4`.
    pub base_url: String,
    /// A token that it accepts and that opens nothing else.
    pub token: String,
    /// Its account's id.
    pub account_id: String,
    /// Dropped when the simulator is not needed any more.
    pub running: Box<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for DemoRoom {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DemoRoom").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// The simulator's account as the window lists it.
pub(crate) fn account(account_id: &str) -> Account {
    Account {
        key: DEMO_KEY.into(),
        account_id: account_id.to_owned(),
        name: "Simulation".to_owned(),
        gateway: None,
        kept_in: KeptIn::Simulator,
    }
}
