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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{from_bytes, to_bytes};

    /// What the first version wrote: fields 0 to 2 alone.
    const OLD_ROW: [u8; 17] = [1, 0xa3, 0, 1, 1, 0x18, 0x4d, 2, 0x1b, 0, 0, 0x01, 0x9a, 0xa3, 0xb5, 0xec, 0];

    #[test]
    fn a_row_of_the_first_version_is_read_and_no_appeal_takes_no_room() {
        let old: TagRow = from_bytes(Space::Tags, &OLD_ROW).unwrap();
        assert_eq!((old.status().unwrap(), old.owner()), (TagStatus::Active, Some(OwnerId(77))));
        assert_eq!((old.minted_at().as_millis(), old.appealed_at()), (1_763_683_200_000, None));
        assert_eq!(to_bytes(&old), OLD_ROW);
    }

    #[test]
    fn an_appeal_is_read_back_beside_what_there_was() {
        let mut row = TagRow::new(TagStatus::Suspended, Some(OwnerId(77)), 5);
        row.appeal(Timestamp::from_millis(9));
        let read: TagRow = from_bytes(Space::Tags, &to_bytes(&row)).unwrap();
        assert_eq!(read.appealed_at(), Some(Timestamp::from_millis(9)));
        assert_eq!((read.status().unwrap(), read.owner()), (TagStatus::Suspended, Some(OwnerId(77))));
        assert_eq!(read.minted_at(), Timestamp::from_millis(5));
    }
}
