//! The engine's resident memory while people come.

use std::time::Duration;

use tokio::task::JoinHandle;

pub(super) use crate::forged::resident_kib;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A watch on the memory of a process.
pub(super) struct Memory {
    watch: JoinHandle<()>,
    most: tokio::sync::watch::Receiver<Option<u64>>,
    before: Option<u64>,
}

/// KiB of resident memory; none of a process that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    pub(super) before: Option<u64>,
    pub(super) most: Option<u64>,
}

impl Memory {
    /// Looks at the memory of `pid` from now on.
    pub(super) fn watch(pid: u32) -> Memory {
        let before = resident_kib(pid).ok();
        let (seen, most) = tokio::sync::watch::channel(before);
        let watch = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let now = resident_kib(pid).ok();
                seen.send_modify(|most| *most = now.zip(*most).map(|(now, most)| most.max(now)));
            }
        });
        Memory { watch, most, before }
    }

    /// The last look.
    pub(super) fn end(self) -> Looks {
        self.watch.abort();
        Looks { before: self.before, most: *self.most.borrow() }
    }
}
