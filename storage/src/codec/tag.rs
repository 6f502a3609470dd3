//! A stored tag.

use minicbor::{Decode, Encode};
use qnect_core::tag::{OwnerId, TagStatus};
use qnect_core::time::Timestamp;

use crate::error::StorageError;
use crate::layout::Space;

/// A tag as stored; its bits stand in the key.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct TagRow {
    #[n(0)]
    status: u8,
    #[n(1)]
    owner: Option<u64>,
    #[n(2)]
    minted_at_ms: u64,
    /// Absent: never.
    #[n(3)]
    appealed_at_ms: Option<u64>,
}

impl TagRow {
    pub(crate) fn new(status: TagStatus, owner: Option<OwnerId>, minted_at_ms: u64) -> Self {
        Self { status: status as u8, owner: owner.map(|o| o.0), minted_at_ms, appealed_at_ms: None }
    }

    pub(crate) fn minted_at(&self) -> Timestamp {
        Timestamp::from_millis(self.minted_at_ms)
    }

    pub(crate) fn appealed_at(&self) -> Option<Timestamp> {
        self.appealed_at_ms.map(Timestamp::from_millis)
    }

    pub(crate) fn appeal(&mut self, at: Timestamp) {
        self.appealed_at_ms = Some(at.as_millis());
    }

    pub(crate) fn set_status(&mut self, status: TagStatus) {
        self.status = status as u8;
    }

    pub(crate) fn owner(&self) -> Option<OwnerId> {
        self.owner.map(OwnerId)
    }

    pub(crate) fn status(&self) -> Result<TagStatus, StorageError> {
        [TagStatus::Minted, TagStatus::Active, TagStatus::Suspended, TagStatus::Retired]
            .into_iter()
            .find(|&s| s as u8 == self.status)
            .ok_or(StorageError::Unreadable { keyspace: Space::Tags.name(), what: "its status is unknown" })
    }
}
