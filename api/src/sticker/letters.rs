//! The 32 characters of a code as strokes on a grid four units wide and six high, drawn for this sticker: no font is
//! needed to print them, and no two are alike.

use std::fmt::Write;

/// From one character to the next.
const ADVANCE: f64 = 5.6;
const WIDTH: f64 = 4.0;
/// What a hyphen between two groups adds.
const GAP: f64 = 3.4;
const HYPHEN: [Stroke; 2] = [Move(0.2, 3.), Line(1.6, 3.)];

/// The strokes of `code` in groups, one path, and how many units wide it is. A character of another alphabet leaves its
/// place empty.
pub(super) fn path(code: &str, group: usize) -> (String, f64) {
    let mut path = String::new();
    let mut x = 0.0;
    for (index, character) in code.chars().enumerate() {
        if index > 0 {
            x += ADVANCE;
            if index % group == 0 {
                // A hyphen and no space: whoever types the code types that, and it is ignored.
                shift(&HYPHEN, x, &mut path);
                x += GAP;
            }
        }
        shift(strokes(character), x, &mut path);
    }
    (path, x + WIDTH)
}

/// Appends strokes, moved to the right.
fn shift(strokes: &[Stroke], right: f64, path: &mut String) {
    for stroke in strokes {
        // Writing to a String cannot fail.
        let _ = match *stroke {
            Move(x, y) => write!(path, "M{:.2} {y}", x + right),
            Line(x, y) => write!(path, "L{:.2} {y}", x + right),
            Bow(rx, ry, x, y) => write!(path, "A{rx} {ry} 0 0 1 {:.2} {y}", x + right),
            BowBack(rx, ry, x, y) => write!(path, "A{rx} {ry} 0 0 0 {:.2} {y}", x + right),
            Curve(ax, ay, bx, by, x, y) => {
                write!(path, "C{:.2} {ay} {:.2} {by} {:.2} {y}", ax + right, bx + right, x + right)
            }
        };
    }
}

/// A pen's next move, to its last two numbers.
#[derive(Clone, Copy)]
enum Stroke {
    Move(f64, f64),
    Line(f64, f64),
    /// An arc of an ellipse with these radii, clockwise.
    Bow(f64, f64, f64, f64),
    /// The same, anticlockwise.
    BowBack(f64, f64, f64, f64),
    Curve(f64, f64, f64, f64, f64, f64),
}
use Stroke::{Bow, BowBack, Curve, Line, Move};

