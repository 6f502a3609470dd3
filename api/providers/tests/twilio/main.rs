//! Twilio's tongue: its signatures, against the vendor's own, and the bodies that it sends.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod documents;
mod parse;
mod parse_legs;
#[path = "../shared/mod.rs"]
mod shared;
mod vectors;
mod verify;
