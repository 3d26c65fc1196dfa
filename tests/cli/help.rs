//! Help, completion, man pages and the version.

use super::Transcript;
use crate::support::Keyward;

/// The commands that `keyward --help` lists.
fn listed(keyward: &Keyward, of: &[&str]) -> Vec<String> {
    let help = keyward.ok(&[of, &["--help"]].concat());
    let Some((_, commands)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = commands.lines().take_while(|line| !line.trim().is_empty());
    // Names stand two blanks in; what goes on a second line stands further.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).filter(|name| name != "help").collect()
}

#[test]
fn help_and_version_say_what_there_is() {
    let mut told = Transcript::of("help", Keyward::alone());
    told.hide(env!("CARGO_PKG_VERSION"), "version");
    told.line("--help");
    told.line("version");
    told.line("--version");
    told.line("secret");
    told.line("nonsense");
    told.line("secret git");
    told.matches();
}

#[test]
fn a_bare_noun_prints_its_help() {
    let keyward = Keyward::alone();
    let nouns = listed(&keyward, &[]);
    assert!(nouns.len() >= 20, "{nouns:?}");
    let mut bare = 0;
    for noun in nouns {
        let verbs = listed(&keyward, &[&noun]);
        if verbs.is_empty() || noun == "dev" {
            continue;
        }
        bare += 1;
        let ran = keyward.run(&[&noun]);
        assert_eq!((ran.code(), ran.stdout.as_str()), (2, ""), "{noun}");
        for verb in verbs {
            assert!(ran.stderr.contains(&verb), "{verb} is not in {}", ran.stderr);
            let help = keyward.ok(&[&noun, &verb, "--help"]);
            assert!(help.contains(&format!("Usage: keyward {noun} {verb}")), "{help}");
        }
    }
    assert!(bare >= 12, "{bare} nouns have commands");
    assert_eq!(keyward.run(&[]).code(), 2);
}

#[test]
fn completion_scripts_know_every_command() {
    let keyward = Keyward::alone();
    let nouns = listed(&keyward, &[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = keyward.ok(&["completion", shell]);
        for noun in &nouns {
            assert!(script.contains(noun.as_str()), "{noun} is not in the script for {shell}");
        }
    }
    std::fs::write(keyward.home().join("keyward.bash"), keyward.ok(&["completion", "bash"])).unwrap();
    let loaded = keyward.shell("bash -c 'set -e; . ./keyward.bash; complete -p keyward'");
    assert!(loaded.ok().contains("_keyward"));
    assert_eq!(keyward.run(&["completion", "tcsh"]).code(), 2);
}

#[test]
fn every_command_has_a_man_page() {
    let keyward = Keyward::alone();
    std::fs::create_dir(keyward.home().join("man")).unwrap();
    keyward.ok(&["man", "man"]);
    let page = |name: &str| std::fs::read_to_string(keyward.home().join("man").join(name)).unwrap_or_default();
    assert!(page("keyward.1").contains("Exit codes"), "{}", page("keyward.1"));
    for noun in listed(&keyward, &[]) {
        assert!(page(&format!("keyward-{noun}.1")).contains(".SH"), "{noun} has no page");
        for verb in listed(&keyward, &[&noun]) {
            assert!(page(&format!("keyward-{noun}-{verb}.1")).contains(".SH"), "{noun} {verb} has no page");
        }
    }
    assert_eq!(keyward.run(&["man", "nowhere/at/all"]).code(), 1);
}
