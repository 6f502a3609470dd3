//! The fear: an upgrade, and what an earlier program has written is lost or means something else.
//!
//! `folders` keeps a data folder of each version, with its master key: killed in full run, so that its journal has to be
//! read, too. This version has to read every one of them, write to it, and read it again.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::path::Path;
use std::process::Command;

use qnect_core::facts::Outcome;
use qnect_core::preferences::Pause;
use qnect_core::record::Record;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, TagStatus};
use qnect_core::tag_code::TagCode;
use qnect_core::time::Span;
use qnect_storage::keys::MasterKey;
use qnect_storage::{Contact, Edit, Lane, OpenOptions, Storage, StorageError};
use store_common::run;

/// Each folder's file. All hold what [`assert_holds`] says, told to a running engine over HTTP and its control socket.
const FOLDERS: [&str; 1] = ["0.1.0-dev.1"];

const ASHA: &str = "AH1B2S5RQF3D";
const MEERA: &str = "3YVWTP6WS5RM";
const COMPLETED: &str = "06YER7A4EYW522CDVD59R27HZPKHTNPAQ2C6WX1HPMDBH9";
const DECLINED: &str = "0JW8BYYZJHBQWJ958VYNGH185CB17HB7VM1C18JBPNACKM";
const WAITING: &str = "0JW8BYYZJHBQG10VFCWWD1NH82MDZFXX755NKH2C41R7WV";
const WAITING_TOO: &str = "09A2CN5R5PD37TBQR77M7GAPWRXENZHHVGZ4HRJAFT7H7K";
const TAGS: [(&str, TagStatus, Option<&str>); 5] = [
    ("06YER7A4EYW5XN5QPGT3", TagStatus::Active, Some(ASHA)),
    ("0JW8BYYZJHBQH72DNJ8G", TagStatus::Active, Some("VE8DKHVRDWXE")),
    ("09A2CN5R5PD38YV64VM8", TagStatus::Suspended, Some(MEERA)),
    ("0WE8SETZVQ5N3TK884WX", TagStatus::Minted, None),
    ("0JJZM25XBB9VHD72C9QJ", TagStatus::Minted, None),
];

#[test]
fn a_folder_of_each_version_is_read_written_and_read_again() {
    for name in FOLDERS {
        let folder = unpacked(name);
        let storage = open(folder.path()).unwrap();
        assert_holds(&storage);
        let minted = run(storage.edit(Edit::Mint(1))).unwrap()[0];
        end(&storage, WAITING);
        drop(storage);

        let storage = open(folder.path()).unwrap();
        assert_eq!(run(storage.tag_config(minted)).unwrap().unwrap().status, TagStatus::Minted, "{name}");
        assert_eq!(open_sessions(&storage), [WAITING_TOO], "{name}");
    }
}

#[test]
fn another_master_key_opens_none_of_them() {
    for name in FOLDERS {
        let folder = unpacked(name);
        let (data, other) = (folder.path().join("data"), MasterKey::from_bytes([8; 32]));
        let opened = Storage::open(&OpenOptions::new(&data, &other), |floor| move || floor);
        assert!(matches!(opened, Err(StorageError::Keys(_))), "{name}");
    }
}

fn assert_holds(storage: &Storage) {
    for (code, status, owner) in TAGS {
        let code = TagCode::read(code, storage.keys().checks()).unwrap();
        let cards = run(storage.tag_cards(vec![code.tag()])).unwrap();
        assert_eq!((cards[0].status, cards[0].owner), (status, owner.map(owner_id)), "{code}");
    }
    let asha = run(storage.owner_card(owner_id(ASHA))).unwrap().unwrap();
    assert_eq!((asha.name.to_string(), asha.phone.to_string()), ("A...".into(), "+******01".into()));
    assert!(asha.quiet_hours.is_some() && asha.tags.len() == 1);
    let meera = run(storage.owner_card(owner_id(MEERA))).unwrap().unwrap();
    assert_eq!(meera.pause, Pause::Indefinite);
    let found = run(storage.owners_at(Contact::Email("Asha@Example.org".into()))).unwrap();
    assert_eq!(found, [owner_id(ASHA)]);

    for (id, outcome) in [(COMPLETED, Some(Outcome::Completed)), (DECLINED, Some(Outcome::Declined)), (WAITING, None)] {
        let session = run(storage.session(session_id(storage, id))).unwrap().unwrap();
        assert_eq!(session.ended.map(|(outcome, _)| outcome), outcome, "{id}");
        assert_eq!(session.scanner_leg.is_some(), outcome.is_some(), "a sealed field of {id} opens");
    }
    assert_eq!(open_sessions(storage), [WAITING_TOO, WAITING]);
    let in_two_days = storage.clock_floor().plus(Span::DAY).plus(Span::DAY);
    assert_eq!(run(storage.due_chores(in_two_days, 10)).unwrap().len(), 2, "what providers keep is to be deleted");
    let mut scans = 0;
    storage.walk_scans(|_| scans += 1).unwrap();
    assert_eq!(scans, 3);
}

/// What a start takes over, in the order of their ids.
fn open_sessions(storage: &Storage) -> Vec<String> {
    let mut open = Vec::new();
    let walked = storage.walk_sessions(storage.clock_floor(), |session| {
        if session.ended.is_none() {
            open.push(session.id.to_string());
        }
    });
    walked.unwrap();
    open.sort();
    open
}

fn end(storage: &Storage, id: &str) {
    let mut session = run(storage.session(session_id(storage, id))).unwrap().unwrap();
    session.ended = Some((Outcome::Cancelled, storage.clock_floor()));
    let record = Record::SessionEnded(Box::new(session));
    run(storage.promise(Lane::Webhooks, vec![record]).unwrap().kept()).unwrap();
}

fn session_id(storage: &Storage, id: &str) -> SessionId {
    SessionId::read(id, storage.keys().checks()).unwrap()
}

fn owner_id(id: &str) -> OwnerId {
    OwnerId::read(id).unwrap()
}

/// Opens a folder at the time of its last commit: a day later its sessions would matter to nobody.
fn open(folder: &Path) -> Result<Storage, StorageError> {
    let master = MasterKey::read_file(&folder.join("master.key")).unwrap();
    Storage::open(&OpenOptions::new(&folder.join("data"), &master), |floor| move || floor)
}

fn unpacked(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/folders").join(format!("{name}.tar"));
    let unpacked = Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(folder.path()).status().unwrap();
    assert!(unpacked.success(), "{} cannot be unpacked", archive.display());
    folder
}
