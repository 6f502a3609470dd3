//! Numbers and codes, for telephones and for eyes.

use qnect_core::tag::SessionView;

/// What a telephone dials: the number, a pause of one comma, the code. No `#`: many diallers drop it.
pub fn dial_uri(view: &SessionView) -> String {
    format!("tel:{},{}", view.number, view.code)
}

/// `4829137` as `482 9137`: groups of three or four, the longer ones last, as people read digits aloud.
pub(super) fn grouped_code(code: &str) -> String {
    let first = match code.len() {
        6..=7 => 3,
        8 => 4,
        _ => return code.as_bytes().chunks(3).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" "),
    };
    format!("{} {}", &code[..first], &code[first..])
}

/// `+911140000001` as `+91 11 4000 0001`: after a large city's code in fours, anything else of India in fives.
pub(super) fn spaced_number(number: &str) -> String {
    let Some(national) = number.strip_prefix("+91").filter(|national| national.len() == 10) else {
        return number.to_owned();
    };
    // Cities whose two digits begin no mobile number: those are from 6 to 9.
    if ["11", "20", "22", "33", "40", "44"].contains(&&national[..2]) {
        return format!("+91 {} {} {}", &national[..2], &national[2..6], &national[6..]);
    }
    format!("+91 {} {}", &national[..5], &national[5..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_grouped_for_reading_aloud() {
        let grouped = ["482913", "4829137", "48291376", "482913765"].map(grouped_code);
        assert_eq!(grouped, ["482 913", "482 9137", "4829 1376", "482 913 765"]);
    }

    #[test]
    fn numbers_are_spaced_as_they_are_written_in_india() {
        let spaced = ["+911140000001", "+918040000001", "+919800000017", "+4930123456"].map(spaced_number);
        assert_eq!(spaced, ["+91 11 4000 0001", "+91 80400 00001", "+91 98000 00017", "+4930123456"]);
    }
}
