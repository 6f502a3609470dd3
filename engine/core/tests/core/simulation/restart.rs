//! The process ends and begins again, or a single tag leaves memory and comes back.

use qnect_core::session::{Session, SessionSnapshot};
use qnect_core::tag::{Tag, latest_end};
use qnect_core::time::{Span, Timestamp};

use super::cast::{config, tag_id};
use super::switchboard::Switchboard;
use super::world::World;

/// A clock that shows another time than it would have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reset {
    expected: Timestamp,
    shown: Timestamp,
}

impl Reset {
    /// A point of the old time, as the clock shows it now.
    pub(super) fn of(self, at: Timestamp) -> Timestamp {
        if self.shown >= self.expected {
            return at.plus(self.shown.since(self.expected));
        }
        Timestamp::from_millis(at.as_millis().saturating_sub(self.expected.since(self.shown).as_millis()))
    }

    /// Whether more time seems to have passed than did.
    pub(super) fn leaps(self) -> bool {
        self.shown > self.expected
    }
}

/// What machines' clocks show at a start: how far they are off, or the year that they fell to.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Behind(Span),
    Ahead(Span),
    Shows(Timestamp),
}

const WRONG: [Wrong; 9] = [
    Wrong::Behind(Span::from_secs(5)),
    Wrong::Behind(Span::HOUR),
    Wrong::Behind(Span::DAY),
    Wrong::Ahead(Span::from_secs(5)),
    Wrong::Ahead(Span::HOUR),
    Wrong::Ahead(Span::DAY),
    Wrong::Shows(Timestamp::from_millis(0)),
    // The year 2038, when 32 bits of seconds are full, and 2262, when 64 bits of nanoseconds are.
    Wrong::Shows(Timestamp::from_millis(2_147_483_648_000)),
    Wrong::Shows(Timestamp::from_millis(9_223_372_036_855)),
];

impl World {
    /// The process ends, and another one begins some seconds later. Of what was not safe, some beginning may be.
    pub(super) fn crash(&mut self) {
        self.trace.tell(self.now, format_args!("the process ends"));
        let safe = self.bits.below(self.store.waiting() + 1);
        self.store.commit(safe, self.now);
        self.judge.census.saw("a crash");
        if self.store.waiting() > 0 {
            self.judge.census.saw("a crash that loses records");
        }
        self.store.lose_the_rest();
        self.agenda.forget_ours();
        self.pending.clear();
        let pause = self.bits.millis(500, 60_000);
        self.begins_again(pause);

        let mut sessions: Vec<_> = self.store.sessions().cloned().collect();
        sessions.sort_by_key(|s| s.opened_at);
        self.judge.restored(&sessions, |_| true);
        self.judge.takes_lines();
        self.board = Switchboard::new(self.rules.codes);
        for session in &sessions {
            self.board.restore(session, self.now);
        }
        self.restore_budgets(sessions);
        for n in 0..self.places.len() {
            self.places[n].tag = self.revived(n);
        }
        // What became due meanwhile ends before anything else is heard of it.
        for n in 0..self.places.len() {
            self.look_at_clock(n);
        }
        self.network.retry(self.now, (&mut self.agenda, &mut self.bits));
    }

    /// The next process begins after `pause`, by a clock that may have been set meanwhile: time goes on from there, and
    /// never from before the last commit. Everything outside goes on at its own pace.
    fn begins_again(&mut self, pause: Span) {
        let expected = self.now.plus(pause);
        let wall = match self.bits.pick(&WRONG) {
            _ if !self.rules.luck.jumps || self.bits.percent(50) => expected,
            Wrong::Behind(span) => Timestamp::from_millis(expected.as_millis() - span.as_millis()),
            Wrong::Ahead(span) => expected.plus(span),
            Wrong::Shows(at) => at,
        };
        let reset = Reset { expected, shown: wall.max(self.store.last_commit_at()) };
        if wall < self.now {
            self.judge.census.saw("a start with a clock that is behind");
        }
        if reset.shown < self.now {
            self.judge.census.saw("a start from the last commit");
            self.judge.falls_to(reset.shown);
        }
        if wall > expected {
            self.judge.census.saw("a start with a clock that leapt");
        }
        self.agenda.reset_clock(reset);
        self.network.reset_clock(reset);
        self.now = reset.shown;
        self.trace.tell(self.now, format_args!("the process begins again; it expected {expected:?}, and saw {wall:?}"));
    }

    /// Owners' and callers' budgets, and owners' lines, as the rings of the past make them.
    fn restore_budgets(&mut self, mut sessions: Vec<SessionSnapshot>) {
        self.caller_cells.clear();
        self.addresses.fill_with(Default::default);
        self.networks.fill_with(Default::default);
        self.owner_cells.fill_with(Default::default);
        sessions.sort_by_key(|s| s.dialed_at);
        for s in sessions {
            let Some(dialed_at) = s.dialed_at else { continue };
            let policy = &self.rules.policy;
            let owner = self.owners.iter().position(|owner| owner.id == s.owner).expect("an owner of this world");
            let cell = &mut self.owner_cells[owner];
            cell.replay_ring(policy, s.id, dialed_at);
            if s.ended.is_none() && !s.facts.over() {
                cell.live = Some((s.id, latest_end(policy, dialed_at)));
            }
            if let Some(token) = s.bound_to {
                let cell = self.caller_cells.entry(token).or_default();
                cell.rings.replay(policy.caller_rings, dialed_at);
                let owner = Some(s.owner);
                Session::restore(s).signs().for_each(|(signal, at)| cell.note(signal, owner, policy, at));
            }
        }
    }

    /// One tag comes back into memory; what it had recorded is safe by then.
    pub(super) fn revive(&mut self, n: usize) {
        self.judge.census.saw("a tag revived");
        self.store.commit(self.store.waiting(), self.now);
        self.answer_the_kept();
        self.store.commit(self.store.waiting(), self.now);
        let sessions: Vec<_> = self.store.sessions().filter(|s| s.id.tag() == tag_id(n)).cloned().collect();
        self.judge.restored(&sessions, |id| id.tag() == tag_id(n));
        self.places[n].tag = self.revived(n);
        self.look_at_clock(n);
    }

    /// What a tag is told of itself when it comes into memory.
    fn revived(&self, n: usize) -> Tag {
        let place = &self.places[n];
        let config = config(n, place.status, place.owner.map(|owner| &self.owners[owner]));
        let sessions = self.store.sessions().filter(|s| s.id.tag() == tag_id(n)).cloned().collect();
        Tag::restore(config, self.rules.policy.clone(), sessions, self.now)
    }
}
