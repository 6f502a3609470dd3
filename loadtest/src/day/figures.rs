//! Percentages and quantiles of what was counted.

/// Within so many actions an attacker has to be stopped.
pub(crate) const STOPPED_WITHIN: usize = 10;

/// `part` of `whole` in percent; 0 of nothing.
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Percent of those who were stopped in time; all, if there are none.
pub(crate) fn in_time(stopped: &[Option<usize>]) -> f64 {
    let in_time = stopped.iter().filter(|at| at.is_some_and(|at| at <= STOPPED_WITHIN)).count();
    if stopped.is_empty() { 100.0 } else { percent(in_time as u64, stopped.len() as u64) }
}

/// The action at which so many of a hundred were stopped; `None`: never.
pub(crate) fn stopped_at(stopped: &[Option<usize>], percent: usize) -> Option<usize> {
    quantile(&stopped.iter().map(|at| at.unwrap_or(usize::MAX)).collect::<Vec<_>>(), percent)
        .filter(|at| *at < usize::MAX)
}

/// The smallest value that so many of a hundred do not exceed.
pub(crate) fn quantile<T: Copy + Ord>(values: &[T], percent: usize) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn a_quantile_is_a_value_that_was_seen() {
        assert_eq!(quantile::<u64>(&[], 50), None);
        assert_eq!([50, 95, 100].map(|at| quantile(&[4, 1, 3, 2], at)), [Some(2), Some(4), Some(4)]);
        assert_eq!(quantile(&(1..=100).collect::<Vec<u64>>(), 95), Some(95));
    }
}
