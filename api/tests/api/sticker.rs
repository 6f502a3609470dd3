//! The sticker that `tags show --svg` writes, read as a telephone reads it.

use roxmltree::{Document, Node};
use rqrr::PreparedImage;

use crate::folder::{Folder, ORIGIN, owner, stderr};

/// Pixels of a module.
const SCALE: usize = 6;
/// The alphanumeric and the byte mode, and the correction level Q, as ISO/IEC 18004 writes them.
const ALPHANUMERIC: u8 = 0b0010;
const BYTE: u8 = 0b0100;
const LEVEL_Q: u16 = 0b11;

/// What a telephone sees.
#[derive(Debug, PartialEq)]
struct Seen {
    text: String,
    version: usize,
    level: u16,
    mode: u8,
}

#[test]
fn a_telephone_reads_the_url_in_its_smallest_form() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let sticker = folder.text("sticker.svg");
    folder.operated(&["tags", "show", &code, "--svg", &sticker]);
    let svg = std::fs::read_to_string(&sticker).expect("a sticker");
    // 44 characters: 47 fit version 3 at level Q, where 32 bytes would.
    let text = format!("{}/Q/{code}", ORIGIN.to_uppercase());
    assert_eq!(read(&svg), Seen { text, version: 3, level: LEVEL_Q, mode: ALPHANUMERIC });
}

#[test]
fn a_sticker_is_made_of_shapes_alone_and_tells_the_code() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let sticker = folder.text("sticker.svg");
    folder.operated(&["tags", "show", &code, "--svg", &sticker]);
    let svg = std::fs::read_to_string(&sticker).expect("a sticker");
    let document = Document::parse(&svg).expect("XML");
    let root = document.root_element();
    assert_eq!((root.attribute("width"), root.attribute("height")), (Some("60mm"), Some("80mm")));
    for node in root.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        assert!(["svg", "title", "rect", "path"].contains(&name), "{name} needs a font, a file or a script");
    }
    let letters = path(&document, "code").attribute("aria-label").expect("a label");
    assert_eq!(letters, code);
    for name in ["english", "hindi", "wordmark"] {
        assert!(path(&document, name).attribute("d").is_some_and(|d| d.len() > 500), "{name} is drawn");
    }
}

#[test]
fn a_host_that_has_other_characters_goes_as_it_is() {
    let folder = Folder::new().edit(ORIGIN, "http://[::1]:8080");
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let sticker = folder.text("sticker.svg");
    folder.operated(&["tags", "show", &code, "--svg", &sticker]);
    let seen = read(&std::fs::read_to_string(&sticker).expect("a sticker"));
    assert_eq!((seen.text, seen.mode, seen.level), (format!("http://[::1]:8080/q/{code}"), BYTE, LEVEL_Q));
}

#[test]
fn nothing_is_overwritten_unasked_and_no_dead_tag_is_printed() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let sticker = folder.text("sticker.svg");
    std::fs::write(&sticker, "precious").expect("a file");
    let refused = folder.operate(&["tags", "show", &code, "--svg", &sticker]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert_eq!(std::fs::read(&sticker).expect("a file"), b"precious");
    folder.operated(&["tags", "show", &code, "--svg", &sticker, "--force"]);
    assert!(std::fs::read_to_string(&sticker).expect("a sticker").starts_with("<svg"));
    folder.operated(&["tags", "retire", &code]);
    let dead = folder.operate(&["tags", "show", &code, "--svg", &folder.text("dead.svg")]);
    assert_eq!(dead.status.code(), Some(1), "{}", stderr(&dead));
    assert!(!folder.path("dead.svg").exists());
}

fn path<'a>(document: &'a Document, id: &str) -> Node<'a, 'a> {
    let found = document.descendants().find(|node| node.attribute("id") == Some(id));
    found.unwrap_or_else(|| panic!("no {id}"))
}

/// Paints the modules and reads them.
fn read(svg: &str) -> Seen {
    let document = Document::parse(svg).expect("XML");
    let modules = path(&document, "modules");
    let scale = modules.attribute("transform").and_then(|t| t.split_once("scale(")?.1.strip_suffix(')')?.parse().ok());
    let scale: f64 = scale.expect("a scale");
    // The area is 46 mm wide and holds the quiet zone.
    let width = (46.0 / scale).round() as usize;
    let dark = painted(modules.attribute("d").expect("shapes"), width);
    let is_edge = |at: usize| at < 4 || at >= width - 4;
    for (y, row) in dark.iter().enumerate() {
        let quiet = row.iter().enumerate().all(|(x, dark)| !dark || !is_edge(x) && !is_edge(y));
        assert!(quiet, "the quiet zone is quiet");
    }
    let pixel = |x: usize, y: usize| if dark[y / SCALE][x / SCALE] { 0 } else { 255 };
    let mut image = PreparedImage::prepare_from_greyscale(width * SCALE, width * SCALE, pixel);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code");
    let (meta, text) = grids[0].decode().expect("a code that reads");
    assert_eq!(width, 4 * meta.version.0 + 17 + 8, "four quiet modules on each side");
    Seen { text, version: meta.version.0, level: meta.ecc_level, mode: mode(&dark, width, meta.mask) }
}

/// The four modules that are placed first, from the lower right corner, without the mask.
fn mode(dark: &[Vec<bool>], width: usize, mask: u16) -> u8 {
    let last = width - 4 - 1;
    let remainder = |x: usize, y: usize| match mask {
        0 => (y + x) % 2,
        1 => y % 2,
        2 => x % 3,
        3 => (y + x) % 3,
        4 => (y / 2 + x / 3) % 2,
        5 => y * x % 2 + y * x % 3,
        6 => (y * x % 2 + y * x % 3) % 2,
        _ => (y * x % 3 + (y + x) % 2) % 2,
    };
    let bit = |(x, y): (usize, usize)| u8::from(dark[y][x] != (remainder(x - 4, y - 4) == 0));
    let first = [(last, last), (last - 1, last), (last, last - 1), (last - 1, last - 1)];
    first.into_iter().fold(0, |mode, at| mode << 1 | bit(at))
}

/// Paints `M{x} {y}h{n}v1h-{n}z` and nothing else.
fn painted(shapes: &str, width: usize) -> Vec<Vec<bool>> {
    let mut dark = vec![vec![false; width]; width];
    for shape in shapes.split_terminator('z') {
        let numbers = shape.strip_prefix('M').and_then(|rest| {
            let (corner, run) = rest.split_once('h')?;
            let (x, y) = corner.split_once(' ')?;
            let (across, back) = run.split_once("v1h-")?;
            (across == back).then_some([x.parse::<usize>().ok()?, y.parse().ok()?, across.parse().ok()?])
        });
        let [x, y, run] = numbers.unwrap_or_else(|| panic!("another shape: {shape}"));
        dark[y][x..x + run].fill(true);
    }
    dark
}
