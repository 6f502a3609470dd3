//! The configuration beyond what a start refuses: what was probably not meant.

use std::net::IpAddr;

use http::Uri;

use super::{Check, Patient};
use crate::config::Provider;
use crate::server::Certificate;
use crate::settings::correspondents;

/// Numbers and secrets for each provider. What `config check` refuses has ended the command before.
pub(super) fn configuration(patient: &Patient) -> Check {
    let id = "configuration";
    let config = &patient.config;
    let (mut carried, mut idle) = (Vec::new(), Vec::new());
    for correspondent in correspondents(config) {
        let name = correspondent.tongue.name();
        let numbers = config.numbers.iter().filter(|number| number.provider.name() == name).count();
        let secrets = correspondent.secret.accepted().count();
        match numbers {
            0 => idle.push(name),
            _ => carried.push(format!("{name} has {} and {}", counted(numbers, "number"), counted(secrets, "secret"))),
        }
    }
    let file = patient.file.as_ref().map_or("the environment".to_owned(), |file| file.display().to_string());
    let check = if let [name, ..] = idle[..] {
        let text = format!("{file}: no number is at {name}; write it into [[numbers]], or take [providers.{name}] out");
        Check::warn(id, text)
    } else if is_open(&patient.origin) {
        let text = format!(
            "{file}: server.public_base_url is plain http, so that anybody on the way reads codes and sessions; write https"
        );
        Check::warn(id, text)
    } else {
        Check::ok(id, format!("{file}: {}", carried.join(", ")))
    };
    Provider::ALL.into_iter().filter(|provider| config.providers.has(*provider)).fold(check, |check, provider| {
        let numbers = config.numbers.iter().filter(|number| number.provider == provider).count();
        check.with(&format!("{}_numbers", provider.name()), numbers)
    })
}

/// Whether the files of `[tls]` can be used.
pub(super) fn certificate(patient: &Patient) -> Vec<Check> {
    let id = "certificate";
    let read = patient.config.tls.as_ref().map(Certificate::read);
    read.map(|read| match read {
        Ok(_) => Check::ok(id, "the certificate and its key belong together"),
        Err(error) => Check::fail(id, error.to_string()),
    })
    .into_iter()
    .collect()
}

/// Whether an origin sends in clear over more than this machine.
fn is_open(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("http") && !is_here
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
