//! The seam between providers: the same things happen at each of them, and the same events come out. What one cannot tell is
//! what its [`Capabilities`] lack, no more and no less.

use qnect_core::caller::CallingParty;
use qnect_core::instruction::{OwnerKey, Question};
use qnect_core::leg::{Call, LegEnd, LegEvent, LegId, ProviderEvent};
use qnect_core::number::IntermediaryNumber;
use qnect_providers::{Capabilities, Route};

use crate::shared::routes::scanner_routes;
use crate::shared::{LINE, OWNER, SCANNER, root, root_of, session};
use crate::tongues::{Happening, People, TONGUES};

const LEG: &str = "CA0123456789abcdef0123456789abcdef";
const OWNER_LEG: &str = "CAfedcba9876543210fedcba9876543210";

/// What happened, where it is told, and the event; `None` where a provider with these capabilities cannot tell it.
type Scenario = (Happening, Route, fn(&Expected) -> Option<ProviderEvent>);

/// What expected events are made of.
struct Expected {
    can: Capabilities,
    call: Call,
}

impl Expected {
    fn keyed(&self, keyed: &str, question: Question) -> Option<ProviderEvent> {
        Some(ProviderEvent::DigitsGiven { call: self.call.clone(), keyed: keyed.to_owned(), question })
    }

    fn answered(&self, keyed: &str, attempt: u8) -> Option<ProviderEvent> {
        let (call, session) = (self.call.clone(), session());
        Some(ProviderEvent::ChallengeAnswered { call, session, keyed: keyed.to_owned(), attempt })
    }

    fn owner_keyed(&self, key: Option<OwnerKey>) -> Option<ProviderEvent> {
        let keyed = ProviderEvent::OwnerKeyed { session: session(), key, leg: LegId::new(OWNER_LEG) };
        self.can.owner_keys.then_some(keyed)
    }
}

fn leg(event: LegEvent) -> Option<ProviderEvent> {
    Some(ProviderEvent::Leg { session: session(), event, leg: LegId::new(OWNER_LEG) })
}

fn on_the_scanner_s_line() -> Vec<Scenario> {
    let challenge = Route::Challenge { session: session(), attempt: 2 };
    let mut all: Vec<Scenario> = vec![
        (Happening::CallerWaits, Route::Voice, |e| Some(ProviderEvent::CallArrived(e.call.clone()))),
        (Happening::CallerKeyed("1234567"), Route::Asked(Question::Code { attempt: 1 }), |e| {
            e.keyed("1234567", Question::Code { attempt: 1 })
        }),
        (Happening::CallerKeyed("12"), Route::Asked(Question::Code { attempt: 3 }), |e| {
            e.keyed("12", Question::Code { attempt: 3 })
        }),
        (Happening::CallerKeyed("1234567"), Route::Asked(Question::CodeOrRedial), |e| {
            e.keyed("1234567", Question::CodeOrRedial)
        }),
        (Happening::CallerKeyed(""), Route::Asked(Question::CodeOrRedial), |e| e.keyed("", Question::CodeOrRedial)),
        (Happening::CallerKeyed("2"), Route::Asked(Question::CodeOrMenu), |e| e.keyed("2", Question::CodeOrMenu)),
        (Happening::CallerKeyed("42"), challenge, |e| e.answered("42", 2)),
        (Happening::CallerKeyed(""), challenge, |e| e.answered("", 2)),
        (Happening::CallerWaits, Route::Hold { session: session(), turn: 3 }, |e| {
            Some(ProviderEvent::HoldOver { call: e.call.clone(), session: session(), turn: 3 })
        }),
    ];
    for route in scanner_routes(session()) {
        all.push((Happening::CallerGone, route, |e| Some(ProviderEvent::CallEnded { leg: e.call.leg.clone() })));
        all.push((Happening::OutboundCall, route, |_| Some(ProviderEvent::Ignored)));
        all.push((Happening::Unheard, route, |_| Some(ProviderEvent::Ignored)));
    }
    all
}

