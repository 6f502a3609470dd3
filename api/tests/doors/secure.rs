//! Certificates of this test's own, and clients that trust them.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;

use crate::folder::Folder;

/// Whom clients ask for.
const NAME: &str = "qnect.example";

/// The same as TLS wants it.
pub(crate) fn name() -> ServerName<'static> {
    NAME.try_into().expect("a name")
}

/// A new certificate and its key in the folder's two files, in place of those that are there.
pub(crate) fn certify(folder: &Folder) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
    // A file of its own takes the old one's place, as renewing tools do it.
    for (file, text) in
        [("tls.crt", pem("CERTIFICATE", cert.der())), ("tls.key", pem("PRIVATE KEY", &signing_key.serialize_der()))]
    {
        std::fs::write(folder.path("new"), text).expect("a written file");
        std::fs::rename(folder.path("new"), folder.path(file)).expect("a file in its place");
    }
    cert.der().clone()
}

fn pem(label: &str, bytes: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(bytes))
}

/// The same folder with TLS, and its first certificate.
pub(crate) fn with_tls(folder: Folder) -> (Folder, CertificateDer<'static>) {
    let certificate = certify(&folder);
    let (certificate_file, key_file) = (folder.text("tls.crt"), folder.text("tls.key"));
    let folder = folder.set("TLS__CERTIFICATE_FILE", &certificate_file).set("TLS__PRIVATE_KEY_FILE", &key_file);
    (folder, certificate)
}

/// A client's side of TLS that trusts `certificate` and offers these protocols.
pub(crate) fn client(
    certificate: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("an authority");
    let provider = rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into()).with_protocol_versions(versions);
    let mut config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// The same, ready to connect with what is usual.
pub(crate) fn connector(certificate: &CertificateDer<'static>) -> TlsConnector {
    client(certificate, rustls::ALL_VERSIONS, &["http/1.1"]).into()
}
