//! Scenarios, told as they happen: what a scanner asks, what a telephone does, how a call ends.

mod answering;
mod blocking;
mod calling;
mod cancelling;
mod challenging;
mod configuring;
mod ending;
mod holding;
mod records;
mod redial_limits;
mod redialling;
mod reporting;
mod scanning;
mod withheld_callers;
