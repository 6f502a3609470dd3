//! An owner who calls one of our numbers back hears a menu, never a person: whom the number connected stays unknown.

use qnect_core::caller::CallingParty;
use qnect_core::instruction::{Announcement, Instruction, MenuChoice};
use qnect_core::language::Languages;
use qnect_core::leg::Call;
use qnect_core::preferences::Pause;
use qnect_core::tag::OwnerId;
use qnect_core::time::Span;
use qnect_storage::{Edit, EditError, Lane, ReadError};

use crate::cells::lock;
use crate::engine::{Engine, read_error};
use crate::error::EngineError;
use crate::messages::ReportAbuse;
use crate::reception::{LINE_COMMIT_MAX, kept_in_time};

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
        // What was begun comes to its end, whether it is waited for or not.
        let muted = self.edit(Edit::Pause(owner, Pause::Until(until)));
        match tokio::time::timeout(LINE_COMMIT_MAX, muted).await {
            Ok(Ok(_)) => Ok(Announcement::Muted),
            Ok(Err(EditError::Storage(_))) => Err(EngineError::Storage),
            Ok(Err(_)) | Err(_) => Ok(Announcement::TryAgain),
        }
    }

    async fn report_last_call(&self, owner: OwnerId) -> Result<Announcement, EngineError> {
        let cell = self.inner.cells.owners.of(owner);
        let last = lock(&cell).last_rung;
        let Some(session) = last else { return Ok(Announcement::NothingToReport) };
        let visit = match self.enter(session.tag(), Lane::Webhooks).await {
            Err(EngineError::UnknownTag) => return Ok(Announcement::NothingToReport),
            visit => visit?,
        };
        let (is_new, promise) = visit.tell(ReportAbuse(session)).await?.map_err(|_| EngineError::Overloaded)?;
        drop(visit);
        if promise.is_some() && !kept_in_time(promise).await? {
            return Ok(Announcement::TryAgain);
        }
        Ok(if is_new { Announcement::Reported } else { Announcement::NothingToReport })
    }
}

fn say(announcement: Announcement, languages: Languages) -> Instruction {
    Instruction::Say { announcement, languages }
}
