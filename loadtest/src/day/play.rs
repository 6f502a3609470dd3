//! Plays a population: everybody comes at their time and does what their kind does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::day::diary::Diary;
use crate::day::people::{Kind, Person};
use crate::day::table::Table;
use crate::day::world::World;
use crate::day::{caller, enumerator, flooder, guesser, harvester, honest};
use crate::draw::Dice;

/// People of a run at most: each is a task.
pub(crate) const PEOPLE_MAX: usize = 200_000;
/// Diaries that wait to be read.
const DIARIES_MAX: usize = 1_024;
/// How often the run says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// Plays everybody to the end.
pub(crate) async fn everybody(world: &Arc<World>, people: Vec<Person>) -> Table {
    let (written, mut diaries) = mpsc::channel(DIARIES_MAX);
    let mut table = Table::of(&people);
    for person in people.into_iter().take(PEOPLE_MAX) {
        let (world, written) = (world.clone(), written.clone());
        tokio::spawn(async move {
            let mut dice = Dice::new(world.seed, u64::from(person.id));
            world.clock.reach(person.starts).await;
            // Whoever does not come to an end is missing from the table, and the run has failed.
            let _ = written.send(play(&world, &person, &mut dice).await).await;
        });
    }
    drop(written); // so that the channel ends with the last person
    let mut progress = tokio::time::interval(PROGRESS_EVERY);
    progress.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            diary = diaries.recv() => match diary {
                Some(diary) => table.add(&diary),
                None => return table,
            },
            _ = progress.tick() => eprintln!("{}", table.progress(world.clock.now())),
        }
    }
}

async fn play(world: &World, person: &Person, dice: &mut Dice) -> Diary {
    match person.kind {
        Kind::Honest | Kind::Prefetcher | Kind::UrgentInFlood => honest::play(world, person, dice).await,
        Kind::Preview => enumerator::preview(world, person, dice).await,
        Kind::Enumerator => enumerator::enumerate(world, person, dice).await,
        Kind::FastHarvester | Kind::SlowHarvester | Kind::NetworkHarvester => {
            harvester::play(world, person, dice).await
        }
        Kind::Harasser | Kind::MovingHarasser | Kind::WithheldHarasser => caller::harass(world, person, dice).await,
        Kind::Prankster => caller::prank(world, person, dice).await,
        Kind::Guesser | Kind::WithheldGuesser => guesser::play(world, person, dice).await,
        Kind::Flooder6 | Kind::Flooder60 | Kind::Flooder600 => flooder::play(world, person, dice).await,
    }
}
