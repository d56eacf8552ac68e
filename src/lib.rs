//! `git docket` keeps a signed, hash-chained ledger of every delivery step inside the Git repository it
//! speaks about, and replays that ledger for anyone who has a clone.
//!
//! Modules stand in order: each names only those above it. Everything up to `report` is pure: bytes and
//! the time come in, an outcome goes out; no file, clock, environment, process or network. With
//! `--no-default-features` only these are built: the offline verifier.

// Values.
pub mod base64;
pub mod canonical;
pub mod digest;
pub mod timestamp;

// Formats.
pub mod merkle;
pub mod signing;
pub mod statement;

// Composites.
pub mod attestation;
pub mod envelope;
pub mod ledger;

// Judgement.
pub mod finding;
pub mod judge;
pub mod policy;
pub mod roster;
pub mod sigstore;
pub mod verify;

// Views.
pub mod archive;
pub mod ingest;
pub mod insight;
pub mod query;
pub mod report;

// World.
#[cfg(feature = "program")]
pub mod capture;
#[cfg(feature = "program")]
pub mod git;
#[cfg(feature = "program")]
pub mod index;
#[cfg(feature = "program")]
pub mod keyless;
#[cfg(feature = "program")]
pub mod keyring;
#[cfg(feature = "program")]
pub mod process;
#[cfg(feature = "program")]
pub mod store;

// Use.
#[cfg(feature = "program")]
pub mod ops;
#[cfg(feature = "program")]
pub mod serve;

pub mod manual;
