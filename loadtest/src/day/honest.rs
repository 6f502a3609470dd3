//! Somebody at a car: looks, thinks, taps, dials, talks; or is turned away.

use qnect_simulator::{Dial, OwnerScript};

use crate::day::browser::{Browser, Look, Page, Ticket, TurnedAway};
use crate::day::diary::{Diary, Said, Visit};
use crate::day::people::{Kind, Person};
use crate::day::telephone::{self, Call};
use crate::day::world::World;
use crate::draw::Dice;

/// How long somebody thinks before a tap, and before dialling, in milliseconds.
const THINKS_MS: (u64, u64) = (5_000, 40_000);
const DIALS_AFTER_MS: (u64, u64) = (10_000, 60_000);
/// Of a thousand: reload the page, open a session, dial then, dial again when nobody answered.
const RELOADS: u64 = 150;
const OPENS: u64 = 800;
const DIALS: u64 = 900;
const REDIALS: u64 = 350;
/// How long the two talk, in seconds.
const TALKS_SECONDS: (u64, u64) = (10, 120);
/// What somebody does who is told that there is no room: tries once more after so many milliseconds.
const COMES_BACK_MS: (u64, u64) = (5_000, 20_000);
/// How owners take an honest call, and of how many in a thousand each.
const OWNERS: [(OwnerScript, u64); 8] = [
    (OwnerScript::Answers, 630),
    (OwnerScript::Silent, 190),
    (OwnerScript::Busy, 60),
    (OwnerScript::Voicemail, 40),
    (OwnerScript::Coming, 40),
    (OwnerScript::Declines, 20),
    (OwnerScript::Cannot, 10),
    (OwnerScript::HangsUp, 10),
];
const CALM: [&str; 5] = ["blocking", "lights_on", "window_open", "damage", "other"];
const URGENT: [&str; 3] = ["towing", "child_or_pet", "emergency"];

/// One visit to one car.
pub(crate) async fn play(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let browser = Browser { door: &world.door, address: person.home.address(dice) };
    diary.visit = Some(visit(world, person, dice, browser, &mut diary).await);
    diary
}

async fn visit(world: &World, person: &Person, dice: &mut Dice, browser: Browser<'_>, diary: &mut Diary) -> Visit {
    let code = world.code(person.tag);
    if person.kind == Kind::Prefetcher {
        for look in [Look::Head, Look::Prefetch] {
            let page = browser.look(code, look).await;
            diary.note(page.said, false, false);
        }
        world.clock.stay(dice.between(&(500..=3_000))).await;
    }
    let reason = if person.urgent { dice.one_of(&URGENT) } else { dice.one_of(&CALM) };
    let in_flood = person.kind == Kind::UrgentInFlood;
    let mut page = look(world, browser, code, dice, diary).await;
    world.clock.stay(dice.between(&(THINKS_MS.0..=THINKS_MS.1))).await;
    if dice.per_mille(RELOADS) {
        page = look(world, browser, code, dice, diary).await;
    }
    if !page.offers(reason) {
        return not_now(page.said, page.why, person.urgent);
    }
    if !in_flood && (!dice.per_mille(OPENS) || world.is_served(person.crowd)) {
        return Visit::Left;
    }
    let ticket = match open(world, browser, code, reason, dice, diary).await {
        Ok(ticket) => ticket,
        Err(away) => return not_now(away.said, away.why, person.urgent),
    };
    if !in_flood && !dice.per_mille(DIALS) {
        return Visit::Left;
    }
    world.clock.stay(dice.between(&(DIALS_AFTER_MS.0..=DIALS_AFTER_MS.1))).await;
    let mut call = dial(world, person, &ticket, Some(ticket.access_code.clone()), dice, diary).await;
    // "Please call again with the same code."
    if call.said == Said::Shed {
        world.clock.stay(dice.between(&(COMES_BACK_MS.0..=COMES_BACK_MS.1))).await;
        call = dial(world, person, &ticket, Some(ticket.access_code.clone()), dice, diary).await;
    }
    if person.urgent {
        let tap_ms = u64::try_from(ticket.took.as_millis()).unwrap_or(u64::MAX);
        diary.tap_to_ring_ms = call.rang_ms.map(|rang_ms| rang_ms + tap_ms);
    }
    if !call.rang && !call.engaged {
        return Visit::TurnedAway(call.why);
    }
    if !call.bridged && dice.per_mille(REDIALS) {
        world.clock.stay(dice.between(&(20_000..=60_000))).await;
        dial(world, person, &ticket, None, dice, diary).await;
    }
    Visit::Reached
}

