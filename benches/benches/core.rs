//! The core's decisions, one at a time: a sticker's code, a scan, an event of a call.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use qnect_core::access_code::AccessCode;
use qnect_core::blocked::BlockedCallers;
use qnect_core::check::CheckKeys;
use qnect_core::desk::{AddressCell, Desk, OwnerCell};
use qnect_core::effects::Effects;
use qnect_core::language::Language;
use qnect_core::leg::{LegEnd, LegEvent, LegId};
use qnect_core::limiter::{Cell, Quota};
use qnect_core::number::IntermediaryNumber;
use qnect_core::phone::Phone;
use qnect_core::policy::Policy;
use qnect_core::preferences::Preferences;
use qnect_core::reason::Reason;
use qnect_core::scan::{AddressPrefix, BrowserClass, DeviceClass, Scan};
use qnect_core::session::Session;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OpenSession, OwnerId, OwnerProfile, Tag, TagConfig, TagStatus};
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::{Span, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn keys() -> CheckKeys {
    CheckKeys::new(0, &[1; 32], &[2; 32])
}

fn policy() -> Policy {
    Policy {
        tag_rings: Quota::new(6, Span::HOUR),
        tag_urgent_rings: Quota::new(4, Span::HOUR),
        tag_open_sessions_max: 32,
        // So high that it never refuses: what is measured is a scan that is let in.
        address_scans: Quota::new(1_000_000_000, Span::from_secs(1)),
        address_sessions: Quota::new(200, Span::HOUR),
        caller_rings: Quota::new(5, Span::HOUR),
        owner_rings: Quota::new(30, Span::DAY),
        withheld_rings: Quota::new(2, Span::HOUR),
        challenge_at: 50,
        refuse_at: 100,
        provider_records_kept: Span::DAY,
        allowed_prefixes: vec!["+91".into()],
        ring: Span::from_secs(25),
        talk: Span::from_secs(180),
        session_life: Span::from_secs(600),
        owner_caller_id: None,
    }
}

fn config() -> TagConfig {
    let phone = Phone::parse("+919800000017").expect("a number");
    let owner = OwnerProfile {
        id: OwnerId(1),
        phone,
        language: Language::English,
        preferences: Preferences::default(),
        blocked: BlockedCallers::default(),
    };
    TagConfig { id: TagId::from_random(0, 42), status: TagStatus::Active, owner: Some(owner), appealed_at: None }
}

fn tag() -> Tag {
    Tag::restore(Arc::new(config()), Arc::new(policy()), Vec::new(), NOW)
}

fn codes(c: &mut Criterion) {
    let keys = keys();
    let printed = TagCode::of(TagId::from_random(0, 42), &keys).expect("a known version").to_string();
    let forged = printed.replace(&printed[19..], if printed.ends_with('0') { "1" } else { "0" });
    c.bench_function("tag code, right check", |b| b.iter(|| TagCode::read(black_box(&printed), &keys)));
    c.bench_function("tag code, forged", |b| b.iter(|| TagCode::read(black_box(&forged), &keys)));
    c.bench_function("access code", |b| b.iter(|| AccessCode::read(black_box("4829137"), 7)));
}

fn scan(c: &mut Criterion) {
    let (mut tag, mut effects) = (tag(), Effects::new());
    let (mut owner, mut address) = (OwnerCell::default(), AddressCell::default());
    let scan =
        Scan { address: AddressPrefix::V4([203, 0, 113]), device: DeviceClass::Phone, browser: BrowserClass::Chromium };
    let mut now = NOW.as_millis();
    c.bench_function("scan decision", |b| {
        b.iter(|| {
            now += 1;
            let mut desk = Desk { owner: Some(&mut owner), address: Some(&mut address), ..Desk::default() };
            let decision = tag.on_scan(black_box(&scan), Timestamp::from_millis(now), &mut desk, &mut effects);
            effects.drain().for_each(drop);
            decision
        });
    });
    let (quota, mut cell) = (Quota::new(6, Span::HOUR), Cell::default());
    c.bench_function("limiter, ask and charge", |b| {
        b.iter(|| {
            now += 600_000;
            cell.ask(quota, Timestamp::from_millis(now)).map(|allowance| cell.charge(allowance))
        });
    });
}

fn session_event(c: &mut Criterion) {
    let mut tag = tag();
    let number = IntermediaryNumber::parse("+911140000001").expect("a number");
    let id = SessionId::new(tag.id(), [7; 17], &keys()).expect("a known version");
    let code = AccessCode::from_index(482_913, 7);
    let open = OpenSession {
        id,
        line: Some((number, code)),
        reason: Reason::Blocking,
        language: Language::English,
        from: None,
        idempotency: None,
    };
    tag.on_open_session(&open, NOW, &mut Desk::default(), &mut Effects::new());
    let mut session = Session::restore(tag.snapshot().remove(0));
    session.dial(LegId::new("leg").expect("an id"), NOW);
    let (config, policy, dialed) = (Arc::new(config()), Arc::new(policy()), session.snapshot().clone());
    let call = [
        LegEvent::OwnerAnswered,
        LegEvent::OwnerAccepted,
        LegEvent::OwnerLegEnded(LegEnd::Completed),
        LegEvent::DialEnded(LegEnd::Completed),
    ];
    // With all that an event leads to: the session is found, what it changes is recorded.
    let mut effects = Effects::new();
    c.bench_function("a call's four events", |b| {
        b.iter_batched_ref(
            || Tag::restore(config.clone(), policy.clone(), vec![dialed.clone()], NOW),
            |tag| {
                call.map(|event| {
                    let event = (black_box(event), None);
                    let reaction = tag.on_leg_event(id, event, NOW, &mut Desk::default(), &mut effects);
                    effects.drain().for_each(drop);
                    reaction
                })
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, codes, scan, session_event);
criterion_main!(benches);
