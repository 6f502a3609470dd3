//! Receiving a call: whom a caller reaches, by a code, by having called before, or by being an owner who calls back.
//!
//! A caller learns nothing from being refused: a wrong code, another caller's, an expired one and a lock-out sound alike.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use qnect_core::abuse::Signal;
use qnect_core::access_code::{AccessCode, CodeError};
use qnect_core::caller::{Caller, CallingParty};
use qnect_core::instruction::{Announcement, CODE_ATTEMPTS_MAX, Instruction, MenuChoice, Question};
use qnect_core::language::Languages;
use qnect_core::leg::{Call, LegId};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{DialSettled, Redialled};
use qnect_storage::{Lane, Promise};

use crate::cells::Calling;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::lines::{Grant, Lines};
use crate::messages::{Redial, SettleDial, TakeCaller, Turn};
use crate::switchboard::Redial as RedialRight;
use crate::visit::Visit;

/// How long a caller on the line may wait for a commit; then the dial is withheld and the caller is asked to try again.
pub(crate) const LINE_COMMIT_MAX: Duration = Duration::from_millis(2_500);

/// How long a caller waits for the pace of the account, in silence: then it is as if all lines were taken.
const LINE_WAIT_MAX: Duration = Duration::from_millis(2_500);

/// A line that was taken for a caller. Dropped, it is free again, unless it was used or had been taken before.
struct Line<'a> {
    lines: &'a Lines,
    leg: &'a LegId,
    is_new: bool,
    is_free: bool,
}

impl Line<'_> {
    /// What became of it: only a dial uses a line.
    fn used_by(mut self, instruction: &Instruction) {
        self.is_new &= !matches!(instruction, Instruction::Dial(_));
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if self.is_new {
            self.lines.withdraw(self.leg);
        }
    }
}

impl Engine {
    /// A call arrived: what is the caller asked?
    pub(crate) async fn call_arrived(&self, call: &Call) -> Result<Instruction, EngineError> {
        let board = &self.inner.switchboard;
        let Some(digits) = board.digits(call.number) else { return Ok(refused()) };
        let caller = self.caller(call)?;
        // Once a leg has rung an owner, its first question was answered: a late repetition gets the plain one again.
        if board.session_of_leg(&call.leg).is_none() && self.redial_of(call, caller).is_some() {
            return Ok(Instruction::Ask { question: Question::CodeOrRedial, digits, languages: Languages::Every });
        }
        if let Some(owner) = self.owner_who_calls(call).await? {
            let languages = self.languages_of(owner).await?;
            return Ok(Instruction::Ask { question: Question::CodeOrMenu, digits, languages });
        }
        Ok(Instruction::Ask { question: Question::Code { attempt: 1 }, digits, languages: Languages::Every })
    }

    /// A caller keyed something, or nothing where that is an answer.
    pub(crate) async fn digits_given(
        &self,
        call: &Call,
        keyed: &str,
        question: Question,
    ) -> Result<Instruction, EngineError> {
        let board = &self.inner.switchboard;
        let Some(digits) = board.digits(call.number) else { return Ok(refused()) };
        let caller = self.caller(call)?;
        if question == Question::CodeOrMenu
            && let Some(choice) = MenuChoice::of(keyed)
        {
            return self.menu_choice(call, choice).await;
        }
        // This leg has rung an owner: whatever is told of it again means that session and no other.
        if let Some(session) = board.session_of_leg(&call.leg) {
            return self.put_on_line(call, caller, session, Turn::Code).await;
        }
        let redial = self.redial_of(call, caller);
        if question == Question::CodeOrRedial && keyed.is_empty() {
            return match redial {
                Some(redial) => self.redial(call, caller, redial.session).await,
                None => Ok(ask_again(question, digits, caller)),
            };
        }
        let code = match AccessCode::read(keyed, digits) {
            Ok(code) => code,
            // A slip of a finger, or a key that the network lost: nobody guesses that way.
            Err(CodeError::CheckDigit | CodeError::Form) => return Ok(ask_again(question, digits, caller)),
        };
        let holder = board.session(call.number, code);
        // The code of a call that is over: the telephone sent it again by itself. By now it may be somebody else's.
        if let Some(redial) = redial
            && redial.code == code
            && holder != Some(redial.session)
        {
            return self.redial(call, caller, redial.session).await;
        }
        if let Some(session) = holder {
            return self.put_on_line(call, caller, session, Turn::Code).await;
        }
        let calling = self.inner.cells.calling(caller);
        self.note_wrong_code(call, &calling, question);
        Ok(if self.is_locked(&calling) { refused() } else { ask_again(question, digits, caller) })
    }

