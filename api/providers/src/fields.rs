//! The parameters of a webhook as text. Only those that are asked for are ever looked at: names, places and costs of the
//! caller stay where they are and are overwritten with the rest.

use qnect_core::caller::{CallingParty, RootKey};

use crate::form::Form;
use crate::request::ParseError;

/// Most digits that are taken from what a caller keyed. More than any access code has, so a longer run stays wrong.
const KEYED_DIGITS_MAX: usize = 16;

/// Words that networks send in place of a withheld number, spelt on the keys of a telephone: anonymous, unavailable,
/// restricted. Shorter ones (unknown, private, blocked) are no numbers anyway.
const WITHHELD: [&str; 3] = ["266696687", "86282452253", "7378742833"];

/// A webhook's parameters.
pub(crate) struct Fields(Form);

impl Fields {
    /// Reads a body of at most `parameters_max` parameters.
    pub(crate) fn read(body: &[u8], parameters_max: usize) -> Result<Self, ParseError> {
        Form::read(body, parameters_max).map(Self).ok_or(ParseError::TooManyParameters)
    }

    /// The first value of `name` without spaces around it, empty when there is none. A plus sign that the sender forgot to
    /// escape arrives as such a space.
    pub(crate) fn text(&self, name: &str) -> Result<&str, ParseError> {
        let value = self.0.get(name).unwrap_or_default();
        let text = std::str::from_utf8(value).map_err(|_| ParseError::NotUtf8)?;
        Ok(text.trim())
    }

    /// A value from a closed list, as its lower-case letters and digits: the same word is written `no-answer`, `NO_ANSWER`
    /// and `No Answer` in different places.
    pub(crate) fn word(&self, name: &str) -> Result<String, ParseError> {
        let text = self.text(name)?;
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        Ok(letters.map(|c| c.to_ascii_lowercase()).collect())
    }

    /// The digits of what was keyed, at most [`KEYED_DIGITS_MAX`].
    pub(crate) fn digits(&self, name: &str) -> Result<String, ParseError> {
        let digits = self.text(name)?.chars().filter(char::is_ascii_digit);
        Ok(digits.take(KEYED_DIGITS_MAX).collect())
    }

    /// Who calls, by the parameter that names the number. Whatever is no number (a word, a SIP address, bytes in a wrong
    /// encoding) is a withheld one.
    pub(crate) fn caller(&self, name: &str, root: &RootKey) -> CallingParty {
        let from = self.text(name).unwrap_or_default();
        if WITHHELD.contains(&from.trim_start_matches('+')) {
            return CallingParty::Withheld;
        }
        root.caller(from).map_or(CallingParty::Withheld, CallingParty::Known)
    }

    /// Whether a parameter tells of a recording. We never ask for one, so somebody did behind our back.
    pub(crate) fn tells_of_recording(&self) -> bool {
        let names = ["RecordUrl", "RecordingUrl", "RecordFile", "RecordingID", "RecordingSid", "TranscriptionText"];
        self.0
            .pairs()
            .any(|(name, value)| !value.is_empty() && names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(name)))
    }
}
