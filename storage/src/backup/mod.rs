//! Backups: a copy of the database as it was at one commit, made while it is written to, and a database made from one.
//!
//! [`source`] walks a snapshot on a thread of its own and hands out the file piece by piece; [`format`] is the file;
//! [`read`] reads one back and knows whether it is whole; [`restore`](mod@restore) makes a data folder of it.
//!
//! The key table is never in it. Who holds a backup and the master key still reads nothing that names a person, and an
//! erased person stays unreadable in every backup there is, because the key is gone from the one place where it was.
//! So the key table has a backup of its own, a plain copy of a file that is sealed anyway, of which few are kept, and not
//! for long: an old one brings back the keys of those who were erased since.

mod error;
pub(crate) mod format;
mod legible;
mod read;
mod restore;
mod source;

pub use error::BackupError;
pub(crate) use legible::legible;
pub use read::{Inventory, examine};
pub(crate) use restore::is_half_restored;
pub use restore::{RestoreOptions, restore};
pub use source::BackupStream;
pub(crate) use source::{Backups, Source};
