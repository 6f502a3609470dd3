//! Access codes: the digits that a scanner's telephone dials after the number, the last of them a check digit.

use std::fmt;

/// Fewest digits of a code, the check digit included.
pub const DIGITS_MIN: u8 = 6;
/// Most digits of a code, the check digit included.
pub const DIGITS_MAX: u8 = 9;
/// A number carries at most one open session for each so many of its codes, so that guessing one is hopeless.
pub const CODES_PER_SESSION: u32 = 10_000;

/// Why digits are no access code. The caller hears the same for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeError {
    /// Another number of digits than the intermediary number's codes have, or something that is no digit.
    Form,
    /// The check digit is wrong: a key was missed, doubled or mistaken.
    CheckDigit,
}

/// An access code of 6 to 9 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccessCode {
    value: u32,
    digits: u8,
}

impl AccessCode {
    /// How many codes of `digits` digits exist.
    pub fn count(digits: u8) -> u32 {
        10u32.pow(u32::from(digits.clamp(DIGITS_MIN, DIGITS_MAX)) - 1)
    }

    /// The code number `index` (modulo [`AccessCode::count`]) with its check digit appended.
    pub fn from_index(index: u32, digits: u8) -> Self {
        let digits = digits.clamp(DIGITS_MIN, DIGITS_MAX);
        let body = index % Self::count(digits);
        Self { value: body * 10 + u32::from(damm(body, digits - 1)), digits }
    }

    /// Reads what was keyed on a number whose codes have `digits` digits.
    pub fn read(keyed: &str, digits: u8) -> Result<Self, CodeError> {
        if keyed.len() != usize::from(digits) || !keyed.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CodeError::Form);
        }
        let value: u32 = keyed.parse().map_err(|_| CodeError::Form)?;
        let code = Self::from_index(value / 10, digits);
        if code.value == value { Ok(code) } else { Err(CodeError::CheckDigit) }
    }

    /// How many digits the code has.
    pub fn digits(self) -> u8 {
        self.digits
    }

    /// The digits as a number, for the record.
    pub fn value(self) -> u32 {
        self.value
    }
}

impl fmt::Display for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.value, width = usize::from(self.digits))
    }
}

impl fmt::Debug for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessCode({} digits)", self.digits)
    }
}

/// The totally anti-symmetric quasigroup of order 10 from H. M. Damm's dissertation (2004): its check digit finds
/// every single wrong digit and every swap of neighbours.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

fn damm(body: u32, digits: u8) -> u8 {
    (0..u32::from(digits)).rev().fold(0, |row, i| DAMM[usize::from(row)][(body / 10u32.pow(i) % 10) as usize])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_example_holds() {
        assert_eq!(damm(572, 3), 4);
    }

    proptest! {
        #[test]
        fn a_slip_of_a_key_is_noticed(index: u32, digits in DIGITS_MIN..=DIGITS_MAX, at in 0usize..9, by in 1u8..10) {
            let code = AccessCode::from_index(index, digits).to_string();
            prop_assert_eq!(AccessCode::read(&code, digits).unwrap().to_string(), code.clone());
            let at = at % code.len();
            let mut slipped = code.clone().into_bytes();
            slipped[at] = b'0' + (slipped[at] - b'0' + by) % 10;
            let slipped = String::from_utf8(slipped).unwrap();
            prop_assert_eq!(AccessCode::read(&slipped, digits), Err(CodeError::CheckDigit));
        }

        #[test]
        fn swapped_neighbours_are_noticed(index: u32, digits in DIGITS_MIN..=DIGITS_MAX, at in 0usize..8) {
            let code = AccessCode::from_index(index, digits).to_string();
            let at = at % (code.len() - 1);
            let mut swapped = code.clone().into_bytes();
            swapped.swap(at, at + 1);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert!(swapped == code || AccessCode::read(&swapped, digits) == Err(CodeError::CheckDigit));
        }
    }

    #[test]
    fn missing_doubled_and_foreign_keys_are_a_matter_of_form() {
        for keyed in ["", "123456", "12345678", "12345#7", "+123456"] {
            assert_eq!(AccessCode::read(keyed, 7), Err(CodeError::Form), "{keyed:?}");
        }
    }
}
