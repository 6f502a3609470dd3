//! Whom an owner does not want to hear from again, without anybody's number.

use std::sync::Arc;

use crate::caller::BlockToken;

/// Callers that one owner may block; the next one is refused until some are let through again.
pub const BLOCKED_CALLERS_MAX: usize = 256;

/// The list is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockedCallersFull;

/// An owner's blocked callers, each of them once; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockedCallers(Arc<[BlockToken]>);

impl BlockedCallers {
    /// Those that a record held.
    pub fn of(tokens: Vec<BlockToken>) -> Self {
        Self(tokens.into())
    }

    /// Whether the caller of this name is blocked; takes as long for each of them.
    pub fn include(&self, caller: &BlockToken) -> bool {
        self.0.iter().fold(false, |found, blocked| found | blocked.same(caller))
    }

    /// The list with one caller more; the same one when it is there already.
    pub fn with(&self, caller: BlockToken) -> Result<Self, BlockedCallersFull> {
        if self.include(&caller) {
            return Ok(self.clone());
        }
        if self.len() >= BLOCKED_CALLERS_MAX {
            return Err(BlockedCallersFull);
        }
        Ok(Self(self.0.iter().copied().chain([caller]).collect()))
    }

    /// The list without one caller.
    pub fn without(&self, caller: &BlockToken) -> Self {
        Self(self.0.iter().copied().filter(|blocked| !blocked.same(caller)).collect())
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is blocked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order in which they were blocked.
    pub fn iter(&self) -> impl Iterator<Item = &BlockToken> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(n: usize) -> BlockToken {
        let mut bytes = [7; BlockToken::BYTES];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        BlockToken::from_bytes(bytes)
    }

    #[test]
    fn a_caller_is_blocked_once_and_let_through_again() {
        let blocked = BlockedCallers::default().with(caller(1)).unwrap().with(caller(2)).unwrap();
        assert_eq!(blocked.with(caller(1)).unwrap(), blocked);
        assert!(blocked.include(&caller(1)) && blocked.include(&caller(2)) && !blocked.include(&caller(3)));
        assert_eq!(blocked.without(&caller(1)), BlockedCallers::of(vec![caller(2)]));
        assert_eq!(blocked.without(&caller(3)), blocked);
    }

    #[test]
    fn a_full_list_takes_nobody_new() {
        let full = BlockedCallers::of((0..BLOCKED_CALLERS_MAX).map(caller).collect());
        assert_eq!(full.with(caller(BLOCKED_CALLERS_MAX)), Err(BlockedCallersFull));
        assert_eq!(full.with(caller(0)), Ok(full.clone()), "who is on it already needs no room");
        assert!(full.without(&caller(9)).with(caller(BLOCKED_CALLERS_MAX)).is_ok());
    }
}
