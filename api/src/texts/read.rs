//! Reading a Fluent file. Only here, and only at the start.

use fluent_bundle::types::FluentNumber;
use fluent_bundle::{FluentArgs, FluentBundle, FluentError, FluentResource, FluentValue};
use qnect_core::language::Language;

use super::Notice;

/// The variable of the messages that count something.
const COUNT: &str = "count";

/// The file of a language, as it is compiled in.
pub(super) fn file(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../locales/en.ftl"),
        Language::Hindi => include_str!("../../locales/hi.ftl"),
    }
}

/// The messages of one language, and what went wrong with them so far.
pub(super) struct Messages {
    bundle: FluentBundle<FluentResource>,
    complaints: Vec<String>,
}

impl Messages {
    /// The messages of a language's file.
    pub(super) fn of(language: Language) -> Self {
        Self::from_text(language, file(language))
    }

    /// The messages of a text in Fluent's form.
    pub(super) fn from_text(language: Language, text: &str) -> Self {
        let mut complaints = Vec::new();
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(readable, errors)| {
            complaints.extend(errors.iter().map(ToString::to_string));
            readable
        });
        let locale = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new(vec![locale]);
        // Isolation marks would stand in addresses and titles too, and no text here mixes directions.
        bundle.set_use_isolating(false);
        if let Err(errors) = bundle.add_resource(resource) {
            complaints.extend(errors.iter().map(ToString::to_string));
        }
        Self { bundle, complaints }
    }

    /// A message of one text.
    pub(super) fn line(&mut self, id: &str) -> String {
        self.value(id, None, None)
    }

    /// A message with its headline as value and its text as attribute.
    pub(super) fn notice(&mut self, id: &str) -> Notice {
        Notice { headline: self.value(id, None, None), text: self.value(id, Some("text"), None) }
    }

    /// A message about so many of something.
    pub(super) fn counted(&mut self, id: &str, count: usize) -> String {
        self.value(id, None, Some(count))
    }

    fn value(&mut self, id: &str, attribute: Option<&str>, count: Option<usize>) -> String {
        let mut args = FluentArgs::new();
        if let Some(count) = count {
            args.set(COUNT, FluentValue::Number(FluentNumber::from(count)));
        }
        let message = self.bundle.get_message(id);
        let pattern = match attribute {
            None => message.and_then(|m| m.value()),
            Some(name) => message.and_then(|m| m.get_attribute(name)).map(|a| a.value()),
        };
        let Some(pattern) = pattern else {
            self.complaints.push(format!("{id} {} is missing", attribute.unwrap_or_default()));
            return id.to_owned();
        };
        let mut errors: Vec<FluentError> = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        self.complaints.extend(errors.iter().map(|error| format!("{id}: {error}")));
        text
    }

    /// What was wrong with the messages that were read.
    pub(super) fn complaints(self) -> Vec<String> {
        self.complaints
    }
}
