//! The fear: what is read back is not what was written.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use qnect_core::abuse::SignalSet;
use qnect_core::access_code::AccessCode;
use qnect_core::caller::{BlockToken, DayToken};
use qnect_core::check::CheckKeys;
use qnect_core::facts::{Facts, Outcome};
use qnect_core::language::Language;
use qnect_core::leg::LegId;
use qnect_core::number::IntermediaryNumber;
use qnect_core::phone::Phone;
use qnect_core::preferences::{Pause, Preferences, QuietHours};
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::record::Record;
use qnect_core::session::{Idempotency, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, TagStatus};
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp, Zone};
use qnect_storage::{Lane, NewOwner, NewVehicle, RegisteredOwner, Storage};
use store_common::{NOW, open, owner, run, session, session_id};

prop_compose! {
    /// A session with anything in it; its id and owner are put in later.
    fn anything()(
        reason in select(Reason::ALL.to_vec()),
        language in select(Language::ALL.to_vec()),
        number in 10_000_000u64..=999_999_999_999_999,
        (index, digits) in (any::<u32>(), 6u8..=9),
        (opened_at, expires_at) in any::<(u64, u64)>(),
        idempotency in option::of(any::<([u8; 16], [u8; 16])>()),
        (bound_to, block_token) in any::<(Option<[u8; 16]>, Option<[u8; 16]>)>(),
        (challenge, because) in any::<(bool, u16)>(),
        (scanner_leg, owner_leg) in (option::of("[!-~]{1,64}"), option::of("[!-~]{1,64}")),
        times in any::<[Option<u64>; 6]>(),
        facts in any::<u16>(),
        ended in option::of((select(Outcome::ALL.to_vec()), any::<u64>())),
    ) -> SessionSnapshot {
        let at = |ms: Option<u64>| ms.map(Timestamp::from_millis);
        let leg = |id: Option<String>| id.map(|id| LegId::new(&id).expect("printable"));
        let keys = CheckKeys::new(0, &[1; 32], &[2; 32]);
        SessionSnapshot {
            id: SessionId::new(TagId::from_random(0, 0), [0; 17], &keys).expect("a known key version"),
            owner: OwnerId(0),
            reason,
            language,
            number: IntermediaryNumber::parse(&number.to_string()).expect("in range"),
            code: AccessCode::from_index(index, digits),
            opened_at: Timestamp::from_millis(opened_at),
            expires_at: Timestamp::from_millis(expires_at),
            idempotency: idempotency.map(|(key, body)| Idempotency { key, body }),
            bound_to: bound_to.map(DayToken::from_bytes),
            block_token: block_token.map(BlockToken::from_bytes),
            challenge,
            because: SignalSet::from_bits(because),
            scanner_leg: leg(scanner_leg),
            owner_leg: leg(owner_leg),
            dialed_at: at(times[0]),
            accepted_at: at(times[1]),
            over_at: at(times[2]),
            settling_since: at(times[3]),
            facts: Facts::from_bits(facts),
            ended: ended.map(|(outcome, ms)| (outcome, Timestamp::from_millis(ms))),
            reported_at: at(times[4]),
            records_due_at: at(times[5]),
        }
    }
}

prop_compose! {
    fn anyone()(
        (name, email) in ("\\PC{0,40}", "\\PC{0,40}"),
        phone in 10_000_000u64..=999_999_999_999_999,
        vehicle in option::of("\\PC{0,20}"),
        language in select(Language::ALL.to_vec()),
        time_zone in select(vec!["Asia/Kolkata", "America/St_Johns", "UTC"]),
        quiet_hours in option::of((0u16..1440, 0u16..1440)),
        night_reasons in any::<u8>(),
    ) -> Anyone {
        Anyone(NewOwner {
            name,
            email,
            phone: Phone::from_digits(phone).expect("in range"),
            vehicle: vehicle.map(NewVehicle),
            language,
            time_zone: time_zone.into(),
            quiet_hours: quiet_hours.map(|(from_minute, to_minute)| QuietHours { from_minute, to_minute }),
            night_reasons: ReasonSet::from_bits(night_reasons),
        })
    }
}

/// An owner who is nobody, and so may be shown when a test fails.
struct Anyone(NewOwner);

impl std::fmt::Debug for Anyone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let owner = &self.0;
        write!(f, "{:?} {:?} {} {:?}", owner.name, owner.email, owner.phone.reveal(), owner.quiet_hours)
    }
}

