//! Memtables that have had their day.
//!
//! fjall frees one under the lock by which every row gets into memory. The 90,000 small pieces of a full one take 20 ms,
//! and whoever waits for a commit would wait for that, too. So the commit thread holds on to each memtable until nobody
//! else does, and a thread of its own frees it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use lsm_tree::{AbstractTree, Memtable};

use crate::codec::Touched;
use crate::layout::{Keyspaces, Space};

/// Full memtables that are held, and those that wait to be freed, at most; what is beyond is freed by fjall. That stops all
/// writing at four full ones of a keyspace, and has more only while something old is still read.
const MEMTABLES_MAX: usize = 64;

/// What is to be freed.
pub(crate) type Swept = Receiver<Arc<Memtable>>;

/// The commit thread's hold on the memtables of all keyspaces.
pub(crate) struct Memtables {
    /// Those that take rows.
    active: [Arc<Memtable>; Space::ALL.len()],
    /// Those that took some, and that others need.
    full: Vec<Arc<Memtable>>,
    /// Where rows have been written since the last sweep.
    pub(super) written: Touched,
    sweeper: SyncSender<Arc<Memtable>>,
}

impl Memtables {
    pub(crate) fn of(spaces: &Keyspaces) -> (Self, Swept) {
        let (sweeper, swept) = std::sync::mpsc::sync_channel(MEMTABLES_MAX);
        let active = Space::ALL.map(|space| spaces.get(space).tree.active_memtable());
        (Self { active, full: Vec::new(), written: Touched::default(), sweeper }, swept)
    }

    /// Takes hold of new ones where rows have been written, and lets go of those that nobody else holds. Waits, as a write
    /// does, for whoever changes the list of a keyspace's tables: so it is called when nobody waits for a commit.
    pub(crate) fn sweep(&mut self, spaces: &Keyspaces) {
        let written = std::mem::take(&mut self.written);
        for (active, space) in self.active.iter_mut().zip(Space::ALL).filter(|(_, space)| written.is_in(*space)) {
            let now = spaces.get(space).tree.active_memtable();
            if Arc::ptr_eq(active, &now) {
                continue;
            }
            let full = std::mem::replace(active, now);
            if self.full.len() < MEMTABLES_MAX {
                self.full.push(full);
            }
        }
        for unheld in self.full.extract_if(.., |memtable| Arc::strong_count(memtable) == 1) {
            // A sweeper that is so far behind costs this thread the time, but no lock is held.
            let _ = self.sweeper.try_send(unheld);
        }
    }
}

/// Frees what is swept, until there will be no more.
pub(crate) fn free(swept: &Swept) {
    swept.iter().for_each(drop);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::MEMTABLE_BYTES;

    #[test]
    fn a_memtable_is_swept_when_it_is_on_disk_and_fjall_has_let_go_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = crate::opening::open_database(folder.path()).unwrap();
        let spaces = Keyspaces::open(&database, MEMTABLE_BYTES).unwrap();
        let (mut memtables, swept) = Memtables::of(&spaces);
        let tags = spaces.get(Space::Tags);
        let wrote_and_swept = |memtables: &mut Memtables| {
            memtables.written.note(Space::Tags, true);
            memtables.sweep(&spaces);
        };

        tags.insert("first", "row").unwrap();
        let first = Arc::downgrade(&tags.tree.active_memtable());
        wrote_and_swept(&mut memtables);
        assert!(memtables.full.is_empty(), "it still takes rows");

        tags.rotate_memtable_and_wait().unwrap();
        wrote_and_swept(&mut memtables);
        // fjall lets go of old ones when a later one is full.
        for row in ["second", "third"] {
            tags.insert(row, "row").unwrap();
            tags.rotate_memtable_and_wait().unwrap();
            wrote_and_swept(&mut memtables);
        }
        assert!(first.strong_count() > 0, "fjall has not freed it");
        assert!(swept.try_iter().any(|memtable| Arc::as_ptr(&memtable) == first.as_ptr()));
        assert_eq!(first.strong_count(), 0);
    }

    #[test]
    fn what_nobody_wrote_to_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let database = crate::opening::open_database(folder.path()).unwrap();
        let spaces = Keyspaces::open(&database, MEMTABLE_BYTES).unwrap();
        let (mut memtables, _swept) = Memtables::of(&spaces);
        let tags = spaces.get(Space::Tags);
        tags.insert("first", "row").unwrap();
        tags.rotate_memtable_and_wait().unwrap();
        memtables.sweep(&spaces);
        assert!(memtables.full.is_empty());
    }
}