#[rustfmt::skip]
fn strokes(character: char) -> &'static [Stroke] {
    match character {
        '0' => &[Move(0., 2.), Bow(2., 2., 4., 2.), Line(4., 4.), Bow(2., 2., 0., 4.), Line(0., 2.)],
        '1' => &[Move(0.5, 1.4), Line(2.2, 0.), Line(2.2, 6.), Move(0.5, 6.), Line(3.9, 6.)],
        '2' => &[Move(0.1, 1.7), Curve(0.3, 0.6, 1.1, 0., 2., 0.), Curve(3.2, 0., 3.9, 0.7, 3.9, 1.7), Curve(3.9, 3.1, 0.2, 4.6, 0.1, 6.), Line(4., 6.)],
        '3' => &[Move(0.3, 0.), Line(3.8, 0.), Line(1.9, 2.3), Curve(3.2, 2.3, 4., 3., 4., 4.1), Curve(4., 5.3, 3.1, 6., 2., 6.), Curve(1., 6., 0.3, 5.6, 0., 4.8)],
        '4' => &[Move(3., 6.), Line(3., 0.), Line(0., 4.2), Line(4., 4.2)],
        '5' => &[Move(3.7, 0.), Line(0.5, 0.), Line(0.3, 2.7), Curve(0.8, 2.4, 1.3, 2.2, 1.9, 2.2), Curve(3.2, 2.2, 4., 3., 4., 4.1), Curve(4., 5.2, 3.2, 6., 2., 6.), Curve(1., 6., 0.3, 5.6, 0., 4.9)],
        '6' => &[Move(3.4, 0.1), Curve(1.4, 0.5, 0., 2., 0., 4.), Bow(2., 2., 4., 4.), Bow(2., 2., 0., 4.)],
        '7' => &[Move(0., 0.), Line(4., 0.), Line(1.4, 6.)],
        '8' => &[Move(2., 2.8), Bow(1.5, 1.4, 2., 0.), Bow(1.5, 1.4, 2., 2.8), Bow(1.9, 1.6, 2., 6.), Bow(1.9, 1.6, 2., 2.8)],
        '9' => &[Move(0.6, 5.9), Curve(2.6, 5.5, 4., 4., 4., 2.), BowBack(2., 2., 0., 2.), BowBack(2., 2., 4., 2.)],
        'A' => &[Move(0., 6.), Line(2., 0.), Line(4., 6.), Move(0.7, 4.), Line(3.3, 4.)],
        'B' => &[Move(0., 2.9), Line(2.3, 2.9), Move(0., 0.), Line(2.3, 0.), Bow(1.5, 1.45, 2.3, 2.9), Bow(1.6, 1.55, 2.3, 6.), Line(0., 6.), Line(0., 0.)],
        'C' => &[Move(3.9, 1.4), Curve(3.6, 0.5, 2.9, 0., 2., 0.), BowBack(2., 2., 0., 2.), Line(0., 4.), BowBack(2., 2., 2., 6.), Curve(2.9, 6., 3.6, 5.5, 3.9, 4.6)],
        'D' => &[Move(0., 0.), Line(1.4, 0.), Bow(2.6, 2.6, 4., 2.6), Line(4., 3.4), Bow(2.6, 2.6, 1.4, 6.), Line(0., 6.), Line(0., 0.)],
        'E' => &[Move(3.8, 0.), Line(0., 0.), Line(0., 6.), Line(3.8, 6.), Move(0., 2.9), Line(3.1, 2.9)],
        'F' => &[Move(3.8, 0.), Line(0., 0.), Line(0., 6.), Move(0., 2.9), Line(3.1, 2.9)],
        'G' => &[Move(3.9, 1.4), Curve(3.6, 0.5, 2.9, 0., 2., 0.), BowBack(2., 2., 0., 2.), Line(0., 4.), BowBack(2., 2., 4., 4.), Line(4., 3.2), Line(2.4, 3.2)],
        'H' => &[Move(0., 0.), Line(0., 6.), Move(4., 0.), Line(4., 6.), Move(0., 2.9), Line(4., 2.9)],
        'J' => &[Move(1.6, 0.), Line(3.6, 0.), Line(3.6, 4.2), Bow(1.8, 1.8, 0., 4.5)],
        'K' => &[Move(0., 0.), Line(0., 6.), Move(3.9, 0.), Line(0., 3.7), Move(1.4, 2.4), Line(4., 6.)],
        'M' => &[Move(0., 6.), Line(0., 0.), Line(2., 3.4), Line(4., 0.), Line(4., 6.)],
        'N' => &[Move(0., 6.), Line(0., 0.), Line(4., 6.), Line(4., 0.)],
        'P' => &[Move(0., 6.), Line(0., 0.), Line(2.2, 0.), Bow(1.7, 1.7, 2.2, 3.4), Line(0., 3.4)],
        'Q' => &[Move(0., 2.), Bow(2., 2., 4., 2.), Line(4., 4.), Bow(2., 2., 0., 4.), Line(0., 2.), Move(2.5, 4.4), Line(4.3, 6.5)],
        'R' => &[Move(0., 6.), Line(0., 0.), Line(2.2, 0.), Bow(1.7, 1.7, 2.2, 3.4), Line(0., 3.4), Move(2., 3.4), Line(4., 6.)],
        'S' => &[Move(3.8, 1.2), Curve(3.4, 0.4, 2.8, 0., 2., 0.), Curve(0.8, 0., 0.1, 0.7, 0.1, 1.5), Curve(0.1, 3.5, 3.9, 2.4, 3.9, 4.5), Curve(3.9, 5.4, 3.1, 6., 2., 6.), Curve(1., 6., 0.3, 5.5, 0., 4.7)],
        'T' => &[Move(0., 0.), Line(4., 0.), Move(2., 0.), Line(2., 6.)],
        'V' => &[Move(0., 0.), Line(2., 6.), Line(4., 0.)],
        'W' => &[Move(0., 0.), Line(0.9, 6.), Line(2., 2.2), Line(3.1, 6.), Line(4., 0.)],
        'X' => &[Move(0., 0.), Line(4., 6.), Move(4., 0.), Line(0., 6.)],
        'Y' => &[Move(0., 0.), Line(2., 3.), Line(4., 0.), Move(2., 3.), Line(2., 6.)],
        'Z' => &[Move(0., 0.), Line(4., 0.), Line(0., 6.), Line(4., 6.)],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_character_of_a_code_has_strokes_of_its_own() {
        let all: BTreeSet<String> =
            (0..32).map(|value| path(&qnect_core::crockford::symbol(value).to_string(), 4).0).collect();
        assert_eq!(all.len(), 32);
        assert!(all.iter().all(|path| path.starts_with('M')));
    }
}
