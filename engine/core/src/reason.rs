//! Why a stranger wants to reach an owner: a closed list, no free text.

/// A reason to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// The car blocks the way.
    Blocking = 0,
    /// Its lights are on.
    LightsOn = 1,
    /// A window is open.
    WindowOpen = 2,
    /// It is damaged.
    Damage = 3,
    /// Anything else.
    Other = 4,
    /// It is about to be towed. Urgent.
    Towing = 5,
    /// A child or an animal is inside. Urgent.
    ChildOrPet = 6,
    /// An emergency. Urgent.
    Emergency = 7,
}

impl Reason {
    /// All reasons, in the order in which pages show them.
    pub const ALL: [Self; 8] = [
        Self::Blocking,
        Self::LightsOn,
        Self::WindowOpen,
        Self::Damage,
        Self::Other,
        Self::Towing,
        Self::ChildOrPet,
        Self::Emergency,
    ];

    /// The fixed id of the public interface.
    pub fn id(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::LightsOn => "lights_on",
            Self::WindowOpen => "window_open",
            Self::Damage => "damage",
            Self::Other => "other",
            Self::Towing => "towing",
            Self::ChildOrPet => "child_or_pet",
            Self::Emergency => "emergency",
        }
    }

    /// Reads an id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.id() == id)
    }

    /// Urgent reasons have a ring budget of their own, so that pranks cannot use it up.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::Towing | Self::ChildOrPet | Self::Emergency)
    }
}

/// A set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ReasonSet(u8);

impl ReasonSet {
    /// The urgent reasons.
    pub const URGENT: Self = Self(0b1110_0000);

    /// The set that [`ReasonSet::bits`] described.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// One bit for each reason.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether `reason` is in the set.
    pub fn contains(self, reason: Reason) -> bool {
        self.0 & 1 << reason as u8 != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reasons of the set, in page order.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |&r| self.contains(r))
    }
}

impl FromIterator<Reason> for ReasonSet {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        Self(reasons.into_iter().fold(0, |bits, r| bits | 1 << r as u8))
    }
}
