//! Addresses: where each page of a site stands, and the names in them.
//!
//! An address is relative, in lower case, and ends in `/`, so that the same pages stand behind a server, in a folder of any
//! web host, and on file systems that tell no case. In a name every byte but `a`–`z`, `0`–`9`, `-` and an inner `.` is `_` and two
//! hex digits; of a name that would pass 120 characters stands the SHA-256, after `_-`, which no other name begins with.

use std::fmt::Write as _;

use crate::digest::Sha256;

/// As long as file systems take.
const LONGEST: usize = 120;

/// A name as a part of an address: two names never have the same.
pub fn part(name: &str) -> String {
    let mut part = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => part.push(byte as char),
            b'.' if at > 0 && at + 1 < name.len() => part.push('.'),
            _ => drop(write!(part, "_{byte:02x}")),
        }
    }
    match part.is_empty() || part.len() > LONGEST {
        true => format!("_-{}", Sha256::of(name.as_bytes())),
        false => part,
    }
}

/// A check's id as a part of an address.
pub fn check_part(id: &str) -> String {
    id.to_ascii_lowercase()
}

/// From a page to the site's root.
pub fn up(address: &str) -> String {
    match address.matches('/').count() {
        0 => "./".to_owned(),
        depth => "../".repeat(depth),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_ways_up() {
        assert_eq!(part("prod-eu.1"), "prod-eu.1");
        assert_eq!(part("Ada@x"), "_41da_40x");
        assert_eq!(part(".."), "_2e_2e");
        assert_eq!(part("a/../b"), "a_2f.._2fb");
        assert_eq!(part("").len(), 66);
        assert_eq!((up(""), up("entry/3/")), ("./".into(), "../../".into()));
    }

    proptest! {
        #[test]
        fn a_part_leads_nowhere_else_and_is_of_one_name(a in ".{0,80}", b in ".{0,80}") {
            let part_a = part(&a);
            prop_assert!(part_a.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-._".contains(&c)));
            prop_assert!(!part_a.is_empty() && part_a != "." && part_a != ".." && part_a.len() <= LONGEST);
            prop_assert_eq!(part_a == part(&b), a == b);
        }
    }
}
