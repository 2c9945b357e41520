//! Tokens, accounts and permissions, as sections 1 and 9 of the reference have them.

mod support;

use serde_json::json;
use simulator::{DEMO_ACCOUNT_ID, Options, SECOND_ACCOUNT_ID};
use support::{NATIVE, bench, bench_with, said};

#[tokio::test]
async fn a_user_token_is_verified_at_the_user_endpoint_only() {
    let mut bench = bench().await;
    bench.token = "cfut_mine".to_owned();
    let (status, body) = bench.get("user/tokens/verify").await;
    assert_eq!((status, &body["result"]["status"]), (200, &json!("active")));
    assert_eq!(body["messages"][0]["code"], 10000, "a message may carry that number on success");
    assert_eq!(bench.get_below_account("tokens/verify").await.0, 401);
}

#[tokio::test]
async fn an_account_token_is_verified_at_the_account_endpoint_only() {
    let mut bench = bench().await;
    bench.token = "cfat_ours".to_owned();
    let (status, body) = bench.get("user/tokens/verify").await;
    assert_eq!((status, &body["errors"][0]["code"]), (401, &json!(1000)));
    assert_eq!(body["success"], false);
    assert_eq!(bench.get_below_account("tokens/verify").await.0, 200);
    let (_, body) = bench.get("memberships").await;
    assert_eq!(body["errors"][0]["code"], 9106, "an account's token has no user");
}

#[tokio::test]
async fn a_token_without_a_prefix_may_be_of_either_kind() {
    let mut bench = bench().await;
    bench.token = "0123456789abcdefghijABCDEFGHIJ0123456789".to_owned();
    assert_eq!(bench.get("user/tokens/verify").await.0, 200);
    assert_eq!(bench.get_below_account("tokens/verify").await.0, 200);
}

#[tokio::test]
async fn magic_tokens_do_what_their_name_says() {
    let mut bench = bench().await;
    // Token, path, status, code of the error (0: none).
    let run = format!("accounts/{DEMO_ACCOUNT_ID}/ai/models/search?per_page=1");
    let rows: &[(&str, &str, u16, u64)] = &[
        ("cfut_invalid", "user/tokens/verify", 401, 1000),
        ("cfut_invalid", "accounts", 401, 10000),
        ("cfut_expired", "user/tokens/verify", 200, 0),
        ("cfut_expired", "accounts", 401, 10000),
        ("cfut_disabled", &run, 401, 10000),
        ("cfut_no_ai", "accounts", 200, 0),
        ("cfut_no_ai", &run, 403, 10000),
        ("cfut_read_only", &run, 200, 0),
        ("cfut_accounts_denied", "accounts", 403, 9109),
        ("cfut_accounts_denied", &run, 200, 0),
        ("cfut_no_accounts", "accounts", 200, 0),
    ];
    for (token, path, status, code) in rows {
        bench.token = (*token).to_owned();
        let (got, body) = bench.get(path).await;
        assert_eq!(
            (got, body["errors"][0]["code"].as_u64().unwrap_or(0)),
            (*status, *code),
            "{token} {path}: {body}"
        );
    }
    bench.token = "cfut_read_only".to_owned();
    let (status, _) = bench.run(NATIVE, &said("Hi")).await;
    assert_eq!(status, 403, "reading the catalogue does not allow running");
}

#[tokio::test]
async fn accounts_are_listed_with_their_count() {
    let mut bench = bench().await;
    let (_, body) = bench.get("accounts?page=1&per_page=50").await;
    assert_eq!(body["result"][0]["id"], DEMO_ACCOUNT_ID);
    assert!(body["result"][0]["name"].as_str().is_some_and(|name| name.contains("Simulation")));
    assert_eq!(body["result_info"]["total_count"], 1);
    bench.token = "cfut_two_accounts".to_owned();
    let (_, body) = bench.get("accounts").await;
    assert_eq!(body["result"][1]["id"], SECOND_ACCOUNT_ID);
    bench.token = "cfut_no_accounts".to_owned();
    let (_, body) = bench.get("accounts").await;
    assert_eq!(body["result"], json!([]));
}

#[tokio::test]
async fn a_malformed_authorization_header_is_named() {
    let bench = bench().await;
    for header in ["Bearer ", "Bearer two words", "Token abc"] {
        let response = bench
            .client
            .get(bench.url("accounts"))
            .header("authorization", header)
            .send()
            .await
            .expect("an answer");
        let (status, body) = support::json_of(response).await;
        assert_eq!((status, &body["errors"][0]["code"]), (400, &json!(6003)), "{header:?}");
        assert_eq!(body["errors"][0]["error_chain"][0]["code"], 6111);
    }
    let response = bench.client.get(bench.url("accounts")).send().await.expect("an answer");
    assert_eq!(response.status(), 401, "no header at all");
}

#[tokio::test]
async fn only_the_configured_token_and_account_serve() {
    let account = "0123456789abcdef0123456789abcdef";
    let options = Options {
        token: Some("cfut_only".to_owned()),
        account_id: Some(account.to_owned()),
        ..Options::default()
    };
    let mut bench = bench_with(options).await;
    assert_eq!(bench.get("user/tokens/verify").await.0, 401);
    bench.token = "cfut_only".to_owned();
    assert_eq!(bench.get("user/tokens/verify").await.0, 200);
    assert_eq!(bench.get(&format!("accounts/{account}/ai/tasks/search")).await.0, 200);
    let (status, body) = bench.get_below_account("ai/tasks/search").await;
    assert_eq!((status, &body["errors"][0]["code"]), (403, &json!(9109)), "another's account");
    let (status, body) = bench.get("accounts/not-an-id/ai/tasks/search").await;
    assert_eq!((status, &body["errors"][0]["code"]), (404, &json!(7003)));
}
