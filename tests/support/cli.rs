//! The real command line, in an environment of its own.

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use tempfile::TempDir;

use super::{broker::Broker, canary};

/// A home folder and an environment in which `keyward` is run.
pub struct Keyward {
    home: TempDir,
    env: Vec<(String, String)>,
}

/// What a run of it left.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Keyward {
    /// The program.
    pub fn program() -> PathBuf {
        PathBuf::from(env!("CARGO_BIN_EXE_keyward"))
    }

    /// Knows of no broker.
    pub fn alone() -> Self {
        let home = TempDir::new().unwrap();
        let runtime = home.path().join("run");
        std::fs::create_dir(&runtime).unwrap();
        let env = [("HOME", home.path()), ("XDG_RUNTIME_DIR", runtime.as_path())];
        let env = env.map(|(name, path)| (name.to_owned(), path.display().to_string())).to_vec();
        Self { home, env }.with("PATH", &std::env::var("PATH").unwrap_or_default())
    }

    /// Knows the broker, as nobody.
    pub fn of(broker: &Broker) -> Self {
        Self::alone()
            .with("KEYWARD_ADDR", &broker.url())
            .with("KEYWARD_CA_CERT", &broker.ca_file().display().to_string())
    }

    /// Is the broker's first operator.
    pub fn operator(broker: &Broker) -> Self {
        let (key, token) = broker.operator_proof();
        let this = Self::of(broker);
        let at = |name: &str| this.home().join(name).display().to_string();
        let (certificate, secret, file) = (at("client.pem"), at("client.key"), at("token"));
        std::fs::write(&certificate, &key.certificate).unwrap();
        std::fs::write(&secret, &key.key).unwrap();
        std::fs::write(&file, token).unwrap();
        this.with("KEYWARD_CLIENT_CERT", &certificate)
            .with("KEYWARD_CLIENT_KEY", &secret)
            .with("KEYWARD_TOKEN_FILE", &file)
    }

    /// With another variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The command, for a test that runs it in its own way.
    pub fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(Self::program());
        command
            .args(args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home());
        command
    }

    /// Runs a line of shell in its environment.
    pub fn shell(&self, script: &str) -> Ran {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        let output = command.current_dir(self.home()).stdin(Stdio::null()).output().expect("sh starts");
        Ran::of(output)
    }

    /// Runs it with nothing on standard input.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// Runs it with `input` on standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("keyward starts");
        let mut stdin = child.stdin.take().unwrap();
        // It may end without reading.
        let _unread = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Ran::of(output)
    }

    /// Runs it and takes nothing but success; its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        self.run(args).ok()
    }

    /// Runs it with `-o json`; its answer.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let mut all = vec!["-o", "json"];
        all.extend(args);
        let text = self.ok(&all);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?} prints JSON ({error}): {text}"))
    }
}

impl Ran {
    /// Answers may show secrets; what is said beside them may not.
    fn of(output: std::process::Output) -> Self {
        canary::search("what the command line says", &output.stderr);
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8 is printed");
        Self { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Nothing but success; the standard output.
    pub fn ok(self) -> String {
        assert!(self.status.success(), "{self:?}");
        self.stdout
    }

    /// The exit code.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{self:?} ended by itself"))
    }
}
