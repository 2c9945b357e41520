//! Every row of the reference's section 9, in every envelope, with its remedy.

use super::*;
use crate::error::LONGEST_PAUSE;
use domain::FaultCode;
use reqwest::header::{HeaderName, HeaderValue};

const UUID: &str = "0a1b2c3d-0000-4000-8000-0123456789ab";

fn read(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    classify(&Answer { status, headers: &headers, body: body.as_bytes(), now })
}

fn cloudflare(code: i32, message: &str) -> String {
    serde_json::json!({ "success": false, "result": {}, "messages": [],
        "errors": [{ "code": code, "message": format!("AiError: AiError: {message} ({UUID})") }] })
    .to_string()
}

/// Code, status, text, what it means, what it becomes, tries in all.
type Row = (i32, u16, &'static str, Why, FaultCode, u32);

const ROWS: &[Row] = &[
    (3003, 400, "incomplete request", Why::BadRequest, FaultCode::BadRequest, 1),
    (3006, 413, "Request is too large", Why::TooLarge, FaultCode::RequestTooLarge, 1),
    (3007, 408, "Timeout", Why::TookTooLong, FaultCode::TimedOut, 3),
    (3008, 408, "Aborted", Why::Aborted, FaultCode::Upstream, 2),
    (3023, 403, "Account blocked", Why::AccountBlocked, FaultCode::TokenLacksPermission, 1),
    (3030, 400, "Input prompt contains NSFW content", Why::ContentRefused, FaultCode::ContentRefused, 1),
    (
        3030,
        400,
        "Your output has been flagged. Please choose another prompt / input image combination",
        Why::ContentRefused,
        FaultCode::ContentRefused,
        1,
    ),
    (3030, 400, "Sequence too long: 9000 > 8192", Why::ContextTooLong, FaultCode::ContextTooLong, 1),
    (3030, 400, "corrupt or unsupported data", Why::BadRequest, FaultCode::BadRequest, 1),
    (
        3036,
        429,
        "you have used up your daily free allocation of 10,000 neurons",
        Why::AllowanceSpent,
        FaultCode::DailyAllowanceSpent,
        1,
    ),
    (3039, 400, "finetune files missing", Why::LoraRefused, FaultCode::BadRequest, 1),
    (3040, 429, "Capacity temporarily exceeded, please try again.", Why::Busy, FaultCode::ModelBusy, 3),
    (3041, 403, "not allowed", Why::ModelClosed, FaultCode::ModelGone, 1),
    (5018, 403, "private model", Why::ModelClosed, FaultCode::ModelGone, 1),
    (3042, 404, "invalid model id", Why::ModelUnknown, FaultCode::ModelGone, 1),
    (3043, 500, "internal error", Why::Upstream, FaultCode::Upstream, 3),
    (
        4006,
        429,
        "you have used up your daily free allocation",
        Why::AllowanceSpent,
        FaultCode::DailyAllowanceSpent,
        1,
    ),
    (5004, 400, "invalid type for base64 input", Why::BadRequest, FaultCode::BadRequest, 1),
    (5005, 405, "model has no LoRA", Why::LoraRefused, FaultCode::BadRequest, 1),
    (
        5006,
        400,
        "Error: Type mismatch of '/messages/0/content', 'array' not in 'string'",
        Why::SchemaMismatch,
        FaultCode::BadRequest,
        1,
    ),
    (5007, 400, "No such model @cf/x/y or task", Why::ModelUnknown, FaultCode::ModelGone, 1),
    (
        5016,
        403,
        "User has not agreed to Llama3.2 model terms",
        Why::LicenceNeeded,
        FaultCode::LicenceNeeded,
        1,
    ),
    (5019, 405, "deprecated SDK version", Why::NoSuchEndpoint, FaultCode::BadRequest, 1),
    (
        5021,
        413,
        "The estimated number of input and maximum output tokens (90000) exceeded this model context window limit (24000).",
        Why::ContextTooLong,
        FaultCode::ContextTooLong,
        1,
    ),
    (5023, 400, "JSON schema problem", Why::JsonSchemaRefused, FaultCode::BadRequest, 1),
    (
        5028,
        410,
        "This model was deprecated on 2026-05-30. Please use an alternative model.",
        Why::ModelRetired,
        FaultCode::ModelGone,
        1,
    ),
    (
        5028,
        400,
        "This model was deprecated on 2026-05-30. Please use an alternative model.",
        Why::ModelRetired,
        FaultCode::ModelGone,
        1,
    ),
    (5035, 403, "This model requires Workers Paid", Why::PaidPlanNeeded, FaultCode::PaidPlanNeeded, 1),
    (8001, 400, "Invalid input", Why::BadRequest, FaultCode::BadRequest, 1),
    (8007, 400, "prompt flagged as NSFW", Why::ContentRefused, FaultCode::ContentRefused, 1),
    (
        8007,
        429,
        "4006: you have used up your daily free allocation",
        Why::AllowanceSpent,
        FaultCode::DailyAllowanceSpent,
        1,
    ),
    (1000, 401, "Invalid API Token", Why::TokenRejected, FaultCode::TokenRejected, 1),
    (6003, 400, "Invalid request headers", Why::TokenRejected, FaultCode::TokenRejected, 1),
    (7000, 404, "No route for that URI", Why::AccountUnknown, FaultCode::AccountUnknown, 1),
    (
        7003,
        400,
        "Could not route to /accounts/x, perhaps your object identifier is invalid?",
        Why::AccountUnknown,
        FaultCode::AccountUnknown,
        1,
    ),
    (9106, 400, "user-level endpoint", Why::TokenWithoutUser, FaultCode::TokenLacksPermission, 1),
    (
        9109,
        403,
        "Unauthorized to access requested resource",
        Why::PermissionMissing,
        FaultCode::TokenLacksPermission,
        1,
    ),
    (9109, 403, "Invalid access token", Why::TokenRejected, FaultCode::TokenRejected, 1),
    (10000, 401, "Authentication error", Why::TokenRejected, FaultCode::TokenRejected, 1),
    (10000, 403, "Authentication error", Why::PermissionMissing, FaultCode::TokenLacksPermission, 1),
    (
        10405,
        405,
        "Method not allowed for this authentication scheme",
        Why::NoSuchEndpoint,
        FaultCode::BadRequest,
        1,
    ),
    (5023, 400, "JSON Mode couldn't be met", Why::JsonModeFailed, FaultCode::BadRequest, 1),
    (
        8001,
        400,
        "function.arguments must be a JSON object",
        Why::ArgumentsNotObjects,
        FaultCode::BadRequest,
        1,
    ),
];

#[test]
fn every_number_has_its_meaning_and_its_remedy() {
    for (code, status, text, why, fault_code, tries) in ROWS {
        let error = read(*status, &[("cf-ray", "8f-AMS")], &cloudflare(*code, text));
        assert_eq!(error.why(), Some(*why), "{code} {status} {text}");
        let fault = error.fault();
        assert_eq!(
            (fault.code, fault.upstream_code, fault.status),
            (*fault_code, Some(*code), Some(*status)),
            "{text}"
        );
        assert_eq!(
            fault.reference.as_deref(),
            Some(UUID),
            "the service's id of the request is kept for support"
        );
        let made = 1 + (1..5).filter(|attempt| error.retry_delay(*attempt).is_some()).count() as u32;
        assert_eq!(made, *tries, "tries for {code} {text}");
        assert!(!fault.detail.unwrap_or_default().contains("AiError"), "the prefix is noise");
    }
}

#[test]
fn a_status_without_a_number_has_its_meaning_too() {
    let rows: &[(u16, &str, Why, u32)] = &[
        (401, "{}", Why::TokenRejected, 1),
        (402, "{}", Why::PaidPlanNeeded, 1),
        (403, "{}", Why::PermissionMissing, 1),
        (404, "{}", Why::NoSuchEndpoint, 1),
        (405, "", Why::NoSuchEndpoint, 1),
        (409, "{}", Why::Upstream, 3),
        (
            410,
            r#"{"errors":[{"message":"AiError: Model has been deprecated: @cf/x was deprecated on 2025-10-01."}]}"#,
            Why::ModelRetired,
            1,
        ),
        (413, "Payload Too Large", Why::TooLarge, 1),
        (
            400,
            r#"{"error":{"code":"invalid_prompt","message":"AiError: Bad input: Error: Type mismatch of '/x'"}}"#,
            Why::SchemaMismatch,
            1,
        ),
        (422, r#"{"detail":"bad"}"#, Why::BadRequest, 1),
        (429, "", Why::RateLimited, 3),
        (429, "<html><title>429</title>", Why::RateLimited, 3),
        (429, r#"{"error":{"message":"Capacity temporarily exceeded"}}"#, Why::Busy, 3),
        (
            400,
            r#"{"errors":[{"message":"AiError: 5006: Error: oneOf at '/' not met"}]}"#,
            Why::SchemaMismatch,
            1,
        ),
        (500, "oops", Why::Upstream, 3),
        (502, "<!DOCTYPE html><title>502: Bad gateway</title>", Why::Upstream, 3),
        (503, "", Why::Upstream, 3),
        (504, "", Why::Upstream, 3),
        (520, "<html>", Why::Upstream, 3),
        (524, "<html>", Why::Upstream, 3),
        (530, "<html>", Why::Upstream, 3),
    ];
    for (status, body, why, tries) in rows {
        let error = read(*status, &[], body);
        assert_eq!(error.why(), Some(*why), "{status} {body}");
        let made = 1 + (1..5).filter(|attempt| error.retry_delay(*attempt).is_some()).count() as u32;
        assert_eq!(made, *tries, "tries for {status} {body}");
    }
}

#[test]
fn every_envelope_is_read() {
    let bodies = [
        r#"{"success":false,"result":null,"errors":[{"code":5007,"message":"No such model"}],"messages":[]}"#,
        r#"{"errors":[{"message":"AiError: No such model","code":5007}],"success":false,"result":{},"messages":[]}"#,
        r#"{"error":[{"code":5007,"message":"No such model"}],"name":"AiGatewayError","httpCode":400,"internalCode":5007}"#,
        r#"{"error":{"message":"No such model","code":5007,"type":"x"}}"#,
        r#"{"error":{"message":"No such model","code":"5007"}}"#,
        r#"{"error":"AiError: 5007: No such model"}"#,
        r#"{"message":"5007: No such model"}"#,
        r#"{"errors":[{"message":"wrapped","error_chain":[{"code":5007,"message":"No such model"}]}]}"#,
        r#"{"errors":[{"code":5007,"message":"AiError: {\"error\":{\"message\":\"No such model\"}}"}]}"#,
        r#"{"type":"response.failed","response":{"error":{"code":"5007","message":"No such model"}}}"#,
    ];
    for body in bodies {
        let error = read(400, &[], body);
        assert_eq!(error.why(), Some(Why::ModelUnknown), "{body}");
        let message = error.refusal().unwrap().message.clone();
        assert!(message == "No such model" || message == "wrapped", "{body}: {message}");
    }
}

#[test]
fn what_is_no_answer_of_the_service_is_said_to_be_none() {
    let page = "\u{feff} <!doctype html><html><head><TITLE>Hotel Wi-Fi</TITLE></head>";
    for status in [200, 403, 404, 511] {
        let error = read(status, &[("content-type", "text/html")], page);
        if status < 500 {
            assert_eq!(error.fault().code, FaultCode::NotTheService, "{status}");
            assert!(error.fault().detail.unwrap().contains("Hotel Wi-Fi"));
        }
    }
    assert_eq!(
        read(302, &[("location", "https://elsewhere.example/")], "").fault().code,
        FaultCode::NotTheService
    );
    assert_eq!(read(407, &[], "").fault().code, FaultCode::ProxyRefused);
}

#[test]
fn the_gateways_own_errors_are_read() {
    let body = r#"{"success":false,"result":[],"messages":[],"error":[{"code":2001,"message":"Please configure AI Gateway in the Cloudflare dashboard"}],"name":"AiGatewayError","httpCode":400,"internalCode":2001}"#;
    assert_eq!(read(400, &[], body).why(), Some(Why::GatewayUnknown));
    assert_eq!(read(401, &[], &body.replace("2001", "2009")).why(), Some(Why::PermissionMissing));
    assert_eq!(read(429, &[], &body.replace("2001", "2003")).why(), Some(Why::RateLimited));
}

#[test]
fn retry_after_is_read_in_all_its_forms() {
    let check = |value: &str, date: Option<&str>, expected: Option<u64>| {
        let mut headers = vec![("retry-after", value)];
        headers.extend(date.map(|date| ("date", date)));
        let found = read(429, &headers, "").retry_after();
        assert_eq!(found, expected.map(Duration::from_secs), "{value:?}");
    };
    check("2", None, Some(2));
    check(" 7 ", None, Some(7));
    check("0", None, Some(0));
    check("-1", None, None);
    check("1.5", None, None);
    check("soon", None, None);
    check("99999", None, Some(99_999));
    // 2026-09-21T14:13:20Z is the test's clock.
    check("Mon, 21 Sep 2026 14:13:50 GMT", None, Some(30));
    check("Monday, 21-Sep-26 14:13:50 GMT", None, Some(30));
    check("Mon Sep 21 14:13:50 2026", None, Some(30));
    check("Mon, 21 Sep 2026 14:00:00 GMT", None, Some(0));
    check("Mon, 21 Sep 2026 14:13:50 GMT", Some("Mon, 21 Sep 2026 14:13:45 GMT"), Some(5));
    assert!(read(429, &[("retry-after", "99999")], "").retry_delay(1).is_none(), "beyond {LONGEST_PAUSE:?}");
}

#[test]
fn spent_neurons_come_back_at_midnight_utc() {
    let fault = read(429, &[], &cloudflare(3036, "used up")).fault();
    assert_eq!(fault.until, Some(Timestamp(1_790_035_200_000)), "2026-09-22T00:00:00Z");
    assert_eq!(fault.retry_after_ms, None);
}

#[test]
fn an_error_inside_a_stream_is_told_from_a_chunk() {
    let headers = HeaderMap::new();
    let find = |text: &str| error_in(&serde_json::from_str(text).unwrap(), &headers, SystemTime::UNIX_EPOCH);
    for chunk in [
        r#"{"response":"error"}"#,
        r#"{"choices":[],"error":null}"#,
        r#"{"success":true,"errors":[],"result":{}}"#,
        r#"{"type":"response.created","response":{"error":null}}"#,
    ] {
        assert_eq!(find(chunk), None, "{chunk}");
    }
    let why = |text| find(text).and_then(|error| error.why());
    assert_eq!(why(r#"{"errors":[{"code":3040,"message":"x"}],"success":false}"#), Some(Why::Busy));
    assert_eq!(why(r#"{"error":{"message":"Capacity temporarily exceeded","code":null}}"#), Some(Why::Busy));
    assert_eq!(why(r#"{"error":"boom"}"#), Some(Why::Upstream));
    assert_eq!(why(r#"{"success":false,"errors":[],"result":null}"#), Some(Why::Upstream));
}
