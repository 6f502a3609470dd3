//! An owner who calls one of our numbers back hears a menu, never a person: whom the number connected stays unknown.

use qnect_core::caller::CallingParty;
use qnect_core::instruction::{Announcement, Instruction, MenuChoice};
use qnect_core::language::Languages;
use qnect_core::leg::Call;
use qnect_core::preferences::Pause;
use qnect_core::session_id::SessionId;
use qnect_core::tag::OwnerId;
use qnect_core::time::Span;
use qnect_storage::{Edit, EditError, ReadError};

use crate::cells::lock;
use crate::engine::{Engine, read_error};
use crate::error::EngineError;
use crate::reception::LINE_COMMIT_MAX;

/// How long an owner is left alone who chose so.
const MUTED: Span = Span::HOUR;

impl Engine {
    /// The owner whose telephone this call comes from. When the store has no time to say so, the caller is a stranger, who
    /// is asked for a code: that is never a person either.
    pub(crate) async fn owner_who_calls(&self, call: &Call) -> Result<Option<OwnerId>, EngineError> {
        let CallingParty::Known(root) = &call.caller else { return Ok(None) };
        match self.inner.storage.owner_of_caller(root).await {
            Err(ReadError::Busy) => Ok(None),
            found => found.map_err(|e| read_error(&e)),
        }
    }

    /// The language of an owner; all of them for one who is gone.
    pub(crate) async fn languages_of(&self, owner: OwnerId) -> Result<Languages, EngineError> {
        let profile = self.inner.storage.owner_profile(owner).await.map_err(|e| read_error(&e))?;
        Ok(profile.map_or(Languages::Every, |profile| Languages::Only(profile.language)))
    }

    /// Carries out what an owner chose. What is said is on stable storage.
    pub(crate) async fn menu_choice(&self, call: &Call, choice: MenuChoice) -> Result<Instruction, EngineError> {
        // Who it is is asked again: the address that this was posted to says nothing of it.
        let Some(owner) = self.owner_who_calls(call).await? else {
            return Ok(say(Announcement::CodeRefused, Languages::Every));
        };
        let languages = self.languages_of(owner).await?;
        let announcement = match choice {
            MenuChoice::Mute => self.mute(owner).await?,
            MenuChoice::ReportAbuse => self.report_last_call(owner).await?,
            MenuChoice::BlockCaller => self.block_last_caller(owner).await?,
        };
        Ok(say(announcement, languages))
    }

    async fn mute(&self, owner: OwnerId) -> Result<Announcement, EngineError> {
        let until = self.inner.clock.now().plus(MUTED);
        let profile = self.inner.storage.owner_profile(owner).await.map_err(|e| read_error(&e))?;
        let muted_longer = profile.is_some_and(|profile| match profile.preferences.pause {
            Pause::Off => false,
            Pause::Until(end) => end >= until,
            Pause::Indefinite => true,
        });
        if muted_longer {
            return Ok(Announcement::Muted);
        }
        let muted = self.edit_in_time(Edit::Pause(owner, Pause::Until(until))).await?;
        Ok(muted.map_or(Announcement::TryAgain, |()| Announcement::Muted))
    }

    async fn report_last_call(&self, owner: OwnerId) -> Result<Announcement, EngineError> {
        let Some(session) = self.last_rung(owner) else { return Ok(Announcement::NothingToReport) };
        Ok(match self.edit_in_time(Edit::Report(session)).await? {
            Ok(()) => Announcement::Reported,
            Err(EditError::UnknownSession | EditError::NothingToReport) => Announcement::NothingToReport,
            Err(_) => Announcement::TryAgain,
        })
    }

    async fn block_last_caller(&self, owner: OwnerId) -> Result<Announcement, EngineError> {
        let Some(session) = self.last_rung(owner) else { return Ok(Announcement::NothingToBlock) };
        Ok(match self.edit_in_time(Edit::Block(session)).await? {
            Ok(()) => Announcement::Blocked,
            Err(EditError::UnknownSession | EditError::NobodyToBlock) => Announcement::NothingToBlock,
            Err(EditError::BlockedCallersFull) => Announcement::BlockedCallersFull,
            Err(_) => Announcement::TryAgain,
        })
    }

    fn last_rung(&self, owner: OwnerId) -> Option<SessionId> {
        let cell = self.inner.cells.owners.of(owner);
        let cell = lock(&cell);
        cell.last_rung(self.inner.clock.now())
    }

    /// Carries out an edit while somebody waits on the line; what takes too long is like a store that is busy. What was begun
    /// comes to its end, whether it is waited for or not.
    async fn edit_in_time(&self, edit: Edit) -> Result<Result<(), EditError>, EngineError> {
        match tokio::time::timeout(LINE_COMMIT_MAX, self.edit(edit)).await {
            Ok(Err(EditError::Storage(_))) => Err(EngineError::Storage),
            Ok(edited) => Ok(edited.map(drop)),
            Err(_) => Ok(Err(EditError::Busy)),
        }
    }
}

fn say(announcement: Announcement, languages: Languages) -> Instruction {
    Instruction::Say { announcement, languages }
}
