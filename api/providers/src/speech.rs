//! What people hear, in every language: plain, short, polite. The same words at every provider.
//!
//! A caller never learns from the words why a call was refused: one announcement stands for all that is wrong with a code,
//! one for all that keeps an owner away. No text holds a name, a plate or a number of anybody.

use qnect_core::instruction::{Announcement, ChallengeDigits};
use qnect_core::language::Language;
use qnect_core::reason::Reason;

/// What is said before the line is closed.
pub fn announcement(announcement: Announcement, language: Language) -> &'static str {
    match (announcement, language) {
        (Announcement::CodeRefused, Language::English) => {
            "Sorry, this code cannot be used. Please scan the QR code again to get a new one. Goodbye."
        }
        (Announcement::CodeRefused, Language::Hindi) => {
            "माफ़ कीजिए, यह कोड काम नहीं कर सकता। नया कोड पाने के लिए कृपया QR कोड फिर से स्कैन करें। धन्यवाद।"
        }
        (Announcement::OwnerUnavailable, Language::English) => {
            "Sorry, the owner cannot be reached at the moment. Please try again later. Goodbye."
        }
        (Announcement::OwnerUnavailable, Language::Hindi) => {
            "माफ़ कीजिए, अभी गाड़ी के मालिक से बात नहीं हो सकती। कृपया बाद में फिर कोशिश करें। धन्यवाद।"
        }
        (Announcement::OwnerBusy, Language::English) => {
            "The owner is on another call. Please try again in a few minutes. Goodbye."
        }
        (Announcement::OwnerBusy, Language::Hindi) => {
            "गाड़ी के मालिक दूसरी कॉल पर हैं। कृपया कुछ मिनट बाद फिर कोशिश करें। धन्यवाद।"
        }
        (Announcement::TryAgain, Language::English) => {
            "Sorry, that did not work on our side. Please call again with the same code. Goodbye."
        }
        (Announcement::TryAgain, Language::Hindi) => {
            "माफ़ कीजिए, हमारी ओर से कुछ गड़बड़ हुई। कृपया उसी कोड से फिर कॉल करें। धन्यवाद।"
        }
        (Announcement::LinesBusy, Language::English) => {
            "All lines are busy. Please call again in a minute with the same code. Goodbye."
        }
        (Announcement::LinesBusy, Language::Hindi) => "सभी लाइनें व्यस्त हैं। कृपया एक मिनट बाद उसी कोड से फिर कॉल करें। धन्यवाद।",
        (Announcement::NoAnswer, Language::English) => {
            "The owner did not take the call. Please try again later. Goodbye."
        }
        (Announcement::NoAnswer, Language::Hindi) => "गाड़ी के मालिक ने कॉल नहीं उठाई। कृपया बाद में फिर कोशिश करें। धन्यवाद।",
        (Announcement::OwnerComing, Language::English) => "The owner is coming in about five minutes. Goodbye.",
        (Announcement::OwnerComing, Language::Hindi) => "गाड़ी के मालिक लगभग पाँच मिनट में आ रहे हैं। धन्यवाद।",
        (Announcement::Noted, Language::English) => "Thank you. We tell them. Goodbye.",
        (Announcement::Noted, Language::Hindi) => "धन्यवाद। हम उन्हें बता देंगे। नमस्ते।",
        (Announcement::Muted, Language::English) => "Done. You get no calls for one hour, except urgent ones. Goodbye.",
        (Announcement::Muted, Language::Hindi) => "हो गया। एक घंटे तक आपको कोई कॉल नहीं आएगी, ज़रूरी कॉल को छोड़कर। नमस्ते।",
        (Announcement::Reported, Language::English) => "Thank you. The last call is reported as abuse. Goodbye.",
        (Announcement::Reported, Language::Hindi) => "धन्यवाद। पिछली कॉल की शिकायत दर्ज हो गई है। नमस्ते।",
        (Announcement::NothingToReport, Language::English) => {
            "There is no recent call that could be reported. Goodbye."
        }
        (Announcement::NothingToReport, Language::Hindi) => "हाल में ऐसी कोई कॉल नहीं है जिसकी शिकायत हो सके। नमस्ते।",
        (Announcement::Blocked, Language::English) => {
            "Done. The caller of the last call can no longer reach you. Goodbye."
        }
        (Announcement::Blocked, Language::Hindi) => "हो गया। पिछली बार कॉल करने वाले अब आप तक नहीं पहुँच सकते। नमस्ते।",
        (Announcement::NothingToBlock, Language::English) => {
            "There is no recent call, or its caller withheld the number and cannot be blocked. Goodbye."
        }
        (Announcement::NothingToBlock, Language::Hindi) => {
            "हाल में कोई कॉल नहीं है, या कॉल करने वाले ने अपना नंबर छिपाया था और उन्हें ब्लॉक नहीं किया जा सकता। नमस्ते।"
        }
        (Announcement::BlockedCallersFull, Language::English) => {
            "You have blocked as many callers as can be. Please ask us to let some through again. Goodbye."
        }
        (Announcement::BlockedCallersFull, Language::Hindi) => {
            "आप जितने लोगों को ब्लॉक कर सकते हैं, उतने ब्लॉक हो चुके हैं। कृपया हमसे कहें कि कुछ को फिर अनुमति दें। नमस्ते।"
        }
        (Announcement::Goodbye, Language::English) => "Thank you. Goodbye.",
        (Announcement::Goodbye, Language::Hindi) => "धन्यवाद। नमस्ते।",
    }
}

