//! What the tests of the store share.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test binary uses a part of it

use std::path::{Path, PathBuf};
use std::time::Duration;

use qnect_core::access_code::AccessCode;
use qnect_core::language::Language;
use qnect_core::number::IntermediaryNumber;
use qnect_core::phone::Phone;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::session::{Asked, Session, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::keys::MasterKey;
use qnect_storage::{NewOwner, OpenOptions, Storage, StorageError};

/// The time at which all of this happens.
pub const NOW: Timestamp = Timestamp::from_millis(1_763_683_200_000);

pub fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

pub fn try_open(folder: &Path) -> Result<Storage, StorageError> {
    let master = master();
    let options = OpenOptions::new(folder, &master);
    Storage::open(&options, |floor| move || floor.max(NOW))
}

pub fn open(folder: &Path) -> Storage {
    try_open(folder).expect("the folder opens")
}

/// Runs a future to its end, but not for ever.
pub fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await.expect("it ends in time") })
}

/// Looks until it `holds`, but not for ever.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    run(async {
        let look = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(30), look).await;
        assert!(seen.is_ok(), "waited in vain until {what}");
    });
}

/// The sequence of the last commit that a closed folder knows to be safe.
pub fn marked(folder: &Path) -> u64 {
    let bytes = std::fs::read(folder.join("high-water.mark")).expect("a mark");
    u64::from_be_bytes(bytes[..8].try_into().expect("16 bytes"))
}

pub fn owner(number: u64) -> NewOwner {
    NewOwner {
        name: format!("Owner {number}"),
        email: format!("owner{number}@example.org"),
        phone: Phone::from_digits(919_800_000_000 + number).expect("a phone"),
        vehicle: None,
        language: Language::Hindi,
        time_zone: "Asia/Kolkata".into(),
        quiet_hours: None,
        night_reasons: ReasonSet::URGENT,
    }
}

pub fn session_id(storage: &Storage, tag: TagId, number: u64) -> SessionId {
    let mut random = [0; 17];
    random[9..].copy_from_slice(&number.to_be_bytes());
    SessionId::new(tag, random, storage.keys().checks()).expect("a known key version")
}

/// A session that waits for its call.
pub fn session(id: SessionId, owner: OwnerId) -> SessionSnapshot {
    let asked =
        Asked { reason: Reason::Blocking, language: Language::English, idempotency: None, challenge: None, from: None };
    let number = IntermediaryNumber::parse("+911140000001").expect("a number");
    let line = (number, AccessCode::from_index(1_234, 8));
    Session::open(id, asked, line, owner, (NOW, NOW.plus(Span::HOUR))).snapshot().clone()
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Copies a folder with all that is below it.
pub fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).expect("below it"));
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("a folder");
        std::fs::copy(&file, target).expect("a copy");
    }
}
