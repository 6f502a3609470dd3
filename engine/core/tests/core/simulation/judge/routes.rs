//! Who is put through to whom: only the holder of a code, or of the right to dial again, to the owner of that very tag,
//! under a number of ours, one at a time, and within every budget.

use qnect_core::caller::DayToken;
use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, ChallengeDigits, Dial, Instruction};
use qnect_core::language::Languages;
use qnect_core::leg::LegId;
use qnect_core::number::IntermediaryNumber;
use qnect_core::policy::{ACCEPT, WATCHDOG};
use qnect_core::preferences::Pause;
use qnect_core::reason::Reason;
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{DialSettled, TagStatus};
use qnect_core::time::Timestamp;

use super::super::cast::{Calling, NUMBERS, Owner};
use super::super::recount::Ring;
use super::rooms::Room;
use super::{Judge, Promise};
use crate::dsl::our_number;

/// A dial that was decided.
#[derive(Debug, Clone)]
pub(in super::super) struct DialSeen {
    at: Timestamp,
    leg: LegId,
    /// The caller's name of that day.
    token: Option<DayToken>,
}

/// What a caller on the line of a session was answered.
#[derive(Debug)]
pub(in super::super) struct Answered<'a> {
    pub(in super::super) session: SessionId,
    /// The session before.
    pub(in super::super) before: &'a SessionSnapshot,
    pub(in super::super) calling: Calling,
    /// The number of ours that was dialled.
    pub(in super::super) number: IntermediaryNumber,
    pub(in super::super) leg: &'a LegId,
    pub(in super::super) instruction: &'a Instruction,
    /// Whose the tag is now, and what it is.
    pub(in super::super) owner: Option<&'a Owner>,
    pub(in super::super) status: TagStatus,
}

impl DialSeen {
    /// The dial that a session came back with.
    pub(super) fn of(s: &SessionSnapshot) -> Option<Self> {
        Some(Self { at: s.dialed_at?, leg: s.scanner_leg.clone()?, token: s.bound_to })
    }

    /// Whether that is the dial of this session.
    pub(super) fn is_of(&self, s: &SessionSnapshot) -> bool {
        s.dialed_at == Some(self.at) && s.scanner_leg.as_ref() == Some(&self.leg)
    }
}

impl Judge {
    /// A caller was answered.
    pub(in super::super) fn answered(&mut self, a: &Answered<'_>, now: Timestamp) {
        let refused = Instruction::Say { announcement: Announcement::CodeRefused, languages: Languages::Every };
        let notes = self.notes.get_mut(&a.session).expect("a session that nobody opened");
        if let Instruction::Challenge { attempt, spoken, .. } = a.instruction {
            notes.spoken.push((a.leg.clone(), *attempt, digits(*spoken)));
        }
        notes.is_used |= *a.instruction != refused;
        let is_repeated = a.before.scanner_leg.as_ref() == Some(a.leg);
        if *a.instruction != refused && !is_repeated {
            let is_stranger = notes.bound_person.is_some_and(|person| a.calling.withheld || person != a.calling.person);
            assert!(!is_stranger, "misroute: somebody else uses a session that is bound");
            if notes.last.bound_to.is_some() {
                notes.bound_person = Some(a.calling.person);
            }
        }
        match a.instruction {
            Instruction::Dial(dial) => self.dials(a, dial, is_repeated, now),
            Instruction::Hold { .. } => self.census.saw("a hold"),
            Instruction::Challenge { .. } => self.census.saw("a challenge"),
            Instruction::Say { announcement: Announcement::CodeRefused, .. } => self.census.saw("a code refused"),
            Instruction::Say { announcement: Announcement::OwnerUnavailable, .. } => {
                self.census.saw("an owner unavailable");
                if a.owner.is_some_and(|owner| is_blocked(a.calling, owner)) {
                    self.census.saw("a blocked caller turned away");
                }
            }
            Instruction::Say { announcement: Announcement::OwnerBusy, .. } => self.census.saw("an owner busy"),
            other => panic!("a caller is answered {other:?}"),
        }
    }

    /// A caller who dialled again goes on with a session of its own.
    pub(in super::super) fn follows(&mut self, from: SessionId, follow_up: SessionId) {
        let (before, after) = (&self.notes[&from], &self.notes[&follow_up]);
        let right =
            |s: &SessionSnapshot| (s.id.tag(), s.owner, s.reason, s.language, s.expires_at, s.bound_to, s.block_token);
        assert_eq!(right(&before.last), right(&after.last), "a follow-up gives another right than the session before");
        let ended = before.last.ended.map(|(outcome, _)| outcome);
        assert!(
            !matches!(ended, None | Some(Outcome::Declined | Outcome::Expired)),
            "after {ended:?} nobody dials again"
        );
        assert_eq!(before.last.reported_at, None, "a call that was reported is made again");
        let (bound_person, from) = (before.bound_person, before.from);
        assert!(bound_person.is_some(), "a session is followed that nobody was bound to");
        let notes = self.notes.get_mut(&follow_up).expect("it was opened");
        (notes.bound_person, notes.from) = (bound_person, from);
        let made_room = self.made_room.take();
        assert!(!matches!(made_room, Some(Room::OfItsOwn(_))), "a follow-up is of no address, and takes no share");
    }

    /// A leg that dials again without a code is dialled for the first time, as far as its tag can know.
    pub(in super::super) fn is_first_dial_of(&self, leg: &LegId, session: SessionId, now: Timestamp) {
        let others = self.opened.iter().filter(|id| **id != session && id.tag() == session.tag());
        // What ended a day ago is forgotten, and its leg too.
        let known = others.map(|id| &self.notes[id]).filter(|n| n.is_kept(now));
        let mut dials = known.filter_map(|notes| notes.dial.as_ref());
        assert!(!dials.any(|dial| dial.leg == *leg), "a leg is put through twice");
    }

