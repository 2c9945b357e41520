//! One account on the wire: its address, its token, its limits. Cheap to clone; all clones share the limits.

use crate::classify::{self, Answer};
use crate::cooldown::Cooldown;
use crate::error::Error;
use crate::network::{self, Network, Timeouts};
use crate::pace::Pace;
use crate::prices::PriceList;
use crate::token::ApiToken;
use crate::tries::{Repeat, Tries, Wait};
use crate::wire::{Payload, Reply, Request, Wire};
use domain::{ModelId, Task};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use url::Url;

/// Cloudflare's API.
pub const CLOUDFLARE: &str = "https://api.cloudflare.com/client/v4";

/// An answer in JSON is not larger than this: a bomb is.
pub(crate) const LARGEST_JSON: usize = 16 * 1024 * 1024;
/// An error is not larger than this.
const LARGEST_ERROR: usize = 512 * 1024;

/// Where requests go, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// [`CLOUDFLARE`], or what stands for it.
    pub base_url: String,
    /// Cloudflare's account id; empty only while accounts are looked for.
    pub account_id: String,
    /// The token.
    pub token: ApiToken,
    /// AI Gateway to go through.
    pub gateway: Option<String>,
}

/// A client for one account.
#[derive(Clone)]
pub struct Client {
    pub(crate) account: Arc<Account>,
    on_wait: Option<Arc<dyn Fn(Wait) + Send + Sync>>,
}

/// What all clones share.
pub(crate) struct Account {
    base: String,
    pub(crate) id: String,
    pub(crate) token: ApiToken,
    gateway: Option<HeaderValue>,
    pub(crate) timeouts: Timeouts,
    wire: Wire,
    pub(crate) pace: Pace,
    pub(crate) cooldown: Cooldown,
    pub(crate) prices: PriceList,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Client")
            .field("base", &self.account.base)
            .field("account", &self.account.id)
            .finish()
    }
}

/// What a call for JSON brought.
#[derive(Debug)]
pub(crate) struct Answered {
    /// `result` of the envelope, or the whole body where there is none.
    pub(crate) value: Value,
    /// `result_info` of the envelope.
    pub(crate) info: Value,
    /// From the header.
    pub(crate) neurons: Option<f64>,
}

impl Client {
    /// A client for an account. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] when the address is not `https` (or this machine), when the account id or gateway cannot
    /// be one, or when a network setting cannot be used.
    pub fn new(endpoint: Endpoint, network: &Network) -> Result<Self, Error> {
        let base = base_url(&endpoint.base_url)?;
        if base.scheme() == "http" && !network::is_loopback(&base) {
            let detail = "a key is not sent over http:// to another machine".to_owned();
            return Err(Error::Misconfigured { what: "address", detail });
        }
        Self::without_secret(endpoint, network)
    }

    /// A client whose requests carry no token, so that plain http is no danger.
    pub(crate) fn without_secret(endpoint: Endpoint, network: &Network) -> Result<Self, Error> {
        let http = network::http(&base_url(&endpoint.base_url)?, network)?;
        Self::over(endpoint, network.timeouts, Wire::Network { http, connect: network.timeouts.connect })
    }

