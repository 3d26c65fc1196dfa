use super::*;

fn problems(cedar: &str) -> Vec<Problem> {
    Policies::compile(schema(), &[text("p", cedar)], 1).unwrap_err().0
}

fn problem(cedar: &str) -> Problem {
    let mut all = problems(cedar);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn an_unknown_action_is_refused_with_line_and_column() {
    let found = problem(
        "permit(principal, action, resource);\npermit(\n  principal,\n  action == Action::\"secret.raed\",\n  resource\n);",
    );
    assert_eq!((found.line, found.column), (4, 13), "{found}");
    assert!(found.to_string().starts_with("policy `p`, line 4, column 13: "), "{found}");
    assert!(found.to_string().contains("secret.raed") && found.to_string().contains("secret.read"), "{found}");
}

#[test]
fn unknown_claims_attributes_and_types_are_refused() {
    for cedar in [
        r#"permit(principal in Issuer::"github", action, resource) when { principal.claims has repo && principal.claims.repo == "x" };"#,
        r#"permit(principal in Issuer::"github", action, resource) when { principal.claims.repository == "x" };"#,
        r#"permit(principal in Issuer::"github", action, resource) when { principal.claims has repository && principal.claims.repository > 1 };"#,
        r#"permit(principal in Issuer::"github", action, resource) when { principal has claims.repo };"#,
        r#"forbid(principal, action, resource) when { principal has team || principal.subject == "x" };"#,
        r#"forbid(principal, action, resource) when { principal.subject == "x" || context has now };"#,
        r#"permit(principal, action == Action::"secret.read", resource) when { resource.exportable };"#,
        r#"permit(principal, action == Action::"key.export", resource) when { resource.exportable == "yes" };"#,
        r#"permit(principal in Group::"x", action, resource);"#,
        r#"permit(principal, action == Action::"secret.read", resource is Kee);"#,
        r#"permit(principal, action == Action::"secret.read", resource is Key);"#,
        r#"permit(principal, action, resource) when { context.now == 1 };"#,
        r#"permit(principal in Authority::"nobody", action, resource);"#,
    ] {
        assert!(Policies::compile(schema(), &[text("p", cedar)], 1).is_err(), "{cedar}");
    }
}

#[test]
fn a_text_that_is_not_cedar_is_refused_with_line_and_column() {
    let found = problem("permit(principal, action, resource);\n\n  permit(principal, action)\n;");
    assert_eq!(found.line, 3, "{found}");
    let found = problem("permit(principal, action, resource)\nwhen { principal. };");
    assert_eq!((found.line, found.column), (2, 19), "{found}");
}

#[test]
fn all_problems_are_named_at_once() {
    let found = problems(
        "permit(principal, action == Action::\"a\", resource);\npermit(principal, action == Action::\"b\", resource);",
    );
    let mut lines: Vec<_> = found.iter().map(|problem| problem.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [1, 2]);
}

#[test]
fn two_policies_of_one_name_are_refused() {
    let permit = text("p", "permit(principal, action, resource);");
    let found = Policies::compile(schema(), &[permit.clone(), permit.clone()], 1).unwrap_err();
    assert!(found.to_string().contains("two policies"), "{found}");
    let (policies, _) = Policies::load(schema(), &[permit.clone(), permit], 1);
    assert_eq!(reason(&decide(&policies, Some("r"), &READ, "a")), Denial::Error);
}

#[test]
fn templates_are_refused() {
    assert!(problem("permit(principal == ?principal, action, resource);").message.contains("templates"));
}

#[test]
fn names_of_statements_are_names_and_unique() {
    for cedar in [
        "@id(\"a\") permit(principal, action, resource); @id(\"a\") forbid(principal, action, resource);",
        "@id(\"1\") permit(principal, action, resource); forbid(principal, action, resource);",
        "@id(\"a b\") permit(principal, action, resource);",
        "@id(\"\") permit(principal, action, resource);",
    ] {
        assert_eq!(problems(cedar).len(), 1, "{cedar}");
    }
}

#[test]
fn size_depth_and_count_are_limited() {
    let permit = "permit(principal, action, resource)";
    let deep = |n: usize| format!("{permit} when {{ {}true{} }};", "(".repeat(n), ")".repeat(n));
    let long = |n: usize| format!("{permit} when {{ 1 {} == 1 }};", "+ 0 ".repeat(n));
    for (cedar, expected) in [
        (format!("// {}\n{permit};", "x".repeat(MAX_TEXT_BYTES)), "bytes are too long"),
        (deep(100), "brackets"),
        (deep(20_000), "brackets"),
        (long(2_000), "operators"),
        (format!("{permit};").repeat(MAX_STATEMENTS + 1), "statements"),
        (String::new(), "no statement"),
        ("// nothing".to_owned(), "no statement"),
    ] {
        let found = problem(&cedar);
        assert!(found.message.contains(expected), "{found}");
    }
    assert!(Policies::compile(schema(), &[text("p", &deep(20))], 1).is_ok());
    let many: Vec<_> = (0..=MAX_POLICIES).map(|n| text(&format!("p{n}"), &format!("{permit};"))).collect();
    assert!(Policies::compile(schema(), &many, 1).is_err());
}

/// The longest statement of this kind that the limits let through.
fn longest(statement: impl Fn(usize) -> String) -> String {
    let fits = |links: usize| parse::limits(&name("p"), &statement(links)).is_ok();
    let (mut fitting, mut too_long) = (0, MAX_TEXT_BYTES);
    while too_long - fitting > 1 {
        let between = fitting.midpoint(too_long);
        if fits(between) { fitting = between } else { too_long = between }
    }
    assert!((20..=parse::MAX_OPERATORS).contains(&fitting), "{fitting}");
    statement(fitting)
}

#[test]
fn what_is_within_the_limits_is_validated_and_decided_on_a_threads_stack() {
    let when =
        |condition: String| format!("permit(principal in Role::\"r\", action, resource) when {{ {condition} }};");
    let chain = |first: &str, link: &str, last: &str| longest(|n| when(format!("{first}{}{last}", link.repeat(n))));
    let mut cases = Vec::new();
    for link in [" + 0", " - 0", " * 1", "+0"] {
        cases.push((chain("1", link, " == 1"), true));
        cases.push((chain("principal.nothing", link, " == 1"), false));
    }
    for link in [" && true", " || false", "&&true", " == true"] {
        cases.push((chain("true", link, ""), link.contains(['&', '|'])));
        cases.push((chain("principal.nothing", link, ""), false));
    }
    for link in [".a", "[\"a\"]", ".contains(1)", ".contains([1])"] {
        cases.push((chain("principal", link, " == 1"), false));
        cases.push((chain("principal", link, ""), false));
    }
    cases.push((longest(|n| when(format!("{}true{}", "if true then ".repeat(n), " else false".repeat(n)))), true));
    cases.push((
        longest(|n| when(format!("{}principal.nothing{}", "if true then ".repeat(n), " else false".repeat(n)))),
        false,
    ));
    cases.push((chain("", "if false then false else ", "true"), true));
    cases.push((chain("", "if false then false else ", "principal.nothing"), false));
    let mut wrong = Vec::new();
    for (cedar, valid) in cases {
        let shown = cedar.chars().take(90).collect::<String>();
        let tries = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
            let compiled = Policies::compile(schema(), &[text("p", &cedar)], 1);
            compiled
                .map(|policies| decide(&policies, Some("r"), &READ, "a").is_allow())
                .map_err(|problems| problems.to_string())
        });
        let seen = tries.unwrap().join().unwrap();
        if seen.as_ref().ok() != valid.then_some(&true) {
            wrong.push(format!("{shown}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn assuming_by_claims_needs_an_issuer() {
    let when = r#"when { principal.claims has repository && principal.claims.repository == "acme/shop" }"#;
    let anyone = format!("\npermit(principal, action == Action::\"assume\", resource == Role::\"r\") {when};");
    let found = problem(&anyone);
    assert!(found.message.contains("name the issuer") && found.line == 2, "{found}");
    let either = format!("permit(principal, action, resource) {when};");
    assert!(problem(&either).message.contains("name the issuer"));
    for fine in [
        format!("permit(principal in Issuer::\"github\", action == Action::\"assume\", resource) {when};"),
        format!("permit(principal in Role::\"r\", action, resource) {when};"),
        format!("permit(principal, action == Action::\"secret.read\", resource) {when};"),
        format!("forbid(principal, action, resource) {when};"),
        format!(
            "permit(principal, action, resource) {when} when {{ principal has issuer && principal.issuer == Issuer::\"github\" }};"
        ),
    ] {
        assert!(Policies::compile(schema(), &[text("p", &fine)], 1).is_ok(), "{fine}");
    }
}

#[test]
fn issuers_that_disagree_about_a_claim_are_refused() {
    let declare = |of| [("repository".to_owned(), of)].into();
    let issuers: Declarations = [(name("a"), declare(ClaimType::Text)), (name("b"), declare(ClaimType::Long))].into();
    assert!(matches!(PolicySchema::new(ROWS, &issuers), Err(SchemaError::ClaimTypes { .. })));
}

#[test]
fn claim_names_cannot_break_out_of_the_schema() {
    for bad in ["", "a\"b", "a\\b", "a b", "é", "a\n"] {
        let issuers: Declarations = [(name("a"), [(bad.to_owned(), ClaimType::Text)].into())].into();
        assert!(matches!(PolicySchema::new(ROWS, &issuers), Err(SchemaError::ClaimName(..))), "{bad:?}");
    }
    let issuers: Declarations =
        [(name("a"), [("https://acme.example/groups".to_owned(), ClaimType::Texts)].into())].into();
    assert!(PolicySchema::new(ROWS, &issuers).unwrap().text().contains("https://acme.example/groups"));
}

#[test]
fn the_schema_holds_the_whole_method_table() {
    let schema = PolicySchema::new(crate::method::METHODS, &declarations()).unwrap();
    for row in crate::method::METHODS.iter().filter(|row| row.access == Access::Caller) {
        assert!(schema.kinds(row.action).any(|kind| kind == row.resource), "{}", row.rpc);
    }
    // What `someone_can_write_policies` looks for is what the table calls it.
    let writing: Vec<_> = crate::method::METHODS
        .iter()
        .filter(|row| row.resource == ResourceKind::Policy && row.audit == AuditClass::Write)
        .map(|row| row.action)
        .collect();
    assert!(writing.is_empty() || writing.contains(&WRITE_POLICY), "{writing:?}");
    assert!(crate::method::METHODS.iter().all(|row| row.action != ASSUME));
}

#[test]
fn stored_policies_that_are_no_longer_valid_fail_closed() {
    let cedar = r#"permit(principal, action, resource);
        permit(principal, action == Action::"gone.read", resource);
        @id("gone") forbid(principal in Issuer::"github", action, resource) when { principal.claims has gone && principal.claims.gone };"#;
    let (policies, problems) = Policies::load(schema(), &[text("p", cedar)], 1);
    assert_eq!(problems.0.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2, 3], "{problems}");
    // The permit for an action that is gone is left out; the forbid stays.
    assert_eq!(because(&decide(&policies, Some("r"), &READ, "a")), "p#0");
    let ids: Vec<_> = policies.statements().iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["p#0", "p#gone"]);
    let (policies, _) =
        Policies::load(schema(), &[text("p", "permit(principal, action, resource);"), text("q", "???")], 1);
    let verdict = decide(&policies, Some("r"), &READ, "a");
    assert_eq!((reason(&verdict), because(&verdict)), (Denial::Error, "not q".to_owned()));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    /// Any text is refused or taken; what is refused says where, within the text.
    #[test]
    fn no_text_breaks_the_parser(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40),
        noise in proptest::prelude::any::<String>(),
    ) {
        for cedar in [words.join(" "), format!("permit(principal, action, resource) when {{ {} }};", words.join(" ")), noise] {
            if let Err(found) = Policies::compile(schema(), &[text("p", &cedar)], 1) {
                let lines = cedar.split('\n').count();
                proptest::prop_assert!(!found.0.is_empty());
                proptest::prop_assert!(found.0.iter().all(|p| (1..=lines).contains(&p.line) && p.column >= 1), "{}", found);
            }
        }
    }
}

const WORDS: &[&str] = &[
    "permit",
    "forbid",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "principal",
    "action",
    "resource",
    "context",
    "when",
    "unless",
    "==",
    "in",
    "is",
    "has",
    "like",
    "&&",
    "||",
    "!",
    "-",
    "+",
    "*",
    "<",
    ".",
    ",",
    ";",
    "::",
    "if",
    "then",
    "else",
    "true",
    "\"x\"",
    "\"*\\*\"",
    "9223372036854775807",
    "9223372036854775808",
    "Role",
    "Action",
    "Secret",
    "claims",
    "repository",
    "@id",
    "\"",
    "//",
    "\n",
    "é",
    "?principal",
    "ip",
    "contains",
    "\u{202e}",
    "\0",
];
