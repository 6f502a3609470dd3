//! The fear: a read returns what was overwritten long ago, because a compaction put a newer table behind an older one
//! (lsm-tree#315, fixed in 3.1.9).
//!
//! A few rows are rewritten again and again while memtables are flushed and tables merged below them, and one reader after
//! the other demands never to see less than was acknowledged to it. `QNECT_OPS` makes it longer: 100,000,000 before a
//! release.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use qnect_core::record::Record;
use qnect_core::session_id::SessionId;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Lane, Promise, Storage};
use store_common::{NOW, open, run, session, session_id};

/// Writes in the short form: 40 MiB of journal, so that memtables are flushed several times.
const OPS: u64 = 200_000;
/// Rows that are rewritten.
const ROWS: u64 = 64;
/// Rewrites of each row in one commit: the last of them stands.
const REWRITES: u64 = 8;
/// A start in between: what was read back from journals and tables is held to the same.
const STARTS: u64 = 4;

#[test]
fn no_read_goes_back_behind_what_was_acknowledged() {
    let ops = std::env::var("QNECT_OPS").map_or(OPS, |text| text.parse().expect("QNECT_OPS is a number"));
    let folder = tempfile::tempdir().unwrap();
    let rounds = ops / (ROWS * REWRITES);
    assert!(rounds >= STARTS, "QNECT_OPS={ops} shows nothing: {} at least", STARTS * ROWS * REWRITES);
    let mut count = 0;
    for start in 0..STARTS {
        let storage = open(folder.path());
        let ids: Vec<_> = (0..ROWS).map(|row| session_id(&storage, TagId::from_random(0, row), row)).collect();
        if start > 0 {
            assert_reads(&storage, &ids, count);
        }
        for _ in 0..rounds / STARTS {
            count += 1;
            let promises: Vec<_> = ids.iter().map(|&id| rewritten(&storage, id, count)).collect();
            promises.into_iter().for_each(|promise| run(promise.kept()).unwrap());
            assert_reads(&storage, &ids, count);
        }
    }
    println!("counted: {} writes, each row read back {count} times", count * ROWS * REWRITES);
    assert!(count >= rounds / STARTS * STARTS && count > 0);
}

/// Writes a row so often in one commit; the last time it says `count`.
fn rewritten(storage: &Storage, id: SessionId, count: u64) -> Promise {
    let record = |at| {
        let mut session = session(id, OwnerId(1));
        session.opened_at = at;
        Record::SessionAdvanced(Box::new(session))
    };
    let stale = std::iter::repeat_n(NOW, REWRITES as usize - 1);
    storage.promise(Lane::Webhooks, stale.chain([at(count)]).map(record).collect()).unwrap()
}

fn assert_reads(storage: &Storage, ids: &[SessionId], count: u64) {
    for &id in ids {
        let read = run(storage.session(id)).unwrap().expect("a row that was acknowledged");
        assert_eq!(read.opened_at, at(count), "a read went back");
    }
}

fn at(count: u64) -> Timestamp {
    NOW.plus(Span::from_millis(count))
}
