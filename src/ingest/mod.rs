//! Ingest: other people's documents, read leniently within strict bounds.
//!
//! What comes in is hostile until it is checked; what goes out is our own types, or an error that says what was
//! wrong and where. Nothing here decides what a document is worth.

pub mod attestations;
pub mod catalog;
pub mod forge;
pub mod git_ai;
pub mod harness_audit;
pub mod reports;
pub mod running;
