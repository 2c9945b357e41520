//! `simulate`: the simulator on a loopback port, until it is interrupted.

use crate::arguments::Simulate;
use crate::output;
use domain::{Fault, FaultCode};
use simulator::{Options, Scenario, Simulator};

/// Runs the simulator and prints its base URL.
pub async fn simulate(options: Simulate) -> Result<(), Fault> {
    let scenario = match &options.scenario {
        None => Scenario::default(),
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Fault::new(FaultCode::FileUnreadable).with_detail(format!("{}: {error}", file.display()))
            })?;
            serde_json::from_str(&text).map_err(|error| {
                Fault::new(FaultCode::InvalidInput).with_detail(format!("{}: {error}", file.display()))
            })?
        }
    };
    let running = Simulator::start(Options {
        port: options.port,
        speed: options.speed,
        scenario,
        ..Options::default()
    })
    .await
    .map_err(|error| Fault::new(FaultCode::Internal).with_detail(format!("opening the port: {error}")))?;
    output::print(&format!("{}\n", running.base_url()))?;
    output::note(&format!(
        "A simulation of the Workers AI API. To use it:\n  export EDGEWISE_API_URL={}\n  export CLOUDFLARE_API_TOKEN={} CLOUDFLARE_ACCOUNT_ID={}\nCtrl+C ends it.",
        running.base_url(),
        simulator::DEMO_TOKEN,
        simulator::DEMO_ACCOUNT_ID
    ));
    tokio::signal::ctrl_c().await.map_err(|error| {
        Fault::new(FaultCode::Internal).with_detail(format!("waiting for Ctrl+C: {error}"))
    })?;
    running.shutdown().await;
    Ok(())
}
