//! The tongues of QNect: per provider `verify`, `parse` and `render`, as pure functions over bytes.
//!
//! Words of a provider come in as bytes and leave as [`ProviderEvent`](qnect_core::leg::ProviderEvent); instructions of
//! ours come in as [`Instruction`](qnect_core::instruction::Instruction) and leave as a document; requests of ours go out and
//! their answers come in by [`rest`]. Nothing in here opens a socket, reads a clock or remembers anything.
//!
//! Two promises are kept here and nowhere else. The scanner's number ends in `parse`: it is hashed where it was decoded,
//! and the decoded copy is overwritten. The owner's number leaves in `render`: once, as the target of a dial.

mod fields;
mod form;
pub mod plivo;
mod provider;
pub mod request;
pub mod rest;
mod routes;
pub mod speech;
mod steps;
pub mod twilio;
mod xml;

pub use provider::{Capabilities, Document, Provider, Webhook};
pub use routes::Route;
