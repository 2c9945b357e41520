//! The gateway's headers and logs, body-addressed runs, and the usage query (reference, sections 10.3 and 11).

mod support;

use serde_json::json;
use support::{NATIVE, bench, json_of, said};

#[tokio::test]
async fn a_gateway_leaves_its_headers_and_a_log_entry() {
    let bench = bench().await;
    let send = async |ttl: bool| {
        let request = bench
            .post(&format!("ai/run/{NATIVE}"))
            .header("cf-aig-gateway-id", "desktop")
            .json(&said("say: 1"));
        let request = if ttl { request.header("cf-aig-cache-ttl", "3600") } else { request };
        request.send().await.expect("an answer")
    };
    assert_eq!(send(false).await.headers()["cf-aig-cache-status"], "MISS");
    assert_eq!(send(true).await.headers()["cf-aig-cache-status"], "MISS", "nothing was kept without a TTL");
    let hit = send(true).await;
    assert_eq!(hit.headers()["cf-aig-cache-status"], "HIT");
    let id = hit.headers()["cf-aig-log-id"].to_str().expect("text").to_owned();
    let (_, body) = json_of(hit).await;
    assert_eq!(body["result"]["response"], "1");
    let (_, logs) = bench.get_below_account("ai-gateway/gateways/desktop/logs").await;
    assert_eq!(
        (logs["result"][0]["id"].as_str(), logs["result"][0]["cached"].as_bool()),
        (Some(id.as_str()), Some(true))
    );
    let entry = format!("ai-gateway/gateways/desktop/logs/{id}");
    let patched = bench
        .client
        .patch(bench.account_url(&entry))
        .bearer_auth(&bench.token)
        .json(&json!({"feedback": 1}))
        .send()
        .await;
    assert_eq!(patched.expect("an answer").status(), 200);
    assert_eq!(bench.get_below_account(&entry).await.1["result"]["feedback"], 1);
}

#[tokio::test]
async fn an_unknown_gateway_answers_in_its_own_shape() {
    let bench = bench().await;
    let request =
        bench.post(&format!("ai/run/{NATIVE}")).header("cf-aig-gateway-id", "unknown").json(&said("Hi"));
    let (status, body) = json_of(request.send().await.expect("an answer")).await;
    assert_eq!((status, &body["error"][0]["code"]), (400, &json!(2001)));
    assert!(body["errors"].is_null());
}

#[tokio::test]
async fn a_run_may_name_its_model_in_the_body() {
    let bench = bench().await;
    let body = json!({"model": NATIVE, "input": said("say: 97")});
    assert_eq!(bench.send("ai/run", &body).await.status(), 400, "our models need a gateway there");
    let request = bench.post("ai/run").header("cf-aig-gateway-id", "default").json(&body);
    let (_, answer) = json_of(request.send().await.expect("an answer")).await;
    assert_eq!(answer["result"]["response"], "97");
}

#[tokio::test]
async fn encoded_slashes_lead_nowhere() {
    let bench = bench().await;
    let (status, body) =
        json_of(bench.send("ai/run/@cf%2Fmeta%2Fllama-3.2-3b-instruct", &said("Hi")).await).await;
    assert_eq!((status, &body["errors"][0]["code"]), (404, &json!(7000)));
    let (status, _) = json_of(bench.send("ai/run/%40cf/meta/llama-3.2-3b-instruct", &said("Hi")).await).await;
    assert_eq!(status, 200, "an encoded at-sign is the same at-sign");
}

#[tokio::test]
async fn usage_is_what_was_charged() {
    let bench = bench().await;
    for _ in 0..2 {
        bench.run(NATIVE, &said("Hi")).await;
    }
    let query = json!({"query": "query($a:String!,$s:Time!,$e:Time!){viewer{accounts(filter:{accountTag:$a}){aiInferenceAdaptiveGroups(limit:1000){count}}}}",
        "variables": {"a": simulator::DEMO_ACCOUNT_ID, "s": "2020-01-01T00:00:00Z", "e": "2099-12-31T23:59:59Z"}});
    let request = bench.client.post(bench.url("graphql")).bearer_auth(&bench.token).json(&query);
    let (_, body) = json_of(request.send().await.expect("an answer")).await;
    let group = &body["data"]["viewer"]["accounts"][0]["aiInferenceAdaptiveGroups"][0];
    assert_eq!((group["count"].as_u64(), group["dimensions"]["modelId"].as_str()), (Some(2), Some(NATIVE)));
    let total = group["sum"]["totalNeurons"].as_f64().expect("a sum");
    assert!((total - bench.simulator.neurons_today()).abs() < 1e-3);
    assert!(body["errors"].is_null());
}
