//! Measurements and the references that they are held against; asserts no behaviour.
//!
//! `cargo bench -p qnect-benches` times the core, and the commit path against the disk under it; `ops/bench-scan` holds a
//! whole scan against bare hyper; `ops/bench-start` times a start over many owners and open sessions.
