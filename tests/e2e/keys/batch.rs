//! Batches: as many results as items, in their order, whatever becomes of each.

use keyward_api::v1::{
    BatchDecryptItem, BatchDecryptRequest, BatchEncryptItem, BatchEncryptRequest, BatchItemError, EncryptResponse,
    KeyType, batch_decrypt_result::Result as Opened, batch_encrypt_result::Result as Made,
};
use tonic::{Code, Status};

use super::{create, crypto};
use crate::support::{Caller, broker, field, reason};

async fn encrypt(
    caller: &Caller,
    items: Vec<BatchEncryptItem>,
) -> Result<Vec<Result<EncryptResponse, BatchItemError>>, Status> {
    let answer = crypto(caller).batch_encrypt(BatchEncryptRequest { key: "app/db".to_owned(), items }).await?;
    let sorted = answer.into_inner().results.into_iter().map(|result| match result.result.unwrap() {
        Made::Encrypted(made) => Ok(made),
        Made::Error(error) => Err(error),
    });
    Ok(sorted.collect())
}

fn item(plaintext: impl Into<bytes::Bytes>, aad: &'static str) -> BatchEncryptItem {
    BatchEncryptItem { plaintext: plaintext.into(), aad: aad.into() }
}

#[tokio::test]
async fn a_thousand_items_are_taken_each_with_a_result_of_its_own_and_one_more_is_not() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let text = |n: usize| format!("{}{n}", marked!("item "));
    let items: Vec<_> = (0..1_000).map(|n| item(text(n), "aad")).collect();
    let made: Vec<_> = encrypt(&operator, items.clone()).await.unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(made.len(), 1_000);
    assert!(made.iter().all(|made| made.key_version == 1));
    let sealed = made.iter().map(|made| &made.ciphertext);
    let items_back =
        sealed.map(|c| BatchDecryptItem { ciphertext: c.clone(), aad: "aad".into(), key_version: 0 }).collect();
    let request = BatchDecryptRequest { key: "app/db".to_owned(), items: items_back };
    let opened = crypto(&operator).batch_decrypt(request.clone()).await.unwrap().into_inner().results;
    for (n, result) in opened.into_iter().enumerate() {
        let Opened::Decrypted(opened) = result.result.unwrap() else { panic!("item {n} does not open") };
        assert_eq!(opened.plaintext, text(n).as_bytes(), "in their order");
    }
    let more = [items, vec![item("x", "")]].concat();
    let refused = encrypt(&operator, more).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "LIMIT"));
    let mut request = request;
    request.items.push(request.items[0].clone());
    let refused = crypto(&operator).batch_decrypt(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "LIMIT"));
    let refused = encrypt(&operator, Vec::new()).await.unwrap_err();
    assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "items"));
}

#[tokio::test]
async fn an_item_that_is_too_long_leaves_the_others_alone() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let items = vec![item("a", ""), item(vec![0; (1 << 20) + 1], ""), item("b", "")];
    let results = encrypt(&operator, items).await.unwrap();
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    let error = results[1].as_ref().unwrap_err();
    assert!(error.code != 0 && !error.reason.is_empty() && !error.message.is_empty(), "{error:?}");
}

#[tokio::test]
async fn a_batch_larger_than_a_message_is_refused_and_the_connection_goes_on() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "app/db", KeyType::Aes256Gcm).await;
    let items = (0..5).map(|_| item(vec![0; 1 << 20], "")).collect();
    let refused = encrypt(&operator, items).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    assert!(encrypt(&operator, vec![item("a", "")]).await.unwrap()[0].is_ok());
}
