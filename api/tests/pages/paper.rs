//! The pages as text: what they weigh, which language they are in, where their links lead. No browser is needed.

use qnect_api::answer::page;
use qnect_api::pages::Edition;
use qnect_core::language::Language;

use crate::ORIGIN;
use crate::gallery::{Picture, all, in_language};

/// What fits into the first flight of packets of a new connection, head and body.
const FIRST_FLIGHT_BYTES: usize = 14 * 1_024;

#[test]
fn every_page_fits_into_the_first_packets() {
    for picture in all() {
        let edition = Edition { origin: "https://a-rather-long-name.qnect.example", language: picture.language };
        let head = page(picture.status, String::new(), edition);
        let fields: usize = head.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        // The status line, and what the server adds: date, content-length, refresh.
        let bytes = picture.html.len() + fields + 160;
        println!("{} {bytes}", picture.name);
        assert!(bytes < FIRST_FLIGHT_BYTES, "{}: {bytes} bytes", picture.name);
    }
}

#[test]
fn every_page_is_in_one_language_and_leads_to_the_others() {
    for Picture { name, language, html, .. } in all() {
        assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())), "{name}");
        for other in Language::ALL {
            let link = format!("?lang={0}\" lang=\"{0}\" hreflang=\"{0}\"", other.tag());
            assert_eq!(html.matches(&link).count(), 1, "{name} leads to {other:?}");
        }
        assert_eq!(html.matches("aria-current=\"true\"").count(), 1, "{name}: one language is the current one");
        let words = html.replace("हिन्दी", "");
        let devanagari = words.chars().filter(|c| ('\u{900}'..='\u{97f}').contains(c)).count();
        assert_eq!(devanagari > 100, language == Language::Hindi, "{name}: {devanagari} letters of Hindi");
        assert_eq!(devanagari == 0, language == Language::English, "{name}: {devanagari} letters of Hindi");
        if html.contains("idempotency_key") {
            assert!(
                html.contains(&format!("name=\"language\" value=\"{}\"", language.tag())),
                "{name}: the form says so"
            );
        }
    }
}

#[test]
fn every_page_says_what_must_stand_on_every_page() {
    for picture in in_language(Language::English) {
        for text in ["href=\"tel:112\"", "never asks for payment, login or your number", "Calls are not recorded"] {
            assert_eq!(picture.html.matches(text).count(), 1, "{}: {text}", picture.name);
        }
    }
}

#[test]
fn the_languages_differ_in_words_only() {
    let [english, hindi] = Language::ALL.map(in_language);
    assert_eq!(english.len(), hindi.len());
    for (english, hindi) in english.iter().zip(&hindi) {
        assert_eq!(tags(&english.html), tags(&hindi.html), "{} and {}", english.name, hindi.name);
    }
}

#[test]
fn links_lead_to_us_or_to_a_telephone() {
    for Picture { name, html, .. } in all() {
        for attribute in ["href=\"", "action=\""] {
            for (at, _) in html.match_indices(attribute) {
                let target = &html[at + attribute.len()..];
                let known = [ORIGIN, "tel:+911140000001,", "tel:112\"", "?lang="].iter().any(|s| target.starts_with(s));
                assert!(known, "{name}: {}", &target[..target.len().min(40)]);
            }
        }
    }
}

#[test]
fn what_is_urgent_stands_apart_and_last() {
    let pages = in_language(Language::English);
    let html = |name: &str| &pages.iter().find(|p| p.name == name).expect("a page").html;
    let allowed = html("tag-allow.en");
    let order: Vec<usize> = [
        "blocking",
        "lights_on",
        "window_open",
        "damage",
        "other",
        "class=\"urgent\"",
        "towing",
        "child_or_pet",
        "emergency",
    ]
    .iter()
    .map(|what| allowed.rfind(&format!("value=\"{what}\"")).or(allowed.find(what)).expect("each of them"))
    .collect();
    assert!(order.is_sorted(), "{order:?}");
    let asleep = html("tag-owner_unavailable-urgent.en");
    assert!(asleep.contains("For these you can still call") && asleep.contains("value=\"towing\""));
    assert!(!asleep.contains("value=\"blocking\""));
    assert!(!html("tag-owner_unavailable.en").contains("<form"));
    assert!(html("tag-tag_limit.en").contains("Please try again in about 25 minutes."));
    assert!(html("problem-numbers_exhausted.en").contains("Please try again in half a minute."));
}

/// The elements of a page in their order, without attributes.
fn tags(html: &str) -> Vec<&str> {
    let body = &html[html.find("</style>").expect("a style")..];
    body.split('<').filter_map(|piece| piece.split([' ', '>']).next()).collect()
}
