//! The second door: the simulator in this process, behind the engine's [`DemoDoor`].

use domain::{Fault, FaultCode};
use engine::{DemoDoor, DemoRoom, Opening};
use simulator::{DEMO_ACCOUNT_ID, DEMO_TOKEN, Simulator};

/// Tokens per second of the demo: about as fast as a hosted model streams.
const SPEED: f64 = 60.0;

/// Starts the simulator on a free port of this machine.
pub struct Door;

impl DemoDoor for Door {
    fn open(&self) -> Opening {
        Box::pin(async {
            let options = simulator::Options { speed: Some(SPEED), ..simulator::Options::default() };
            let running = Simulator::start(options).await.map_err(|error| {
                Fault::new(FaultCode::Internal).with_detail(format!("starting the simulator: {error}"))
            })?;
            Ok(DemoRoom {
                base_url: running.base_url(),
                token: DEMO_TOKEN.to_owned(),
                account_id: DEMO_ACCOUNT_ID.to_owned(),
                running: Box::new(running),
            })
        })
    }
}
