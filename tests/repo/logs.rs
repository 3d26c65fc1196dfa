//! Messages of the log are constant: what varies is a field.

use syn::visit::{self, Visit};

use super::{is_test, read, rust};

#[derive(Default)]
struct Messages(Vec<String>);

impl<'ast> Visit<'ast> for Messages {
    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        let name = found.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if ["error", "warn", "info", "debug", "trace"].contains(&name.as_str()) {
            // Fields come first; the message is the last text.
            let tokens = found.tokens.to_string();
            let message =
                tokens.trim_end_matches([' ', ',']).strip_suffix('"').and_then(|rest| rest.rsplit('"').next());
            self.0.push(message.unwrap_or_default().to_owned());
        }
        visit::visit_macro(self, found);
    }

    fn visit_item_mod(&mut self, found: &'ast syn::ItemMod) {
        if found.ident != "tests" {
            visit::visit_item_mod(self, found);
        }
    }
}

#[test]
fn messages_are_constant_start_with_a_capital_and_have_no_full_stop() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in rust().into_iter().filter(|file| !is_test(file)) {
        let mut messages = Messages::default();
        messages.visit_file(&syn::parse_file(&read(&file)).unwrap_or_else(|error| panic!("{file}: {error}")));
        for message in messages.0 {
            seen += 1;
            let good = message.starts_with(|c: char| c.is_ascii_uppercase())
                && !message.contains(['{', '}', '\\'])
                && !message.ends_with('.');
            if !good {
                wrong.push(format!("{file}: `{message}`"));
            }
        }
    }
    assert!(seen > 50, "{seen} are found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