/// What asks the caller for the access code of so many digits.
pub fn code_wanted(digits: u8, language: Language) -> String {
    match language {
        Language::English => format!("QNect. Please key the {digits} digits of the code on your screen."),
        Language::Hindi => format!("QNect. कृपया स्क्रीन पर दिख रहे कोड के {digits} अंक दबाएँ।"),
    }
}

/// What tells the caller that the digits were no code, before asking again.
pub fn code_wrong(language: Language) -> &'static str {
    match language {
        Language::English => "Sorry, that code was not right.",
        Language::Hindi => "माफ़ कीजिए, वह कोड सही नहीं था।",
    }
}

/// What is said when nothing was keyed, before the line is closed.
pub fn code_missing(language: Language) -> &'static str {
    match language {
        Language::English => "We did not get a code. Please call again with the code on your screen. Goodbye.",
        Language::Hindi => "हमें कोई कोड नहीं मिला। कृपया स्क्रीन पर दिख रहे कोड के साथ फिर कॉल करें। धन्यवाद।",
    }
}

/// What asks a caller for the digits of a challenge.
pub fn challenge(spoken: ChallengeDigits, language: Language) -> String {
    let [first, second] = spoken.digits().map(|digit| digit_word(digit, language));
    match language {
        Language::English => format!("Before we call the owner, please key these two digits: {first}, {second}."),
        Language::Hindi => format!("गाड़ी के मालिक को कॉल करने से पहले, कृपया ये दो अंक दबाएँ: {first}, {second}।"),
    }
}

fn digit_word(digit: u8, language: Language) -> &'static str {
    const ENGLISH: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    const HINDI: [&str; 10] = ["शून्य", "एक", "दो", "तीन", "चार", "पाँच", "छह", "सात", "आठ", "नौ"];
    let words = match language {
        Language::English => ENGLISH,
        Language::Hindi => HINDI,
    };
    words[usize::from(digit % 10)]
}

/// What a caller hears while the owner is engaged: more on the first turn, a sign of life on the others.
pub fn hold(turn: u8, language: Language) -> &'static str {
    match (turn, language) {
        (..=1, Language::English) => "The owner is on another call. Please hold, we try again.",
        (..=1, Language::Hindi) => "गाड़ी के मालिक दूसरी कॉल पर हैं। कृपया लाइन पर रहें, हम फिर कोशिश करते हैं।",
        (_, Language::English) => "Please hold.",
        (_, Language::Hindi) => "कृपया लाइन पर रहें।",
    }
}

