//! What every test of the simulator needs: a running one and a client that follows no redirects.

#![allow(dead_code, missing_docs, reason = "each test file uses its own part")]

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use simulator::{DEMO_ACCOUNT_ID, DEMO_TOKEN, Options, Scenario, Simulator};

pub const NATIVE: &str = "@cf/meta/llama-3.2-3b-instruct";
pub const OPENAI: &str = "@cf/zai-org/glm-4.7-flash";

pub struct Bench {
    pub simulator: Simulator,
    pub client: reqwest::Client,
    pub token: String,
}

pub async fn bench() -> Bench {
    bench_with(Options::default()).await
}

pub async fn bench_with(options: Options) -> Bench {
    let simulator = Simulator::start(options).await.expect("a free port");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    Bench { simulator, client: client.expect("a client"), token: DEMO_TOKEN.to_owned() }
}

pub async fn bench_under(scenario: Scenario) -> Bench {
    bench_with(Options { scenario, ..Options::default() }).await
}

impl Bench {
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.simulator.base_url())
    }

    pub fn account_url(&self, path: &str) -> String {
        self.url(&format!("accounts/{DEMO_ACCOUNT_ID}/{path}"))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.account_url(path)).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        json_of(self.client.get(self.url(path)).bearer_auth(&self.token).send().await.expect("an answer"))
            .await
    }

    pub async fn get_below_account(&self, path: &str) -> (u16, Value) {
        self.get(&format!("accounts/{DEMO_ACCOUNT_ID}/{path}")).await
    }

    pub async fn send(&self, path: &str, body: &Value) -> Response {
        self.post(path).json(body).send().await.expect("an answer")
    }

    pub async fn run(&self, model: &str, body: &Value) -> (u16, Value) {
        json_of(self.send(&format!("ai/run/{model}"), body).await).await
    }

    pub async fn ask(&self, model: &str, question: &str) -> Value {
        let (status, body) = self.run(model, &said(question)).await;
        assert_eq!(status, 200, "{body}");
        body["result"].clone()
    }

    pub async fn chat(&self, body: &Value) -> (u16, Value) {
        json_of(self.send("ai/v1/chat/completions", body).await).await
    }

    /// The whole text of a stream's body.
    pub async fn stream(&self, path: &str, body: &Value) -> String {
        let response = self.send(path, body).await;
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        let text = response.text().await.expect("a whole body");
        assert!(kind.starts_with("text/event-stream"), "{kind}: {text}");
        text
    }
}

pub fn said(question: &str) -> Value {
    json!({"messages": [{"role": "user", "content": question}]})
}

pub async fn json_of(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a whole body");
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}")))
}

/// The `data:` values of a stream that are JSON.
pub fn data(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines
        .filter(|line| *line != "[DONE]")
        .map(|line| serde_json::from_str(line).expect("JSON in each data line"))
        .collect()
}

pub fn native_text(stream: &str) -> String {
    let text = |chunk: &Value| match &chunk["response"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    data(stream).iter().map(text).collect()
}

pub fn openai_text(stream: &str, field: &str) -> String {
    data(stream)
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"][field].as_str().map(str::to_owned))
        .collect()
}
