//! The house itself: which room may know which, and what must stand in none of them.
//!
//! The compiler keeps most walls, because they are crates. What it cannot keep stands here, read from the manifests and
//! the sources. Each rule is a function from texts to offences, so that it can be shown a text that breaks it.

mod alerts;
mod living;
mod manifests;
mod metrics;
mod places;
mod promises;
mod rooms;
mod routes;
mod source;
mod words;

/// Fails with the rule, its reason and every place that breaks it.
fn keep(rule: &str, why: &str, offences: impl AsRef<[String]>) {
    let offences = offences.as_ref();
    assert!(offences.is_empty(), "\nbroken: {rule}\n   why: {why}\n    at: {}\n", offences.join("\n        "));
}
