//! What a day was, and whether it was good enough.

use std::fmt;

use serde::Serialize;

use crate::day::clock::kept_time;
use crate::day::line::Line;
use crate::day::table::{Table, Verdict};

/// How a day was played.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) scenario: &'static str,
    pub(crate) seed: u64,
    pub(crate) rate: u32,
    pub(crate) tags: usize,
}

/// Percent that a run may not pass; `None` is not asked.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Thresholds {
    pub(crate) honest_refused_at_most: Option<f64>,
    pub(crate) honest_challenged_at_most: Option<f64>,
    pub(crate) honest_success_at_least: Option<f64>,
    pub(crate) urgent_in_flood_at_least: Option<f64>,
    pub(crate) attackers_stopped_at_least: Option<f64>,
}

/// A whole run.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    setting: Setting,
    table: Table,
    waits: (u64, u64),
    thresholds: Thresholds,
}

#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    setting: Setting,
    #[serde(flatten)]
    verdict: Verdict,
    thresholds: Thresholds,
    failed: Vec<String>,
    valid: bool,
    waits: u64,
    waits_late: u64,
    kinds: Vec<Line>,
}

impl Report {
    pub(crate) fn new(setting: Setting, table: Table, waits: (u64, u64), thresholds: Thresholds) -> Report {
        Report { setting, table, waits, thresholds }
    }

    /// Whether the run is valid and no threshold is passed.
    pub(crate) fn all_good(&self) -> bool {
        self.is_valid() && self.failed().is_empty()
    }

    /// One line.
    pub(crate) fn json(&self) -> String {
        let written = Written {
            setting: self.setting,
            verdict: self.table.verdict(),
            thresholds: self.thresholds,
            failed: self.failed(),
            valid: self.is_valid(),
            waits: self.waits.0,
            waits_late: self.waits.1,
            kinds: self.table.lines(),
        };
        serde_json::to_string(&written).unwrap_or_else(|cause| format!("{{\"error\":\"{cause}\"}}"))
    }

    /// Everybody came to an end, and the machine kept up with the clock.
    fn is_valid(&self) -> bool {
        self.table.is_whole() && kept_time(self.waits)
    }

    /// The thresholds that were passed, in words.
    fn failed(&self) -> Vec<String> {
        let verdict = self.table.verdict();
        let Thresholds {
            honest_refused_at_most,
            honest_challenged_at_most,
            honest_success_at_least,
            urgent_in_flood_at_least,
            attackers_stopped_at_least,
        } = self.thresholds;
        let mut failed = Vec::new();
        for (what, is, most) in [
            ("honest people refused", verdict.honest_refused, honest_refused_at_most),
            ("honest people challenged", verdict.honest_challenged, honest_challenged_at_most),
        ] {
            if let Some(most) = most.filter(|most| is > *most) {
                failed.push(format!("{what}: {is:.2} %, more than {most} %"));
            }
        }
        for (what, is, least) in [
            ("honest people who reached the owner", verdict.honest_success, honest_success_at_least),
            ("urgent calls through a flood of sessions", verdict.urgent_in_flood, urgent_in_flood_at_least),
            ("attackers stopped within 10 actions", verdict.attackers_stopped, attackers_stopped_at_least),
        ] {
            if let Some(least) = least.filter(|least| is < *least) {
                failed.push(format!("{what}: {is:.2} %, less than {least} %"));
            }
        }
        failed
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { scenario, seed, rate, tags } = self.setting;
        let (waits, late) = self.waits;
        let verdict = self.table.verdict();
        let Verdict { honest_refused, honest_challenged, honest_success, urgent_in_flood, attackers_stopped } = verdict;
        writeln!(f, "{scenario}: seed {seed}, {tags} tags, {rate} times as fast as life\n")?;
        writeln!(f, "{}", self.table)?;
        writeln!(f, "honest refused     {honest_refused:.2} %")?;
        writeln!(f, "honest challenged  {honest_challenged:.2} %")?;
        writeln!(f, "honest success     {honest_success:.2} % of those who called an owner who was there")?;
        writeln!(f, "urgent in a flood  {urgent_in_flood:.2} % rang")?;
        writeln!(f, "attackers stopped  {attackers_stopped:.2} % within 10 actions")?;
        writeln!(f, "kept time          {late} of {waits} waits ended more than 10 s of the day late")?;
        if !self.table.is_whole() {
            writeln!(f, "INVALID: not everybody came to an end")?;
        }
        if !kept_time(self.waits) {
            writeln!(f, "INVALID: the machine is too slow for this rate; take a lower one")?;
        }
        self.failed().iter().try_for_each(|failed| writeln!(f, "FAILED {failed}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Setting, Table, Thresholds};
    use crate::day::diary::{Diary, Said, Visit};
    use crate::day::people::Kind;

    fn report(waits: (u64, u64), honest_refused_at_most: f64) -> Report {
        let mut table = Table::of(&[]);
        let setting = Setting { scenario: "day", seed: 1, rate: 120, tags: 10 };
        let mut diary = Diary::of(Kind::Honest);
        diary.note(Said::Refused, false, false);
        diary.visit = Some(Visit::TurnedAway("score"));
        let whole = table.clone();
        table.add(&diary);
        let table = if honest_refused_at_most < 0.0 { table } else { whole };
        let honest_refused_at_most = Some(honest_refused_at_most);
        Report::new(setting, table, waits, Thresholds { honest_refused_at_most, ..Thresholds::default() })
    }

    #[test]
    fn a_run_is_good_if_it_is_valid_and_passes_nothing() {
        assert!(report((100, 1), 0.1).all_good());
        assert!(!report((100, 2), 0.1).all_good(), "too late");
        assert!(!report((100, 0), -1.0).all_good(), "somebody whom nobody expected");
        let passed = report((0, 0), -1.0);
        assert_eq!(passed.failed(), ["honest people refused: 100.00 %, more than -1 %"]);
        let json: serde_json::Value = serde_json::from_str(&passed.json()).expect("JSON");
        assert_eq!(json["kinds"][0]["honest"]["turned_away_by"]["score"], 1);
        assert_eq!((&json["valid"], &json["rate"]), (&false.into(), &120.into()));
    }
}
