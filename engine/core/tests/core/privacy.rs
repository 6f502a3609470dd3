//! Nothing that is printed for debugging tells who calls whom, or opens a door.

use std::fmt::{Debug, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use qnect_core::access_code::AccessCode;
use qnect_core::blocked::BlockedCallers;
use qnect_core::caller::{BlockToken, Caller, CallerRoot, CallerTokens, CallingParty, DayToken, RootKey};
use qnect_core::check::CheckKeys;
use qnect_core::desk::Desk;
use qnect_core::effects::Effects;
use qnect_core::instruction::{Instruction, OwnerKey, Question};
use qnect_core::leg::{Call, LegEnd, LegEvent, LegId, ProviderEvent};
use qnect_core::phone::Phone;
use qnect_core::reason::Reason;
use qnect_core::scan::AddressKey;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OpenDecision, OpenSession};
use qnect_core::tag_code::{TagCode, TagId};

use crate::dsl::{NUMBER, World, default_config, our_number, request};

const OWNER: &str = "+919876501234";
const SCANNER: &str = "+918765409321";
const LEG: &str = "leg-c0ffee-5eed";
const ROOT_KEY: [u8; 32] = [0xd7; 32];
const TOKEN: [u8; 16] = [0xe9; 16];
const SECRET: [u8; 17] = [0xf3; 17];
const CODE: u32 = 472_915;

fn keys() -> CheckKeys {
    CheckKeys::new(0, &[0xc5; 32], &[0xb1; 32])
}

fn tag() -> TagId {
    TagId::from_random(0, 0x0012_3456_789a_bcde)
}

fn session() -> SessionId {
    SessionId::new(tag(), SECRET, &keys()).unwrap()
}

fn code() -> AccessCode {
    AccessCode::from_index(CODE, 7)
}

/// A caller whose names are all marked.
fn caller() -> Caller {
    let (token, for_owner) = (DayToken::from_bytes(TOKEN), Some(BlockToken::from_bytes(TOKEN)));
    Caller::Known(CallerTokens { today: token, yesterday: Some(token), for_owner })
}

fn root() -> CallerRoot {
    RootKey::new(&ROOT_KEY).caller(SCANNER).unwrap()
}

/// What must not be seen, in every spelling that a derived `Debug` could give it.
fn marks() -> Vec<String> {
    let mut marks = vec![LEG.into(), session().to_string(), code().to_string(), CODE.to_string()];
    for number in [OWNER, SCANNER] {
        // Any four digits in a row; the last two are shown on purpose.
        let digits = &number[1..];
        marks.extend((0..=digits.len() - 4).map(|at| digits[at..at + 4].to_owned()));
    }
    let mut secrets = vec![ROOT_KEY.to_vec(), TOKEN.to_vec(), SECRET[1..].to_vec()];
    secrets.extend([[0xc5; 32].to_vec(), [0xb1; 32].to_vec(), root().as_bytes().to_vec()]);
    for secret in secrets {
        let [a, b, ..] = secret[..] else { unreachable!() };
        marks.push(format!("{a}, {b}"));
        marks.push(format!("{a},\n"));
        marks.push(format!("{a:02x}{b:02x}"));
        marks.push(format!("{a:02X}{b:02X}"));
    }
    marks.push(tag().as_u64().to_string());
    marks.push(format!("{:x}", tag().as_u64()));
    marks.push(TagCode::of(tag(), &keys()).unwrap().to_string());
    marks
}

#[track_caller]
fn hides(value: &dyn Debug) {
    let (line, tree) = (format!("{value:?}"), format!("{value:#?}"));
    for mark in marks() {
        assert!(!line.contains(&mark), "{mark} is seen in {line}");
        assert!(!tree.contains(&mark), "{mark} is seen in {tree}");
    }
}

/// A world of marked things in which a marked caller was just put through, with the effects of that not yet taken.
fn marked() -> (World, Instruction) {
    let mut w = World::given(
        |_| (),
        |c| {
            c.id = tag();
            c.owner.as_mut().unwrap().phone = Phone::parse(OWNER).unwrap();
        },
    );
    let opened = w.open(&OpenSession {
        id: session(),
        line: Some((our_number(NUMBER), code())),
        ..request(1, Reason::Blocking)
    });
    assert!(matches!(opened, OpenDecision::Opened(_)));
    hides(&opened);
    hides(&w.effects());
    let instruction = w.call(session(), &LegId::new(LEG).unwrap(), caller());
    (w, instruction)
}

#[test]
fn the_marks_are_found_where_they_are_not_hidden() {
    let seen = format!("{OWNER} {SCANNER} {LEG} {} {} {ROOT_KEY:?} {TOKEN:?}", session(), code());
    let found = marks().iter().filter(|m| seen.contains(*m)).count();
    assert!(found > 20, "{found} marks found in {seen}");
}

#[test]
fn numbers_and_callers_are_hidden() {
    hides(&Phone::parse(OWNER).unwrap());
    hides(&RootKey::new(&ROOT_KEY));
    hides(&root());
    hides(&CallingParty::Known(root()));
    hides(&DayToken::from_bytes(TOKEN));
    hides(&BlockToken::from_bytes(TOKEN));
    hides(&BlockedCallers::of(vec![BlockToken::from_bytes(TOKEN)]));
    hides(&caller());
}

