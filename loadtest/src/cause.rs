//! How a call can fail: a closed set, so that two runs can be compared.

/// Why a call was not bridged and masked. The first thing that went wrong counts, but a leak before everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    ScanNoAnswer,
    ScanLimited,
    ScanRefused,
    ScanOverloaded,
    ScanUnexpected,
    SessionNoAnswer,
    SessionLimited,
    SessionRefused,
    SessionNumbersExhausted,
    SessionOverloaded,
    SessionUnexpected,
    UnknownTag,
    Challenged,
    WebhookFailed,
    ProtocolError,
    NoLine,
    NotDialled,
    NotBridged,
    BridgedWithoutKey,
    NotMasked,
}

/// One failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    /// More about it: statuses, names of the interface and fixed sentences. Never a number, a code or a session.
    pub(crate) note: String,
}

impl Cause {
    pub(crate) const ALL: [Cause; 20] = [
        Cause::ScanNoAnswer,
        Cause::ScanLimited,
        Cause::ScanRefused,
        Cause::ScanOverloaded,
        Cause::ScanUnexpected,
        Cause::SessionNoAnswer,
        Cause::SessionLimited,
        Cause::SessionRefused,
        Cause::SessionNumbersExhausted,
        Cause::SessionOverloaded,
        Cause::SessionUnexpected,
        Cause::UnknownTag,
        Cause::Challenged,
        Cause::WebhookFailed,
        Cause::ProtocolError,
        Cause::NoLine,
        Cause::NotDialled,
        Cause::NotBridged,
        Cause::BridgedWithoutKey,
        Cause::NotMasked,
    ];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Cause::ScanNoAnswer => "scan_no_answer",
            Cause::ScanLimited => "scan_limited",
            Cause::ScanRefused => "scan_refused",
            Cause::ScanOverloaded => "scan_overloaded",
            Cause::ScanUnexpected => "scan_unexpected",
            Cause::SessionNoAnswer => "session_no_answer",
            Cause::SessionLimited => "session_limited",
            Cause::SessionRefused => "session_refused",
            Cause::SessionNumbersExhausted => "session_numbers_exhausted",
            Cause::SessionOverloaded => "session_overloaded",
            Cause::SessionUnexpected => "session_unexpected",
            Cause::UnknownTag => "unknown_tag",
            Cause::Challenged => "challenged",
            Cause::WebhookFailed => "webhook_failed",
            Cause::ProtocolError => "protocol_error",
            Cause::NoLine => "no_line",
            Cause::NotDialled => "not_dialled",
            Cause::NotBridged => "not_bridged",
            Cause::BridgedWithoutKey => "bridged_without_key",
            Cause::NotMasked => "not_masked",
        }
    }

    /// What it means, and what to do about it where that is known.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Cause::ScanNoAnswer => "the scan was not answered",
            Cause::ScanLimited => "a limit was reached; set the engine's [limits] to 0",
            Cause::ScanRefused => "the owner or the tag takes no calls, or the abuse score is too high",
            Cause::ScanOverloaded => "the engine shed the scan",
            Cause::ScanUnexpected => "the answer to the scan is none of the interface's",
            Cause::SessionNoAnswer => "the request for a session was not answered",
            Cause::SessionLimited => "a limit was reached; set the engine's [limits] to 0",
            Cause::SessionRefused => "the engine refused a session",
            Cause::SessionNumbersExhausted => {
                "all codes of all numbers are in use; configure longer codes or more numbers"
            }
            Cause::SessionOverloaded => "the engine shed the session, or has no line for it",
            Cause::SessionUnexpected => "the answer to the request for a session is none of the interface's",
            Cause::UnknownTag => "the engine does not know the tag; were the codes imported into this one?",
            Cause::Challenged => "the line would ask for digits that it speaks; set [abuse] to 0",
            Cause::WebhookFailed => "a webhook was refused or not answered; on 401 compare token and public base url",
            Cause::ProtocolError => "a provider would refuse the engine's document; qnect-simulator shows it",
            Cause::NoLine => "the provider's account has no line left, or dials too many telephones a second",
            Cause::NotDialled => "the engine told the provider to ring nobody; an owner in a call is engaged",
            Cause::NotBridged => "the owner was to be rung, and the two were not connected",
            Cause::BridgedWithoutKey => "the two were connected although the owner pressed no key",
            Cause::NotMasked => "a number reached the other party",
        }
    }

    pub(crate) fn with(self, note: impl Into<String>) -> Failure {
        Failure { cause: self, note: note.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Cause;

    #[test]
    fn every_cause_is_listed_once_in_order_and_has_a_name_of_its_own() {
        assert!(Cause::ALL.is_sorted() && Cause::ALL.iter().zip(0..).all(|(cause, at)| *cause as usize == at));
        assert_eq!(Cause::ALL.map(Cause::id).into_iter().collect::<BTreeSet<_>>().len(), Cause::ALL.len());
        assert_eq!(Cause::ALL.last(), Some(&Cause::NotMasked));
    }
}
