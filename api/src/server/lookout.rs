//! Looks at the clock, and at what the listener does, for all connections of a worker: deadlines are noticed a little late, and
//! cost a request nothing.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::server::pace::Pace;

/// A connection is looked at so often: a deadline is noticed so much too late at most, and while its worker has no time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Those who came together are looked at in so many groups, one after the other: to end a crowd at once takes milliseconds, for
/// which everybody else would wait.
const GROUPS: usize = 16;

/// The connections of one worker: no more than there are places, and those that ended since their group's last look.
#[derive(Default)]
pub(super) struct Lookout {
    groups: [RefCell<Vec<Weak<Pace>>>; GROUPS],
    came: Cell<usize>,
    is_draining: Cell<bool>,
}

impl Lookout {
    /// Watches one more.
    pub(super) fn over(&self, pace: &Rc<Pace>) {
        let nth = self.came.replace(self.came.get().wrapping_add(1));
        self.groups[nth % GROUPS].borrow_mut().push(Rc::downgrade(pace));
        if self.is_draining.get() {
            pace.drain();
        }
    }

    /// Tells everybody when the listener drains: if each connection asked for itself, all workers would wait for one lock.
    pub(super) async fn drains(self: Rc<Self>, mut draining: watch::Receiver<bool>) {
        // Nobody who could say so is left: that is the end, too.
        let _ = draining.wait_for(|&draining| draining).await;
        self.is_draining.set(true);
        for group in &self.groups {
            group.borrow().iter().filter_map(Weak::upgrade).for_each(|pace| pace.drain());
        }
    }

    /// Looks for as long as the worker lives.
    pub(super) async fn looks(self: Rc<Self>) {
        for group in self.groups.iter().cycle() {
            sleep(LOOK_EVERY / GROUPS as u32).await;
            let now = Instant::now();
            group.borrow_mut().retain(|connection| {
                let pace = connection.upgrade();
                pace.inspect(|pace| pace.look(now)).is_some()
            });
        }
    }
}
