//! Telephones, a telephone network and its providers, as strangers to the engine.
//!
//! [`Network::dial`] plays one call from the scanner's telephone to the last webhook and returns what every party saw
//! and heard. The provider inside speaks Plivo's or Twilio's voice protocol: it signs its webhooks, follows the returned
//! XML as strictly as the vendor's own builders write it, and shows the scanner's real number to the owner when nobody
//! forbids it. So a report can prove masking, and disprove it.
//!
//! The rooms: the network (`call`, `waiting`, `gather`, `owner_leg`, `screening`) knows telephones, lines and time, and follows
//! instructions in words of its own (`instruction`, `ending`); a protocol (`plivo`, `twilio`, behind the trait in
//! `provider`) reads documents into those words and tells the engine what happens in the vendor's. Between them and the
//! engine stand `webhook` (signing, retries, duplicates), `callbacks` (what gets lost, comes late or in another order) and `outage`
//! (nothing comes, and then all of it, one after the other). `api` is the provider's REST API over the `records` of legs.
//!
//! Nothing here imports a crate of the engine. Simulated time is counted, not measured: a wait adds to it whatever the
//! time scale is, and a document's time on the wire adds as it is, so that a fast run and a real one tell the same story.
//!
//! Marks in comments: \[D\] vendor documentation, \[T\] seen with third parties, \[U\] not confirmed.

mod api;
mod asking;
mod call;
mod callbacks;
mod clock;
mod config;
mod digits;
mod draw;
mod ending;
mod faults;
mod gather;
mod http;
mod instruction;
mod keys;
mod leg;
mod lines;
mod markup;
mod masking;
mod method;
mod network;
mod outage;
mod owner_leg;
mod plivo;
mod provider;
mod records;
mod report;
mod screening;
mod telephone;
mod twilio;
mod waiting;
mod webhook;
mod words;

pub use api::RestCounts;
pub use config::{NetworkConfig, Protocol, SimulatorError};
pub use faults::{Faults, RestFault};
pub use method::Method;
pub use network::Network;
pub use plivo::signing::sign_v3;
pub use records::CallRecord;
pub use report::{CallReport, Exchange, LegEnd, LostCallback, Party, TimelineEntry};
pub use telephone::{Dial, Moment, OwnerScript, Place, Tones};
pub use twilio::signing::sign_twilio;
