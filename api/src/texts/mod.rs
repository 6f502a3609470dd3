//! What people read, in every language: the Fluent files of `api/locales`, resolved once into plain strings, because a
//! sticker's page is on the hottest path and may cost no more than copying them.

mod read;
mod spans;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use qnect_core::language::Language;
use qnect_core::reason::Reason;
use qnect_core::scan::Refusal;
use read::Messages;
use spans::Spans;

/// One text set for each of [`Language::ALL`], in that order.
static ALL: LazyLock<[Texts; Language::ALL.len()]> = LazyLock::new(|| Language::ALL.map(|l| Texts::read(l).0));

/// Reads all languages, which otherwise the first use does.
pub(crate) fn load() {
    LazyLock::force(&ALL);
}

/// The texts of a language.
pub(crate) fn of(language: Language) -> &'static Texts {
    match language {
        Language::English => &ALL[0],
        Language::Hindi => &ALL[1],
    }
}

/// A headline, and what it means for the reader.
pub(crate) struct Notice {
    pub(crate) headline: String,
    pub(crate) text: String,
}

/// Declares [`Texts`]: a field for each message, under the message's own name.
macro_rules! texts {
    (lines: $($line:ident)*; notices: $($notice:ident)*;) => {
        /// Everything that is read in one language.
        pub(crate) struct Texts {
            /// The language that the texts are in.
            pub(crate) language: Language,
            /// How long to wait before trying again.
            pub(crate) try_again: Spans,
            /// How long a code is valid.
            pub(crate) valid: Spans,
            $(pub(crate) $line: String,)*
            $(pub(crate) $notice: Notice,)*
        }

        impl Texts {
            /// Reads a language, and says what is wrong with its file. A text that is missing reads as its own name: a
            /// test keeps that from ever being seen.
            fn read(language: Language) -> (Self, Vec<String>) {
                let mut messages = Messages::of(language);
                let texts = Self {
                    language,
                    try_again: Spans::read(
                        &mut messages,
                        &[(15, "try_again_soon"), (35, "try_again_half_minute")],
                        ["try_again_minutes", "try_again_hours"],
                    ),
                    valid: Spans::read(&mut messages, &[(59, "valid_moment")], ["valid_minutes", "valid_hours"]),
                    $($line: messages.line(stringify!($line)),)*
                    $($notice: messages.notice(stringify!($notice)),)*
                };
                (texts, messages.complaints())
            }
        }
    };
}

texts! {
    lines:
        nav_language emergency_question emergency_call private promise
        tag_title tag_lead urgent urgent_still
        reason_blocking reason_lights_on reason_window_open reason_damage reason_other
        reason_towing reason_child_or_pet reason_emergency
        call_now code_label code_hint
        steps_title step_ring step_accept step_talk
        progress_dialing progress_ringing progress_connected
        refreshed cancel again again_done note_challenge
        status_400 status_403 status_404 status_405 status_408 status_413 status_415 status_422 status_429 status_503
        detail_not_found detail_method_not_allowed detail_too_large detail_too_slow detail_unsupported_body
        detail_malformed detail_idempotency_conflict detail_tag_limit detail_address_limit detail_score
        detail_owner_unavailable detail_not_active detail_overloaded detail_numbers_exhausted detail_unavailable
        fault_fields fault_repeated fault_reason fault_language fault_key_ascii fault_keys_differ fault_key_length;
    notices:
        refused_tag_limit refused_address_limit refused_score refused_owner_unavailable refused_not_active
        waiting dialing ringing connected owner_coming
        ended_completed ended_no_answer ended_busy ended_declined ended_failed ended_expired ended_cancelled
        problem_not_found problem_wrong_way problem_unreadable problem_too_slow problem_used_before
        problem_lines_busy problem_very_busy;
}

impl Texts {
    /// The language tag of a page: its `lang`, and the answer's `Content-Language`.
    pub(crate) fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// How a reason is called.
    pub(crate) fn reason(&self, reason: Reason) -> &str {
        match reason {
            Reason::Blocking => &self.reason_blocking,
            Reason::LightsOn => &self.reason_lights_on,
            Reason::WindowOpen => &self.reason_window_open,
            Reason::Damage => &self.reason_damage,
            Reason::Other => &self.reason_other,
            Reason::Towing => &self.reason_towing,
            Reason::ChildOrPet => &self.reason_child_or_pet,
            Reason::Emergency => &self.reason_emergency,
        }
    }

    /// Why an owner cannot be called.
    pub(crate) fn refusal(&self, refusal: Refusal) -> &Notice {
        match refusal {
            Refusal::TagLimit => &self.refused_tag_limit,
            Refusal::AddressLimit => &self.refused_address_limit,
            Refusal::Score => &self.refused_score,
            Refusal::OwnerUnavailable => &self.refused_owner_unavailable,
            Refusal::NotActive => &self.refused_not_active,
        }
    }
}
