//! Signs of abuse, and what they add up to: whole points for each sign, which fade by half-lives and never rise by
//! themselves. A score remembers what it is made of, so that whoever is held up can be told why.
//!
//! One who abuses must not be able to cut others off: points of a tag only ever challenge, and points of an address or of a
//! caller never take the urgent reasons away from anyone else.

use crate::time::{Span, Timestamp};

/// A sign of abuse, and the word for it in every answer, record and metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Signal {
    /// One address looks at many tags, and few of its looks become calls: codes are being collected.
    ManyTags = 0,
    /// It does so faster than people walk from car to car.
    FastScans = 1,
    /// Sessions that were opened, for whose numbers and codes nobody called.
    UnusedSessions = 2,
    /// Codes that led nowhere.
    WrongCodes = 3,
    /// Calls that ended as soon as the owner was on the line.
    ShortCalls = 4,
    /// Calls that the owner declined.
    DeclinedCalls = 5,
    /// Calls that the owner reported as abuse.
    ReportedCalls = 6,
    /// An owner blocked the caller.
    Blocked = 7,
    /// Many signs from many addresses of one network.
    Network = 8,
    /// It is night where the owner is. It only adds to others.
    Night = 9,
}

impl Signal {
    /// All signs.
    pub const ALL: [Self; 10] = [
        Self::ManyTags,
        Self::FastScans,
        Self::UnusedSessions,
        Self::WrongCodes,
        Self::ShortCalls,
        Self::DeclinedCalls,
        Self::ReportedCalls,
        Self::Blocked,
        Self::Network,
        Self::Night,
    ];

    /// How many of them a [`Score`] holds; the others follow from where and when somebody asks.
    const HELD: usize = 8;

    /// The fixed id of the public interface, also a metric label.
    pub fn id(self) -> &'static str {
        match self {
            Self::ManyTags => "many_tags",
            Self::FastScans => "fast_scans",
            Self::UnusedSessions => "unused_sessions",
            Self::WrongCodes => "wrong_codes",
            Self::ShortCalls => "short_calls",
            Self::DeclinedCalls => "declined_calls",
            Self::ReportedCalls => "reported_calls",
            Self::Blocked => "blocked",
            Self::Network => "network",
            Self::Night => "night",
        }
    }

    /// Points that one such sign is worth, where nothing else says so.
    pub const fn points(self) -> u32 {
        match self {
            Self::ManyTags => 5,
            Self::FastScans => 6,
            Self::UnusedSessions => 8,
            Self::WrongCodes => 10,
            Self::ShortCalls | Self::DeclinedCalls => 20,
            Self::ReportedCalls => 60,
            // Who is blocked must not hear that it is so, and no one call that is declined, reported and blocked ends all others.
            Self::Blocked => 4,
            // The points of its network are an address's own.
            Self::Network => 0,
            Self::Night => 10,
        }
    }
}

/// A set of signs: why somebody is challenged or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSet(u16);

impl SignalSet {
    /// The set that [`SignalSet::bits`] described; bits that mean nothing are dropped.
    pub fn from_bits(bits: u16) -> Self {
        Self(bits & ((1 << Signal::ALL.len()) - 1))
    }

    /// One bit for each sign.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Adds a sign.
    pub fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << signal as u8;
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The signs of the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        Signal::ALL.into_iter().filter(move |&s| self.0 & 1 << s as u8 != 0)
    }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        let mut set = Self::default();
        signals.into_iter().for_each(|signal| set.insert(signal));
        set
    }
}

/// What an assessment comes to: points, and what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Assessment {
    /// Thousandths of points: sums are rounded once, at the end.
    milli: u64,
    /// The signs that make up the points.
    pub because: SignalSet,
}

impl Assessment {
    /// Adds thousandths of points for a sign; nothing for none.
    pub fn add(&mut self, signal: Signal, milli: u64) {
        if milli > 0 {
            self.milli += milli;
            self.because.insert(signal);
        }
    }

    /// Adds what another assessment came to.
    pub fn join(&mut self, other: Self) {
        self.milli += other.milli;
        self.because.0 |= other.because.0;
    }

    /// Whole points, rounded down.
    pub fn points(self) -> u32 {
        u32::try_from(self.milli / MILLI).unwrap_or(u32::MAX)
    }

    /// Whether the points reach a threshold of the configuration, of which 0 means never.
    pub fn reaches(self, threshold: u32) -> bool {
        threshold != 0 && self.points() >= threshold
    }
}

const MILLI: u64 = 1_000;
/// Points of one sign at most: however long somebody went on, what is held against them is small again soon.
pub const HELD_POINTS_MAX: u32 = 400;
/// Points that good conduct can be ahead at most.
pub const CREDIT_POINTS_MAX: u32 = 200;

/// How points fade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fading {
    /// After so long half of them are left.
    pub half_life: Span,
    /// For about so many of these times whoever comes to a refusal is refused, as far as [`HELD_POINTS_MAX`] allows.
    pub hold: u32,
}

