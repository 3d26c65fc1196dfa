//! `keyward secret`.

use super::Transcript;
use crate::support::{Keyward, broker};

#[tokio::test]
async fn secrets_are_written_read_hidden_and_destroyed() {
    let broker = broker().start().await;
    let mut told = Transcript::of("secret", Keyward::operator(&broker));
    told.run(&["secret", "put", "prod/db", "user=app", "password=@-"]);
    told.run_with(&["secret", "put", "prod/db", "user=app", "password=@-"], marked!("password"));
    told.line("-o json secret put prod/shop/api key=1 --expires-in 30d");
    told.line("secret put prod/db user=app --expect 1");
    told.line("secret put new/one user=app --expect 1");
    told.line("secret put prod/db user");
    told.line("secret put prod/db user=a user=b");
    told.line("secret put prod/db user=@missing");
    told.line("secret get prod/db");
    told.line("-o json secret get prod/db");
    told.line("secret get prod/db --field user");
    told.line("secret get prod/db --field nothing");
    told.line("secret get prod/db --at 7");
    told.line("secret get prod/nothing");
    told.line("-o json secret get prod/nothing");
    std::fs::write(told.keyward().home().join("bytes"), [0xff, 0xfe]).unwrap();
    told.line("secret put bytes raw=@bytes");
    told.line("secret get bytes");
    told.line("secret list");
    told.line("secret list prod");
    told.line("secret list --recursive");
    told.line("-o json secret list prod --recursive");
    told.line("secret history prod/db");
    told.line("secret metadata prod/db --max-versions 5 --max-age 90d --expires-in 30d --label team=shop");
    told.line("-o json secret metadata prod/db --max-age 0s");
    told.line("secret metadata prod/db --max-versions 1001");
    told.line("secret metadata prod/nothing --max-versions 5");
    told.line("secret delete prod/db");
    told.line("secret get prod/db");
    told.line("secret undelete prod/db --at 2");
    told.line("secret destroy prod/db --at 1");
    told.line("secret destroy prod/db --at 1 --yes");
    told.line("-o json secret history prod/db");
    told.line("secret destroy prod/db --yes");
    told.line("secret history prod/db");
    told.matches();
}
