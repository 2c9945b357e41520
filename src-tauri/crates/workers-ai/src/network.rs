//! How connections are made: time limits, proxies, certificates. No redirect is ever followed.

use crate::error::{Error, Waited};
use reqwest::{NoProxy, Proxy, redirect};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Limits of waiting. There is none for an answer as a whole: a long answer is not a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, the secure one included.
    pub connect: Duration,
    /// From sending to the first byte of the answer. Models that think are silent for long, and a queue comes before them.
    pub first_byte: Duration,
    /// For silence inside an answer. Comments that keep a stream alive break the silence.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(90),
        }
    }
}

/// The way to the network, as a person sets it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Limits of waiting.
    pub timeouts: Timeouts,
    /// `http://`, `https://` or `socks5://`; `None` is the system's (environment variables included).
    pub proxy: Option<String>,
    /// A PEM file with certificate authorities that are trusted besides the system's.
    pub custom_ca: Option<PathBuf>,
}

/// A client for `base`.
///
/// # Errors
/// [`Error::Misconfigured`] for a proxy address or a certificate file that cannot be used.
pub(crate) fn http(base: &Url, network: &Network) -> Result<reqwest::Client, Error> {
    builder(base, network)?.build().map_err(|error| misconfigured("network", &error))
}

/// A client for `base` whose name stands for these addresses, whatever it stands for elsewhere.
pub(crate) fn pinned(
    base: &Url,
    addresses: &[std::net::SocketAddr],
    network: &Network,
) -> Result<reqwest::Client, Error> {
    let host = base.host_str().unwrap_or_default();
    let builder = builder(base, network)?.resolve_to_addrs(host, addresses);
    builder.build().map_err(|error| misconfigured("network", &error))
}

fn builder(base: &Url, network: &Network) -> Result<reqwest::ClientBuilder, Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("Edgewise/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(network.timeouts.connect)
        .tcp_keepalive(Duration::from_secs(30))
        .referer(false);
    if is_loopback(base) {
        // Whatever the system says: a proxy cannot reach this machine's loopback.
        builder = builder.no_proxy();
    } else if let Some(address) = &network.proxy {
        builder = builder.proxy(proxy(address)?);
    }
    if let Some(file) = &network.custom_ca {
        builder = builder.tls_certs_merge(authorities(file)?);
    }
    Ok(builder)
}

fn proxy(address: &str) -> Result<Proxy, Error> {
    let loopback = NoProxy::from_string("localhost,127.0.0.0/8,::1");
    Proxy::all(address.trim())
        .map(|proxy| proxy.no_proxy(loopback))
        .map_err(|error| misconfigured("proxy", &error))
}

fn authorities(file: &PathBuf) -> Result<Vec<reqwest::Certificate>, Error> {
    let what = "certificate file";
    let pem = std::fs::read(file).map_err(|error| misconfigured(what, &error))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| misconfigured(what, &error))?;
    if found.is_empty() {
        return Err(Error::Misconfigured { what, detail: "it holds no certificate".to_owned() });
    }
    Ok(found)
}

fn misconfigured(what: &'static str, error: &dyn std::error::Error) -> Error {
    Error::Misconfigured { what, detail: chain(error) }
}

/// The address is this machine's own.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What a failed request means. `connect` is the limit that was set for connecting.
pub(crate) fn failed_to_send(error: reqwest::Error, connect: Duration) -> Error {
    let error = error.without_url();
    let text = chain(&error);
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["proxy authorization required"]) {
        Error::ProxyRefused("it asks for a name and a password (HTTP 407)".to_owned())
    } else if has(&["tunnel error", "socks error", "proxy connect"]) {
        Error::ProxyRefused(text)
    } else if has(&[
        "certificate",
        "tls",
        "handshake",
        "received fatal alert",
        "peer misbehaved",
        "corrupt message",
    ]) {
        Error::TlsRefused(text)
    } else if error.is_timeout() {
        Error::TimedOut(Waited::Connection(connect))
    } else if error.is_connect() {
        Error::Unreachable(text)
    } else if error.is_builder() {
        Error::InvalidInput(text)
    } else {
        Error::StreamCut(text)
    }
}

/// What it means when the body of an answer breaks off.
pub(crate) fn failed_to_read(error: reqwest::Error) -> Error {
    Error::StreamCut(chain(&error.without_url()))
}

/// An error with its causes, in one line, without repetitions.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_all_its_names() {
        for (address, expected) in [
            ("http://127.0.0.1:1/", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:80/", true),
            ("http://localhost:1/", true),
            ("https://api.cloudflare.com/", false),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(address).unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_at_once() {
        let base = Url::parse("https://api.cloudflare.com/client/v4").unwrap();
        let proxied = Network { proxy: Some("http://[".to_owned()), ..Network::default() };
        assert!(matches!(http(&base, &proxied), Err(Error::Misconfigured { what: "proxy", .. })));
        let certified = Network { custom_ca: Some("/does/not/exist.pem".into()), ..Network::default() };
        assert!(matches!(
            http(&base, &certified),
            Err(Error::Misconfigured { what: "certificate file", .. })
        ));
    }
}
