//! A yard on a disk that lies.

use std::process::ExitStatus;

use crate::disk::{Disk, Faults};
use crate::exchange::Door;
use crate::folder::owner;
use crate::oracle::Oracle;
use crate::random::Random;
use crate::rewind::{Loss, Names, Undone, rewind};
use crate::server::Server;
use crate::undo::Log;
use crate::yard::{MEMTABLE_SMALL, MEMTABLE_USUAL, Yard};

/// Sessions of earlier lives that are read back after each restart.
const SAMPLE: usize = 20;

/// The engine goes on when its ballast cannot be written: a call that fails there is no failure.
const NO_BALLAST: (&str, &str) = ("QNECT__STORAGE__BALLAST_MEBIBYTES", "0");
/// Owners whose tags nobody uses but the test itself: one, and those that are asked for after a failure, in turn. They are so
/// many that none of them is asked for so often that it forgets.
const SPARES: usize = 1 + 200;

/// One folder, those who work on it, and its disk.
pub(crate) struct Ground {
    pub(crate) yard: Yard,
    /// A tag that the clients know nothing of.
    pub(crate) spare: String,
    /// More of them, for those who ask after a failure.
    late: Vec<String>,
    /// Lives that ended with a failure.
    failed_lives: usize,
    pub(crate) disk: Disk,
    pub(crate) random: Random,
    pub(crate) undone: Undone,
    seed: u64,
}

impl Ground {
    pub(crate) fn new(seed: u64, cycles: usize) -> Self {
        Self::with_memtables(seed, cycles, MEMTABLE_USUAL)
    }

    /// One whose memtables are flushed and compacted while it serves.
    pub(crate) fn flushing(seed: u64, cycles: usize) -> Self {
        Self::with_memtables(seed, cycles, MEMTABLE_SMALL)
    }

    fn with_memtables(seed: u64, cycles: usize, memtable_kibibytes: u32) -> Self {
        let disk = Disk::build();
        let random = Random::of(seed, u64::MAX);
        let yard = Yard::for_cycles(seed, cycles, memtable_kibibytes);
        let owners: Vec<_> = (0..SPARES).map(|n| owner(&format!("+9197{n:08}"))).collect();
        let mut late = yard.folder.import(&owners);
        let spare = late.remove(0);
        Self { yard, spare, late, failed_lives: 0, disk, random, undone: Undone::default(), seed }
    }

    /// The tag that is asked for after the next failure, and the number of that failure.
    pub(crate) fn late(&mut self) -> (String, usize) {
        self.failed_lives += 1;
        (self.late[self.failed_lives % self.late.len()].clone(), self.failed_lives)
    }

    /// A server on a disk with these faults; how it ended and what it said, if it did not get ready.
    pub(crate) fn try_start(&mut self, faults: &Faults) -> Result<Server, (ExitStatus, String)> {
        self.disk.plan(faults);
        let environment = self.disk.environment(&self.yard.folder.data(), true);
        let environment = environment.iter().map(|(name, value)| (*name, value.as_str()));
        let environment: Vec<_> = environment.chain([NO_BALLAST]).collect();
        Server::start_with(&self.yard.folder, &environment)
    }

    /// A server that gets ready.
    pub(crate) fn start(&mut self, faults: &Faults) -> Server {
        let seed = self.seed;
        let refused = |(status, told)| panic!("QNECT_SEED={seed}: the server did not get ready: {status}: {told}");
        self.try_start(faults).unwrap_or_else(refused)
    }

    /// The power fails after the last life.
    pub(crate) fn lose_power(&mut self, loss: Loss, names: Names) {
        self.lose_power_after(&self.disk.log(), loss, names);
    }

    /// The power fails after these lives.
    pub(crate) fn lose_power_after(&mut self, log: &Log, loss: Loss, names: Names) {
        let undone = rewind(log, &self.yard.folder.data(), loss, names, &mut self.random);
        println!("{loss:?}, {names:?}: {undone:?}");
        self.undone.pieces += undone.pieces;
        self.undone.names += undone.names;
    }

    /// Reads everything back from a server that came back, and fails the test when anything is wrong.
    pub(crate) async fn inspect(&mut self, server: &Server, when: &str) {
        self.yard.inspect(server, &mut self.random, SAMPLE).await;
        self.assert_faultless(when);
    }

    /// Fails the test when anything went wrong.
    pub(crate) fn assert_faultless(&self, when: &str) {
        self.oracle(|oracle| oracle.assert_faultless(&format!("QNECT_SEED={}, {when}", self.seed)));
    }

    /// A look into the books.
    pub(crate) fn oracle<T>(&self, look: impl FnOnce(&Oracle) -> T) -> T {
        look(&self.yard.oracle.borrow())
    }
}

/// The operations listener of a server, for one who expects that it may be gone.
pub(crate) fn operations(server: &Server) -> Door {
    let ready = server.stdout();
    let (_, address) = ready.trim().rsplit_once("http://").expect("the ready line");
    Door::at(address.parse().expect("an address"))
}
