//! Whether a row can be read by those who serve from it.

use qnect_core::tag::OwnerId;
use qnect_core::time::Timestamp;

use crate::chores::Chore;
use crate::codec::{FORMAT, Head, OwnerRow, TagRow, decode_session, from_bytes, unpack_scans};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::layout::{HEAD_KEY, OPEN_NOTES, Space};
use crate::recent;

/// Reads a row as the readers do; what is sealed is opened as well, unless its owner was erased.
pub(crate) fn legible(space: Space, key: &[u8], value: &[u8], keys: &Keyring) -> Result<(), StorageError> {
    let wrong = |what| Err(StorageError::Unreadable { keyspace: space.name(), what });
    match space {
        Space::Tags => {
            from_bytes::<TagRow>(space, value)?.status()?;
            if key.len() == 8 { Ok(()) } else { wrong(KEY_LENGTH) }
        }
        Space::Owners => {
            let row: OwnerRow = from_bytes(space, value)?;
            let Ok(id) = key.try_into() else { return wrong(KEY_LENGTH) };
            let owner = OwnerId(u64::from_be_bytes(id));
            if let Some(key) = keys.data_key(owner) {
                row.profile(owner, &key)?;
                row.card(owner, &key, Vec::new())?;
            }
            Ok(())
        }
        Space::Vehicles if key.len() != 8 => wrong(KEY_LENGTH),
        Space::Vehicles => match value.split_first() {
            Some((&FORMAT, _)) => Ok(()),
            Some(_) => wrong("its format version is unknown"),
            None => wrong("it is empty"),
        },
        Space::OwnerTags if key.len() != 16 => wrong(KEY_LENGTH),
        Space::Index if key.len() != 25 => wrong(KEY_LENGTH),
        Space::Index if value.len() != 8 => wrong("its value has another length"),
        Space::OwnerTags | Space::Index => Ok(()),
        Space::Sessions => decode_session(key, value, keys).map(drop),
        Space::Scans => match key.first_chunk() {
            Some(earliest) if key.len() == 18 => {
                unpack_scans(Timestamp::from_millis(u64::from_be_bytes(*earliest)), value).map(drop)
            }
            Some(_) | None => wrong(KEY_LENGTH),
        },
        Space::Head if key != HEAD_KEY => wrong("its key is unknown"),
        Space::Head => from_bytes::<Head>(space, value).map(drop),
        Space::Chores => Chore::read(key, keys).map(drop),
        Space::Recent if key.first() == Some(&OPEN_NOTES) => match key.len() {
            11 => recent::unpack(value).map(drop),
            _ => wrong(KEY_LENGTH),
        },
        // Of a session that has ended; of one that was open, in older forms.
        Space::Recent if matches!(key.len(), 26 | 33) => Ok(()),
        Space::Recent => wrong(KEY_LENGTH),
    }
}

const KEY_LENGTH: &str = "its key has another length";
