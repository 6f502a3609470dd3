//! Lengths of time in words. Fluent knows each language's plural forms, so all phrases are made at the start.

use qnect_core::time::Span;

use super::read::Messages;

const MINUTES_MAX: usize = 90;
const HOURS_MAX: usize = 24;
const MINUTE_SECS: u64 = 60;
const HOUR_SECS: u64 = 3_600;

/// Phrases for every length of time that a page may name; what is longer is named by the longest.
pub(crate) struct Spans {
    /// Phrases for less than a minute, each with the seconds up to which it holds; shorter ones first.
    short: Vec<(u64, String)>,
    /// The phrase for one minute comes first.
    minutes: Vec<String>,
    hours: Vec<String>,
}

impl Spans {
    /// Reads the phrases for short spans, and two messages that count minutes and hours.
    pub(super) fn read(messages: &mut Messages, short: &[(u64, &str)], [minutes, hours]: [&str; 2]) -> Self {
        Self {
            short: short.iter().map(|&(up_to, id)| (up_to, messages.line(id))).collect(),
            minutes: (1..=MINUTES_MAX).map(|n| messages.counted(minutes, n)).collect(),
            hours: (1..=HOURS_MAX).map(|n| messages.counted(hours, n)).collect(),
        }
    }

    /// The phrase for `span`, rounded up, so that nobody comes back too early.
    pub(crate) fn of(&self, span: Span) -> &str {
        let seconds = span.as_secs_ceil();
        if let Some((_, phrase)) = self.short.iter().find(|(up_to, _)| seconds <= *up_to) {
            return phrase;
        }
        let minutes = seconds.div_ceil(MINUTE_SECS);
        let (phrases, count) = match usize::try_from(minutes) {
            Ok(minutes) if minutes <= MINUTES_MAX => (&self.minutes, minutes),
            _ => (&self.hours, usize::try_from(seconds.div_ceil(HOUR_SECS)).unwrap_or(HOURS_MAX)),
        };
        phrases.get(count.saturating_sub(1)).or(phrases.last()).map_or("", String::as_str)
    }
}
