//! The settings of an issuer as they are registered, and key sets that are given with them.

use keyward::identity::{IssuerConfig, oidc::KeySource};

use crate::support::texts;

/// An issuer with one audience and one algorithm.
pub(super) fn example() -> IssuerConfig {
    let text = r#"{"name":"ci","iss":"https://ci.example","keys":"discovery","audiences":["keyward"],"algorithms":["EdDSA"]}"#;
    serde_json::from_str(text).unwrap()
}

pub(super) fn run(bytes: &[u8]) {
    if let Ok(config) = serde_json::from_slice::<IssuerConfig>(bytes) {
        let again: IssuerConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config, "an issuer reads otherwise than it was written");
        if config.check().is_ok() {
            assert!(!config.audiences.is_empty() && !config.algorithms.is_empty(), "an issuer for anyone");
        }
    }
    if let Ok(document) = std::str::from_utf8(bytes) {
        let keys = KeySource::Static(document.to_owned());
        let _refused = IssuerConfig { keys, ..example() }.check();
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        &serde_json::to_string(&example()).unwrap(),
        r#"{"name":"k8s","iss":"https://k","keys":{"jwks":"https://k/keys"},"audiences":["a"],"algorithms":["RS256","ES256"],"replay":"once","claims":{"ns":{"kind":"text","path":"/kubernetes.io/namespace"}}}"#,
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
        r#"{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"oct","k":"AA"},{"kty":"RSA","n":"AQAB","e":"AQAB","key_ops":["verify"]}]}"#,
    ])
}
