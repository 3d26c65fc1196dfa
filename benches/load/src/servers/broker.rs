//! The real broker: embedded store, sealed by a key file, with identity, policy and audit as they are by default.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use keyward_api::v1::{LoginRequest, auth_service_client::AuthServiceClient};
use keyward_testbed::{Process, free_ports};

use super::{Believed, Issuer, NAME, cli::Cli, write_private};
use crate::{
    load::{Credentials, Place, channel},
    measure::Measured,
};

/// What jobs of the stand-in CI may do.
const POLICY: &str = r#"
@id("take")
permit (principal in Issuer::"ci", action == Action::"assume", resource == Role::"bench")
when { principal.claims has repository && principal.claims.repository == "acme/shop" };

@id("take-too")
permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"bench")
when { principal.claims has repository && principal.claims.repository == "acme/shop" };

@id("use")
permit (principal in Role::"bench", action in [Action::"key.encrypt", Action::"key.decrypt"], resource in Folder::"prod/shop");
"#;

/// A running `keyward server`, initialised, whose first operator is logged in.
pub(crate) struct Broker {
    programs: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    operator: Cli,
    ca: String,
    process: Process,
}

/// One who has a token, and the key that it is bound to.
#[derive(Clone)]
pub(crate) struct Session {
    /// Where the broker is, and the key.
    pub(crate) place: Place,
    /// The token.
    pub(crate) token: String,
}

impl Broker {
    /// The path of the key that is used.
    pub(crate) const KEY: &str = "prod/shop/bench";

    /// Starts one.
    pub(crate) async fn start(programs: &Path, folder: &Path) -> Self {
        let [api, ops] = free_ports::<2>().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let dir = folder.display();
        let settings = format!(
            "[listen]\napi = \"{api}\"\nops = \"{ops}\"\nsocket = \"{dir}/keyward.sock\"\n[storage]\npath = \"{dir}/keyward.store\"\n\
             [audit]\nfolder = \"{dir}/audit\"\n[log]\nlevel = \"warn\"\n"
        );
        fs::write(folder.join("keyward.toml"), settings).expect("the settings can be written");
        let mut process = serve(programs, folder);
        let socket = folder.join("keyward.sock");
        process.wait_ready("its socket", async || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await;
        let home = Cli::new(programs, &folder.join("home"));
        let local = home.clone().with("KEYWARD_ADDR", format!("unix://{dir}/keyward.sock"));
        let made = local.json(&["operator", "init", "--member", &format!("key-file:{dir}/seal.key")]);
        let said = |name: &str| made.get(name).and_then(serde_json::Value::as_str).expect("it is said").to_owned();
        let ca = said("ca_certificate");
        fs::write(folder.join("ca.pem"), &ca).expect("the certificate can be written");
        let operator =
            home.with("KEYWARD_ADDR", format!("https://{api}")).with("KEYWARD_CA_CERT", format!("{dir}/ca.pem"));
        operator.keyward(&["operator", "login"], &format!("{}\n", said("operator_token")));
        operator.keyward(&["key", "create", Self::KEY], "");
        Self { programs: programs.to_owned(), folder: folder.to_owned(), address: api, operator, ca, process }
    }

    /// Believes `issuer`, any number of times the same token, and lets its jobs use the key.
    pub(crate) fn trust(&self, issuer: &Issuer) {
        let jwks = issuer.jwks_file();
        let (jwks, life) = (jwks.display().to_string(), Issuer::LIFE.as_secs().to_string());
        for believed in [Believed::One, Believed::All] {
            let (name, iss, options) = (believed.name(), issuer.iss(believed), believed.options());
            let facts = ["--iss", &iss, "--audience", Issuer::AUDIENCE, "--jwks-file", &jwks, "--algorithm", "RS256"];
            let often = ["--replay", "allow", "--max-token-age", &life];
            self.operator.keyward(&[&["issuer", "add", name], &options[..], &facts, &often].concat(), "");
        }
        self.operator.keyward(&["role", "put", NAME, "--ttl", "24h"], "");
        let policy = self.folder.join("bench.cedar");
        write_private(&policy, POLICY);
        self.operator.keyward(&["policy", "put", NAME, &policy.display().to_string()], "");
    }

    /// Logs in with a token of the stand-in CI and a new key, which the token is bound to.
    pub(crate) async fn log_in(&self, issuer: &Issuer, believed: Believed) -> Session {
        let place = self.place();
        let request = self.login(issuer, believed);
        let line = channel(&place, None).await.expect("the broker is reached");
        let reply = AuthServiceClient::new(line).login(request).await.expect("the job logs in");
        let token = reply.into_inner().token.expect("a token");
        assert!(token.bound, "the token is bound to the key");
        Session { place, token: token.token }
    }

    /// What is sent to log in.
    pub(crate) fn login(&self, issuer: &Issuer, believed: Believed) -> LoginRequest {
        let life = Issuer::LIFE.try_into().expect("a day is a duration");
        let (role, oidc_token) = (NAME.to_owned(), issuer.token(believed));
        LoginRequest { role, oidc_token, life: Some(life), ..LoginRequest::default() }
    }

    /// Where it is, called with a new key.
    pub(crate) fn place(&self) -> Place {
        Credentials::make().at(self.address, &self.ca)
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first operator's command line.
    pub(crate) fn operator(&self) -> &Cli {
        &self.operator
    }

    /// Its process.
    pub(crate) fn measured(&self) -> Measured {
        Measured(self.process.id())
    }

    /// Stops it in order.
    pub(crate) async fn stop(&mut self) {
        self.process.stop().await;
    }

    /// Starts it, once it was stopped; returns at once.
    pub(crate) fn start_again(&mut self) {
        self.process = serve(&self.programs, &self.folder);
    }

    /// What its log and store weigh, in MiB.
    pub(crate) fn audit_mib(&self) -> f64 {
        let files = fs::read_dir(self.folder.join("audit")).expect("the log's folder is there");
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len() as f64)).sum::<f64>() / f64::from(1 << 20)
    }

    /// Waits until `asked` says that it serves; gives up after a while.
    pub(crate) async fn until(what: &str, mut asked: impl AsyncFnMut() -> bool) {
        let patience = Duration::from_secs(60);
        let wait = async {
            while !asked().await {
                tokio::time::sleep(Duration::from_micros(500)).await;
            }
        };
        tokio::time::timeout(patience, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }
}

fn serve(programs: &Path, folder: &Path) -> Process {
    let config = folder.join("keyward.toml").display().to_string();
    Process::start("keyward server", &programs.join("keyward"), ["server", "--config", &config], &folder.join("log"))
}
