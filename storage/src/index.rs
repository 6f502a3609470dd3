//! The blind index: whose an address of e-mail or a number is, found by a keyed hash of it. Several owners may have the
//! same (one person may have registered twice, a family may share a telephone), so the owner is part of the key, and no
//! newcomer takes an entry away from those who had it before.

use hmac::{Hmac, KeyInit, Mac};
use qnect_core::caller::CallerRoot;
use qnect_core::phone::Phone;
use qnect_core::tag::OwnerId;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::layout::{Row, Space, owner_key};
use crate::read::Reader;

const EMAIL: u8 = 0;
const PHONE: u8 = 1;
/// Holders of one address or number that are looked at; those beyond are not found by it.
pub const HOLDERS_MAX: usize = 100;

/// The kind and the hash of what is indexed.
pub(crate) type Hash = [u8; 17];

/// By what an owner is found.
pub enum Contact {
    /// An address of e-mail; case does not matter.
    Email(String),
    /// A telephone number.
    Phone(Phone),
}

impl Contact {
    pub(crate) fn hash(&self, keys: &Keyring) -> Result<Hash, StorageError> {
        match self {
            Self::Email(email) => Ok(email_hash(keys, email)),
            Self::Phone(phone) => phone_hash(keys, phone),
        }
    }
}

/// An owner's entry.
pub(crate) struct Entry {
    pub(crate) hash: Hash,
    pub(crate) owner: OwnerId,
}

impl Entry {
    pub(crate) fn put(&self, since_ms: u64) -> Row {
        Row::put(Space::Index, self.key(), since_ms.to_be_bytes())
    }

    pub(crate) fn gone(&self) -> Row {
        Row::gone(Space::Index, self.key())
    }

    fn key(&self) -> Vec<u8> {
        [&self.hash[..], &owner_key(self.owner)].concat()
    }
}

pub(crate) fn email_hash(keys: &Keyring, email: &str) -> Hash {
    hash(keys, EMAIL, Zeroizing::new(email.trim().to_lowercase()).as_bytes())
}

/// The caller root, and not the number, is what a call of the owner's own telephone is looked up by.
pub(crate) fn phone_hash(keys: &Keyring, phone: &Phone) -> Result<Hash, StorageError> {
    let spelled = Zeroizing::new(phone.reveal().to_string());
    let root = keys.roots().caller(&spelled).map_err(|_| StorageError::Stopped)?;
    Ok(caller_hash(keys, &root))
}

pub(crate) fn caller_hash(keys: &Keyring, root: &CallerRoot) -> Hash {
    hash(keys, PHONE, root.as_bytes())
}

fn hash(keys: &Keyring, kind: u8, value: &[u8]) -> Hash {
    let mut block = [0; 64];
    block[..32].copy_from_slice(keys.index_key());
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(&[kind]);
    mac.update(value);
    let whole = mac.finalize().into_bytes();
    let mut hash = [kind; 17];
    hash[1..].copy_from_slice(&whole[..16]);
    hash
}

impl Reader {
    /// Who has this, the one who has had it longest first; erased people are nobody any more.
    pub(crate) fn holders(&self, hash: &Hash) -> Result<Vec<OwnerId>, StorageError> {
        let mut holders = Vec::new();
        for row in self.spaces.get(Space::Index).prefix(hash).take(HOLDERS_MAX) {
            let (key, since) = row.into_inner()?;
            let what = "its key or value has another length";
            let unreadable = || StorageError::Unreadable { keyspace: Space::Index.name(), what };
            let owner: [u8; 8] = key[hash.len()..].try_into().map_err(|_| unreadable())?;
            let since: [u8; 8] = since.as_ref().try_into().map_err(|_| unreadable())?;
            let owner = OwnerId(u64::from_be_bytes(owner));
            if self.keys.data_key(owner).is_some() {
                holders.push((u64::from_be_bytes(since), owner));
            }
        }
        holders.sort_unstable();
        Ok(holders.into_iter().map(|(_, owner)| owner).collect())
    }
}