fn on_the_owner_s_line() -> Vec<Scenario> {
    let (session, key) = (session(), Route::OwnerKey { session: session() });
    let progress = Route::Leg { session };
    vec![
        (Happening::OwnerListens, Route::Whisper { session }, |_| {
            Some(ProviderEvent::WhisperWanted { session: self::session(), leg: LegId::new(OWNER_LEG) })
        }),
        // Where the provider itself takes the key, it tells what came of it.
        (Happening::OwnerKeyed("1"), key, |e| {
            if e.can.owner_keys { e.owner_keyed(Some(OwnerKey::Accept)) } else { leg(LegEvent::OwnerAccepted) }
        }),
        (Happening::OwnerKeyed(""), key, |e| {
            if e.can.owner_keys { e.owner_keyed(None) } else { leg(LegEvent::OwnerLegEnded(LegEnd::Completed)) }
        }),
        (Happening::OwnerKeyed("2"), key, |e| e.owner_keyed(Some(OwnerKey::Coming))),
        (Happening::OwnerKeyed("3"), key, |e| e.owner_keyed(Some(OwnerKey::CannotCome))),
        (Happening::OwnerKeyed("9"), key, |e| e.owner_keyed(None)),
        (Happening::OwnerLegMade, progress, |e| e.can.tells_ringing.then_some(ProviderEvent::Ignored)),
        (Happening::OwnerRings, progress, |e| leg(LegEvent::OwnerRang).filter(|_| e.can.tells_ringing)),
        (Happening::OwnerAnswers, progress, |_| leg(LegEvent::OwnerAnswered)),
        (Happening::Unheard, progress, |_| Some(ProviderEvent::Ignored)),
    ]
}

fn ends() -> Vec<Scenario> {
    let (progress, dial_end) = (Route::Leg { session: session() }, Route::DialEnd { session: session() });
    vec![
        (Happening::OwnerLegEnds(LegEnd::Completed), progress, |_| leg(LegEvent::OwnerLegEnded(LegEnd::Completed))),
        (Happening::OwnerLegEnds(LegEnd::Busy), progress, |_| leg(LegEvent::OwnerLegEnded(LegEnd::Busy))),
        (Happening::OwnerLegEnds(LegEnd::NoAnswer), progress, |_| leg(LegEvent::OwnerLegEnded(LegEnd::NoAnswer))),
        (Happening::OwnerLegEnds(LegEnd::Cancelled), progress, |_| leg(LegEvent::OwnerLegEnded(LegEnd::Cancelled))),
        (Happening::OwnerLegEnds(LegEnd::Failed), progress, |_| leg(LegEvent::OwnerLegEnded(LegEnd::Failed))),
        (Happening::OwnerLegEnds(LegEnd::HungUp), progress, |e| {
            leg(LegEvent::OwnerLegEnded(LegEnd::HungUp)).filter(|_| e.can.tells_refusals)
        }),
        (Happening::OwnerLegEnds(LegEnd::Rejected), progress, |e| {
            leg(LegEvent::OwnerLegEnded(LegEnd::Rejected)).filter(|_| e.can.tells_refusals)
        }),
        (Happening::DialEnds(LegEnd::Completed), dial_end, |_| leg(LegEvent::DialEnded(LegEnd::Completed))),
        (Happening::DialEnds(LegEnd::Busy), dial_end, |_| leg(LegEvent::DialEnded(LegEnd::Busy))),
        (Happening::DialEnds(LegEnd::NoAnswer), dial_end, |_| leg(LegEvent::DialEnded(LegEnd::NoAnswer))),
        (Happening::DialEnds(LegEnd::Cancelled), dial_end, |_| leg(LegEvent::DialEnded(LegEnd::Cancelled))),
        (Happening::DialEnds(LegEnd::Failed), dial_end, |_| leg(LegEvent::DialEnded(LegEnd::Failed))),
        (Happening::DialEnds(LegEnd::Rejected), dial_end, |e| {
            leg(LegEvent::DialEnded(LegEnd::Rejected)).filter(|_| e.can.tells_refusals)
        }),
        (Happening::CallerGoneFromDial, dial_end, |_| {
            Some(ProviderEvent::Leg { session: session(), event: LegEvent::ScannerLegEnded, leg: None })
        }),
        (Happening::Unheard, dial_end, |_| Some(ProviderEvent::Ignored)),
    ]
}

