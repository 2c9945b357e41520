//! Scenarios: which requests are answered wrongly, late or not at all, and how. Plain data with a JSON form,
//! so that a test, a file for `simulate --scenario` and a call to `/_simulator/scenario` say it the same way.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

/// Rules, tried in order. Several may match one request: their effects join, and the earlier rule wins where both
/// set the same thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// The rules.
    pub rules: Vec<Rule>,
}

/// When, how often, and what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Which requests; the default is all.
    pub when: When,
    /// How many matching requests it applies to before it retires; `None` is always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What happens to them.
    pub then: Effects,
}

/// A request matches when every field that is set does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// `GET`, `POST`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The decoded path contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The model's id, from path or body, contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The body contains these bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Only the n-th request, counted from 1, of those that match the other fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Only from the n-th request on, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
}

/// Everything that can go otherwise than usual. Unset fields change nothing. Positions in bytes count the answer's
/// body; positions in tokens count the text chunks of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Effects {
    // -- instead of the answer
    /// A named error; see [`crate::error_names`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The shape of that error's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_shape: Option<ErrorShape>,
    /// Bytes to send as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<RawAnswer>,
    /// 302 to this address (or [`Effects::status`], when set).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// 200 with a web page, as a captive portal does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captive_portal: Option<bool>,
    /// The request is read and the connection ends without a byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<NoAnswer>,

    // -- status and headers
    /// Overrides the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `Retry-After`, any text; the empty text removes the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// Overrides `Content-Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Further headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `cf-ai-neurons`: on, also for streams, or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neurons_header: Option<bool>,

    // -- what a chat model says
    /// The answer's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its thoughts, in the model's own place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<String>,
    /// Where token counts appear in a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsagePlace>,
    /// Plain JSON where a stream was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_instead_of_stream: Option<bool>,

    // -- the form of a stream
    /// An error inside the stream, after which it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_error: Option<StreamError>,
    /// A `data:` line of broken JSON after this many tokens; the stream goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad_json_after: Option<usize>,
    /// An event of this many bytes of padding at the start of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub huge_event: Option<usize>,
    /// No `[DONE]` at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_done: Option<bool>,
    /// Line ends of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_end: Option<LineEnd>,
    /// A byte order mark before the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_order_mark: Option<bool>,
    /// `: keep-alive` comments: one before every n-th event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment_every: Option<usize>,

    // -- time and the connection
    /// Tokens per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Milliseconds before status and headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<u64>,
    /// Milliseconds between the headers and the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_delay_ms: Option<u64>,
    /// The body leaves in pieces of this many bytes, each in its own packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_bytes: Option<usize>,
    /// Milliseconds between those pieces (default 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_pause_ms: Option<u64>,
    /// Silence after n bytes, until the client gives up or `stall_ms` have passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_after: Option<usize>,
    /// How long the stall lasts; `None` is for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<u64>,
    /// During silence a `: keep-alive` comment is sent each so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive_ms: Option<u64>,
    /// The connection closes (FIN) after n bytes, without the end of the chunked body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_after: Option<usize>,
    /// The body ends properly, as HTTP sees it, after n bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_after: Option<usize>,
    /// The connection is reset (RST) after n bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_after: Option<usize>,
    /// This many spaces follow the body, to try a client's size limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pad_body: Option<u64>,

    // -- pictures
    /// A damaged picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFault>,

    // -- the account
    /// As [`crate::Options::free_plan`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_plan: Option<bool>,
    /// As [`crate::Options::enforce_allowance`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_allowance: Option<bool>,
    /// As [`crate::Options::licence_step`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence_step: Option<bool>,
}

/// The envelope an error travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// Cloudflare's: `{"success":false,"errors":[...]}`.
    Envelope,
    /// OpenAI's: `{"error":{"message":...}}`.
    Openai,
    /// AI Gateway's: `{"success":false,"error":[...]}`.
    Gateway,
    /// A page of the edge.
    Html,
    /// The code and the status alone.
    Empty,
}

/// Bytes to send verbatim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAnswer {
    /// Its content type.
    pub content_type: String,
    /// The body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as base64, when it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

impl RawAnswer {
    /// The bytes; base64 that cannot be read counts as empty.
    pub fn bytes(&self) -> Vec<u8> {
        let encoded = self.body_base64.as_ref().and_then(|text| BASE64.decode(text).ok());
        encoded.unwrap_or_else(|| self.body.clone().unwrap_or_default().into_bytes())
    }
}

/// How a connection ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// Silence until the client gives up.
    Silence,
}

