//! People who call to annoy: one owner again and again, or many owners once. What they want is a telephone that rings.

use qnect_simulator::{Dial, OwnerScript};

use crate::day::browser::{Browser, Look, TurnedAway};
use crate::day::diary::{Diary, Said};
use crate::day::people::{Kind, Person};
use crate::day::telephone::{self, Call};
use crate::day::world::World;
use crate::draw::Dice;

/// Reasons in the order in which somebody goes to the next who is turned away.
const REASONS: [&str; 4] = ["blocking", "other", "child_or_pet", "emergency"];
/// Of a thousand: tries of a harasser who dials the number again instead of opening a session, and calls that the owner
/// reports, from the third on.
const REDIALS: u64 = 300;
const REPORTED: u64 = 300;
const REPORTED_FROM: usize = 3;
/// How an owner takes a harasser's calls and a prankster's, and of how many in a thousand each.
const HARASSED: [(OwnerScript, u64); 4] = [
    (OwnerScript::Declines, 500),
    (OwnerScript::HangsUp, 250),
    (OwnerScript::Silent, 150),
    (OwnerScript::Answers, 100),
];
const PRANKED: [(OwnerScript, u64); 3] =
    [(OwnerScript::Answers, 600), (OwnerScript::Declines, 250), (OwnerScript::Silent, 150)];
/// What the owner keys who calls back to report the last call.
const REPORT_KEY: &str = "2";

/// Somebody with a telephone, and what the last session left.
struct Caller<'a> {
    world: &'a World,
    person: &'a Person,
    /// The number of the last session, and its code.
    last: Option<(String, String)>,
    /// Which reason is tried next.
    reason: usize,
}

/// Calls one owner, by new sessions and by dialling again, until the campaign is over.
pub(crate) async fn harass(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let mut caller = Caller { world, person, last: None, reason: 0 };
    let (mut address, mut rung) = (person.home.address(dice), 0);
    for _ in 0..person.campaign {
        if person.kind == Kind::MovingHarasser {
            address = person.home.address(dice);
        }
        let browser = Browser { door: &world.door, address };
        let again = caller.last.clone().filter(|_| dice.per_mille(REDIALS));
        let owner = HARASSED[dice.weighted(&HARASSED.map(|(_, share)| share))].0;
        let talks = dice.between(&(2..=20));
        let called = match again {
            Some((number, code)) => Ok(caller.dial(number, person.withheld.then_some(code), owner, talks).await),
            None => caller.call(browser, world.code(person.tag), (owner, talks), dice).await,
        };
        rung += usize::from(note(&mut diary, &called));
        world.clock.stay(1_000).await;
        if let Ok(call) = &called
            && call.rang
            && rung >= REPORTED_FROM
            && dice.per_mille(REPORTED)
        {
            caller.report(call).await;
        }
        world.clock.stay(dice.between(&(person.pause_ms.0..=person.pause_ms.1))).await;
    }
    diary
}

/// Calls another owner each time, and hangs up within three seconds of being put through.
pub(crate) async fn prank(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let mut caller = Caller { world, person, last: None, reason: 0 };
    let browser = Browser { door: &world.door, address: person.home.address(dice) };
    for nth in 0..person.campaign {
        let owner = PRANKED[dice.weighted(&PRANKED.map(|(_, share)| share))].0;
        let code = world.code(person.tag.wrapping_add(nth * 7));
        let talks = dice.below(4);
        let called = caller.call(browser, code, (owner, talks), dice).await;
        note(&mut diary, &called);
        world.clock.stay(dice.between(&(person.pause_ms.0..=person.pause_ms.1))).await;
    }
    diary
}

/// Adds an action; returns whether it rang.
fn note(diary: &mut Diary, called: &Result<Call, Said>) -> bool {
    match called {
        Ok(call) => diary.note(call.said, call.rang, call.rang),
        Err(said) => diary.note(*said, false, false),
    }
    called.as_ref().is_ok_and(|call| call.rang)
}

impl Caller<'_> {
    /// Scan, session and call. The error is what the page said.
    async fn call(
        &mut self,
        browser: Browser<'_>,
        code: &str,
        (owner, talks): (OwnerScript, u64),
        dice: &mut Dice,
    ) -> Result<Call, Said> {
        let page = browser.look(code, Look::Open).await;
        let reason = REASONS[self.reason % REASONS.len()];
        if !page.offers(reason) {
            self.reason += 1;
            return Err(page.said);
        }
        self.world.clock.stay(dice.between(&(1_000..=5_000))).await;
        let ticket = match browser.open(code, reason, dice).await {
            Ok(ticket) => ticket,
            Err(TurnedAway { said, .. }) => {
                self.reason += 1;
                return Err(said);
            }
        };
        self.last = Some((ticket.number.clone(), ticket.access_code.clone()));
        let mut call = self.dial(ticket.number, Some(ticket.access_code), owner, talks).await;
        if call.said == Said::Allowed {
            call.said = ticket.said;
        }
        Ok(call)
    }

    async fn dial(&self, number: String, code: Option<String>, owner: OwnerScript, talk_seconds: u64) -> Call {
        let dial = Dial {
            from: self.person.telephone(),
            number,
            post_dial: code,
            repeats_spoken_digits: true,
            talk_seconds,
            withheld: self.person.withheld,
            owner: Some(owner),
            ..Dial::default()
        };
        telephone::call(&self.world.network, dial).await
    }

    /// The owner calls our number back and says that the last call was abuse.
    async fn report(&self, call: &Call) {
        let (Some(owner), Some((number, _))) = (&call.owner, &self.last) else { return };
        let dial = Dial {
            from: format!("+{}", owner.trim_start_matches('+')),
            number: number.clone(),
            at_prompts: vec![REPORT_KEY.to_owned()],
            ..Dial::default()
        };
        telephone::call(&self.world.network, dial).await;
    }
}
