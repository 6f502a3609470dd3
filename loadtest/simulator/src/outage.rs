//! A provider that is out: what it has to tell waits, and is told again when it is back.

use tokio::sync::watch;

/// Whether the provider is out.
#[derive(Debug)]
pub(crate) struct Outage {
    is_on: watch::Sender<bool>,
}

impl Outage {
    /// A provider that is there.
    pub(crate) fn none() -> Outage {
        Outage { is_on: watch::Sender::new(false) }
    }

    pub(crate) fn set(&self, is_on: bool) {
        self.is_on.send_replace(is_on);
    }

    pub(crate) fn is_on(&self) -> bool {
        *self.is_on.borrow()
    }

    /// Waits for its end. Returns whether there was something to wait for.
    pub(crate) async fn wait(&self) -> bool {
        if !self.is_on() {
            return false;
        }
        // It fails only without a sender, which is ours.
        let _ = self.is_on.subscribe().wait_for(|is_on| !is_on).await;
        true
    }
}
