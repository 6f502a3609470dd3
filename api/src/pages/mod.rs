//! What a person in the street sees. No script, no cookie, no request to anyone else; a page is whole in one answer.

mod icons;
mod phone;
mod problem;
mod session;
mod tag;

use std::fmt::Display;

use askama::Template;
use qnect_core::language::Language;

pub use phone::dial_uri;
pub use problem::problem;
pub use session::{refreshed_after, session};
pub use tag::tag;

/// Which edition of a page is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Edition<'a> {
    /// The origin of every URL, without a slash at its end.
    pub origin: &'a str,
    /// The language of every text.
    pub language: Language,
}

impl Edition<'_> {
    /// The address of a sticker's page, to which a query may be appended.
    fn sticker(&self, code: impl Display) -> String {
        format!("{}/q/{code}", self.origin)
    }
}

fn render(page: &impl Template) -> String {
    // Rendering writes into memory and asks nothing that can fail.
    page.render().unwrap_or_default()
}
