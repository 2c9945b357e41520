//! The one place that reads the service's error vocabulary: numbers, statuses, texts, envelopes.
//!
//! Five envelopes are live: Cloudflare's `errors` list, the gateway's `error` list, OpenAI's `error` object, a bare text
//! under `error`, `message` or `detail`, and web pages from the edge. Any of them may come before an answer or inside it.
//! What each row means is tested against a table of them all.

use crate::error::{Error, Refusal, Why};
use domain::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// A refusing answer, as much of it as matters.
pub(crate) struct Answer<'a> {
    /// HTTP status; 200 when the error came inside a stream or in an envelope with `success: false`.
    pub(crate) status: u16,
    /// `Retry-After`, `cf-ray`, `Date`.
    pub(crate) headers: &'a HeaderMap,
    /// The body, at most some hundred KiB.
    pub(crate) body: &'a [u8],
    /// When it came.
    pub(crate) now: SystemTime,
}

/// What the body says.
#[derive(Debug, Default)]
struct Said {
    code: Option<i32>,
    message: String,
    reference: Option<String>,
}

/// Understands a refusal.
pub(crate) fn classify(answer: &Answer<'_>) -> Error {
    if answer.status == 407 {
        return Error::ProxyRefused("it asks for a name and a password (HTTP 407)".to_owned());
    }
    if (300..400).contains(&answer.status) {
        let detail = "a redirect, which is not followed with the token".to_owned();
        return Error::NotTheService { status: answer.status, detail };
    }
    let json = serde_json::from_slice::<Value>(answer.body).ok();
    let passing = answer.status >= 500 || matches!(answer.status, 408 | 409 | 429);
    if json.is_none() && !passing && is_page(answer.body) {
        return Error::NotTheService { status: answer.status, detail: title_of(answer.body) };
    }
    let said = match &json {
        Some(json) => said(json),
        None => Said { message: page_or_text(answer.body), ..Said::default() },
    };
    Error::Refused(Box::new(refusal(answer, said)))
}

fn refusal(answer: &Answer<'_>, said: Said) -> Refusal {
    let why = why(answer.status, said.code, &said.message.to_lowercase());
    let until = (why == Why::AllowanceSpent).then(|| timestamp(answer.now).next_utc_midnight());
    let ray = answer.headers.get("cf-ray").and_then(|value| value.to_str().ok()).map(str::to_owned);
    Refusal {
        why,
        status: answer.status,
        code: said.code,
        message: said.message,
        reference: said.reference.or(ray),
        retry_after: retry_after(answer.headers, answer.now),
        until,
        replacement: None,
    }
}

/// An error object inside a stream or in place of an answer with status 200: `None` when this is none.
pub(crate) fn error_in(json: &Value, headers: &HeaderMap, now: SystemTime) -> Option<Error> {
    let errors = json.get("errors").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let error = json.get("error").is_some_and(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    });
    let failed = json.get("success") == Some(&Value::Bool(false));
    (errors || error || failed).then(|| {
        let status = if error || errors { 200 } else { 502 };
        Error::Refused(Box::new(refusal(&Answer { status, headers, body: &[], now }, said(json))))
    })
}

/// What an event that announces an error means.
pub(crate) fn stream_error(event: &Value) -> Error {
    let answer = Answer { status: 200, headers: &HeaderMap::new(), body: &[], now: SystemTime::now() };
    Error::Refused(Box::new(refusal(&answer, said(event))))
}

/// What a refusal means. The number decides first, then the status; the text decides where both are ambiguous.
fn why(status: u16, code: Option<i32>, text: &str) -> Why {
    if text.contains("daily free allocation") {
        return Why::AllowanceSpent;
    }
    if text.contains("json mode couldn't be met") {
        return Why::JsonModeFailed;
    }
    if text.contains("arguments must be a json object") {
        return Why::ArgumentsNotObjects;
    }
    match code {
        Some(1000 | 6003 | 6111) => Why::TokenRejected,
        Some(2001) => Why::GatewayUnknown,
        Some(2003) => Why::RateLimited,
        Some(2009) => Why::PermissionMissing,
        Some(3006) => Why::TooLarge,
        Some(3007) => Why::TookTooLong,
        Some(3008) => Why::Aborted,
        Some(3023) => Why::AccountBlocked,
        Some(3030 | 8001 | 8007) => by_words(text),
        Some(3036 | 4006) => Why::AllowanceSpent,
        Some(3039 | 5005) => Why::LoraRefused,
        Some(3040) => Why::Busy,
        Some(3041 | 5018) => Why::ModelClosed,
        Some(3042 | 5007) => Why::ModelUnknown,
        Some(3043) => Why::Upstream,
        Some(5006) => Why::SchemaMismatch,
        Some(5016) => Why::LicenceNeeded,
        Some(5021) => Why::ContextTooLong,
        Some(5023) => Why::JsonSchemaRefused,
        Some(5028) => Why::ModelRetired,
        Some(5035) => Why::PaidPlanNeeded,
        // "No route": our paths are fixed, so it is the account id in them.
        Some(7000 | 7003) => Why::AccountUnknown,
        Some(9106) => Why::TokenWithoutUser,
        Some(9109) if text.contains("invalid access token") => Why::TokenRejected,
        Some(9109) => Why::PermissionMissing,
        Some(10000) if status == 403 => Why::PermissionMissing,
        Some(10000) => Why::TokenRejected,
        Some(10405) => Why::NoSuchEndpoint,
        _ => by_status(status, text),
    }
}

