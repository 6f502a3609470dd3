//! Whether a database is whole.

mod archive;
mod lock;
mod manifest;
mod names;
mod preflight;

pub(crate) use preflight::{Preflight, Proof};
