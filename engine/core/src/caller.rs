//! Who is calling, without a number: keyed hashes that die with their keys.

use hmac::Mac;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::mac::{PreparedMac, prepare};
use crate::phone::{PhoneError, parse_e164};

/// The key under which callers' numbers are hashed, at the doors and nowhere else.
#[derive(Clone)]
pub struct RootKey(PreparedMac);

impl RootKey {
    /// A root key from 32 derived bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(prepare(key))
    }

    /// Hashes a calling number as a provider spells it; the number itself stays on the stack of this call.
    pub fn caller(&self, number: &str) -> Result<CallerRoot, PhoneError> {
        let mut digits = parse_e164(number)?.to_be_bytes();
        let mut mac = self.0.clone();
        mac.update(&digits);
        digits.zeroize();
        Ok(CallerRoot(mac.finalize().into_bytes().into()))
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(hidden)")
    }
}

/// HMAC(root key, E.164) of a caller: never stored, only the source of tokens.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CallerRoot([u8; 32]);

impl CallerRoot {
    /// The bytes, to derive tokens from.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for CallerRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallerRoot(hidden)")
    }
}

/// A caller's name for one day: HMAC(day key, root). Two days cannot be linked once a day key is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DayToken([u8; 16]);

impl DayToken {
    /// Wraps a token that storage derived, or that a record held.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, as records hold them.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether two tokens name one caller, in constant time.
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for DayToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DayToken(hidden)")
    }
}

/// A caller's name with one owner, for as long as that owner's key lives: HMAC(the owner's block key, root). Two owners
/// cannot find out that the same caller called them, and an erased owner's names are nobody's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BlockToken([u8; 16]);

impl BlockToken {
    /// How long one is, as records hold it.
    pub const BYTES: usize = 16;

    /// Wraps a token that storage derived, or that a record held.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, as records hold them.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Whether two tokens name one caller, in constant time.
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for BlockToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BlockToken(hidden)")
    }
}

/// A caller as a provider's parser hands it in.
#[derive(Debug, Clone)]
pub enum CallingParty {
    /// The provider told a number, of which this is left.
    Known(CallerRoot),
    /// The caller withheld the number.
    Withheld,
}

impl CallingParty {
    /// What is left of the number, unless it was withheld.
    pub fn root(&self) -> Option<&CallerRoot> {
        match self {
            Self::Known(root) => Some(root),
            Self::Withheld => None,
        }
    }
}

/// A caller's names: of today and of yesterday, so that nobody is a stranger because midnight has passed, and the one that
/// the owner of the tag knows whom it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerTokens {
    /// The name that is remembered from now on.
    pub today: DayToken,
    /// What was remembered before midnight; `None` when that day's key is gone.
    pub yesterday: Option<DayToken>,
    /// What the owner may block; `None` as long as nobody knows whom the caller wants, or when that owner was erased.
    pub for_owner: Option<BlockToken>,
}

impl CallerTokens {
    /// Whether `token` names this caller, in constant time for each of the two names.
    pub fn include(&self, token: &DayToken) -> bool {
        self.today.same(token) | self.yesterday.is_some_and(|yesterday| yesterday.same(token))
    }
}

/// A caller as the machines see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// One caller.
    Known(CallerTokens),
    /// A caller without a number: no token, no lock, no caller limit, no block; one try a call, and one budget for all of
    /// them at a tag.
    Withheld,
}

impl Caller {
    /// Today's token, unless the number was withheld.
    pub fn token(self) -> Option<DayToken> {
        match self {
            Self::Known(tokens) => Some(tokens.today),
            Self::Withheld => None,
        }
    }

    /// The name that the owner may block, unless the number was withheld.
    pub fn for_owner(self) -> Option<BlockToken> {
        match self {
            Self::Known(tokens) => tokens.for_owner,
            Self::Withheld => None,
        }
    }

    /// The same caller, once it is known whom the call is for: `name` is the one with that owner.
    pub fn named_for_owner(self, name: Option<BlockToken>) -> Self {
        match self {
            Self::Known(tokens) => Self::Known(CallerTokens { for_owner: name, ..tokens }),
            Self::Withheld => Self::Withheld,
        }
    }
}
