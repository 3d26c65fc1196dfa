//! The real command line, in an environment of its own.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// A home folder and an environment in which `keyward` is run.
#[derive(Clone)]
pub(crate) struct Cli {
    programs: PathBuf,
    env: Vec<(&'static str, String)>,
}

impl Cli {
    /// Knows of no broker; its session lies in `home`.
    pub(crate) fn new(programs: &Path, home: &Path) -> Self {
        fs::create_dir_all(home).expect("the folder can be made");
        let home = home.display().to_string();
        let env = vec![("HOME", home.clone()), ("XDG_RUNTIME_DIR", home.clone()), ("XDG_CONFIG_HOME", home)];
        Self { programs: programs.to_owned(), env }
    }

    /// With another variable.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value));
        self
    }

    /// Runs `keyward` with `input`, and takes nothing but success; what it printed.
    pub(crate) fn keyward(&self, args: &[&str], input: &str) -> String {
        self.run("keyward", args, input)
    }

    /// Runs `keyward -o json`; its answer.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let text = self.keyward(&[&["-o", "json"], args].concat(), "");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?} prints JSON ({error}): {text}"))
    }

    /// Runs any of the programs.
    pub(crate) fn run(&self, program: &str, args: &[&str], input: &str) -> String {
        let mut command = Command::new(self.programs.join(program));
        command.args(args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{program} starts: {error}"));
        // It may end without reading.
        let _unread = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{program} {args:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }
}
