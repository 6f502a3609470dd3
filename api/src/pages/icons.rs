//! The drawings on the pages: outlines in a box of 24 by 24, each the `d` of one path.

use qnect_core::reason::Reason;
use qnect_core::scan::Refusal;

/// A telephone handset.
pub(super) const PHONE: &str =
    "M6.5 3.5h3l1.5 4-2 1.5a11 11 0 0 0 6 6l1.5-2 4 1.5v3a2 2 0 0 1-2.2 2A16.5 16.5 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2z";
/// A clock.
pub(super) const CLOCK: &str = "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2";
/// A tick.
pub(super) const DONE: &str = "M5 12.5l4.5 4.5L19 7.5";
/// Two bars: not now.
pub(super) const PAUSE: &str = "M9 6.5v11M15 6.5v11";
/// A handset that was put down.
pub(super) const NO_CALL: &str =
    "M3.5 15.5v-2.2C5.8 11 8.7 9.8 12 9.8s6.2 1.2 8.5 3.5v2.2l-4 .6-1-2.6a11 11 0 0 0-7 0l-1 2.6z";
/// An i in a circle.
pub(super) const NOTE: &str = "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.7h.01";

/// The drawing of a refusal.
pub(super) fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::TagLimit | Refusal::AddressLimit | Refusal::Score | Refusal::OwnerUnavailable => PAUSE,
        Refusal::NotActive => NOTE,
    }
}

/// The drawing of a reason.
pub(super) fn reason(reason: Reason) -> &'static str {
    match reason {
        // A car from the front.
        Reason::Blocking => {
            "M4 16.5v-3.8l1.9-4.9A2 2 0 0 1 7.8 6.5h8.4a2 2 0 0 1 1.9 1.3l1.9 4.9v3.8zM4 12.7h16M6 16.5V19M18 16.5V19M7.5 14.6h.01M16.5 14.6h.01"
        }
        // A headlight and its beams.
        Reason::LightsOn => "M10 6.5C5.5 6.5 3 9 3 12s2.5 5.5 7 5.5c1.5-3 1.5-8 0-11zM14.5 8H20M15 12h6M14.5 16H20",
        // A car's door with its window.
        Reason::WindowOpen => "M4 20V12l6-7h10v15zM4 12h16M15 15.5h2.5",
        // A car that was hit.
        Reason::Damage => {
            "M3 17.5v-3.7l1.6-4A2 2 0 0 1 6.5 8.5H11M3 13.8h18v3.7H3zM5.5 17.5V20M18.5 17.5V20M17 3v2.7M21.3 4.7l-2 2M22 9.5h-2.7M12.7 4.7l2 2"
        }
        // A speech bubble.
        Reason::Other => "M4 5h16v11h-9l-4 4v-4H4zM8.5 10.5h.01M12 10.5h.01M15.5 10.5h.01",
        // A crane's hook.
        Reason::Towing => "M12 3v4M9 3h6M12 7a2 2 0 1 0 .01 0M12 11v3a3.5 3.5 0 1 1-3.5 3.5",
        // A child's face.
        Reason::ChildOrPet => {
            "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM9 11h.01M15 11h.01M9 15c1.8 1.6 4.2 1.6 6 0M12 4c-1.5 1-1.5 2.5 0 3"
        }
        // A warning triangle.
        Reason::Emergency => "M12 4 2.8 20h18.4zM12 10v4.5M12 17.3h.01",
    }
}
