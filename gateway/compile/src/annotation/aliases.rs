//! Further names by which the hosts of an Ingress are known.

use bulkhead_model::HostPattern;

use super::reader::{Reader, Stake, key};
use super::row::{Group, Row, State, Use};
use crate::code::FindingCode;
use crate::findings::quote;

const ALIAS: &str = "server-alias";
const WWW: &str = "from-to-www-redirect";

pub(super) const ROWS: &[Row] = &[
    Row::new(
        WWW,
        Group::Routing,
        Use::Must,
        State::Approximated("In the profile Standard a slash at the end of the path is kept."),
    )
    .of_host(),
    Row::new(
        ALIAS,
        Group::Routing,
        Use::Must,
        State::Approximated(
            "Regular expressions are left out, and so are names that belong to another namespace where hosts are owned; names of one Ingress are of the host of its first rule.",
        ),
    )
    .of_host(),
];

/// Most aliases of an Ingress: each of them is shown with all routes of its host.
const MAX_ALIASES: usize = 32;

/// What an Ingress says of the names of its hosts.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Names {
    /// Names that the host of its first rule has as well.
    pub(crate) aliases: Vec<HostPattern>,
    /// Whether the names of its hosts with `www.` lead to those without, and the other way round.
    pub(crate) www: bool,
}

impl Names {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let www = reader.switch(WWW, Stake::Comfort).unwrap_or_default();
        let written = reader.list(ALIAS, Stake::Comfort).unwrap_or_default();
        if written.len() > MAX_ALIASES {
            reader.notes.add(FindingCode::AnnotationUnreadable, &key(ALIAS), || {
                format!(
                    "There are more than {MAX_ALIASES} aliases, so those after the first {MAX_ALIASES} are left out."
                )
            });
        }
        let mut aliases = Vec::new();
        for alias in written.into_iter().take(MAX_ALIASES) {
            let why = match HostPattern::parse(alias) {
                Ok(host) => {
                    aliases.push(host);
                    continue;
                }
                Err(_) if alias.starts_with('~') => "is a regular expression, and those are not served".to_owned(),
                Err(why) => why.to_string(),
            };
            let why = || format!("The alias {} {why}, so it is left out.", quote(alias));
            reader.notes.add(FindingCode::AnnotationUnreadable, &key(ALIAS), why);
        }
        Self { aliases, www }
    }
}
