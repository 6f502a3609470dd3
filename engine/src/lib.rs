//! The hands of QNect: one actix actor per active tag hosts that tag's machine, feeds it one input at a time and carries
//! out its effects.
//!
//! No actix type shows in the public face: [`host`] runs a program with its workers, [`Engine`] takes inputs, and
//! [`Workers::on_each`] lets the doors serve their connections where the actors live.

mod actor;
mod administration;
mod cells;
mod clock;
mod effects;
mod engine;
mod error;
#[cfg(any(test, feature = "faults"))]
mod faults;
mod idle;
mod lines;
mod losses;
mod messages;
mod metrics;
mod owner_menu;
mod random;
mod reception;
mod registry;
mod restart;
mod switchboard;
mod telephony;
mod visit;
mod workers;

#[cfg(test)]
mod tests;

pub use clock::{Clock, ClockError};
pub use engine::{Engine, EngineOptions, OpenReply, SessionRequest};
pub use error::EngineError;
pub use lines::AccountPlan;
pub use metrics::describe as describe_metrics;
pub use registry::VISITS_PER_TAG_MAX;
pub use switchboard::NumberPlan;
pub use workers::{Workers, host};
