//! `keyward key`.

use super::Transcript;
use crate::support::{Keyward, broker};

#[tokio::test]
async fn keys_are_made_changed_and_destroyed() {
    let broker = broker().start().await;
    let mut told = Transcript::of("key", Keyward::operator(&broker));
    told.line("key create app/db --label team=shop --rotate-every 90d --exportable");
    told.line("key create app/db");
    told.line("key create app/release --type ecdsa-p384 --protect");
    told.line("key create app/old --type aes256-gcm --imported");
    told.line("key create app/x --type rsa-1024");
    told.line("key create app/x --rotate-every 1h");
    told.line("key create app/x --type ed25519 --allow encrypt");
    told.line("key get app/release");
    told.line("-o json key get app/db");
    told.line("key get nothing");
    told.line("key list");
    told.line("-o json key list app");
    told.line("key list nothing");
    told.line("key update app/db --rotate-every 0s --not-exportable --label team=other");
    told.line("key rotate app/db");
    told.line("key rotate app/old");
    told.line("key disable app/db --at 1");
    told.line("key enable app/db --at 1");
    told.line("key disable app/db --at 9");
    told.line("key destroy app/db --at 1 --after 7d --yes");
    told.line("key destroy app/db --after 1d --yes");
    told.line("key destroy app/release --yes");
    told.line("key cancel-destruction app/db --at 1");
    told.line("key cancel-destruction app/db");
    told.line("key public-key app/release");
    told.line("key public-key app/db");
    told.matches();
}

#[tokio::test]
async fn keys_encrypt_sign_and_authenticate() {
    let broker = broker().start().await;
    let mut told = Transcript::of("key-work", Keyward::operator(&broker));
    told.line("key create app/db");
    told.line("key create release --type ed25519");
    told.line("key create codes --type hmac-sha256");
    let sealed = told.run_with(&["key", "encrypt", "app/db", "--aad", "x"], "hi").ok();
    told.run_with(&["key", "decrypt", "app/db", "--aad", "x"], &sealed);
    told.run_with(&["key", "decrypt", "app/db"], &sealed);
    told.run_with(&["key", "decrypt", "app/db"], "?");
    told.run_with(&["key", "encrypt", "release"], "hi");
    told.line("key encrypt app/db --in missing");
    told.line("key data-key app/db");
    told.line("key data-key app/db --hidden");
    told.line("key data-key app/db --bytes 15");
    let signature = told.run_with(&["key", "sign", "release"], "message").ok();
    told.run_with(&["key", "verify", "release", "--signature", signature.trim()], "message");
    told.run_with(&["key", "verify", "release", "--signature", signature.trim()], "messagf");
    told.run_with(&["key", "verify", "release", "--signature", "?"], "message");
    told.run_with(&["key", "sign", "release", "--algorithm", "rsa-pss-sha256"], "message");
    let mac = told.run_with(&["key", "mac", "codes"], "message").ok();
    told.run_with(&["key", "verify-mac", "codes", "--mac", mac.trim()], "message");
    told.run_with(&["key", "verify-mac", "codes", "--mac", mac.trim()], "messagf");
    told.run_with(&["key", "rewrap", "app/db", "--aad", "x"], &sealed);
    told.line("key random");
    told.line("key random 0");
    told.matches();
}
