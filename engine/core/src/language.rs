//! Languages that the product speaks.

/// A language of prompts and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English, as spoken in India.
    #[default]
    English,
    /// Hindi.
    Hindi,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Hindi];

    /// The language tag (BCP 47, primary subtag).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Hindi => "hi",
        }
    }

    /// Reads a language tag; region subtags are ignored.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(primary))
    }
}

/// In which languages something is said on a line: in the caller's, or in all of them while it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Languages {
    /// In this one.
    Only(Language),
    /// In all, one after the other.
    Every,
}

impl Languages {
    /// The languages, in the order in which they are spoken.
    pub fn iter(self) -> impl Iterator<Item = Language> {
        Language::ALL.into_iter().filter(move |&language| self == Self::Every || self == Self::Only(language))
    }
}
