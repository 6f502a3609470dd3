//! What one key may hold, when some of its writes were acknowledged and of others nobody knows. One writer a key.

/// What became of a request, as Jepsen tells them apart. An error is no proof that nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// Acknowledged.
    Ok,
    /// Surely without effect: it was never sent, or it was refused.
    Failed,
    /// Nobody knows: the connection was lost, or the server answered that it failed.
    Indeterminate,
}

/// What is wrong with a value that was read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is gone.
    Lost,
    /// It is one that something acknowledged later had replaced.
    RolledBack,
    /// Nobody ever wrote it.
    Phantom,
}

/// The values that a key may have now, and those that it may have had.
#[derive(Debug, Clone)]
pub(crate) struct Possible<T> {
    now: Vec<T>,
    past: Vec<T>,
}

impl<T: Copy + PartialEq> Possible<T> {
    /// A key that holds this.
    pub(crate) fn only(value: T) -> Self {
        Self { now: vec![value], past: vec![value] }
    }

    /// By itself, as by the clock, the value may have become another.
    pub(crate) fn may_become(&mut self, other: impl Fn(T) -> Option<T>) {
        for values in [&mut self.now, &mut self.past] {
            values.clone().into_iter().filter_map(&other).for_each(|value| add(values, value));
        }
    }

    /// A write was sent: from now on it may have happened. Returns what there was before, for [`Possible::settled`].
    pub(crate) fn invoked(&mut self, write: impl Fn(T) -> T) -> Vec<T> {
        let before = self.now.clone();
        for value in before.iter().copied().map(write) {
            add(&mut self.now, value);
            add(&mut self.past, value);
        }
        before
    }

    /// What became of the write.
    pub(crate) fn settled(&mut self, told: Told, before: Vec<T>, write: impl Fn(T) -> T) {
        match told {
            Told::Ok => {
                let mut after = Vec::new();
                self.now.iter().copied().map(write).for_each(|value| add(&mut after, value));
                self.now = after;
            }
            Told::Failed => self.now = before,
            Told::Indeterminate => {}
        }
    }

    /// The value was read. Changes nothing: what is read may not be safe yet.
    pub(crate) fn glimpsed(&self, is_seen: impl Fn(&T) -> bool) -> Result<(), Fault> {
        if self.now.iter().any(&is_seen) {
            Ok(())
        } else if self.past.iter().any(is_seen) {
            Err(Fault::RolledBack)
        } else {
            Err(Fault::Phantom)
        }
    }

    /// The value was read after a restart, before any new write: what is there came from the disk, and stays.
    pub(crate) fn recovered(&mut self, is_seen: impl Fn(&T) -> bool) -> Result<(), Fault> {
        self.glimpsed(&is_seen)?;
        self.now.retain(is_seen);
        Ok(())
    }

    /// What the key may hold.
    pub(crate) fn may_be(&self) -> &[T] {
        &self.now
    }

    /// Whether this is so of every value that the key may have.
    pub(crate) fn surely(&self, is_so: impl Fn(&T) -> bool) -> bool {
        self.now.iter().all(is_so)
    }
}

fn add<T: PartialEq>(values: &mut Vec<T>, value: T) {
    if !values.contains(&value) {
        values.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(told: [Told; 3]) -> Possible<usize> {
        let mut key = Possible::only(0);
        for (n, told) in (1..).zip(told) {
            let before = key.invoked(|_| n);
            key.settled(told, before, |_| n);
        }
        key
    }

    #[test]
    fn the_last_acknowledged_or_an_unknown_one_after_it() {
        use Told::{Failed, Indeterminate, Ok};
        for (told, allowed) in [
            ([Ok, Ok, Ok], vec![3]),
            ([Ok, Ok, Failed], vec![2]),
            ([Ok, Ok, Indeterminate], vec![2, 3]),
            ([Ok, Indeterminate, Ok], vec![3]),
            ([Indeterminate, Indeterminate, Failed], vec![0, 1, 2]),
        ] {
            let key = written(told);
            let found: Vec<usize> = (0..9).filter(|n| key.glimpsed(|v| v == n).is_ok()).collect();
            assert_eq!(found, allowed, "{told:?}");
            assert_eq!(key.glimpsed(|v| *v == 7), Err(Fault::Phantom));
        }
        assert_eq!(written([Ok, Ok, Ok]).glimpsed(|v| *v == 2), Err(Fault::RolledBack));
    }

    #[test]
    fn what_a_restart_showed_stays() {
        for shown in [2, 3] {
            let mut key = written([Told::Ok, Told::Ok, Told::Indeterminate]);
            assert_eq!(key.recovered(|v| *v == shown), Ok(()));
            assert_eq!(key.recovered(|v| *v == 5 - shown), Err(Fault::RolledBack), "another one was there before");
            assert!(key.surely(|v| *v == shown));
        }
    }
}
