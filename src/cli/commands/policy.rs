//! `keyward policy`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use keyward_api::v1::{
    DeletePolicyRequest, ExplainPolicyRequest, Explanation, GetPolicyRequest, ListPoliciesRequest, Policy,
    PutPolicyRequest, StatementFinding, TestPoliciesRequest, policy_service_client::PolicyServiceClient,
};
use serde_json::{Value, json};

use super::described::Who;
use crate::cli::{
    CliError,
    connect::{Client, Target},
    input,
    output::{Output, time},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum PolicyCommand {
    /// Write a policy. An invalid one is refused with line and column.
    Put {
        /// Its name.
        name: String,
        /// The file with its statements, `-` for standard input.
        file: PathBuf,
        /// Write it even when nobody is left who can write policies.
        #[arg(long)]
        force: bool,
    },
    /// Show the text of one.
    Get {
        /// Its name.
        name: String,
    },
    /// Show the names of all.
    List,
    /// Remove one.
    Delete {
        /// Its name.
        name: String,
        /// Remove it even when nobody is left who can write policies.
        #[arg(long)]
        force: bool,
    },
    /// Say whether something is allowed, and why. Without a principal: to oneself.
    Explain {
        /// The action, e.g. `secret.read`, or `assume`.
        action: String,
        /// The name of the resource; without it, all of the kind.
        #[arg(default_value = "")]
        resource: String,
        /// The kind of resource, where the action is for several.
        #[arg(long, default_value = "", value_name = "KIND")]
        kind: String,
        /// What is known of the resource, e.g. `exportable=true`. May be repeated.
        #[arg(long = "attribute", value_name = "NAME=VALUE")]
        attributes: Vec<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Run a table of expectations. Fails when one is not met.
    Test(TestArgs),
}

/// What is tested.
#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// The table, TOML; `-` for standard input.
    table: PathBuf,
    /// Ask no broker: test these files alone. Each is a policy, called as the file without its ending.
    #[cfg(feature = "server")]
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["with", "only"])]
    offline: Vec<PathBuf>,
    /// Test what would be in force with these files as well. May be repeated.
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
    /// Leave out what is in force.
    #[arg(long, requires = "with")]
    only: bool,
}

impl PolicyCommand {
    /// Whether no broker is needed.
    #[cfg(feature = "server")]
    pub(crate) fn is_offline(&self) -> bool {
        matches!(self, Self::Test(args) if !args.offline.is_empty())
    }

    /// Carries out what needs no broker.
    #[cfg(feature = "server")]
    pub(crate) fn run_offline(self, output: &Output) -> Result<(), CliError> {
        let Self::Test(args) = self else { return Ok(()) };
        let policies = args.offline.iter().map(|file| named(file)).collect::<Result<_, _>>()?;
        let table = input::text(&args.table)?;
        let report = crate::policy::check::offline(&table, policies).map_err(|e| CliError::usage(e.to_string()))?;
        let outcomes: Vec<_> =
            report.0.into_iter().map(|o| (o.name, o.differs.unwrap_or_default(), o.explanation.to_string())).collect();
        tested(&outcomes, output)
    }

    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let mut client = PolicyServiceClient::new(target.connect().await?);
        match self {
            Self::Put { name, file, force } => {
                let text = input::text(&file)?;
                let policy = client.put_policy(PutPolicyRequest { name, text, force }).await?.into_inner().policy;
                let policy = policy.unwrap_or_default();
                output.record(&[("name", json!(policy.name)), ("updated_at", time(policy.updated_at.as_ref()))]);
            }
            Self::Get { name } => {
                let policy =
                    client.get_policy(GetPolicyRequest { name }).await?.into_inner().policy.unwrap_or_default();
                if output.is_json() {
                    let updated = time(policy.updated_at.as_ref());
                    output.json(&json!({ "name": policy.name, "updated_at": updated, "text": policy.text }));
                } else {
                    output.line(policy.text.trim_end_matches('\n'));
                }
            }
            Self::List => list(client, output).await?,
            Self::Delete { name, force } => {
                client.delete_policy(DeletePolicyRequest { name: name.clone(), force }).await?;
                output.record(&[("name", json!(name)), ("state", json!("deleted"))]);
            }
            Self::Explain { action, resource, kind, attributes, who } => {
                let attributes = super::described::attributes(&attributes)?;
                let request = ExplainPolicyRequest { principal: who.described()?, action, kind, resource, attributes };
                let explanation = client.explain_policy(request).await?.into_inner().explanation.unwrap_or_default();
                explained(&explanation, output);
            }
            Self::Test(args) => {
                let policies = args.with.iter().map(|file| named(file)).collect::<Result<Vec<_>, _>>()?;
                let policies =
                    policies.into_iter().map(|(name, text)| Policy { name, text, updated_at: None }).collect();
                let request = TestPoliciesRequest { table: input::text(&args.table)?, policies, only_these: args.only };
                let report = client.test_policies(request).await?.into_inner();
                let outcomes: Vec<_> = report
                    .outcomes
                    .into_iter()
                    .map(|o| (o.name, o.differs, why(&o.explanation.unwrap_or_default())))
                    .collect();
                tested(&outcomes, output)?;
            }
        }
        Ok(())
    }
}

