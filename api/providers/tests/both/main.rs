//! What holds for every provider: the same scenarios, the same instructions, the same promises.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod builders;
mod golden;
mod hostile;
mod leak;
mod readings;
mod routes;
mod scenarios;
#[path = "../shared/mod.rs"]
mod shared;
mod tongues;
