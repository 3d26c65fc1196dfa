//! `keyward key`.

mod args;
mod import;
mod manage;
mod show;
mod work;

use std::{path::PathBuf, time::Duration};

use clap::Subcommand;

use self::args::{Algorithm, Operation, Type};
use crate::cli::{CliError, connect::Target, input, output::Output};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum KeyCommand {
    /// Make a key.
    #[command(after_help = "Examples:
  keyward key create app/db
  keyward key create app/release --type ed25519 --rotate-every 90d
  keyward key create app/legacy --type rsa-3072 --imported")]
    Create {
        /// Where, e.g. `app/db`.
        path: String,
        /// Its type.
        #[arg(long = "type", value_enum, default_value_t = Type::Aes256Gcm)]
        kind: Type,
        /// Its material is made elsewhere; `keyward key import` takes it in.
        #[arg(long)]
        imported: bool,
        /// What it may be used for; all that is usual for its type when none is given.
        #[arg(long = "allow", value_enum, value_name = "OPERATION")]
        operations: Vec<Operation>,
        /// Its material may leave wrapped. Can be turned off later, and never on.
        #[arg(long)]
        exportable: bool,
        /// Make a new version this often, e.g. `90d`.
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        rotate_every: Option<Duration>,
        /// Refuse to destroy it until this is turned off.
        #[arg(long)]
        protect: bool,
        /// For people and programs.
        #[arg(long = "label", value_name = "NAME=VALUE", value_parser = input::label)]
        labels: Vec<(String, String)>,
    },
    /// Show a key and its versions.
    Get {
        /// Where.
        path: String,
    },
    /// Show the keys below a folder.
    List {
        /// The folder; without it, all.
        folder: Option<String>,
    },
    /// Change rotation, protection and labels, and take the right to export away.
    Update {
        /// Where.
        path: String,
        /// Make a new version this often, e.g. `90d`; `0s` for never.
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        rotate_every: Option<Duration>,
        /// Refuse to destroy it, or no longer.
        #[arg(long, value_name = "BOOL")]
        protect: Option<bool>,
        /// Its material may no longer leave.
        #[arg(long)]
        not_exportable: bool,
        /// Replaces all labels.
        #[arg(long = "label", value_name = "NAME=VALUE", value_parser = input::label)]
        labels: Vec<(String, String)>,
    },
    /// Make a new version and use it from now on.
    Rotate {
        /// Where.
        path: String,
    },
    /// Take material that was made elsewhere. It is wrapped here and unwrapped in the broker.
    #[command(after_help = "Examples:
  keyward key import app/legacy --in key.pem        (PKCS#8)
  keyward key import app/old-aes --in key.bin       (32 bytes)")]
    Import {
        /// Where; the key was made with `--imported`.
        path: String,
        /// The material: PKCS#8 in PEM or DER, or the bytes of a symmetric key; standard input when not given.
        #[arg(long = "in", value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Stop a version from being used.
    Disable {
        /// Where.
        path: String,
        /// Which version.
        #[arg(long, value_name = "VERSION")]
        at: u32,
    },
    /// Use a disabled version again: the primary fully, others to decrypt and verify.
    Enable {
        /// Where.
        path: String,
        /// Which version.
        #[arg(long, value_name = "VERSION")]
        at: u32,
    },
    /// Destroy a key, or a version of it, after a waiting period.
    Destroy {
        /// Where.
        path: String,
        /// Which version; the whole key when not given.
        #[arg(long, value_name = "VERSION")]
        at: Option<u32>,
        /// How long it can be cancelled, 7 to 90 days.
        #[arg(long, default_value = "30d", value_parser = humantime::parse_duration)]
        after: Duration,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Call a destruction off. What was to be destroyed is disabled then.
    CancelDestruction {
        /// Where.
        path: String,
        /// Which version; the whole key when not given.
        #[arg(long, value_name = "VERSION")]
        at: Option<u32>,
    },
    /// Print a public key as PEM.
    PublicKey {
        /// Where.
        path: String,
        /// Which version; the primary when not given.
        #[arg(long, value_name = "VERSION")]
        at: Option<u32>,
    },
    /// Encrypt standard input, or a file, and print the ciphertext as base64.
    #[command(after_help = "Examples:
  echo -n hi | keyward key encrypt app/db
  keyward key encrypt app/db --in dump.sql --aad dump-7 --raw > dump.enc")]
    Encrypt {
        /// With which key.
        path: String,
        #[command(flatten)]
        input: Input,
        /// Bound to the ciphertext; the same is needed to decrypt.
        #[arg(long, default_value = "", hide_default_value = true)]
        aad: String,
        /// Print bytes instead of base64.
        #[arg(long)]
        raw: bool,
    },
    /// Decrypt standard input, or a file, and print the plaintext.
    #[command(after_help = "Examples:
  echo -n hi | keyward key encrypt app/db | keyward key decrypt app/db
  keyward key decrypt app/db --in dump.enc --aad dump-7 --raw > dump.sql")]
    Decrypt {
        /// With which key.
        path: String,
        #[command(flatten)]
        input: Input,
        /// As when it was encrypted.
        #[arg(long, default_value = "", hide_default_value = true)]
        aad: String,
        /// The ciphertext is bytes instead of base64.
        #[arg(long)]
        raw: bool,
        /// Which version, for RSA keys; the primary when not given.
        #[arg(long, value_name = "VERSION")]
        at: Option<u32>,
    },
    /// Encrypt a ciphertext again under the newest version. The plaintext does not leave the broker.
    Rewrap {
        /// With which key.
        path: String,
        #[command(flatten)]
        input: Input,
        /// As when it was encrypted.
        #[arg(long, default_value = "", hide_default_value = true)]
        aad: String,
    },
    /// Make a data key, and print it in clear and encrypted, as base64.
    DataKey {
        /// Under which key.
        path: String,
        /// How many bytes, 16 to 64.
        #[arg(long, default_value_t = 32)]
        bytes: u32,
        /// Bound to it.
        #[arg(long, default_value = "", hide_default_value = true)]
        aad: String,
        /// Print it encrypted only.
        #[arg(long)]
        hidden: bool,
    },
    /// Sign standard input, or a file, and print the signature as base64.
    #[command(after_help = "Examples:
  keyward key sign app/release --in app.tar > app.tar.sig
  keyward key verify app/release --in app.tar --signature \"$(cat app.tar.sig)\"")]
    Sign {
        /// With which key.
        path: String,
        #[command(flatten)]
        input: Input,
        /// How; as is usual for the key's type when not given.
        #[arg(long, value_enum)]
        algorithm: Option<Algorithm>,
    },
    /// Check a signature; the exit code is 1 when it does not hold.
    Verify {
        /// With which key.
        path: String,
        #[command(flatten)]
        input: Input,
        /// The signature as base64.
        #[arg(long)]
        signature: String,
        /// How it was signed.
        #[arg(long, value_enum)]
        algorithm: Option<Algorithm>,
        /// By which version; the primary when not given.
        #[arg(long, value_name = "VERSION")]
        at: Option<u32>,
    },
    /// Make a message authentication code of standard input, or a file, as base64.
    Mac {
        /// With which key.
        path: String,
        #[command(flatten)]
        input: Input,
    },
    /// Check a message authentication code; the exit code is 1 when it does not hold.
    VerifyMac {
        /// With which key.
        path: String,
        #[command(flatten)]
        input: Input,
        /// The code as base64.
        #[arg(long)]
        mac: String,
        /// By which version; the primary when not given.
        #[arg(long, value_name = "VERSION")]
        at: Option<u32>,
    },
    /// Print random bytes as base64.
    Random {
        /// How many, up to 65,536.
        #[arg(default_value_t = 32)]
        bytes: u32,
    },
}

/// What is worked on.
#[derive(Debug, clap::Args)]
pub(crate) struct Input {
    /// A file; standard input when not given.
    #[arg(long = "in", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl KeyCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        match self {
            Self::Import { path, file } => import::run(target, output, path, file.as_deref()).await,
            Self::Encrypt { .. }
            | Self::Decrypt { .. }
            | Self::Rewrap { .. }
            | Self::DataKey { .. }
            | Self::Sign { .. }
            | Self::Verify { .. }
            | Self::Mac { .. }
            | Self::VerifyMac { .. }
            | Self::Random { .. } => work::run(self, target, output).await,
            _ => manage::run(self, target, output).await,
        }
    }
}
