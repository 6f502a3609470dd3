//! The simulator against an engine of a few lines that plays scripted documents.

mod delivery;
mod engine;
mod leaks;
mod program;
mod scripts;
mod signature;
mod strict;
mod twilio;
mod twiml;
