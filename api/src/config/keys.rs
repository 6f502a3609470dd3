//! Every key that we know, in one list: its place, the form of its value, whether its section needs it.

use super::kinds::Kind;

/// A known key.
pub(super) struct Key {
    /// Its full name; a key of `[[numbers]]` is `numbers.<name>`.
    pub(super) path: &'static str,
    /// The form and bounds of its value.
    pub(super) kind: Kind,
    /// Whether it must stand in its section when the section is there.
    pub(super) required: bool,
}

/// What a path in the table is.
pub(super) enum Entry {
    /// A table of keys or of further sections.
    Section,
    /// A list of tables.
    Sections,
    /// A key.
    Key(&'static Key),
    /// A section of a provider whose adapter does not exist yet.
    ProviderToCome,
    /// Nothing that we know.
    Unknown,
}

/// The providers whose names are known and whose adapters are not built yet.
pub(super) const PROVIDERS_TO_COME: [&str; 4] = ["exotel", "vonage", "telnyx", "jambonz"];

/// A budget or a number of points: 0 switches it off.
const BUDGET: Kind = Kind::Whole { min: 0, max: 1_000_000 };

/// In the order of the example file.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    optional("server.listen", Kind::Address),
    optional("server.ops_listen", Kind::Address),
    optional("server.public_base_url", Kind::Origin),
    optional("server.trusted_proxies", Kind::Networks),
    optional("server.control_socket", Kind::Path),
    required("tls.certificate_file", Kind::Path),
    required("tls.private_key_file", Kind::Path),
    optional("storage.data_dir", Kind::Path),
    optional("storage.key_file", Kind::Path),
    optional("storage.commit_records_max", Kind::Whole { min: 1, max: 65_536 }),
    optional("storage.commit_wait_microseconds", Kind::Whole { min: 0, max: 100_000 }),
    optional("storage.ballast_mebibytes", Kind::Whole { min: 0, max: 65_536 }),
    optional("storage.free_percent_min", Kind::Whole { min: 0, max: 50 }),
    optional("storage.memtable_kibibytes", Kind::Whole { min: 8, max: 65_536 }),
    optional("storage.clock_gap_days_max", Kind::Whole { min: 0, max: 36_500 }),
    optional("engine.tag_idle_seconds", Kind::Whole { min: 1, max: 86_400 }),
    optional("engine.active_tags_max", Kind::Whole { min: 1, max: 100_000_000 }),
    optional("engine.workers", Kind::Whole { min: 0, max: 1_024 }),
    optional("engine.tag_workers", Kind::Whole { min: 0, max: 1_023 }),
    optional("calls.allowed_prefixes", Kind::Prefixes),
    optional("calls.ring_seconds", Kind::Whole { min: 1, max: 120 }),
    optional("calls.talk_seconds", Kind::Whole { min: 1, max: 14_400 }),
    optional("calls.session_minutes", Kind::Whole { min: 1, max: 1_440 }),
    optional("calls.owner_caller_id", Kind::PhoneNumber),
    required("numbers.number", Kind::PhoneNumber),
    required("numbers.provider", Kind::Provider),
    optional("numbers.strategy", Kind::OneOf(&["access_code", "dedicated", "leased"])),
    optional("numbers.access_code_digits", Kind::Whole { min: 6, max: 9 }),
    required("providers.plivo.auth_id", Kind::Text),
    required("providers.plivo.auth_token", Kind::Secret),
    optional("providers.plivo.auth_token_file", Kind::SecretFile),
    optional("providers.plivo.api_base_url", Kind::BaseUrl),
    optional("providers.plivo.lines_max", Kind::Whole { min: 0, max: 100_000 }),
    optional("providers.plivo.calls_per_second", Kind::Whole { min: 0, max: 10_000 }),
    required("providers.twilio.account_sid", Kind::Text),
    required("providers.twilio.auth_token", Kind::Secret),
    optional("providers.twilio.auth_token_file", Kind::SecretFile),
    optional("providers.twilio.api_base_url", Kind::BaseUrl),
    optional("providers.twilio.lines_max", Kind::Whole { min: 0, max: 100_000 }),
    optional("providers.twilio.calls_per_second", Kind::Whole { min: 0, max: 10_000 }),
    optional("limits.tag_rings_per_hour", BUDGET),
    optional("limits.tag_urgent_rings_per_hour", BUDGET),
    optional("limits.tag_open_sessions_max", BUDGET),
    optional("limits.address_scans_per_minute", BUDGET),
    optional("limits.address_sessions_per_hour", BUDGET),
    optional("limits.caller_rings_per_hour", BUDGET),
    optional("limits.owner_rings_per_day", BUDGET),
    optional("limits.withheld_rings_per_tag_per_hour", BUDGET),
    optional("abuse.challenge_at", BUDGET),
    optional("abuse.refuse_at", BUDGET),
    optional("privacy.provider_record_hours", Kind::Whole { min: 1, max: 8_760 }),
    optional("log.access", Kind::OneOf(&["off", "errors", "all"])),
    optional("log.format", Kind::OneOf(&["json", "pretty"])),
];

