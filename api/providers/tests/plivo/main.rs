//! Plivo's tongue, against the vendor's own signatures, checked-in documents and generated noise.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod golden;
mod hostile;
mod leak;
mod parse;
mod parse_legs;
mod routes;
mod vectors;
mod verify;
mod world;
