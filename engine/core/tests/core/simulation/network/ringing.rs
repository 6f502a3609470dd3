//! The owner's side of a call: how it rings, and how it ends.

use qnect_core::instruction::Dial;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::phone::Phone;
use qnect_core::time::{Span, Timestamp};

use super::super::agenda::{Agenda, Item};
use super::{Network, Run, Truth, Webhook};
use crate::bits::Bits;

impl Network {
    pub(super) fn ring(&mut self, call: usize, dial: &Dial, now: Timestamp, agenda: &mut Agenda, bits: &mut Bits) {
        let session = dial.session;
        assert!(!self.rung.contains(&session), "an owner is rung twice for one session");
        self.rung.push(session);
        if self.lies.misaddresses == 0 {
            assert!(!self.is_rung(&dial.to), "an owner has two live calls");
        }
        let owner_leg = self.new_leg();
        let told_leg = bits.percent(60).then(|| owner_leg.clone());
        let rings_at = now.plus(Span::from_secs(1));
        let answers_at = now.plus(Span::from_millis(1_000 + dial.ring.as_millis() / 2));
        let keys_at = answers_at.plus(Span::from_secs(5));
        let connects_until = keys_at.plus(Span::from_secs(8));
        let (to, talk) = (dial.to.clone(), dial.talk);
        let (is_connected, is_over, is_outrun) = (false, false, false);
        let run = Run { session, to, owner_leg, talk, connects_until, is_connected, is_over, is_outrun };
        self.calls[call].run = Some(run);

        let mut tell = |network: &mut Self, at, event| {
            let webhook = Webhook::Told { session, event, owner_leg: told_leg.clone() };
            network.tell(webhook, at, agenda, bits);
        };
        let truth = match call % 11 {
            0 => (rings_at, Truth::Over(LegEnd::Busy)),
            1 => (rings_at, Truth::Over(LegEnd::Failed)),
            2 => (now.plus(dial.ring), Truth::Over(LegEnd::NoAnswer)),
            3 => (answers_at, Truth::Over(LegEnd::Rejected)),
            4 => (answers_at, Truth::Gone),
            5 => (keys_at, Truth::Over(LegEnd::HungUp)),
            6 => (keys_at, Truth::Over(LegEnd::Completed)),
            7 => {
                tell(self, keys_at, LegEvent::OwnerRefused);
                (keys_at, Truth::Over(LegEnd::Completed))
            }
            8 => {
                tell(self, keys_at, LegEvent::OwnerComing);
                (keys_at, Truth::Over(LegEnd::Completed))
            }
            _ => {
                tell(self, keys_at, LegEvent::OwnerAccepted);
                (connects_until, Truth::NotConnected)
            }
        };
        if call % 11 > 1 {
            tell(self, rings_at, LegEvent::OwnerRang);
        }
        if call % 11 > 4 {
            tell(self, answers_at, LegEvent::OwnerAnswered);
        }
        agenda.add(truth.0, Item::Call(call, truth.1));
    }

    /// The owner's side of a call is over, and then the scanner's.
    pub(super) fn over(&mut self, call: usize, end: LegEnd, now: Timestamp, agenda: &mut Agenda, bits: &mut Bits) {
        let Some(run) = self.calls[call].run.as_mut().filter(|run| !run.is_over) else { return };
        run.is_over = true;
        let (session, owner_leg) = (run.session, Some(run.owner_leg.clone()).filter(|_| bits.percent(60)));
        let told = if end == LegEnd::HungUp { LegEnd::Completed } else { end };
        for event in [LegEvent::OwnerLegEnded(end), LegEvent::DialEnded(told)] {
            self.tell(Webhook::Told { session, event, owner_leg: owner_leg.clone() }, now, agenda, bits);
        }
        agenda.add(now.plus(bits.millis(0, 30_000)), Item::Call(call, Truth::Gone));
    }

    pub(super) fn hang_up(&mut self, call: usize, now: Timestamp, agenda: &mut Agenda, bits: &mut Bits) {
        if !std::mem::take(&mut self.calls[call].is_up) {
            return;
        }
        self.calls[call].awaits = None;
        self.over(call, LegEnd::Cancelled, now, agenda, bits);
        self.tell(Webhook::CallEnded(self.calls[call].leg.clone()), now, agenda, bits);
    }

    /// Whether a call to this telephone is on, as far as its time can be told.
    fn is_rung(&self, to: &Phone) -> bool {
        let is_on = |run: &Run| !run.is_over && !run.is_outrun && run.to == *to;
        self.calls.iter().filter_map(|c| c.run.as_ref()).any(is_on)
    }
}
