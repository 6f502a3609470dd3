//! TLS: whom we trust, and that a stranger learns nothing.

use qnect_providers::rest::{Plivo, RestMethod, RestRequest};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::wire::{Silence, Wire, tls};
use super::account;
use super::server::{Reply, Server};

/// What a client of a server with a certificate for `name`, trusting it or nobody, hears; and how many requests the server
/// got.
async fn ask(name: &str, trusting: bool) -> (Result<u16, Silence>, usize) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(provider.into()).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config.expect("a certificate with its key")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let mut server = Server::on(listener, Some(acceptor), |_| Reply::status(204));

    let mut roots = RootCertStore::empty();
    if trusting {
        roots.add(cert.der().clone()).expect("an authority");
    }
    let config = tls().with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let wire = Wire::over(config, &account(&Plivo, &server.origin)).expect("a wire");
    let heard = wire.send(&RestRequest { method: RestMethod::Get, path: "/v1/".into(), form: None }).await;
    (heard.map(|heard| heard.status), server.waiting())
}

#[tokio::test]
async fn only_who_proves_to_be_the_provider_is_asked() {
    assert_eq!(ask("127.0.0.1", true).await, (Ok(204), 1));
    assert_eq!(ask("127.0.0.1", false).await, (Err(Silence::Unreachable), 0), "of an unknown authority");
    assert_eq!(ask("api.example", true).await, (Err(Silence::Unreachable), 0), "somebody else's certificate");
}

#[tokio::test]
async fn a_provider_with_tls_is_trusted_by_what_the_machine_trusts() {
    // Nobody connects: that it can be set up, or says what is missing, is all.
    match Wire::new(&account(&Plivo, "https://127.0.0.1:1")) {
        Ok(_) => {}
        Err(error) => assert!(error.to_string().contains("ca-certificates"), "{error}"),
    }
}
