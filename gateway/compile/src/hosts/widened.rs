//! Plain paths that become expressions because of another namespace. So ingress-nginx has it: one Ingress with expressions makes all paths of
//! its host some, which match in any case of letters and whatever follows, and may come before a path that protects something.

use bulkhead_model::route::PathKind;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};
use crate::ingress::{Declared, Rule};

/// Notes it of an Ingress with `rules`, once for each host. `spreaders` make all paths of the host expressions, oldest first.
pub(super) fn note(spreaders: &[&Declared], declared: &Declared, rules: &[Rule], notes: &mut Notes<'_>) {
    let namespace = |declared: &Declared| declared.age.name.namespace.clone();
    let is_own = |spreader: &&Declared| namespace(spreader) == namespace(declared);
    let Some(first) = spreaders.first().filter(|_| !spreaders.iter().any(is_own)) else { return };
    let Some(rule) = rules.iter().find(|rule| is_widened(rule)) else { return };
    notes.add(FindingCode::PathsWidened, &rule.path_field(), || {
        format!(
            "The path {}, and other plain ones of this Ingress for its host, are matched as regular expressions, in any case of letters and with whatever follows, because Ingress {}, which is of another namespace, has some for the host.",
            quote(&rule.path.written),
            first.origin
        )
    });
}

/// Whether a rule takes other requests as an expression than as it is written.
fn is_widened(rule: &Rule) -> bool {
    match rule.path.pattern.kind() {
        PathKind::Exact => true,
        PathKind::Prefix => *rule.path.written != *"/",
        PathKind::Expression | PathKind::Default => false,
    }
}
