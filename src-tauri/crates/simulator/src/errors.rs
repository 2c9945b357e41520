//! Every error the service is known to give (reference, section 9), by a name that scenarios use, and the
//! envelopes it travels in.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::random::uuid_of;
use crate::scenario::ErrorShape;

/// One row of the table: what a scenario calls it, and what goes over the wire.
struct Row {
    name: &'static str,
    status: u16,
    /// 0: an error without a code.
    code: u32,
    message: &'static str,
    shape: ErrorShape,
}

const fn row(name: &'static str, status: u16, code: u32, message: &'static str) -> Row {
    Row { name, status, code, message, shape: ErrorShape::Envelope }
}

const fn page(name: &'static str, status: u16) -> Row {
    Row { name, status, code: 0, message: "", shape: ErrorShape::Html }
}

const fn gateway(name: &'static str, status: u16, code: u32, message: &'static str) -> Row {
    Row { name, status, code, message, shape: ErrorShape::Gateway }
}

const TABLE: &[Row] = &[
    row("incomplete_request", 400, 3003, "AiError: Incomplete request: missing headers or body"),
    row("request_too_large", 413, 3006, "AiError: Request is too large"),
    row("timeout", 408, 3007, "AiError: Request timed out"),
    row("aborted", 408, 3008, "AiError: Request was aborted"),
    row("account_blocked", 403, 3023, "AiError: Account is blocked"),
    row("content_refused", 400, 3030, "AiError: AiError: Input prompt contains NSFW content"),
    row(
        "output_flagged",
        400,
        3030,
        "AiError: AiError: Your output has been flagged. Please choose another prompt / input image combination",
    ),
    row("sequence_too_long", 400, 3030, "AiError: AiError: Sequence too long: 9000 > 8192"),
    row(
        "daily_allowance",
        429,
        3036,
        "AiError: you have used up your daily free allocation of 10,000 neurons, please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage.",
    ),
    row(
        "daily_allowance_4006",
        429,
        4006,
        "AiError: you have used up your daily free allocation of 10,000 neurons, please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage.",
    ),
    row(
        "finetune_files_missing",
        400,
        3039,
        "AiError: Finetune is missing required files (model.safetensors and config.json)",
    ),
    row("capacity", 429, 3040, "AiError: Capacity temporarily exceeded, please try again."),
    row("not_allowed", 403, 3041, "AiError: This account is not allowed to use this model"),
    row("gated", 403, 5018, "AiError: This account is not allowed to access this model"),
    row("invalid_model", 404, 3042, "AiError: Invalid model ID"),
    row("internal", 500, 3043, "AiError: Internal server error"),
    row("invalid_base64", 400, 5004, "AiError: Invalid data: invalid type for base64 input"),
    row("no_lora", 405, 5005, "AiError: Model does not support LoRA"),
    row(
        "schema",
        400,
        5006,
        "AiError: AiError: Bad input: Error: Type mismatch of '/messages/0/content', 'array' not in 'string'",
    ),
    row("no_such_model", 400, 5007, "No such model @cf/none/none or task"),
    row("licence", 403, 5016, "AiError: User has not agreed to Llama3.2 model terms"),
    row("deprecated_sdk", 405, 5019, "AiError: Request is from a deprecated SDK version"),
    row(
        "context",
        413,
        5021,
        "AiError: The estimated number of input and maximum output tokens (131100) exceeded this model context window limit (131072).",
    ),
    row("json_mode", 400, 5023, "AiError: JSON Mode couldn't be met"),
    row(
        "deprecated",
        410,
        5028,
        "AiError: This model was deprecated on 2026-05-30. Please use an alternative model.",
    ),
    row(
        "deprecated_400",
        400,
        5028,
        "AiError: This model was deprecated on 2026-05-30. Please use an alternative model.",
    ),
    row(
        "deprecated_text",
        410,
        0,
        "AiError: Model has been deprecated: @cf/meta/infire-llama-3.1-8b-instruct was deprecated on 2025-10-01. Please use another model.",
    ),
    row("paid_plan", 403, 5035, "AiError: This model requires the Workers Paid plan"),
    row("invalid_input", 400, 8001, "AiError: Invalid input"),
    row(
        "provider",
        400,
        8007,
        "AiError: AiError: {\"error\":{\"message\":\"Prompt was rejected by the content filter\"}}",
    ),
    row("invalid_token", 401, 1000, "Invalid API Token"),
    row("authorization_header", 400, 6003, "Invalid request headers"),
    row(
        "no_route",
        404,
        7003,
        "Could not route to /client/v4/accounts/none/ai, perhaps your object identifier is invalid?",
    ),
    row("user_endpoint", 403, 9106, "Authentication failed (status: 403)"),
    row("unauthorized", 403, 9109, "Unauthorized to access requested resource"),
    row("authentication", 401, 10000, "Authentication error"),
    row("permission", 403, 10000, "Authentication error"),
    row("method_scheme", 405, 10405, "Method not allowed for this authentication scheme"),
    row("rate_limit", 429, 0, "Rate limit exceeded. Please wait and try again."),
    row("server_error", 500, 0, "Internal server error"),
    page("page_500", 500),
    page("page_502", 502),
    page("page_503", 503),
    page("page_504", 504),
    page("page_520", 520),
    page("page_524", 524),
    gateway("gateway_unknown", 400, 2001, "Please configure AI Gateway in the Cloudflare dashboard"),
    gateway("gateway_unauthorized", 401, 2009, "Unauthorized"),
    gateway("gateway_rate_limit", 429, 2003, "Rate limited"),
];