/// Points that fade: half of them are left after a half-life. Held by an address, a network or a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// Thousandths of points of each sign, as they were `at`.
    held: [u32; Signal::HELD],
    /// Thousandths of points by which good conduct is ahead of all of them.
    credit: u32,
    /// A refusal was reached, and half of it is left.
    is_held: bool,
    at: Timestamp,
}

impl Score {
    /// Notes a sign worth `points` that was given at `now`. Who comes to `refuse_at` by it (0: nobody does) gets points on top, so that
    /// it takes the `hold` of `fading` to go on, and not the minute in which one point fades.
    pub fn add(&mut self, signal: Signal, points: u32, refuse_at: u32, fading: Fading, now: Timestamp) {
        let Fading { half_life, hold } = fading;
        self.fade(half_life, now);
        // One sign after the hold is over does not renew it.
        self.is_held &= self.assess(half_life, now).reaches(refuse_at / 2);
        self.hold(signal, points);
        self.set_off();
        if !self.is_held && self.assess(half_life, now).reaches(refuse_at) {
            self.is_held = true;
            self.hold(signal, refuse_at.saturating_mul((1 << hold) - 1));
        }
    }

    /// Takes a sign back of which it turns out that it was none.
    pub fn take_back(&mut self, signal: Signal, points: u32, half_life: Span, now: Timestamp) {
        self.fade(half_life, now);
        if let Some(held) = self.held.get_mut(signal as usize) {
            *held = held.saturating_sub(points.saturating_mul(MILLI as u32));
        }
    }

    fn hold(&mut self, signal: Signal, points: u32) {
        if let Some(held) = self.held.get_mut(signal as usize) {
            *held = held.saturating_add(points.saturating_mul(MILLI as u32)).min(HELD_POINTS_MAX * MILLI as u32);
        }
    }

    /// Notes good conduct worth `points`.
    pub fn credit(&mut self, points: u32, half_life: Span, now: Timestamp) {
        self.fade(half_life, now);
        let credit = self.credit.saturating_add(points.saturating_mul(MILLI as u32));
        self.credit = credit;
        self.set_off();
        self.credit = self.credit.min(CREDIT_POINTS_MAX * MILLI as u32);
    }

    /// What the score comes to at `now`.
    pub fn assess(&self, half_life: Span, now: Timestamp) -> Assessment {
        let since = now.since(self.at);
        let mut assessment = Assessment::default();
        for (&held, signal) in self.held.iter().zip(Signal::ALL) {
            assessment.add(signal, u64::from(left(held, since, half_life)));
        }
        assessment
    }

    /// Whether nothing is held at `now`, for or against anybody: such a score may be forgotten.
    pub fn is_idle(&self, half_life: Span, now: Timestamp) -> bool {
        let since = now.since(self.at);
        self.held.iter().chain([&self.credit]).all(|&milli| left(milli, since, half_life) == 0)
    }

    /// Sets good conduct off against signs, the first ones first. At once, and not when somebody asks: many who share an address
    /// would be at the bound of both otherwise, and that of good conduct is the lower one.
    fn set_off(&mut self) {
        for held in &mut self.held {
            let off = self.credit.min(*held);
            (*held, self.credit) = (*held - off, self.credit - off);
        }
    }

    fn fade(&mut self, half_life: Span, now: Timestamp) {
        let since = now.since(self.at);
        for milli in self.held.iter_mut().chain([&mut self.credit]) {
            *milli = left(*milli, since, half_life);
        }
        // Inputs of two tags may come in another order than their times.
        self.at = self.at.max(now);
    }
}

/// What is left of `milli` after `since`: halved for each half-life, and in between along a straight line. Of less than half a
/// point nothing is left, so that every score comes to rest.
fn left(milli: u32, since: Span, half_life: Span) -> u32 {
    let half = half_life.as_millis().max(1);
    let (halvings, rest) = (since.as_millis() / half, since.as_millis() % half);
    let whole = u64::from(milli).checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0);
    let left = whole - whole * rest / (2 * half);
    if left < MILLI / 2 { 0 } else { left as u32 }
}

