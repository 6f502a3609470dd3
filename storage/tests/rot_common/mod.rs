//! What the tests of damage share: a folder with something in every kind of file, and what must be in it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test binary uses a part of it

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use fjall::{Database, KeyspaceCreateOptions};
use qnect_core::facts::Facts;
use qnect_core::record::Record;
use qnect_core::session_id::SessionId;
use qnect_storage::{Lane, NewVehicle, RegisteredOwner, Storage};

use crate::store_common::{self, NOW, files, open, owner, run, session, try_open};

/// Sessions that stand in the journal alone, each committed by itself.
pub const LATE_SESSIONS: u64 = 120;
const OWNERS: u64 = 60;
const KEYSPACES: [&str; 10] =
    ["tags", "owners", "vehicles", "owner_tags", "index", "sessions", "scans", "head", "chores", "recent"];

/// A closed folder: tables that no journal could replace, a second layer of tables over them, and a journal.
pub struct Folder {
    pub folder: tempfile::TempDir,
    pub expected: Expected,
}

/// What was acknowledged.
#[derive(Clone, Default)]
pub struct Expected {
    owners: Vec<(RegisteredOwner, u64)>,
    /// The facts of each session.
    sessions: BTreeMap<String, u16>,
    /// Those of the journal alone, in the order of their commits.
    late: Vec<String>,
}

/// How an attempt to read everything ended.
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum Outcome {
    /// All that was acknowledged is there; so many late sessions.
    Correct(usize),
    /// It was said that something is wrong.
    Loud(String),
    /// The process would have ended.
    Panicked,
    /// Something is missing or wrong, and nothing was said.
    Silent(String),
}

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut expected = Expected::default();
        for layer in 0..2 {
            let storage = open(folder.path());
            expected.register(&storage, layer);
            for number in 0..20 {
                expected.write_session(&storage, layer * 100 + number, 1);
            }
            // The second layer covers rows of the first.
            (0..layer * 20).for_each(|number| drop(expected.write_session(&storage, number, 7)));
            drop(storage);
            flush(folder.path());
        }
        forget_journal(folder.path());
        let storage = open(folder.path());
        expected.add_late(&storage, LATE_SESSIONS);
        drop(storage);
        // As a second start leaves it: without the room that fjall makes in advance.
        drop(open(folder.path()));
        Self { folder, expected }
    }

    /// A copy to damage.
    pub fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        store_common::copy(self.folder.path(), copy.path());
        copy
    }

    /// Files of a kind, below the folder.
    pub fn files(&self, kind: Kind) -> Vec<PathBuf> {
        let mut all: Vec<_> = files(self.folder.path())
            .into_iter()
            .map(|path| path.strip_prefix(self.folder.path()).unwrap().to_owned())
            .filter(|path| Kind::of(path) == Some(kind))
            .collect();
        all.sort();
        all
    }
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Journal,
    Table,
    Manifest,
    KeyTable,
    Mark,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Journal, Self::Table, Self::Manifest, Self::KeyTable, Self::Mark];

    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let is_number = |name: &str| name.parse::<u64>().is_ok();
        match name {
            "keys.table" => Some(Self::KeyTable),
            "high-water.mark" => Some(Self::Mark),
            "current" | "version" => Some(Self::Manifest),
            name if name.ends_with(".jnl") => Some(Self::Journal),
            name if name.strip_prefix('v').is_some_and(is_number) => Some(Self::Manifest),
            name if is_number(name) => Some(Self::Table),
            _ => None,
        }
    }
}

impl Expected {
    /// More sessions that stand in the journal alone.
    pub fn add_late(&mut self, storage: &Storage, count: u64) {
        let first = 1_000 + self.late.len() as u64;
        for number in first..first + count {
            let id = self.write_session(storage, number, 3);
            self.late.push(id);
        }
    }

    fn register(&mut self, storage: &Storage, layer: u64) {
        let numbers: Vec<u64> = (layer * OWNERS..(layer + 1) * OWNERS).collect();
        let new: Vec<_> = numbers
            .iter()
            .map(|&number| {
                let mut owner = owner(number);
                owner.vehicle = Some(NewVehicle(format!("DL 01 AB {number:04}")));
                owner
            })
            .collect();
        let registered = storage.register(&new, NOW).unwrap();
        self.owners.extend(registered.into_iter().zip(numbers));
    }

    fn write_session(&mut self, storage: &Storage, number: u64, facts: u16) -> String {
        let (owner, _) = self.owners[(number % OWNERS) as usize];
        let id = store_common::session_id(storage, owner.code.tag(), number);
        let mut session = session(id, owner.owner);
        session.facts = Facts::from_bits(facts);
        let record = Record::SessionAdvanced(Box::new(session));
        run(storage.promise(Lane::Webhooks, vec![record]).unwrap().kept()).unwrap();
        self.sessions.insert(id.to_string(), facts);
        id.to_string()
    }

