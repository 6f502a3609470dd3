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

    /// The country calling code.
    pub fn calling_code(&self) -> u16 {
        calling_code(self.0)
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

/// The country calling code that `digits` begin with (ITU-T E.164, annex: one, two or three digits; no code begins
/// another).
pub(crate) fn calling_code(digits: u64) -> u16 {
    const TWO_DIGITS: [u16; 44] = [
        20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61,
        62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
    ];
    let mut leading = digits;
    while leading >= 1_000 {
        leading /= 10;
    }
    let three = leading as u16;
    match (three / 100, three / 10) {
        (one @ (1 | 7), _) => one,
        (_, two) if TWO_DIGITS.contains(&two) => two,
        _ => three,
    }
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
    fn numbers_know_their_country() {
        let code = |text| Phone::parse(text).unwrap().calling_code();
        let numbers = ["+919800000017", "+15557122661", "+447700900000", "+971500000000", "+79000000000"];
        assert_eq!(numbers.map(code), [91, 1, 44, 971, 7]);
    }

    #[test]
    fn debug_shows_two_digits() {
        assert_eq!(format!("{:?}", Phone::parse("+919800000017").unwrap()), "Phone(+******17)");
    }
}
