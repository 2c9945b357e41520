//! A client over a scripted server, for the tests of this crate.

pub(crate) use crate::wire::script::{Answer, Server};

use crate::client::{Client, Endpoint};
use crate::network::Timeouts;
use crate::token::ApiToken;
use crate::wire::Wire;

pub(crate) fn client(server: &Server) -> Client {
    client_with(server, "cfut_test")
}

pub(crate) fn client_with(server: &Server, token: &str) -> Client {
    let endpoint = Endpoint {
        base_url: "https://api.cloudflare.com/client/v4".to_owned(),
        account_id: "0123456789abcdef0123456789abcdef".to_owned(),
        token: ApiToken::new(token).unwrap(),
        gateway: Some("desk".to_owned()),
    };
    Client::over(endpoint, Timeouts::default(), Wire::Scripted(server.clone())).unwrap()
}

pub(crate) fn paths(server: &Server) -> Vec<String> {
    server.seen().iter().map(|seen| seen.request.url.path().to_owned()).collect()
}
