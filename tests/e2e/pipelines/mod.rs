//! `keyward run`: jobs of each CI system, with nothing but the identity that the system gives them.

mod child;
mod files;
mod identity;
mod refused;
mod revoked;
mod systems;

use keyward_testbed::CiTokens;
use serde_json::json;

use crate::support::{Broker, Keyward, Ran, broker};

/// What a job may read, and what nobody else may see.
const PASSWORD: &str = marked!("c0rrect-h0rse-battery");

const POLICY: &str = r#"
permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"deploy")
when { principal.claims has repository_id && principal.claims.repository_id == "74218" };
permit (principal in Issuer::"gitlab", action == Action::"assume", resource == Role::"deploy")
when { principal.claims has project_id && principal.claims.project_id == "20" };
permit (principal in Issuer::"azure-pipelines", action == Action::"assume", resource == Role::"deploy")
when { principal.claims has def_id && principal.claims.def_id == "17" };
permit (principal in Issuer::"jenkins", action == Action::"assume", resource == Role::"deploy")
when { principal.subject == "https://jenkins.example.com/job/shop/job/deploy/" };
permit (principal in Role::"deploy", action == Action::"secret.read", resource in Folder::"prod/db");
"#;

/// A broker that knows four CI systems, a role and two secrets.
struct Stage {
    broker: Broker,
    tokens: CiTokens,
}

async fn stage() -> Stage {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let operator = Keyward::operator(&broker);
    let jwks = operator.home().join("jwks.json").display().to_string();
    std::fs::write(&jwks, tokens.jwks().to_string()).unwrap();
    let (plain, url) = (tokens.issuer().to_owned(), broker.url());
    let azure = format!("{plain}/3f0ba7d4-1a4e-4f0c-9d3c-3c8ac6b0b6c1");
    // GitHub's `iss` and GitLab's are both the stand-in's; two issuers cannot share one, so GitLab's has a path.
    let gitlab = format!("{plain}/gitlab");
    let jenkins = format!("{plain}/oidc");
    for (preset, iss) in [("github", &plain), ("gitlab", &gitlab), ("azure-pipelines", &azure), ("jenkins", &jenkins)] {
        let mut add = vec!["issuer", "add", preset, "--preset", preset, "--iss", iss.as_str(), "--jwks-file", &jwks];
        if preset != "azure-pipelines" {
            add.extend(["--audience", "keyward", "--audience", &url]);
        }
        operator.ok(&add);
    }
    operator.ok(&["role", "put", "deploy", "--ttl", "1h"]);
    operator.run_with(&["policy", "put", "deploy", "-"], POLICY).ok();
    operator.run_with(&["secret", "put", "prod/db/main", "user=app", "password=@-"], PASSWORD).ok();
    operator.run_with(&["secret", "put", "prod/web", "password=@-"], PASSWORD).ok();
    Stage { broker, tokens }
}

impl Stage {
    /// A job in this environment.
    fn job(&self, env: Vec<(String, String)>) -> Keyward {
        let ca = self.tokens.ca_path().display().to_string();
        let job = Keyward::of(&self.broker).with("KEYWARD_OIDC_CA_CERT", &ca).with("KEYWARD_AUDIENCE", "keyward");
        env.into_iter().fold(job, |job, (name, value)| job.with(&name, &value))
    }

    /// A job of GitHub Actions.
    fn github(&self) -> Keyward {
        self.job(self.tokens.github_env(true))
    }

    /// A job of GitLab.
    fn gitlab(&self) -> Keyward {
        let iss = format!("{}/gitlab", self.tokens.issuer());
        self.job(self.tokens.gitlab_env(json!({ "iss": iss })))
    }
}

/// Runs a shell command with the password in `DB_PASSWORD`.
fn with_password(job: &Keyward, script: &str) -> Ran {
    job.run(&["run", "--role", "deploy", "--env", "DB_PASSWORD=prod/db/main#password", "--", "sh", "-c", script])
}
