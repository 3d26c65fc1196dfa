//! Makes an installation in an empty store.

use keyward_kms_soft::KeyFile;
use keyward_sdk::secret::SecretString;

use super::{SYSTEM, SealedOperation};
use crate::{
    engine::{
        EngineError, Lifecycle, Reply, bootstrap,
        certificate::SERVER_AUTHORITY,
        lifecycle::{MEMBER_TIMEOUT, SealState, is_own_user},
        tenant::{MAIN, NODE_AUTHORITY, TenantRecord},
    },
    identity::ca::Authority,
    keyring::{Installation, KeyringRecord, Vault, VaultError},
    method::{Action, Method, NameError, TenantId, Tenantwide, rows},
    policy,
    seal::{self, NewPath, PersonShare, SealError, Who},
};

/// See the module.
pub struct Initialize {
    /// The paths that will open it.
    pub paths: Vec<NewPath>,
}

/// What is shown once.
pub struct Initialized {
    /// The id of the installation.
    pub installation: Installation,
    /// The root's public fingerprint.
    pub root_fingerprint: String,
    /// The shares of people.
    pub shares: Vec<PersonShare>,
    /// Logs the first operator in.
    pub operator_token: SecretString,
    /// The certificate of the broker's own authority, PEM.
    pub ca_certificate: String,
}

impl Reply for Initialized {}

impl Action for Initialize {
    const METHOD: &'static Method = &rows::seal::INITIALIZE;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl SealedOperation for Initialize {
    type Reply = Initialized;

    async fn execute(&self, lifecycle: &Lifecycle, local: Option<u32>) -> Result<Initialized, EngineError> {
        // Whoever came first over the network would own the installation, and learn from errors which files there are.
        if !is_own_user(local) {
            return Err(EngineError::state(
                "LOCAL_ONLY",
                "an installation is made over the broker's unix socket, by its own user: `keyward --addr unix:///run/keyward/keyward.sock operator init`",
            ));
        }
        if lifecycle.state().await? != SealState::Uninitialized {
            return Err(initialized_already());
        }
        make_key_files(&self.paths)?;
        let parts = &lifecycle.parts;
        let now = parts.clock.now();
        let made = seal::create(&self.paths, &*parts.connect, now, MEMBER_TIMEOUT).await.map_err(refused)?;
        let installation = Installation(*made.record.installation().as_bytes());
        let name = MAIN.parse().map_err(|error: NameError| EngineError::Internal(error.to_string()))?;
        let main = TenantRecord::new(name, "the tenant that is there from the start".to_owned(), now);
        let internal = |error: crate::identity::ca::CaError| EngineError::Internal(error.to_string());
        let authority = Authority::make("keyward", now).map_err(internal)?;
        let nodes = Authority::make("keyward nodes", now).map_err(internal)?;
        let ca_certificate = pem(&authority.certificate);
        let mut changes = made.changes(now)?;
        changes.put_ring(main.id, KeyringRecord::generate(now));
        changes.put_control(TenantId::SYSTEM, MAIN, &main)?;
        changes.put_control(TenantId::SYSTEM, SERVER_AUTHORITY, &authority)?;
        changes.put_control(main.id, NODE_AUTHORITY, &nodes)?;
        let operator = parts.operator_role()?;
        changes.put_control(main.id, operator.name.as_str(), &operator)?;
        policy::first_policies(&mut changes, main.id, now)?;
        let operator_token = bootstrap::make(&mut changes, main.id, "init", now)?;
        match Vault::create(&*parts.storage, installation, &made.root, changes).await {
            Err(VaultError::Conflict) => return Err(initialized_already()),
            other => other?,
        }
        lifecycle.open_by_itself().await.or_else(needs_people)?;
        Ok(Initialized {
            installation,
            root_fingerprint: made.record.root().fingerprint.to_string(),
            shares: made.shares,
            operator_token,
            ca_certificate,
        })
    }
}

/// Makes the key files that are not there yet. Only for the daemon's own user on its unix socket: nobody else may choose
/// where this process makes files.
pub(super) fn make_key_files(paths: &[NewPath]) -> Result<(), EngineError> {
    for member in paths.iter().flat_map(|path| &path.members) {
        let Who::Wrapper { kind, settings } = &member.who else { continue };
        let Some(file) = settings.get("path").filter(|_| kind == "key-file").map(std::path::Path::new) else {
            continue;
        };
        if !file.is_absolute() {
            // After a restart it would be looked for wherever the daemon is started.
            return Err(EngineError::invalid("paths", format!("`{}` is no whole path of a key file", file.display())));
        }
        if !file.exists() {
            KeyFile::create(file).map_err(|error| EngineError::invalid("paths", error.to_string()))?;
        }
    }
    Ok(())
}

/// A path of people alone does not open by itself; that is no failure of `init`.
fn needs_people(error: EngineError) -> Result<SealState, EngineError> {
    match error {
        EngineError::State { reason: "NOT_OPENED", .. } => Ok(SealState::Sealed),
        other => Err(other),
    }
}

fn initialized_already() -> EngineError {
    EngineError::state("INITIALIZED", "this store is initialised already; open it with `keyward operator unseal`")
}

/// A certificate as PEM (RFC 7468).
#[must_use]
pub fn pem(der: &[u8]) -> String {
    let body = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = (0..body.len()).step_by(64).filter_map(|at| body.get(at..body.len().min(at + 64))).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

pub(super) fn refused(error: SealError) -> EngineError {
    EngineError::invalid("paths", error.to_string())
}
