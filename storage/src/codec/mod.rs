//! Stored values: one byte of format version, then CBOR with numbered fields. Numbers are never used twice; a new field
//! gets a new number, so that a newer version reads what an older one wrote.

mod head;
mod owner;
mod scan;
mod session;
mod tag;
mod witness;

pub(crate) use head::{FOLDER_FORMAT, Head};
pub(crate) use owner::OwnerRow;
pub(crate) use scan::{pack_scans, unpack_scans, unpack_scans_of};
pub(crate) use session::{decode_session, encode_session, session_id};
pub(crate) use tag::TagRow;
pub(crate) use witness::{Touched, Witness};

use crate::error::StorageError;
use crate::layout::Space;

/// The version that all values carry so far.
pub(crate) const FORMAT: u8 = 1;

pub(crate) fn to_bytes<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    // Writing to a Vec cannot fail, and none of our values refuses to be encoded.
    if minicbor::encode(value, &mut bytes).is_err() {
        unreachable!("a value of our own did not encode");
    }
    bytes
}

pub(crate) fn from_bytes<'b, T: minicbor::Decode<'b, ()>>(space: Space, bytes: &'b [u8]) -> Result<T, StorageError> {
    let unreadable = |what| StorageError::Unreadable { keyspace: space.name(), what };
    match bytes.split_first() {
        Some((&FORMAT, cbor)) => minicbor::decode(cbor).map_err(|_| unreadable("its fields are damaged")),
        Some(_) => Err(unreadable("its format version is unknown")),
        None => Err(unreadable("it is empty")),
    }
}
