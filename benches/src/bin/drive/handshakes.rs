//! `handshakes`: a connection, TLS 1.3, one page, and the end, again and again. Nobody comes with a ticket: each is a
//! stranger's first connection.

use std::sync::Arc;
use std::time::Instant;

use qnect_benches::Failure;
use qnect_benches::options::Options;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{CipherSuite, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::client::Client;
use crate::closed_loop;
use crate::scanner;

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (to, codes, connections) = (options.server()?, options.lines("codes")?, options.number("connections")?);
    let (connector, name) = (connector()?, ServerName::try_from("qnect.example")?);
    let until = Instant::now() + options.duration()?;
    let run = closed_loop::run(connections, async |connection, tally| {
        let mut nth = connection;
        while Instant::now() < until {
            let (request, asked) = (scanner::scan(&codes[nth % codes.len()], "text/html", nth), Instant::now());
            let stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            let mut client = Client::over(connector.connect(name.clone(), stream).await?);
            match client.ask(&request).await? {
                answer if answer.status == 200 => tally.good(asked, answer),
                answer => tally.bad(format!("status {}", answer.status)),
            }
            client.close().await;
            nth += connections;
        }
        Ok(())
    })?;
    run.tell()
}

fn connector() -> Result<TlsConnector, Failure> {
    let mut provider = ring::default_provider();
    // As browsers have it, on telephones above all.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let provider = Arc::new(provider);
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config).into())
}

/// Believes any server: what a client proves to itself is not what is measured, and would take the processor from the
/// server.
#[derive(Debug)]
struct Trusting(Arc<CryptoProvider>);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
