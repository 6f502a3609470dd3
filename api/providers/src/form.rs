//! Form parameters (`application/x-www-form-urlencoded`), decoded into one buffer that is overwritten on drop.
//!
//! Values stay bytes until someone needs text: a signature covers bytes, and a display name in a wrong encoding must not
//! cost the call that it came with.

use std::ops::Range;

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

/// Decoded parameters in the order in which they came. No `Debug`: they hold the caller's number.
pub(crate) struct Form {
    decoded: Zeroizing<Vec<u8>>,
    pairs: Vec<Pair>,
}

/// A webhook has about so many.
const PAIRS_USUAL: usize = 32;

struct Pair {
    name: Range<usize>,
    value: Range<usize>,
}

impl Form {
    /// Decodes `encoded`; `None` when there are more than `pairs_max` parameters.
    pub(crate) fn read(encoded: &[u8], pairs_max: usize) -> Option<Self> {
        let mut form = Self {
            // Decoding never lengthens, so the buffer never moves and leaves no copy behind.
            decoded: Zeroizing::new(Vec::with_capacity(encoded.len())),
            pairs: Vec::with_capacity(pairs_max.min(PAIRS_USUAL)),
        };
        for segment in encoded.split(|&b| b == b'&').filter(|s| !s.is_empty()) {
            if form.pairs.len() == pairs_max {
                return None;
            }
            let equals = segment.iter().position(|&b| b == b'=').unwrap_or(segment.len());
            let name = form.decode(&segment[..equals]);
            let value = form.decode(segment.get(equals + 1..).unwrap_or_default());
            form.pairs.push(Pair { name, value });
        }
        Some(form)
    }

    /// Whether there is no parameter at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The first value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.pairs().find(|(n, _)| *n == name.as_bytes()).map(|(_, value)| value)
    }

    /// Names and values as they came.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs.iter().map(|pair| (&self.decoded[pair.name.clone()], &self.decoded[pair.value.clone()]))
    }

    /// Names and values by name, then by value; repeated ones stay. The byte order of UTF-8 is that of its characters.
    pub(crate) fn sorted(&self) -> Vec<(&[u8], &[u8])> {
        let mut pairs: Vec<_> = self.pairs().collect();
        pairs.sort_unstable();
        pairs
    }

    fn decode(&mut self, part: &[u8]) -> Range<usize> {
        let start = self.decoded.len();
        // Most names and values are what they look like.
        let (plain, rest) = part.split_at(part.iter().position(|b| b"+%".contains(b)).unwrap_or(part.len()));
        self.decoded.extend_from_slice(plain);
        for (i, piece) in rest.split(|&b| b == b'+').enumerate() {
            if i > 0 {
                self.decoded.push(b' ');
            }
            self.decoded.extend(percent_decode(piece));
        }
        start..self.decoded.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(encoded: &str) -> Vec<(String, String)> {
        let form = Form::read(encoded.as_bytes(), 64).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        form.pairs().map(|(n, v)| (text(n), text(v))).collect()
    }

    #[test]
    fn spaces_escapes_and_missing_parts_are_read() {
        let pairs = read("a=1+2%2B3&&b&=c&d=%zz%4&%E0%A4%95==");
        let expected = [("a", "1 2+3"), ("b", ""), ("", "c"), ("d", "%zz%4"), ("क", "=")];
        assert_eq!(pairs, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn the_first_value_of_a_name_counts_and_the_buffer_never_grows() {
        let encoded = b"a=%31&a=2&%61=3";
        let form = Form::read(encoded, 64).unwrap();
        assert_eq!(form.get("a"), Some(&b"1"[..]));
        assert_eq!(form.get("A"), None);
        assert_eq!(form.decoded.capacity(), encoded.len());
        assert_eq!(form.sorted().len(), 3);
    }

    #[test]
    fn the_bound_is_kept() {
        assert!(Form::read(b"a&b", 2).is_some());
        assert!(Form::read(b"a&b&c", 2).is_none());
        assert!(Form::read(b"", 0).unwrap().is_empty());
    }
}
