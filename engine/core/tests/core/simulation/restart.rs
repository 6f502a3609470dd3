//! The process ends and begins again, or a single tag leaves memory and comes back.

use qnect_core::session::SessionSnapshot;
use qnect_core::tag::{Tag, latest_end};

use super::cast::{config, tag_id};
use super::switchboard::Switchboard;
use super::world::World;

impl World {
    /// The process ends, and another one begins some seconds later. Of what was not safe, some beginning may be.
    pub(super) fn crash(&mut self) {
        self.trace.tell(self.now, format_args!("the process ends"));
        let safe = self.bits.below(self.store.waiting() + 1);
        self.store.commit(safe);
        self.judge.census.saw("a crash");
        if self.store.waiting() > 0 {
            self.judge.census.saw("a crash that loses records");
        }
        self.store.lose_the_rest();
        self.agenda.forget_ours();
        self.pending.clear();
        self.now = self.now.plus(self.bits.millis(500, 60_000));

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

    /// Owners' and callers' budgets, and owners' lines, as the rings of the past make them.
    fn restore_budgets(&mut self, mut sessions: Vec<SessionSnapshot>) {
        self.caller_cells.clear();
        self.addresses.fill_with(Default::default);
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
                self.caller_cells.entry(token).or_default().rings.replay(policy.caller_rings, dialed_at);
            }
        }
    }

    /// One tag comes back into memory; what it had recorded is safe by then.
    pub(super) fn revive(&mut self, n: usize) {
        self.judge.census.saw("a tag revived");
        self.store.commit(self.store.waiting());
        self.answer_the_kept();
        self.store.commit(self.store.waiting());
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
