//! Coming back: what a new engine takes over from the sessions that storage remembers.

use std::collections::BTreeSet;
use std::time::Duration;

use qnect_core::abuse::Signal;
use qnect_core::caller::DayToken;
use qnect_core::session::{Session, SessionSnapshot, State};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, latest_end};
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;
use qnect_storage::{Lane, StorageError};
use tokio::sync::mpsc;

use crate::cells::lock;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::switchboard::Redial;

/// When a tag that could not be woken is tried again.
const WAKE_AGAIN: Duration = Duration::from_secs(1);

/// A ring of the past, as budgets need to know it.
struct Ring {
    dialed_at: Timestamp,
    owner: OwnerId,
    caller: Option<DayToken>,
    session: SessionId,
    /// Its call may still be on.
    is_live: bool,
    /// What the caller did wrong, and when.
    signs: Vec<(Signal, Timestamp)>,
}

impl Ring {
    fn of(session: &SessionSnapshot) -> Option<Self> {
        Some(Self {
            dialed_at: session.dialed_at?,
            owner: session.owner,
            caller: session.bound_to,
            session: session.id,
            is_live: session.ended.is_none() && !session.facts.over(),
            signs: Session::restore(session.clone()).signs().collect(),
        })
    }
}

impl Engine {
    /// Takes codes, legs, owners' lines and budgets back from what was remembered. Returns the tags with open sessions.
    pub(crate) fn restore(&self) -> Result<BTreeSet<TagId>, StorageError> {
        let inner = &self.inner;
        let mut open = BTreeSet::new();
        let mut rings = Vec::new();
        let mut redials = Vec::new();
        let now = inner.clock.now();
        inner.storage.walk_sessions(now, |snapshot| {
            rings.extend(Ring::of(&snapshot));
            if let Some(caller) = snapshot.bound_to.filter(|_| now < snapshot.expires_at) {
                let redial = Redial { session: snapshot.id, code: snapshot.code, until: snapshot.expires_at };
                redials.push((snapshot.dialed_at.unwrap_or(snapshot.opened_at), snapshot.number, caller, redial));
            }
            if Session::restore(snapshot.clone()).state() != State::Ended {
                if let (Some(leg), Some(dialed_at)) = (&snapshot.scanner_leg, snapshot.dialed_at)
                    && !snapshot.facts.over()
                {
                    inner.lines.restore(leg, snapshot.number, latest_end(&inner.policy, dialed_at));
                }
                inner.switchboard.restore(&snapshot);
                inner.metrics.sessions_open.increment(1.0);
                open.insert(snapshot.id.tag());
            }
        })?;
        // They come in any order. Out of order, an old ring would weigh like a new one; those of one moment have an order, too,
        // so that two starts come to the same.
        rings.sort_unstable_by_key(|ring| (ring.dialed_at, *ring.session.secret()));
        // Of a caller's sessions on one number, the one that was called last is what is dialled again.
        redials.sort_unstable_by_key(|(used_at, _, _, redial)| (*used_at, *redial.session.secret()));
        for (_, number, caller, redial) in redials {
            inner.switchboard.remember_caller(number, caller, redial);
        }
        for ring in rings {
            self.restore_budgets(&ring);
        }
        Ok(open)
    }

    fn restore_budgets(&self, ring: &Ring) {
        let inner = &self.inner;
        let owner = inner.cells.owners.of(ring.owner);
        let mut owner = lock(&owner);
        owner.replay_ring(&inner.policy, ring.session, ring.dialed_at);
        if ring.is_live {
            owner.live = Some((ring.session, latest_end(&inner.policy, ring.dialed_at)));
        }
        if let Some(token) = ring.caller {
            let caller = inner.cells.callers.of(token);
            let mut caller = lock(&caller);
            caller.rings.replay(inner.policy.caller_rings, ring.dialed_at);
            ring.signs.iter().for_each(|&(signal, at)| caller.note(signal, Some(ring.owner), &inner.policy, at));
        }
    }

    /// Brings tags back whose sessions need their clock: after a start, and after a panic. One that is turned away is
    /// tried again, because nobody else might ever visit it, and its codes would stay taken.
    pub(crate) async fn wake_tags(self, open: BTreeSet<TagId>, mut woken: mpsc::Receiver<TagId>) {
        let mut waiting = open;
        loop {
            for tag in std::mem::take(&mut waiting) {
                if let Err(EngineError::Overloaded | EngineError::ActorLost) = self.try_enter(tag, Lane::Webhooks).await
                {
                    waiting.insert(tag);
                }
            }
            let pause = if waiting.is_empty() { Duration::MAX } else { WAKE_AGAIN };
            if let Ok(Some(tag)) = tokio::time::timeout(pause, woken.recv()).await {
                waiting.insert(tag);
            }
        }
    }
}
