//! From what was read to what can be used, with every problem named.

use std::{collections::HashSet, net::SocketAddr, path::PathBuf, time::Duration};

use keyward_kit::settings::{Lines, Parsed, Problems};

use super::{ClusterConfig, Config, Raw, RawCluster, SocketAt, SocketSettings};

pub(super) fn config(parsed: Parsed<Raw>) -> Result<Config, Problems> {
    let Parsed { value: raw, lines } = parsed;
    let mut problems = lines.problems();
    let ops = ops(&raw.ops.listen, &lines, &mut problems);
    if let Err(error) = raw.log.filter() {
        problems.push(lines.problem("log.level", error.to_string()));
    }
    if raw.clusters.is_empty() {
        problems.push(lines.problem("cluster", "is missing; name at least one cluster in a section `[[cluster]]`"));
    }
    let mut clusters = Vec::new();
    for (at, cluster) in raw.clusters.into_iter().enumerate() {
        let checked = check(cluster, &raw.state_dir, &format!("cluster[{at}]"), &lines, &mut problems);
        clusters.extend(checked);
    }
    unique(&clusters, &lines, &mut problems);
    let grace = raw.shutdown_grace.map_or(Duration::from_secs(2), |grace| grace.0);
    let config = ops.map(|ops| Config { log: raw.log, ops, clusters, grace });
    problems.or(config)
}

fn ops(listen: &str, lines: &Lines, problems: &mut Problems) -> Option<Option<SocketAddr>> {
    if listen.is_empty() {
        return Some(None);
    }
    match listen.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Some(Some(address)),
        Ok(_) => {
            problems.push(
                lines.problem(
                    "ops.listen",
                    "is not a loopback address; metrics and health are served on loopback alone",
                ),
            );
            None
        }
        Err(_) => {
            problems.push(
                lines.problem("ops.listen", "is not an address and port such as `127.0.0.1:7446`; empty turns it off"),
            );
            None
        }
    }
}

fn named_well(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !name.starts_with('.')
}

fn check(
    raw: RawCluster,
    state: &std::path::Path,
    at: &str,
    lines: &Lines,
    problems: &mut Problems,
) -> Option<ClusterConfig> {
    let before = problems.list().len();
    let mut wrong = |key: &str, text: String| problems.push(lines.problem(&format!("{at}.{key}"), text));
    if !named_well(&raw.name) {
        wrong("name", "is not a name: 1 to 128 letters, digits, `-`, `_` and `.` are allowed".to_owned());
        return None;
    }
    let socket = match raw.socket.as_deref() {
        None => SocketAt::File(PathBuf::from(format!("/run/keyward/@{}.sock", raw.name))),
        Some(text) => match text.strip_prefix('@') {
            Some(name) if !name.is_empty() && !name.contains('/') => SocketAt::Abstract(name.to_owned()),
            _ => SocketAt::File(PathBuf::from(text)),
        },
    };
    match &socket {
        SocketAt::File(path) if !path.is_absolute() => wrong("socket", "is not an absolute path".to_owned()),
        SocketAt::File(path) if path.as_os_str().len() > 107 => {
            wrong("socket", format!("has {} bytes, the kernel takes at most 107", path.as_os_str().len()));
        }
        SocketAt::File(_) => {}
        SocketAt::Abstract(_) if raw.socket_owner.is_some() || raw.socket_group.is_some() => {
            wrong(
                "socket_owner",
                "and `socket_group` mean nothing for an abstract socket, which has no file; use `allowed_uids`"
                    .to_owned(),
            );
        }
        SocketAt::Abstract(_) => {}
    }
    let reported_version = raw.reported_version.unwrap_or_else(|| "v2".to_owned());
    if !matches!(reported_version.as_str(), "v2" | "v2beta1") {
        wrong("reported_version", "is neither `v2` nor `v2beta1`".to_owned());
    }
    let remote_timeout = raw.remote_timeout.map_or(Duration::from_millis(2_500), |timeout| timeout.0);
    if remote_timeout.is_zero() || remote_timeout > Duration::from_secs(60) {
        wrong(
            "remote_timeout",
            "is out of range: more than 0 and at most `60s`; stay below the API server's own, by default `3s`"
                .to_owned(),
        );
    }
    let state_dir = raw.state_dir.unwrap_or_else(|| state.join(&raw.name));
    if !state_dir.is_absolute() {
        wrong("state_dir", "is not an absolute path".to_owned());
    }
    (problems.list().len() == before).then_some(ClusterConfig {
        socket: SocketSettings {
            at: socket,
            owner: raw.socket_owner,
            group: raw.socket_group,
            allowed_uids: raw.allowed_uids,
        },
        name: raw.name,
        mode: raw.mode,
        state_dir,
        reported_version,
        remote_timeout,
    })
}

/// No two clusters share a name, a socket or a folder.
fn unique(clusters: &[ClusterConfig], lines: &Lines, problems: &mut Problems) {
    let (mut names, mut sockets, mut folders) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (at, cluster) in clusters.iter().enumerate() {
        let socket = format!("{:?}", cluster.socket.at);
        for (key, fresh) in [
            ("name", names.insert(&cluster.name)),
            ("socket", sockets.insert(socket)),
            ("state_dir", folders.insert(&cluster.state_dir)),
        ] {
            if !fresh {
                problems.push(lines.problem(&format!("cluster[{at}].{key}"), "is that of another cluster above"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{parse, *};

    fn shown(text: &str) -> String {
        parse(text, Path::new("kms.toml")).unwrap_err().to_string()
    }

    #[test]
    fn a_name_is_all_that_a_cluster_needs() {
        let config = parse("[[cluster]]\nname = \"prod-1\"\n", Path::new("kms.toml")).unwrap();
        let cluster = &config.clusters[0];
        assert_eq!(cluster.socket.at, SocketAt::File("/run/keyward/@prod-1.sock".into()));
        assert_eq!(cluster.state_dir, Path::new("/var/lib/keyward-kube-kms/prod-1"));
        assert_eq!((cluster.reported_version.as_str(), config.ops.unwrap().port()), ("v2", 7446));
    }

    #[test]
    fn every_problem_is_named_with_its_line() {
        let text = "[ops]\nlisten = \"0.0.0.0:1\"\n[[cluster]]\nname = \"a\"\nsocket = \"relative\"\nreported_version = \"v3\"\n[[cluster]]\nname = \"b\"\n[[cluster]]\nname = \"b\"\n[[cluster]]\nname = \"../x\"\n";
        let shown = shown(text);
        for expected in [
            "kms.toml:2: `ops.listen` is not a loopback address",
            "kms.toml:5: `cluster[0].socket` is not an absolute path",
            "kms.toml:6: `cluster[0].reported_version` is neither",
            "`cluster[3].name` is not a name",
            "is that of another cluster above",
        ] {
            assert!(shown.contains(expected), "{shown}");
        }
        assert!(super::super::parse("", Path::new("kms.toml")).is_err());
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        assert_eq!(
            shown("[[cluster]]\nname = \"a\"\nsoket = \"/x\"\n"),
            "kms.toml:3: `cluster[0].soket` is not known; did you mean `socket`?"
        );
    }
}
