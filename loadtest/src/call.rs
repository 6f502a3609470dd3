//! Whole masked calls in an open loop: strangers come when they are due, however long the calls before them last.

use std::time::Duration;

use tokio::time::Instant;

use crate::load::{Course, End, People, Plan, Step, Usual, Visit};
use crate::stranger::{Seen, Stranger};

/// `call` is a whole visit; the others are parts of it.
pub(crate) const STEPS: &[&str] = &["call", "scan", "session", "ring", "talk"];
pub(crate) const USUAL: Usual =
    Usual { scenario: "call", steps: STEPS, rate: 50, seconds: 30, zipf: 0.0, curve: Usual::EVEN };

/// Everybody who comes.
#[derive(Debug)]
pub(crate) struct Crowd {
    stranger: Stranger,
    people: People,
}

/// A run in which each of `people` is such a `stranger`.
pub(crate) fn plan(course: Course, stranger: Stranger, people: People) -> Plan<Crowd> {
    Plan::new(course, Crowd { stranger, people })
}

impl Visit for Crowd {
    async fn visit(&self, nth: u64, due: Instant) -> Vec<Step> {
        let (late, person) = (due.elapsed(), self.people.person(nth));
        let address = person.address.to_string();
        let seen = self.stranger.call(number(nth), person.code, &[("x-forwarded-for", &address)]).await;
        steps(&seen, late, due.elapsed())
    }
}

/// Which caller's number a visitor has: each another one, as far as there are numbers.
pub(crate) fn number(nth: u64) -> u32 {
    u32::try_from(nth % 100_000_000).unwrap_or(0)
}

/// What a stranger saw who began so late and was done so long after being due.
pub(crate) fn steps(seen: &Seen, late: Duration, took: Duration) -> Vec<Step> {
    let end = seen.failure.as_ref().map_or(End::Good, End::of);
    // How the visit ended is how its last request did; the requests before that one were as they should be.
    let of = |is_last: bool| if is_last { end.clone() } else { End::Good };
    let scan = seen.scan.map(|scan| Step { nth: 1, took: late + scan, end: of(seen.session.is_none()) });
    let session = seen.session.map(|took| Step { nth: 2, took, end: of(seen.requests <= 2) });
    let since_tap = |nth, dialled: Option<Duration>| {
        seen.session.zip(dialled).map(|(session, dialled)| Step { nth, took: session + dialled, end: End::Good })
    };
    let mut steps: Vec<Step> =
        [scan, session, since_tap(3, seen.rang), since_tap(4, seen.talked)].into_iter().flatten().collect();
    steps.insert(0, Step { nth: 0, took, end });
    steps
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::steps;
    use crate::cause::Cause;
    use crate::load::End;
    use crate::stranger::Seen;

    #[test]
    fn our_own_delay_is_in_the_first_request_and_in_the_whole() {
        let ms = Duration::from_millis;
        let seen = Seen { scan: Some(ms(2)), session: Some(ms(5)), rang: Some(ms(8_000)), ..Seen::default() };
        let took: Vec<_> = steps(&seen, ms(1), ms(40)).into_iter().map(|step| (step.nth, step.took)).collect();
        assert_eq!(took, [(0, ms(40)), (1, ms(3)), (2, ms(5)), (3, ms(8_005))], "and nobody talked");
    }

    #[test]
    fn who_never_gets_a_session_hears_no_ring() {
        let failure = Some(Cause::SessionOverloaded.with("503 overloaded"));
        let seen = Seen { scan: Some(Duration::ZERO), requests: 2, failure, ..Seen::default() };
        let steps = steps(&seen, Duration::ZERO, Duration::ZERO);
        assert_eq!(steps.len(), 2);
        assert!(steps.iter().all(|step| step.end == End::refused("session_overloaded (503 overloaded)")));
    }
}