    pub(crate) fn over(endpoint: Endpoint, timeouts: Timeouts, wire: Wire) -> Result<Self, Error> {
        let id = endpoint.account_id.trim().to_owned();
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            let detail = "it is made of letters and digits only".to_owned();
            return Err(Error::Misconfigured { what: "account id", detail });
        }
        let gateway = endpoint.gateway.as_deref().map(str::trim).filter(|gateway| !gateway.is_empty());
        let gateway = gateway
            .map(HeaderValue::from_str)
            .transpose()
            .map_err(|error| Error::Misconfigured { what: "gateway", detail: error.to_string() })?;
        let account = Account {
            base: base_url(&endpoint.base_url)?.as_str().trim_end_matches('/').to_owned(),
            id,
            token: endpoint.token,
            gateway,
            timeouts,
            wire,
            pace: Pace::default(),
            cooldown: Cooldown::default(),
            prices: PriceList::default(),
        };
        Ok(Self { account: Arc::new(account), on_wait: None })
    }

    /// A clone that reports each pause it makes: before a repeated request, or because the account is asked to wait.
    #[must_use]
    pub fn on_wait(&self, report: impl Fn(Wait) + Send + Sync + 'static) -> Self {
        Self { account: Arc::clone(&self.account), on_wait: Some(Arc::new(report)) }
    }

    /// The account's id.
    pub fn account_id(&self) -> &str {
        &self.account.id
    }

    pub(crate) fn report(&self, wait: Wait) {
        if let Some(report) = &self.on_wait {
            report(wait);
        }
    }

    /// A request below `{base}`, with the token.
    pub(crate) fn request(&self, method: Method, path: &str, payload: Payload) -> Result<Request, Error> {
        let text = format!("{}/{path}", self.account.base);
        let url = Url::parse(&text).map_err(|error| Error::InvalidInput(format!("no address: {error}")))?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.account.token.header());
        Ok(Request { method, url, headers, payload })
    }

    /// A request below `{base}/accounts/{id}`.
    pub(crate) fn account_request(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<Request, Error> {
        if self.account.id.is_empty() {
            let detail = "it is missing".to_owned();
            return Err(Error::Misconfigured { what: "account id", detail });
        }
        self.request(method, &format!("accounts/{}/{path}", self.account.id), payload)
    }

    /// A request that runs a model, through the gateway if there is one.
    pub(crate) fn model_request(&self, path: &str, payload: Payload) -> Result<Request, Error> {
        let mut request = self.account_request(Method::POST, path, payload)?;
        if let Some(gateway) = &self.account.gateway {
            request.headers.insert(HeaderName::from_static("cf-aig-gateway-id"), gateway.clone());
        }
        Ok(request)
    }

    /// `ai/run/{model}`: the id keeps its slashes and its `@`.
    pub(crate) fn run_path(model: &ModelId) -> Result<String, Error> {
        let id = model.as_str();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"@/._-:".contains(&byte);
        if id.is_empty() || id.contains("..") || !id.bytes().all(legal) {
            return Err(Error::InvalidInput(format!("“{id}” is no model")));
        }
        Ok(format!("ai/run/{id}"))
    }

    /// Sends once. Anything but a 2xx becomes an error.
    pub(crate) async fn send(&self, request: &Request, first_byte: Duration) -> Result<Reply, Error> {
        let mut reply = self.account.wire.send(request, first_byte, self.account.timeouts.idle).await?;
        if (200..300).contains(&reply.status) {
            return Ok(reply);
        }
        // The error's own words are wanted, but a status without them is better than another error.
        let body = reply.read(LARGEST_ERROR).await.unwrap_or_default();
        let answer =
            Answer { status: reply.status, headers: &reply.headers, body: &body, now: SystemTime::now() };
        Err(classify::classify(&answer))
    }

    /// Asks for JSON, with tries.
    pub(crate) async fn json(&self, call: &Call) -> Result<Answered, Error> {
        let mut tries = Tries::begin(self, call.task, call.model.as_ref(), call.repeat).await;
        loop {
            tries.ready().await?;
            match self.json_once(call).await {
                Ok(answered) => return Ok(answered),
                Err(error) => tries.after(error).await?,
            }
        }
    }

    async fn json_once(&self, call: &Call) -> Result<Answered, Error> {
        let mut reply = self.send(&call.request, call.first_byte).await?;
        let body = reply.read(call.limit).await?;
        let value = parse(&reply, &body)?;
        Ok(unwrap_envelope(value, reply.neurons()))
    }

    /// Asks for bytes, with tries: the answer whole, whatever it is.
    pub(crate) async fn bytes(&self, call: &Call) -> Result<(Reply, Vec<u8>), Error> {
        let mut tries = Tries::begin(self, call.task, call.model.as_ref(), call.repeat).await;
        loop {
            tries.ready().await?;
            let outcome = match self.send(&call.request, call.first_byte).await {
                Ok(mut reply) => reply.read(call.limit).await.map(|body| (reply, body)),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => tries.after(error).await?,
            }
        }
    }
}

/// A call that is no chat.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) task: Task,
    pub(crate) model: Option<ModelId>,
    pub(crate) repeat: Repeat,
    pub(crate) first_byte: Duration,
    pub(crate) limit: usize,
}

impl Call {
    pub(crate) fn new(client: &Client, request: Request, task: Task) -> Self {
        let first_byte = client.account.timeouts.first_byte;
        Self { request, task, model: None, repeat: Repeat::Freely, first_byte, limit: LARGEST_JSON }
    }

