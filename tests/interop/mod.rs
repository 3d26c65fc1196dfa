//! The API server's own KMS clients, of the oldest and the newest Kubernetes that are supported, against the provider.

use keyward_testbed::{Tool, kms_client, wait_until};

use crate::support::{Provider, broker};

const CLIENTS: [Tool; 2] = [Tool::KmsClient031, Tool::KmsClient036];

async fn serves_all_clients(mode: &str) {
    let broker = broker().start().await;
    let provider = Provider::of_new_cluster(&broker, "blue", &["--mode", mode]).await;
    let mut key_ids = Vec::new();
    wait_until("the node has its keyset", async || kms_client(CLIENTS[0], &provider.endpoint(), 1).await.is_ok()).await;
    for tool in CLIENTS {
        let saw = kms_client(tool, &provider.endpoint(), 32).await.unwrap_or_else(|said| panic!("{tool:?}: {said:?}"));
        assert!(saw["errors"].as_array().is_none_or(Vec::is_empty), "{tool:?}: {saw}");
        assert_eq!((saw["healthz"].as_str(), saw["version"].as_str()), (Some("ok"), Some("v2")), "{saw}");
        assert_eq!(saw["key_id"], saw["ciphertext_key_id"], "{saw}");
        for held in ["round_trip", "other_uid", "distinct_ciphertexts"] {
            assert_eq!(saw[held], true, "{tool:?} {held}: {saw}");
        }
        for refused in ["corrupted", "truncated", "unknown_key_id"] {
            assert_ne!(saw[refused], "OK", "{tool:?} {refused}: {saw}");
        }
        assert_eq!(saw["concurrent_ok"], 32, "{saw}");
        key_ids.push(saw["key_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(key_ids[0], key_ids[1]);
}

#[tokio::test]
async fn the_clients_of_kubernetes_1_31_and_1_36_are_served_on_the_node() {
    serves_all_clients("local").await;
}

#[tokio::test]
async fn the_clients_of_kubernetes_1_31_and_1_36_are_served_by_the_broker() {
    serves_all_clients("remote").await;
}
