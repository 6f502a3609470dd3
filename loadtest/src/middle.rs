//! The middle one of several measurements. On a machine that others share, one alone tells little.

use std::cmp::Ordering;

/// The middle one in the order of `compare`; of none, none. Meant for odd numbers: of an even one it is the greater of two.
pub(crate) fn middle<T: Copy>(values: impl IntoIterator<Item = T>, compare: impl Fn(&T, &T) -> Ordering) -> Option<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable_by(compare);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::middle;

    #[test]
    fn as_many_are_below_it_as_above() {
        assert_eq!(middle([9, 1, 5], i32::cmp), Some(5));
        assert_eq!(middle([9, 1, 5, 7], i32::cmp), Some(7), "the greater of 5 and 7");
        assert_eq!(middle([2.5, f64::INFINITY, -1.0], f64::total_cmp), Some(2.5));
        assert_eq!(middle([], u64::cmp), None);
    }
}
