//! What people and programs get to read: outcomes as text and as JSON. A report never decides anything.

pub mod archived;
pub mod audit;
pub mod csv;
pub mod diff;
pub mod dossier;
pub mod entry;
pub mod escape;
pub mod form;
pub mod html;
pub mod insight;
pub mod json;
pub mod junit;
pub mod listing;
pub mod markdown;
pub mod oscal;
pub mod sarif;
pub mod site;
pub mod summary;
pub mod verdict;
