//! The doors under those who mean harm: thousands of slow sockets, floods of frames, heads that two readers would read in two
//! ways; and TLS, as a stranger meets it.
//!
//! `crowd` holds slow sockets and watches what they cost (`usage`) while honest clients ask (`honest`); `frames` speaks
//! HTTP/2 by hand, for what no client would send. `QNECT_SOCKETS` sets how many slow sockets of a kind there are.

#[path = "../api/client.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod client;
mod crowd;
mod floods;
#[path = "../api/folder.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod folder;
mod frames;
mod heads;
mod honest;
#[path = "../api/metrics.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod metrics;
#[path = "../api/raw.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod raw;
mod secure;
#[path = "../api/server.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod server;
mod slow;
mod tls;
mod usage;