    /// A caller keyed digits for a challenge.
    pub(in super::super) fn keyed(&mut self, session: SessionId, leg: &LegId, attempt: u8, keyed: &str) {
        let Some(notes) = self.notes.get_mut(&session) else { return };
        let is_right = |(l, a, d): &(LegId, u8, String)| (l, *a, d.as_str()) == (leg, attempt, keyed);
        if notes.spoken.iter().any(is_right) {
            notes.proven.push(leg.clone());
        }
    }

    fn dials(&mut self, a: &Answered<'_>, dial: &Dial, is_repeated: bool, now: Timestamp) {
        let policy = self.rules.policy.clone();
        if a.before.dialed_at.is_none() {
            self.bears(a, now);
        }
        let notes = &self.notes[&a.session];
        let s = &notes.last;
        assert_eq!(dial.session, a.session, "misroute: the dial is of another session");
        let owner = a.owner.filter(|owner| owner.id == s.owner).expect("misroute: the tag has another owner, or none");
        assert_eq!(dial.to, owner.phone, "misroute: somebody else is rung");
        assert_eq!(a.number, s.number, "misroute: a session is used on another number");
        let shown = dial.caller_id.number();
        assert_eq!(shown, policy.owner_caller_id.unwrap_or(s.number), "the owner sees another number");
        assert!(NUMBERS.iter().any(|number| our_number(number) == shown), "the owner sees a number that is not ours");
        assert_eq!((dial.ring, dial.talk), (policy.ring, policy.talk));
        assert_eq!(notes.settling_since, None, "a call that is over is made again");
        if a.before.dialed_at.is_some() {
            assert!(is_repeated, "a second leg is put through");
            self.census.saw("the same dial again");
            return;
        }
        assert!(now < s.expires_at, "a session is used past its life");
        assert!(matches!(a.status, TagStatus::Minted | TagStatus::Active), "a tag that is out of use is called");
        let is_paused = owner.preferences.pause == Pause::Indefinite;
        assert!(!is_paused || owner.preferences.night_reasons.contains(s.reason), "an owner who paused is rung");
        assert!(!is_blocked(a.calling, owner), "an owner is rung for a caller whom that owner blocked");
        assert!(!s.challenge || notes.proven.contains(a.leg), "an owner is rung before the challenge is met");
        // A session that came back open, because its end was lost, had ended all the same.
        let is_live = |other: &&SessionId| {
            let other = &self.notes[*other];
            let is_on = !other.is_reopened && other.line_until.is_some_and(|until| now < until);
            is_on && other.last.owner == s.owner && other.last.id != s.id
        };
        let live = self.opened.iter().find(is_live).map(|live| self.name(*live));
        assert_eq!(live, None, "an owner has two live calls");

        let token = (!a.calling.withheld).then(|| a.calling.person.token(now.utc_day()));
        self.census.saw("a dial");
        if token.is_none() {
            self.census.saw("a dial for a caller without a number");
        }
        if s.challenge {
            self.census.saw("a dial after a challenge");
        }
        if token.is_some() && token != s.bound_to {
            self.census.saw("a dial across midnight");
        }
        let notes = self.notes.get_mut(&a.session).expect("seen above");
        notes.dial = Some(DialSeen { at: now, leg: a.leg.clone(), token });
        notes.line_until = Some(now.plus(policy.ring).plus(ACCEPT).plus(policy.talk).plus(WATCHDOG));
        (notes.accepted_at, notes.settling_since, notes.asked_at) = (None, None, None);
        notes.let_go.leg = None;
    }

    /// The commit of a dial was done in time, or was not.
    pub(in super::super) fn settled(&mut self, session: SessionId, settled: DialSettled, now: Timestamp) {
        let notes = self.notes.get_mut(&session).expect("a session that nobody opened");
        self.census.saw(match settled {
            DialSettled::Rings => "a dial that rings",
            DialSettled::Withheld => "a dial that is withheld",
            DialSettled::Void => "a dial that is void",
        });
        let Some(dial) = notes.dial.clone() else {
            assert_eq!(settled, DialSettled::Void, "nobody was dialled");
            return;
        };
        let s = &notes.last;
        let is_urgent = matches!(s.reason, Reason::Towing | Reason::ChildOrPet | Reason::Emergency);
        let ring = Ring {
            at: dial.at,
            tag: s.id.tag(),
            is_urgent,
            owner: s.owner,
            caller: dial.token,
            person: notes.bound_person,
            is_of_its_day: dial.token == s.bound_to,
        };
        match settled {
            DialSettled::Rings => {
                let is_first = !std::mem::replace(&mut notes.is_rung, true);
                if is_first {
                    self.recount.rung(ring);
                }
                self.promise(session, Promise::Rings(dial.leg));
            }
            DialSettled::Withheld => {
                assert!(!notes.is_rung, "a dial that was sent is withheld");
                (notes.dial, notes.line_until) = (None, None);
                (notes.accepted_at, notes.settling_since, notes.asked_at) = (None, None, None);
                notes.promises.retain(|p| !matches!(p, Promise::Rings(_) | Promise::Knows(_)));
                self.recount.refunded(ring, now);
            }
            DialSettled::Void => {}
        }
    }
}

/// Whether this owner has blocked the person that calls. Who withholds the number goes by no name.
fn is_blocked(calling: Calling, owner: &Owner) -> bool {
    !calling.withheld && owner.blocked.include(&calling.person.name_with(owner.id))
}

/// As a caller keys them.
pub(in super::super) fn digits(spoken: ChallengeDigits) -> String {
    spoken.digits().iter().map(ToString::to_string).collect()
}
