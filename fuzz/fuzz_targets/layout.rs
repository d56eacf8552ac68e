//! A layout or link is read or refused; what is read never panics before rules and patterns.
#![no_main]

use git_docket::judge::layout::{Key, Layout, Pattern, Signed};
use git_docket::timestamp::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Signed::link(data);
    if let Ok(now) = Timestamp::from_unix(0) {
        assert!(Layout::verified(data, &[], now).is_err(), "no key, no layout");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Key::from_pem(text);
        let (pattern, path) = text.split_once('\n').unwrap_or((text, text));
        if let Ok(pattern) = Pattern::parse(pattern) {
            pattern.matches(path);
        }
    }
});
