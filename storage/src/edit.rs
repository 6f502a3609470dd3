//! What operators and owners change: each edit reads what stands there, writes what follows from it in one commit, and
//! says which tags it touched. Edits are carried out by the [`Clerk`], one after another.

use qnect_core::blocked::{BLOCKED_CALLERS_MAX, BlockedCallers, BlockedCallersFull};
use qnect_core::caller::BlockToken;
use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::preferences::{Pause, QuietHours};
use qnect_core::reason::ReasonSet;
use qnect_core::session::Session;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, TagStatus};
use qnect_core::tag_code::TagId;

use crate::clerk::Clerk;
use crate::codec::{OwnerRow, TagRow, encode_session, to_bytes};
use crate::error::StorageError;
use crate::index::{Entry, email_hash, phone_hash};
use crate::keys::DataKey;
use crate::layout::{Row, Space, owner_key, session_key, tag_key};
use crate::owners::{NewVehicle, fresh_code, tag_rows};

/// Tags that one edit mints at most: they are one commit.
pub const MINTED_AT_ONCE_MAX: usize = 10_000;
/// Tags that one owner may have.
pub const TAGS_PER_OWNER_MAX: usize = 10_000;

/// A change of what is stored.
pub enum Edit {
    /// New tags that nobody has claimed, 1 to [`MINTED_AT_ONCE_MAX`].
    Mint(usize),
    /// One new tag in use, for an owner who is registered, with the vehicle if it is told.
    MintFor(OwnerId, Option<NewVehicle>),
    /// From now on the tag answers like an unknown one.
    Suspend(TagId),
    /// The end of that.
    Resume(TagId),
    /// From now on, and for good, the tag answers like an unknown one.
    Retire(TagId),
    /// An appeal against the tag's abuse score was heard: what came before counts no more.
    Appeal(TagId),
    /// Other personal data or wishes.
    ChangeOwner(OwnerId, OwnerChange),
    /// Whether the owner's calls are paused.
    Pause(OwnerId, Pause),
    /// The caller of this session reaches its owner no more.
    Block(SessionId),
    /// The end of that.
    Unblock(SessionId),
    /// Every caller reaches the owner again.
    UnblockAll(OwnerId),
    /// The owner reports the call of this session as abuse. While a machine holds the session, that is the machine's to do.
    Report(SessionId),
}

