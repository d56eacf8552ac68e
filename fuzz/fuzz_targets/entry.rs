//! An accepted line renders to the same bytes.
#![no_main]

use git_docket::ledger::{Lines, entry::render_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for line in Lines::of(data).map_while(Result::ok) {
        assert_eq!(line.link.render().as_bytes(), line.link_bytes);
        if let Some(body) = line.body {
            let (rendered, _) = render_line(&line.link, body, line.offset);
            assert_eq!(&data[line.offset..][..rendered.len()], rendered);
        }
    }
});
