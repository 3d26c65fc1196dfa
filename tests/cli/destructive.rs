//! What is hard to undo is asked for, and where nobody can be asked it is refused.

use crate::support::{Keyward, broker};

#[tokio::test]
async fn without_a_terminal_nothing_is_destroyed_unless_yes_is_given() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    keyward.ok(&["tenant", "create", "shop"]);
    keyward.ok(&["secret", "put", "prod/db", "user=app"]);
    keyward.ok(&["key", "create", "app/db"]);
    keyward.ok(&["cluster", "register", "prod"]);
    for args in [
        ["tenant", "destroy", "shop"].as_slice(),
        &["secret", "destroy", "prod/db"],
        &["key", "destroy", "app/db"],
        &["cluster", "remove", "prod"],
        &["operator", "seal"],
        &["seal", "path", "delete", "auto"],
        &["seal", "path", "put", "auto", "--threshold", "1", "--person", "ann"],
    ] {
        // Whatever is piped in, it is no person.
        let ran = keyward.run_with(args, "shop\nprod/db\napp/db\nprod\nseal\nauto\nyes\n");
        assert_eq!((ran.code(), ran.stdout.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("give `--yes`"), "{ran:?}");
    }
    assert_eq!(keyward.json(&["tenant", "get", "shop"])["state"], "active");
    assert_eq!(keyward.json(&["secret", "get", "prod/db"])["user"], "app");
    assert_eq!(keyward.json(&["key", "get", "app/db"])["destroy_at"], serde_json::Value::Null);
    assert_eq!(keyward.json(&["cluster", "get", "prod"])["name"], "prod");
    assert_eq!(keyward.json(&["seal", "status"])["state"], "unsealed");
    assert_eq!(keyward.json(&["seal", "path", "list"])[0]["epoch"], 1);
}
