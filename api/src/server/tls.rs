//! TLS: the certificate, which may change under a running server, and how a handshake is made.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{self, Ticketer};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::{SignalKind, signal};

use crate::config;

/// What is offered, the better first.
const PROTOCOLS: [&[u8]; 2] = [H2, b"http/1.1"];
/// HTTP/2, as a client and a server agree on it.
pub(super) const H2: &[u8] = b"h2";
/// How often the files are looked at. A certificate that is renewed is so weeks before its end.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A chain of certificates or a key is never longer; `/dev/zero` would not end.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{key}: can't read {} ({cause}); name a readable file in PEM", file.display())]
    File {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file is not what it should be.
    #[error("{key}: {} has no {wanted} in PEM; name the file that has it", file.display())]
    Pem {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// The two do not belong together, or are of a kind that rustls does not know.
    #[error(
        "tls.certificate_file and tls.private_key_file cannot be used together: {0}; name a certificate and its key"
    )]
    Pair(#[from] rustls::Error),
}

/// The certificate in use, and where it comes from.
#[derive(Debug)]
pub struct Certificate {
    files: config::Tls,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
}

/// What tells that a file was replaced: of each, when it was written and which file it is.
type Stamps = [Option<(i64, i64, u64)>; 2];

impl Certificate {
    /// Reads both files. Blocks.
    pub fn read(files: &config::Tls) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let current = RwLock::new(Arc::new(certified_key(files, &provider)?));
        Ok(Arc::new(Self { files: files.clone(), provider, current }))
    }

    /// What handshakes need: TLS 1.2 and 1.3, HTTP/2 or HTTP/1.1, and tickets, so that a client that comes again is
    /// spared the signature.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        config.ticketer = Ticketer::new()?;
        // One for each connection that is made: each of those that a client comes with again brings the next.
        config.send_tls13_tickets = 1;
        Ok(Arc::new(config))
    }

    /// Reads both files again whenever one was replaced, or SIGHUP asks for it. Files that are no good leave the
    /// certificate as it is.
    pub async fn keep_fresh(self: Arc<Self>) -> io::Result<()> {
        let mut asked = signal(SignalKind::hangup())?;
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut stamps = self.stamps();
        loop {
            let is_asked = tokio::select! {
                _ = asked.recv() => true,
                _ = look.tick() => false,
            };
            let certificate = self.clone();
            // A file may be on a disk that hangs.
            let looked = tokio::task::spawn_blocking(move || certificate.renew(is_asked, stamps)).await;
            stamps = looked.unwrap_or(stamps);
        }
    }

    /// Returns what the files' stamps were before they were read.
    fn renew(&self, is_asked: bool, known: Stamps) -> Stamps {
        let stamps = self.stamps();
        if !is_asked && stamps == known {
            return known;
        }
        match certified_key(&self.files, &self.provider) {
            Ok(read) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
                tracing::info!("the certificate was read again");
            }
            Err(error) => tracing::warn!(%error, "the certificate stays as it was"),
        }
        stamps
    }

    fn stamps(&self) -> Stamps {
        let stamp = |file: &Path| file.metadata().map(|data| (data.mtime(), data.mtime_nsec(), data.ino())).ok();
        [stamp(&self.files.certificate_file), stamp(&self.files.private_key_file)]
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn certified_key(files: &config::Tls, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let (key, file) = ("tls.certificate_file", &files.certificate_file);
    let wrong = |wanted| move |_: pem::Error| TlsError::Pem { key, file: file.clone(), wanted };
    let text = text(key, file)?;
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(wrong("certificate"))?;
    if chain.is_empty() {
        return Err(wrong("certificate")(pem::Error::NoItemsFound));
    }
    let (key, file) = ("tls.private_key_file", &files.private_key_file);
    let wrong = |_: pem::Error| TlsError::Pem { key, file: file.clone(), wanted: "private key" };
    let private = PrivateKeyDer::from_pem_slice(&self::text(key, file)?).map_err(wrong)?;
    Ok(CertifiedKey::from_der(chain, private, provider)?)
}

fn text(key: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    let mut text = Vec::new();
    let read = File::open(file).and_then(|open| open.take(FILE_BYTES_MAX).read_to_end(&mut text));
    read.map_err(|cause| TlsError::File { key, file: file.to_owned(), cause })?;
    Ok(text)
}
