//! Keys of one tenant in another.

use keyward_api::v1::{CreateTenantRequest, GetKeyRequest, KeyType, ListKeysRequest, RedeemBootstrapTokenRequest};
use tonic::Code;

use super::{PLAIN, create, crypto, decrypt, encrypt, keys};
use crate::support::{Key, broker};

#[tokio::test]
async fn a_ciphertext_of_one_tenant_does_not_open_in_another() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let request = CreateTenantRequest { name: "other".to_owned(), description: String::new() };
    let made = operator.tenants().create_tenant(request).await.unwrap().into_inner();
    let key = Key::make();
    let request = RedeemBootstrapTokenRequest { bootstrap_token: made.operator_token };
    let newcomer = broker.caller().key(&key).tenant("other").connect().await;
    let token = newcomer.auth().redeem_bootstrap_token(request).await.unwrap().into_inner().token.unwrap();
    let other = broker.caller().key(&key).tenant("other").token(&token.token).connect().await;

    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let sealed = encrypt(&operator, "app/db", PLAIN).await.ciphertext;
    // The other tenant has no such key, then one of the same name.
    let refused = keys(&other).get_key(GetKeyRequest { path: "app/db".to_owned() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    create(&other, "app/db", KeyType::Aes256Gcm).await;
    let refused = crypto(&other).decrypt(decrypt("app/db", &sealed)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    create(&other, "own", KeyType::Ed25519).await;
    let list = ListKeysRequest { folder: String::new(), page_size: 0, page_token: String::new() };
    assert_eq!(keys(&operator).list_keys(list).await.unwrap().into_inner().keys.len(), 1);
}
