//! Measurements and the references that they are held against; asserts no behaviour.
//!
//! `ops/bench` holds the engine against bare hyper and writes `benches/RESULTS.md` and `benches/CAPACITY.md`; `cargo
//! bench -p qnect-benches` times the parts, and the commit path against the disk under it; `ops/bench-start` times a
//! start over many owners and open sessions.

pub mod bare;
pub mod life;
pub mod options;

/// Anything that ends a measurement.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
