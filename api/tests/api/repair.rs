//! `repair`: cuts off what a crash left, keeps it, and does nothing twice or beside an engine.

use std::os::unix::fs::FileExt;

use crate::folder::{Folder, owner, stderr, stdout};
use crate::server::Server;

const PHONE: &str = "+919800000017";

#[test]
fn a_torn_tail_is_cut_off_and_kept() {
    let folder = Folder::new();
    folder.import(&[owner(PHONE)]);
    let journal = folder.data().join("db/0.jnl");
    let content = std::fs::read(&journal).expect("a journal");
    let end = content.iter().rposition(|&byte| byte != 0).expect("something in it") + 1;
    // The beginning of a batch of one row.
    let file = std::fs::OpenOptions::new().write(true).open(&journal).expect("a journal");
    file.write_all_at(&[1, 1, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0], end as u64).expect("a written journal");

    let repaired = folder.operate(&["repair"]);
    assert!(repaired.status.success(), "{}", stderr(&repaired));
    let text = stdout(&repaired);
    assert!(text.contains(&format!("cut off at byte {end}, ")) && text.contains("db.before-repair-"), "{text}");
    let kept = text.lines().find_map(|line| line.split_once("are kept in ")).expect("where they are kept").1;
    let kept = std::fs::read(std::path::Path::new(kept).join("0.jnl")).expect("the journal as it was");
    assert_eq!(kept[end..end + 6], [1, 1, 0, 0, 0, 99]);
    assert_eq!(std::fs::metadata(&journal).expect("a journal").len(), end as u64);

    let again = stdout(&folder.operate(&["repair"]));
    assert!(again.starts_with("there was nothing to repair\n"), "{again}");
    assert!(folder.operate(&["verify"]).status.success());
}

#[tokio::test]
async fn a_folder_that_an_engine_has_is_left_alone() {
    let folder = Folder::new();
    folder.import(&[owner(PHONE)]);
    let server = Server::start(&folder);
    let refused = folder.operate(&["repair"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("in use"), "{}", stderr(&refused));
    server.kill();
}
