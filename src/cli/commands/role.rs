//! `keyward role`.

use clap::Subcommand;
use keyward_api::v1::{
    DeleteRoleRequest, GetRoleRequest, ListRolesRequest, PutRoleRequest, Role, Scope,
    role_service_client::RoleServiceClient,
};
use serde_json::{Value, json};

use crate::cli::{
    CliError,
    connect::{Client, Target},
    output::{Output, span},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum RoleCommand {
    /// Make a role, or replace it as a whole: what is not given goes back to its default. Who may take it, and what it may
    /// do, is said by policies.
    Put(PutArgs),
    /// Show one.
    Get {
        /// Its name.
        name: String,
    },
    /// Show all.
    List,
    /// Remove one, and take its tokens back.
    Delete {
        /// Its name.
        name: String,
        /// Remove it even when nobody is left who can write policies.
        #[arg(long)]
        force: bool,
    },
}

/// A role.
#[derive(Debug, clap::Args)]
pub(crate) struct PutArgs {
    /// Its name.
    name: String,
    /// What it is for.
    #[arg(long, default_value = "")]
    description: String,
    /// How long its tokens live at most, up to 24 hours.
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = humantime::parse_duration)]
    ttl: std::time::Duration,
    /// Let its tokens be used without proof of a key: whoever has a copy can use it.
    #[arg(long)]
    bearer: bool,
    /// Only paths at or below this, whatever policies allow. May be repeated.
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
    /// Only this action, whatever policies allow. May be repeated.
    #[arg(long = "action", value_name = "ACTION")]
    actions: Vec<String>,
    /// Write it even when nobody is left who can write policies.
    #[arg(long)]
    force: bool,
}

impl RoleCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let mut client = RoleServiceClient::new(target.connect().await?);
        let role = match self {
            Self::Put(args) => {
                let max_life = prost_types::Duration::try_from(args.ttl).map_err(|e| CliError::usage(e.to_string()))?;
                let role = Role {
                    name: args.name,
                    description: args.description,
                    max_life: Some(max_life),
                    bearer: args.bearer,
                    scope: Some(Scope { paths: args.paths, actions: args.actions }),
                };
                client.put_role(PutRoleRequest { role: Some(role), force: args.force }).await?.into_inner().role
            }
            Self::Get { name } => client.get_role(GetRoleRequest { name }).await?.into_inner().role,
            Self::List => return list(client, output).await,
            Self::Delete { name, force } => {
                client.delete_role(DeleteRoleRequest { name: name.clone(), force }).await?;
                output.record(&[("name", json!(name)), ("state", json!("deleted"))]);
                return Ok(());
            }
        };
        let row = row(&role.unwrap_or_default());
        output.record(&COLUMNS.iter().copied().zip(row).collect::<Vec<_>>());
        Ok(())
    }
}

const COLUMNS: [&str; 6] = ["name", "ttl", "bearer", "paths", "actions", "description"];

fn row(role: &Role) -> Vec<Value> {
    let scope = role.scope.clone().unwrap_or_default();
    vec![
        json!(role.name),
        span(role.max_life.as_ref()),
        json!(role.bearer),
        json!(scope.paths),
        json!(scope.actions),
        json!(role.description),
    ]
}

async fn list(mut client: RoleServiceClient<Client>, output: &Output) -> Result<(), CliError> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = client.list_roles(ListRolesRequest { page_size: 1_000, page_token }).await?.into_inner();
        rows.extend(page.roles.iter().map(row));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            output.rows(&COLUMNS, rows);
            return Ok(());
        }
    }
}
