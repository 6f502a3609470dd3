//! The parameters of a webhook as text. Only those that are asked for are ever looked at: names, places and costs of the
//! caller stay where they are and are overwritten with the rest.

use crate::form::Form;
use crate::request::ParseError;

/// A webhook's parameters.
pub(super) struct Fields(Form);

impl Fields {
    /// Reads a body of at most `parameters_max` parameters.
    pub(super) fn read(body: &[u8], parameters_max: usize) -> Result<Self, ParseError> {
        Form::read(body, parameters_max).map(Self).ok_or(ParseError::TooManyParameters)
    }

    /// The first value of `name` without spaces around it, empty when there is none. A plus sign that the sender forgot to
    /// escape arrives as such a space.
    pub(super) fn text(&self, name: &str) -> Result<&str, ParseError> {
        let value = self.0.get(name).unwrap_or_default();
        let text = std::str::from_utf8(value).map_err(|_| ParseError::NotUtf8)?;
        Ok(text.trim())
    }

    /// A value from a closed list, as its lower-case letters and digits: Plivo writes `no-answer`, `NO_ANSWER` and
    /// `No Answer` in different places.
    pub(super) fn word(&self, name: &str) -> Result<String, ParseError> {
        let text = self.text(name)?;
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        Ok(letters.map(|c| c.to_ascii_lowercase()).collect())
    }

    /// Whether a parameter tells of a recording. We never ask for one, so somebody did behind our back.
    pub(super) fn tells_of_recording(&self) -> bool {
        let names = ["RecordUrl", "RecordingUrl", "RecordFile", "RecordingID"];
        self.0
            .pairs()
            .any(|(name, value)| !value.is_empty() && names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(name)))
    }
}
