//! The engine under test: one file per subject, each over a real store in a temporary folder and real workers.

mod administration;
mod blocking;
mod callers;
mod commits;
mod house;
mod overload;
mod panics;
mod reception;
mod replays;
mod restarts;
mod retiring;
mod walk;
mod world;
