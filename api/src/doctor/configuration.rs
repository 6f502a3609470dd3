//! The configuration beyond what a start refuses: what was probably not meant.

use super::{Check, Patient};
use crate::server::Certificate;
use crate::settings::{accounts, correspondents};

/// Numbers and secrets for each provider. What `config check` refuses has ended the command before.
pub(super) fn configuration(patient: &Patient) -> Check {
    let (id, config) = ("configuration", &patient.config);
    let numbers: Vec<_> = accounts(config).iter().map(|account| (account.rest.name(), account.numbers.len())).collect();
    let secrets = correspondents(config).into_iter().map(|provider| provider.secret_count());
    let file = patient.file.as_ref().map_or("the environment".to_owned(), |file| file.display().to_string());
    let check = if let Some((name, _)) = numbers.iter().find(|(_, count)| *count == 0) {
        let text = format!("{file}: no number is at {name}; write it into [[numbers]], or take [providers.{name}] out");
        Check::warn(id, text)
    } else {
        let has = |((name, numbers), secrets): (&(&str, usize), usize)| {
            format!("{name} has {} and {}", counted(*numbers, "number"), counted(secrets, "secret"))
        };
        let all: Vec<_> = numbers.iter().zip(secrets).map(has).collect();
        Check::ok(id, format!("{file}: {}", all.join(", ")))
    };
    numbers.into_iter().fold(check, |check, (name, count)| check.with(&format!("{name}_numbers"), count))
}

/// Whether the files of `[tls]` can be used.
pub(super) fn certificate(patient: &Patient) -> Vec<Check> {
    let id = "certificate";
    match patient.config.tls.as_ref().map(Certificate::read) {
        None => Vec::new(),
        Some(Ok(_)) => vec![Check::ok(id, "the certificate and its key belong together")],
        Some(Err(error)) => vec![Check::fail(id, error.to_string())],
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
