//! Plivo: form webhooks signed with V3, answered with XML.
//!
//! Facts come from the vendor's Python package 4.63.0 (the signature in `plivo.utils.signature_v3`, the elements and
//! attributes in `plivo.xml`) and from its documentation, named where they are used. What neither confirms is marked
//! `[U]` and read tolerantly.

mod fields;
mod hangup;
mod parse;
mod render;
mod routes;
mod verbs;
mod verify;

pub use parse::{PARAMETERS_MAX, Parsed, parse};
pub use render::render;
pub use routes::{PATH, PlivoRoute};
pub use verify::{ACCOUNT_SIGNATURE, NONCE, SIGNATURE, verify};
