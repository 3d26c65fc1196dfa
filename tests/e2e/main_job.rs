//! The main job on real servers: kube-apiserver and etcd, twice, with a provider each; and pipelines.

use keyward_testbed::{Apiserver, ApiserverOptions, CiTokens, Etcd};
use serde_json::json;

use crate::support::{Broker, Keyward, Provider, broker, github};

/// A cluster whose Secrets are encrypted under a key of the broker.
struct Cluster {
    etcd: Etcd,
    apiserver: Apiserver,
    provider: Provider,
}

impl Cluster {
    /// Everything as `keyward cluster encryption-config` says.
    async fn start(broker: &Broker, name: &str) -> Self {
        let provider = Provider::of_new_cluster(broker, name, &[]).await;
        let socket = provider.socket().display().to_string();
        let config = Keyward::operator(broker).ok(&["cluster", "encryption-config", name, "--socket", &socket]);
        let file = provider.state().join("encryption.yaml");
        std::fs::write(&file, config).unwrap();
        let etcd = Etcd::start().await;
        let options = ApiserverOptions { encryption_config: Some(file), ..ApiserverOptions::default() };
        let apiserver = Apiserver::start(&etcd, options).await;
        Self { etcd, apiserver, provider }
    }

    async fn create(&self, name: &str, word: &str) {
        self.apiserver.kubectl(&["create", "secret", "generic", name, &format!("--from-literal=word={word}")]).await;
    }

    async fn read(&self, name: &str) -> String {
        let read =
            self.apiserver.kubectl(&["get", "secret", name, "-o", "go-template={{.data.word | base64decode}}"]).await;
        read.trim().to_owned()
    }

    async fn raw(&self, name: &str) -> Vec<u8> {
        self.etcd.get_raw(&format!("/registry/secrets/default/{name}")).await
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    let base64 = data_encoding::BASE64.encode(word.as_bytes());
    [word.as_bytes(), base64.as_bytes()].iter().any(|mark| bytes.windows(mark.len()).any(|part| part == *mark))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_two_clusters_are_ciphertext_in_etcd_and_readable_through_every_restart() {
    let mut broker = broker().start().await;
    let (mut blue, green) = tokio::join!(Cluster::start(&broker, "blue"), Cluster::start(&broker, "green"));

    for (cluster, word) in [(&blue, "blue-is-the-word"), (&green, "green-is-the-word")] {
        cluster.create("first", word).await;
        let raw = cluster.raw("first").await;
        let prefix = format!("k8s:enc:kms:v2:keyward-{}:", cluster.provider.cluster());
        assert!(raw.starts_with(prefix.as_bytes()), "{}", String::from_utf8_lossy(&raw[..80.min(raw.len())]));
        assert!(!holds(&raw, word), "no plaintext in etcd");
        assert_eq!(cluster.read("first").await, word);
        for (_, value) in cluster.etcd.get_prefix("/registry/secrets/").await {
            assert!(value.starts_with(b"k8s:enc:kms:v2:"), "everything that is a Secret is ciphertext");
        }
    }
    // Two clusters are two keys: what one wrote says nothing to the other.
    let foreign = blue.raw("first").await;
    let mut planted = b"k8s:enc:kms:v2:keyward-green:".to_vec();
    planted.extend_from_slice(&foreign[b"k8s:enc:kms:v2:keyward-blue:".len()..]);
    green.etcd.put_raw("/registry/secrets/default/planted", &planted).await;
    let refused = green.apiserver.try_kubectl(&["get", "secret", "planted"]).await;
    assert!(!refused.ok, "a ciphertext of another cluster is not opened: {refused:?}");

    // The provider comes back with what it keeps on its node.
    blue.provider.stop().await;
    blue.provider.start().await;
    blue.apiserver.restart().await;
    assert_eq!(blue.read("first").await, "blue-is-the-word");

    // While the broker is away, both clusters write and read; when it is back, so do they.
    broker.stop().await;
    blue.create("second", "written-without-a-broker").await;
    assert!(!holds(&blue.raw("second").await, "written-without-a-broker"));
    blue.apiserver.restart().await;
    assert_eq!(blue.read("second").await, "written-without-a-broker");
    blue.provider.stop().await;
    blue.provider.start().await;
    assert_eq!(green.read("first").await, "green-is-the-word");
    broker.start_again().await;
    blue.apiserver.restart().await;
    blue.create("third", "after-all-that").await;
    assert_eq!(blue.read("third").await, "after-all-that");
    assert_eq!(green.read("first").await, "green-is-the-word");

    // A new version of one cluster's key: what was written is still read, and the other cluster is as it was.
    let before = blue.raw("third").await;
    Keyward::operator(&broker).ok(&["cluster", "rotate", "blue"]);
    blue.create("fourth", "after-the-rotation").await;
    assert_eq!(blue.read("fourth").await, "after-the-rotation");
    assert_eq!(blue.read("first").await, "blue-is-the-word");
    assert_eq!(before, blue.raw("third").await, "nothing is written over by a rotation");
    assert_eq!(green.read("first").await, "green-is-the-word");
}

#[tokio::test]
async fn a_pipeline_gets_the_secret_it_may_have_and_no_other() {
    let broker = broker().start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    broker.secret("prod/db/main", marked!("for the migration")).await;
    broker.secret("prod/payroll", marked!("for nobody here")).await;

    let job = Keyward::of(&broker);
    let token = job.home().join("id-token");
    std::fs::write(&token, github(&ci, json!({}))).unwrap();
    let token = token.display().to_string();
    let run = |secret: &str, command: &[&str]| {
        let wanted = format!("DB={secret}#value");
        let args = ["run", "--role", "deploy", "--oidc-token-file", &token, "--env", &wanted, "--"];
        job.run(&[&args[..], command].concat())
    };
    let got = run("prod/db/main", &["sh", "-c", "printf %s \"$DB\"; exit 7"]);
    assert_eq!((got.stdout.as_str(), got.code()), (marked!("for the migration"), 7), "{got:?}");

    let refused = run("prod/payroll", &["sh", "-c", "echo started"]);
    assert_eq!((refused.stdout.as_str(), refused.code()), ("", 3), "the command is never started: {refused:?}");
    assert!(
        refused.stderr.contains("prod/payroll") && !refused.stderr.contains(marked!("for nobody here")),
        "{refused:?}"
    );

    // Another repository may not even take the role.
    std::fs::write(&token, github(&ci, json!({ "repository": "mallory/shop" }))).unwrap();
    let stranger = run("prod/db/main", &["sh", "-c", "echo started"]);
    assert_eq!((stranger.stdout.as_str(), stranger.code()), ("", 3), "{stranger:?}");
}
