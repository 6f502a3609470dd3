//! When visitors come: independently of each other, more of them at some times than at others.

use std::time::Duration;

use crate::draw::Dice;
use crate::open_loop::arrivals;

/// How many come when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// A second, at the fullest.
    pub(crate) rate: f64,
    /// What part of it comes at which part of the run, both 0 to 1.
    pub(crate) curve: fn(f64) -> f64,
    pub(crate) seed: u64,
}

impl Pace {
    /// All arrivals of a run that lasts so long, in order.
    pub(crate) fn arrivals(self, lasts: Duration) -> impl Iterator<Item = Duration> {
        let mut dice = Dice::new(!self.seed, 1);
        // Of those who would come at the fullest, each does by chance: a Poisson process again.
        arrivals(self.rate, Dice::new(!self.seed, 0))
            .take_while(move |at| *at < lasts)
            .filter(move |at| dice.fraction() < (self.curve)(at.as_secs_f64() / lasts.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    #[test]
    fn so_many_come_as_the_curve_says() {
        let curve = |at: f64| if at < 0.5 { 0.1 } else { 1.0 };
        let of = |seed| Pace { rate: 200.0, curve, seed }.arrivals(Duration::from_secs(100)).collect::<Vec<_>>();
        let drawn = of(3);
        assert_eq!(drawn, of(3));
        assert_ne!(drawn, of(4));
        assert!(drawn.is_sorted());
        let early = drawn.iter().filter(|at| at.as_secs() < 50).count();
        assert!((900..1_100).contains(&early), "{early}");
        assert!((9_600..10_400).contains(&(drawn.len() - early)), "{}", drawn.len());
    }
}
