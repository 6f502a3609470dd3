//! Carries out what a machine decided.

use qnect_core::effects::{Effect, Effects};
use qnect_core::record::{Durability, Record};
use qnect_storage::{Lane, Promise, QueueFull};

use crate::engine::Inner;

/// Carries out all effects, in order. What must be safe before the reply is promised in one commit; if its queue has no
/// room, nothing of it is recorded and the reply must not be given.
pub(crate) fn carry_out(effects: &mut Effects, lane: Lane, inner: &Inner) -> Result<Option<Promise>, QueueFull> {
    let mut promised = Vec::new();
    for effect in effects.drain() {
        match effect {
            Effect::Record(record) => match record.durability() {
                Durability::BeforeReply => promised.push(record),
                Durability::Eventually => remember(record, inner),
            },
            Effect::ReleaseCode { number, code } => inner.switchboard.release(number, code),
            Effect::ForgetLeg(leg) => inner.switchboard.forget_leg(&leg),
        }
    }
    if promised.is_empty() {
        return Ok(None);
    }
    inner.storage.promise(lane, promised).map(Some)
}

fn remember(record: Record, inner: &Inner) {
    let is_scan = matches!(record, Record::ScanAdmitted(_));
    let lane = if is_scan { Lane::Scans } else { Lane::Webhooks };
    match inner.storage.remember(lane, record) {
        Ok(()) => {}
        Err(QueueFull) if is_scan => inner.metrics.scan_records_dropped.increment(1),
        // The facts behind it are stored; after a restart the clock ends the session again, in the same way.
        Err(QueueFull) => tracing::warn!("the end of a session was not recorded: the commit queue is full"),
    }
}
