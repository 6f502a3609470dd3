//! Plivo's tongue, against the vendor's own signatures, checked-in documents and generated noise.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod golden;
mod hostile;
mod leak;
mod parse;
mod parse_legs;
mod routes;
#[path = "../shared/mod.rs"]
mod shared;
mod vectors;
mod verify;
