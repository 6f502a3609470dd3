//! A provider that is out: what it has to tell waits, and is told again when it is back.

use std::time::Duration;

use tokio::sync::{Mutex, watch};

/// From one thing that waited to the next: a provider that is back works off what it kept, a thousand a second at most.
const NEXT_AFTER: Duration = Duration::from_millis(1);

/// Whether the provider is out.
#[derive(Debug)]
pub(crate) struct Outage {
    is_on: watch::Sender<bool>,
    /// How many wait.
    waiting: watch::Sender<usize>,
    /// Whoever waits, one after the other.
    turns: Mutex<()>,
}

impl Outage {
    /// A provider that is there.
    pub(crate) fn none() -> Outage {
        Outage { is_on: watch::Sender::new(false), waiting: watch::Sender::new(0), turns: Mutex::new(()) }
    }

    pub(crate) fn set(&self, is_on: bool) {
        self.is_on.send_replace(is_on);
    }

    pub(crate) fn is_on(&self) -> bool {
        *self.is_on.borrow()
    }

    /// Waits until so many wait.
    pub(crate) async fn until_waiting(&self, count: usize) {
        // It fails only without a sender, which is ours.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting >= count).await;
    }

    /// Waits for its end, and for those who have waited longer; what comes after its end overtakes them. Returns whether
    /// there was something to wait for.
    pub(crate) async fn wait(&self) -> bool {
        if !self.is_on() {
            return false;
        }
        let _counted = Waiting::begin(&self.waiting);
        let _turn = self.turns.lock().await;
        tokio::time::sleep(NEXT_AFTER).await;
        // Last, so that nothing leaves in another outage. It fails only without a sender, which is ours.
        let _ = self.is_on.subscribe().wait_for(|is_on| !is_on).await;
        true
    }
}

/// One who waits, until it is dropped.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn begin(all: &'a watch::Sender<usize>) -> Self {
        all.send_modify(|count| *count += 1);
        Self(all)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_waited_is_told_one_after_the_other() {
        let outage = Arc::new(Outage::none());
        assert!(!outage.wait().await, "nothing to wait for");
        outage.set(true);
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let outage = outage.clone();
                tokio::spawn(async move { (outage.wait().await, Instant::now()) })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(waiting.iter().all(|one| !one.is_finished()));
        outage.set(false);
        let ended = Instant::now();
        for (nth, one) in (1..).zip(waiting) {
            let (has_waited, at) = one.await.expect("no panic");
            // The clock has grains as fine as that.
            let (earliest, latest) = (ended + NEXT_AFTER * (nth - 1), ended + NEXT_AFTER * 2 * nth);
            assert!(has_waited && (earliest..=latest).contains(&at), "number {nth}");
        }
    }
}
