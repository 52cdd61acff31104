//! `bulkhead render`: what the operator would create, as YAML.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use bulkhead_gateway::source::manifest;
use bulkhead_plan::Site;
use thiserror::Error;

use crate::args::RenderArgs;
use crate::folder::{Folder, FolderError};
use crate::manifests::Inventory;
use crate::planning::plan_all;
use crate::strict;

/// The file name that means standard input.
const STANDARD_INPUT: &str = "-";

/// Why nothing can be printed.
#[derive(Debug, Error)]
enum RenderError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("cannot read {0}")]
    Read(String, #[source] io::Error),
    #[error("cannot write an object as YAML")]
    Encode(#[source] serde_saphyr::ser::Error),
    #[error("cannot print")]
    Print(#[source] io::Error),
}

/// Prints every object of every instance, and says what is wrong.
pub(crate) fn run(arguments: &RenderArgs) -> ExitCode {
    match render(arguments) {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            for problem in problems {
                crate::say(&problem);
            }
            ExitCode::FAILURE
        }
        // The reader has seen enough.
        Err(RenderError::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => crate::complain(&error),
    }
}

fn render(arguments: &RenderArgs) -> Result<Vec<String>, RenderError> {
    let mut inventory = Inventory::default();
    for file in &arguments.files {
        read(file, &mut inventory)?;
    }
    let mut problems: Vec<String> = inventory.problems.iter().cloned().collect();
    if inventory.instances.is_empty() && problems.is_empty() {
        let files: Vec<String> =
            arguments.files.iter().map(|file| shown(&file.display().to_string()).to_owned()).collect();
        problems.push(format!("there is no GatewayInstance of bulkhead.io/v1alpha1 in {}", files.join(", ")));
    }
    let mut out = io::stdout().lock();
    for (name, planned) in plan_all(&inventory, &site(arguments)) {
        match planned {
            Ok(plan) => {
                for lane in plan.lanes {
                    write!(out, "{}", documents(&lane.to_values())?).map_err(RenderError::Print)?;
                }
            }
            Err(rejections) => problems.extend(
                rejections.iter().map(|rejection| format!("GatewayInstance {name}: {}: {rejection}", rejection.reason)),
            ),
        }
    }
    out.flush().map_err(RenderError::Print)?;
    Ok(problems)
}

fn site(arguments: &RenderArgs) -> Site {
    let default = Site::default();
    Site {
        image: arguments.image.clone().unwrap_or(default.image),
        operator_namespace: arguments.operator_namespace.clone().unwrap_or(default.operator_namespace),
        ..default
    }
}

fn documents(objects: &[serde_json::Value]) -> Result<String, RenderError> {
    let mut text = String::new();
    for object in objects {
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(object).map_err(RenderError::Encode)?);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

/// The name of a file, as people know it.
fn shown(name: &str) -> &str {
    if name == STANDARD_INPUT { "<stdin>" } else { name }
}

fn read(path: &Path, inventory: &mut Inventory) -> Result<(), RenderError> {
    if path.is_dir() {
        inventory.join(Folder::open(path)?.inventory());
        return Ok(());
    }
    let name = path.display().to_string();
    let text = if name == STANDARD_INPUT { bounded(io::stdin()) } else { File::open(path).and_then(bounded) };
    let shown = shown(&name);
    let text = text.map_err(|error| RenderError::Read(shown.to_owned(), error))?;
    match manifest::parse(&text) {
        Ok(manifests) => {
            inventory.add(shown, &text, &manifests);
            inventory
                .problems
                .extend(strict::remarks(&text, &manifests).iter().map(|remark| format!("{shown}: {}", remark.text)));
        }
        Err(error) => {
            inventory.problems.insert(format!("{shown}: {error}"));
        }
    }
    Ok(())
}

/// What whoever names a file may mean: also a pipe from another program, which may never end.
fn bounded(file: impl Read) -> io::Result<String> {
    let mut text = String::new();
    // One byte more than is read tells a file that is too long from one that is just as long.
    file.take(manifest::FILE_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_never_ends_is_too_long() {
        let mut inventory = Inventory::default();
        read(Path::new("/dev/zero"), &mut inventory).unwrap();
        let problem = inventory.problems.first().unwrap();
        assert!(problem.starts_with("/dev/zero: ") && problem.contains("longer than"), "{problem}");
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let mut inventory = Inventory::default();
        let text = "apiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\nmetadata: {name: quay}\nspec: {}\n";
        inventory.add("-", text, &manifest::parse(text).unwrap());
        let planned = plan_all(&inventory, &Site { image: "image:1".to_owned(), ..Site::default() });
        let lanes = planned.into_values().next().unwrap().unwrap().lanes;
        let values: Vec<serde_json::Value> = lanes.iter().flat_map(|lane| lane.to_values()).collect();
        let printed = documents(&values).unwrap();
        let read: Vec<serde_json::Value> = serde_saphyr::from_multiple(&printed).unwrap();
        assert_eq!(read, values);
        assert!(
            printed.contains("image: image:1") || printed.contains("image: \"image:1\""),
            "the image is the one asked for"
        );
    }
}
