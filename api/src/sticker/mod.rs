//! The sticker: what is printed and put on the car. Shapes only, so that every printer and every print shop draws the
//! same; 60 x 80 mm, black on white.

mod letters;

use std::fmt::Write;

use askama::Template;
use fast_qr::{ECL, Mode, QRBuilder, QRCode};

/// Light modules around the code, as ISO/IEC 18004 asks for.
const QUIET_MODULES: usize = 4;
/// The width of the code with its quiet zone.
const CODE_AREA_MM: f64 = 46.0;
/// The width of the sticker.
const WIDTH_MM: f64 = 60.0;
/// The size of a grid unit of the printed letters, which are six units high.
const LETTER_UNIT_MM: f64 = 0.41;
/// Characters of the printed code between two hyphens.
const GROUP: usize = 4;

/// A text that no QR code can hold.
#[derive(Debug, thiserror::Error)]
#[error("the sticker's URL is too long for a QR code; choose a shorter server.public_base_url")]
pub struct TooLong;

#[derive(Template)]
#[template(path = "sticker.svg")]
struct Sticker<'a> {
    code: &'a str,
    modules: String,
    module_mm: f64,
    letters: String,
    code_x: f64,
    code_mm: f64,
}

/// The sticker of a tag as SVG; `url` is where it leads, `code` what is printed below.
pub fn svg(url: &str, code: &str) -> Result<String, TooLong> {
    let qr = qr(url)?;
    let (letters, units) = letters::path(code, GROUP);
    let sticker = Sticker {
        code,
        modules: modules(&qr),
        module_mm: CODE_AREA_MM / (qr.size + 2 * QUIET_MODULES) as f64,
        letters,
        code_x: (WIDTH_MM - units * LETTER_UNIT_MM) / 2.0,
        code_mm: LETTER_UNIT_MM,
    };
    sticker.render().map_err(|_| TooLong)
}

/// In upper case the URL fits the alphanumeric mode, and the code is a third smaller: scheme and host mean the same in any
/// case, and `/Q/` and the code are read in both. A host that has other characters (an IPv6 address) goes as it is.
fn qr(url: &str) -> Result<QRCode, TooLong> {
    let upper = url.to_uppercase();
    let is_alphanumeric =
        upper.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b" $%*+-./:".contains(&b));
    let (text, mode) = if is_alphanumeric { (upper, Mode::Alphanumeric) } else { (url.to_owned(), Mode::Byte) };
    QRBuilder::new(text).mode(mode).ecl(ECL::Q).build().map_err(|_| TooLong)
}

/// Dark modules as rectangles a row high, with the quiet zone to the left and above; one unit is one module.
fn modules(qr: &QRCode) -> String {
    let mut path = String::new();
    for y in 0..qr.size {
        let mut x = 0;
        while x < qr.size {
            let run = (x..qr.size).take_while(|&x| qr[y][x].value()).count();
            if run > 0 {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET_MODULES, y + QUIET_MODULES);
            }
            x += run + 1;
        }
    }
    path
}
