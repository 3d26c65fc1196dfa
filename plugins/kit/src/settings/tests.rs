use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Listen {
    api: String,
    idle: HumanDuration,
    connections: u32,
}

impl Default for Listen {
    fn default() -> Self {
        Self { api: String::new(), idle: HumanDuration(std::time::Duration::from_secs(1)), connections: 1 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Local,
    Remote,
}

#[derive(Debug, Deserialize)]
struct Cluster {
    name: String,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    pin: Option<SecretRef>,
}

#[derive(Debug, Deserialize)]
struct Config {
    #[serde(default)]
    listen: Listen,
    #[serde(default, rename = "cluster")]
    clusters: Vec<Cluster>,
}

fn shown(text: &str) -> String {
    parse::<Config>(text, Path::new("k.toml")).unwrap_err().to_string()
}

#[test]
fn good_settings_are_read() {
    let text = "[listen]\napi = \"127.0.0.1:1\"\nidle = \"5m\"\n[[cluster]]\nname = \"a\"\nmode = \"remote\"\npin = \"env:PIN\"\n[[cluster]]\nname = \"b\"\nmode = \"local\"";
    let parsed = parse::<Config>(text, Path::new("k.toml")).unwrap();
    assert_eq!(parsed.value.listen.idle.0.as_secs(), 300);
    assert_eq!((parsed.value.listen.api.as_str(), parsed.value.listen.connections), ("127.0.0.1:1", 1));
    assert!(matches!(parsed.value.clusters[0], Cluster { mode: Some(Mode::Remote), pin: Some(SecretRef::Env(_)), .. }));
    assert!(parsed.value.clusters[1].name == "b" && matches!(parsed.value.clusters[1].mode, Some(Mode::Local)));
    assert_eq!(parsed.lines.problem("cluster[1].name", "is taken").line, 9);
    assert_eq!(parsed.lines.problem("cluster[1].socket", "is missing").line, 8);
}

#[test]
fn every_problem_is_named_at_once_with_its_line() {
    let text = "[listen]\napl = \"x\"\nidle = 5\nconnections = \"many\"\n\n[[cluster]]\nmode = \"lokal\"\n[[cluster]]\nname = \"b\"\nextra = 1\n[unrelated]\n";
    let shown = shown(text);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines,
        [
            "k.toml:2: `listen.apl` is not known; did you mean `api`?",
            "k.toml:3: `listen.idle` is a whole number, expected a duration as text, e.g. \"15m\"",
            "k.toml:4: `listen.connections` is a text, expected u32",
            "k.toml:6: `cluster[0].name` is missing",
            "k.toml:7: `cluster[0].mode` is none of `local`, `remote`",
            "k.toml:10: `cluster[1].extra` is not known; known here: `name`, `mode`, `pin`",
            "k.toml:11: `unrelated` is not known; known here: `listen`, `cluster`",
        ]
    );
}

#[test]
fn a_value_is_never_shown() {
    for text in [
        "[[cluster]]\nname = \"a\"\npin = \"hunter2\"",
        "[listen]\nconnections = \"hunter2\"",
        "[listen]\nidle = \"hunter2\"",
        "[[cluster]]\nname = \"a\"\nmode = \"hunter2\"",
        "[listen]\napi = \"hunter2\n",
        "[listen]\napi = hunter2\n",
    ] {
        let shown = shown(text);
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_text_that_is_not_toml_is_named_by_its_line() {
    assert!(shown("[listen]\napi == 1").starts_with("k.toml:2: is not TOML"), "{}", shown("[listen]\napi == 1"));
}

#[test]
fn a_file_that_cannot_be_read_is_said_so() {
    let problems = load::<Config>(Path::new("/nonexistent/k.toml")).unwrap_err();
    assert!(problems.to_string().starts_with("/nonexistent/k.toml: settings file cannot be read"), "{problems}");
}
