//! Collects tags: looks at one after the other, asks for numbers too, and calls nobody.

use crate::day::browser::{Browser, Look};
use crate::day::diary::Diary;
use crate::day::people::{Kind, Person};
use crate::day::world::World;
use crate::draw::Dice;

/// A look at another tag in each action, and for half of them a session with it. What it wants is the page that lets it go
/// on, or the session.
pub(crate) async fn play(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    let mut diary = Diary::of(person.kind);
    let mut address = person.home.address(dice);
    for nth in 0..person.campaign {
        if person.kind == Kind::NetworkHarvester {
            address = person.home.address(dice);
        }
        let browser = Browser { door: &world.door, address };
        let code = world.code(person.tag.wrapping_add(nth));
        let page = browser.look(code, Look::Open).await;
        let mut said = page.said;
        if person.opens_sessions && page.said.lets_on() {
            let opened = browser.open(code, "blocking", dice).await;
            said = opened.map_or_else(|away| away.said, |ticket| ticket.said);
        }
        diary.note(said, page.said.lets_on() || said.lets_on(), false);
        world.clock.stay(dice.between(&(person.pause_ms.0..=person.pause_ms.1))).await;
    }
    diary
}
