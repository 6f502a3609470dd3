//! Owners in bulk: what is good is stored, what is bad is told by its line.

use std::time::Instant;

use serde_json::{Value, json};

use crate::folder::{Folder, ORIGIN, owner, stderr, stdout};
use crate::server::Server;

const MANY: usize = 20_000;
const LINE_BYTES_MAX: usize = 8 * 1024;

#[tokio::test]
async fn bad_lines_are_told_and_good_ones_stored() {
    let folder = Folder::new();
    let full = json!({
        "name": "B", "email": "b@example.in", "phone": "+919800000018", "vehicle": "RJ14 AB 1", "language": "hi",
        "time_zone": "Asia/Dubai", "quiet_hours": "22:00-07:00", "night_reasons": ["towing"],
    });
    let mut lines: Vec<Vec<u8>> = vec![
        owner("+919800000017").to_string().into_bytes(),
        b"{".to_vec(),
        full.to_string().into_bytes(),
        owner("9800000019").to_string().into_bytes(),
        b"".to_vec(),
        b"{\"name\":\"\xff\xfe\",\"email\":\"c@example.in\",\"phone\":\"+919800000020\"}".to_vec(),
        owner("+919800000021").to_string().replace("example.in", &"x".repeat(LINE_BYTES_MAX)).into_bytes(),
        json!({"name": "D", "email": "d@example.in", "phone": "+919800000022", "religion": "x"}).to_string().into(),
        owner("+919800000023").to_string().into_bytes(),
        br#"["E","e@example.in","+919800000024",null,null,null,null,null]"#.to_vec(),
        owner("+971500000025").to_string().into_bytes(),
    ];
    lines[2].push(b'\r');
    let imported = folder.import_text(&lines.join(&b'\n'));
    assert_eq!(imported.status.code(), Some(1), "{}", stderr(&imported));
    let told = stderr(&imported);
    let bad: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("line ")?.split(':').next()).collect();
    assert_eq!(bad, ["2", "4", "6", "7", "8", "10", "11"], "{told}");
    assert!(told.contains("line 11: phone is outside calls.allowed_prefixes (+91), so that it"), "{told}");
    assert!(
        !told.contains("9800000019") && !told.contains("00000025") && !told.contains("religion"),
        "a line names a person: {told}"
    );

    let good: Vec<Value> = stdout(&imported).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let numbers: Vec<_> = good.iter().map(|line| line["line"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, [1, 3, 9], "lines are counted as in the file");
    for line in &good {
        let code = line["tag_code"].as_str().expect("a code");
        assert_eq!(line["scan_url"], format!("{ORIGIN}/q/{code}"));
        assert_eq!(line["owner_id"].as_str().map(str::len), Some(12));
        assert_eq!(line.as_object().map(serde_json::Map::len), Some(4));
    }
    let server = Server::start(&folder);
    for line in &good {
        let path = format!("/q/{}", line["tag_code"].as_str().expect("a code"));
        assert_eq!(server.public.get(&path).await.status, 200);
    }
}

#[test]
fn nothing_of_a_bad_line_is_stored() {
    // Every owner has a data key, so the key table tells how many there are.
    let key_table_after = |lines: &str| {
        let folder = Folder::new();
        folder.import_text(lines.as_bytes());
        std::fs::metadata(folder.data().join("keys.table")).expect("a key table").len()
    };
    let bad = owner("+919800000017").to_string().replace("+91", "0");
    assert_eq!(key_table_after(&format!("{bad}\n{bad}\n")), key_table_after(""));
    assert!(key_table_after(&owner("+919800000017").to_string()) > key_table_after(""), "a good one is seen there");
}

#[test]
fn a_byte_order_mark_an_empty_file_and_a_last_line_without_its_end_are_no_mistakes() {
    let folder = Folder::new();
    for empty in ["", "\u{feff}", "\n\r\n  \n"] {
        let imported = folder.import_text(empty.as_bytes());
        assert_eq!((imported.status.code(), stdout(&imported)), (Some(0), String::new()), "{}", stderr(&imported));
    }
    let lines = format!("\u{feff}{}\r\n\r\n{}", owner("+919800000017"), owner("+919800000018"));
    let imported = folder.import_text(lines.as_bytes());
    assert_eq!(imported.status.code(), Some(0), "{}", stderr(&imported));
    assert_eq!(stdout(&imported).lines().count(), 2);
    assert_eq!(stderr(&imported), "", "no progress is shown to a pipe");
}

#[test]
fn people_who_share_a_number_or_an_address_are_all_found_by_it() {
    let folder = Folder::new();
    let codes = folder.import(&[owner("+919800000017"), owner("+919800000018"), owner("+919800000017")]);
    let codes = [codes, folder.import(&[owner("+919800000017")])].concat();
    let found = |arguments: &[&str]| -> Vec<String> {
        let owners = folder.operated(&[&["owners", "show"], arguments].concat());
        owners.iter().map(|owner| owner["tags"][0]["code"].as_str().expect("a code").to_owned()).collect()
    };
    let mut both = found(&["--phone", "+919800000017"]);
    assert_eq!(both.pop().as_ref(), Some(&codes[3]), "whoever came last is last");
    both.sort();
    let mut first = vec![codes[0].clone(), codes[2].clone()];
    first.sort();
    assert_eq!(both, first);
    assert_eq!(found(&["--phone", "+919800000018"]), [codes[1].clone()]);
    assert_eq!(found(&["--email", "owner@example.in"]).len(), 4);
}

#[test]
fn what_cannot_begin_says_why() {
    let folder = Folder::new();
    let missing = folder.run(&["import", "--config", &folder.text("qnect.toml"), &folder.text("nobody.ndjson")]);
    assert_eq!(missing.status.code(), Some(2), "{}", stderr(&missing));
    let directory = folder.run(&["import", "--config", &folder.text("qnect.toml"), &folder.text("")]);
    assert_eq!(directory.status.code(), Some(2), "{}", stderr(&directory));
    assert!(stderr(&directory).contains(&folder.text("")), "{}", stderr(&directory));
    assert!(!folder.data().exists(), "nothing was touched");
    let folder = Folder::new().edit(&format!("public_base_url = \"{ORIGIN}\""), "");
    let nowhere = folder.import_text(owner("+919800000017").to_string().as_bytes());
    assert_eq!(nowhere.status.code(), Some(2), "a scan URL needs an origin");
    assert!(stderr(&nowhere).contains("server.public_base_url"), "{}", stderr(&nowhere));
    assert!(!folder.data().exists(), "nothing was touched");
}

#[tokio::test]
async fn twenty_thousand_owners_move_in() {
    let folder = Folder::new();
    let lines: String = (0..MANY).map(|n| format!("{}\n", owner(&format!("+9198{n:08}")))).collect();
    let started = Instant::now();
    let imported = folder.import_text(lines.as_bytes());
    let seconds = started.elapsed().as_secs_f64();
    println!("{:.0} owners a second, in an unoptimised build", MANY as f64 / seconds);
    assert!(imported.status.success(), "{}", stderr(&imported));
    let codes: std::collections::BTreeSet<String> = stdout(&imported)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["tag_code"].as_str().expect("a code").to_owned())
        .collect();
    assert_eq!(codes.len(), MANY, "everyone has a code of their own");
    let server = Server::start(&folder);
    for code in codes.iter().step_by(MANY / 5) {
        assert_eq!(server.public.get(&format!("/q/{code}")).await.status, 200);
    }
}