/// What an owner hears who calls one of our numbers back. Nobody is ever put through to a scanner.
pub fn owner_menu(digits: u8, language: Language) -> String {
    match language {
        Language::English => format!(
            "QNect. This number only connects people at your vehicle to you; nobody can be called back. \
             To get no calls for one hour, press 1. To report the last call as abuse, press 2. \
             To block the caller of the last call, press 9. \
             If you have a code on your screen, key its {digits} digits."
        ),
        Language::Hindi => format!(
            "QNect. यह नंबर सिर्फ़ आपकी गाड़ी के पास खड़े लोगों को आपसे जोड़ता है; यहाँ से किसी को वापस कॉल नहीं हो सकती। \
             एक घंटे तक कॉल बंद करने के लिए 1 दबाएँ। पिछली कॉल की शिकायत करने के लिए 2 दबाएँ। \
             पिछली बार कॉल करने वाले को ब्लॉक करने के लिए 9 दबाएँ। \
             अगर आपकी स्क्रीन पर कोड है, तो उसके {digits} अंक दबाएँ।"
        ),
    }
}

/// What an owner hears alone: the reason as somebody gave it, the key to press, and that numbers stay hidden. The key comes
/// before the rest, because the time to press it runs from the first word. `more_keys`: the provider takes more than the 1.
pub fn whisper(reason: Reason, more_keys: bool, language: Language) -> String {
    let reason = self::reason(reason, language);
    let keys = match (more_keys, language) {
        (false, Language::English) => "Press 1 to talk.",
        (false, Language::Hindi) => "बात करने के लिए 1 दबाएँ।",
        (true, Language::English) => "Press 1 to talk, 2 to say that you come in five minutes, 3 if you cannot come.",
        (true, Language::Hindi) => "बात करने के लिए 1 दबाएँ, पाँच मिनट में आने की ख़बर देने के लिए 2, और अगर नहीं आ सकते तो 3।",
    };
    match language {
        Language::English => format!("QNect. {reason} {keys} No number is shown to either of you."),
        Language::Hindi => format!("QNect. {reason} {keys} किसी को किसी का नंबर नहीं दिखेगा।"),
    }
}

fn reason(reason: Reason, language: Language) -> &'static str {
    match (reason, language) {
        (Reason::Blocking, Language::English) => "Someone says your vehicle blocks theirs.",
        (Reason::Blocking, Language::Hindi) => "कोई कह रहा है कि आपकी गाड़ी ने उनका रास्ता रोका है।",
        (Reason::LightsOn, Language::English) => "Someone says the lights of your vehicle are on.",
        (Reason::LightsOn, Language::Hindi) => "कोई कह रहा है कि आपकी गाड़ी की लाइट जल रही है।",
        (Reason::WindowOpen, Language::English) => "Someone says a window of your vehicle is open.",
        (Reason::WindowOpen, Language::Hindi) => "कोई कह रहा है कि आपकी गाड़ी की खिड़की खुली है।",
        (Reason::Damage, Language::English) => "Someone says your vehicle is damaged.",
        (Reason::Damage, Language::Hindi) => "कोई कह रहा है कि आपकी गाड़ी को नुकसान हुआ है।",
        (Reason::Other, Language::English) => "Someone at your vehicle asks to talk to you.",
        (Reason::Other, Language::Hindi) => "आपकी गाड़ी के पास कोई आपसे बात करना चाहता है।",
        (Reason::Towing, Language::English) => "Urgent. Someone says your vehicle is about to be towed.",
        (Reason::Towing, Language::Hindi) => "ज़रूरी। कोई कह रहा है कि आपकी गाड़ी उठाई जाने वाली है।",
        (Reason::ChildOrPet, Language::English) => "Urgent. Someone says a child or an animal is inside your vehicle.",
        (Reason::ChildOrPet, Language::Hindi) => "ज़रूरी। कोई कह रहा है कि आपकी गाड़ी में बच्चा या जानवर है।",
        (Reason::Emergency, Language::English) => "Urgent. Someone says there is an emergency at your vehicle.",
        (Reason::Emergency, Language::Hindi) => "ज़रूरी। कोई कह रहा है कि आपकी गाड़ी के पास आपात स्थिति है।",
    }
}
