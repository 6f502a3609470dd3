//! A secret that can be used and never printed.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// What stands in place of a secret wherever one would be printed.
pub(super) const HIDDEN: &str = "[hidden]";
/// What stands in the example where a value of one's own must.
const PLACEHOLDER: &str = "...";
/// A shorter secret can be guessed.
const CHARS_MIN: usize = 16;

/// What is wrong with a text as a secret; never quotes it.
pub(super) fn fault(text: &str) -> Option<String> {
    match text.trim() {
        "" => Some("is empty".to_owned()),
        HIDDEN => Some("is what `config show` prints in place of a secret".to_owned()),
        PLACEHOLDER => Some("is the example's placeholder".to_owned()),
        secret if secret.chars().count() < CHARS_MIN => Some(format!("is shorter than {CHARS_MIN} characters")),
        _ => None,
    }
}

/// Whether a text is a placeholder of the example: `MA...`
pub(super) fn is_placeholder(text: &str) -> bool {
    text.ends_with(PLACEHOLDER)
}

/// One secret, or two during a rotation: we sign with the first, and accept what either signed.
/// `Debug`, `Display` and `Serialize` say `[hidden]`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "OneOrTwo")]
pub struct Secret {
    signing: String,
    other: Option<String>,
}

impl Secret {
    /// A secret outside a rotation.
    pub fn new(text: impl Into<String>) -> Self {
        Self { signing: text.into(), other: None }
    }

    /// All whose signatures we accept: one or two, the signing one first.
    pub fn accepted(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.signing.as_str()).chain(self.other.as_deref())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.other {
            None => serializer.serialize_str(HIDDEN),
            Some(_) => [HIDDEN, HIDDEN].serialize(serializer),
        }
    }
}

/// The two ways to write it. An untagged enum, because its errors don't repeat the value.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrTwo {
    One(String),
    List(Vec<String>),
}

impl TryFrom<OneOrTwo> for Secret {
    type Error = &'static str;

    fn try_from(written: OneOrTwo) -> Result<Self, Self::Error> {
        let texts = match written {
            OneOrTwo::One(text) => vec![text],
            OneOrTwo::List(texts) => texts,
        };
        let mut texts = texts.into_iter();
        match (texts.next(), texts.next(), texts.next()) {
            (Some(signing), other, None) => Ok(Self { signing, other }),
            _ => Err("a secret is one text or a list of at most two"),
        }
    }
}