    /// A caller is on the line of a session: by its code, after a challenge, or after waiting for an engaged owner.
    pub(crate) async fn take_turn(
        &self,
        call: &Call,
        session: SessionId,
        turn: Turn,
    ) -> Result<Instruction, EngineError> {
        self.put_on_line(call, self.caller(call)?, session, turn).await
    }

    async fn put_on_line(
        &self,
        call: &Call,
        caller: Caller,
        session: SessionId,
        turn: Turn,
    ) -> Result<Instruction, EngineError> {
        let calling = self.inner.cells.calling(caller);
        if self.is_locked(&calling) {
            return Ok(refused());
        }
        let Some(visit) = self.visit_for_call(session).await? else { return Ok(refused()) };
        let (line, root) = (self.line_for(call).await, call.caller.root().cloned());
        let line_is_free = line.is_free;
        let take = TakeCaller { session, leg: call.leg.clone(), calling: calling.clone(), root, turn, line_is_free };
        let (instruction, promise) = visit.tell(take).await?.map_err(|_| EngineError::Overloaded)?;
        line.used_by(&instruction);
        // Who gives the code of an own call that is over does not guess: a webhook was late, or a telephone sent it again.
        let is_own = self.redial_of(call, caller).is_some_and(|redial| redial.session == session);
        match &instruction {
            Instruction::Dial(_) => forgive_codes(&calling),
            refusal if *refusal == refused() && !is_own => self.note_wrong_code(call, &calling, session),
            _ => {}
        }
        self.settle_dial(&visit, session, (call, calling), instruction, promise).await
    }

    /// A caller dials again what there was before, without a code.
    async fn redial(&self, call: &Call, caller: Caller, from: SessionId) -> Result<Instruction, EngineError> {
        let calling = self.inner.cells.calling(caller);
        if self.is_locked(&calling) {
            return Ok(refused());
        }
        let Some(visit) = self.visit_for_call(from).await? else { return Ok(refused()) };
        let follow_up = self.fresh_session_id(from.tag())?;
        let (leg, root) = (call.leg.clone(), call.caller.root().cloned());
        let line = self.line_for(call).await;
        let line_is_free = line.is_free;
        let redial = Redial { from, follow_up, number: call.number, leg, calling: calling.clone(), root, line_is_free };
        let (redialled, promise) = visit.tell(redial).await?.map_err(|_| EngineError::Overloaded)?;
        let Redialled { session, instruction } = redialled;
        line.used_by(&instruction);
        self.settle_dial(&visit, session, (call, calling), instruction, promise).await
    }

    /// A line to ring an owner with, for this caller. The pace of the account is waited for, for a while.
    async fn line_for<'a>(&'a self, call: &'a Call) -> Line<'a> {
        let lines = &self.inner.lines;
        let (mut grant, mut left) = (lines.take(&call.leg, call.number, self.inner.clock.now()), LINE_WAIT_MAX);
        while let Grant::After(wait) = grant {
            let wait = Duration::from_millis(wait.as_millis());
            let Some(rest) = left.checked_sub(wait) else { break };
            left = rest;
            tokio::time::sleep(wait).await;
            grant = lines.take(&call.leg, call.number, self.inner.clock.now());
        }
        Line { lines, leg: &call.leg, is_new: grant == Grant::New, is_free: matches!(grant, Grant::New | Grant::Held) }
    }

