//! One web page that the person asked for by its address, under rules that keep an address from reaching what only this
//! machine can reach: `http` and `https` only, no private address (unless this machine's own was typed), the name's addresses
//! looked up once and held on to, each redirect under the same rules and never to this machine, limits on size and time.
//! No token, no cookie and no referrer goes along.

use crate::error::{Error, Waited};
use crate::network::{self, Network};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use url::{Host, Url};

/// The largest page that is read, in bytes.
const LARGEST: usize = 32 * 1024 * 1024;
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// The longest that all of it may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it was found in the end.
    pub address: String,
    /// What the server calls it, without parameters.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Page {
    /// A name for it as a file, by its address and media type.
    pub fn name(&self) -> String {
        let url = Url::parse(&self.address).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or("page").to_owned();
        let last = url
            .as_ref()
            .and_then(|url| url.path_segments()?.rfind(|part| !part.is_empty()).map(str::to_owned))
            .unwrap_or_default();
        if last.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && (1..=5).contains(&end.len())) {
            return last;
        }
        let extension = match self.media_type.as_str() {
            "application/pdf" => "pdf",
            "text/plain" => "txt",
            "text/markdown" => "md",
            "application/json" => "json",
            _ => "html",
        };
        if last.is_empty() { format!("{host}.{extension}") } else { format!("{host} {last}.{extension}") }
    }
}

/// Fetches a page.
///
/// # Errors
/// [`Error::InvalidInput`] for an address that is not fetched, [`Error::AnswerTooLarge`], [`Error::NotTheService`] for
/// an answer without a page, and those of the network.
pub async fn fetch(address: &str, network: &Network) -> Result<Page, Error> {
    let fetching = follow(address, network);
    let patience = Error::TimedOut(Waited::FirstByte(PATIENCE));
    tokio::time::timeout(PATIENCE, fetching).await.unwrap_or(Err(patience))
}

async fn follow(address: &str, network: &Network) -> Result<Page, Error> {
    let mut url = parse(address)?;
    let loopback = network::is_loopback(&url);
    for _ in 0..=REDIRECTS {
        let response = get(&url, loopback, network).await?;
        if !response.status().is_redirection() {
            return read(url, response).await;
        }
        let next = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let next = url.join(next).map_err(|error| refused(&error.to_string()))?;
        let next = parse(next.as_str())?;
        if network::is_loopback(&next) && !loopback {
            return Err(refused("the page leads to this machine"));
        }
        url = next;
    }
    Err(refused("the page leads on and on"))
}

fn parse(address: &str) -> Result<Url, Error> {
    let address = address.trim();
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let url = Url::parse(&with_scheme).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("only http and https are fetched"));
    }
    if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err(refused("an address with a name and a password, or without a host"));
    }
    Ok(url)
}

async fn get(url: &Url, loopback: bool, network: &Network) -> Result<reqwest::Response, Error> {
    let addresses = addresses(url).await?;
    if let Some(private) = addresses.iter().find(|address| !may_be_reached(address.ip(), loopback)) {
        return Err(refused(&format!("{} is an address of a private network", private.ip())));
    }
    let client = network::pinned(url, &addresses, network)?;
    let connect = network.timeouts.connect;
    client.get(url.clone()).send().await.map_err(|error| network::failed_to_send(error, connect))
}

/// What the host's name stands for. Looked up here, and held on to: another answer a moment later changes nothing.
async fn addresses(url: &Url) -> Result<Vec<SocketAddr>, Error> {
    let port = url.port_or_known_default().unwrap_or(443);
    let unreachable = |error: std::io::Error| Error::Unreachable(error.to_string());
    let found: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![(address, port).into()],
        Some(Host::Ipv6(address)) => vec![(address, port).into()],
        Some(Host::Domain(name)) => {
            tokio::net::lookup_host((name, port)).await.map_err(unreachable)?.collect()
        }
        None => Vec::new(),
    };
    if found.is_empty() { Err(Error::Unreachable("the name has no address".to_owned())) } else { Ok(found) }
}

async fn read(url: Url, mut response: reqwest::Response) -> Result<Page, Error> {
    let status = response.status();
    if !status.is_success() {
        let detail = status.canonical_reason().unwrap_or_default().to_owned();
        return Err(Error::NotTheService { status: status.as_u16(), detail });
    }
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type =
        media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_lowercase();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network::failed_to_read)? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(Error::AnswerTooLarge { limit: LARGEST });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Page { address: url.to_string(), media_type, bytes })
}

fn refused(why: &str) -> Error {
    Error::InvalidInput(format!("this address is not fetched: {why}"))
}

/// The public internet, or this machine itself when that was asked for.
fn may_be_reached(address: IpAddr, loopback: bool) -> bool {
    match address {
        _ if loopback => address.is_loopback(),
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

/// By the IANA registry of special-purpose addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is given out; of it not documentation, and not the ways to IPv4 that hide an address.
    (0x2000..0x4000).contains(&first)
        && !(first == 0x2001 && (second == 0 || second == 0x0db8))
        && first != 0x2002
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_out_of_reach_in_every_spelling() {
        for private in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ] {
            let address: IpAddr = private.parse().unwrap();
            assert!(!may_be_reached(address, false), "{private}");
        }
        for public in ["1.1.1.1", "104.16.132.229", "2606:4700::6810:84e5"] {
            assert!(may_be_reached(public.parse().unwrap(), false), "{public}");
            assert!(
                !may_be_reached(public.parse().unwrap(), true),
                "a local name that points elsewhere: {public}"
            );
        }
    }

    #[tokio::test]
    async fn addresses_that_are_no_web_pages_are_refused_before_anything_is_sent() {
        for address in [
            "file:///etc/passwd",
            "ftp://example.com/",
            "http://10.0.0.1/",
            "http://[::ffff:127.0.0.1]/x",
            "https://user:secret@example.com/",
            "http://2130706433.example.invalid:0/",
            "http://169.254.169.254/latest",
        ] {
            assert!(fetch(address, &Network::default()).await.is_err(), "{address}");
        }
        let told = fetch("http://192.168.0.1/", &Network::default()).await.unwrap_err();
        assert!(matches!(told, Error::InvalidInput(_)), "{told}");
    }

    #[test]
    fn a_page_has_a_name_that_says_what_it_is() {
        let page = |address: &str, media_type: &str| {
            Page { address: address.into(), media_type: media_type.into(), bytes: Vec::new() }.name()
        };
        assert_eq!(page("https://example.com/", "text/html"), "example.com.html");
        assert_eq!(page("https://example.com/a/guide", "text/html"), "example.com guide.html");
        assert_eq!(page("https://example.com/a/paper.pdf", "application/pdf"), "paper.pdf");
        assert_eq!(page("https://example.com/download", "application/pdf"), "example.com download.pdf");
    }
}
