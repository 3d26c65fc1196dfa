//! Pods of a real cluster, at a broker as it is run in production: the API server is their issuer, over https, under an
//! authority that no system trusts, at a private address.

use keyward_testbed::{Apiserver, ApiserverOptions, Etcd, wait_until};

use crate::support::{Daemon, Ran, Wanted};

const POLICY: &str = r#"
permit (principal in Issuer::"blue", action == Action::"assume", resource == Role::"shop")
when { principal.claims has namespace && principal.claims.namespace == "shop"
    && principal.claims has serviceaccount && principal.claims.serviceaccount == "deploy" };
permit (principal in Role::"shop", action == Action::"secret.read", resource in Folder::"shop");
"#;
const AUDIENCE: &str = "https://keyward.example:7443";

async fn token(cluster: &Apiserver, namespace: &str, account: &str, audience: &str) -> String {
    let asked = ["create", "token", account, "--namespace", namespace, "--audience", audience, "--duration", "10m"];
    cluster.kubectl(&asked).await.trim().to_owned()
}

/// What a pod that was given this token does.
fn pod(broker: &Daemon, token: &str) -> Ran {
    let pod = broker.nobody();
    let file = pod.home().join("token").display().to_string();
    std::fs::write(&file, token).unwrap();
    pod.run(&[
        "run",
        "--role",
        "shop",
        "--oidc-token-file",
        &file,
        "--env",
        "PASSWORD=shop/db#password",
        "--",
        "printenv",
        "PASSWORD",
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_reads_what_its_service_account_may_and_no_other_does() {
    let settings = "[identity]\nallowed_hosts = [\"127.0.0.1\"]\n[log]\nlevel = \"trace\"\n";
    let etcd = Etcd::start().await;
    let wanted = Wanted { settings, ..Wanted::default() };
    let (cluster, broker) =
        tokio::join!(Apiserver::start(&etcd, ApiserverOptions::default()), Daemon::start_as(&wanted));
    for namespace in ["shop", "other"] {
        cluster.kubectl(&["create", "namespace", namespace]).await;
        for account in ["deploy", "build"] {
            cluster.kubectl(&["create", "serviceaccount", account, "--namespace", namespace]).await;
        }
    }
    // What the documentation says for an API server whose keys anyone may ask for.
    let open = ["create", "clusterrolebinding", "issuer", "--clusterrole", "system:service-account-issuer-discovery"];
    cluster.kubectl(&[&open[..], &["--group", "system:unauthenticated"]].concat()).await;

    let operator = broker.operator();
    let url = cluster.url();
    let add = ["issuer", "add", "blue", "--preset", "kubernetes", "--iss", &url, "--audience", AUDIENCE];
    operator.ok(&add);
    let state = operator.json(&["issuer", "get", "blue"]);
    assert!(state["last_error"].as_str().unwrap().contains("TLS certificate is not trusted"), "{state}");
    let ca = cluster.ca_path().display().to_string();
    operator.ok(&[&add[..], &["--issuer-ca-cert", &ca]].concat());
    wait_until("the keys of the API server", async || {
        let state = operator.json(&["issuer", "get", "blue"]);
        state["last_error"] == "" && state["keys_now"].as_array().is_some_and(|keys| !keys.is_empty())
    })
    .await;
    operator.ok(&["role", "put", "shop"]);
    operator.run_with(&["policy", "put", "shop", "-"], POLICY).ok();
    operator.ok(&["secret", "put", "shop/db", "password=of-the-shop"]);

    assert_eq!(pod(&broker, &token(&cluster, "shop", "deploy", AUDIENCE).await).ok(), "of-the-shop\n");
    for (namespace, account, audience) in [
        ("shop", "build", AUDIENCE),
        ("other", "deploy", AUDIENCE),
        ("shop", "deploy", "https://kubernetes.default.svc"),
        ("shop", "deploy", "https://keyward.example"),
    ] {
        let refused = pod(&broker, &token(&cluster, namespace, account, audience).await);
        assert_eq!((refused.code(), refused.stdout.as_str()), (3, ""), "{namespace} {account} {audience}: {refused:?}");
    }
}
