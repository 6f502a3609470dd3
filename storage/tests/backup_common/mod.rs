//! What the tests of backups share.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test binary uses a part of it

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use qnect_core::facts::Outcome;
use qnect_core::leg::LegId;
use qnect_core::record::{Record, ScanRecord};
use qnect_core::scan::{AddressPrefix, BrowserClass, DeviceClass};
use qnect_core::session::SessionSnapshot;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_core::time::Span;
use qnect_storage::keys::MasterKey;
use qnect_storage::{
    BackupError, BackupStream, Edit, Inventory, Lane, MEMTABLE_BYTES, NewOwner, NewVehicle, RestoreOptions, Storage,
    examine, restore,
};

use crate::store_common::{NOW, master, open, owner, run, session, session_id};

/// Who and what is in a furnished store.
pub struct Furnished {
    pub owners: Vec<OwnerId>,
    pub tags: Vec<TagId>,
    pub sessions: Vec<SessionSnapshot>,
}

/// Rows in every keyspace.
pub fn furnish(storage: &Storage, owners: u64) -> Furnished {
    let new: Vec<_> = (0..owners)
        .map(|number| NewOwner { vehicle: Some(NewVehicle(format!("KA01 {number}"))), ..owner(number) })
        .collect();
    let registered = storage.register(&new, NOW).unwrap();
    let owners: Vec<_> = registered.iter().map(|r| r.owner).collect();
    let mut tags: Vec<_> = registered.iter().map(|r| r.code.tag()).collect();
    let sessions: Vec<_> = registered
        .iter()
        .zip(0..)
        .flat_map(|(registered, number)| {
            let open = SessionSnapshot {
                scanner_leg: LegId::new("a-leg"),
                ..session(session_id(storage, registered.code.tag(), 2 * number), registered.owner)
            };
            let ended = SessionSnapshot {
                ended: Some((Outcome::Completed, NOW)),
                records_due_at: Some(NOW.plus(Span::HOUR)),
                ..session(session_id(storage, registered.code.tag(), 2 * number + 1), registered.owner)
            };
            [open, ended]
        })
        .collect();
    let records = sessions.iter().map(|s| Record::SessionAdvanced(Box::new(s.clone()))).collect();
    run(storage.promise(Lane::Webhooks, records).unwrap().kept()).unwrap();
    tags.extend(run(storage.edit(Edit::Mint(3))).unwrap());
    run(storage.edit(Edit::Suspend(tags[0]))).unwrap();
    for (&tag, number) in tags.iter().zip(0..) {
        let scan = ScanRecord {
            tag,
            at: NOW.plus(Span::from_millis(number)),
            address: AddressPrefix::V4([192, 0, 2]),
            device: DeviceClass::ALL[0],
            browser: BrowserClass::ALL[0],
        };
        storage.log_scan(scan).unwrap();
    }
    Furnished { owners, tags, sessions }
}

/// All that a store tells of what it was furnished with.
pub fn told(storage: &Storage, furnished: &Furnished) -> Vec<String> {
    let mut lines = Vec::new();
    for &tag in &furnished.tags {
        lines.push(format!("{:?}", run(storage.revive(tag, NOW)).unwrap()));
    }
    lines.push(format!("{:?}", run(storage.tag_cards(furnished.tags.clone())).unwrap()));
    for &owner in &furnished.owners {
        lines.push(format!("{:?}", run(storage.owner_card(owner)).unwrap()));
    }
    for session in &furnished.sessions {
        lines.push(format!("{:?}", run(storage.session(session.id)).unwrap()));
    }
    lines.push(format!("{:?}", run(storage.due_chores(NOW.plus(Span::DAY), 1_000)).unwrap()));
    storage.walk_scans(|scan| lines.push(format!("{scan:?}"))).unwrap();
    lines
}

/// Takes a backup to its end.
pub fn take(stream: BackupStream, path: &Path) -> Result<(), BackupError> {
    let mut stream = stream;
    let mut file = File::create(path).unwrap();
    while let Some(bytes) = stream.next_blocking()? {
        file.write_all(&bytes).unwrap();
    }
    Ok(())
}

/// A folder with a closed store in it, its backup, and that of its key table.
pub struct BackedUp {
    pub root: tempfile::TempDir,
    pub furnished: Furnished,
    pub told: Vec<String>,
    pub inventory: Inventory,
}

impl BackedUp {
    pub fn new(owners: u64) -> Self {
        let root = tempfile::tempdir().unwrap();
        let storage = open(&root.path().join("data"));
        let furnished = furnish(&storage, owners);
        drop(storage);
        let storage = open(&root.path().join("data"));
        let told = told(&storage, &furnished);
        take(storage.backup().unwrap(), &root.path().join("backup")).unwrap();
        take(storage.backup_keys().unwrap(), &root.path().join("keys")).unwrap();
        storage.close();
        let inventory = examine(&root.path().join("backup"), &master()).unwrap();
        Self { root, furnished, told, inventory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Restores into a folder of this name, with the backed-up key table.
    pub fn restore(&self, name: &str) -> Result<Inventory, BackupError> {
        restore_into(&self.path(name), &self.path("backup"), Some(&self.path("keys")), &master())
    }
}

pub fn restore_into(
    folder: &Path,
    from: &Path,
    keys: Option<&Path>,
    master: &MasterKey,
) -> Result<Inventory, BackupError> {
    restore(&RestoreOptions { folder, master, from, keys, memtable_bytes: MEMTABLE_BYTES })
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
