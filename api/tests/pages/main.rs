//! The scanner's pages, as a person meets them: what they weigh, what they say in each language, and, in a real Chromium,
//! how they are tapped through, looked at by axe-core, and how little they ask of a browser.
//!
//! Tests that need Chromium are ignored in an ordinary run; `ops/test pages` installs what they need and runs them.

mod accessibility;
mod browser;
#[path = "../api/client.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod client;
mod exhibition;
mod flow;
#[path = "../api/folder.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod folder;
mod gallery;
#[path = "../api/metrics.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod metrics;
mod paper;
#[path = "../api/server.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod server;
mod spoken;

/// The origin that browsers know. Names below `localhost` may be plain HTTP, and the browser is told which port it is.
const ORIGIN: &str = "http://qnect.localhost";

/// The host of [`ORIGIN`].
fn host() -> &'static str {
    ORIGIN.trim_start_matches("http://")
}
