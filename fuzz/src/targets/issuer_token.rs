//! Tokens of OIDC issuers: none counts that its issuer did not sign.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use keyward::{
    identity::oidc::{Authorities, Fetch, FetchError, Issuers, KeySource},
    method::TenantId,
};
use keyward_sdk::{
    crypto::asymmetric::{KeyKind, PrivateKey, Scheme, generate},
    time::ManualClock,
};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::support::{NOW, altered, changes};

const TENANT: TenantId = TenantId([7; 16]);

struct Nobody;

#[async_trait]
impl Fetch for Nobody {
    async fn fetch(&self, _: &str, _: Option<&Authorities>) -> Result<Bytes, FetchError> {
        Err(FetchError::Never)
    }
}

struct Known {
    runtime: Runtime,
    issuers: Issuers,
    token: String,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let key = PrivateKey::from_pkcs8(KeyKind::Ed25519, &generate(KeyKind::Ed25519).unwrap()).unwrap();
    let x = BASE64URL_NOPAD.encode(key.public_key().raw());
    let mut config = super::issuer_config::example();
    config.keys = KeySource::Static(format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{x}"}}]}}"#));
    config.check().unwrap();
    let seconds = NOW.millis() / 1_000;
    let payload = format!(
        r#"{{"iss":"https://ci.example","aud":"keyward","sub":"a","iat":{seconds},"exp":{}}}"#,
        seconds + 600
    );
    let signed = [r#"{"alg":"EdDSA","kid":"k","typ":"JWT"}"#, &payload].map(|part| BASE64URL_NOPAD.encode(part.as_bytes()));
    let signed = signed.join(".");
    let signature = key.sign(Scheme::Ed25519, signed.as_bytes()).unwrap();
    let issuers = Issuers::new(Arc::new(Nobody), ManualClock::at(NOW), &CancellationToken::new());
    issuers.replace(TENANT, vec![config]);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    Known { runtime, issuers, token: format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)) }
});

fn verified(token: &str) -> bool {
    KNOWN.runtime.block_on(KNOWN.issuers.verify(TENANT, token)).is_ok()
}

pub(super) fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(text == KNOWN.token || !verified(text), "a token was forged");
        // As header and payload, so that the search need not learn base64 first.
        let (header, payload) = text.split_once('\0').unwrap_or((r#"{"alg":"EdDSA"}"#, text));
        let parts = [header, payload].map(|part| BASE64URL_NOPAD.encode(part.as_bytes()));
        assert!(!verified(&format!("{}.{}.AAAA", parts[0], parts[1])), "a token counts without a signature");
    }
    let changed = altered(KNOWN.token.as_bytes(), bytes);
    let counts = std::str::from_utf8(&changed).is_ok_and(verified);
    assert_eq!(counts, changed == KNOWN.token.as_bytes(), "an altered token counts, or a whole one does not");
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = changes();
    let header = r#"{"alg":"EdDSA","kid":"k","typ":"at+jwt"}"#;
    let payload = r#"{"iss":"https://ci.example","aud":["keyward"],"sub":"a","iat":1800000000,"exp":1800000600,"x":{"y":[1,true,null,-2.5e3,"\u00e9"]}}"#;
    seeds.push(format!("{header}\0{payload}").into_bytes());
    seeds.push(KNOWN.token.clone().into_bytes());
    seeds
}
