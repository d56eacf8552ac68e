//! What the end-to-end tests share.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of the testkit"
)]

pub mod http;
pub mod ledger;
pub mod schemas;
pub mod server;
pub mod ssh;
pub mod world;

pub use schemas::{fits, schema};
