//! The registry: which tags are in memory, and the only door to their actors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use qnect_core::tag_code::TagId;
use qnect_storage::Lane;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::error::EngineError;
use crate::losses::Losses;
use crate::visit::{Active, Visit};

/// Visits that one tag may have at once; more are turned away, so that one hot tag cannot starve its arbiter.
pub const VISITS_PER_TAG_MAX: u32 = 32;

/// Visits above which a lane is turned away: a crowd that looks at one sticker does not keep its calls out.
pub(crate) const fn visits_max(lane: Lane) -> u32 {
    match lane {
        Lane::Scans => VISITS_PER_TAG_MAX / 4 * 3,
        Lane::Sessions => VISITS_PER_TAG_MAX / 8 * 7,
        Lane::Webhooks => VISITS_PER_TAG_MAX,
    }
}

enum Slot {
    /// Somebody fetches the tag; these wait, [`VISITS_PER_TAG_MAX`] of them at most.
    Loading(Vec<oneshot::Sender<Result<(), EngineError>>>),
    Active(Arc<Active>),
}

/// What [`Registry::enter`] found.
pub(crate) enum Entrance {
    /// Come in.
    Visit(Visit),
    /// Somebody else is fetching the tag; then enter again.
    Wait(oneshot::Receiver<Result<(), EngineError>>),
    /// Fetch the tag: nobody else does.
    Load(LoadingGuard),
}

/// What [`Registry::summon`] found.
pub(crate) enum Summons {
    /// Come in.
    Visit(Visit),
    /// Somebody is fetching the tag; then summon again.
    Wait(oneshot::Receiver<Result<(), EngineError>>),
}

/// The registry.
pub(crate) struct Registry {
    slots: Arc<DashMap<TagId, Slot>>,
    pub(crate) losses: Losses,
    generations: AtomicU64,
    active_max: usize,
    clock: Clock,
}

/// The duty to fetch a tag. Dropped undone (a client that left, say), it wakes those who wait, and they try themselves.
pub(crate) struct LoadingGuard {
    slots: Arc<DashMap<TagId, Slot>>,
    tag: TagId,
    done: bool,
}

impl LoadingGuard {
    /// The tag is there: opens its door to everyone who waits.
    pub(crate) fn open(mut self, active: Active) {
        self.done = true;
        let previous = self.slots.insert(self.tag, Slot::Active(Arc::new(active)));
        wake(previous, &Ok(()));
    }

    /// The tag cannot be had: tells everyone who waits.
    pub(crate) fn fail(mut self, error: &EngineError) {
        self.done = true;
        let previous = self.slots.remove(&self.tag).map(|(_, slot)| slot);
        wake(previous, &Err(error.clone()));
    }
}

impl Drop for LoadingGuard {
    fn drop(&mut self) {
        if !self.done {
            let previous = self.slots.remove(&self.tag).map(|(_, slot)| slot);
            wake(previous, &Ok(()));
        }
    }
}

fn wake(slot: Option<Slot>, result: &Result<(), EngineError>) {
    if let Some(Slot::Loading(waiters)) = slot {
        for waiter in waiters {
            // One that left needs no waking.
            let _ = waiter.send(result.clone());
        }
    }
}

impl Registry {
    pub(crate) fn new(active_max: usize, clock: Clock) -> Self {
        Self { slots: Arc::default(), losses: Losses::default(), generations: AtomicU64::new(0), active_max, clock }
    }

    /// The door to the actor of a tag that is in memory; `None` when it is not. The count of visits is raised under the
    /// shard's lock, which [`Registry::retire`] takes to look at it: an actor with a visit on its way does not retire.
    pub(crate) fn visit(&self, tag: TagId, lane: Lane) -> Option<Result<Visit, EngineError>> {
        let visit = self.slots.get(&tag).and_then(|slot| match &*slot {
            Slot::Active(active) if active.address.connected() => Some(Visit::begin(active, lane)),
            Slot::Active(_) | Slot::Loading(_) => None,
        })?;
        Some(visit.ok_or(EngineError::Overloaded))
    }

    /// The way to a tag's actor, whoever has to fetch the tag.
    pub(crate) fn enter(&self, tag: TagId, lane: Lane) -> Result<Entrance, EngineError> {
        if self.losses.is_quarantined(tag, self.clock.now()) {
            return Err(EngineError::ActorLost);
        }
        let crowded = self.slots.len() >= self.active_max;
        match self.slots.entry(tag) {
            Entry::Vacant(_) if crowded => Err(EngineError::Overloaded),
            Entry::Vacant(vacant) => {
                vacant.insert(Slot::Loading(Vec::new()));
                Ok(Entrance::Load(LoadingGuard { slots: self.slots.clone(), tag, done: false }))
            }
            Entry::Occupied(mut slot) => match slot.get_mut() {
                // One that died between its start and its entry here told nobody.
                Slot::Active(active) if !active.address.connected() => {
                    slot.insert(Slot::Loading(Vec::new()));
                    Ok(Entrance::Load(LoadingGuard { slots: self.slots.clone(), tag, done: false }))
                }
                Slot::Active(active) => Visit::begin(active, lane).map(Entrance::Visit).ok_or(EngineError::Overloaded),
                Slot::Loading(waiters) if waiters.len() >= VISITS_PER_TAG_MAX as usize => Err(EngineError::Overloaded),
                Slot::Loading(waiters) => {
                    let (waker, wait) = oneshot::channel();
                    waiters.push(waker);
                    Ok(Entrance::Wait(wait))
                }
            },
        }
    }

    /// The way to a tag's actor for somebody who must be heard, if the tag is in memory or on its way there: no bound
    /// turns it away, which is harmless as long as there is one such visitor at a time. `None`: the tag is not in
    /// memory, and whoever fetches it next reads what is stored now.
    pub(crate) fn summon(&self, tag: TagId) -> Option<Summons> {
        let mut slot = self.slots.get_mut(&tag)?;
        match &mut *slot {
            Slot::Active(active) if active.address.connected() => Some(Summons::Visit(Visit::insist(active))),
            Slot::Active(_) => None,
            Slot::Loading(waiters) => {
                let (waker, wait) = oneshot::channel();
                waiters.push(waker);
                Some(Summons::Wait(wait))
            }
        }
    }

    /// Whether somebody fetches this tag now.
    pub(crate) fn is_loading(&self, tag: TagId) -> bool {
        self.slots.get(&tag).is_some_and(|slot| matches!(&*slot, Slot::Loading(_)))
    }

    /// A number that no other actor has had.
    pub(crate) fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes an actor off the registry, unless somebody visits it beside who asks whether it is idle. Returns whether it may
    /// stop.
    pub(crate) fn retire(&self, tag: TagId, generation: u64) -> bool {
        let idle = |active: &Active| active.generation == generation && active.visits.load(Ordering::Acquire) <= 1;
        self.slots.remove_if(&tag, |_, slot| matches!(slot, Slot::Active(active) if idle(active))).is_some()
    }

    /// An actor was lost to a panic: off the registry it goes, so that the next visit revives the tag.
    pub(crate) fn lost(&self, tag: TagId, generation: u64) {
        // Before anybody can revive it, who would read what is stored too early.
        self.losses.note(tag, self.clock.now());
        self.slots.remove_if(&tag, |_, slot| matches!(slot, Slot::Active(active) if active.generation == generation));
    }

    /// Whether an actor of this tag was lost lately: what it left on its way to disk may not be there yet.
    pub(crate) fn was_lost(&self, tag: TagId) -> bool {
        self.losses.was_lost(tag, self.clock.now())
    }

    /// Tags in memory or on their way there.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}
