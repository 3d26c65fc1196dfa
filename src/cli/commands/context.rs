//! `keyward context`: names for brokers, kept on this machine.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::{
    CliError,
    context::{Context, Contexts},
    output::Output,
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum ContextCommand {
    /// Name a broker, or change what is kept of it. What is not given stays as it is. The options `--addr`, `--ca-cert` and
    /// `--tenant` say where it is.
    Set(SetArgs),
    /// Use one from now on.
    Use {
        /// Its name.
        name: String,
    },
    /// Show all.
    List,
    /// Forget one.
    Delete {
        /// Its name.
        name: String,
    },
}

/// How people log in there.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// Its name.
    name: String,
    /// The OIDC provider for `keyward login`.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The id under which the provider knows this command line.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// What to ask the provider for besides `openid`. May be repeated.
    #[arg(long = "request-scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The certificate of the authority that the provider's certificate comes from.
    #[arg(long, value_name = "FILE")]
    issuer_ca_cert: Option<PathBuf>,
    /// The role to act in.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
}

/// Where the broker is, as options and environment say.
pub(crate) struct Place {
    /// The address.
    pub addr: Option<String>,
    /// The authority's certificate.
    pub ca_cert: Option<PathBuf>,
    /// The tenant.
    pub tenant: Option<String>,
}

impl ContextCommand {
    /// Carries it out.
    pub(crate) fn run(self, place: Place, output: &Output) -> Result<(), CliError> {
        let mut contexts = Contexts::load()?;
        match self {
            Self::Set(args) => {
                let known = contexts.contexts.remove(&args.name);
                let is_first = contexts.contexts.is_empty();
                let context = args.over(known, place)?;
                contexts.contexts.insert(args.name.clone(), context);
                if is_first {
                    contexts.current = Some(args.name);
                }
            }
            Self::Use { name } => {
                known(&contexts, &name)?;
                contexts.current = Some(name);
            }
            Self::List => {
                list(&contexts, output);
                return Ok(());
            }
            Self::Delete { name } => {
                known(&contexts, &name)?;
                contexts.contexts.remove(&name);
                contexts.current = contexts.current.filter(|current| *current != name);
            }
        }
        contexts.save()?;
        list(&contexts, output);
        Ok(())
    }
}

impl SetArgs {
    fn over(&self, known: Option<Context>, place: Place) -> Result<Context, CliError> {
        let absolute = |file: PathBuf| {
            std::path::absolute(&file).map_err(|error| CliError::other(format!("finding {}", file.display()), error))
        };
        let mut context = known.unwrap_or_default();
        let people = &mut context.login;
        people.issuer = self.issuer.clone().or(people.issuer.take());
        people.client_id = self.client_id.clone().or(people.client_id.take());
        people.role = self.role.clone().or(people.role.take());
        if !self.scopes.is_empty() {
            people.scopes.clone_from(&self.scopes);
        }
        people.issuer_ca_cert = self.issuer_ca_cert.clone().map(absolute).transpose()?.or(people.issuer_ca_cert.take());
        context.ca_cert = place.ca_cert.map(absolute).transpose()?.or(context.ca_cert);
        context.tenant = place.tenant.or(context.tenant);
        context.addr = place.addr.unwrap_or(context.addr);
        if context.addr.is_empty() {
            return Err(CliError::usage("give `--addr`: where the broker is"));
        }
        Ok(context)
    }
}

fn known(contexts: &Contexts, name: &str) -> Result<(), CliError> {
    if contexts.contexts.contains_key(name) {
        return Ok(());
    }
    Err(CliError::usage(format!("there is no context `{name}`; `keyward context list` shows them")))
}

fn list(contexts: &Contexts, output: &Output) {
    let row = |(name, context): (&String, &Context)| -> Vec<Value> {
        let current = contexts.current.as_ref() == Some(name);
        let login = &context.login;
        vec![
            json!(name),
            json!(current),
            json!(context.addr),
            json!(context.ca_cert),
            json!(context.tenant),
            json!(login.issuer),
            json!(login.role),
        ]
    };
    let columns = ["name", "current", "addr", "ca_cert", "tenant", "issuer", "role"];
    output.rows(&columns, contexts.contexts.iter().map(row).collect());
}
