//! A visit: the only way to an actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actix::dev::ToEnvelope;
use actix::{Addr, Handler, Message};
use qnect_storage::Lane;

use crate::actor::TagActor;
use crate::error::EngineError;
use crate::registry::visits_max;

/// An active tag's place in the registry. It holds the only address of the actor: every clone of an address would
/// give the mailbox one more free slot (actix#329).
pub(crate) struct Active {
    /// Tells this actor from an earlier one of the same tag.
    pub(crate) generation: u64,
    pub(crate) visits: AtomicU32,
    pub(crate) address: Addr<TagActor>,
}

/// Leave to talk to one actor: counted, and the actor does not retire before it is over.
pub(crate) struct Visit(Arc<Active>);

impl Visit {
    /// Begins a visit, unless the tag has as many as this lane may see.
    pub(crate) fn begin(active: &Arc<Active>, lane: Lane) -> Option<Self> {
        // Counted first and looked at then: two at once can only both be turned away, never both be let in too many.
        let before = active.visits.fetch_add(1, Ordering::AcqRel);
        let visit = Self(active.clone());
        (before < visits_max(lane)).then_some(visit)
    }

    /// Begins a visit that nobody may turn away. [`Registry::summon`](crate::registry::Registry::summon) begins one at a
    /// time.
    pub(crate) fn insist(active: &Arc<Active>) -> Self {
        active.visits.fetch_add(1, Ordering::AcqRel);
        Self(active.clone())
    }

    /// Hands the actor a message and waits for the reply.
    pub(crate) async fn tell<M>(&self, message: M) -> Result<M::Result, EngineError>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        TagActor: Handler<M>,
        <TagActor as actix::Actor>::Context: ToEnvelope<TagActor, M>,
    {
        self.0.address.send(message).await.map_err(|_| EngineError::ActorLost)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.visits.fetch_sub(1, Ordering::AcqRel);
    }
}
