//! The fear: a backup that is damaged, cut, mixed up or somebody else's is taken for a good one; or one is made of a
//! database that is damaged.
#![allow(clippy::unwrap_used)] // in helpers, too

mod backup_common;
mod store_common;

use std::ops::Range;
use std::path::Path;

use backup_common::{BackedUp, furnish, take};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use qnect_storage::keys::MasterKey;
use qnect_storage::{BackupError, examine};
use store_common::{files, master, open, run, try_open};

/// Bytes that are flipped, and cuts that are made; all of them when it is longer than the file.
const SAMPLES: &str = "QNECT_SAMPLES";
const PRELUDE_BYTES: usize = 48;

fn samples() -> usize {
    std::env::var(SAMPLES).map_or(200, |n| n.parse().unwrap())
}

/// About as many places as are asked for, in another pattern for each process; the first and the last are among them.
fn places(bytes: usize, count: usize) -> Vec<usize> {
    let seed = std::process::id() as usize;
    println!("seed {seed}");
    let step = (bytes / count).max(1);
    let mut places: Vec<_> = (0..bytes).step_by(step).map(|at| (at + seed % step).min(bytes - 1)).collect();
    places.extend([0, bytes - 1]);
    places
}

/// Where each chunk is, told by its clear head.
fn chunks(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut chunks, mut at) = (Vec::new(), PRELUDE_BYTES);
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at + 1..at + 5].try_into().unwrap()) as usize;
        chunks.push(at..at + 5 + length);
        at += 5 + length;
    }
    chunks
}

struct Sample {
    backed_up: BackedUp,
    bytes: Vec<u8>,
}

impl Sample {
    fn new(owners: u64) -> Self {
        let backed_up = BackedUp::new(owners);
        let bytes = std::fs::read(backed_up.path("backup")).unwrap();
        Self { backed_up, bytes }
    }

    fn examine(&self, bytes: &[u8]) -> BackupError {
        let path = self.backed_up.path("changed");
        std::fs::write(&path, bytes).unwrap();
        examine(&path, &master()).expect_err("what was changed is refused")
    }
}

#[test]
fn no_flipped_bit_and_no_cut_goes_unseen() {
    let sample = Sample::new(20);
    let places = places(sample.bytes.len(), samples());
    let count = places.len();
    for at in places {
        let mut bytes = sample.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let error = sample.examine(&bytes);
        assert!(error.to_string().contains("changed"), "it names the file: {error}");
        let told = sample.examine(&sample.bytes[..at]);
        let expected =
            matches!(told, BackupError::Damaged { what: "it ends too early", .. } | BackupError::NotABackup { .. });
        assert!(expected, "cut at {at}: {told}");
    }
    println!("counted: {count} flips and {count} cuts of a backup, each refused");
    assert!(matches!(sample.examine(b""), BackupError::NotABackup { .. }));
    let longer = [&sample.bytes[..], &[0]].concat();
    assert!(matches!(sample.examine(&longer), BackupError::Damaged { what: "something follows its end", .. }));
    let twice = [&sample.bytes[..], &sample.bytes].concat();
    assert!(matches!(sample.examine(&twice), BackupError::Damaged { what: "something follows its end", .. }));
}

#[test]
fn a_chunk_opens_in_its_own_place_of_its_own_file_only() {
    // Several chunks of rows: more than 1 MiB.
    let sample = Sample::new(1_500);
    let other = Sample::new(1_500);
    let chunks_of = |bytes: &[u8]| -> Vec<Vec<u8>> { chunks(bytes).into_iter().map(|at| bytes[at].to_vec()).collect() };
    let chunks = chunks_of(&sample.bytes);
    assert!(chunks.len() >= 4, "an opening, rows, more rows, a closing: {}", chunks.len());
    let file = |chunks: &[Vec<u8>]| [&sample.bytes[..PRELUDE_BYTES], &chunks.concat()].concat();
    assert_eq!(file(&chunks), sample.bytes);
    let last = chunks.len() - 1;

    let mut swapped = chunks.clone();
    swapped.swap(1, 2);
    let mut repeated = chunks.clone();
    repeated.insert(1, chunks[1].clone());
    let mut dropped = chunks.clone();
    dropped.remove(2);
    let mut early_end = chunks.clone();
    early_end.remove(last - 1);
    let mut no_rows = chunks.clone();
    no_rows.drain(1..last);
    let mut of_another = chunks.clone();
    of_another[1] = chunks_of(&other.bytes)[1].clone();
    let mut relabelled = chunks.clone();
    relabelled[1][0] = 2;
    let mut with_anothers_beginning = other.bytes[..PRELUDE_BYTES].to_vec();
    with_anothers_beginning.extend(chunks.concat());
    for (what, bytes) in [
        ("swapped", file(&swapped)),
        ("repeated", file(&repeated)),
        ("dropped", file(&dropped)),
        ("ended early", file(&early_end)),
        ("without rows", file(&no_rows)),
        ("of another backup", file(&of_another)),
        ("called a closing", file(&relabelled)),
        ("begun as another", with_anothers_beginning),
    ] {
        let error = sample.examine(&bytes);
        let refused = matches!(error, BackupError::Damaged { .. } | BackupError::WrongMaster { .. });
        assert!(refused, "{what}: {error}");
    }
}

#[test]
fn a_chunk_that_says_it_is_huge_takes_no_memory() {
    let sample = Sample::new(1);
    let mut bytes = sample.bytes.clone();
    bytes[PRELUDE_BYTES + 1..PRELUDE_BYTES + 5].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(sample.examine(&bytes), BackupError::WrongMaster { .. } | BackupError::Damaged { .. }));
}