/// An error after the stream has begun; the service documents no form, so each seen one is here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamError {
    /// Tokens that arrive before it.
    #[serde(default)]
    pub after: usize,
    /// Its form.
    #[serde(default)]
    pub shape: StreamErrorShape,
    /// Which error; see [`crate::error_names`].
    #[serde(default = "capacity")]
    pub error: String,
}

fn capacity() -> String {
    "capacity".to_owned()
}

/// The forms of an error inside a stream (reference, section 2.11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamErrorShape {
    /// `{"errors":[{"code":...,"message":...}], ...}`
    #[default]
    Errors,
    /// `{"error":{"message":...,"code":...}}`
    ErrorObject,
    /// `{"error":"..."}`
    ErrorText,
    /// A chunk with `finish_reason: "error"`.
    FinishReason,
}

/// Where token counts appear in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsagePlace {
    /// On every chunk, growing.
    Every,
    /// Once, at the end.
    Final,
    /// Nowhere.
    Absent,
}

/// Line ends of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// `\n`
    Lf,
    /// `\r\n`
    Crlf,
    /// `\r`
    Cr,
}

/// Ways in which a picture arrives wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFault {
    /// Half of the bytes (of the base64 text, where the model answers so).
    Truncated,
    /// Characters that base64 does not have; for raw bytes, noise.
    BadAlphabet,
    /// Base64 broken into lines with spaces: still a good picture to a tolerant reader.
    Whitespace,
    /// A `data:image/png;base64,` prefix: still good.
    DataUri,
    /// No bytes at all.
    Empty,
    /// A web page instead.
    Html,
    /// An SVG with a script.
    Svg,
    /// A JSON error labelled `image/png`.
    JsonError,
    /// A PNG that declares 65,500 by 65,500 pixels.
    Bomb,
    /// 64 MiB of zero bytes after the picture.
    Huge,
    /// A good picture under a wrong content type (`text/plain`); JSON models are not changed.
    WrongType,
    /// Raw bytes where base64 in JSON is usual, and the other way round.
    OtherForm,
}

impl Scenario {
    /// One rule for every request.
    pub fn always(effects: Effects) -> Self {
        Scenario { rules: vec![Rule::new(effects)] }
    }

    /// This rule alone.
    pub fn one(rule: Rule) -> Self {
        Scenario { rules: vec![rule] }
    }

    /// Adds a rule after the others.
    #[must_use]
    pub fn and(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The same effects for requests to paths that contain `path` only, for every rule that names none.
    #[must_use]
    pub fn on_path(mut self, path: &str) -> Self {
        for rule in self.rules.iter_mut().filter(|rule| rule.when.path.is_none()) {
            rule.when.path = Some(path.to_owned());
        }
        self
    }

    /// Only the first n matching requests, for every rule without a limit.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        for rule in self.rules.iter_mut().filter(|rule| rule.times.is_none()) {
            rule.times = Some(n);
        }
        self
    }

    /// A named error; see [`crate::error_names`].
    pub fn error(name: &str) -> Self {
        Self::always(Effects::error(name))
    }

    /// A named error with this `Retry-After` (empty: without the header).
    pub fn error_with_retry_after(name: &str, retry_after: &str) -> Self {
        Self::always(Effects { retry_after: Some(retry_after.to_owned()), ..Effects::error(name) })
    }

    /// The connection closes after n bytes of the body.
    pub fn cut_after(n: usize) -> Self {
        Self::always(Effects { cut_after: Some(n), ..Effects::default() })
    }

    /// The body ends properly after n bytes.
    pub fn end_after(n: usize) -> Self {
        Self::always(Effects { end_after: Some(n), ..Effects::default() })
    }

    /// The connection is reset after n bytes of the body.
    pub fn reset_after(n: usize) -> Self {
        Self::always(Effects { reset_after: Some(n), ..Effects::default() })
    }

    /// Silence after n bytes of the body, for ever.
    pub fn stall_after(n: usize) -> Self {
        Self::always(Effects { stall_after: Some(n), ..Effects::default() })
    }

    /// Every byte in its own packet.
    pub fn byte_by_byte() -> Self {
        Self::chunks_of(1)
    }

    /// The body in packets of n bytes.
    pub fn chunks_of(n: usize) -> Self {
        Self::always(Effects { chunk_bytes: Some(n), ..Effects::default() })
    }

    /// Tokens per second.
    pub fn speed(tokens_per_second: f64) -> Self {
        Self::always(Effects { speed: Some(tokens_per_second), ..Effects::default() })
    }

    /// Milliseconds before the status line.
    pub fn slow_first_byte(ms: u64) -> Self {
        Self::always(Effects { first_byte_ms: Some(ms), ..Effects::default() })
    }

    /// A web page with status 200.
    pub fn captive_portal() -> Self {
        Self::always(Effects { captive_portal: Some(true), ..Effects::default() })
    }

    /// JSON where a stream was asked for.
    pub fn json_instead_of_stream() -> Self {
        Self::always(Effects { json_instead_of_stream: Some(true), ..Effects::default() })
    }

    /// An error inside the stream after n tokens.
    pub fn stream_error(after: usize, shape: StreamErrorShape) -> Self {
        let error = StreamError { after, shape, error: capacity() };
        Self::always(Effects { stream_error: Some(error), ..Effects::default() })
    }

    /// A line of broken JSON after n tokens.
    pub fn bad_json_after(n: usize) -> Self {
        Self::always(Effects { bad_json_after: Some(n), ..Effects::default() })
    }

    /// No `[DONE]`.
    pub fn no_done() -> Self {
        Self::always(Effects { no_done: Some(true), ..Effects::default() })
    }

    /// Other line ends.
    pub fn line_end(line_end: LineEnd) -> Self {
        Self::always(Effects { line_end: Some(line_end), ..Effects::default() })
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self::always(Effects { redirect: Some(to.to_owned()), ..Effects::default() })
    }

    /// A damaged picture.
    pub fn image(fault: ImageFault) -> Self {
        Self::always(Effects { image: Some(fault), ..Effects::default() })
    }

    /// Chat models answer exactly this.
    pub fn text(text: &str) -> Self {
        Self::always(Effects { text: Some(text.to_owned()), ..Effects::default() })
    }

    /// These bytes, as they are.
    pub fn raw_stream(bytes: impl AsRef<[u8]>, content_type: &str) -> Self {
        Self::one(Rule::raw_stream(bytes, content_type))
    }
}

