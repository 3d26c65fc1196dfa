//! `keyward tenant`.

use clap::Subcommand;
use keyward_api::v1::{
    CancelTenantDestructionRequest, CreateTenantRequest, DestroyTenantRequest, GetTenantRequest, ListTenantsRequest,
    ResumeTenantRequest, SuspendTenantRequest, Tenant, TenantState, tenant_service_client::TenantServiceClient,
};
use serde_json::{Value, json};

use crate::cli::{
    CliError,
    connect::Target,
    output::{Output, time},
    prompt::{self, Confirmed},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum TenantCommand {
    /// Make a tenant, and a bootstrap token for its first operator.
    Create {
        /// Its name.
        name: String,
        /// For people.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Show one.
    Get {
        /// Its name.
        name: String,
    },
    /// Show all.
    List,
    /// Refuse every call of a tenant until it is resumed.
    Suspend {
        /// Its name.
        name: String,
    },
    /// Go on with a suspended tenant.
    Resume {
        /// Its name.
        name: String,
    },
    /// Suspend a tenant and destroy its keys after a waiting period.
    Destroy {
        /// Its name.
        name: String,
        /// How long it can be cancelled, 7 to 90 days.
        #[arg(long, default_value = "30d", value_parser = humantime::parse_duration)]
        after: std::time::Duration,
        /// Once it is gone, make the root, the system keyring and the keys of seal paths without people anew, so that no key
        /// that the broker holds opens an older copy of the store.
        #[arg(long)]
        renew_seal: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Call a destruction off.
    CancelDestruction {
        /// The tenant's name.
        name: String,
    },
}

impl TenantCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let mut client = TenantServiceClient::new(target.connect().await?);
        let tenant = match self {
            Self::Create { name, description } => {
                let made = client.create_tenant(CreateTenantRequest { name, description }).await?.into_inner();
                let tenant = made.tenant.unwrap_or_default();
                output.record(&[
                    ("name", json!(tenant.name)),
                    ("id", json!(tenant.id)),
                    ("operator_token", json!(made.operator_token)),
                ]);
                return Ok(());
            }
            Self::List => return list(client, output).await,
            Self::Get { name } => client.get_tenant(GetTenantRequest { name }).await?.into_inner().tenant,
            Self::Suspend { name } => client.suspend_tenant(SuspendTenantRequest { name }).await?.into_inner().tenant,
            Self::Resume { name } => client.resume_tenant(ResumeTenantRequest { name }).await?.into_inner().tenant,
            Self::Destroy { name, after, renew_seal, yes } => {
                prompt::confirm(
                    &format!("Destroying the tenant `{name}` makes everything in it unreadable"),
                    &name,
                    Confirmed::from(yes),
                )?;
                let waiting_period =
                    prost_types::Duration::try_from(after).map_err(|e| CliError::usage(e.to_string()))?;
                let request = DestroyTenantRequest { name, waiting_period: Some(waiting_period), renew_seal };
                let also = if renew_seal {
                    ""
                } else {
                    "; so do the keys that the broker holds, unless `--renew-seal` is given"
                };
                output.note(&format!(
                    "Copies of the store from before, backups among them, keep the tenant. The seal members and shares of \
                     that time open them{also}. Destroy those copies."
                ));
                client.destroy_tenant(request).await?.into_inner().tenant
            }
            Self::CancelDestruction { name } => {
                client.cancel_tenant_destruction(CancelTenantDestructionRequest { name }).await?.into_inner().tenant
            }
        };
        let row = row(&tenant.unwrap_or_default());
        output.record(&COLUMNS.iter().copied().zip(row).collect::<Vec<_>>());
        Ok(())
    }
}

const COLUMNS: [&str; 6] = ["name", "id", "state", "created_at", "destroy_at", "description"];

fn row(tenant: &Tenant) -> Vec<Value> {
    let state = match TenantState::try_from(tenant.state) {
        Ok(TenantState::Active) => "active",
        Ok(TenantState::Suspended) => "suspended",
        Ok(TenantState::Destroying) => "destroying",
        _ => "unknown",
    };
    vec![
        json!(tenant.name),
        json!(tenant.id),
        json!(state),
        time(tenant.created_at.as_ref()),
        time(tenant.destroy_at.as_ref()),
        json!(tenant.description),
    ]
}

async fn list(mut client: TenantServiceClient<crate::cli::connect::Client>, output: &Output) -> Result<(), CliError> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = client.list_tenants(ListTenantsRequest { page_size: 1_000, page_token }).await?.into_inner();
        rows.extend(page.tenants.iter().map(row));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            output.rows(&COLUMNS, rows);
            return Ok(());
        }
    }
}