#[test]
fn another_master_another_version_and_another_file_are_told_apart() {
    let sample = Sample::new(1);
    let path = sample.backed_up.path("backup");
    let wrong = examine(&path, &MasterKey::from_bytes([8; 32])).unwrap_err();
    assert!(matches!(wrong, BackupError::WrongMaster { .. }) && wrong.to_string().contains("storage.key_file"));
    let mut newer = sample.bytes.clone();
    newer[8] = 2;
    let told = sample.examine(&newer).to_string();
    assert!(told.contains("format version 2 ") && told.contains("reads version 1"), "both are named: {told}");
    assert!(matches!(
        sample.examine(b"a text that is longer than what a backup begins with"),
        BackupError::NotABackup { .. }
    ));
    let missing = examine(&sample.backed_up.path("nowhere"), &master()).unwrap_err();
    assert!(matches!(missing, BackupError::Io { .. }) && missing.to_string().contains("nowhere"));
}

/// Opens the database of a closed store as fjall has it.
fn with_database(folder: &Path, change: impl FnOnce(&Database)) {
    change(&Database::builder(folder.join("db")).open().unwrap());
}

/// Puts a row into a table: a journal takes rows in our own commits only.
fn put(space: &Keyspace, key: &[u8], value: &[u8]) {
    let mut table = space.start_ingestion().unwrap();
    table.write(key, value).unwrap();
    table.finish().unwrap();
}

#[test]
fn a_row_that_cannot_be_read_is_no_source() {
    let rows: [(&str, &[u8], &[u8]); 12] = [
        ("tags", &[0; 8], &[1, 0xff]),
        ("tags", &[0; 8], &[2, 0xa0]),
        ("tags", &[0; 7], b"\x01\xa2\x00\x01\x02\x00"),
        ("owners", &[0; 8], &[1, 0xa0]),
        ("vehicles", &[0; 8], &[]),
        ("owner_tags", &[0; 15], &[]),
        ("index", &[0; 25], &[0; 7]),
        ("sessions", &[0; 25], &[1, 0xa0]),
        ("scans", &[0; 18], &[1, 0]),
        ("scans", &[0; 5], &[1]),
        ("head", b"hat", &[1]),
        ("chores", &[0; 30], &[]),
    ];
    for (keyspace, key, value) in rows {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("data");
        let storage = open(&folder);
        furnish(&storage, 2);
        drop(storage);
        with_database(&folder, |database| {
            let space = database.keyspace(keyspace, KeyspaceCreateOptions::default).unwrap();
            put(&space, key, value);
        });
        let storage = open(&folder);
        let error = take(storage.backup().unwrap(), &root.path().join("backup")).unwrap_err();
        let told = error.to_string();
        assert!(matches!(&error, BackupError::Source { keyspace: named, .. } if *named == keyspace), "{told}");
        assert!(told.contains(keyspace) && told.contains("qnect verify"), "where, and what to do: {told}");
        assert!(!*storage.failed().borrow(), "the engine serves on");
        assert!(examine(&root.path().join("backup"), &master()).is_err(), "what came before is no backup");
    }
}

#[test]
fn an_owner_whose_sealed_fields_were_changed_is_no_source() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("data");
    let storage = open(&folder);
    let owner = furnish(&storage, 2).owners[0];
    drop(storage);
    with_database(&folder, |database| {
        let owners = database.keyspace("owners", KeyspaceCreateOptions::default).unwrap();
        let key = owner.0.to_be_bytes();
        let mut value = owners.get(key).unwrap().unwrap().to_vec();
        value[20] ^= 1;
        put(&owners, &key, &value);
    });
    let error = take(open(&folder).backup().unwrap(), &root.path().join("backup")).unwrap_err();
    assert!(matches!(error, BackupError::Source { keyspace: "owners", .. }), "{error}");
}

#[test]
fn tables_that_were_damaged_are_no_source() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("data");
    let storage = open(&folder);
    let furnished = furnish(&storage, 50);
    drop(storage);
    with_database(&folder, |database| {
        for name in database.list_keyspace_names() {
            database.keyspace(&name, KeyspaceCreateOptions::default).unwrap().rotate_memtable_and_wait().unwrap();
        }
    });
    let tables: Vec<_> = files(&folder).into_iter().filter(|f| f.parent().unwrap().ends_with("tables")).collect();
    assert!(tables.len() >= 8, "{}: {:?}", tables.len(), files(&folder));
    let (mut refused, mut whole) = (0, 0);
    let expected = examine_copy(&folder, root.path()).unwrap();
    for table in &tables {
        let bytes = std::fs::read(table).unwrap();
        for at in places(bytes.len(), samples().div_ceil(tables.len() * 2)) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(table, &changed).unwrap();
            match examine_copy(&folder, root.path()) {
                // Bytes that nobody reads: then what was backed up is right all the same.
                Some(logical) => {
                    whole += 1;
                    assert_eq!(logical, expected, "{} at {at}", table.display());
                }
                None => refused += 1,
            }
            std::fs::write(table, &bytes).unwrap();
        }
    }
    println!("counted: {refused} flips were refused, {whole} changed nothing");
    assert!(refused > tables.len(), "{refused}");
    assert_eq!(examine_copy(&folder, root.path()), Some(expected), "it is the flips that are refused");
    run(open(&folder).owner_card(furnished.owners[0])).unwrap().unwrap();
}

/// The logical hash that a backup of a folder tells; `None` if there is none to be had.
fn examine_copy(folder: &Path, root: &Path) -> Option<String> {
    let storage = try_open(folder).ok()?;
    let backup = root.join("backup");
    take(storage.backup().ok()?, &backup).ok()?;
    Some(examine(&backup, &master()).unwrap().logical.to_string())
}
