//! A labelled day: people and attackers, drawn from a seed, come by at an engine whose clock runs fast, over HTTP and
//! through simulated telephones; and a table says what the engine made of them.
//!
//! Who comes is drawn before it begins (`population`, of `people`), and played each by each (`play`): honest people
//! (`honest`), machines that look (`enumerator`), those who collect tags (`harvester`), who call to annoy (`caller`),
//! who guess codes (`guesser`), who open sessions (`flooder`). Each has a browser (`browser`) and a telephone
//! (`telephone`), reacts to what these say, and leaves a diary (`diary`) for the table (`table`, with a `line` a kind).
//! All live by one clock (`clock`).
//!
//! An attacker's action is one attempt: a harvester's look at a tag with the session that may follow, a guessed code, a
//! call with its scan and session. It is stopped at the action from which on nothing, to the end of its campaign,
//! brings what its kind wants: the page that lets on (harvesters), a tag (enumerators), a session (flooders), an owner's
//! telephone that rings (everybody who calls). A page or session with a challenge still is what a harvester or a
//! flooder wants; the share that counts it as stopping stands beside. Whoever has ten tries or fewer is not judged.
//!
//! An honest person is refused whose visit ends with a limit, a score, a lack of room or an answer that is none, on the
//! page or on the line, though the owner takes calls; challenged, who meets a challenge at all; and succeeds when the
//! owner's telephone rings, or the line says truly that the owner is on another call.

mod browser;
mod caller;
mod clock;
mod diary;
mod enumerator;
mod figures;
mod flooder;
mod guesser;
mod harvester;
mod honest;
mod line;
mod people;
mod play;
mod population;
mod report;
mod table;
mod telephone;
mod usage;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

pub(crate) use enumerator::forged;
pub(crate) use usage::{DayOptions, SharedAddressOptions};

use crate::day::report::{Report, Thresholds};
use crate::day::usage::Plan;

/// Plays a plan and prints its table; fails if a threshold is passed, somebody got lost, or the machine was too slow.
pub(crate) async fn run(plan: Plan, thresholds: Thresholds, json: bool) -> ExitCode {
    let (setting, people) = (plan.setting(), plan.people());
    let world = Arc::new(plan.world());
    let table = play::everybody(&world, people).await;
    let report = Report::new(setting, table, world.clock.waits(), thresholds);
    if json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
    if report.all_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
