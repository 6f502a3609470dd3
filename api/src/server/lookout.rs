//! One look at the clock for all connections of a worker: deadlines are noticed a little late, and cost a request nothing.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::server::pace::Pace;

/// A deadline is noticed so much too late at most, and while a worker has no time.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The connections of one worker: no more than there are places, and those that ended since the last look.
#[derive(Default)]
pub(super) struct Lookout {
    connections: RefCell<Vec<Weak<Pace>>>,
}

impl Lookout {
    /// Lookoutes one more.
    pub(super) fn over(&self, pace: &Rc<Pace>) {
        self.connections.borrow_mut().push(Rc::downgrade(pace));
    }

    /// Looks for as long as the worker lives.
    pub(super) async fn looks(self: Rc<Self>) {
        loop {
            sleep(LOOK_EVERY).await;
            let now = Instant::now();
            self.connections.borrow_mut().retain(|connection| {
                let pace = connection.upgrade();
                pace.inspect(|pace| pace.look(now)).is_some()
            });
        }
    }
}
