//! An owner's telephone number: it leaves only to reach its own holder.

use zeroize::Zeroize;

/// Why a text is no telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// A character that is neither a digit nor a leading plus sign.
    #[error("a telephone number is a plus sign and digits, such as +91 and ten digits, without spaces")]
    Form,
    /// Fewer than 8 or more than 15 digits, or a leading zero (ITU-T E.164).
    #[error("an international telephone number has 8 to 15 digits and does not begin with 0")]
    Length,
}

/// A number in E.164, as a number of 8 to 15 digits. No `Display`, no serialisation; `Debug` shows two digits; the
/// memory is overwritten on drop. [`Phone::reveal`] is the only way out, and a test counts who calls it.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(u64);

impl Phone {
    /// Reads `+911140000001` or, as providers write it, `911140000001`.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        parse_e164(text).map(Self)
    }

    /// Reads back the digits that [`Phone::reveal`] gave.
    pub fn from_digits(digits: u64) -> Result<Self, PhoneError> {
        in_range(digits).map(Self)
    }

    /// The digits, for two uses only: an instruction to the provider that carries the call to this very number, and
    /// sealing before storage.
    pub fn reveal(&self) -> u64 {
        self.0
    }

    /// Whether the number begins with `prefix`, such as `+91`.
    pub fn has_prefix(&self, prefix: &str) -> bool {
        let mut digits = self.0.to_string();
        let matches = digits.starts_with(prefix.trim_start_matches('+'));
        digits.zeroize();
        matches
    }

    /// What people may see of it: the last two digits.
    pub fn masked(&self) -> String {
        format!("+******{:02}", self.0 % 100)
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

/// Reads E.164 digits with or without the leading plus sign.
pub(crate) fn parse_e164(text: &str) -> Result<u64, PhoneError> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(PhoneError::Form);
    }
    if digits.starts_with('0') || digits.len() > 15 {
        return Err(PhoneError::Length);
    }
    in_range(digits.parse().map_err(|_| PhoneError::Length)?)
}

fn in_range(digits: u64) -> Result<u64, PhoneError> {
    if (10_000_000..=999_999_999_999_999).contains(&digits) { Ok(digits) } else { Err(PhoneError::Length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_number() {
        assert_eq!(Phone::parse("+919800000017").unwrap(), Phone::parse("919800000017").unwrap());
    }

    #[test]
    fn bad_numbers_are_named() {
        assert_eq!(Phone::parse("+91 98"), Err(PhoneError::Form));
        assert_eq!(Phone::parse("+"), Err(PhoneError::Form));
        assert_eq!(Phone::parse("1234567"), Err(PhoneError::Length));
        assert_eq!(Phone::parse("0919800000017"), Err(PhoneError::Length));
        assert_eq!(Phone::parse("1234567890123456"), Err(PhoneError::Length));
    }

    #[test]
    fn debug_shows_two_digits() {
        assert_eq!(format!("{:?}", Phone::parse("+919800000017").unwrap()), "Phone(+******17)");
    }
}
