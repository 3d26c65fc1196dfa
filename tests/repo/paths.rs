//! Every path that a Rust file names, outside its tests.

use syn::{
    Attribute, ItemMod, Macro, UseTree,
    visit::{self, Visit},
};

/// A path as its segments, `crate`, `self` and `super` resolved: what begins with `crate` is from the root of the crate.
pub fn of(file: &str, text: &str) -> Vec<Vec<String>> {
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut seen = Paths { module: module(file), found: Vec::new() };
    seen.visit_file(&parsed);
    seen.found
}

/// The module that a file of `src` is, e.g. `["engine", "secret", "put"]`.
fn module(file: &str) -> Vec<String> {
    let inside = file.split_once("src/").map_or(file, |(_, inside)| inside).trim_end_matches(".rs");
    let parts = inside.split('/').filter(|part| !["mod", "lib", "main"].contains(part));
    parts.map(str::to_owned).collect()
}

struct Paths {
    module: Vec<String>,
    found: Vec<Vec<String>>,
}

impl Paths {
    fn take(&mut self, segments: Vec<String>) {
        let first = segments.first().map_or("", String::as_str);
        if !["self", "super"].contains(&first) {
            return self.found.push(segments);
        }
        let mut at = self.module.clone();
        let mut rest = segments.as_slice();
        while let Some((head, tail)) = rest.split_first() {
            match head.as_str() {
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            rest = tail;
        }
        self.found.push([vec!["crate".to_owned()], at, rest.to_vec()].concat());
    }

    fn tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            UseTree::Name(name) => self.take(with(&name.ident)),
            UseTree::Rename(rename) => self.take(with(&rename.ident)),
            UseTree::Glob(_) => self.take(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(before, item)),
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        if module.attrs.iter().any(is_cfg_test) {
            return;
        }
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if !item.attrs.iter().any(is_cfg_test) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if !item.attrs.iter().any(is_cfg_test) {
            self.tree(&[], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.segments.len() > 1 {
            self.take(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    /// What is inside a macro is not parsed; its paths are read off its tokens.
    fn visit_macro(&mut self, inside: &'a Macro) {
        let text = inside.tokens.to_string().replace(' ', "");
        for (at, _) in text.match_indices("crate::").chain(text.match_indices("keyward_api::")) {
            let word = text[at..].split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').next().unwrap();
            self.take(word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect());
        }
        visit::visit_macro(self, inside);
    }
}

fn is_cfg_test(attribute: &Attribute) -> bool {
    let mut found = false;
    if attribute.path().is_ident("cfg") {
        // What cannot be read as a list is not `test` alone or one of several.
        let _unread = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident("test");
            if meta.path.is_ident("any") {
                meta.parse_nested_meta(|inner| {
                    found |= inner.path.is_ident("test");
                    if inner.input.peek(syn::Token![=]) {
                        inner.value()?.parse::<syn::Lit>()?;
                    }
                    Ok(())
                })?;
            }
            if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Lit>()?;
            }
            Ok(())
        });
    }
    found
}
