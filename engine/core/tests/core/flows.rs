//! Scenarios, told as they happen: what a scanner asks, what a telephone does, how a call ends.

mod calling;
mod configuring;
mod ending;
mod redial_limits;
mod redialling;
mod scanning;
