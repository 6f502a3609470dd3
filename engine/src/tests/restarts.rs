//! Whatever was promised is there again after an end without warning.

use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::leg::{LegEnd, LegEvent, ProviderEvent};
use qnect_core::policy::SETTLE;
use qnect_core::session::State;
use qnect_core::tag::SessionView;
use qnect_core::time::{Span, Timestamp};

use super::world::{ALICE, BOB, Life, World, dial, leg, per_hour, phone, said};

const BEFORE_LIFE_ENDS: Span = Span::from_secs(60);

#[test]
fn a_session_survives_between_its_opening_and_its_call() {
    for in_order in [false, true] {
        let world = World::new();
        let code = world.register(3)[2];
        let session = world.live(async |life| {
            let session = life.open(code).await;
            if in_order {
                life.engine.begin_drain();
                life.storage.close();
            }
            session
        });
        let first = world.live(async |life| {
            assert_eq!(life.codes_taken(), 1);
            assert_eq!(life.state(&session).await, State::Waiting);
            let first = life.keyed(life.call(ALICE, "leg-1"), &session).await;
            assert_eq!(dial(first.clone()).to, phone(2));
            first
        });
        // The same webhook of the same leg gets the same document, after a restart too.
        world.live(async |life| {
            assert_eq!(life.keyed(life.call(ALICE, "leg-1"), &session).await, first);
            let parting = life.leg_event(&session, LegEvent::DialEnded(LegEnd::Busy)).await;
            assert_eq!(said(&parting), Announcement::OwnerBusy);
        });
        let settled = session.expires_at.plus(SETTLE);
        world.live_from(settled, async |life| {
            life.no_code_is_taken().await;
            let ended = life.engine.session(session.id).await.unwrap();
            assert_eq!(ended.outcome, Some(Outcome::Busy));
        });
    }
}

#[test]
fn what_ended_meanwhile_is_ended_without_any_visit() {
    let world = World::new();
    let codes = world.register(40);
    let (sessions, dialled) = world.live(async |life| {
        let mut sessions = Vec::new();
        for &code in &codes {
            sessions.push(life.open(code).await);
        }
        let dialled = life.open(codes[0]).await;
        dial(life.keyed(life.call(ALICE, "leg-1"), &dialled).await);
        (sessions, dialled)
    });
    world.live(async |life| {
        assert_eq!(life.codes_taken(), 41);
        assert_eq!(life.state(&dialled).await, State::Dialing);
    });
    let long_after = sessions[39].expires_at.plus(Span::HOUR);
    world.live_from(long_after, async |life| {
        life.no_code_is_taken().await;
        assert_eq!(life.counted("qnect_session_outcomes_total"), 41);
        for session in &sessions {
            let ended = life.engine.session(session.id).await.unwrap();
            assert_eq!(ended.outcome, Some(Outcome::Expired));
        }
        let ended = life.engine.session(dialled.id).await.unwrap();
        assert_eq!(ended.outcome, Some(Outcome::Failed), "nothing was ever told about it");
        let late = life.told(ProviderEvent::CallEnded { leg: leg("leg-1") }).await;
        assert_eq!(late, qnect_core::instruction::Instruction::Acknowledge);
    });
    world.live(async |life| assert_eq!(life.codes_taken(), 0, "what ended stays ended"));
    let a_day_later = long_after.plus(Span::DAY).plus(Span::HOUR);
    world.live_from(a_day_later, async |life| {
        for session in &sessions {
            let gone = life.engine.session(session.id).await.unwrap_err();
            assert_eq!(gone, crate::EngineError::UnknownSession);
        }
    });
}

#[test]
fn tags_that_cannot_be_woken_at_once_are_woken_later() {
    let mut world = World::new();
    world.tag_idle = Span::from_millis(20);
    let codes = world.register(4);
    let last = world.live(async |life| {
        let mut last = Timestamp::default();
        for &code in &codes {
            last = life.open(code).await.expires_at;
        }
        last
    });
    world.active_tags_max = 1;
    world.live_from(last.plus(Span::from_secs(1)), async |life| life.no_code_is_taken().await);
}

