//! Carries out what a machine decided.

use qnect_core::caller::DayToken;
use qnect_core::effects::{Effect, Effects};
use qnect_core::record::{Durability, Record};
use qnect_core::scan::AddressKey;
use qnect_storage::{Lane, Promise, QueueFull};

use crate::cells::lock;
use crate::engine::Inner;
use crate::switchboard::Redial;

/// Carries out all effects, in order. What must be safe before the reply is promised in one commit; if its queue has no
/// room, nothing of it is recorded and the reply must not be given.
///
/// Codes are free only after the records are queued: whoever leases one next is on disk behind the end of its last holder.
pub(crate) fn carry_out(effects: &mut Effects, lane: Lane, inner: &Inner) -> Result<Option<Promise>, QueueFull> {
    let (mut promised, mut released) = (Vec::new(), Vec::new());
    for effect in effects.drain() {
        match effect {
            Effect::Record(record) => match record.durability() {
                Durability::BeforeReply => promised.push(record),
                Durability::Eventually => remember(record, inner),
            },
            Effect::ReleaseCode { number, code, session } => released.push((number, code, session)),
            Effect::ForgetLeg { leg, session } => {
                inner.lines.over(&leg, inner.clock.now());
                inner.switchboard.forget_leg(&leg, session);
            }
            Effect::RememberCaller { number, caller, session, code, until } => {
                inner.switchboard.remember_caller(number, caller, Redial { session, code, until });
            }
            Effect::CreditAddress { from, urgent, caller } => credit(from, urgent, caller, inner),
            Effect::UsedSession { from } => {
                let (own, network) = inner.cells.address(from);
                lock(&own).session_is_used(Some(&mut lock(&network)), inner.clock.now());
            }
            Effect::NoteCaller { caller, signal, owner } => {
                let cell = inner.cells.callers.of(caller);
                lock(&cell).note(signal, Some(owner), &inner.policy, inner.clock.now());
            }
            Effect::GaveWay => inner.metrics.gave_way(),
            Effect::Ask(request) => {
                if inner.provider_requests.try_send(request).is_err() {
                    inner.metrics.provider_requests_dropped.increment(1);
                }
            }
        }
    }
    let promise = (!promised.is_empty()).then(|| inner.storage.promise(lane, promised)).transpose();
    for (number, code, session) in released {
        inner.switchboard.release(number, code, session);
    }
    #[cfg(any(test, feature = "faults"))]
    inner.panics.reach(crate::faults::Point::CarriedOut);
    promise
}

fn credit(address: AddressKey, urgent: bool, caller: Option<DayToken>, inner: &Inner) {
    let now = inner.clock.now();
    let (own, network) = inner.cells.address(address);
    lock(&own).credit_call(urgent, caller, &inner.policy, now);
    lock(&network).credit_call(caller, now);
}

fn remember(record: Record, inner: &Inner) {
    if let Record::ScanAdmitted(scan) = record {
        if inner.storage.log_scan(scan).is_err() {
            inner.metrics.scan_records_dropped.increment(1);
        }
        return;
    }
    // The facts behind it are stored; after a restart the clock ends the session again, in the same way.
    if inner.storage.remember(Lane::Webhooks, record).is_err() {
        tracing::warn!("the end of a session was not recorded: the commit queue is full");
    }
}
