//! The claim that matters: nobody learns the other's number.

use roxmltree::{Document, Node};

use crate::digits;
use crate::report::CallReport;

/// Every way in which a number reached the wrong party, or may have.
pub(crate) fn leaks(report: &CallReport, scanner: &str, owner: &str) -> Vec<&'static str> {
    let any = |texts: &[String], number: &str| texts.iter().any(|text| digits::holds(text, number));
    let bodies = || report.exchanges.iter().filter(|exchange| exchange.status.is_some()).map(|e| e.body.as_str());

    let mut leaks = Vec::new();
    match &report.owner_saw {
        None => leaks.push("the owner's telephone never rang"),
        Some(shown) if digits::holds(shown, scanner) => leaks.push("the owner's display shows the scanner's number"),
        Some(_) => {}
    }
    if report.owner_saw_name.as_deref().is_some_and(|name| digits::holds(name, scanner)) {
        leaks.push("the name on the owner's display is the scanner's number");
    }
    if any(&report.owner_heard, scanner) {
        leaks.push("the owner hears the scanner's number");
    }
    if digits::holds(&report.scanner_saw, owner) {
        leaks.push("the scanner's display shows the owner's number");
    }
    if any(&report.scanner_heard, owner) {
        leaks.push("the scanner hears the owner's number");
    }
    if bodies().any(|body| digits::holds(body, scanner)) {
        leaks.push("a document holds the scanner's number");
    }
    let names_city = |text: &str| report.scanner_city.as_deref().is_some_and(|city| names(text, city));
    if bodies().any(names_city) || report.owner_heard.iter().any(|heard| names_city(heard)) {
        leaks.push("a document or the owner's line names the scanner's city");
    }
    if bodies().any(|body| holds_beyond_dial(body, owner)) {
        leaks.push("a document holds the owner's number beyond the dialled number");
    }
    leaks
}

fn names(text: &str, place: &str) -> bool {
    !place.is_empty() && text.to_lowercase().contains(&place.to_lowercase())
}

/// True if `body` holds the number anywhere but as the text of a `Number` in a `Dial`.
fn holds_beyond_dial(body: &str, owner: &str) -> bool {
    let Ok(document) = Document::parse(body) else {
        return digits::holds(body, owner);
    };
    document.descendants().any(|node| {
        let attributes = node.attributes().any(|attribute| digits::holds(attribute.value(), owner));
        let text = node.text().is_some_and(|text| digits::holds(text, owner));
        attributes || (text && !is_dialled_number(node))
    })
}

fn is_dialled_number(node: Node<'_, '_>) -> bool {
    let element = if node.is_text() { node.parent() } else { Some(node) };
    element.is_some_and(|number| {
        number.has_tag_name("Number") && number.parent().is_some_and(|dial| dial.has_tag_name("Dial"))
    })
}
