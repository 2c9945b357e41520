//! The ways in which a connection does not come about, over real sockets: refusal, names, proxies, certificates.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

mod support;

use domain::FaultCode;
use rcgen::{CertificateParams, KeyPair};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{GLM, ask, endpoint, say};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use workers_ai::{Client, Error, Network, Timeouts, Waited};

fn quick() -> Network {
    let timeouts = Timeouts {
        connect: Duration::from_secs(1),
        first_byte: Duration::from_secs(3),
        idle: Duration::from_secs(1),
    };
    Network { timeouts, ..Network::default() }
}

fn client(base_url: &str, network: &Network) -> Client {
    Client::new(endpoint(base_url, "cfut_canary"), network).unwrap()
}

async fn fails(client: &Client) -> Error {
    client.can_use_workers_ai().await.unwrap_err()
}

/// Answers every connection with these bytes after its request's head; gives the heads it saw.
async fn server(answer: &'static [u8]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let head = head_of(&mut socket).await;
            seen.lock().unwrap().push(head);
            // The client may have gone: that is what some tests are about.
            let _ = socket.write_all(answer).await;
        }
    });
    (address, heads)
}

async fn head_of(socket: &mut TcpStream) -> String {
    let mut reader = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).await.unwrap_or(0) == 0 {
            break;
        }
    }
    head
}

#[tokio::test]
async fn a_refused_connection_is_offline_and_tried_again_within_ten_seconds() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let started = std::time::Instant::now();
    let error = fails(&client(&format!("http://{free}"), &quick())).await;
    assert_eq!(error.fault().code, FaultCode::Offline, "{error}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_offline() {
    let error = fails(&client("https://name.invalid/client/v4", &quick())).await;
    assert!(matches!(error.fault().code, FaultCode::Offline | FaultCode::ProxyRefused), "{error}");
    assert!(!error.to_string().contains("cfut_"), "{error}");
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up() {
    // A socket that listens and never accepts: its queue fills, and further connections hang.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let error = fails(&client(&format!("https://{address}"), &quick())).await;
    let expected = [Waited::Connection(Duration::from_secs(1)), Waited::FirstByte(Duration::from_secs(3))];
    assert!(matches!(&error, Error::TimedOut(waited) if expected.contains(waited)), "{error:?}");
    assert_eq!(error.fault().code, FaultCode::TimedOut);
}

#[tokio::test]
async fn a_proxy_that_asks_for_credentials_has_its_own_fault_and_never_sees_the_token() {
    let (address, heads) =
        server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
    let network = Network { proxy: Some(format!("http://{address}")), ..quick() };
    let error = fails(&client("https://api.example.com/client/v4", &network)).await;
    assert_eq!(error.fault().code, FaultCode::ProxyRefused, "{error}");
    let seen = heads.lock().unwrap().join("\n");
    assert!(seen.starts_with("CONNECT api.example.com:443"), "{seen}");
    assert!(!seen.contains("canary"), "the token goes to the service only");
}

#[tokio::test]
async fn a_proxy_that_drops_or_refuses_is_named() {
    for answer in [&b""[..], b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"] {
        let (address, _) = server(answer).await;
        let network = Network { proxy: Some(format!("http://{address}")), ..quick() };
        let error = fails(&client("https://api.example.com/client/v4", &network)).await;
        assert_eq!(error.fault().code, FaultCode::ProxyRefused, "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn loopback_never_goes_through_a_proxy() {
    let (proxy, heads) = server(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    let simulator = support::start().await;
    let network = Network { proxy: Some(format!("http://{proxy}")), ..quick() };
    client(&simulator.base_url(), &network).can_use_workers_ai().await.unwrap();
    assert!(heads.lock().unwrap().is_empty());
}

/// A TLS server with a certificate of its own; answers every request with an empty catalogue.
async fn tls_server(params: CertificateParams) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let mut request = [0; 4096];
            if socket.read(&mut request).await.is_ok() {
                let body = r#"{"success":true,"errors":[],"result":[]}"#;
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                // A client that hung up has what it wanted.
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        }
    });
    (format!("https://localhost:{port}"), certificate.pem())
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn trusting(pem: &str) -> (Network, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    (Network { custom_ca: Some(file.path().to_owned()), ..quick() }, file)
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_unless_the_person_trusts_it() {
    let (address, pem) = tls_server(named("localhost")).await;
    let error = fails(&client(&address, &quick())).await;
    assert_eq!(error.fault().code, FaultCode::TlsRefused, "{error}");
    let (network, _file) = trusting(&pem);
    client(&address, &network).can_use_workers_ai().await.unwrap();
}

#[tokio::test]
async fn an_expired_certificate_and_one_for_another_name_are_refused_with_the_reason() {
    let mut expired = named("localhost");
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let (address, pem) = tls_server(expired).await;
    let (network, _file) = trusting(&pem);
    let error = fails(&client(&address, &network)).await;
    assert_eq!(error.fault().code, FaultCode::TlsRefused, "{error}");
    assert!(error.to_string().to_lowercase().contains("expired"), "{error}");

    let (address, pem) = tls_server(named("elsewhere.example")).await;
    let (network, _file) = trusting(&pem);
    let error = fails(&client(&address, &network)).await;
    assert_eq!(error.fault().code, FaultCode::TlsRefused, "{error}");
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_refused() {
    let (address, heads) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let error = fails(&client(&format!("https://{address}"), &quick())).await;
    assert!(matches!(error.fault().code, FaultCode::TlsRefused | FaultCode::Offline), "{error}");
    assert!(!heads.lock().unwrap().join("").contains("canary"));
}

#[tokio::test]
async fn an_answer_cut_in_its_body_is_cut_and_not_malformed() {
    let (address, _) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"success\":true,").await;
    let error = fails(&client(&format!("http://{address}"), &quick())).await;
    assert_eq!(error.fault().code, FaultCode::StreamCut, "{error}");
    let (address, _) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{").await;
    let error = fails(&client(&format!("http://{address}"), &quick())).await;
    assert!(matches!(error, Error::AnswerTooLarge { .. }), "an announced bomb is not even begun: {error}");
}

#[tokio::test]
async fn an_answer_that_ended_well_leaves_its_connection_to_the_next() {
    let simulator = support::start().await;
    let client = support::client(&simulator);
    for _ in 0..5 {
        assert_eq!(ask(&client, &say(GLM, "again")).await.unwrap().text, "again");
    }
    assert!(simulator.requests().iter().all(|seen| !seen.closed_early), "none was broken off");
}
