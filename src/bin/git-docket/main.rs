//! The program `git docket`.
fn main() {}
