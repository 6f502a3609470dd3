//! Two phases: everyone is asked before anyone is charged, so what is refused costs nobody anything and adds no points.

use proptest::prelude::*;
use qnect_core::abuse::Signal;
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::limiter::Quota;
use qnect_core::reason::Reason;
use qnect_core::scan::Refusal;
use qnect_core::tag::{OpenDecision, OpenSession};
use qnect_core::time::Span;

use crate::dsl::{Led, World, address_key, known, leg, per_hour, request_from, session_id};

/// What somebody tries; the numbers name an address, a session and a caller.
#[derive(Debug, Clone, Copy)]
enum Try {
    Scan,
    Open { address: u8, reason: Reason, without_line: bool },
    Call { session: u8, caller: u8 },
    Over { session: u8, declined: bool },
    Sign(Signal),
    Wait(Span),
}

fn tries() -> impl Strategy<Value = Try> {
    let reasons = prop::sample::select(Reason::ALL.to_vec());
    prop_oneof![
        4 => Just(Try::Scan),
        6 => (0u8..3, reasons, prop::bool::weighted(0.1))
            .prop_map(|(address, reason, without_line)| Try::Open { address, reason, without_line }),
        6 => (0u8..8, 1u8..4).prop_map(|(session, caller)| Try::Call { session, caller }),
        4 => (0u8..3, any::<bool>()).prop_map(|(session, declined)| Try::Over { session, declined }),
        1 => prop::sample::select(Signal::ALL[..8].to_vec()).prop_map(Try::Sign),
        3 => (0u64..900_000).prop_map(|ms| Try::Wait(Span::from_millis(ms))),
    ]
}

/// All that anybody pays with, and all that is held against anybody.
fn accounts(w: &World) -> String {
    let mut callers: Vec<_> = w.callers.iter().map(|(token, cell)| (*token.as_bytes(), format!("{cell:?}"))).collect();
    callers.sort();
    // One who calls for the first time has a cell from then on, with nothing in it.
    callers.retain(|(_, cell)| *cell != format!("{:?}", qnect_core::desk::CallerCell::default()));
    format!("{:?} {:?} {:?} {callers:?}", w.address, w.network, w.owner)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_refused_costs_nobody_anything(
        room in 1usize..4,
        limits in (0u32..4, 0u32..4, 1u32..12),
        tries in prop::collection::vec(tries(), 1..120),
    ) {
        let (scans, sessions, rings) = limits;
        let mut w = World::given(
            |p| {
                p.tag_open_sessions_max = room;
                p.address_scans = Quota::new(scans, Span::from_secs(60));
                p.address_sessions = per_hour(sessions * 4);
                (p.tag_rings, p.tag_urgent_rings, p.owner_rings) = (per_hour(rings), per_hour(2), Quota::new(8, Span::DAY));
            },
            |_| (),
        );
        let mut opened = 0_u8;
        for what in tries {
            let before = accounts(&w);
            match what {
                Try::Scan => {
                    let decision = w.scan();
                    let led = w.led();
                    let is_refused = matches!(decision.refusal, Some(Refusal::AddressLimit | Refusal::Score));
                    prop_assert_eq!(led.is_empty(), is_refused);
                    prop_assert!(!is_refused || accounts(&w) == before);
                }
                Try::Open { address, reason, without_line } => {
                    let mut open = OpenSession { from: Some(address_key(address)), ..request_from(address, opened, reason) };
                    if without_line {
                        open.line = None;
                    }
                    let sessions = w.tag.open_sessions();
                    let decision = w.open(&open);
                    let led = w.led();
                    if matches!(decision, OpenDecision::Opened(_)) {
                        opened = (opened + 1) % 200;
                    } else {
                        prop_assert!(accounts(&w) == before, "{:?}", decision);
                        prop_assert_eq!(led, Vec::<Led>::new());
                        prop_assert_eq!(w.tag.open_sessions(), sessions, "nobody gives way to a refusal");
                    }
                }
                Try::Call { session, caller } => {
                    let id = session_id(opened.saturating_sub(1 + session));
                    let line = leg(opened.saturating_sub(1 + session));
                    let answer = w.call(id, &line, known(caller));
                    let credited = w.effects().iter().any(|e| matches!(e, qnect_core::effects::Effect::CreditAddress { .. }));
                    if !matches!(answer, Instruction::Dial(_)) {
                        prop_assert!(!credited && accounts(&w) == before, "{:?}", answer);
                    }
                    let unavailable = matches!(
                        answer, Instruction::Say { announcement: Announcement::OwnerUnavailable, .. }
                    );
                    prop_assert!(!unavailable || w.tag.view(id).is_some());
                }
                Try::Over { session, declined } => {
                    let end = if declined { LegEnd::Rejected } else { LegEnd::NoAnswer };
                    w.told(session_id(opened.saturating_sub(1 + session)), LegEvent::DialEnded(end));
                    w.led();
                }
                Try::Sign(signal) => w.address.note(signal, Some(&mut w.network), &w.policy, w.now),
                Try::Wait(span) => {
                    w.after(span);
                    w.clock();
                    w.led();
                }
            }
        }
    }
}