#[test]
fn the_same_happens_everywhere() {
    let scenarios = [on_the_scanner_s_line(), on_the_owner_s_line(), ends()].concat();
    for tongue in TONGUES {
        for caller in [Some(SCANNER), None] {
            let people = people(caller);
            let expected = Expected { can: tongue.provider.capabilities(), call: call(caller) };
            for (happening, route, event) in &scenarios {
                let about = format!("{} {happening:?} at {route:?}", tongue.provider.name());
                let route =
                    if matches!(happening, Happening::OwnerKeyed(_)) { (tongue.keys_at)(session()) } else { *route };
                match ((tongue.tells)(*happening, &people), event(&expected)) {
                    (Some(body), Some(event)) => {
                        let webhook = tongue.provider.parse(&route, body.as_bytes(), &root()).unwrap();
                        assert_eq!(described(&webhook.event), described(&event), "{about}");
                        assert!(!webhook.recording_alarm, "{about}");
                    }
                    (None, None) => {}
                    (Some(_), None) => panic!("{about}: told, though the capabilities lack it"),
                    (None, Some(_)) => panic!("{about}: not told, though the capabilities have it"),
                }
            }
        }
    }
}

fn people(caller: Option<&str>) -> People {
    People {
        caller: caller.map(str::to_owned),
        owner: OWNER.to_owned(),
        line: LINE.to_owned(),
        leg: LEG.to_owned(),
        owner_leg: OWNER_LEG.to_owned(),
    }
}

fn call(caller: Option<&str>) -> Call {
    Call {
        leg: LegId::new(LEG).unwrap(),
        number: IntermediaryNumber::parse(LINE).unwrap(),
        caller: caller.map_or(CallingParty::Withheld, |number| CallingParty::Known(root_of(number))),
    }
}

/// All that an event says, which its `Debug` hides.
fn described(event: &ProviderEvent) -> String {
    let call = |call: &Call| {
        let caller = match &call.caller {
            CallingParty::Known(root) => format!("{:?}", root.as_bytes()),
            CallingParty::Withheld => "withheld".to_owned(),
        };
        format!("{} to {} by {caller}", call.leg.as_str(), call.number)
    };
    let leg = |leg: &Option<LegId>| leg.as_ref().map(|leg| leg.as_str().to_owned());
    match event {
        ProviderEvent::CallArrived(arrived) => format!("arrived {}", call(arrived)),
        ProviderEvent::DigitsGiven { call: c, keyed, question } => format!("{keyed:?} at {question:?} {}", call(c)),
        ProviderEvent::ChallengeAnswered { call: c, session, keyed, attempt } => {
            format!("{keyed:?} at challenge {session} {attempt} {}", call(c))
        }
        ProviderEvent::HoldOver { call: c, session, turn } => format!("held {session} {turn} {}", call(c)),
        ProviderEvent::WhisperWanted { session, leg: owner_leg } => {
            // Not every provider tells the leg here; none tells another one.
            assert!(owner_leg.as_ref().is_none_or(|leg| leg.as_str() == OWNER_LEG));
            format!("whisper {session}")
        }
        ProviderEvent::OwnerKeyed { session, key, leg: l } => format!("owner {key:?} {session} {:?}", leg(l)),
        ProviderEvent::Leg { session, event, leg: l } => format!("{event:?} {session} {:?}", leg(l)),
        ProviderEvent::CallEnded { leg } => format!("ended {}", leg.as_str()),
        ProviderEvent::Ignored => "ignored".to_owned(),
    }
}
