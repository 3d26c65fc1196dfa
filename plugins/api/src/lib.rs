//! Generated messages, clients and servers. No other crate compiles a .proto.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code; the comments are in the .proto files"
)]

/// Keyward's own API.
pub mod v1 {
    tonic::include_proto!("keyward.v1");
}

/// The Kubernetes KMS plugin API.
pub mod kubernetes {
    /// v2, stable since Kubernetes 1.29.
    pub mod v2 {
        tonic::include_proto!("v2");
    }
    /// v1, deprecated.
    pub mod v1beta1 {
        tonic::include_proto!("v1beta1");
    }
}

/// All descriptors, for reflection and for the test that compares them with the method table.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