    pub(crate) fn of(mut self, model: &ModelId) -> Self {
        self.model = Some(model.clone());
        self
    }

    pub(crate) fn at_most(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Slow work that costs: wait longer, and repeat only what was not begun.
    pub(crate) fn costly(mut self, patience: Duration) -> Self {
        self.repeat = Repeat::OnlyUnbilled;
        self.first_byte = self.first_byte.max(patience);
        self
    }
}

/// The body as JSON, if it is an answer and no error.
pub(crate) fn parse(reply: &Reply, body: &[u8]) -> Result<Value, Error> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if classify::is_page(body) {
        return Err(Error::NotTheService { status: reply.status, detail: classify::title_of(body) });
    }
    let value: Value =
        serde_json::from_slice(body).map_err(|error| Error::AnswerMalformed(error.to_string()))?;
    match classify::error_in(&value, &reply.headers, SystemTime::now()) {
        Some(error) => Err(error),
        None => Ok(value),
    }
}

/// Takes `result` out of Cloudflare's envelope. OpenAI-style answers have none.
fn unwrap_envelope(mut value: Value, neurons: Option<f64>) -> Answered {
    let info = value.get_mut("result_info").map(Value::take).unwrap_or_default();
    let enveloped = value.get("success").is_some() || value.get("errors").is_some();
    match value.get_mut("result") {
        Some(result) if enveloped || !result.is_null() => Answered { value: result.take(), info, neurons },
        _ => Answered { value, info, neurons },
    }
}

/// The address, if it is nothing but an address.
pub(crate) fn base_url(text: &str) -> Result<Url, Error> {
    let refuse = |detail: &str| Error::Misconfigured { what: "address", detail: detail.to_owned() };
    let url = Url::parse(text.trim()).map_err(|error| refuse(&error.to_string()))?;
    if url.host_str().is_none() || !matches!(url.scheme(), "https" | "http") {
        return Err(refuse("it has to begin with https://"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(refuse("it holds more than a host and a path"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base_url: &str, account_id: &str) -> Endpoint {
        let token = ApiToken::new("cfut_canary").unwrap();
        Endpoint { base_url: base_url.to_owned(), account_id: account_id.to_owned(), token, gateway: None }
    }

    #[test]
    fn a_token_goes_only_where_it_is_safe() {
        for (address, allowed) in [
            (CLOUDFLARE, true),
            ("http://127.0.0.1:8080/client/v4/", true),
            ("http://localhost:1", true),
            ("http://api.cloudflare.com/client/v4", false),
            ("https://user:pw@api.cloudflare.com", false),
            ("ftp://127.0.0.1", false),
            ("api.cloudflare.com", false),
            ("https://h/?x=1", false),
        ] {
            let made = Client::new(endpoint(address, "0123"), &Network::default());
            assert_eq!(made.is_ok(), allowed, "{address}");
        }
    }

    #[test]
    fn paths_cannot_be_bent() {
        let made = Client::new(endpoint(CLOUDFLARE, "../x"), &Network::default());
        assert!(matches!(made, Err(Error::Misconfigured { what: "account id", .. })));
        let client = Client::new(endpoint(CLOUDFLARE, " 0123\n"), &Network::default()).unwrap();
        assert_eq!(client.account_id(), "0123");
        for model in ["", "@cf/../x", "@cf/a?b", "@cf/a b", "@cf/a#b", "@cf/%2e"] {
            assert!(Client::run_path(&ModelId::from(model)).is_err(), "{model}");
        }
        let path = Client::run_path(&ModelId::from("@cf/meta/llama-3.2-3b-instruct")).unwrap();
        let request = client.model_request(&path, Payload::Nothing).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://api.cloudflare.com/client/v4/accounts/0123/ai/run/@cf/meta/llama-3.2-3b-instruct"
        );
    }

    #[test]
    fn nothing_prints_the_token() {
        let client = Client::new(endpoint(CLOUDFLARE, "0123"), &Network::default()).unwrap();
        let request = client.model_request("ai/run/x", Payload::Nothing).unwrap();
        let printed = format!("{client:?} {request:?} {:?}", endpoint(CLOUDFLARE, "0123"));
        assert!(!printed.contains("canary"), "{printed}");
        assert!(!request.url.as_str().contains("canary"));
    }
}
