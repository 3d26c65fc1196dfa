//! A sealed broker.

use keyward_api::v1::{GetSealStatusRequest, GetSecretRequest, SealRequest, SealState, UnsealRequest, WhoAmIRequest};
use tonic::Code;

use crate::support::{Keyward, broker, reason};

#[tokio::test]
async fn a_sealed_broker_says_so_and_serves_again_once_it_is_opened() {
    let broker = broker().start().await;
    broker.secret("a", marked!("before")).await;
    let operator = broker.operator().await;
    operator.seal().seal(SealRequest {}).await.unwrap();
    let get = || GetSecretRequest { path: "a".to_owned(), version: 0 };
    for status in [
        operator.secrets().get_secret(get()).await.unwrap_err(),
        operator.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err(),
        broker.caller().connect().await.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err(),
    ] {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SEALED"));
    }
    let shown = operator.seal().get_seal_status(GetSealStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(shown.state(), SealState::Sealed);
    let told = Keyward::operator(&broker).run(&["secret", "get", "a"]);
    assert_eq!(told.code(), 5, "{told:?}");
    assert!(told.stderr.contains("sealed"), "{told:?}");

    // Whoever can reach the port does not undo what an operator did.
    for stranger in [operator, broker.caller().connect().await] {
        let refused = stranger.seal().unseal(UnsealRequest { share: String::new() }).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "SEALED_BY_COMMAND"));
    }
    let local = broker.socket().await;
    let opened = local.seal().unseal(UnsealRequest { share: String::new() }).await.unwrap().into_inner();
    assert_eq!(opened.state(), SealState::Unsealed);
    let operator = broker.operator().await;
    assert_eq!(
        operator.secrets().get_secret(get()).await.unwrap().into_inner().fields["value"],
        marked!("before").as_bytes()
    );
}