/// After how long points that fade by `half_life` are below `threshold`, from `points` on; to the second, rounded up.
pub fn fades_below(points: u32, threshold: u32, half_life: Span) -> Span {
    let milli = points.saturating_add(1).saturating_mul(MILLI as u32);
    let below = |secs: u64| u64::from(left(milli, Span::from_secs(secs), half_life)) < u64::from(threshold) * MILLI;
    // 32 half-lives leave nothing of any number.
    let (mut low, mut high) = (0, half_life.as_secs_ceil().max(1) * 32);
    while low < high {
        let middle = u64::midpoint(low, high);
        if below(middle) { high = middle } else { low = middle + 1 }
    }
    Span::from_secs(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Span = Span::from_secs(1_800);
    const FADING: Fading = Fading { half_life: HALF, hold: 1 };

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000).plus(Span::from_secs(secs))
    }

    fn sign(score: &mut Score, signal: Signal, now: Timestamp) {
        score.add(signal, signal.points(), 0, FADING, now);
    }

    #[test]
    fn who_comes_to_the_threshold_stays_above_it_for_a_half_life() {
        let mut score = Score::default();
        for (points, sum) in [(60, 60), (39, 99), (3, 202), (8, 210)] {
            score.add(Signal::ManyTags, points, 100, FADING, at(0));
            assert_eq!(score.assess(HALF, at(0)).points(), sum);
        }
        assert!(score.assess(HALF, at(1_800)).reaches(100) && !score.assess(HALF, at(2_000)).reaches(100));
        score.add(Signal::FastScans, 20, 100, FADING, at(2_000));
        assert!(score.assess(HALF, at(2_000)).points() < 130, "one look later it is not held again");
        score.add(Signal::FastScans, 80, 100, FADING, at(6_000));
        assert!(score.assess(HALF, at(6_000)).points() > 190, "but when half of it had gone");
        let mut longer = Score::default();
        longer.add(Signal::ManyTags, 100, 100, Fading { hold: 2, ..FADING }, at(0));
        assert!(longer.assess(HALF, at(3_600)).reaches(100) && !longer.assess(HALF, at(3_700)).reaches(100));
        let mut never = Score::default();
        (0..30).for_each(|_| never.add(Signal::ManyTags, 10, 0, FADING, at(0)));
        assert_eq!(never.assess(HALF, at(0)).points(), 300);
    }

    #[test]
    fn a_sign_that_was_none_is_taken_back_and_no_other() {
        let mut score = Score::default();
        sign(&mut score, Signal::UnusedSessions, at(0));
        sign(&mut score, Signal::DeclinedCalls, at(0));
        score.take_back(Signal::UnusedSessions, 8, HALF, at(0));
        score.take_back(Signal::UnusedSessions, 8, HALF, at(0));
        let because = [Signal::DeclinedCalls].into_iter().collect();
        assert_eq!((score.assess(HALF, at(0)).points(), score.assess(HALF, at(0)).because), (20, because));
    }

    #[test]
    fn points_fade_by_half_lives_and_say_what_they_are_for() {
        let mut score = Score::default();
        sign(&mut score, Signal::ReportedCalls, at(0));
        sign(&mut score, Signal::DeclinedCalls, at(0));
        let because = [Signal::DeclinedCalls, Signal::ReportedCalls].into_iter().collect();
        for (secs, points) in [(0, 80), (900, 60), (1_800, 40), (3_600, 20), (7_200, 5)] {
            let assessment = score.assess(HALF, at(secs));
            assert_eq!((assessment.points(), assessment.because), (points, because), "after {secs} s");
        }
        assert_eq!(score.assess(HALF, at(86_400)), Assessment::default());
        assert!(score.is_idle(HALF, at(86_400)));
    }

    #[test]
    fn good_conduct_is_set_off_and_runs_out_too() {
        let mut score = Score::default();
        score.credit(24, HALF, at(0));
        sign(&mut score, Signal::UnusedSessions, at(0));
        assert_eq!(score.assess(HALF, at(0)), Assessment::default());
        for _ in 0..4 {
            sign(&mut score, Signal::UnusedSessions, at(1));
        }
        assert_eq!(score.assess(HALF, at(1)).points(), 16, "40 against 24");
        for _ in 0..1_000 {
            score.credit(24, HALF, at(2));
        }
        for _ in 0..30 {
            sign(&mut score, Signal::UnusedSessions, at(2));
        }
        assert_eq!(score.assess(HALF, at(2)).points(), 240 - CREDIT_POINTS_MAX, "a bound to being ahead");
    }

    #[test]
    fn a_threshold_is_reached_again_after_the_told_time_and_not_before() {
        for points in [100, 101, 150, 400, 1_000] {
            let mut after = fades_below(points, 100, HALF);
            let milli = |span| u64::from(left((points + 1) * 1_000, span, HALF));
            assert!(milli(after) < 100_000, "{points}");
            after = Span::from_secs(after.as_secs_ceil() - 1);
            assert!(milli(after) >= 100_000, "{points}");
        }
    }

    #[test]
    fn no_clock_and_no_number_of_signs_overflows() {
        let mut score = Score::default();
        for _ in 0..10_000 {
            Signal::ALL.into_iter().for_each(|signal| sign(&mut score, signal, at(0)));
        }
        assert_eq!(score.assess(HALF, at(0)).points(), HELD_POINTS_MAX * 8);
        // An earlier time adds nothing back.
        assert_eq!(score.assess(HALF, Timestamp::default()).points(), HELD_POINTS_MAX * 8);
        let end = Timestamp::from_millis(u64::MAX);
        sign(&mut score, Signal::Blocked, end);
        assert_eq!(score.assess(HALF, end).points(), 4);
    }
}