/// What is to change of an owner; `None` stays as it is.
#[derive(Clone, Default)]
pub struct OwnerChange {
    /// The name.
    pub name: Option<String>,
    /// The address of e-mail.
    pub email: Option<String>,
    /// Where calls go.
    pub phone: Option<Phone>,
    /// The language of the whisper.
    pub language: Option<Language>,
    /// The IANA name of the zone of the quiet hours; it must be one that the time zone database knows.
    pub time_zone: Option<String>,
    /// Quiet hours, or none any more.
    pub quiet_hours: Option<Option<QuietHours>>,
    /// What rings even then.
    pub night_reasons: Option<ReasonSet>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// No such tag, or its owner was erased.
    #[error("no such tag; check the code")]
    UnknownTag,
    /// No such owner, or erased.
    #[error("no such owner; check the id")]
    UnknownOwner,
    /// The tag is out of use for good.
    #[error("the tag is retired, and a retired tag never comes back; mint a new one")]
    Retired,
    /// More tags than one edit mints.
    #[error("one command mints 1 to {MINTED_AT_ONCE_MAX} tags; run it again for more")]
    MintedAtOnce,
    /// More tags than one owner may have.
    #[error("an owner has {TAGS_PER_OWNER_MAX} tags at most; register a second one for more")]
    TagsOfOwner,
    /// No such session, or its owner was erased.
    #[error("no such session; check the id, or paste the address of its page")]
    UnknownSession,
    /// Nobody has called in the session, or its caller withheld the number.
    #[error(
        "nobody called in this session, or the number was withheld: such a caller has no name and cannot be blocked"
    )]
    NobodyToBlock,
    /// The owner has blocked as many callers as can be.
    #[error(
        "an owner blocks {BLOCKED_CALLERS_MAX} callers at most; let some through with `sessions unblock`, or all with `owners unblock`"
    )]
    BlockedCallersFull,
    /// Nobody was rung in the session.
    #[error("nobody was rung in this session, so there is no call to report")]
    NothingToReport,
    /// Too much is waiting to be done.
    #[error("the store is busy; try again in a moment")]
    Busy,
    /// The store failed, or is closed. Whether the change was made is not known.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Clerk {
    /// Carries out an edit; it is on stable storage when this returns. The tags that it touched, the new ones included.
    pub(crate) fn edit(&self, edit: &Edit) -> Result<Vec<TagId>, EditError> {
        let (rows, tags) = match edit {
            Edit::Mint(count) => self.mint(*count)?,
            Edit::MintFor(owner, vehicle) => self.mint_for(*owner, vehicle.as_ref())?,
            Edit::Suspend(tag) => self.set_status(*tag, |row| match row.status()? {
                TagStatus::Retired => Err(EditError::Retired),
                TagStatus::Minted | TagStatus::Active | TagStatus::Suspended => Ok(TagStatus::Suspended),
            })?,
            Edit::Resume(tag) => self.set_status(*tag, |row| match row.status()? {
                TagStatus::Retired => Err(EditError::Retired),
                // A tag that nobody claimed is claimed by nobody again.
                TagStatus::Suspended if row.owner().is_none() => Ok(TagStatus::Minted),
                TagStatus::Suspended => Ok(TagStatus::Active),
                status @ (TagStatus::Minted | TagStatus::Active) => Ok(status),
            })?,
            Edit::Retire(tag) => self.set_status(*tag, |_| Ok(TagStatus::Retired))?,
            Edit::Appeal(tag) => {
                let mut row = self.read(|r| r.tag_row(*tag))?.ok_or(EditError::UnknownTag)?;
                row.appeal(self.now());
                (vec![Row::put(Space::Tags, tag_key(*tag), to_bytes(&row))], vec![*tag])
            }
            Edit::ChangeOwner(owner, change) => self.change_owner(*owner, change)?,
            Edit::Pause(owner, pause) => self.change_row(*owner, |row, _| {
                row.set_pause(*pause);
                Ok(())
            })?,
            Edit::Block(session) => self.change_blocked(*session, |blocked, caller| {
                blocked.with(caller).map_err(|BlockedCallersFull| EditError::BlockedCallersFull)
            })?,
            Edit::Unblock(session) => self.change_blocked(*session, |blocked, caller| Ok(blocked.without(&caller)))?,
            Edit::UnblockAll(owner) => self.change_row(*owner, |row, key| {
                Ok(row.set_blocked(*owner, &BlockedCallers::default(), key).map_err(StorageError::from)?)
            })?,
            Edit::Report(session) => self.report(*session)?,
        };
        self.commit(rows)?;
        Ok(tags)
    }

    fn mint(&self, count: usize) -> Result<(Vec<Row>, Vec<TagId>), EditError> {
        if !(1..=MINTED_AT_ONCE_MAX).contains(&count) {
            return Err(EditError::MintedAtOnce);
        }
        let (mut rows, mut tags) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let minted = to_bytes(&TagRow::new(TagStatus::Minted, None, self.now().as_millis()));
        for _ in 0..count {
            let tag = fresh_code(self.keys())?.tag();
            rows.push(Row::put(Space::Tags, tag_key(tag), minted.clone()));
            tags.push(tag);
        }
        Ok((rows, tags))
    }

    fn mint_for(&self, owner: OwnerId, vehicle: Option<&NewVehicle>) -> Result<(Vec<Row>, Vec<TagId>), EditError> {
        let (_, key) = self.read(|r| r.owner_row(owner))?.ok_or(EditError::UnknownOwner)?;
        if self.read(|r| r.tags_of(owner))?.len() >= TAGS_PER_OWNER_MAX {
            return Err(EditError::TagsOfOwner);
        }
        let tag = fresh_code(self.keys())?.tag();
        Ok((tag_rows(tag, owner, vehicle, &key, self.now())?, vec![tag]))
    }

    fn set_status(
        &self,
        tag: TagId,
        next: impl FnOnce(&TagRow) -> Result<TagStatus, EditError>,
    ) -> Result<(Vec<Row>, Vec<TagId>), EditError> {
        let mut row = self.read(|r| r.tag_row(tag))?.ok_or(EditError::UnknownTag)?;
        row.set_status(next(&row)?);
        Ok((vec![Row::put(Space::Tags, tag_key(tag), to_bytes(&row))], vec![tag]))
    }

    fn change_owner(&self, owner: OwnerId, change: &OwnerChange) -> Result<(Vec<Row>, Vec<TagId>), EditError> {
        let (mut row, key) = self.read(|r| r.owner_row(owner))?.ok_or(EditError::UnknownOwner)?;
        let (keys, since) = (self.keys(), self.now().as_millis());
        let mut rows = Vec::new();
        let mut index = |old, new| {
            // The same number spelled anew is had as long as before.
            if old != new {
                rows.push(Entry { hash: old, owner }.gone());
                rows.push(Entry { hash: new, owner }.put(since));
            }
        };
        if let Some(email) = &change.email {
            index(email_hash(keys, &row.email(owner, &key)?), email_hash(keys, email));
        }
        if let Some(phone) = &change.phone {
            index(phone_hash(keys, &row.phone(owner, &key)?)?, phone_hash(keys, phone)?);
        }
        row.change(owner, change, &key).map_err(StorageError::from)?;
        rows.push(Row::put(Space::Owners, owner_key(owner), to_bytes(&row)));
        Ok((rows, self.read(|r| r.tags_of(owner))?))
    }

    fn change_blocked(
        &self,
        session: SessionId,
        next: impl FnOnce(&BlockedCallers, BlockToken) -> Result<BlockedCallers, EditError>,
    ) -> Result<(Vec<Row>, Vec<TagId>), EditError> {
        let session = self.read(|r| r.session(session))?.ok_or(EditError::UnknownSession)?;
        let owner = session.owner;
        let (row, key) = self.read(|r| r.owner_row(owner))?.ok_or(EditError::UnknownSession)?;
        let caller = session.block_token.ok_or(EditError::NobodyToBlock)?;
        let blocked = next(&row.blocked(owner, &key)?, caller)?;
        self.change_row(owner, |row, key| Ok(row.set_blocked(owner, &blocked, key).map_err(StorageError::from)?))
    }

    /// Changes an owner's row, which all tags of the owner have to hear of.
    fn change_row(
        &self,
        owner: OwnerId,
        change: impl FnOnce(&mut OwnerRow, &DataKey) -> Result<(), EditError>,
    ) -> Result<(Vec<Row>, Vec<TagId>), EditError> {
        let (mut row, key) = self.read(|r| r.owner_row(owner))?.ok_or(EditError::UnknownOwner)?;
        change(&mut row, &key)?;
        let rows = vec![Row::put(Space::Owners, owner_key(owner), to_bytes(&row))];
        Ok((rows, self.read(|r| r.tags_of(owner))?))
    }

    /// Notes the report on a session that no machine holds. No machine has to hear of it.
    fn report(&self, id: SessionId) -> Result<(Vec<Row>, Vec<TagId>), EditError> {
        let mut session = Session::restore(self.read(|r| r.session(id))?.ok_or(EditError::UnknownSession)?);
        let is_new = session.report(self.now());
        let session = session.snapshot();
        if session.reported_at.is_none() {
            return Err(EditError::NothingToReport);
        }
        let mut rows = Vec::new();
        if is_new {
            let row = encode_session(session, self.keys()).map_err(StorageError::from)?;
            rows.push(Row::put(Space::Sessions, session_key(id), row));
        }
        Ok((rows, Vec::new()))
    }
}
