//! What QNect remembers: fjall keyspaces, one commit thread, two reader threads, sealed personal fields, the key table.
//!
//! Nothing here decides anything. The face is narrow on purpose: records go in by [`Storage::remember`],
//! [`Storage::promise`] and [`Storage::log_scan`], a tag comes back by [`Storage::revive`]; calls that may wait for a disk run on this crate's own
//! threads and never on an arbiter.

mod backup;
mod cards;
mod chores;
mod clerk;
mod codec;
mod commit;
mod edit;
mod error;
mod failure;
#[cfg(feature = "faults")]
mod faults;
mod folders;
mod index;
mod inspect;
mod journal;
mod keyring;
pub mod keys;
mod layout;
mod logical;
mod mark;
mod notes;
mod opening;
mod owners;
mod read;
mod recent;
mod repair;
mod scans;
mod space;
mod store;
mod threads;
mod verify;
mod watchdog;

pub use backup::{BackupError, BackupStream, Inventory, RestoreOptions, examine, restore};
pub use cards::{CallerCard, Masked, OwnerCard, SessionCard, TagCard};
pub use chores::Chore;
pub use commit::{Grouping, Lane, Promise, QueueFull, tell_here};
pub use edit::{Edit, EditError, MINTED_AT_ONCE_MAX, OwnerChange, TAGS_PER_OWNER_MAX};
pub use error::{Damage, Remedy, StorageError};
#[cfg(feature = "faults")]
pub use faults::Faults;
pub use index::{Contact, HOLDERS_MAX};
pub use inspect::{Inspection, inspect};
pub use keyring::Keyring;
pub use layout::MEMTABLE_BYTES;
pub use logical::LogicalHash;
pub use owners::{NewOwner, NewVehicle, RegisteredOwner};
pub use read::{ReadError, Revival};
pub use repair::{Cut, Repair, repair};
pub use space::{Room, SpaceOptions};
pub use store::{OpenOptions, Storage};
pub use verify::{Finding, Report, VerifyError, verify};
