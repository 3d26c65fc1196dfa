//! What is measured: the broker, the KMS provider, OpenBao, and the ceilings, each a process of its own on loopback.

mod bare;
mod broker;
mod cli;
mod issuer;
mod openbao;
mod provider;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tokio::runtime::Runtime;

pub(crate) use self::{
    bare::{BareCrypto, BareKms},
    broker::{Broker, Session},
    issuer::{Believed, Issuer},
    openbao::{As, OpenBao},
    provider::Provider,
};
use crate::{args::RunArgs, measure::Measured};

/// The name of the key, the role and the cluster.
const NAME: &str = "bench";

/// Everything that runs.
pub(crate) struct World {
    /// For what is asked between the rounds.
    pub(crate) runtime: Runtime,
    pub(crate) broker: RefCell<Broker>,
    pub(crate) provider: RefCell<Provider>,
    pub(crate) openbao: OpenBao,
    pub(crate) bare: BareCrypto,
    pub(crate) bare_kms: BareKms,
    pub(crate) issuer: Issuer,
    folder: PathBuf,
    programs: PathBuf,
    answered: RefCell<BTreeMap<u32, u64>>,
    folders: Cell<u32>,
}

impl World {
    /// Starts everything. All of it ends with this value, or with this process.
    pub(crate) fn start(args: &RunArgs) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let sub = |name: &str| made(args.folder.join(name));
        let (broker, provider, openbao, bare, bare_kms, issuer) = runtime.block_on(async {
            let issuer = Issuer::start(&sub("issuer")).await;
            let broker = Broker::start(&args.programs, &sub("broker")).await;
            broker.trust(&issuer);
            let provider = Provider::start(&args.programs, &sub("kms"), &broker).await;
            let openbao = OpenBao::start(&sub("bao")).await;
            (
                broker,
                provider,
                openbao,
                BareCrypto::start(&sub("bare")).await,
                BareKms::start(&sub("echo")).await,
                issuer,
            )
        });
        Self {
            runtime,
            broker: RefCell::new(broker),
            provider: RefCell::new(provider),
            openbao,
            bare,
            bare_kms,
            issuer,
            folder: args.folder.clone(),
            programs: args.programs.clone(),
            answered: RefCell::default(),
            folders: Cell::new(0),
        }
    }

    /// A broker with an empty store, beside the one that is loaded.
    pub(crate) fn fresh_broker(&self) -> Broker {
        self.folders.set(self.folders.get() + 1);
        let folder = made(self.folder.join(format!("fresh-{}", self.folders.get())));
        self.runtime.block_on(Broker::start(&self.programs, &folder))
    }

    /// Notes that a server answered so many requests more.
    pub(crate) fn count(&self, server: Measured, answered: u64) {
        *self.answered.borrow_mut().entry(server.0).or_default() += answered;
    }

    /// How many requests a server has answered at least.
    pub(crate) fn answered(&self, server: Measured) -> u64 {
        self.answered.borrow().get(&server.0).copied().unwrap_or(0)
    }
}

fn made(folder: PathBuf) -> PathBuf {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(&folder).expect("the folder can be made");
    folder
}

/// Writes a file that only its owner reads.
fn write_private(file: &Path, text: &str) {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    out.and_then(|mut out| out.write_all(text.as_bytes())).expect("the file can be written");
}