impl Rule {
    /// Effects for every request.
    pub fn new(then: Effects) -> Self {
        Rule { when: When::default(), times: None, then }
    }

    /// A named error for every request.
    pub fn error(name: &str) -> Self {
        Self::new(Effects::error(name))
    }

    /// A recorded body, sent as it is with status 200.
    pub fn raw_stream(bytes: impl AsRef<[u8]>, content_type: &str) -> Self {
        let bytes = bytes.as_ref();
        let (body, body_base64) = match std::str::from_utf8(bytes) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(BASE64.encode(bytes))),
        };
        let answer = RawAnswer { content_type: content_type.to_owned(), body, body_base64 };
        Self::new(Effects { answer: Some(answer), ..Effects::default() })
    }

    /// Only paths that contain this.
    #[must_use]
    pub fn on_path(mut self, path: &str) -> Self {
        self.when.path = Some(path.to_owned());
        self
    }

    /// Only models whose id contains this.
    #[must_use]
    pub fn on_model(mut self, model: &str) -> Self {
        self.when.model = Some(model.to_owned());
        self
    }

    /// Only the n-th matching request, from 1.
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        self.when.nth = Some(n);
        self
    }

    /// Only the n-th matching request and those after it.
    #[must_use]
    pub fn from(mut self, n: u64) -> Self {
        self.when.from = Some(n);
        self
    }

    /// At most n matching requests.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }
}

impl Effects {
    /// A named error.
    pub fn error(name: &str) -> Self {
        Effects { error: Some(name.to_owned()), ..Effects::default() }
    }

