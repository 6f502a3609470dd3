//! Time as the core sees it: a point handed in by the caller, spans between points, and an owner's local day.

use jiff::tz::TimeZone;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This point moved forward by `span`; saturates at the end of time.
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span from `earlier` to this point, zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Whole days since the Unix epoch, in UTC: the day of a caller's day token. Saturates at the end of time.
    pub const fn utc_day(self) -> u32 {
        let day = self.0 / Span::DAY.0;
        if day > u32::MAX as u64 { u32::MAX } else { day as u32 }
    }
}

/// A length of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One hour.
    pub const HOUR: Self = Self::from_secs(3_600);
    /// One day of 24 hours.
    pub const DAY: Self = Self::from_secs(86_400);

    /// A span of `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// A span of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Seconds, rounded up: what a `Retry-After` field needs, so that nobody comes back too early.
    pub const fn as_secs_ceil(self) -> u64 {
        self.0.div_ceil(1_000)
    }

    /// The sum of two spans; saturates.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// A resolved time zone. Names are resolved outside, because that reads a database behind a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Wraps a zone that was resolved outside.
    pub fn new(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Minutes since local midnight at `now`, 0 to 1439.
    pub fn minute_of_day(&self, now: Timestamp) -> u16 {
        let ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
        let local = self.0.to_datetime(instant);
        u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_shifts_the_minute_of_the_day() {
        let kolkata =
            Zone::new(TimeZone::fixed(jiff::tz::offset(5).saturating_add(jiff::SignedDuration::from_mins(30))));
        let midnight_utc = Timestamp::from_millis(1_763_683_200_000);
        assert_eq!(Zone::utc().minute_of_day(midnight_utc), 0);
        assert_eq!(kolkata.minute_of_day(midnight_utc), 330);
    }

    #[test]
    fn the_end_of_time_is_a_day_and_a_minute_like_others() {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.utc_day(), u32::MAX);
        assert_eq!(end.plus(Span::DAY), end);
        assert!(Zone::utc().minute_of_day(end) < 24 * 60);
        assert_eq!(Timestamp::from_millis(9_223_372_036_855).utc_day(), 106_751, "in 2262");
    }

    #[test]
    fn retry_after_is_rounded_up() {
        assert_eq!(Span::from_millis(1).as_secs_ceil(), 1);
        assert_eq!(Span::from_millis(1_000).as_secs_ceil(), 1);
    }
}
