//! OpenBao.

use keyward_testbed::Bao;
use serde_json::json;

#[tokio::test]
async fn openbao_encrypts_and_decrypts() {
    let bao = Bao::dev_start().await;
    bao.write("sys/mounts/transit", json!({ "type": "transit" })).await;
    bao.write("transit/keys/k", json!({})).await;
    let sealed = bao.write("transit/encrypt/k", json!({ "plaintext": "d29yZA==" })).await;
    let sealed = sealed["data"]["ciphertext"].as_str().unwrap().to_owned();
    assert!(sealed.starts_with("vault:v1:"), "{sealed}");
    let opened = bao.write("transit/decrypt/k", json!({ "ciphertext": sealed })).await;
    assert_eq!(opened["data"]["plaintext"], "d29yZA==");
}
