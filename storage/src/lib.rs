//! What QNect remembers: fjall keyspaces, one commit thread, two reader threads, sealed personal fields, the key table.
//!
//! Nothing here decides anything. The face is narrow on purpose: records go in by [`Storage::remember`],
//! [`Storage::promise`] and [`Storage::log_scan`], a tag comes back by [`Storage::revive`]; calls that may wait for a disk run on this crate's own
//! threads and never on an arbiter.

mod codec;
mod commit;
mod commit_queue;
mod error;
mod failure;
#[cfg(feature = "faults")]
mod faults;
mod keyring;
pub mod keys;
mod layout;
mod mark;
mod owners;
mod read;
mod scan_log;
mod store;
mod threads;
mod watchdog;

pub use commit_queue::{Lane, Promise, QueueFull};
pub use error::StorageError;
#[cfg(feature = "faults")]
pub use faults::Faults;
pub use keyring::Keyring;
pub use owners::{NewOwner, NewVehicle, RegisteredOwner};
pub use read::{ReadError, Revival};
pub use store::{OpenOptions, Storage};
