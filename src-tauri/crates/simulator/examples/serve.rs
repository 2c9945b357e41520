//! Serves until it is interrupted: `cargo run -p simulator --example serve -- 8787`.

use simulator::{DEMO_ACCOUNT_ID, DEMO_TOKEN, Options, Simulator};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to its terminal")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok());
    let simulator = Simulator::start(Options { port, speed: Some(60.0), ..Options::default() }).await?;
    println!("base URL  {}\naccount   {DEMO_ACCOUNT_ID}\ntoken     {DEMO_TOKEN}", simulator.base_url());
    tokio::signal::ctrl_c().await
}
