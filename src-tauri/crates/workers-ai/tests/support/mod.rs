//! A simulator, clients for it, and an answer gathered whole.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]
#![allow(dead_code, reason = "each test file uses its part")]

use domain::{Finish, ModelId, Usage};
use simulator::{Options, Scenario, Simulator};
use std::time::Duration;
use workers_ai::{ApiToken, ChatMessage, ChatRequest, Client, Delta, Endpoint, Error, Network, Timeouts};

pub const GLM: &str = "@cf/zai-org/glm-4.7-flash";
pub const NATIVE: &str = "@cf/meta/llama-3.2-3b-instruct";

pub async fn start() -> Simulator {
    start_with(Scenario::default()).await
}

pub async fn start_with(scenario: Scenario) -> Simulator {
    Simulator::start(Options { scenario, ..Options::default() }).await.unwrap()
}

pub fn account() -> &'static str {
    simulator::DEMO_ACCOUNT_ID
}

pub fn client(simulator: &Simulator) -> Client {
    client_as(simulator, simulator::DEMO_TOKEN)
}

pub fn client_as(simulator: &Simulator, token: &str) -> Client {
    Client::new(endpoint(&simulator.base_url(), token), &Network::default()).unwrap()
}

/// With limits short enough for a test.
pub fn hurried(simulator: &Simulator) -> Client {
    let timeouts = Timeouts {
        connect: Duration::from_secs(1),
        first_byte: Duration::from_millis(900),
        idle: Duration::from_millis(600),
    };
    let network = Network { timeouts, ..Network::default() };
    Client::new(endpoint(&simulator.base_url(), simulator::DEMO_TOKEN), &network).unwrap()
}

pub fn endpoint(base_url: &str, token: &str) -> Endpoint {
    Endpoint {
        base_url: base_url.to_owned(),
        account_id: account().to_owned(),
        token: ApiToken::new(token).unwrap(),
        gateway: None,
    }
}

/// A request that is answered with exactly this text.
pub fn say(model: &str, text: &str) -> ChatRequest {
    ChatRequest::new(ModelId::from(model), vec![ChatMessage::user(format!("say: {text}"))])
}

#[derive(Debug, Default)]
pub struct Answer {
    pub text: String,
    pub thoughts: String,
    pub usage: Option<Usage>,
    pub finish: Option<Finish>,
    pub deltas: Vec<Delta>,
    pub error: Option<Error>,
}

/// The whole answer, or the first error.
pub async fn ask(client: &Client, request: &ChatRequest) -> Result<Answer, Error> {
    let answer = answer_of(client, request).await;
    match answer.error {
        Some(error) => Err(error),
        None => Ok(answer),
    }
}

/// The answer as far as it came.
pub async fn answer_of(client: &Client, request: &ChatRequest) -> Answer {
    let mut answer = Answer::default();
    let mut stream = match client.chat(request).await {
        Ok(stream) => stream,
        Err(error) => return Answer { error: Some(error), ..answer },
    };
    loop {
        match stream.next().await {
            Ok(Some(delta)) => {
                match &delta {
                    Delta::Text(text) => answer.text.push_str(text),
                    Delta::Thinking(text) => answer.thoughts.push_str(text),
                    Delta::Usage(usage) => answer.usage = Some(usage.clone()),
                    Delta::Finish(finish) => answer.finish = Some(*finish),
                    Delta::ToolCall { .. } => {}
                }
                answer.deltas.push(delta);
            }
            Ok(None) => return answer,
            Err(error) => return Answer { error: Some(error), ..answer },
        }
    }
}
