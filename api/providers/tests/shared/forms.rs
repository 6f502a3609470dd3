//! Forms with one thing changed.

/// Every text that arises from putting an `x` behind the name or the value of one parameter.
pub(crate) fn with_one_parameter_changed(form: &str) -> Vec<String> {
    changed(form, |name, value| vec![format!("{name}x={value}"), format!("{name}={value}x")])
}

/// Every text that arises from leaving one parameter out.
pub(crate) fn with_one_parameter_dropped(form: &str) -> Vec<String> {
    changed(form, |_, _| vec![String::new()])
}

fn changed(form: &str, change: impl Fn(&str, &str) -> Vec<String>) -> Vec<String> {
    let segments: Vec<&str> = form.split('&').collect();
    let mut changed = Vec::new();
    for (i, segment) in segments.iter().enumerate().filter(|(_, s)| !s.is_empty()) {
        let (name, value) = segment.split_once('=').unwrap_or((segment, ""));
        for segment in change(name, value) {
            let mut others = segments.clone();
            others[i] = &segment;
            changed.push(others.join("&"));
        }
    }
    changed
}

/// The parameters of a form, sorted, as another library reads them.
pub(crate) fn parameters(form: &[u8]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = form_urlencoded::parse(form).into_owned().collect();
    pairs.sort();
    pairs
}