    /// These effects, and where one is unset, that of `other`.
    #[must_use]
    pub fn or(self, other: &Effects) -> Effects {
        let other = other.clone();
        let mut headers = other.headers;
        headers.extend(self.headers);
        Effects {
            headers,
            error: self.error.or(other.error),
            error_shape: self.error_shape.or(other.error_shape),
            answer: self.answer.or(other.answer),
            redirect: self.redirect.or(other.redirect),
            captive_portal: self.captive_portal.or(other.captive_portal),
            no_answer: self.no_answer.or(other.no_answer),
            status: self.status.or(other.status),
            retry_after: self.retry_after.or(other.retry_after),
            content_type: self.content_type.or(other.content_type),
            neurons_header: self.neurons_header.or(other.neurons_header),
            text: self.text.or(other.text),
            thoughts: self.thoughts.or(other.thoughts),
            usage: self.usage.or(other.usage),
            json_instead_of_stream: self.json_instead_of_stream.or(other.json_instead_of_stream),
            stream_error: self.stream_error.or(other.stream_error),
            bad_json_after: self.bad_json_after.or(other.bad_json_after),
            huge_event: self.huge_event.or(other.huge_event),
            no_done: self.no_done.or(other.no_done),
            line_end: self.line_end.or(other.line_end),
            byte_order_mark: self.byte_order_mark.or(other.byte_order_mark),
            comment_every: self.comment_every.or(other.comment_every),
            speed: self.speed.or(other.speed),
            first_byte_ms: self.first_byte_ms.or(other.first_byte_ms),
            body_delay_ms: self.body_delay_ms.or(other.body_delay_ms),
            chunk_bytes: self.chunk_bytes.or(other.chunk_bytes),
            chunk_pause_ms: self.chunk_pause_ms.or(other.chunk_pause_ms),
            stall_after: self.stall_after.or(other.stall_after),
            stall_ms: self.stall_ms.or(other.stall_ms),
            keep_alive_ms: self.keep_alive_ms.or(other.keep_alive_ms),
            cut_after: self.cut_after.or(other.cut_after),
            end_after: self.end_after.or(other.end_after),
            reset_after: self.reset_after.or(other.reset_after),
            pad_body: self.pad_body.or(other.pad_body),
            image: self.image.or(other.image),
            free_plan: self.free_plan.or(other.free_plan),
            enforce_allowance: self.enforce_allowance.or(other.enforce_allowance),
            licence_step: self.licence_step.or(other.licence_step),
        }
    }
}

/// A scenario with the counters of its rules.
#[derive(Debug, Default)]
pub(crate) struct Running {
    scenario: Scenario,
    matched: Vec<u64>,
    applied: Vec<u64>,
}

/// What a rule can look at.
pub(crate) struct Seeing<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) model: &'a str,
    pub(crate) body: &'a [u8],
}

impl Running {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let rules = scenario.rules.len();
        Running { scenario, matched: vec![0; rules], applied: vec![0; rules] }
    }

    pub(crate) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The joined effects for this request; counts it.
    pub(crate) fn effects(&mut self, request: &Seeing<'_>) -> Effects {
        let mut joined = Effects::default();
        for (i, rule) in self.scenario.rules.iter().enumerate() {
            if !rule.when.fits(request) {
                continue;
            }
            self.matched[i] += 1;
            let turn = self.matched[i];
            let in_turn = rule.when.nth.is_none_or(|n| n == turn) && rule.when.from.is_none_or(|n| turn >= n);
            if in_turn && rule.times.is_none_or(|times| self.applied[i] < times) {
                self.applied[i] += 1;
                joined = joined.or(&rule.then);
            }
        }
        joined
    }
}

impl When {
    fn fits(&self, request: &Seeing<'_>) -> bool {
        self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(request.method))
            && self.path.as_ref().is_none_or(|part| request.path.contains(part.as_str()))
            && self.model.as_ref().is_none_or(|part| request.model.contains(part.as_str()))
            && self.body.as_ref().is_none_or(|part| contains(request.body, part.as_bytes()))
    }
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    part.is_empty() || body.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(body: &[u8]) -> Seeing<'_> {
        Seeing { method: "POST", path: "/a/ai/run/@cf/x/y", model: "@cf/x/y", body }
    }

    #[test]
    fn rules_count_only_what_they_match() {
        let rule = Rule::error("capacity").on_path("ai/run").from(2).times(2);
        let mut running = Running::new(Scenario::one(rule));
        running.effects(&Seeing { method: "GET", path: "/accounts", model: "", body: b"" });
        let seen: Vec<bool> = (0..5).map(|_| running.effects(&chat(b"")).error.is_some()).collect();
        assert_eq!(seen, [false, true, true, false, false]);
    }

    #[test]
    fn the_earlier_rule_wins_and_the_later_fills_gaps() {
        let scenario = Scenario::speed(5.0).and(Rule::new(Effects {
            speed: Some(9.0),
            no_done: Some(true),
            ..Effects::default()
        }));
        let effects = Running::new(scenario).effects(&chat(b""));
        assert_eq!((effects.speed, effects.no_done), (Some(5.0), Some(true)));
    }

    #[test]
    fn a_scenario_survives_its_json_form() {
        let scenario = Scenario::error_with_retry_after("rate_limit", "2")
            .and(Rule::raw_stream([0xff, 0x00], "text/plain").on_model("glm").nth(3))
            .and(Rule::new(Effects { image: Some(ImageFault::Bomb), ..Effects::default() }));
        let text = serde_json::to_string(&scenario).expect("plain data");
        assert_eq!(serde_json::from_str::<Scenario>(&text).expect("own form"), scenario);
        assert!(
            serde_json::from_str::<Scenario>(r#"{"rules":[{"then":{"sped":1}}]}"#).is_err(),
            "typos are refused"
        );
    }
}
