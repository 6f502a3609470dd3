//! The clock: whether it can be right, and whether somebody keeps it right.

use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use qnect_core::time::Timestamp;
use qnect_engine::Clock;

use super::{Check, Patient, in_words};
use crate::control::rfc3339;

/// Providers sign and stamp what they send, and their records bear their time: beyond this the two do not fit together.
pub(super) const SKEW_SECONDS_MAX: u64 = 30;

/// How long it may take until somebody says whether the clock is synchronised.
const SYNC_ASKED_MAX: Duration = Duration::from_secs(3);

/// Whether a start would believe it.
pub(super) fn clock(_: &Patient) -> Check {
    match Clock::of_machine() {
        Ok(clock) => {
            let whole_seconds = Timestamp::from_millis(clock.now().as_millis() / 1_000 * 1_000);
            Check::ok("clock", format!("it shows {}", rfc3339(whole_seconds)))
        }
        Err(error) => Check::fail("clock", error.to_string()),
    }
}

/// Whether the kernel says that it is kept right.
pub(super) fn clock_sync(_: &Patient) -> Check {
    let id = "clock_sync";
    let (tell, told) = channel();
    // It waits for other programs, and is left behind when they take too long.
    std::thread::spawn(move || tell.send(is_synchronised()));
    match told.recv_timeout(SYNC_ASKED_MAX).ok().flatten() {
        Some(true) => Check::ok(id, "the kernel says that the clock is synchronised").with("synchronised", true),
        Some(false) => {
            let text = "the kernel says that nobody synchronises the clock; run chrony or systemd-timesyncd";
            Check::warn(id, text).with("synchronised", false)
        }
        None => {
            let text = "timedatectl does not tell here; see that chrony or systemd-timesyncd runs on this host";
            Check::warn(id, text)
        }
    }
}

/// systemd asks the kernel, adjtimex(2), and tells us.
fn is_synchronised() -> Option<bool> {
    let ask = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match ask.ok()?.stdout.trim_ascii() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

/// The clock beside the last commit, by the rule of a start.
pub(super) fn last_commit((number, at): (u64, Timestamp), gap_days_max: u16) -> Option<Check> {
    let id = "last_commit";
    // The clock's own check tells of one that cannot be right.
    let clock = Clock::of_machine().ok()?;
    let (ahead, behind) = (clock.now().since(at).as_millis() / 1_000, at.since(clock.now()).as_secs_ceil());
    let check = match clock.after(at, gap_days_max) {
        Err(error) => Check::fail(id, error.to_string()),
        Ok(_) if behind > 0 => {
            let behind = in_words(behind);
            let text =
                format!("the clock is {behind} behind commit {number}; set it: a start goes on from the commit's time");
            Check::warn(id, text)
        }
        Ok(_) => Check::ok(id, format!("commit {number} was {} ago", in_words(ahead))),
    };
    let seconds = i64::try_from(ahead).unwrap_or(i64::MAX) - i64::try_from(behind).unwrap_or(i64::MAX);
    Some(check.with("commit", number).with("age_seconds", seconds))
}

/// The clock beside that of somebody else, who tells it in whole seconds.
pub(super) fn beside(id: String, theirs: jiff::Timestamp, whose: &str) -> Option<Check> {
    let now = i64::try_from(Clock::of_machine().ok()?.now().as_millis() / 1_000).ok()?;
    let ahead = now.saturating_sub(theirs.as_second());
    let (apart, side) = (ahead.unsigned_abs(), if ahead < 0 { "behind" } else { "ahead of" });
    let check = match apart {
        0..=1 => Check::ok(id, format!("the clock agrees with {whose}")),
        2..=SKEW_SECONDS_MAX => Check::ok(id, format!("the clock is {apart} s {side} {whose}")),
        _ => Check::warn(
            id,
            format!("the clock is {} {side} {whose}; set it, and keep it synchronised", in_words(apart)),
        ),
    };
    Some(check.with("ahead_seconds", ahead))
}

#[cfg(test)]
mod tests {
    use qnect_core::time::Span;

    use super::super::State;
    use super::*;

    const GAP_DAYS_MAX: u16 = 30;

    fn now() -> Timestamp {
        Clock::of_machine().unwrap().now()
    }

    fn earlier(by: Span) -> Timestamp {
        Timestamp::from_millis(now().as_millis() - by.as_millis())
    }

    #[test]
    fn a_commit_of_the_future_is_told_and_one_that_is_too_far_off_ends_a_start() {
        let (hour, days) = (Span::HOUR, |days: u64| Span::from_secs(days * 86_400));
        for (at, state) in [
            (earlier(hour), State::Ok),
            (now().plus(hour), State::Warn),
            (now().plus(days(2)), State::Fail),
            (earlier(days(31)), State::Fail),
        ] {
            let check = last_commit((7, at), GAP_DAYS_MAX).unwrap();
            assert_eq!(check.state, state, "{}", check.text);
            assert_eq!(check.figures["commit"], 7);
        }
        let check = last_commit((7, now().plus(days(2))), 0).unwrap();
        assert_eq!(check.state, State::Warn, "any gap is accepted: {}", check.text);
    }

    #[test]
    fn a_clock_half_a_minute_beside_a_providers_is_told() {
        let shown = |by: i64| jiff::Timestamp::from_second(now().as_millis() as i64 / 1_000 + by).unwrap();
        for (theirs, state) in
            [(0, State::Ok), (20, State::Ok), (-20, State::Ok), (60, State::Warn), (-60, State::Warn)]
        {
            let check = beside("clock_plivo".to_owned(), shown(theirs), "plivo").unwrap();
            assert_eq!(check.state, state, "{}", check.text);
            assert_eq!(check.text.contains("behind"), theirs > 0, "{}", check.text);
        }
    }
}
