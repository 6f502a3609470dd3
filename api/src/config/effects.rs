//! Keys that are accepted and have no effect yet. Whoever gives one its effect removes its line.

/// The key's full name, and why nothing comes of it. `config check` says so when the key is set.
pub const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("providers.plivo.lines_max", "concurrent legs are not counted yet"),
    ("providers.plivo.calls_per_second", "calls are not started by us yet, so none is paced"),
    ("providers.twilio.lines_max", "concurrent legs are not counted yet"),
    ("providers.twilio.calls_per_second", "calls are not started by us yet, so none is paced"),
];
