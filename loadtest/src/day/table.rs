//! The confusion table: who came, by kind, and what the engine made of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::day::diary::{Diary, Said, Visit};
use crate::day::figures::{STOPPED_WITHIN, in_time, percent, quantile, stopped_at};
use crate::day::line::{AttackLine, HonestLine, Line, Spread};
use crate::day::people::{Kind, Person};

/// Everything that was seen, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<Kind, Row>,
    /// People who are expected, and those who came to an end.
    expected: u64,
    ended: u64,
}

#[derive(Clone, Debug, Default)]
struct Row {
    people: u64,
    actions: u64,
    said: [u64; Said::ALL.len()],
    rang: u64,
    challenged: u64,
    visits: Visits,
    /// Of attackers with more tries than [`STOPPED_WITHIN`]: after how many they were stopped; `None`: never. Once where a
    /// challenge stops nobody, and once where it does.
    stopped: Vec<Option<usize>>,
    stopped_or_challenged: Vec<Option<usize>>,
    /// Calls of each of them that rang.
    rang_each: Vec<u64>,
    tap_to_ring_ms: Vec<u64>,
}

/// How honest visits ended.
#[derive(Clone, Debug, Default)]
struct Visits {
    left: u64,
    owner_away: u64,
    reached: u64,
    turned_away: BTreeMap<&'static str, u64>,
}

/// The figures that a run is judged by, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    /// Of honest people: turned away by a limit, a score, a lack of room or an answer that was none, though the owner would
    /// have been there.
    pub(crate) honest_refused: f64,
    /// Of honest people: challenged at least once.
    pub(crate) honest_challenged: f64,
    /// Of the honest people who wanted to call and whose owner was there: the telephone rang, or the line told the truth
    /// about an owner who was engaged.
    pub(crate) honest_success: f64,
    /// Of the honest people with an urgent reason at a tag that is flooded with sessions: the telephone rang.
    pub(crate) urgent_in_flood: f64,
    /// Of attackers with more than ten tries: got nothing any more of what they want, from the tenth action or before.
    pub(crate) attackers_stopped: f64,
}

impl Table {
    /// An empty table for these people.
    pub(crate) fn of(people: &[Person]) -> Table {
        Table { expected: people.len() as u64, ..Table::default() }
    }

    pub(crate) fn add(&mut self, diary: &Diary) {
        self.ended += 1;
        self.rows.entry(diary.kind).or_default().add(diary);
    }

    /// Whether everybody came to an end.
    pub(crate) fn is_whole(&self) -> bool {
        self.ended == self.expected
    }

    /// A line about a day that goes on.
    pub(crate) fn progress(&self, now: Duration) -> String {
        let verdict = self.verdict();
        let minutes = now.as_secs() / 60;
        format!(
            "{:02}:{:02}  {} of {} people, {:.2} % of the honest refused, {:.2} % challenged, {:.1} % of attackers stopped",
            minutes / 60,
            minutes % 60,
            self.ended,
            self.expected,
            verdict.honest_refused,
            verdict.honest_challenged,
            verdict.attackers_stopped,
        )
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let honest = || self.rows.iter().filter(|(kind, _)| kind.is_honest()).map(|(_, row)| row);
        let people = honest().map(|row| row.people).sum();
        let turned_away: u64 = honest().map(|row| row.visits.turned_away()).sum();
        let reached: u64 = honest().map(|row| row.visits.reached).sum();
        let stopped: Vec<Option<usize>> = self.rows.values().flat_map(|row| row.stopped.iter().copied()).collect();
        Verdict {
            honest_refused: percent(turned_away, people),
            honest_challenged: percent(honest().map(|row| row.challenged).sum(), people),
            honest_success: percent(reached, reached + turned_away),
            urgent_in_flood: self
                .rows
                .get(&Kind::UrgentInFlood)
                .map_or(100.0, |row| percent(row.visits.reached, row.people)),
            attackers_stopped: in_time(&stopped),
        }
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.rows.iter().map(|(kind, row)| row.line(*kind)).collect()
    }
}

impl Row {
    fn add(&mut self, diary: &Diary) {
        self.people += 1;
        self.actions += diary.actions.len() as u64;
        for action in &diary.actions {
            self.said[action.said as usize] += 1;
        }
        let rang = diary.actions.iter().filter(|action| action.rang).count() as u64;
        self.rang += rang;
        self.challenged += u64::from(diary.challenged);
        self.tap_to_ring_ms.extend(diary.tap_to_ring_ms);
        match diary.visit {
            None => {}
            Some(Visit::Left) => self.visits.left += 1,
            Some(Visit::OwnerAway) => self.visits.owner_away += 1,
            Some(Visit::Reached) => self.visits.reached += 1,
            Some(Visit::TurnedAway(why)) => *self.visits.turned_away.entry(why).or_default() += 1,
        }
        if diary.kind.is_attacker() && diary.actions.len() > STOPPED_WITHIN {
            self.stopped.push(diary.stopped_at(|_| true));
            self.stopped_or_challenged.push(diary.stopped_at(|action| action.said != Said::Challenged));
            self.rang_each.push(rang);
        }
    }

