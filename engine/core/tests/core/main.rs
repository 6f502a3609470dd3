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
