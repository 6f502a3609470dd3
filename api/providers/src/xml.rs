//! The little XML that providers want to be answered with: elements, attributes and text, escaped, always the same bytes.

/// A document being written: children are indented by two spaces, text is never wrapped.
pub(crate) struct Xml {
    text: String,
    depth: usize,
}

/// A dial is about as long.
const USUAL_BYTES: usize = 1024;

impl Xml {
    /// A document whose `root` element holds what `children` writes.
    pub(crate) fn document(root: &str, children: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self { text: String::with_capacity(USUAL_BYTES), depth: 0 };
        xml.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        xml.element(root, &[], children);
        xml.text
    }

    /// An element that holds what `children` writes.
    pub(crate) fn element(&mut self, name: &str, attributes: &[(&str, &str)], children: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        let before = self.text.len();
        self.text.push('\n');
        self.depth += 1;
        children(self);
        self.depth -= 1;
        if self.text.len() == before + 1 {
            self.text.truncate(before);
        } else {
            self.indent();
        }
        self.close(name);
    }

    /// An element that holds `text`, or nothing.
    pub(crate) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        escape(&mut self.text, text);
        self.close(name);
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (attribute, value) in attributes {
            self.text.push(' ');
            self.text.push_str(attribute);
            self.text.push_str("=\"");
            escape(&mut self.text, value);
            self.text.push('"');
        }
        self.text.push('>');
    }

    fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push_str(">\n");
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
    }
}

/// Appends `text` so that it means itself in content and in quoted attributes alike. Control characters, most of which no
/// XML document may hold (XML 1.0, production 2), become spaces.
fn escape(into: &mut String, text: &str) {
    let means_itself = |byte: &u8| matches!(byte, b' '..=b'~') && !b"&<>\"".contains(byte);
    let (plain, rest) = text.split_at(text.bytes().position(|byte| !means_itself(&byte)).unwrap_or(text.len()));
    into.push_str(plain);
    for c in rest.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => into.push(' '),
            c => into.push(c),
        }
    }
}

/// Attributes whose values were made on the spot.
pub(crate) fn borrowed<'a, const N: usize>(attributes: &'a [(&'static str, String); N]) -> [(&'a str, &'a str); N] {
    attributes.each_ref().map(|(name, value)| (*name, value.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_element_stays_on_its_line() {
        let text = Xml::document("Response", |_| {});
        assert_eq!(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response></Response>\n");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(value in any::<String>()) {
            let text = Xml::document("R", |xml| xml.leaf("E", &[("a", &value)], &value));
            let document = roxmltree::Document::parse(&text).unwrap();
            let element = document.descendants().find(|n| n.has_tag_name("E")).unwrap();
            let visible: String = value
                .chars()
                .map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c })
                .collect();
            prop_assert_eq!(element.attribute("a"), Some(visible.as_str()));
            prop_assert_eq!(element.text().unwrap_or_default(), visible.as_str());
        }
    }
}
