//! What happened to one person: what each try was answered, and what came of it.

use serde::Serialize;

use crate::day::people::Kind;

/// What the engine answered, page and line alike. In the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// Yes.
    Allowed,
    /// Yes, and the line will ask for two digits that it speaks.
    Challenged,
    /// Not now: a limit.
    Limited,
    /// No: a score.
    Refused,
    /// The owner takes no calls, or there is none: nothing against the person.
    Away,
    /// Nothing is here; on the line, a code that leads nowhere.
    Unknown,
    /// The engine has no room, or all lines are busy.
    Shed,
    /// No answer that is one: a connection that broke, or none of the interface's.
    Nothing,
}

impl Said {
    pub(crate) const ALL: [Said; 8] = [
        Said::Allowed,
        Said::Challenged,
        Said::Limited,
        Said::Refused,
        Said::Away,
        Said::Unknown,
        Said::Shed,
        Said::Nothing,
    ];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Said::Allowed => "allowed",
            Said::Challenged => "challenged",
            Said::Limited => "limited",
            Said::Refused => "refused",
            Said::Away => "away",
            Said::Unknown => "404",
            Said::Shed => "503",
            Said::Nothing => "nothing",
        }
    }

    /// Whether it lets somebody go on.
    pub(crate) fn lets_on(self) -> bool {
        matches!(self, Said::Allowed | Said::Challenged)
    }
}

/// One try of an attacker with all its requests, or one request or call of an honest person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    /// The answer that ended it, or the last one.
    pub(crate) said: Said,
    /// Whether it brought what its kind wants.
    pub(crate) got: bool,
    /// An owner's telephone rang.
    pub(crate) rang: bool,
}

/// How an honest visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// Did not want to call after all, or did not have to any more.
    Left,
    /// The owner takes no calls now.
    OwnerAway,
    /// The telephone rang, or the line told the truth about an owner who is engaged.
    Reached,
    /// Turned away, by what.
    TurnedAway(&'static str),
}

/// Everything about one person.
#[derive(Clone, Debug)]
pub(crate) struct Diary {
    pub(crate) kind: Kind,
    pub(crate) actions: Vec<Action>,
    /// Of honest people.
    pub(crate) visit: Option<Visit>,
    /// Was challenged at least once.
    pub(crate) challenged: bool,
    /// Of an urgent call: from the tap on the reason to the first ring, in milliseconds of the day, as if the call button
    /// had been tapped at once.
    pub(crate) tap_to_ring_ms: Option<u64>,
}

impl Diary {
    pub(crate) fn of(kind: Kind) -> Diary {
        Diary { kind, actions: Vec::new(), visit: None, challenged: false, tap_to_ring_ms: None }
    }

    pub(crate) fn note(&mut self, said: Said, got: bool, rang: bool) {
        self.challenged |= said == Said::Challenged;
        self.actions.push(Action { said, got, rang });
    }

    /// After how many actions an attacker was stopped: the action from which on none brought what its kind wants, to the end
    /// of its campaign. 1: none ever did. `None`: the last one still did.
    ///
    /// `counts` says whether an action that brought something counts as such.
    pub(crate) fn stopped_at(&self, counts: impl Fn(&Action) -> bool) -> Option<usize> {
        let last = self.actions.iter().rposition(|action| action.got && counts(action));
        match last {
            None => Some(1),
            Some(last) if last + 1 == self.actions.len() => None,
            Some(last) => Some(last + 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Diary, Kind, Said};

    fn diary(actions: &[(Said, bool)]) -> Diary {
        let mut diary = Diary::of(Kind::FastHarvester);
        actions.iter().for_each(|(said, got)| diary.note(*said, *got, false));
        diary
    }

    #[test]
    fn who_gets_nothing_any_more_is_stopped() {
        use Said::{Allowed, Challenged, Refused};
        let stopped = |actions: &[(Said, bool)]| {
            let diary = diary(actions);
            (diary.stopped_at(|_| true), diary.stopped_at(|action| action.said != Challenged))
        };
        assert_eq!(stopped(&[(Refused, false), (Refused, false)]), (Some(1), Some(1)));
        assert_eq!(stopped(&[(Allowed, true), (Refused, false)]), (Some(2), Some(2)));
        assert_eq!(stopped(&[(Allowed, true), (Refused, false), (Allowed, true)]), (None, None));
        assert_eq!(
            stopped(&[(Allowed, true), (Refused, false), (Allowed, true), (Refused, false)]),
            (Some(4), Some(4)),
            "a try in vain in the middle stops nobody"
        );
        assert_eq!(stopped(&[(Allowed, true), (Challenged, true), (Challenged, true)]), (None, Some(2)));
        assert_eq!(stopped(&[]), (Some(1), Some(1)));
    }

    #[test]
    fn answers_are_listed_once_in_order() {
        assert!(Said::ALL.is_sorted() && Said::ALL.iter().zip(0..).all(|(said, at)| *said as usize == at));
        assert!(Kind::ALL.is_sorted() && Kind::ALL.iter().zip(0..).all(|(kind, at)| *kind as usize == at));
    }
}
