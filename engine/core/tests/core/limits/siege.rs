//! One attacker with one telephone and one address, who does anything at all to one tag for hours: whoever then comes with
//! something urgent gets a session and rings.

use proptest::prelude::*;
use qnect_core::caller::Caller;
use qnect_core::instruction::{ChallengeDigits, Instruction};
use qnect_core::leg::LegEvent;
use qnect_core::reason::Reason;
use qnect_core::tag::{CallTurn, OpenDecision};
use qnect_core::time::Span;

use crate::dsl::{World, address_key, asha, bela, leg, one_of_many, request_from, session_id};

/// What the attacker does, or the owner and time to it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Scan,
    Open(Reason),
    /// For one of the last sessions, by the telephone that shows its number or hides it.
    Call {
        back: u32,
        withheld: bool,
    },
    Redial {
        back: u32,
    },
    Told {
        back: u32,
        event: LegEvent,
    },
    Report {
        back: u32,
    },
    Wait(Span),
    Restart,
}

fn steps() -> impl Strategy<Value = Step> {
    let reasons = prop::sample::select(Reason::ALL.to_vec());
    let events = prop::sample::select(LegEvent::all().collect::<Vec<_>>());
    prop_oneof![
        1 => Just(Step::Scan),
        8 => reasons.prop_map(Step::Open),
        8 => (0u32..40, prop::bool::weighted(0.2)).prop_map(|(back, withheld)| Step::Call { back, withheld }),
        2 => (0u32..6).prop_map(|back| Step::Redial { back }),
        8 => (0u32..4, events).prop_map(|(back, event)| Step::Told { back, event }),
        1 => (0u32..6).prop_map(|back| Step::Report { back }),
        4 => (0u64..1_000_000).prop_map(|ms| Step::Wait(Span::from_millis(ms))),
        1 => Just(Step::Restart),
    ]
}

struct Siege {
    w: World,
    opened: u32,
    redials: u8,
}

impl Siege {
    fn take(&mut self, step: Step) {
        let w = &mut self.w;
        let recent = |back: u32| one_of_many(self.opened.saturating_sub(1 + back), address_key(66), Reason::Other).id;
        match step {
            Step::Scan => {
                w.scan();
            }
            Step::Open(reason) => {
                w.open(&one_of_many(self.opened, address_key(66), reason));
                self.opened += 1;
            }
            Step::Call { back, withheld } => {
                let caller = if withheld { Caller::Withheld } else { asha() };
                let (id, leg) = (recent(back), leg(210 + back as u8));
                if let Instruction::Challenge { attempt, .. } = w.call(id, &leg, caller) {
                    w.led();
                    let keyed = digits(ChallengeDigits::of(id, &leg, attempt));
                    w.take_turn(id, &leg, caller, CallTurn::Challenge { keyed: &keyed, attempt });
                }
            }
            Step::Redial { back } => {
                if self.redials < 200 {
                    self.redials += 1;
                    w.redial(recent(back), self.redials, &leg(self.redials), asha());
                }
            }
            Step::Told { back, event } => {
                w.told(recent(back), event);
            }
            Step::Report { back } => {
                w.report(recent(back));
            }
            Step::Wait(span) => Self::passes(w, span),
            Step::Restart => w.restart(),
        }
        w.led();
    }

    fn passes(w: &mut World, span: Span) {
        let until = w.now.plus(span);
        while let Some(at) = w.tag.next_deadline().filter(|at| *at <= until) {
            w.now = at.max(w.now);
            w.clock();
            w.led();
        }
        w.now = until;
    }
}

fn digits(spoken: ChallengeDigits) -> String {
    spoken.digits().iter().map(ToString::to_string).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whoever_comes_with_something_urgent_gets_in_and_rings(
        room in prop::sample::select(vec![8_usize, 32]),
        steps in prop::collection::vec(steps(), 1..300),
    ) {
        let w = World::given(|p| (p.tag_open_sessions_max, p.address_sessions) = (room, None), |_| ());
        let mut siege = Siege { w, opened: 0, redials: 1 };
        for step in steps {
            siege.take(step);
        }
        let mut w = siege.w;
        let open = request_from(1, 1, Reason::ChildOrPet);
        let decision = w.elsewhere().open(&open);
        prop_assert!(matches!(decision, OpenDecision::Opened(_)), "{:?}", decision);
        w.led();
        // A call of the attacker may be on: it is over by itself.
        let mut answer = w.call(open.id, &leg(250), bela());
        w.led();
        if let Instruction::Challenge { attempt, .. } = answer {
            let keyed = digits(ChallengeDigits::of(open.id, &leg(250), attempt));
            answer = w.take_turn(open.id, &leg(250), bela(), CallTurn::Challenge { keyed: &keyed, attempt });
            w.led();
        }
        if let Instruction::Hold { .. } = answer {
            let live = w.owner.live.unwrap();
            prop_assert_ne!(live.0, session_id(1));
            let wait = live.1.since(w.now);
            Siege::passes(&mut w, wait);
            answer = w.take_turn(open.id, &leg(250), bela(), CallTurn::Held { turn: 1 });
            w.led();
        }
        prop_assert!(matches!(answer, Instruction::Dial(_)), "{:?}", answer);
    }
}
