//! kube-apiserver on etcd.

use keyward_testbed::{Apiserver, ApiserverOptions, Etcd};

#[tokio::test]
async fn a_secret_lies_readable_in_etcd_when_nothing_encrypts_it() {
    let mut etcd = Etcd::start().await;
    let mut apiserver = Apiserver::start(&etcd, ApiserverOptions::default()).await;
    apiserver.kubectl(&["create", "secret", "generic", "plain", "--from-literal=word=in-the-clear"]).await;

    let raw = etcd.get_raw("/registry/secrets/default/plain").await;
    assert!(raw.starts_with(b"k8s\0"), "protobuf, not an encryption prefix");
    assert!(raw.windows(12).any(|part| part == b"in-the-clear"));
    assert_eq!(etcd.get_prefix("/registry/secrets/default/").await.len(), 1);

    // All of it survives the death of both.
    apiserver.kill();
    etcd.kill();
    etcd.restart().await;
    apiserver.restart().await;
    let word = apiserver.kubectl(&["get", "secret", "plain", "-o", "jsonpath={.data.word}"]).await;
    assert_eq!(word, "aW4tdGhlLWNsZWFy");

    // Service accounts, their tokens, and the keys to check them with.
    apiserver.kubectl(&["create", "serviceaccount", "builder"]).await;
    let token = apiserver.kubectl(&["create", "token", "builder", "--audience=keyward"]).await;
    assert_eq!(token.trim().split('.').count(), 3);
    let discovery = apiserver.get("/.well-known/openid-configuration").await.unwrap().json();
    assert_eq!(discovery["issuer"], apiserver.url().as_str());

    let refused = apiserver.try_kubectl(&["get", "secret", "missing"]).await;
    assert!(!refused.ok && refused.stderr.contains("NotFound"), "{refused:?}");
    apiserver.stop().await;
    etcd.stop().await;
}
