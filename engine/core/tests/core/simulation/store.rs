//! A model of the store: records are committed in the order in which they were pushed, some time later; what was committed
//! survives a crash, and of the rest some beginning may.

use std::collections::{HashMap, VecDeque};

use qnect_core::record::{Durability, Record};
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::time::Timestamp;

/// The place of a record in the order of all; it is safe once that many are committed.
pub(super) type Ticket = u64;

/// Disk, and what waits for it.
#[derive(Debug, Default)]
pub(super) struct Store {
    disk: HashMap<SessionId, SessionSnapshot>,
    /// In the order of their first commit.
    known: Vec<SessionId>,
    queue: VecDeque<SessionSnapshot>,
    committed: Ticket,
    /// When something was last committed.
    last_commit_at: Timestamp,
}

impl Store {
    /// A store that was made, with the tags in it, at `now`.
    pub(super) fn made_at(now: Timestamp) -> Self {
        Self { last_commit_at: now, ..Self::default() }
    }

    /// Takes a record. What nobody waits for may find no room.
    pub(super) fn push(&mut self, record: Record, has_room: bool) -> Option<Ticket> {
        let durability = record.durability();
        let snapshot = match record {
            Record::ScanAdmitted(_) => return None,
            Record::SessionOpened(s) | Record::SessionAdvanced(s) | Record::SessionEnded(s) => *s,
        };
        if durability == Durability::Eventually && !has_room {
            return None;
        }
        self.queue.push_back(snapshot);
        (durability == Durability::BeforeReply).then(|| self.last_ticket())
    }

    /// The ticket of what was pushed last.
    fn last_ticket(&self) -> Ticket {
        self.committed + self.queue.len() as Ticket
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Makes the next `count` records safe.
    pub(super) fn commit(&mut self, count: usize, now: Timestamp) {
        if count > 0 {
            self.last_commit_at = now;
        }
        for snapshot in self.queue.drain(..count) {
            self.committed += 1;
            if self.disk.insert(snapshot.id, snapshot.clone()).is_none() {
                self.known.push(snapshot.id);
            }
        }
    }

    /// No start begins before it.
    pub(super) fn last_commit_at(&self) -> Timestamp {
        self.last_commit_at
    }

    pub(super) fn is_safe(&self, ticket: Ticket) -> bool {
        ticket <= self.committed
    }

    /// What was not committed is lost.
    pub(super) fn lose_the_rest(&mut self) {
        self.queue.clear();
    }

    /// All that survived, in the order in which it became known.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &SessionSnapshot> {
        self.known.iter().map(|id| &self.disk[id])
    }
}