const fn optional(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, required: false }
}

const fn required(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, required: true }
}

impl Key {
    /// The section that it stands in.
    pub(super) fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Its name inside the section.
    pub(super) fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// Whether it is one value that an environment variable can hold.
    pub(super) fn is_scalar(&self) -> bool {
        self.section() != NUMBERS && !matches!(self.kind, Kind::Networks | Kind::Prefixes)
    }
}

/// The one section that is a list.
const NUMBERS: &str = "numbers";

/// What stands at `path`, where `numbers[3].provider` is read as `numbers.provider`.
pub(super) fn entry(path: &str) -> Entry {
    let path = without_indices(path);
    if path == NUMBERS {
        return Entry::Sections;
    }
    if is_section(&path) {
        return Entry::Section;
    }
    if let Some(key) = KEYS.iter().find(|key| key.path == path) {
        return Entry::Key(key);
    }
    match path.strip_prefix("providers.") {
        Some(provider) if PROVIDERS_TO_COME.contains(&provider) => Entry::ProviderToCome,
        _ => Entry::Unknown,
    }
}

/// The keys that a table at `section` must have.
pub(super) fn required_in(section: &str) -> impl Iterator<Item = &'static Key> {
    let section = without_indices(section);
    KEYS.iter().filter(move |key| key.required && key.section() == section)
}

/// The known key that a mistyped `path` most likely means: in its section one of which it is a part, else the one with
/// the fewest letters to change, where a right name in a wrong section costs three.
pub(super) fn nearest(path: &str) -> &'static str {
    nearest_among(KEYS.iter(), path)
}

/// The same among the keys that a variable can set.
pub(super) fn nearest_scalar(path: &str) -> &'static str {
    nearest_among(KEYS.iter().filter(|key| key.is_scalar()), path)
}

fn nearest_among(keys: impl Iterator<Item = &'static Key>, path: &str) -> &'static str {
    let path = without_indices(path);
    let (section, name) = path.rsplit_once('.').unwrap_or(("", &path));
    let distance = |key: &&Key| {
        if key.section() == section && key.name().contains(name) {
            return 1;
        }
        edits(key.path, &path).min(3 + edits(key.name(), name))
    };
    keys.min_by_key(distance).map_or("", |key| key.path)
}

/// The section nearest to a mistyped one.
pub(super) fn nearest_section(path: &str) -> &'static str {
    KEYS.iter().map(Key::section).min_by_key(|section| edits(section, path)).unwrap_or("")
}

fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

fn without_indices(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|&c| {
            let index = inside || c == '[';
            inside = index && c != ']';
            !index
        })
        .collect()
}

/// Levenshtein's distance: letters to insert, delete or replace.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 0..b.len() {
            let replace = diagonal + usize::from(b[j] != letter);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
