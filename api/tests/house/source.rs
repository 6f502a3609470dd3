//! Sources as rules want them: code without comments, strings apart, tests left out.

use std::path::{Path, PathBuf};

/// A source file of the workspace.
pub(crate) struct Source {
    /// From the workspace's root, with `/`.
    pub(crate) path: String,
    /// The text with comments, the contents of strings, and items under `#[cfg(test)]` blanked; positions stay.
    pub(crate) code: String,
    /// Strings outside tests: where the opening quote stands, and what is between the quotes.
    pub(crate) strings: Vec<(usize, String)>,
}

impl Source {
    /// Reads a text as a source file.
    pub(crate) fn of(path: &str, text: &str) -> Self {
        let Split { mut code, mut strings } = split(text);
        for (from, to) in test_items(&code) {
            code.replace_range(from..to, &blank(&code[from..to]));
            strings.retain(|(at, _)| !(from..to).contains(at));
        }
        Self { path: path.to_owned(), code, strings }
    }

    /// Whether the file stands below one of these folders.
    pub(crate) fn is_below(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }

    /// Where `word` stands in the code, as `path:line`: not as a part of a longer identifier.
    pub(crate) fn places_of(&self, word: &str) -> Vec<String> {
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let edges = (word.starts_with(is_name), word.ends_with(is_name));
        let stands_alone = |at: &usize| {
            let before = edges.0 && is_part(self.code[..*at].chars().next_back());
            let after = edges.1 && is_part(self.code[at + word.len()..].chars().next());
            !before && !after
        };
        let found = self.code.match_indices(word).map(|(at, _)| at).filter(stands_alone);
        found.map(|at| self.place(at)).collect()
    }

    /// `path:line` of a position.
    pub(crate) fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.code[..at].matches('\n').count() + 1)
    }
}

/// All sources of the workspace that are not tests.
pub(crate) fn sources() -> Vec<Source> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root().join(&path)).expect("a source in UTF-8");
        Source::of(&path.to_string_lossy().replace('\\', "/"), &text)
    };
    let is_source = |path: &PathBuf| path.extension().is_some_and(|e| e == "rs") && !is_test(path);
    let found: Vec<Source> = files().into_iter().filter(is_source).map(read).collect();
    assert!(found.len() > 50, "the sources were found: {}", found.len());
    found
}

/// All files of the workspace but what is built or belongs to git, from its root.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    let relative = |path: PathBuf| path.strip_prefix(root()).expect("a path below the root").to_owned();
    found.into_iter().map(relative).collect()
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "benches.rs")))
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Split {
    code: String,
    strings: Vec<(usize, String)>,
}

/// Takes comments and strings out of the code. Blanks keep every byte's place and every line.
fn split(text: &str) -> Split {
    let (mut code, mut strings) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_name = code.ends_with(is_name);
        let token = if rest.starts_with("//") {
            Token::Comment(rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            Token::Comment(block_comment(rest))
        } else if let Some((open, close)) = raw_string(rest).filter(|_| !after_name) {
            Token::Text { open, end: close }
        } else if first == '"' {
            Token::Text { open: 1, end: string(rest) }
        } else if let Some(end) = character(rest) {
            Token::Comment(end)
        } else {
            Token::Code(first.len_utf8())
        };
        let length = match token {
            Token::Comment(length) => {
                code.push_str(&blank(&rest[..length]));
                length
            }
            Token::Text { open, end } => {
                let closing = 1 + rest[..open].matches('#').count();
                strings.push((code.len(), rest[open..end.saturating_sub(closing).max(open)].to_owned()));
                code.push_str(&blank(&rest[..end]));
                end
            }
            Token::Code(length) => {
                code.push_str(&rest[..length]);
                length
            }
        };
        rest = &rest[length..];
    }
    Split { code, strings }
}

enum Token {
    Comment(usize),
    /// How long the opening is, and where the whole ends.
    Text {
        open: usize,
        end: usize,
    },
    Code(usize),
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    for (at, two) in text.as_bytes().windows(2).enumerate() {
        match two {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 2;
        }
    }
    text.len()
}

/// The lengths of the opening and of the whole of a raw string.
fn raw_string(text: &str) -> Option<(usize, usize)> {
    let hashes = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let count = hashes.bytes().take_while(|b| *b == b'#').count();
    let inside = hashes[count..].strip_prefix('"')?;
    let open = text.len() - inside.len();
    let close = format!("\"{}", "#".repeat(count));
    Some((open, inside.find(&close).map_or(text.len(), |at| open + at + close.len())))
}

/// The length of a string with its quotes.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// The length of a character literal; `None` for a lifetime, and for anything else.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        return Some(2 + 1 + escape[1..].find('\'')? + 1);
    }
    let one = inside.chars().next()?.len_utf8();
    inside[one..].starts_with('\'').then_some(one + 2)
}

/// The ranges of items under `#[cfg(test)]`: to the end of their braces, or to their semicolon.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let end = |from: usize| {
        let mut depth = 0;
        for (at, byte) in code.bytes().enumerate().skip(from) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(byte, b'}' | b';') {
                return at + 1;
            }
        }
        code.len()
    };
    code.match_indices("#[cfg(test)]").map(|(at, _)| (at, end(at))).collect()
}

fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

#[test]
fn comments_strings_and_tests_are_told_from_code() {
    let text = r##"//! a.do_send(1)
/* b /* nested */ still */ fn code() -> &'static str { "in \" a string" }
const RAW: &[u8] = br#"raw "text""#; // 'x'
const QUOTE: char = '"'; const ESCAPED: char = '\''; fn lifetime<'a>(_: &'a str) {}
#[cfg(test)]
mod tests { fn inside() { let _ = "of a test"; } }
fn after() {}
#[cfg(test)]
mod more;
fn last() { let _ = "é"; }
"##;
    let source = Source::of("a/src/b.rs", text);
    assert_eq!(source.code.len(), text.len(), "positions stay");
    let strings: Vec<&str> = source.strings.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(strings, [r#"in \" a string"#, r#"raw "text""#, "é"]);
    for gone in ["do_send", "nested", "still", "string", "text", "inside", "more"] {
        assert_eq!(source.places_of(gone), Vec::<String>::new(), "{gone}");
    }
    assert_eq!(source.places_of("code"), ["a/src/b.rs:2"]);
    assert_eq!(source.places_of("lifetime"), ["a/src/b.rs:4"]);
    assert_eq!(source.places_of("after"), ["a/src/b.rs:7"]);
    assert_eq!(source.places_of("last"), ["a/src/b.rs:10"]);
    assert_eq!(source.places_of("aft"), Vec::<String>::new(), "a part of a name is not the name");
}
