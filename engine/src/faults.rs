//! Panics on purpose: one in so many messages to actors, as a file says while the engine runs. Not part of a normal build.
//!
//! A panic may come before the machine is told, when it has decided, or when what it decided is on its way to disk: what
//! was promised until then must be kept, and nothing else may be believed.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::Inner;

/// Names the file that holds a number: one in so many messages panics. 0, no number or no file: none.
const FILE_VARIABLE: &str = "QNECT_FAULT_PANICS_FILE";
/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A point in the life of a message that moves a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The machine is about to be told.
    Told,
    /// It has decided, and nothing of that is done.
    Decided,
    /// Records are queued and codes are free; nobody has a reply.
    CarriedOut,
}

thread_local! {
    /// Where the message that this thread is at panics. Messages are handled one at a time and never wait.
    static DUE: Cell<Option<Point>> = const { Cell::new(None) };
}

/// Which messages panic.
#[derive(Debug, Default)]
pub(crate) struct Panics {
    /// One in so many; 0: none.
    one_in: AtomicU64,
    /// Messages since the engine began.
    messages: AtomicU64,
}

impl Panics {
    /// From now on one in so many messages panics; 0: none.
    pub(crate) fn set(&self, one_in: u64) {
        self.one_in.store(one_in, Ordering::Relaxed);
    }

    /// Called by an actor at each point of a message. Panics if this is the message, and this is its point.
    pub(crate) fn reach(&self, point: Point) {
        if point == Point::Told {
            DUE.set(self.draw());
        }
        if DUE.get() == Some(point) {
            DUE.set(None);
            panic!("injected at {point:?}");
        }
    }

    /// Counts a message, and says where it panics: each time at another point.
    fn draw(&self) -> Option<Point> {
        let nth = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        let one_in = self.one_in.load(Ordering::Relaxed);
        let panics = nth.checked_div(one_in).filter(|_| nth.is_multiple_of(one_in))?;
        Some([Point::Told, Point::Decided, Point::CarriedOut][(panics % 3) as usize])
    }
}

/// Looks at the file again and again, if there is to be one.
pub(crate) async fn watch(inner: Arc<Inner>) {
    let Some(file) = std::env::var_os(FILE_VARIABLE).map(PathBuf::from) else { return };
    tracing::warn!(file = %file.display(), "this build panics on purpose when it is told to");
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        inner.panics.set(wanted(&file));
    }
}

/// What a file says; 0 if it says nothing, or is not there.
fn wanted(file: &Path) -> u64 {
    std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Panics, Point, wanted};

    #[test]
    fn one_in_so_many_messages_panics_and_each_point_has_its_turn() {
        let panics = Panics::default();
        assert!((0..100).all(|_| panics.draw().is_none()), "nobody has asked for any");
        panics.set(50);
        let drawn: Vec<_> = (0..200).map(|_| panics.draw()).collect();
        let at: Vec<_> = drawn.iter().enumerate().filter_map(|(nth, point)| point.map(|point| (nth, point))).collect();
        let expected = [(49, Point::Told), (99, Point::Decided), (149, Point::CarriedOut), (199, Point::Told)];
        assert_eq!(at, expected);
        panics.set(0);
        assert!((0..100).all(|_| panics.draw().is_none()), "and then no more");
    }

    #[test]
    fn a_file_without_a_number_asks_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("panics");
        assert_eq!(wanted(&file), 0, "there is none");
        for (text, number) in [("10000\n", 10_000), ("0", 0), ("", 0), ("many", 0), ("-1", 0)] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(wanted(&file), number, "{text:?}");
        }
    }
}
