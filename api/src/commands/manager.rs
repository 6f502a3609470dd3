//! What a service manager is told that started us (systemd, `Type=notify`): when traffic is taken, and that the end begins.
//! Where there is none, nothing is said.

use sd_notify::NotifyState;

/// Everything answers, and `/readyz` is green.
pub(super) fn tell_ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("takes traffic")]);
}

/// The end has begun, and why.
pub(super) fn tell_ending(why: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(why)]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told; it may end the service for want of an answer");
    }
}
