//! `keyward cluster`.

use keyward_kit::cluster::JoinString;
use keyward_kube_kms::broker::join;

use super::Transcript;
use crate::support::{Keyward, broker};

#[tokio::test(flavor = "multi_thread")]
async fn clusters_are_registered_joined_and_removed() {
    let broker = broker().start().await;
    let mut told = Transcript::of("cluster", Keyward::operator(&broker));
    told.line("cluster list");
    told.line("cluster register prod --description shop --offline-max 10d --offline-writes-max 1d");
    told.line("cluster register prod");
    told.line("cluster register ..");
    told.line("cluster register edge --mode remote --offline-max unlimited");
    told.line("cluster register x --offline-max soon");
    told.line("-o json cluster get prod");
    told.line("cluster get nothing");
    told.line("cluster list");
    told.line("cluster update prod --offline-max unlimited");
    let endpoint = broker.addr().to_string();
    told.hide(&endpoint, "broker");
    let token = told.run(&["cluster", "join-token", "prod", "--node", "cp-1", "--endpoint", &endpoint]).ok();
    told.line("cluster join-token prod --ttl 25h");
    told.line("cluster nodes prod");
    join(&JoinString::parse(&token).unwrap()).await.unwrap();
    told.line("cluster nodes prod");
    told.line("cluster rotate prod --emergency");
    told.line("cluster encryption-config prod");
    told.line("-o json cluster encryption-config prod --resource secrets --resource configmaps --socket @kms");
    told.line("cluster encryption-config prod --provider-name a:b");
    told.line("cluster revoke-node prod cp-2");
    told.line("cluster revoke-node prod cp-2 --yes");
    told.line("cluster revoke-node prod cp-1 --yes");
    told.line("cluster remove edge --yes");
    told.line("cluster list");
    told.matches();
}
