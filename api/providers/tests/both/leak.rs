//! Who may see which number, over ten thousand sessions at each provider: the caller's stands in no document and is shown by
//! no event; the owner's stands once, as the target of the dial; the caller id stands once, and is ours.

use std::sync::LazyLock;

use proptest::prelude::*;
use qnect_core::caller::RootKey;
use qnect_core::instruction::{
    Announcement, CHALLENGE_ATTEMPTS_MAX, ChallengeDigits, Dial, HOLD_TURNS_MAX, Instruction,
};
use qnect_core::language::{Language, Languages};
use qnect_core::leg::{LegEnd, LegId};
use qnect_core::number::{CallerId, IntermediaryNumber};
use qnect_core::phone::Phone;
use qnect_core::reason::Reason;
use qnect_core::session_id::SessionId;
use qnect_core::time::Span;
use qnect_providers::plivo::Plivo;
use qnect_providers::twilio::Twilio;
use qnect_providers::{Provider, Route};
use roxmltree::Document;

use crate::shared::routes::{questions, routes};
use crate::shared::strategies::{any_number, any_session};
use crate::shared::{BASE_URL, root};
use crate::tongues::{Happening, People, TONGUES};

static ROOT: LazyLock<RootKey> = LazyLock::new(root);

/// One session from its first webhook to its last.
#[derive(Debug, Clone)]
struct Life {
    session: SessionId,
    people: People,
    /// Says what each instruction holds, and where each webhook goes.
    choices: u128,
}

/// Takes one choice after the other out of a number, each independent of the others.
struct Choices(u128);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        let choice = self.0 % u128::from(bound);
        self.0 /= u128::from(bound);
        choice as u64
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

impl Life {
    /// One instruction of every kind.
    fn instructions(&self) -> Vec<Instruction> {
        let mut choose = Choices(self.choices);
        let (session, language) = (self.session, choose.pick(&Language::ALL));
        let languages = choose.pick(&[Languages::Only(language), Languages::Every]);
        let (question, digits) = (choose.pick(&questions()), choose.below(16) as u8);
        let attempt = 1 + choose.below(CHALLENGE_ATTEMPTS_MAX.into()) as u8;
        let spoken = ChallengeDigits::of(session, &LegId::new(&self.people.leg).unwrap(), attempt);
        let turn = 1 + choose.below(HOLD_TURNS_MAX.into()) as u8;
        vec![
            Instruction::Ask { question, digits, languages },
            Instruction::Challenge { session, attempt, spoken, language },
            Instruction::Hold { session, turn, language },
            Instruction::Dial(Dial {
                session,
                to: Phone::parse(&self.people.owner).unwrap(),
                caller_id: CallerId::new(IntermediaryNumber::parse(&self.people.line).unwrap()),
                ring: Span::from_millis(choose.below(600_000)),
                talk: Span::from_millis(choose.below(86_400_000)),
            }),
            Instruction::Whisper { session, reason: choose.pick(&Reason::ALL), language },
            Instruction::Connect,
            Instruction::Say { announcement: choose.pick(&Announcement::ALL), languages },
            Instruction::Acknowledge,
        ]
    }

    /// Everything that happens, and somewhere to tell it: mostly where it does not belong, because what a webhook says must
    /// not show anywhere.
    fn happenings(&self) -> Vec<(Happening, Route)> {
        let mut choose = Choices(self.choices);
        let all = [
            Happening::CallerWaits,
            Happening::CallerKeyed(choose.pick(&["1234567", "", "2"])),
            Happening::CallerGone,
            Happening::CallerGoneFromDial,
            Happening::OutboundCall,
            Happening::OwnerListens,
            Happening::OwnerKeyed(choose.pick(&["1", "2", "3", ""])),
            Happening::OwnerLegMade,
            Happening::OwnerRings,
            Happening::OwnerAnswers,
            Happening::OwnerLegEnds(choose.pick(&LegEnd::ALL)),
            Happening::DialEnds(choose.pick(&LegEnd::ALL)),
            Happening::Unheard,
        ];
        let routes = routes(self.session);
        all.into_iter().map(|happening| (happening, choose.pick(&routes))).collect()
    }
}

fn any_life() -> impl Strategy<Value = Life> {
    let ids = ("[A-Za-z]{8}", "[A-Za-z]{8}");
    let parts = (any_session(), any_number(), any_number(), any_number(), ids, any::<u128>());
    let lives = parts.prop_map(|(session, caller, owner, line, (leg, owner_leg), choices)| Life {
        session,
        people: People {
            caller: Some(caller.to_string()),
            owner: owner.to_string(),
            line: line.to_string(),
            leg,
            owner_leg,
        },
        choices,
    });
    lives.prop_filter("three numbers", |life| {
        let People { caller, owner, line, .. } = &life.people;
        let all = [caller.as_ref().unwrap(), owner, line];
        all.iter().enumerate().all(|(i, a)| all.iter().enumerate().all(|(j, b)| i == j || !a.contains(b.as_str())))
    })
}

/// Runs of at least eight digits, in any script, outside of the session's id.
fn long_runs(text: &str, session: SessionId) -> Vec<String> {
    let text = text.replace(&session.to_string(), "-");
    let runs = text.split(|c: char| !(c.is_ascii_digit() || !c.is_ascii() && c.is_numeric()));
    runs.filter(|run| run.chars().count() >= 8).map(str::to_owned).collect()
}

fn check_documents(provider: &dyn Provider, life: &Life) {
    let (mut runs, mut caller_ids, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for instruction in life.instructions() {
        let text = provider.render(&instruction, BASE_URL).body;
        runs.extend(long_runs(&text, life.session));
        if !text.contains("callerId") && !text.contains("Number") {
            continue;
        }
        let document = Document::parse(&text).unwrap();
        let elements = document.descendants();
        caller_ids.extend(elements.filter_map(|node| node.attribute("callerId")).map(digits));
        let numbers = document.descendants().filter(|node| node.has_tag_name("Number"));
        targets.extend(numbers.map(|node| digits(node.text().unwrap())));
    }
    let People { owner, line, .. } = &life.people;
    assert_eq!(runs, [line.clone(), owner.clone()], "no other number, and each of them once");
    assert_eq!(caller_ids, std::slice::from_ref(line));
    assert_eq!(targets, std::slice::from_ref(owner));
}

fn check_events(provider: &dyn Provider, life: &Life) {
    let tongue = TONGUES.into_iter().find(|tongue| tongue.provider.name() == provider.name()).unwrap();
    for (happening, route) in life.happenings() {
        let Some(body) = (tongue.tells)(happening, &life.people) else { continue };
        let shown = format!("{:?}", provider.parse(&route, body.as_bytes(), &ROOT));
        let line = &life.people.line;
        assert!(long_runs(&shown, life.session).iter().all(|run| run == line), "{shown}");
    }
}

fn digits(text: &str) -> String {
    text.trim_start_matches('+').to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_number_goes_astray_at_plivo(life in any_life()) {
        check_documents(&Plivo, &life);
        check_events(&Plivo, &life);
    }

    #[test]
    fn no_number_goes_astray_at_twilio(life in any_life()) {
        check_documents(&Twilio, &life);
        check_events(&Twilio, &life);
    }
}
