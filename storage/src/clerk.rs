//! The clerk: the one thread that changes what is already stored. An edit reads, decides and waits for its commit before
//! the next one reads, so no edit overwrites another, and one that was begun comes to its end whoever leaves meanwhile.
//! What operators look at is read here too, so that it takes no reader away from scans and calls.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};

use qnect_core::record::ScanRecord;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, TagConfig};
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::cards::{OwnerCard, SessionCard, TagCard};
use crate::commit::{CommitQueue, Lane, Work};
use crate::edit::{Edit, EditError};
use crate::error::StorageError;
use crate::index::Contact;
use crate::keyring::Keyring;
use crate::layout::Row;
use crate::read::Reader;
use crate::store::Storage;

/// Errands that may wait for the clerk; more are turned away.
const ERRANDS_MAX: usize = 64;

/// What the clerk is sent for.
pub(crate) type Errand = Box<dyn FnOnce(&Clerk) + Send>;

/// The way to the clerk; `None` once it is closed.
pub(crate) struct ErrandQueue(Mutex<Option<SyncSender<Errand>>>);

impl ErrandQueue {
    pub(crate) fn new() -> (Self, Receiver<Errand>) {
        let (errands, inbox) = std::sync::mpsc::sync_channel(ERRANDS_MAX);
        (Self(Mutex::new(Some(errands))), inbox)
    }

    /// Ends the clerk behind all that is queued. Never waits, even if it hangs.
    pub(crate) fn stop(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn ask<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&Clerk) -> Result<T, EditError> + Send + 'static,
    ) -> Result<T, EditError> {
        let (reply, answer) = oneshot::channel();
        self.push(Box::new(move |clerk| {
            // Whoever asked may have left: then nobody is told.
            let _ = reply.send(errand(clerk));
        }))?;
        answer.await.map_err(|_| StorageError::Stopped)?
    }

    fn push(&self, errand: Errand) -> Result<(), EditError> {
        let errands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let errands = errands.as_ref().ok_or(StorageError::Stopped)?;
        errands.try_send(errand).map_err(|e| match e {
            TrySendError::Full(_) => EditError::Busy,
            TrySendError::Disconnected(_) => StorageError::Stopped.into(),
        })
    }
}

/// Everything that the clerk's thread owns.
pub(crate) struct Clerk {
    pub(crate) reader: Reader,
    pub(crate) commits: CommitQueue,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Clerk {
    /// Runs errands until the queue is closed.
    pub(crate) fn run(&self, inbox: &Receiver<Errand>) {
        for errand in inbox {
            errand(self);
        }
    }

    pub(crate) fn keys(&self) -> &Keyring {
        &self.reader.keys
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Reads; what cannot be read fails the store.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Reader) -> Result<T, StorageError>) -> Result<T, StorageError> {
        self.reader.told(read(&self.reader))
    }

    /// Writes, and waits until it is on stable storage.
    pub(crate) fn commit(&self, rows: Vec<Row>) -> Result<(), EditError> {
        let promise = self.commits.promise(Lane::Webhooks, Work::Rows(rows)).map_err(|_| EditError::Busy)?;
        Ok(promise.kept_blocking()?)
    }
}

impl Storage {
    /// Carries out an edit; it is on stable storage when this returns. Which tags it touched, the new ones included: an
    /// engine that runs has to be told of them.
    pub async fn edit(&self, edit: Edit) -> Result<Vec<TagId>, EditError> {
        self.face.errands.ask(move |clerk| clerk.edit(&edit)).await
    }

    /// What the machine of a tag is to be configured with, behind all edits so far; `None` when the tag is unknown.
    pub async fn tag_config(&self, tag: TagId) -> Result<Option<TagConfig>, EditError> {
        self.face.errands.ask(move |clerk| Ok(clerk.read(|r| r.tag_config(tag))?)).await
    }

    /// Tags as an operator sees them; those that are unknown are left out.
    pub async fn tag_cards(&self, tags: Vec<TagId>) -> Result<Vec<TagCard>, EditError> {
        let cards = move |r: &Reader| tags.iter().filter_map(|&tag| r.tag_card(tag).transpose()).collect();
        self.face.errands.ask(move |clerk| Ok(clerk.read(cards)?)).await
    }

    /// An owner as an operator sees one.
    pub async fn owner_card(&self, owner: OwnerId) -> Result<Option<OwnerCard>, EditError> {
        self.face.errands.ask(move |clerk| Ok(clerk.read(|r| r.owner_card(owner))?)).await
    }

    /// A session as an operator sees one.
    pub async fn session_card(&self, session: SessionId) -> Result<Option<SessionCard>, EditError> {
        self.face.errands.ask(move |clerk| Ok(clerk.read(|r| r.session_card(session))?)).await
    }

    /// A tag's latest scans of this time, `most` at most, the latest first; those of the last half second may not be there
    /// yet. All scans of all tags of that time are read, so ask for an hour at a time: others who want something come in
    /// between.
    pub async fn scans_of(
        &self,
        tag: TagId,
        time: Range<Timestamp>,
        most: usize,
    ) -> Result<Vec<ScanRecord>, EditError> {
        self.face.errands.ask(move |clerk| Ok(clerk.read(|r| r.scans_of(tag, &time, most))?)).await
    }

    /// Who has this address or number, the one who has had it longest first; 100 at most.
    pub async fn owners_at(&self, contact: Contact) -> Result<Vec<OwnerId>, EditError> {
        let holders = move |r: &Reader| r.holders(&contact.hash(&r.keys)?);
        self.face.errands.ask(move |clerk| Ok(clerk.read(holders)?)).await
    }
}
