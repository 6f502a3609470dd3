//! Telephone numbers as people and documents write them.

/// Digits that make a number somebody's: the last ten, or all of a shorter one.
const NATIONAL_DIGITS: usize = 10;
const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// The digits of a number, nothing else.
pub(crate) fn only(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// What a display shows: `+` and digits; a number without digits (withheld) as it is.
pub(crate) fn shown(number: &str) -> String {
    let digits = only(number);
    if digits.is_empty() { number.to_owned() } else { format!("+{digits}") }
}

/// True if `number` can be read or heard in `text`: written at once, in groups, or spelled in English words.
pub(crate) fn holds(text: &str, number: &str) -> bool {
    let digits = only(number);
    let national = &digits[digits.len().saturating_sub(NATIONAL_DIGITS)..];
    !national.is_empty() && runs(text).iter().any(|run| run.contains(national))
}

/// The digits that a listener who was asked for `wanted` of them would take from `text`: the last run of exactly so many,
/// or the longest run if nobody says how many.
pub(crate) fn dictated(text: &str, wanted: Option<u64>) -> Option<String> {
    let mut runs = runs(text).into_iter().filter(|run| !run.is_empty()).rev();
    match wanted {
        Some(wanted) => runs.find(|run| run.len() as u64 == wanted),
        None => runs.max_by_key(String::len),
    }
}

/// Runs of digits: separators join them, a word that is not a digit ends one.
fn runs(text: &str) -> Vec<String> {
    let mut runs = vec![String::new()];
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            end_word(&word, &mut runs);
            word.clear();
        }
        if let (Some(digit), Some(run)) = (decimal(c), runs.last_mut()) {
            run.push(digit);
        }
    }
    runs
}

fn end_word(word: &str, runs: &mut Vec<String>) {
    let spelled = WORDS.iter().zip('0'..='9').find(|(name, _)| **name == word);
    match (spelled, runs.last_mut()) {
        (Some((_, digit)), Some(run)) => run.push(digit),
        _ => runs.push(String::new()),
    }
}

/// A digit in ASCII or in Devanagari, which Hindi prompts may use.
fn decimal(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '\u{966}'..='\u{96f}' => char::from_digit(u32::from(c) - 0x966, 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{dictated, holds, shown};

    #[test]
    fn a_number_is_found_however_it_is_written() {
        let number = "+919800000001";
        for text in [
            "919800000001",
            "call 98000 00001 now",
            "98-00-00.00 01",
            "nine eight zero zero zero, zero zero zero zero one",
            "९८०००००००१",
            "<Speak>9800000001</Speak>",
        ] {
            assert!(holds(text, number), "{text}");
        }
    }

    #[test]
    fn other_digits_are_not_a_number() {
        assert!(!holds("<Dial timeout=\"98000\" timeLimit=\"00001\"/>", "+919800000001"));
        assert!(!holds("9800000002", "+919800000001"));
        assert!(!holds("anything 123", "anonymous"));
    }

    #[test]
    fn dictated_digits_are_found() {
        for text in [
            "To go on, type 4 7",
            "type the two digits four, seven",
            "press 1, or type forty of 4-7 please",
            "आगे बढ़ने के लिए ४७ दबाएँ",
        ] {
            assert_eq!(dictated(text, Some(2)).as_deref(), Some("47"), "{text}");
        }
        assert_eq!(dictated("type the two digits", Some(2)), None);
        assert_eq!(dictated("1 then 234 then 5", None).as_deref(), Some("234"));
        assert_eq!(dictated("nothing", None), None);
    }

    #[test]
    fn a_display_shows_plus_and_digits() {
        assert_eq!(shown("919800000001"), "+919800000001");
        assert_eq!(shown("anonymous"), "anonymous");
    }
}