/// The names that [`crate::Effects::error`] knows.
pub fn names() -> Vec<&'static str> {
    TABLE.iter().map(|row| row.name).collect()
}

/// An error answer before it is put into an envelope.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) shape: ErrorShape,
    /// Further `(code, message)` of `error_chain`.
    pub(crate) chain: Option<(u32, &'static str)>,
}

impl Refusal {
    /// The row of this name; an unknown name gives a 500 that says so, which a test notices.
    pub(crate) fn named(name: &str) -> Self {
        match TABLE.iter().find(|row| row.name == name) {
            Some(row) => Refusal {
                status: row.status,
                code: row.code,
                message: row.message.to_owned(),
                shape: row.shape,
                chain: (row.code == 6003).then_some((6111, "Invalid format for Authorization header")),
            },
            None => Refusal {
                message: format!("simulator: no error is named `{name}`"),
                ..Self::named("server_error")
            },
        }
    }

    /// The row of this name with another text.
    pub(crate) fn saying(name: &str, message: impl Into<String>) -> Self {
        Refusal { message: message.into(), ..Self::named(name) }
    }

    /// 400 / 5006: the input does not fit the model's schema.
    pub(crate) fn schema(what: impl std::fmt::Display) -> Self {
        Self::saying("schema", format!("AiError: AiError: Bad input: Error: {what}"))
    }

    pub(crate) fn no_such_model(id: &str) -> Self {
        Self::saying("no_such_model", format!("No such model {id} or task"))
    }

    pub(crate) fn no_route(path: &str) -> Self {
        let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
        Self::saying("no_route", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Refusal { status: 405, code: 0, ..Self::saying("server_error", "Method not allowed") }
    }

    #[must_use]
    pub(crate) fn shaped(mut self, shape: ErrorShape) -> Self {
        self.shape = shape;
        self
    }

    /// The text as the wire has it: inference errors end with a UUID in parentheses, for support.
    pub(crate) fn text(&self) -> String {
        if self.message.starts_with("AiError: ") {
            format!("{} ({})", self.message, uuid_of(&self.message))
        } else {
            self.message.clone()
        }
    }

    /// The whole answer.
    pub(crate) fn answer(&self) -> Answer {
        match self.shape {
            ErrorShape::Html => Answer::bytes("text/html; charset=UTF-8", page_of(self.status).into_bytes()),
            ErrorShape::Empty => Answer::bytes("text/plain", Vec::new()),
            ErrorShape::Envelope | ErrorShape::Openai | ErrorShape::Gateway => Answer::json(&self.body()),
        }
        .with_status(self.status)
    }

    fn body(&self) -> Value {
        match self.shape {
            ErrorShape::Openai => json!({"error": {
                "message": self.text(),
                "code": openai_code(self.code, self.status),
                "type": if self.status < 500 { "invalid_request_error" } else { "server_error" },
                "param": null }}),
            ErrorShape::Gateway => json!({
                "success": false, "result": [], "messages": [],
                "error": [self.entry()],
                "name": "AiGatewayError", "httpCode": self.status, "internalCode": self.code }),
            ErrorShape::Envelope | ErrorShape::Html | ErrorShape::Empty => {
                let result = if self.text().starts_with("AiError") { json!({}) } else { Value::Null };
                json!({"result": result, "success": false, "errors": [self.entry()], "messages": []})
            }
        }
    }

    fn entry(&self) -> Value {
        let mut entry = json!({"message": self.text()});
        if self.code > 0 {
            entry["code"] = json!(self.code);
        }
        if let Some((code, message)) = self.chain {
            entry["error_chain"] = json!([{"code": code, "message": message}]);
        }
        entry
    }
}

fn openai_code(code: u32, status: u16) -> Value {
    match (code, status) {
        (5006 | 3030, _) => json!("invalid_prompt"),
        (0, 429) => json!("rate_limit_exceeded"),
        (0, _) => Value::Null,
        (code, _) => json!(code.to_string()),
    }
}

fn page_of(status: u16) -> String {
    let title = match status {
        500 => "Internal server error",
        502 => "Bad gateway",
        503 => "Service temporarily unavailable",
        504 => "Gateway time-out",
        524 => "A timeout occurred",
        _ => "Web server returned an unknown error",
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>api.cloudflare.com | {status}: {title}</title></head>\
         <body><h1>{title}</h1><p>Error code {status}. This page was made by a simulation.</p></body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_row_can_be_asked_for() {
        let mut all = names();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "two rows have one name");
        assert!(all.iter().all(|name| !Refusal::named(name).message.starts_with("simulator:")));
    }

    #[test]
    fn inference_errors_end_with_an_id_for_support() {
        let text = Refusal::named("capacity").text();
        assert!(text.starts_with("AiError: Capacity temporarily exceeded, please try again. ("));
        assert!(text.ends_with(')') && text.len() > 90, "{text}");
    }
}
