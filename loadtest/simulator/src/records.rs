//! The provider's records of legs: what its API shows, and the way in which a live leg is ended from outside.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::ending::Ending;

/// Records at most; the oldest is forgotten when another comes.
const RECORDS_MAX: usize = 65_536;

/// One leg as the provider's API knows it. Moments are milliseconds of the Unix epoch, in simulated time.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) parent: Option<String>,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) state: State,
    pub(crate) began_ms: i64,
    pub(crate) answered_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    nth: u64,
    end: watch::Sender<bool>,
}

/// Where a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ringing,
    Answered,
    Over(Ending),
}

/// A record that the provider still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// The leg's id: `CallUUID` or `CallSid`.
    pub id: String,
    /// The scanner's leg, if this is an owner's.
    pub parent_id: Option<String>,
    /// False once the leg is over.
    pub live: bool,
}

/// Turns true when the API is asked to end the leg.
#[derive(Clone, Debug)]
pub(crate) struct EndAsked(watch::Receiver<bool>);

/// All records, in the order of their legs.
#[derive(Debug, Default)]
pub(crate) struct Records {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: HashMap<String, Record>,
    /// Ids by the order in which their legs began.
    order: BTreeMap<u64, String>,
    opened: u64,
}

/// Why an API call about a record comes to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown,
    Live,
    Over,
}

impl Records {
    /// A leg begins.
    pub(crate) fn open(&self, id: &str, parent: Option<&str>, from: &str, to: &str, began_ms: i64) -> EndAsked {
        let (end, asked) = watch::channel(false);
        self.with(|inner| {
            if inner.by_id.len() == RECORDS_MAX
                && let Some((_, oldest)) = inner.order.pop_first()
            {
                inner.by_id.remove(&oldest);
            }
            inner.opened += 1;
            let record = Record {
                parent: parent.map(str::to_owned),
                from: from.to_owned(),
                to: to.to_owned(),
                state: State::Ringing,
                began_ms,
                answered_ms: None,
                ended_ms: None,
                nth: inner.opened,
                end,
            };
            inner.order.insert(record.nth, id.to_owned());
            inner.by_id.insert(id.to_owned(), record);
        });
        EndAsked(asked)
    }

    pub(crate) fn answered(&self, id: &str, at_ms: i64) {
        self.with(|inner| {
            if let Some(record) = inner.by_id.get_mut(id) {
                record.state = State::Answered;
                record.answered_ms = Some(at_ms);
            }
        });
    }

    pub(crate) fn over(&self, id: &str, ending: Ending, at_ms: i64) {
        self.with(|inner| {
            if let Some(record) = inner.by_id.get_mut(id) {
                record.state = State::Over(ending);
                record.ended_ms = Some(at_ms);
            }
        });
    }

    pub(crate) fn get(&self, id: &str) -> Option<Record> {
        self.with(|inner| inner.by_id.get(id).cloned())
    }

    /// Asks a live leg to end; its call does the rest.
    pub(crate) fn ask_to_end(&self, id: &str) -> Result<(), Refused> {
        self.with(|inner| match inner.by_id.get(id) {
            None => Err(Refused::Unknown),
            Some(record) if !record.is_live() => Err(Refused::Over),
            Some(record) => {
                record.end.send_replace(true);
                Ok(())
            }
        })
    }

    /// Forgets a leg that is over.
    pub(crate) fn delete(&self, id: &str) -> Result<(), Refused> {
        self.with(|inner| match inner.by_id.get(id).map(|record| (record.is_live(), record.nth)) {
            None => Err(Refused::Unknown),
            Some((true, _)) => Err(Refused::Live),
            Some((false, nth)) => {
                inner.by_id.remove(id);
                inner.order.remove(&nth);
                Ok(())
            }
        })
    }

    pub(crate) fn all(&self) -> Vec<CallRecord> {
        self.with(|inner| {
            let record = |id: &String| {
                let record = inner.by_id.get(id)?;
                Some(CallRecord { id: id.clone(), parent_id: record.parent.clone(), live: record.is_live() })
            };
            inner.order.values().filter_map(record).collect()
        })
    }

    // Nothing panics while it holds this lock, so a poisoned one is whole.
    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Record {
    pub(crate) fn is_live(&self) -> bool {
        !matches!(self.state, State::Over(_))
    }

    /// Whole seconds between answer and end; 0 if there is not both.
    pub(crate) fn seconds(&self) -> u64 {
        let between = self.answered_ms.zip(self.ended_ms).map_or(0, |(answered, ended)| ended.abs_diff(answered));
        between.div_ceil(1_000)
    }
}

impl EndAsked {
    pub(crate) fn is_true(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it turns true; never if the record is gone.
    pub(crate) async fn turns_true(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