    /// A session that nobody waits for.
    pub fn remember_late(&mut self, storage: &Storage) {
        let number = 1_000 + self.late.len() as u64;
        let (owner, _) = self.owners[(number % OWNERS) as usize];
        let id = store_common::session_id(storage, owner.code.tag(), number);
        let record = Record::SessionAdvanced(Box::new(session(id, owner.owner)));
        storage.remember(Lane::Webhooks, record).unwrap();
        self.sessions.insert(id.to_string(), 0);
        self.late.push(id.to_string());
    }

    /// Opens the folder and reads everything; of the late sessions, at least so many must be there.
    pub fn look(&self, folder: &Path, late_min: usize) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| match self.read(folder, late_min) {
            Ok(Ok(late)) => Outcome::Correct(late),
            Ok(Err(wrong)) => Outcome::Silent(wrong),
            Err(loud) => Outcome::Loud(loud),
        }))
        .unwrap_or(Outcome::Panicked)
    }

    fn read(&self, folder: &Path, late_min: usize) -> Result<Result<usize, String>, String> {
        let storage = try_open(folder).map_err(|e| e.to_string())?;
        let checks = storage.keys().checks();
        let mut walked = BTreeMap::new();
        storage
            .walk_sessions(NOW, |session| {
                walked.insert(session.id.to_string(), session.facts.bits());
            })
            .map_err(|e| e.to_string())?;
        let late = self.late.iter().take_while(|id| walked.contains_key(*id)).count();
        if late < late_min {
            return Ok(Err(format!("{late} late sessions of {late_min}")));
        }
        for id in &self.late[late..] {
            if walked.contains_key(id) {
                return Ok(Err(format!("a late session behind the {late}. that is missing")));
            }
        }
        let mut expected = self.sessions.clone();
        for id in &self.late[late..] {
            expected.remove(id);
        }
        if walked != expected {
            return Ok(Err(format!("{} sessions instead of {}, or others", walked.len(), expected.len())));
        }
        run(async {
            for (id, facts) in &expected {
                let id = SessionId::read(id, checks).unwrap();
                match storage.session(id).await.map_err(|e| e.to_string())? {
                    Some(session) if session.facts.bits() == *facts => {}
                    _ => return Ok(Err("a session is missing, or another".to_owned())),
                }
            }
            for (owner, number) in &self.owners {
                let revived = storage.revive(owner.code.tag(), NOW).await.map_err(|e| e.to_string())?;
                let owner = revived.and_then(|revival| revival.config.owner);
                if owner.map(|owner| owner.phone.reveal()) != Some(919_800_000_000 + number) {
                    return Ok(Err(format!("owner {number} is missing, or another")));
                }
            }
            Ok(Ok(late))
        })
    }
}

/// Puts everything in the journals into tables, as fjall does when its memtables are full.
pub fn flush(folder: &Path) {
    let database = Database::builder(folder.join("db")).worker_threads(1).open().unwrap();
    for name in KEYSPACES {
        let keyspace = database.keyspace(name, KeyspaceCreateOptions::default).unwrap();
        keyspace.rotate_memtable_and_wait().unwrap();
    }
}

/// Begins a new journal and removes the old one, as fjall does once everything in it is in tables.
pub fn forget_journal(folder: &Path) {
    std::fs::write(folder.join("db/1.jnl"), []).unwrap();
    std::fs::remove_file(folder.join("db/0.jnl")).unwrap();
}

/// A random number generator that is the same for the same seed (xorshift64*).
pub struct Dice(u64);

impl Dice {
    /// A seed of the clock or of the environment, printed.
    pub fn new() -> Self {
        let seed = number_of("QNECT_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 16 | 1);
        println!("seed {seed} (set QNECT_SEED to do the same again)");
        Self(seed | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len() as u64) as usize]
    }

    /// So many numbers below a bound; each of them once if there are no more.
    pub fn some_or_all_below(&mut self, bound: u64, count: u64) -> Vec<u64> {
        match count < bound {
            true => (0..count).map(|_| self.below(bound)).collect(),
            false => (0..bound).collect(),
        }
    }
}

/// Does it with each of them, with so many at a time as there are cores: an open store mostly waits for its own threads.
pub fn with_each<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}

/// A number in the environment.
pub fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Counts outcomes by kind, and prints them.
#[derive(Default)]
pub struct Tally {
    counts: BTreeMap<(Kind, &'static str), u64>,
    silent: Vec<String>,
}

impl Tally {
    pub fn count(&mut self, kind: Kind, what: &str, outcome: &Outcome) {
        let name = match outcome {
            Outcome::Correct(_) => "correct",
            Outcome::Loud(_) => "loud",
            Outcome::Panicked => "panicked",
            Outcome::Silent(wrong) => {
                self.silent.push(format!("{kind:?} {what}: {wrong}"));
                "silent"
            }
        };
        *self.counts.entry((kind, name)).or_default() += 1;
    }

    pub fn finish(self) {
        println!("counted: {} damaged folders", self.counts.values().sum::<u64>());
        for ((kind, outcome), count) in &self.counts {
            println!("counted: {kind:?}: {count} {outcome}");
        }
        assert!(self.silent.is_empty(), "silent: {:#?}", self.silent);
    }
}
