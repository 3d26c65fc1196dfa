//! From an empty store to a secret that is read, and through a restart.

use keyward_api::v1::{GetSecretRequest, PutSecretRequest};

use crate::support::{Keyward, broker};

#[tokio::test]
async fn a_secret_is_written_read_and_survives_a_restart() {
    let mut broker = broker().start().await;
    let fields = [("password".to_owned(), b"correct horse".to_vec().into())].into();
    let put = PutSecretRequest { path: "prod/db/main".to_owned(), fields, ..PutSecretRequest::default() };
    let version = broker.operator().await.secrets().put_secret(put).await.unwrap().into_inner().version.unwrap();
    assert_eq!(version.version, 1);
    broker.restart().await;
    let get = GetSecretRequest { path: "prod/db/main".to_owned(), version: 0 };
    let found = broker.operator().await.secrets().get_secret(get).await.unwrap().into_inner();
    assert_eq!(&found.fields["password"][..], b"correct horse");
}

#[tokio::test]
async fn the_command_line_does_the_same() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    let me = keyward.json(&["token", "whoami"]);
    assert_eq!(me["role"], "operator");
    let nobody = Keyward::of(&broker).run(&["token", "whoami"]);
    assert_eq!(nobody.code(), 3, "{nobody:?}");
}
