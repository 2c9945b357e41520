//! Whether the service can be reached, and by which way: one small request without a token. It spends nothing.

use crate::classify::{self, Answer};
use crate::client::base_url;
use crate::error::Error;
use crate::network::{self, Network, is_loopback};
use crate::wire::{Payload, Request, Wire};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::de::IgnoredAny;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use url::Url;

/// No model thinks here: what is silent for longer does not answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// The answer is some hundred bytes.
const LARGEST: usize = 512 * 1024;
/// A proxy wants a name and a password.
const PROXY_ASKS: u16 = 407;

/// Asks the address for an answer, whichever, and tells how long it took. Without a token the service refuses, and that is
/// an answer.
///
/// # Errors
/// Those of the network; [`Error::NotTheService`] when a web page comes in its place; what a service in trouble says.
pub async fn reach(address: &str, network: &Network) -> Result<Duration, Error> {
    let base = base_url(address)?;
    let (http, connect) = (network::http(&base, network)?, network.timeouts.connect);
    let text = format!("{}/user/tokens/verify", base.as_str().trim_end_matches('/'));
    let url = Url::parse(&text).map_err(|error| Error::InvalidInput(format!("no address: {error}")))?;
    let request = Request { method: Method::GET, url, headers: HeaderMap::new(), payload: Payload::Nothing };
    let begun = Instant::now();
    let (first_byte, idle) = (network.timeouts.first_byte.min(PATIENCE), network.timeouts.idle.min(PATIENCE));
    let mut reply = Wire::Network { http, connect }.send(&request, first_byte, idle).await?;
    let body = reply.read(LARGEST).await?;
    let took = begun.elapsed();
    let (status, headers) = (reply.status, &reply.headers);
    if !matches!(status, 200..=299 | 400..=499) || status == PROXY_ASKS {
        return Err(classify::classify(&Answer { status, headers, body: &body, now: SystemTime::now() }));
    }
    // The service speaks JSON, whatever it says; a page of who stands between does not.
    match serde_json::from_slice::<IgnoredAny>(&body) {
        Ok(_) => Ok(took),
        Err(_) => Err(Error::NotTheService { status, detail: classify::title_of(&body) }),
    }
}

/// The proxy between here and the address: the one that was set, else the system's. Without the name and password in it.
pub fn proxy_to(address: &str, network: &Network) -> Option<String> {
    let base = base_url(address).ok()?;
    if is_loopback(&base) {
        return None;
    }
    match &network.proxy {
        Some(set) => Some(without_user(set.trim())),
        None => {
            let way = Matcher::from_system().intercept(&base.as_str().parse().ok()?)?;
            Some(without_user(&way.uri().to_string()))
        }
    }
}

fn without_user(address: &str) -> String {
    let parse = |text: &str| Url::parse(text).ok().filter(Url::has_host);
    // `user:password@host` is taken for a proxy too, and without a scheme is no URL of a host.
    let Some(mut url) = parse(address).or_else(|| parse(&format!("http://{address}"))) else {
        return "of an address that is none".to_owned();
    };
    // It fails only for a URL without a host.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_told_without_its_password_and_never_for_this_machine() {
        let with = |proxy: &str| Network { proxy: Some(proxy.to_owned()), ..Network::default() };
        for (set, told) in [
            ("http://ada:secret@proxy.example:3128", "http://proxy.example:3128"),
            (" socks5://proxy.example:1080/ ", "socks5://proxy.example:1080"),
            ("ada:secret@proxy.example:3128", "http://proxy.example:3128"),
        ] {
            assert_eq!(proxy_to(crate::CLOUDFLARE, &with(set)).as_deref(), Some(told), "{set}");
        }
        assert_eq!(proxy_to("http://127.0.0.1:8080/client/v4", &with("http://proxy.example:3128")), None);
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_is_reached() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/client/v4", listener.local_addr().unwrap());
        drop(listener);
        let error = reach(&address, &Network::default()).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    }
}
