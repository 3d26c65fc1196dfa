//! What a broker does by the clock.

use keyward::engine::housekeeping;
use keyward_api::v1::{GetStatusRequest, RecoverRequest, RevokeRequest, revoke_request::What};
use keyward_sdk::time::Span;

use super::{read, write};
use crate::support::broker;

#[tokio::test]
async fn keyrings_rotate_by_age_and_what_is_over_is_forgotten() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    broker.socket().await.seal().recover(RecoverRequest { shares: Vec::new() }).await.unwrap();
    let what = What::TokenId("00112233445566778899aabbccddeeff".to_owned());
    operator.auth().revoke(RevokeRequest { what: Some(what), issued_before: None }).await.unwrap();
    let lifecycle = broker.pipeline().lifecycle();
    let world = lifecycle.world().unwrap();
    let (main, now) = (world.main_tenant(), world.clock.now());
    assert_eq!(world.tables.bootstraps.all(main).len(), 1);
    housekeeping::minutely(lifecycle, &world, now).await;
    assert_eq!(world.tables.bootstraps.all(main).len(), 1, "what can still be used stays");
    let later = now.saturating_add(Span::from_days(90));
    assert_eq!(world.revocations.forgettable(main, later).len(), 1);
    housekeeping::minutely(lifecycle, &world, later).await;
    assert_eq!(world.tables.bootstraps.all(main).len(), 0);
    assert_eq!(world.revocations.forgettable(main, later).len(), 0);
    let status = operator.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.keyrings.iter().map(|ring| (ring.versions, ring.primary)).collect::<Vec<_>>(), [(2, 2), (2, 2)]);
    assert_eq!(read(&operator, "a/b").await.unwrap(), "kept");
    housekeeping::minutely(lifecycle, &world, later).await;
    assert_eq!(world.vault.rings().of(main).unwrap().primary(), 2, "once");
}
