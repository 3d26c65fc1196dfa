use super::*;

fn problems(text: &str) -> String {
    Config::parse(text, Path::new("keyward.toml")).unwrap_err().to_string()
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let config = Config::parse("", Path::new("keyward.toml")).unwrap();
    assert_eq!(config.api.to_string(), "127.0.0.1:7443");
    assert_eq!(config.ops.to_string(), "127.0.0.1:7444");
    assert!(config.workers >= 1);
    assert_eq!(config.audit.rotate_bytes, 32 << 20);
}

#[test]
fn an_unknown_setting_is_refused_with_line_and_nearest_name() {
    let told = problems("[listen]\nappi = \"127.0.0.1:1\"\n");
    assert!(told.contains("keyward.toml") && told.contains('2') && told.contains("api"), "{told}");
}

#[test]
fn every_problem_is_told_at_once() {
    let told =
        problems("[listen]\napi = \"nowhere\"\nworkers = 0\n[tls]\nkey = \"/k\"\n[log]\nlevel = \"keyward=loud\"\n");
    for part in ["listen.api", "listen.workers", "tls.certificate", "log.level"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}
