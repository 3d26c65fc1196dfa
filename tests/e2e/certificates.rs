//! Certificates: the broker's, reloaded while it serves, and callers who show one of a configured authority.

use keyward_api::v1::{GetSecretRequest, WhoAmIRequest, auth_service_client::AuthServiceClient};
use keyward_testbed::{TestCa, wait_until};
use tonic::Code;

use crate::support::{Broker, Caller, Key, broker, reason};

const JOB: &str = "spiffe://acme.example/shop/deploy";

fn key((certificate, key): (String, String)) -> Key {
    Key { certificate, key }
}

async fn greets(caller: &Caller) -> bool {
    match caller.channel().await {
        Ok(channel) => {
            // Without a token the answer is a refusal, which only a broker gives.
            let refused = AuthServiceClient::new(channel).who_am_i(WhoAmIRequest {}).await.unwrap_err();
            refused.code() == Code::Unauthenticated
        }
        Err(_) => false,
    }
}

async fn with_client_authority(ca: &TestCa) -> Broker {
    let setup = broker();
    let file = setup.folder().join("clients.pem");
    std::fs::write(&file, ca.pem()).unwrap();
    let broker = setup.config(|config| config.client_authorities = Some(file)).start().await;
    broker
        .policy(
            "certificates",
            &format!(
                "permit (principal == Principal::\"certificate/{JOB}\", action == Action::\"secret.read\", \
                 resource in Folder::\"prod/shop\");"
            ),
        )
        .await;
    broker.secret("prod/shop/db", marked!("may")).await;
    broker.secret("prod/payroll", marked!("may not")).await;
    broker
}

async fn reads(caller: &Caller, path: &str) -> Result<(), tonic::Status> {
    let caller = caller.clone().connect().await;
    caller.secrets().get_secret(GetSecretRequest { path: path.to_owned(), version: 0 }).await.map(drop)
}

#[tokio::test]
async fn a_certificate_is_reloaded_while_the_broker_serves() {
    let (first, second) = (TestCa::new("first"), TestCa::new("second"));
    let mut broker = broker().served_by(&first).start().await;
    let before = broker.operator().await;
    assert!(greets(&broker.caller()).await);
    broker.served_anew_by(&second);
    wait_until("the new certificate is served", async || greets(&broker.caller()).await).await;
    // Who was connected stays so.
    before.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
}

#[tokio::test]
async fn a_caller_is_known_by_its_certificate_and_may_what_policy_says() {
    let ca = TestCa::new("workloads");
    let broker = with_client_authority(&ca).await;
    let job = broker.caller().key(&key(ca.client(JOB)));
    reads(&job, "prod/shop/db").await.unwrap();
    let refused = reads(&job, "prod/payroll").await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "DENIED"));
    let other = broker.caller().key(&key(ca.client("spiffe://acme.example/shop/test")));
    assert_eq!(reads(&other, "prod/shop/db").await.unwrap_err().code(), Code::PermissionDenied);
    let stranger = broker.caller().key(&key(TestCa::new("strangers").client(JOB)));
    let refused = reads(&stranger, "prod/shop/db").await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "CERTIFICATE_UNKNOWN"));
}

#[tokio::test]
async fn client_authorities_are_followed_while_the_broker_serves() {
    let (old, new) = (TestCa::new("old"), TestCa::new("new"));
    let broker = with_client_authority(&old).await;
    let job = broker.caller().key(&key(new.client(JOB)));
    assert_eq!(reads(&job, "prod/shop/db").await.unwrap_err().code(), Code::Unauthenticated);
    std::fs::write(broker.folder().join("clients.pem"), format!("{}{}", old.pem(), new.pem())).unwrap();
    wait_until("the new authority counts", async || reads(&job, "prod/shop/db").await.is_ok()).await;
    reads(&broker.caller().key(&key(old.client(JOB))), "prod/shop/db").await.unwrap();
    // What is no certificate changes nothing.
    std::fs::write(broker.folder().join("clients.pem"), "none").unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    reads(&job, "prod/shop/db").await.unwrap();
}
