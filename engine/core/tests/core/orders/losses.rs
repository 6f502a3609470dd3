//! A network that loses three in ten of what a provider tells, repeats the rest up to ten times, and delays some of it by
//! up to an hour: one outcome, each effect once, and no session that stays open.

use qnect_core::facts::Outcome;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::time::{Span, Timestamp};

use super::TIMES_MAX;
use super::sets::meaning;
use crate::bits::Bits;
use crate::dsl::{Led, World, leg};

const SEEDS: u64 = 1_000;

/// What a provider tells of one call, with the second of each event after the dial.
const STORIES: [&[(u64, LegEvent)]; 7] = {
    use LegEnd::{Busy, Cancelled, Completed, Failed, HungUp, NoAnswer};
    use LegEvent::{
        DialEnded, OwnerAccepted, OwnerAnswered, OwnerComing, OwnerLegEnded, OwnerRang, OwnerRefused, ScannerLegEnded,
    };
    [
        &[
            (2, OwnerRang),
            (9, OwnerAnswered),
            (14, OwnerAccepted),
            (90, OwnerLegEnded(Completed)),
            (90, DialEnded(Completed)),
            (91, ScannerLegEnded),
        ],
        &[
            (2, OwnerRang),
            (9, OwnerAnswered),
            (14, OwnerComing),
            (16, OwnerLegEnded(HungUp)),
            (16, DialEnded(Completed)),
            (20, ScannerLegEnded),
        ],
        &[
            (2, OwnerRang),
            (9, OwnerAnswered),
            (14, OwnerRefused),
            (16, OwnerLegEnded(Completed)),
            (16, DialEnded(NoAnswer)),
            (20, ScannerLegEnded),
        ],
        &[(3, OwnerLegEnded(Busy)), (3, DialEnded(Busy)), (8, ScannerLegEnded)],
        &[(2, OwnerRang), (27, OwnerLegEnded(NoAnswer)), (27, DialEnded(NoAnswer)), (33, ScannerLegEnded)],
        &[(2, OwnerRang), (11, ScannerLegEnded), (11, OwnerLegEnded(Cancelled)), (11, DialEnded(Cancelled))],
        &[(1, OwnerLegEnded(Failed)), (1, DialEnded(Failed)), (6, ScannerLegEnded)],
    ]
};

/// When which event arrives.
fn arrivals(story: &[(u64, LegEvent)], from: Timestamp, bits: &mut Bits) -> Vec<(Timestamp, LegEvent)> {
    let mut arrivals = Vec::new();
    for &(second, event) in story {
        if bits.below(10) < 3 {
            continue;
        }
        for _ in 0..=bits.below(TIMES_MAX) {
            let delay_ms = if bits.below(4) == 0 { bits.below(3_600_000) } else { bits.below(2_000) };
            let at = from.plus(Span::from_secs(second)).plus(Span::from_millis(delay_ms as u64));
            arrivals.push((at, event));
        }
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals
}

/// A clock that is looked at at every deadline, and what it led to.
struct Told {
    w: World,
    id: SessionId,
    led: Vec<Led>,
    /// What was told before the end.
    heard: Vec<LegEvent>,
    outcome: Option<Outcome>,
}

impl Told {
    fn clock_until(&mut self, until: Timestamp) {
        while let Some(deadline) = self.w.tag.next_deadline().filter(|at| *at <= until) {
            if self.w.tag.open_sessions() == 0 {
                break;
            }
            self.w.now = deadline;
            for outcome in self.w.clock() {
                assert_eq!(self.outcome.replace(outcome), None, "published once");
            }
            self.led.extend(self.w.led());
        }
        self.w.now = until;
    }

    fn hear(&mut self, event: LegEvent) {
        let published = self.outcome.map(|_| self.w.remembered(self.id));
        self.w.told(self.id, event);
        self.led.extend(self.w.led());
        match published {
            Some(published) => assert_eq!(self.w.remembered(self.id), published),
            None => self.heard.push(event),
        }
    }
}

#[test]
fn one_outcome_each_effect_once_and_no_session_is_stuck() {
    for (n, story) in STORIES.iter().enumerate() {
        for seed in 0..SEEDS {
            let mut w = World::new();
            let id = w.dialing(1, Reason::Blocking);
            let dialed_at = w.now;
            let mut bits = Bits::of(seed);
            let mut told = Told { w, id, led: Vec::new(), heard: Vec::new(), outcome: None };
            for (at, event) in arrivals(story, dialed_at, &mut bits) {
                told.clock_until(at);
                told.hear(event);
            }
            told.clock_until(told.w.now.plus(Span::HOUR));

            let how = format!("story {n}, seed {seed}: {:?}", told.heard);
            assert_eq!(told.outcome, Some(meaning(&told.heard)), "{how}");
            let Told { w, led, heard, outcome, .. } = &told;
            let times = |effect: &Led| led.iter().filter(|led| *led == effect).count();
            for once in [Led::ReleasedCode(id), Led::ForgotLeg(leg(1)), Led::Ended(id, outcome.unwrap())] {
                assert_eq!(times(&once), 1, "{once:?}, {how}");
            }
            assert_eq!((w.state(id), w.owner.live), (State::Ended, None), "{how}");
            // Ring, accept, watchdog and the provider's ten seconds; or the talk that may follow; and 5 s after each end.
            let accepted = w.remembered(id).accepted_at;
            let lost_at = accepted.map_or(dialed_at.plus(Span::from_secs(25 + 15)), |at| at.plus(Span::from_secs(180)));
            let ends = heard.iter().filter(|event| event.is_terminal()).count() as u64;
            let last = lost_at.plus(Span::from_secs(60 + 10 + 5 * ends));
            assert!(w.remembered(id).ended.unwrap().1 <= last, "{how}");
        }
    }
}
