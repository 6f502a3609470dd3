//! People who come for the first time, at a door behind TLS.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::door::Door;
use crate::open::{play, report, visits};
use crate::{file, path};

/// A door with a certificate, and the certificate in a file.
async fn secure_door() -> (Door, NamedTempFile) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(cert.der()));
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let tls = TlsAcceptor::from(Arc::new(config.expect("a configuration")));
    let page = |_: &str, _: &_| (200, "text/html", "<p>page</p>".to_owned());
    (Door::open_through(Some(tls), page).await, file(&pem))
}

#[tokio::test]
async fn everybody_comes_for_the_first_time_and_gets_a_page() {
    let (door, ca) = secure_door().await;
    let report = report("tls", &door, &["--rate", "30", "--ca", path(&ca)]).await;
    assert!(visits(&report) > 10 && report["good_visits"] == report["visits"], "{report}");
    assert_eq!(door.handshakes() as u64, visits(&report), "one whole handshake each");
    assert!(door.asked().iter().all(|asked| asked.accept == "text/html" && asked.path.starts_with("/q/TAG")));
    assert_eq!(report["latency_us"]["page"]["answers"], report["visits"]);
}

#[tokio::test]
async fn nobody_talks_to_a_door_with_another_certificate() {
    let ((door, _), (_, another)) = (secure_door().await, secure_door().await);
    let report = report("tls", &door, &["--rate", "20", "--ca", path(&another)]).await;
    assert_eq!((&report["wrong"], &report["wrong_by_reason"]["no connection"]), (&report["visits"], &report["visits"]));
    assert!(door.asked().is_empty());
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_before_anybody_comes() {
    let (door, _) = secure_door().await;
    let nothing = file("nothing\n");
    let output = play("tls", &door, &["--ca", path(&nothing)]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no certificate in PEM"), "{output:?}");
    let plain = Door::open(|_, _| (200, "text/html", String::new())).await;
    let output = play("tls", &plain, &["--ca", path(&nothing)]).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("the target must be https://host[:port]"), "{output:?}");
}
