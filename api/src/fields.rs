//! What is told of an owner, held against its form: by `import` and by the operators' commands alike. What is said of a
//! wrong one never quotes it: it may be a person's.

use jiff::tz::TimeZone;
use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::preferences::QuietHours;
use qnect_core::reason::{Reason, ReasonSet};

/// Characters of a name, an address of e-mail or a registration at most.
const FIELD_CHARS_MAX: usize = 256;

/// A text that says something, and not too much.
pub(crate) fn text(field: &str, value: String) -> Result<String, String> {
    let fits = !value.trim().is_empty() && value.chars().count() <= FIELD_CHARS_MAX;
    if fits { Ok(value) } else { Err(format!("{field} has 1 to {FIELD_CHARS_MAX} characters")) }
}

pub(crate) fn email(value: String) -> Result<String, String> {
    let email = text("email", value)?;
    let is_address = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    if is_address { Ok(email) } else { Err("email is no address".to_owned()) }
}

/// A number that may be dialled. A national one without its `+` would be read as one of another country, and never be
/// reached.
pub(crate) fn phone(text: &str, allowed_prefixes: &[String]) -> Result<Phone, String> {
    let phone = any_phone(text)?;
    if allowed_prefixes.iter().any(|prefix| phone.has_prefix(prefix)) {
        return Ok(phone);
    }
    let allowed = allowed_prefixes.join(", ");
    Err(format!("phone is outside calls.allowed_prefixes ({allowed}), so that it could never be called"))
}

/// A number in its international form.
pub(crate) fn any_phone(text: &str) -> Result<Phone, String> {
    if !text.starts_with('+') {
        return Err("phone begins with + and the country's code".to_owned());
    }
    Phone::parse(text).map_err(|e| format!("phone: {e}"))
}

pub(crate) fn language(tag: &str) -> Result<Language, String> {
    Language::from_tag(tag).ok_or_else(|| "language is en or hi".to_owned())
}

pub(crate) fn time_zone(name: String) -> Result<String, String> {
    match TimeZone::get(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err("time_zone is a name such as Asia/Kolkata".to_owned()),
    }
}

/// Reads `22:00-07:00`.
pub(crate) fn quiet_hours(text: &str) -> Result<QuietHours, String> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let read = text.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
    let (from_minute, to_minute) = read.ok_or("quiet_hours is written as 22:00-07:00")?;
    Ok(QuietHours { from_minute, to_minute })
}

/// Writes what [`quiet_hours`] reads.
pub(crate) fn quiet_hours_text(hours: QuietHours) -> String {
    let minute = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", minute(hours.from_minute), minute(hours.to_minute))
}

pub(crate) fn night_reasons<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<ReasonSet, String> {
    let known = || Reason::ALL.map(Reason::id).join(", ");
    let read =
        |id| Reason::from_id(id).ok_or_else(|| format!("night_reasons names an unknown reason; known: {}", known()));
    ids.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_are_written_as_they_are_read() {
        for text in ["22:00-07:05", "00:00-00:00", "09:59-23:59"] {
            assert_eq!(quiet_hours_text(quiet_hours(text).unwrap()), text);
        }
        for wrong in ["", "22-07", "24:00-07:00", "22:60-07:00", "22:00", "-", "22:00–07:00", "+1:00-07:00x"] {
            assert!(quiet_hours(wrong).is_err(), "{wrong}");
        }
    }
}
