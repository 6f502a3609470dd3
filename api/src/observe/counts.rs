//! Counters that cost a request next to nothing: no cache line moves from core to core for them.

use std::fmt::Write;

use metrics::CounterFn;

use super::series::{Lines, in_braces};
use crate::sharded::Sharded;

/// One counter.
#[derive(Default)]
pub(super) struct Count(Sharded);

impl Lines for Count {
    const TYPE: &'static str = "counter";

    fn write(&self, name: &str, labels: &str, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}{} {}", in_braces(labels), self.0.sum());
    }
}

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.0.add(value);
    }

    /// A counter never falls. For one thread alone: two at once would add up.
    fn absolute(&self, value: u64) {
        self.0.add(value.saturating_sub(self.0.sum()));
    }
}

#[cfg(test)]
mod tests {
    use metrics::{Key, KeyName, Label};

    use super::*;
    use crate::observe::series::Series;

    #[test]
    fn a_counter_counts_and_never_falls() {
        let counts = Series::default();
        counts.describe(&KeyName::from_const_str("a_total"), "how many".into());
        counts.describe(&KeyName::from_const_str("never_total"), "".into());
        let labels = vec![Label::new("route", "/q"), Label::new("code", "200")];
        let (one, same) =
            [0, 1].map(|_| counts.register(&Key::from_parts("a_total", labels.clone()), Count::default)).into();
        counts.register(&Key::from_static_name("b_total"), Count::default).absolute(7);
        one.increment(40);
        same.increment(2);
        one.absolute(41);
        let expected = "# HELP a_total how many\n# TYPE a_total counter\na_total{code=\"200\",route=\"/q\"} 42\n\n\
                        # TYPE b_total counter\nb_total 7\n\n";
        assert_eq!(counts.render(), expected);
    }
}