/// A policy in a file, called as the file without its ending.
fn named(file: &Path) -> Result<(String, String), CliError> {
    let name = file.file_stem().and_then(|name| name.to_str());
    let name =
        name.ok_or_else(|| CliError::usage(format!("{}: its name cannot be a policy's name", file.display())))?;
    Ok((name.to_owned(), input::text(file)?))
}

async fn list(mut client: PolicyServiceClient<Client>, output: &Output) -> Result<(), CliError> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = client.list_policies(ListPoliciesRequest { page_size: 1_000, page_token }).await?.into_inner();
        rows.extend(page.policies.iter().map(|p| vec![json!(p.name), time(p.updated_at.as_ref())]));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            output.rows(&["name", "updated_at"], rows);
            return Ok(());
        }
    }
}

/// Who decided, in one line.
fn why(explanation: &Explanation) -> String {
    let because = explanation.because.join(", ");
    match (explanation.allowed, because.is_empty()) {
        (true, _) => format!("allowed by {because}"),
        (false, true) => format!("refused: {}", explanation.reason),
        (false, false) => format!("refused: {}: {because}", explanation.reason),
    }
}

fn explained(explanation: &Explanation, output: &Output) {
    let row = |s: &keyward_api::v1::ExplainedStatement| vec![json!(s.id), json!(s.effect), json!(s.text)];
    if output.is_json() {
        let statements: Vec<Value> = explanation
            .statements
            .iter()
            .map(|s| json!({ "id": s.id, "effect": s.effect, "finding": s.text }))
            .collect();
        return output.json(&json!({
            "allowed": explanation.allowed,
            "reason": explanation.reason,
            "because": explanation.because,
            "statements": statements,
        }));
    }
    output.line(&why(explanation));
    // What is about something else altogether is counted, not listed.
    let (near, far): (Vec<_>, Vec<_>) = explanation.statements.iter().partition(|s| {
        use StatementFinding::{Applies, Condition, Error};
        matches!(s.finding(), Applies | Condition | Error)
    });
    if !near.is_empty() {
        output.rows(&["statement", "effect", "finding"], near.into_iter().map(row).collect());
    }
    let count = |finding: StatementFinding| far.iter().filter(|s| s.finding() == finding).count();
    let others = [
        (count(StatementFinding::Action), "actions"),
        (count(StatementFinding::Principal), "principals"),
        (count(StatementFinding::Resource), "resources"),
    ];
    for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
        output.note(&format!("{count} statement(s) are for other {what}; `-o json` shows them"));
    }
}

/// Outcomes as name, difference and reason.
fn tested(outcomes: &[(String, String, String)], output: &Output) -> Result<(), CliError> {
    let row = |(name, differs, _): &(String, String, String)| {
        let result = if differs.is_empty() { "ok" } else { "failed" };
        vec![json!(name), json!(result), json!(differs)]
    };
    output.rows(&["expectation", "result", "differs"], outcomes.iter().map(row).collect());
    let failed: Vec<_> = outcomes.iter().filter(|(_, differs, _)| !differs.is_empty()).collect();
    for (name, _, why) in &failed {
        output.note(&format!("{name}: {}", why.trim_end()));
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(CliError::other("testing policies", format!("{} of {} expectations are not met", failed.len(), outcomes.len())))
}
