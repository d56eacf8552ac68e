//! What the end-to-end tests share.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of the testkit"
)]

pub mod world;
