//! Which tags of a worker nobody has needed for a while. A timer of its own for each of a million tags that do nothing would
//! cost them memory, so a worker has one list of them, and one timer. It asks one after the other.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;
use qnect_storage::Lane;
use tokio::time::MissedTickBehavior;

use crate::engine::Inner;
use crate::messages::AreYouIdle;

/// How often a worker looks at its list in the time after which a tag is idle, and within which bounds, in milliseconds.
const LOOKS_PER_IDLE: u64 = 8;
const LOOK_EVERY_MS: (u64, u64) = (1, 1_000);

/// When to ask which actor: the tag, and its generation.
type Due = (Timestamp, TagId, u64);

thread_local! {
    /// Each actor of this worker once; one that was lost stands here until it would have been idle.
    static HERE: RefCell<BinaryHeap<Reverse<Due>>> = const { RefCell::new(BinaryHeap::new()) };
}

/// An actor of this worker is to be asked then.
pub(crate) fn ask_at(due: Timestamp, tag: TagId, generation: u64) {
    HERE.with_borrow_mut(|list| list.push(Reverse((due, tag, generation))));
}

/// Asks the actors of this worker when they may be idle. To be spawned once on each worker; never ends.
pub(crate) async fn watch(inner: Arc<Inner>) {
    let (least, most) = LOOK_EVERY_MS;
    let every = (inner.tag_idle.as_millis() / LOOKS_PER_IDLE).clamp(least, most);
    let mut looks = tokio::time::interval(Duration::from_millis(every));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let now = inner.clock.now();
        while let Some((tag, generation)) = next_due(now) {
            // Asked first: its door may open in between.
            let is_loading = inner.registry.is_loading(tag);
            match inner.registry.visit(tag, Lane::Webhooks) {
                // An actor that is lost meanwhile is nobody to ask.
                Some(Ok(visit)) => drop(visit.tell(AreYouIdle(generation)).await),
                Some(Err(_crowded)) => ask_at(now.plus(inner.tag_idle), tag, generation),
                // It has started, and its door is about to open.
                None if is_loading => ask_at(now.plus(inner.tag_idle), tag, generation),
                None => {}
            }
        }
    }
}

fn next_due(now: Timestamp) -> Option<(TagId, u64)> {
    HERE.with_borrow_mut(|list| {
        let Reverse((due, tag, generation)) = *list.peek()?;
        (due <= now).then(|| {
            list.pop();
            (tag, generation)
        })
    })
}
