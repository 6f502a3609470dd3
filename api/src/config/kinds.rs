//! The forms that a value can have, and what is wrong with one that has another.
//!
//! A value is quoted back only where it can be neither a secret nor a person's telephone number.

use std::net::SocketAddr;

use toml::Value;

use super::keys::PROVIDERS_TO_COME;
use super::{Network, Provider, secret, urls};

/// The form of a key's value.
pub(super) enum Kind {
    /// A whole number, both bounds included.
    Whole { min: u32, max: u32 },
    /// Visible ASCII, not empty.
    Text,
    /// A path, not empty.
    Path,
    /// An IP address and a port.
    Address,
    /// Scheme, host, port, and nothing after them.
    Origin,
    /// A URL to which paths are appended.
    BaseUrl,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The name of a provider that has an adapter.
    Provider,
    /// E.164 with its `+`.
    PhoneNumber,
    /// A list of leading digits of E.164 numbers, at least one.
    Prefixes,
    /// A list of networks.
    Networks,
    /// A secret, or two during a rotation.
    Secret,
    /// The path of a secret, or of two.
    SecretFile,
}

/// Something wrong with a value.
pub(super) struct Fault {
    /// What follows the key's name: `[2]` for an item of a list, else nothing.
    pub(super) at: String,
    /// What is wrong.
    pub(super) what: String,
    /// What to write instead.
    pub(super) write: String,
}

impl Kind {
    /// Everything that is wrong with `value`.
    pub(super) fn faults(&self, value: &Value) -> Vec<Fault> {
        match self {
            Self::Prefixes => self.list_faults(value, is_prefix),
            Self::Networks => self.list_faults(value, |text| text.parse::<Network>().is_ok()),
            Self::Secret | Self::SecretFile => self.one_or_two_faults(value),
            _ => self.fault(value).into_iter().collect(),
        }
    }

    /// What a right value looks like.
    pub(super) fn advice(&self) -> String {
        match self {
            Self::Whole { min, max } => format!("write a whole number from {min} to {max}"),
            Self::Text => "write text in quotes, without spaces".to_owned(),
            Self::Path => "write a path in quotes".to_owned(),
            Self::Address => "write an IP address and a port, like \"127.0.0.1:8080\"".to_owned(),
            Self::Origin => "write scheme and host, like \"https://qnect.example\"".to_owned(),
            Self::BaseUrl => "write a URL without a slash at its end, like \"https://api.example\"".to_owned(),
            Self::OneOf(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                format!("write {}", words.join(" or "))
            }
            Self::Provider => {
                let names = Provider::ALL.map(|provider| format!("\"{}\"", provider.name()));
                format!("write {}", names.join(" or "))
            }
            Self::PhoneNumber => "write \"+\" and 8 to 15 digits, like \"+911140000001\"".to_owned(),
            Self::Prefixes => "write a list of at least one prefix, \"+\" and digits, like [\"+91\"]".to_owned(),
            Self::Networks => "write a list of networks, like [\"10.0.0.0/8\", \"fd00::/8\"]".to_owned(),
            Self::Secret => "write at least 16 characters in quotes, or a list of two during a rotation".to_owned(),
            Self::SecretFile => "write a path in quotes, or a list of two during a rotation".to_owned(),
        }
    }

    fn fault(&self, value: &Value) -> Option<Fault> {
        let wrong = |what: String| Some(Fault { at: String::new(), what, write: self.advice() });
        if let Self::Whole { min, max } = self {
            return match value {
                Value::Integer(n) if (i64::from(*min)..=i64::from(*max)).contains(n) => None,
                Value::Integer(n) => wrong(format!("{n} is out of range")),
                other => wrong(format!("is {}, not a whole number", name_of(other))),
            };
        }
        let Value::String(text) = value else {
            return wrong(format!("is {}, not text", name_of(value)));
        };
        if text.is_empty() {
            return wrong("is empty".to_owned());
        }
        match self {
            Self::Text if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                wrong("has a character that is not visible ASCII".to_owned())
            }
            Self::Text if secret::is_placeholder(text) => wrong("is the example's placeholder".to_owned()),
            Self::Address if text.parse::<SocketAddr>().is_err() => wrong("is not an IP address and a port".to_owned()),
            Self::Origin => urls::judge_origin(text).err(),
            Self::BaseUrl => urls::judge_base_url(text).err(),
            Self::OneOf(words) if !words.contains(&text.as_str()) => wrong("is none of the known words".to_owned()),
            Self::Provider if PROVIDERS_TO_COME.contains(&text.as_str()) => {
                wrong(format!("the adapter for {text} is not built yet"))
            }
            Self::Provider if Provider::named(text).is_none() => wrong("is not a provider that we know".to_owned()),
            Self::PhoneNumber if !is_phone_number(text) => wrong("is not a number in E.164".to_owned()),
            _ => None,
        }
    }

    fn list_faults(&self, value: &Value, is_right: impl Fn(&str) -> bool) -> Vec<Fault> {
        let wrong = |at: String, what: String| Fault { at, what, write: self.advice() };
        let Value::Array(items) = value else {
            return vec![wrong(String::new(), format!("is {}, not a list", name_of(value)))];
        };
        if items.is_empty() && matches!(self, Self::Prefixes) {
            return vec![wrong(String::new(), "is empty, so that no owner could ever be called".to_owned())];
        }
        let item = match self {
            Self::Prefixes => "prefix",
            _ => "network",
        };
        let judge = |(index, value): (usize, &Value)| match value {
            Value::String(text) if is_right(text) => None,
            Value::String(_) => Some(wrong(format!("[{index}]"), format!("is not a {item}"))),
            other => Some(wrong(format!("[{index}]"), format!("is {}, not text", name_of(other)))),
        };
        items.iter().enumerate().filter_map(judge).collect()
    }

    fn one_or_two_faults(&self, value: &Value) -> Vec<Fault> {
        let wrong = |what: &str| vec![Fault { at: String::new(), what: what.to_owned(), write: self.advice() }];
        let items = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        if items.is_empty() || items.len() > 2 {
            return wrong("is a list of none or of more than two");
        }
        let Some(texts) = items.iter().map(Value::as_str).collect::<Option<Vec<&str>>>() else {
            return wrong("is not text");
        };
        let fault = |text: &&str| match self {
            Self::Secret => secret::fault(text),
            _ => text.trim().is_empty().then(|| "is empty".to_owned()),
        };
        texts.iter().find_map(fault).map(|what| wrong(&what)).unwrap_or_default()
    }
}

/// `+` and 8 to 15 digits, the first not 0.
fn is_phone_number(text: &str) -> bool {
    digits_after_plus(text).is_some_and(|digits| (8..=15).contains(&digits.len()))
}

/// `+` and 1 to 14 digits, the first not 0.
fn is_prefix(text: &str) -> bool {
    digits_after_plus(text).is_some_and(|digits| (1..=14).contains(&digits.len()))
}

fn digits_after_plus(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('+')?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    (all_digits && !digits.starts_with('0')).then_some(digits)
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}
