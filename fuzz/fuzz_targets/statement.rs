//! An accepted statement of v1 reads back from its canonical bytes.
#![no_main]

use git_docket::statement::Statement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(statement) = Statement::parse(data)
        && let Ok(bytes) = statement.to_bytes()
    {
        assert_eq!(Statement::parse(&bytes).expect("our bytes read"), statement);
    }
});
