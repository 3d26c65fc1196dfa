//! What an issuer's server answers: the discovery document and the key set, of which neither need be true.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use keyward::{
    identity::oidc::{Authorities, Fetch, FetchError, Issuers},
    method::TenantId,
};
use keyward_sdk::time::ManualClock;
use tokio_util::sync::CancellationToken;

use crate::support::NOW;

const TENANT: TenantId = TenantId([7; 16]);

/// Answers with the first document first, and then with the second.
struct Answers(Bytes, Bytes);

#[async_trait]
impl Fetch for Answers {
    async fn fetch(&self, url: &str, _: Option<&Authorities>) -> Result<Bytes, FetchError> {
        Ok(if url.ends_with("/.well-known/openid-configuration") { self.0.clone() } else { self.1.clone() })
    }
}

pub(super) fn run(bytes: &[u8]) {
    let (discovery, keys) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    let keys = keys.strip_prefix(&[0]).unwrap_or(keys);
    let answers = Answers(Bytes::copy_from_slice(discovery), Bytes::copy_from_slice(keys));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let issuers = Issuers::new(Arc::new(answers), ManualClock::at(NOW), &CancellationToken::new());
        let config = super::issuer_config::example();
        issuers.replace(TENANT, vec![config.clone()]);
        issuers.refresh(TENANT, &config.name).await;
        let state = issuers.state(TENANT, &config.name).unwrap();
        let fetched = state.fetches.last_success.is_some();
        assert!(state.fetches.last_attempt.is_some(), "nothing was fetched");
        assert_eq!(fetched, !state.keys.is_empty(), "keys without a fetch, or a fetch without keys");
        // The example takes EdDSA alone, whatever other keys there are.
        assert!(state.keys.iter().all(|key| key.algorithms.len() <= 1));
    });
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let discovery = r#"{"issuer":"https://ci.example","jwks_uri":"https://ci.example/keys"}"#;
    let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    vec![vec![], format!("{discovery}\0{keys}").into_bytes(), discovery.as_bytes().to_vec()]
}