    fn line(&self, kind: Kind) -> Line {
        let Visits { left, owner_away, reached, turned_away } = &self.visits;
        Line {
            kind: kind.id(),
            people: self.people,
            actions: self.actions,
            said: Said::ALL.into_iter().map(|said| (said.id(), self.said[said as usize])).collect(),
            rang: self.rang,
            honest: kind.is_honest().then(|| HonestLine {
                left: *left,
                owner_away: *owner_away,
                reached: *reached,
                turned_away: self.visits.turned_away(),
                turned_away_by: turned_away.clone(),
                challenged: self.challenged,
            }),
            attack: (!self.stopped.is_empty()).then(|| AttackLine {
                attackers: self.stopped.len() as u64,
                stopped_percent: in_time(&self.stopped),
                stopped_or_challenged_percent: in_time(&self.stopped_or_challenged),
                stopped_at_median: stopped_at(&self.stopped, 50),
                stopped_at_p95: stopped_at(&self.stopped, 95),
                rang_median: quantile(&self.rang_each, 50).unwrap_or(0),
                rang_max: quantile(&self.rang_each, 100).unwrap_or(0),
            }),
            tap_to_ring_ms: Spread::of(&self.tap_to_ring_ms),
        }
    }
}

impl Visits {
    fn turned_away(&self) -> u64 {
        self.turned_away.values().sum()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<18}{:>7}{:>8}", "kind", "people", "actions")?;
        Said::ALL.iter().try_for_each(|said| write!(f, "{:>11}", said.id()))?;
        writeln!(f, "{:>8}", "rang")?;
        let lines = self.lines();
        for line in &lines {
            write!(f, "{:<18}{:>7}{:>8}", line.kind, line.people, line.actions)?;
            Said::ALL.iter().try_for_each(|said| write!(f, "{:>11}", line.said[said.id()]))?;
            writeln!(f, "{:>8}", line.rang)?;
        }
        writeln!(f)?;
        for line in &lines {
            if let Some(honest) = &line.honest {
                writeln!(f, "{:<18}{honest}", line.kind)?;
            }
        }
        writeln!(f)?;
        for line in &lines {
            if let Some(attack) = &line.attack {
                writeln!(f, "{:<18}{attack}", line.kind)?;
            }
        }
        writeln!(f)?;
        for line in &lines {
            if let Some(spread) = &line.tap_to_ring_ms {
                writeln!(f, "{:<18}{spread}", line.kind)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Diary, Kind, Said, Table, Visit};

    fn honest(visit: Visit, challenged: bool) -> Diary {
        let mut diary = Diary::of(Kind::Honest);
        diary.note(if challenged { Said::Challenged } else { Said::Allowed }, true, false);
        diary.visit = Some(visit);
        diary
    }

    /// Somebody who got something in so many of twenty tries, and was challenged in the last of them.
    fn harvester(got: usize) -> Diary {
        let mut diary = Diary::of(Kind::SlowHarvester);
        for nth in 1..=20 {
            let said = if nth > got {
                Said::Refused
            } else if nth == got {
                Said::Challenged
            } else {
                Said::Allowed
            };
            diary.note(said, nth <= got, false);
        }
        diary
    }

    #[test]
    fn honest_people_are_counted_by_what_became_of_them() {
        let mut table = Table::default();
        for _ in 0..6 {
            table.add(&honest(Visit::Reached, false));
        }
        table.add(&honest(Visit::Reached, true));
        table.add(&honest(Visit::TurnedAway("score"), false));
        table.add(&honest(Visit::Left, false));
        table.add(&honest(Visit::OwnerAway, false));
        assert!((table.verdict().urgent_in_flood - 100.0).abs() < 1e-9, "there is no flood");
        let verdict = table.verdict();
        assert!((verdict.honest_refused - 10.0).abs() < 1e-9, "{verdict:?}");
        assert!((verdict.honest_challenged - 10.0).abs() < 1e-9, "{verdict:?}");
        assert!((verdict.honest_success - 87.5).abs() < 1e-9, "{verdict:?}");
        let line = table.lines().remove(0);
        assert_eq!((line.people, line.actions, line.said["allowed"]), (10, 10, 9));
        assert_eq!(line.honest.expect("honest").turned_away_by["score"], 1);
        assert!(line.attack.is_none());
    }

    #[test]
    fn attackers_are_counted_by_when_they_were_stopped() {
        let mut table = Table::default();
        for got in [0, 1, 9, 10] {
            table.add(&harvester(got));
        }
        let attack = table.lines().remove(0).attack.expect("attackers");
        assert_eq!(attack.attackers, 4);
        // Stopped at 1, 2, 10 and 11.
        assert!((attack.stopped_percent - 75.0).abs() < 1e-9, "{attack:?}");
        assert!((attack.stopped_or_challenged_percent - 100.0).abs() < 1e-9, "{attack:?}");
        assert_eq!((attack.stopped_at_median, attack.stopped_at_p95), (Some(2), Some(11)));
        table.add(&harvester(20));
        let attack = table.lines().remove(0).attack.expect("attackers");
        assert_eq!(attack.stopped_at_p95, None);
        assert!((table.verdict().attackers_stopped - 60.0).abs() < 1e-9);
    }

    #[test]
    fn who_had_few_tries_is_not_judged() {
        let mut table = Table::default();
        let mut diary = Diary::of(Kind::Flooder6);
        for _ in 0..6 {
            diary.note(Said::Allowed, true, false);
        }
        table.add(&diary);
        assert!(table.lines()[0].attack.is_none());
        assert!((table.verdict().attackers_stopped - 100.0).abs() < 1e-9);
    }
}
