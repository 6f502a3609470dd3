//! Acknowledged is durable: what a server promised over HTTP is there after `kill -9`, again and again on one folder.
//!
//! The parts: `oracle` keeps the books of what was promised (over `world`, one session, and `possible`, what one key may
//! hold); `driver` and `operator` are those who ask, through `exchange`; `script` is what they ask; `inspection` reads
//! everything back after a restart; `yard` holds all of them over one folder.
//!
//! `disk` puts the server on a disk that lies (`ops/disk`); `undo` and `rewind` take the power from it; `lying` tests that by
//! itself. `clock` sets the wall clock under a server.

#[path = "../api/client.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod client;
mod clock;
mod disk;
mod driver;
mod ending;
mod examined;
mod exchange;
mod failing;
mod flushing;
#[path = "../api/folder.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod folder;
mod full;
mod ground;
mod herd;
mod inspection;
mod kill;
mod lying;
#[path = "../api/metrics.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod metrics;
mod operator;
mod oracle;
mod plants;
#[path = "../api/plivo.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod plivo;
mod possible;
mod power;
mod random;
mod rewind;
mod script;
#[path = "../api/server.rs"]
#[allow(dead_code, reason = "shared with the tests over HTTP")]
mod server;
mod sigterm;
mod slow;
mod tally;
mod undo;
mod world;
mod yard;
