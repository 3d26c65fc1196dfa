//! The README's tour, line by line as it stands there.

use std::process::Command;

use crate::support::Keyward;

#[test]
fn the_five_minutes_of_the_readme_work_as_they_stand_there() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let tour = readme.split("<!-- tour -->").nth(1).expect("the README has a tour");
    let tour = tour.split("```sh\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("and its lines");
    let keyward = Keyward::alone();
    let programs = Keyward::program().parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let script = format!("trap 'keyward dev stop >/dev/null 2>&1 || true' EXIT\nset -e\n{}\n", allowed(tour));
    let output = Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .envs([("PATH", path.as_str()), ("HOME", keyward.home().to_str().unwrap())])
        .env("XDG_RUNTIME_DIR", keyward.home().join("run"))
        .current_dir(keyward.home())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    for seen in ["correct horse battery", "prod/shop/orders", "deploy#read", "got 21 characters"] {
        assert!(stdout.contains(seen), "{seen} in:\n{stdout}\n{stderr}");
    }
}

/// An explanation of a refusal ends with a code of its own, which is no failure of the tour.
fn allowed(tour: &str) -> String {
    tour.lines()
        .map(|line| if line.contains("prod/payroll") { format!("{line} || true\n") } else { format!("{line}\n") })
        .collect()
}
