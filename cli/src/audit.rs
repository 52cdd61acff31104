//! `bulkhead audit`: what a lane would make of the Ingresses of another controller, before anything is moved.
//!
//! In: manifests from a directory, standard input or a cluster ([`material`], [`cluster`]). Out: a verdict on every annotation and field
//! ([`judge`], with the compiler that gateways run and its table of annotations), what replaces the directives in snippets
//! ([`bulkhead_compile::directives`]), and the GatewayInstance that says what a controller's settings say ([`settings`]); as text, Markdown or JSON.

mod cluster;
mod judge;
mod markdown;
mod material;
mod settings;
mod text;
mod unread;
mod verdict;

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bulkhead_gateway::source::manifest::FILE_BYTES;
use thiserror::Error;

use self::cluster::ClusterError;
use self::material::Material;
use self::verdict::Audit;
use crate::args::{AuditArgs, AuditOutput};
use crate::table::printable;

/// Something is refused.
const REFUSED: u8 = 1;
/// The command line is wrong, or something could not be read, so that nothing can be said of it.
const UNREADABLE: u8 = 2;

/// Why nothing can be said.
#[derive(Debug, Error)]
pub(crate) enum AuditError {
    #[error("cannot read {0}: check that it is a directory and readable")]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("cannot read standard input")]
    Input(#[source] io::Error),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("cannot write the audit as JSON")]
    Encode(#[source] serde_json::Error),
}

/// Prints what a lane would make of what is there.
pub(crate) fn run(arguments: &AuditArgs) -> ExitCode {
    let (audit, text) = match audit(arguments) {
        Ok(done) => done,
        Err(error) => {
            crate::complain(&error);
            return UNREADABLE.into();
        }
    };
    for problem in &audit.problems {
        crate::say(&printable(problem));
    }
    match io::stdout().write_all(text.as_bytes()) {
        // The reader may have seen enough: the exit code still says what there is.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => crate::complain(&error),
        _ => status(&audit).into(),
    }
}

fn status(audit: &Audit) -> u8 {
    match audit {
        // What was not read may be the worst of all.
        audit if !audit.problems.is_empty() => UNREADABLE,
        // A name that nothing has is misspelt, and nothing is refused of nothing.
        audit if audit.wanted.is_some() && audit.ingresses.is_empty() => UNREADABLE,
        audit if audit.is_refused() => REFUSED,
        _ => 0,
    }
}

fn audit(arguments: &AuditArgs) -> Result<(Audit, String), AuditError> {
    let material = match &arguments.directory {
        Some(directory) if directory == Path::new("-") => of_input()?,
        Some(directory) => Material::of_directory(directory)?,
        None => cluster::material(&arguments.cluster)?,
    };
    let audit = judge::judge(&material, arguments.class.as_deref());
    let text = match arguments.output {
        AuditOutput::Text => text::page(&audit, io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()),
        AuditOutput::Markdown => markdown::page(&audit),
        AuditOutput::Json => serde_json::to_string_pretty(&audit).map_err(AuditError::Encode)? + "\n",
    };
    Ok((audit, text))
}

fn of_input() -> Result<Material, AuditError> {
    let (mut text, mut material) = (String::new(), Material::default());
    // One byte more than is read tells what is too long from what is just as long.
    io::stdin().take(FILE_BYTES as u64 + 1).read_to_string(&mut text).map_err(AuditError::Input)?;
    material.add_text("<stdin>", &text);
    Ok(material)
}

/// The text about a directory, as it is where there is no terminal.
#[cfg(test)]
pub(crate) fn example(directory: &Path) -> String {
    text::page(&judge::judge(&Material::of_directory(directory).unwrap(), None), false)
}

#[cfg(test)]
mod tests;
