//! One plot as SVG: a few lines over one axis, with a key above them.

use std::fmt::Write;

use crate::page::axis::Axis;
use crate::page::escaped;

/// In units of the picture: so wide that its letters can be read on a telephone, where it is shown smaller.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 232.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// Lines that can be told apart.
pub(super) const LINES_MAX: usize = 6;
/// Points of a line at most; of more every so many is drawn.
const POINTS_MAX: usize = 600;

/// A plot.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) title: &'static str,
    /// What stands at the vertical axis, and what is to be known.
    pub(super) note: &'static str,
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// At most `LINES_MAX`, each with its name.
    pub(super) lines: Vec<(String, Vec<Point>)>,
}

/// A place on a line; without a height the line is broken there.
pub(super) type Point = (f64, Option<f64>);

impl Plot {
    /// A section of the page.
    pub(super) fn section(&self) -> String {
        let mut out = format!("<section><h2>{}</h2><p class=\"soft\">{}</p>", self.title, self.note);
        // A line that is what the title says needs no name.
        if self.lines.iter().any(|(name, _)| name != self.title) {
            out += "<p class=\"key\">";
            for (nth, (name, _)) in self.lines.iter().enumerate().take(LINES_MAX) {
                let _ = write!(out, "<span><i class=\"c{nth}\"></i>{}</span>", escaped(name));
            }
            out += "</p>";
        }
        self.picture(&mut out);
        out + "</section>\n"
    }

    fn picture(&self, out: &mut String) {
        let _ = write!(out, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", self.title);
        let (right, base) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, name) in &self.y.ticks {
            let y = self.high(*value);
            let class = if y >= base { "base" } else { "grid-line" };
            let _ = write!(
                out,
                "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
                LEFT - 8.0,
                y + 4.5
            );
        }
        for (value, name) in &self.x.ticks {
            let x = self.across(*value);
            // A name at either end stays within the picture.
            let anchor = match x {
                x if x <= LEFT + 1.0 => "start",
                x if x >= right - 24.0 => "end",
                _ => "middle",
            };
            let _ = write!(out, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{name}</text>", base + 19.0);
        }
        // The first line is what the plot is about: it lies above the others.
        for (nth, (_, points)) in self.lines.iter().enumerate().take(LINES_MAX).rev() {
            let _ = write!(out, "<path class=\"c{nth}\" d=\"{}\"/>", self.path(points));
        }
        *out += "</svg>";
    }

    fn path(&self, points: &[Point]) -> String {
        let (mut path, mut is_open) = (String::new(), false);
        for (at, value) in points.iter().step_by(points.len().div_ceil(POINTS_MAX).max(1)) {
            let Some(value) = value else {
                is_open = false;
                continue;
            };
            let (x, y) = (self.across(*at), self.high(*value));
            // A lone point is a line to itself, which is drawn as a dot.
            let _ = if is_open { write!(path, "L{x:.1} {y:.1}") } else { write!(path, "M{x:.1} {y:.1}h0") };
            is_open = true;
        }
        path
    }

    fn across(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn high(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }
}

#[cfg(test)]
mod tests {
    use super::Plot;
    use crate::page::axis::Axis;

    #[test]
    fn a_line_is_broken_where_nothing_was_measured_and_stays_within_the_picture() {
        let points = vec![(0.0, Some(0.0)), (1.0, None), (5.0, Some(10.0)), (10.0, Some(99.0))];
        let plot = Plot {
            title: "Title",
            note: "note",
            x: Axis::seconds(10.0),
            y: Axis::amounts(10.0),
            lines: vec![("a<b".to_owned(), points), ("other".to_owned(), Vec::new())],
        };
        let section = plot.section();
        assert!(section.contains("d=\"M66.0 206.0h0M266.0 10.0h0L466.0 10.0\""), "{section}");
        assert!(section.contains("a&lt;b") && !section.contains("a<b"), "{section}");
        let document = section.replace("<i class=\"c0\"></i>", "").replace("<i class=\"c1\"></i>", "");
        assert_eq!(document.matches("<svg").count(), document.matches("</svg>").count());
    }
}
