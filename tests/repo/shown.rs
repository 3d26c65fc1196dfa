//! Which tests there are, by the path at which `cargo test` lists them.

use std::collections::HashSet;

use syn::{
    Attribute, ImplItemFn, Item, ItemFn, ItemMacro, ItemMod,
    visit::{self, Visit},
};

use super::{files, read, rust};

/// Every test, as the segments of its path.
pub(super) struct Tests(Vec<Vec<String>>);

impl Tests {
    /// Those in Rust, and those of the Go programs.
    pub(super) fn of_the_repository() -> Self {
        let parsed: Vec<_> = rust()
            .into_iter()
            .map(|file| {
                let text = read(&file);
                let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
                (module(&file), parsed)
            })
            .collect();
        // Macros that make tests, or call one that does: what they are called with are names of tests.
        let macros = parsed.iter().flat_map(|(_, file)| &file.items).filter_map(|item| match item {
            Item::Macro(ItemMacro { ident: Some(name), mac, .. }) => Some((name.to_string(), mac.tokens.to_string())),
            _ => None,
        });
        let macros: Vec<_> = macros.collect();
        let mut makers = HashSet::new();
        for _ in 0..2 {
            let calls = |body: &str| makers.iter().any(|maker| body.contains(&format!("{maker} !")));
            let found: Vec<_> = macros
                .iter()
                .filter(|(_, body)| makes_tests(body) || calls(body))
                .map(|(name, _)| name.clone())
                .collect();
            makers.extend(found);
        }
        let mut found = Found { makers, module: Vec::new(), tests: Vec::new() };
        for (module, file) in &parsed {
            found.module.clone_from(module);
            found.visit_file(file);
        }
        for file in files("tests", ".go") {
            let go = |line: &str| line.strip_prefix("func Test").map(|rest| format!("Test{}", word(rest)));
            found.tests.extend(read(&file).lines().filter_map(go).map(|name| vec!["go".to_owned(), name]));
        }
        Self(found.tests)
    }

    /// Whether there is one of this name. Before it may stand some of the modules in which it is, in their order.
    pub(super) fn have(&self, path: &str) -> bool {
        let given: Vec<_> = path.split("::").collect();
        self.0.iter().any(|real| {
            let mut rest = real.iter();
            real.last().map(String::as_str) == given.last().copied()
                && given.iter().all(|segment| rest.any(|real| real == segment))
        })
    }
}

/// Whether tokens have `#[test]` or `#[tokio::test(..)]`.
fn makes_tests(tokens: &str) -> bool {
    ["[test]", ":: test]", ":: test ("].iter().any(|attribute| tokens.contains(attribute))
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The crate and the module that a file is.
fn module(file: &str) -> Vec<String> {
    let parts: Vec<_> = file.trim_end_matches(".rs").split('/').collect();
    let (name, inside) = match parts.as_slice() {
        ["src", inside @ ..] => ("keyward".to_owned(), inside),
        ["plugins", name, "src" | "tests" | "benches", inside @ ..] => {
            (format!("keyward_{}", name.replace('-', "_")), inside)
        }
        ["tests", "testbed", inside @ ..] => ("testbed".to_owned(), inside),
        ["tests", inside @ ..] => ("main".to_owned(), inside),
        other => ("other".to_owned(), other),
    };
    let inside = inside.iter().filter(|part| !["mod", "lib", "main"].contains(part)).map(|part| (*part).to_owned());
    std::iter::once(name).chain(inside).collect()
}

struct Found {
    makers: HashSet<String>,
    module: Vec<String>,
    tests: Vec<Vec<String>>,
}

impl Found {
    fn is_test(attributes: &[Attribute]) -> bool {
        // `#[test]` and `#[tokio::test]`.
        attributes.iter().any(|attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test"))
    }

    fn take(&mut self, name: &str) {
        self.tests.push([self.module.as_slice(), &[name.to_owned()]].concat());
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_mod(&mut self, found: &'ast ItemMod) {
        self.module.push(found.ident.to_string());
        visit::visit_item_mod(self, found);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, found: &'ast ItemFn) {
        if Self::is_test(&found.attrs) {
            self.take(&found.sig.ident.to_string());
        }
    }

    fn visit_impl_item_fn(&mut self, _found: &'ast ImplItemFn) {}

    fn visit_item_macro(&mut self, found: &'ast ItemMacro) {
        let name = found.mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let tokens = found.mac.tokens.to_string();
        let own = found.ident.as_ref().is_some_and(|own| self.makers.contains(&own.to_string()));
        if own || self.makers.contains(&name) || makes_tests(&tokens) {
            let names: HashSet<String> =
                tokens.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect();
            names.iter().for_each(|name| self.take(name));
        }
    }
}

#[test]
fn only_a_test_is_a_test_and_only_where_it_is() {
    let tests = Tests::of_the_repository();
    let own = "only_a_test_is_a_test_and_only_where_it_is";
    assert!(
        tests.have(own) && tests.have(&format!("repo::shown::{own}")) && tests.have(&format!("main::shown::{own}"))
    );
    assert!(!tests.have(&format!("repo::sizes::{own}")), "it is elsewhere");
    assert!(!tests.have("repo::shown::module"), "a function that is no test");
    assert!(!tests.have("repo::shown"), "a module");
    assert!(tests.have("keyward_sdk::envelope::a_flipped_bit_is_refused"));
}