/// Wrapped errors of the model itself: only their words tell.
fn by_words(text: &str) -> Why {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["nsfw", "flagged", "content filter", "content policy", "safety", "moderation"]) {
        Why::ContentRefused
    } else if has(&["too long", "context window", "context length"]) {
        Why::ContextTooLong
    } else if has(&["type mismatch of", "bad input", "oneof at", "not allowed in schema"]) {
        // OpenAI's envelope says `invalid_prompt` instead of 5006.
        Why::SchemaMismatch
    } else {
        Why::BadRequest
    }
}

fn by_status(status: u16, text: &str) -> Why {
    let capacity = text.contains("capacity temporarily exceeded") || text.contains("out of capacity");
    match status {
        401 => Why::TokenRejected,
        402 => Why::PaidPlanNeeded,
        403 if text.contains("has not agreed") || text.contains("model terms") => Why::LicenceNeeded,
        403 => Why::PermissionMissing,
        404 if text.contains("no such model") || text.contains("model not found") => Why::ModelUnknown,
        404 | 405 => Why::NoSuchEndpoint,
        408 => Why::TookTooLong,
        410 => Why::ModelRetired,
        413 if text.contains("context") => Why::ContextTooLong,
        413 => Why::TooLarge,
        429 if capacity => Why::Busy,
        429 => Why::RateLimited,
        200 if capacity => Why::Busy,
        200 if text.contains("rate limit") => Why::RateLimited,
        409 | 200 => Why::Upstream,
        500.. => Why::Upstream,
        _ if text.contains("has been deprecated") || text.contains("was deprecated") => Why::ModelRetired,
        _ => by_words(text),
    }
}

/// `Retry-After` in whole seconds, as a date, or as nothing usable.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // Counted from the service's own clock where it tells it: this machine's may be wrong.
    let from = headers
        .get(reqwest::header::DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
        .unwrap_or(now);
    Some(date.duration_since(from).unwrap_or_default())
}

/// The error in any envelope.
fn said(json: &Value) -> Said {
    let mut said = Said::default();
    read_error(json, &mut said);
    let (message, reference) = clean(&said.message);
    let (code, message) = leading_code(&message);
    Said { code: said.code.or(code), message, reference: reference.or(said.reference) }
}

fn read_error(json: &Value, said: &mut Said) {
    match json {
        Value::String(text) if said.message.is_empty() => said.message = text.clone(),
        Value::Array(list) => {
            // The first error counts; a chain under it is read when it has no number of its own.
            if let Some(first) = list.first() {
                read_error(first, said);
            }
        }
        Value::Object(object) => {
            for key in ["errors", "error", "response"] {
                if let Some(inner) = object.get(key).filter(|inner| !inner.is_null()) {
                    read_error(inner, said);
                }
            }
            if said.code.is_none() {
                said.code = ["code", "internalCode"].iter().find_map(|key| number(object.get(*key)?));
            }
            for key in ["message", "detail"] {
                if let Some(text) = object.get(key) {
                    read_error(text, said);
                }
            }
            if let (None, Some(chain)) = (said.code, object.get("error_chain")) {
                read_error(chain, said);
            }
        }
        _ => {}
    }
}

fn number(value: &Value) -> Option<i32> {
    match value {
        Value::Number(number) => i32::try_from(number.as_i64()?).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Frees a message of `AiError:` prefixes, of the UUID in parentheses at its end (which is returned), and of JSON around it.
fn clean(message: &str) -> (String, Option<String>) {
    let mut text = message.trim();
    while let Some(rest) =
        text.strip_prefix("AiError:").or_else(|| text.strip_prefix("InferenceUpstreamError:"))
    {
        text = rest.trim_start();
    }
    let mut reference = None;
    if let Some((before, uuid)) = text.strip_suffix(')').and_then(|text| text.rsplit_once('('))
        && uuid.len() == 36
        && uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    {
        reference = Some(uuid.to_owned());
        text = before.trim_end();
    }
    if text.starts_with('{')
        && let Ok(inner) = serde_json::from_str::<Value>(text)
    {
        let mut said = Said::default();
        read_error(&inner, &mut said);
        if !said.message.is_empty() {
            return (clean(&said.message).0, reference);
        }
    }
    (text.to_owned(), reference)
}

/// `3040: Capacity …` as the Workers binding writes it.
fn leading_code(message: &str) -> (Option<i32>, String) {
    match message.split_once(':') {
        Some((code, rest)) if (4..=5).contains(&code.len()) => match code.parse() {
            Ok(code) => (Some(code), rest.trim_start().to_owned()),
            Err(_) => (None, message.to_owned()),
        },
        _ => (None, message.to_owned()),
    }
}

/// The body is a web page.
pub(crate) fn is_page(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
    body.first() == Some(&b'<')
}

/// The title of a page, to tell a captive portal from the edge.
pub(crate) fn title_of(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(&page[..page.len().min(16 * 1024)]);
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|open| {
        let from = open + lower[open..].find('>')? + 1;
        let to = from + lower[from..].find('<')?;
        Some(page[from..to].trim().chars().take(200).collect::<String>())
    });
    match title.filter(|title| !title.is_empty()) {
        Some(title) => format!("a web page, “{title}”"),
        None => "a web page".to_owned(),
    }
}

fn page_or_text(body: &[u8]) -> String {
    if is_page(body) {
        title_of(body)
    } else {
        String::from_utf8_lossy(body).trim().chars().take(500).collect()
    }
}

fn timestamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
