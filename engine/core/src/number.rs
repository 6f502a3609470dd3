//! Intermediary numbers: ours, public, and the only ones that either side ever sees.

use crate::phone::{PhoneError, calling_code, parse_e164};

/// A number that we rent at a provider. It is printed, dialled and shown freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntermediaryNumber(u64);

impl IntermediaryNumber {
    /// Reads E.164, with or without the plus sign.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        parse_e164(text).map(Self)
    }

    /// The country calling code.
    pub fn calling_code(self) -> u16 {
        calling_code(self.0)
    }

    /// The digits without a plus sign.
    pub fn digits(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for IntermediaryNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+{}", self.0)
    }
}

/// What an owner's telephone displays. It can be made only from one of our numbers, so that no leg can be dialled
/// that shows the scanner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerId(IntermediaryNumber);

impl CallerId {
    /// The caller id that shows `number`.
    pub fn new(number: IntermediaryNumber) -> Self {
        Self(number)
    }

    /// The number that is shown.
    pub fn number(self) -> IntermediaryNumber {
        self.0
    }
}
