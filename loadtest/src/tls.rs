//! People who come for the first time: a connection, a TLS 1.3 handshake, and a page.

use std::path::{Path, PathBuf};

use clap::Args;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;

use crate::door::Door;
use crate::load::{LoadOptions, People, Plan, Step, Usual, Visit};
use crate::scan::shown;
use crate::usage::TagOptions;

const USUAL: Usual = Usual { scenario: "tls", steps: &["page"], rate: 200, seconds: 30, zipf: 0.0, curve: Usual::EVEN };

/// The options of `tls`.
#[derive(Debug, Args)]
pub(crate) struct TlsOptions {
    #[command(flatten)]
    tags: TagOptions,
    /// The certificate that the engine shows, or that of who signed it, in PEM.
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    #[command(flatten)]
    load: LoadOptions,
}

/// Everybody who comes.
#[derive(Debug)]
pub(crate) struct Crowd {
    door: Door,
    people: People,
}

impl TlsOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan<Crowd>, String> {
        let target = self.tags.door.secure_target()?;
        let tls = strangers(&self.ca).map_err(|cause| format!("{}: {cause}", self.ca.display()))?;
        let (course, people) = self.load.crowd(&USUAL, &self.tags)?;
        Ok(Plan::new(course, Crowd { door: Door::of_strangers(target, tls), people }))
    }
}

/// TLS of browsers that were never here before.
fn strangers(ca: &Path) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|cause| cause.to_string())? {
        let certificate = certificate.map_err(|cause| cause.to_string())?;
        roots.add(certificate).map_err(|cause| cause.to_string())?;
    }
    if roots.is_empty() {
        return Err("no certificate in PEM".to_owned());
    }
    let tls = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
    tls.resumption = Resumption::disabled();
    Ok(tls)
}

impl Visit for Crowd {
    async fn visit(&self, nth: u64, due: Instant) -> Vec<Step> {
        let person = self.people.person(nth);
        let address = person.address.to_string();
        let answer = self.door.scan(person.code, &[("accept", "text/html"), ("x-forwarded-for", &address)]).await;
        vec![Step::first(due, shown(answer))]
    }
}
