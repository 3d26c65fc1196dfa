//! One suite for each trait that has several implementations.

mod storage;
