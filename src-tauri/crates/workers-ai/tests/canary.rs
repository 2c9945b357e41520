//! The token and what people write leave this crate only towards the service: nothing of them is in any log or error.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

mod support;

use simulator::Scenario;
use std::io::Write;
use std::sync::{Arc, Mutex};
use support::{GLM, NATIVE, answer_of, client_as, say, start};
use tracing_subscriber::fmt::MakeWriter;

const TOKEN: &str = "cfut_CANARY0token0canary0token0canary0token";
const PROMPT: &str = "PROMPTCANARY is what a person wrote";

/// Collects everything that is logged, at every level, by every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_and_no_error_holds_the_token_or_the_prompt() {
    let log = Log::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    let simulator = start().await;
    let client = client_as(&simulator, TOKEN);
    let mut said = String::new();
    let scenarios = ["", "authentication", "schema", "paid_plan", "gateway_unknown", "authorization_header"];
    for name in scenarios {
        simulator.set_scenario(if name.is_empty() { Scenario::default() } else { Scenario::error(name) });
        for model in [GLM, NATIVE] {
            let answer = answer_of(&client, &say(model, PROMPT)).await;
            if let Some(error) = answer.error {
                said.push_str(&format!("{error} {error:?} {:?}", error.fault()));
            }
        }
        if let Err(error) = client.verify_token().await {
            said.push_str(&format!("{error} {error:?} {:?}", error.fault()));
        }
    }
    said.push_str(&format!("{client:?} {:?}", support::endpoint(&simulator.base_url(), TOKEN)));
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("ai/v1/chat/completions"), "requests are logged, or this proves nothing");
    let ours: String = logged.lines().filter(|line| line.contains("workers_ai")).collect();
    for (place, text) in [("log", &logged), ("our log", &ours), ("errors", &said)] {
        assert!(!text.contains("CANARY0token"), "the token is in the {place}");
        assert!(!text.contains("PROMPTCANARY"), "the prompt is in the {place}");
    }
    assert!(simulator.requests().iter().all(|seen| seen.token() == Some(TOKEN)), "and yet it was sent");
}
