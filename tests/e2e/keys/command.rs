//! `keyward key`.

use crate::support::{Keyward, broker};

#[tokio::test]
async fn what_is_piped_through_encrypt_and_decrypt_comes_out_again() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    keyward.ok(&["key", "create", "app/db", "--label", "team=shop"]);
    let sealed = keyward.run_with(&["key", "encrypt", "app/db", "--aad", "x"], "hi").ok();
    assert_eq!(keyward.run_with(&["key", "decrypt", "app/db", "--aad", "x"], &sealed).ok(), "hi");
    let refused = keyward.run_with(&["key", "decrypt", "app/db"], &sealed);
    assert_eq!((refused.code(), refused.stdout.as_str()), (2, ""));
    keyward.ok(&["key", "rotate", "app/db"]);
    let sealed = keyward.run_with(&["key", "rewrap", "app/db", "--aad", "x"], &sealed).ok();
    assert_eq!(keyward.run_with(&["key", "decrypt", "app/db", "--aad", "x"], &sealed).ok(), "hi");
    let shown = keyward.json(&["key", "get", "app/db"]);
    assert_eq!(shown["versions"][0]["state"], "decrypt-only");
    assert_eq!(shown["labels"]["team"], "shop");
    assert_eq!(keyward.json(&["key", "list", "app"])[0]["path"], "app/db");
}

#[tokio::test]
async fn verify_ends_with_1_when_a_signature_or_code_does_not_hold() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    keyward.ok(&["key", "create", "release", "--type", "ed25519"]);
    let signature = keyward.run_with(&["key", "sign", "release"], "message").ok();
    let verify = ["key", "verify", "release", "--signature", signature.trim()];
    assert_eq!(keyward.run_with(&verify, "message").ok(), "valid\n");
    assert_eq!(keyward.run_with(&verify, "messagf").code(), 1);
    assert!(keyward.ok(&["key", "public-key", "release"]).starts_with("-----BEGIN PUBLIC KEY-----\n"));

    keyward.ok(&["key", "create", "codes", "--type", "hmac-sha256"]);
    let mac = keyward.run_with(&["key", "mac", "codes"], "message").ok();
    let verify = ["key", "verify-mac", "codes", "--mac", mac.trim()];
    assert_eq!(keyward.run_with(&verify, "message").ok(), "valid\n");
    assert_eq!(keyward.run_with(&verify, "messagf").code(), 1);
}

#[tokio::test]
async fn a_key_is_destroyed_only_on_purpose_and_can_be_kept() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    keyward.ok(&["key", "create", "app/db"]);
    assert_eq!(keyward.run(&["key", "destroy", "app/db"]).code(), 2);
    let shown = keyward.json(&["key", "destroy", "app/db", "--yes"]);
    assert!(shown["destroy_at"].is_string(), "{shown}");
    assert_eq!(keyward.run_with(&["key", "encrypt", "app/db"], "hi").code(), 1);
    keyward.ok(&["key", "cancel-destruction", "app/db"]);
    assert_eq!(keyward.run_with(&["key", "encrypt", "app/db"], "hi").code(), 1);
    keyward.ok(&["key", "enable", "app/db", "--at", "1"]);
    keyward.run_with(&["key", "encrypt", "app/db"], "hi").ok();
    keyward.ok(&["key", "update", "app/db", "--protect", "true"]);
    assert_eq!(keyward.run(&["key", "destroy", "app/db", "--yes"]).code(), 1);
}
