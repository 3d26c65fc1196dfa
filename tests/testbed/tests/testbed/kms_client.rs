//! The API server's KMS client.

use keyward_testbed::{Tool, kms_client};

#[tokio::test]
async fn the_kms_clients_say_when_nobody_serves() {
    for tool in [Tool::KmsClient031, Tool::KmsClient036] {
        let failed = kms_client(tool, "unix:///nowhere/@kms.sock", 1).await.unwrap_err();
        assert!(failed.stderr.contains("did not answer"), "{failed:?}");
    }
}