#[test]
fn a_restart_gives_no_caller_a_fresh_budget() {
    let mut world = World::new();
    world.policy.caller_rings = per_hour(1);
    assert_spent(&world, 0, 1, ALICE, Announcement::OwnerUnavailable);
}

#[test]
fn a_restart_gives_no_owner_a_fresh_budget() {
    let mut world = World::new();
    world.policy.owner_rings = per_hour(1);
    assert_spent(&world, 0, 0, BOB, Announcement::OwnerUnavailable);
}

#[test]
fn a_restart_gives_no_tag_a_fresh_budget() {
    let mut world = World::new();
    world.policy.tag_rings = per_hour(1);
    assert_spent(&world, 0, 0, BOB, Announcement::OwnerUnavailable);
}

/// Alice is put through to tag `first`; after a restart `caller`, with a session of tag `second`, hears `announcement`.
fn assert_spent(world: &World, first: usize, second: usize, caller: &str, announcement: Announcement) {
    let codes = world.register(2);
    let other = world.live(async |life| {
        let (session, other) = (life.open(codes[first]).await, life.open(codes[second]).await);
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
        life.leg_event(&session, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
        other
    });
    world.live(async |life| {
        let refused = life.keyed(life.call(caller, "leg-2"), &other).await;
        assert_eq!(said(&refused), announcement);
        assert_eq!(life.state(&other).await, State::Waiting);
    });
}

#[test]
fn an_owners_line_stays_engaged_over_a_restart() {
    let world = World::new();
    let code = world.register(1)[0];
    let waiting = world.live(async |life| {
        let (talking, waiting) = (life.open(code).await, life.open(code).await);
        dial(life.keyed(life.call(ALICE, "leg-1"), &talking).await);
        waiting
    });
    world.live(async |life| {
        let busy = life.keyed(life.call(BOB, "leg-2"), &waiting).await;
        assert!(matches!(busy, Instruction::Hold { turn: 1, .. }), "{busy:?}");
        // The scanner's leg leads to its session still: its end frees the line.
        life.told(ProviderEvent::CallEnded { leg: leg("leg-1") }).await;
        dial(life.keyed(life.call(BOB, "leg-3"), &waiting).await);
    });
}

#[test]
fn rings_of_the_past_weigh_what_they_weighed() {
    // Three rings an hour, one each twenty minutes: after three old rings, over an hour apart from each other, there
    // is room for three more, in whatever order the store tells of them.
    let mut world = World::new();
    world.policy.caller_rings = per_hour(3);
    let codes = world.register(10);
    let mut start = Timestamp::default();
    for (round, &code) in codes[1..].iter().enumerate() {
        start = world.live_from(start, async |life| {
            let session = life.open(code).await;
            dial(life.keyed(life.call(ALICE, &format!("leg-{round}")), &session).await);
            life.leg_event(&session, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
            life.engine.clock().now().plus(Span::from_secs(25 * 60))
        });
    }
    world.live_from(start, async |life| {
        let session = life.open(codes[0]).await;
        dial(life.keyed(life.call(ALICE, "leg-last"), &session).await);
    });
}

#[test]
fn the_clock_of_a_session_goes_on_after_a_restart() {
    let mut world = World::new();
    world.policy.session_life = BEFORE_LIFE_ENDS;
    let code = world.register(1)[0];
    let session: SessionView = world.live(async |life: Life| life.open(code).await);
    let almost = Timestamp::from_millis(session.expires_at.as_millis() - 1_000);
    world.live_from(almost, async |life| {
        assert_eq!(life.codes_taken(), 1);
        life.no_code_is_taken().await;
        let ended = life.engine.session(session.id).await.unwrap();
        assert_eq!(ended.outcome, Some(Outcome::Expired));
    });
}