#[test]
fn an_owners_number_shows_its_last_two_digits() {
    let phone = Phone::parse(OWNER).unwrap();
    assert_eq!(phone.masked(), "+******34");
    assert_eq!(format!("{phone:?}"), "Phone(+******34)");
}

#[test]
fn what_opens_a_door_is_hidden() {
    hides(&session());
    hides(&LegId::new(LEG).unwrap());
    hides(&code());
    hides(&keys());
    hides(&tag());
    hides(&TagCode::of(tag(), &keys()).unwrap());
}

#[test]
fn an_address_is_hidden() {
    let v4 = Ipv4Addr::new(203, 0, 113, 77);
    let v6: Ipv6Addr = "2001:db8:aa:bb::1".parse().unwrap();
    for address in [IpAddr::V4(v4), IpAddr::V6(v6)] {
        assert_eq!(format!("{:?}", AddressKey::of(address)), "AddressKey(hidden)");
    }
}

#[test]
fn what_a_provider_said_is_hidden() {
    let call = Call { leg: LegId::new(LEG).unwrap(), number: our_number(NUMBER), caller: CallingParty::Known(root()) };
    let (session, event) = (session(), LegEvent::DialEnded(LegEnd::Busy));
    let (keyed, leg) = (code().to_string(), Some(call.leg.clone()));
    let question = Question::Code { attempt: 1 };
    for event in [
        ProviderEvent::CallArrived(call.clone()),
        ProviderEvent::DigitsGiven { call: call.clone(), keyed: keyed.clone(), question },
        ProviderEvent::ChallengeAnswered { call: call.clone(), session, keyed, attempt: 1 },
        ProviderEvent::HoldOver { call: call.clone(), session, turn: 1 },
        ProviderEvent::WhisperWanted { session, leg: leg.clone() },
        ProviderEvent::OwnerKeyed { session, key: Some(OwnerKey::Accept), leg: leg.clone() },
        ProviderEvent::Leg { session, event, leg },
        ProviderEvent::CallEnded { leg: call.leg },
        ProviderEvent::Ignored,
    ] {
        hides(&event);
    }
}

#[test]
fn a_tag_with_all_that_it_knows_and_does_is_hidden() {
    let (mut w, instruction) = marked();
    hides(&w.config);
    hides(&w.policy);
    hides(&w.tag);
    hides(&instruction);
    hides(&w.tag.view(session()));
    hides(&w.tag.snapshot());
    hides(&w.tag.whisper(session()));
    let effects = w.effects();
    assert!(!effects.is_empty());
    hides(&effects);
    hides(&w.told(session(), LegEvent::DialEnded(LegEnd::Busy)));
    hides(&w.effects());
    w.now = w.tag.next_deadline().unwrap();
    hides(&w.clock());
    let effects = w.effects();
    assert_eq!(effects.len(), 3, "the code, the leg and the record");
    hides(&effects);
    hides(&w.tag);
}

#[test]
fn what_is_lent_is_hidden() {
    let (mut w, _) = marked();
    w.effects();
    assert!(w.owner.live.is_some());
    hides(&Desk {
        owner: Some(&mut w.owner),
        address: Some(&mut w.address),
        network: Some(&mut w.network),
        caller: w.callers.values_mut().next(),
    });
    hides(&w.callers);
}

#[test]
fn the_lane_of_effects_is_hidden() {
    let (mut w, _) = marked();
    let mut lane = Effects::new();
    for effect in w.effects() {
        lane.push(effect);
    }
    assert!(!lane.as_slice().is_empty());
    hides(&lane);
}

#[test]
fn the_demo_owner_is_hidden_too() {
    let config = default_config();
    assert!(!format!("{config:?}").contains("98123456"));
}

/// Fails to compile when the type implements the trait: with two blanket implementations to choose from, the compiler
/// cannot tell which `only` is meant.
macro_rules! never_implements {
    ($type:ty: $trait:path) => {
        const _: fn() = || {
            trait Ambiguous<A> {
                fn only() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $trait> Ambiguous<u8> for T {}
            let _ = <$type as Ambiguous<_>>::only;
        };
    };
}

never_implements!(Phone: Display);
never_implements!(CallerRoot: Display);
never_implements!(DayToken: Display);
never_implements!(BlockToken: Display);
never_implements!(RootKey: Display);
never_implements!(LegId: Display);
never_implements!(AddressKey: Display);
// Copies that the compiler makes silently would not be overwritten.
never_implements!(Phone: Copy);
never_implements!(CallerRoot: Copy);

/// `Serialize` for a type of the core could only be written in the core (the orphan rule), and the core does not know
/// the trait.
#[test]
fn nothing_in_the_core_can_be_serialised() {
    let manifest = include_str!("../../Cargo.toml");
    for library in ["serde", "minicbor", "ciborium", "bincode", "postcard", "rkyv"] {
        assert!(!manifest.contains(library), "{library} in the core");
    }
}
