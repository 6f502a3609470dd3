//! Telephones, a telephone network and a provider, as strangers to the engine.
//!
//! [`Network::dial`] plays one call from the scanner's telephone to the last webhook and returns what every party saw
//! and heard. The provider inside speaks Plivo's voice protocol: it signs its webhooks, follows the returned XML as
//! strictly as its own builders write it, and shows the scanner's real number to the owner when nobody forbids it. So a
//! report can prove masking, and disprove it.
//!
//! Nothing here imports a crate of the engine. Simulated time is counted, not measured: a wait adds to it whatever the
//! time scale is, and a document's time on the wire adds as it is, so that a fast run and a real one tell the same story.
//!
//! Marks in comments: \[D\] vendor documentation, \[T\] seen with third parties, \[U\] not confirmed.

mod asking;
mod call;
mod clock;
mod config;
mod digits;
mod draw;
mod gather;
mod http;
mod masking;
mod network;
mod owner_leg;
mod plivo;
mod report;
mod telephone;
mod webhook;
mod words;

pub use config::{Faults, NetworkConfig, SimulatorError};
pub use network::Network;
pub use plivo::signing::{Method, sign_v3};
pub use report::{CallReport, Exchange, LegEnd, Party, TimelineEntry};
pub use telephone::{Dial, OwnerScript};
