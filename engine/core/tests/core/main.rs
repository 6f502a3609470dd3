//! What the core promises, from the outside: scenarios, the whole table of states and events, and laws.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail like the test itself")]

mod bits;
mod dsl;
mod flows;
mod limits;
mod orders;
mod privacy;
mod restore;
mod simulation;
mod table;

/// A number that a run is told by its environment.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}
