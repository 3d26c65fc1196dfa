//! What the broker and the providers of its clusters must understand alike: ids, the key_id that Kubernetes stores, how a
//! seed is sealed under a cluster's key, and the string with which a node joins.

mod join;
mod key_id;
mod seed;

pub use self::{
    join::{JoinError, JoinString, MAX_ENDPOINTS},
    key_id::{KeyId, KeyIdError},
    seed::{MAX_CIPHERTEXT, MAX_SEED, SeedError, SeedKey, SeedPlace},
};

keyward_sdk::random_id! {
    /// Names a cluster for ever.
    pub ClusterId
}
keyward_sdk::random_id! {
    /// Names a cluster's key; its versions share it.
    pub ClusterKeyId
}
keyward_sdk::random_id! {
    /// Names a node for ever.
    pub NodeId
}
