//! What a test of durability needs: one folder for all lives of a server, clients, an operator and the books.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use serde_json::Value;

use crate::driver::{Client, drive};
use crate::exchange::Door;
use crate::folder::{Folder, owner};
use crate::operator::Operator;
use crate::oracle::Oracle;
use crate::server::Server;

/// How long a session waits for its call, by default.
const SESSION_LIFE: Duration = Duration::from_mins(10);
/// Clients at once: enough that commits are groups.
const CLIENTS: usize = 8;
/// How long a kill waits for an acknowledgement.
const ACKNOWLEDGEMENT_MAX: Duration = Duration::from_secs(1);
/// Owners whom an operator looks after, beside those who are called.
const OPERATED: usize = 4;
/// Owners who are called at least, however few the cycles are.
const CALLED_MIN: usize = 160;
/// Owners who are called more for each cycle, so that hardly a tag forgets a session.
const CALLED_PER_CYCLE: usize = 4;

/// KiB of a memtable, usually: no test writes so much.
pub(crate) const MEMTABLE_USUAL: u32 = 8_192;
/// So small that they are flushed within seconds, and the tables compacted.
pub(crate) const MEMTABLE_SMALL: u32 = 64;

/// Whatever could limit or challenge somebody.
const SWITCHED_OFF: [&str; 10] = [
    "LIMITS__TAG_RINGS_PER_HOUR",
    "LIMITS__TAG_URGENT_RINGS_PER_HOUR",
    "LIMITS__TAG_OPEN_SESSIONS_MAX",
    "LIMITS__ADDRESS_SCANS_PER_MINUTE",
    "LIMITS__ADDRESS_SESSIONS_PER_HOUR",
    "LIMITS__CALLER_RINGS_PER_HOUR",
    "LIMITS__OWNER_RINGS_PER_DAY",
    "LIMITS__WITHHELD_RINGS_PER_TAG_PER_HOUR",
    "ABUSE__CHALLENGE_AT",
    "ABUSE__REFUSE_AT",
];

/// One folder and those who work on it.
pub(crate) struct Yard {
    pub(crate) folder: Folder,
    /// The tags of the owners who are called.
    pub(crate) codes: Vec<String>,
    /// The books, in which others write as well.
    pub(crate) oracle: Rc<RefCell<Oracle>>,
    pub(crate) operator: Operator,
    crew: Vec<Client>,
}

impl Yard {
    /// A folder with owners enough for so many cycles, and memtables of so many KiB.
    pub(crate) fn for_cycles(seed: u64, cycles: usize, memtable_kibibytes: u32) -> Self {
        Self::new(seed, CALLED_MIN + CALLED_PER_CYCLE * cycles, memtable_kibibytes)
    }

    /// A folder with so many owners to be called. Nothing in it limits anybody: whoever is refused, is refused wrongly.
    pub(crate) fn new(seed: u64, called: usize, memtable_kibibytes: u32) -> Self {
        let folder = Folder::new().edit("access_code_digits = 7", "access_code_digits = 9");
        let folder = SWITCHED_OFF.into_iter().fold(folder, |folder, limit| folder.set(limit, "0"));
        let folder = folder.set("STORAGE__MEMTABLE_KIBIBYTES", &memtable_kibibytes.to_string());
        let phone = |n| format!("+9198{n:08}");
        let owners: Vec<Value> = (0..OPERATED + called).map(|n| owner(&phone(n))).collect();
        let mut codes = folder.import(&owners);
        let operator = Operator::of(&folder, codes.drain(..OPERATED).zip((0..).map(phone)), seed);
        let crew = Client::crew(CLIENTS, seed, &codes);
        Self { folder, codes, oracle: Rc::new(RefCell::new(Oracle::new(SESSION_LIFE))), crew, operator }
    }

    /// Everybody works until `stop` is set or the server is gone.
    pub(crate) async fn work(&mut self, door: &Door, stop: &Cell<bool>) {
        let Self { oracle, crew, operator, .. } = self;
        tokio::join!(drive(crew, door, oracle, stop), operator.work(oracle, stop));
    }

    /// Everybody works for so long; then the server is killed, at that moment or with the next acknowledgement.
    pub(crate) async fn work_until_killed(&mut self, server: Server, life: Duration, with_an_acknowledgement: bool) {
        let (door, stop) = (Door::at(server.address), Cell::new(false));
        let Self { oracle, crew, operator, .. } = self;
        let end = async {
            tokio::time::sleep(life).await;
            if with_an_acknowledgement {
                let before = oracle.borrow().tally.acknowledged();
                // Whoever hears one runs in this task, so this is looked at in the same moment.
                let next = poll_fn(|_| match oracle.borrow().tally.acknowledged() > before {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                });
                // Without one, the server is killed all the same.
                let _ = tokio::time::timeout(ACKNOWLEDGEMENT_MAX, next).await;
            }
            server.kill();
            stop.set(true);
        };
        tokio::join!(drive(crew, &door, oracle, &stop), operator.work(oracle, &stop), end);
    }

    /// Scripts that were given up.
    pub(crate) fn given_up(&self) -> usize {
        self.crew.iter().map(Client::given_up).sum()
    }
}
