//! What was asked is in the log: who, what, which outcome, and never the values.

use keyward_api::v1::{GetSecretRequest, WhoAmIRequest};
use keyward_kit::audit::{
    Record,
    read::{self, Records},
};
use keyward_testbed::CiTokens;

use crate::support::{Key, broker};

/// Every record, as `keyward audit show` shows it.
fn log(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for epoch in read::epochs(folder).unwrap() {
        let mut records = Records::open(folder, epoch, 0).unwrap();
        while let Some(found) = records.next().unwrap() {
            text.push_str(&format!("{}\n", Record::parse(&found.body).unwrap().to_json()));
        }
    }
    text
}

#[tokio::test]
async fn every_request_is_in_the_log_when_its_answer_is_here() {
    let broker = broker().start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    broker.secret("prod/db/main", marked!("a-value-that-is-not-logged")).await;
    let folder = broker.folder().join("audit");
    assert!(log(&folder).contains("SecretService/PutSecret"));
    let (job, token) = broker.job(&ci, "deploy").await;
    let get = |path: &str| GetSecretRequest { path: path.to_owned(), version: 0 };
    job.secrets().get_secret(get("prod/db/main")).await.unwrap();
    let after = log(&folder);
    assert!(after.contains("SecretService/GetSecret") && after.contains("prod/db/main"), "{after}");
    assert!(after.contains(&token.id) && after.contains("repo:acme/shop"), "who it was is in the record");
    assert!(!after.contains("prod/payroll"));
    job.secrets().get_secret(get("prod/payroll")).await.unwrap_err();
    let denied = log(&folder);
    assert!(denied.contains("prod/payroll") && denied.contains("DENIED"), "refusals, too");
    let missing = job.secrets().get_secret(get("prod/db/nothing")).await.unwrap_err();
    assert_eq!(missing.code(), tonic::Code::NotFound);
    assert!(log(&folder).contains("NOT_FOUND"));
    let nobody = broker.caller().key(&Key::make()).connect().await;
    nobody.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
    for text in [marked!("a-value-that-is-not-logged"), token.token.as_str()] {
        assert!(!log(&folder).contains(text), "values and tokens never");
    }
}