    /// The door to the tag that is called; `None` when it was taken out of use meanwhile: its codes lead nowhere.
    async fn visit_for_call(&self, session: SessionId) -> Result<Option<Visit>, EngineError> {
        match self.enter(session.tag(), Lane::Webhooks).await {
            Ok(visit) => Ok(Some(visit)),
            Err(EngineError::UnknownTag) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Prompts and refusals are answered from memory; what rings a telephone is on disk first.
    async fn settle_dial(
        &self,
        visit: &Visit,
        session: SessionId,
        (call, calling): (&Call, Calling),
        instruction: Instruction,
        promise: Option<Promise>,
    ) -> Result<Instruction, EngineError> {
        if !matches!(instruction, Instruction::Dial(_)) {
            return Ok(instruction);
        }
        let kept = kept_in_time(promise).await?;
        Ok(match visit.tell(SettleDial { session, leg: call.leg.clone(), calling, kept }).await? {
            DialSettled::Rings => instruction,
            DialSettled::Withheld | DialSettled::Void => {
                Instruction::Say { announcement: Announcement::TryAgain, languages: Languages::Every }
            }
        })
    }

    /// Who calls, as machines see it.
    fn caller(&self, call: &Call) -> Result<Caller, EngineError> {
        match &call.caller {
            CallingParty::Withheld => Ok(Caller::Withheld),
            CallingParty::Known(root) => {
                let tokens = self.inner.storage.keys().caller_tokens(root, self.inner.clock.now());
                Ok(Caller::Known(tokens.map_err(|_| EngineError::Storage)?))
            }
        }
    }

    fn redial_of(&self, call: &Call, caller: Caller) -> Option<RedialRight> {
        let Caller::Known(tokens) = caller else { return None };
        self.inner.switchboard.redial(call.number, tokens, self.inner.clock.now())
    }

    /// Whether this caller has given too many codes that lead nowhere. A caller without a number is never locked.
    fn is_locked(&self, calling: &Calling) -> bool {
        calling.locked().is_some_and(|cell| cell.lockout.is_locked(self.inner.clock.now()))
    }

    /// A code led nowhere. `asked` tells the tries of one call apart; a try that is told again counts once.
    fn note_wrong_code(&self, call: &Call, calling: &Calling, asked: impl Hash) {
        let Some(mut cell) = calling.locked() else { return };
        let mut this_try = DefaultHasher::new();
        (&call.leg, asked).hash(&mut this_try);
        let now = self.inner.clock.now();
        if cell.lockout.on_wrong_code(this_try.finish(), now) {
            cell.note(Signal::WrongCodes, None, &self.inner.policy, now);
        }
    }
}

/// A code rang an owner, which costs a budget: so it cannot be used to wash guesses away.
fn forgive_codes(calling: &Calling) {
    if let Some(mut cell) = calling.locked() {
        cell.lockout.on_right_code();
    }
}

/// Asks once more, as often as one call allows. A caller without a number has one try a call, for want of a lock.
fn ask_again(question: Question, digits: u8, caller: Caller) -> Instruction {
    let attempt = match question {
        Question::Code { attempt } => attempt,
        Question::CodeOrRedial | Question::CodeOrMenu => 1,
    };
    if caller == Caller::Withheld || attempt >= CODE_ATTEMPTS_MAX {
        return refused();
    }
    Instruction::Ask { question: Question::Code { attempt: attempt + 1 }, digits, languages: Languages::Every }
}

fn refused() -> Instruction {
    Instruction::Say { announcement: Announcement::CodeRefused, languages: Languages::Every }
}

/// Whether a record is safe before somebody on the line has waited too long; also when there was nothing to record.
pub(crate) async fn kept_in_time(promise: Option<Promise>) -> Result<bool, EngineError> {
    let Some(promise) = promise else { return Ok(false) };
    match tokio::time::timeout(LINE_COMMIT_MAX, promise.kept()).await {
        Ok(kept) => kept.map(|()| true).map_err(|_| EngineError::Storage),
        Err(_) => Ok(false),
    }
}