proptest! {
    // Each case opens a store twice.
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sessions_read_back(made in vec((anything(), anything()), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let storage = open(folder.path());
        let registered = storage.register(&[owner(1), owner(2)], NOW).unwrap();
        let whose = |number: usize| registered[number % 2];
        let named = |storage: &Storage, number: usize| session_id(storage, whose(number).code.tag(), number as u64);
        run(async {
            for (number, (first, last)) in made.iter().enumerate() {
                let (id, owner) = (named(&storage, number), whose(number).owner);
                let of = |made: &SessionSnapshot| Box::new(SessionSnapshot { id, owner, ..made.clone() });
                let (opened, advanced) = (Record::SessionOpened(of(first)), Record::SessionAdvanced(of(last)));
                storage.promise(Lane::Sessions, vec![opened]).unwrap().kept().await.unwrap();
                storage.promise(Lane::Webhooks, vec![advanced]).unwrap().kept().await.unwrap();
            }
        });
        drop(storage);
        let storage = open(folder.path());
        for (number, (_, last)) in made.iter().enumerate() {
            let id = named(&storage, number);
            let read = run(storage.session(id)).unwrap();
            prop_assert_eq!(read, Some(SessionSnapshot { id, owner: whose(number).owner, ..last.clone() }));
        }
    }

    #[test]
    fn owners_and_tags_read_back(owners in vec(anyone(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let storage = open(folder.path());
        let owners: Vec<_> = owners.into_iter().map(|anyone| anyone.0).collect();
        let registered = storage.register(&owners, NOW).unwrap();
        drop(storage);
        let storage = open(folder.path());
        for (owner, RegisteredOwner { owner: id, code }) in owners.iter().zip(registered) {
            let revival = run(storage.revive(code.tag(), NOW)).unwrap().expect("a known tag");
            prop_assert_eq!(revival.config.id, code.tag());
            prop_assert_eq!(revival.config.status, TagStatus::Active);
            prop_assert!(revival.sessions.is_empty());
            let profile = revival.config.owner.expect("an owner");
            prop_assert_eq!(profile.id, id);
            prop_assert!(profile.phone == owner.phone);
            prop_assert_eq!(profile.language, owner.language);
            let preferences = Preferences {
                pause: Pause::Off,
                quiet_hours: owner.quiet_hours,
                night_reasons: owner.night_reasons,
                zone: Zone::new(TimeZone::get(&owner.time_zone).unwrap()),
            };
            prop_assert_eq!(profile.preferences, preferences);
        }
    }
}

#[test]
fn a_tag_is_revived_with_its_own_sessions_that_still_matter() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let registered = storage.register(&[owner(1), owner(2)], NOW).unwrap();
    let (mine, other) = (registered[0], registered[1]);
    let mut sessions: Vec<_> =
        (0..4).map(|number| session(session_id(&storage, mine.code.tag(), number), mine.owner)).collect();
    sessions[1].ended = Some((Outcome::Expired, NOW));
    sessions[2].ended = Some((Outcome::Expired, Timestamp::from_millis(NOW.as_millis() - 86_400_000)));
    sessions[3] = session(session_id(&storage, other.code.tag(), 3), other.owner);
    let records = sessions.iter().map(|s| Record::SessionOpened(Box::new(s.clone())));
    run(storage.promise(Lane::Sessions, records.collect()).unwrap().kept()).unwrap();

    let revival = run(storage.revive(mine.code.tag(), NOW)).unwrap().unwrap();
    assert_eq!(revival.sessions.len(), 2);
    assert!(revival.sessions.contains(&sessions[0]) && revival.sessions.contains(&sessions[1]));
    let mut walked = 0;
    storage.walk_sessions(NOW, |_| walked += 1).unwrap();
    assert_eq!(walked, 3);
    let unknown = TagId::from_random(0, 42);
    assert!(run(storage.revive(unknown, NOW)).unwrap().is_none());
    assert!(run(storage.session(session_id(&storage, unknown, 0))).unwrap().is_none());
}

#[test]
fn an_open_session_is_revived_however_many_newer_ones_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mine = storage.register(&[owner(1)], NOW).unwrap()[0];
    let at = |number: u64| session(session_id(&storage, mine.code.tag(), number), mine.owner);
    let mut records = vec![Record::SessionOpened(Box::new(at(0)))];
    for number in 1..=600 {
        let mut newer = at(number);
        newer.opened_at = NOW.plus(Span::from_secs(number));
        newer.ended = Some((Outcome::Expired, newer.opened_at));
        records.push(Record::SessionEnded(Box::new(newer)));
    }
    run(storage.promise(Lane::Sessions, records).unwrap().kept()).unwrap();
    let revival = run(storage.revive(mine.code.tag(), NOW.plus(Span::HOUR))).unwrap().unwrap();
    assert_eq!(revival.sessions.len(), 512, "the number of revived sessions is bounded");
    assert!(revival.sessions.contains(&at(0)));
}

#[test]
fn ten_thousand_owners_are_registered_and_some_revived() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let owners: Vec<_> = (0..10_000).map(owner).collect();
    let registered = storage.register(&owners, NOW).unwrap();
    assert_eq!(registered.len(), owners.len());
    drop(storage);
    let storage = open(folder.path());
    for (owner, registered) in owners.iter().zip(&registered).step_by(97) {
        let revival = run(storage.revive(registered.code.tag(), NOW)).unwrap().unwrap();
        assert!(revival.config.owner.unwrap().phone == owner.phone);
    }
}
