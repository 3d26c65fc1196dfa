//! What sealing and opening cost.
fn main() {}
