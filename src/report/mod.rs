//! What people and programs get to read: outcomes as text and as JSON. A report never decides anything.

pub mod entry;
pub mod escape;
pub mod json;
pub mod verdict;
