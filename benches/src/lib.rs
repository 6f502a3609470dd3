//! Measurements and the references that they are held against; asserts no behaviour.
//!
//! `cargo bench -p qnect-benches` times the core; `ops/bench-scan` holds a whole scan against bare hyper.