/// Opens the page; comes back once when there is no room.
async fn look(world: &World, browser: Browser<'_>, code: &str, dice: &mut Dice, diary: &mut Diary) -> Page {
    let mut page = browser.look(code, Look::Open).await;
    diary.note(page.said, page.said.lets_on(), false);
    if page.said == Said::Shed {
        world.clock.stay(dice.between(&(COMES_BACK_MS.0..=COMES_BACK_MS.1))).await;
        page = browser.look(code, Look::Open).await;
        diary.note(page.said, page.said.lets_on(), false);
    }
    page
}

/// Asks for a session; once more when there is no room.
async fn open(
    world: &World,
    browser: Browser<'_>,
    code: &str,
    reason: &str,
    dice: &mut Dice,
    diary: &mut Diary,
) -> Result<Ticket, TurnedAway> {
    let mut opened = browser.open(code, reason, dice).await;
    note(diary, &opened);
    if opened.as_ref().is_err_and(|away| away.said == Said::Shed) {
        world.clock.stay(dice.between(&(COMES_BACK_MS.0..=COMES_BACK_MS.1))).await;
        opened = browser.open(code, reason, dice).await;
        note(diary, &opened);
    }
    opened
}

fn note(diary: &mut Diary, opened: &Result<Ticket, TurnedAway>) {
    let said = opened.as_ref().map_or_else(|away| away.said, |ticket| ticket.said);
    diary.note(said, said.lets_on(), false);
}

/// Dials with the code, or without one: the number knows who calls again.
async fn dial(
    world: &World,
    person: &Person,
    ticket: &Ticket,
    access_code: Option<String>,
    dice: &mut Dice,
    diary: &mut Diary,
) -> Call {
    // Behind a flood only the way to the telephone is of interest.
    let owner = match person.kind {
        Kind::UrgentInFlood => OwnerScript::Answers,
        _ => OWNERS[dice.weighted(&OWNERS.map(|(_, share)| share))].0,
    };
    let dialled = Dial {
        from: person.telephone(),
        number: ticket.number.clone(),
        // Nobody knows a caller without a number again.
        post_dial: if person.withheld { Some(ticket.access_code.clone()) } else { access_code },
        repeats_spoken_digits: true,
        talk_seconds: dice.between(&(TALKS_SECONDS.0..=TALKS_SECONDS.1)),
        withheld: person.withheld,
        owner: Some(owner),
        ..Dial::default()
    };
    let call = telephone::call(&world.network, dialled).await;
    diary.note(call.said, call.rang || call.engaged, call.rang);
    if call.bridged {
        world.serve(person.crowd);
    }
    call
}

/// Turned away, unless the owner is.
fn not_now(said: Said, why: &'static str, urgent: bool) -> Visit {
    match said {
        Said::Away => Visit::OwnerAway,
        // Let on, but not for this reason: an owner chooses the calm ones; the urgent ones have a budget.
        Said::Allowed | Said::Challenged if urgent => Visit::TurnedAway("urgent_budget"),
        Said::Allowed | Said::Challenged => Visit::OwnerAway,
        Said::Limited | Said::Refused | Said::Unknown | Said::Shed | Said::Nothing => Visit::TurnedAway(why),
    }
}
