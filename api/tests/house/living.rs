//! Whether a test lives: it is there, it is run, and its file is built.

use std::path::Path;

/// The text of a file of the workspace by its path, empty for a folder; `None` where nothing is.
pub(crate) type Files<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Whether a file has this test, the test is run, and the file is a part of what is built.
pub(crate) fn living(file: &str, test: &str, files: Files<'_>) -> Result<(), &'static str> {
    let text = files(file).ok_or("stands in a file that is not there: write the path before the test's name")?;
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let begins = |line: &str| {
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        rest.and_then(|rest| rest.strip_prefix(test)).is_some_and(|rest| rest.starts_with('('))
    };
    let at = lines.iter().position(|line| begins(line)).ok_or("is not there: name the test that shows it now")?;
    let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    let attributes: Vec<&&str> = above.filter(|line| line.starts_with("#[")).collect();
    // `#[test]`, or that of a runtime: `#[tokio::test(...)]`.
    let name = |line: &str| line.trim_start_matches("#[").split(['(', ']']).next().unwrap_or_default().to_owned();
    if !attributes.iter().map(|line| name(line)).any(|name| name == "test" || name.ends_with("::test")) {
        return Err("is no test: name one that is run");
    }
    if attributes.iter().any(|line| line.starts_with("#[ignore")) {
        return Err("is ignored: let it run, or say \"not yet\"");
    }
    if is_built(file, files) {
        Ok(())
    } else {
        Err("stands in a file that no other names as its module: name it there")
    }
}

/// Whether a module's parent declares it; files directly below `tests` and roots of crates need nobody.
fn is_built(file: &str, files: Files<'_>) -> bool {
    let path = Path::new(file);
    let (Some(stem), Some(folder)) = (path.file_stem().and_then(|s| s.to_str()), path.parent()) else { return false };
    if ["main", "lib", "mod"].contains(&stem) || folder.ends_with("tests") {
        return true;
    }
    let parents = ["main.rs", "lib.rs", "mod.rs"].map(|name| folder.join(name)).into_iter();
    let mut parents = parents.chain([folder.with_extension("rs")]).filter_map(|parent| files(parent.to_str()?));
    parents.any(|text| text.lines().any(|line| line.trim_end().ends_with(&format!("mod {stem};"))))
}
