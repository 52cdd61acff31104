//! An audit for a wiki or an issue.

use std::fmt::Write as _;

use super::settings::ControllerReport;
use super::text::sentence;
use super::verdict::{Audit, Counts, IngressReport, Item, Verdict};

/// Everything.
pub(super) fn page(audit: &Audit) -> String {
    let mut page = "# Audit\n".to_owned();
    if audit.ingresses.is_empty() {
        let _ = writeln!(page, "\nNo Ingresses to audit: {}.", super::text::why_none(audit));
    } else {
        let _ = write!(page, "\n{}\n\n", sentence(audit));
        page.push_str("| Ingress | class | honoured | approximated | ignored | refused | not checked |\n|---|---|---|---|---|---|---|\n");
        audit.ingresses.iter().for_each(|ingress| row(&mut page, &name(ingress), &ingress.class, &ingress.counts));
        row(&mut page, "total", "", &audit.items);
    }
    for ingress in audit.ingresses.iter().filter(|ingress| ingress.verdict != Verdict::Honoured) {
        let _ = write!(page, "\n## {}: {}\n\n", cell(&name(ingress)), ingress.verdict.word());
        items(&mut page, ingress.items.iter().filter(|item| item.verdict != Verdict::Honoured).map(|item| ("", item)));
    }
    if !audit.others.is_empty() {
        page.push_str("\n## Other objects\n\n");
        items(&mut page, audit.others.iter().map(|other| (other.object.as_str(), &other.item)));
    }
    audit.controllers.iter().for_each(|controller| settings(&mut page, controller));
    for remark in &audit.remarks {
        let _ = write!(page, "\n{}\n", cell(remark));
    }
    page
}

fn name(ingress: &IngressReport) -> String {
    format!("{}/{}", ingress.namespace, ingress.name)
}

fn row(page: &mut String, name: &str, class: &str, counts: &Counts) {
    let Counts { honoured, not_checked, approximated, ignored, refused } = counts;
    let _ = writeln!(
        page,
        "| {} | {} | {honoured} | {approximated} | {ignored} | {refused} | {not_checked} |",
        cell(name),
        cell(class)
    );
}

fn items<'a>(page: &mut String, items: impl Iterator<Item = (&'a str, &'a Item)>) {
    page.push_str("| what | verdict | why, and what to do |\n|---|---|---|\n");
    for (object, item) in items {
        let mut text = prose(format!("{} {}", item.message, item.remedy).trim());
        for directive in &item.directives {
            let _ = write!(text, "<br>`{}`: {}", directive.name, prose(&directive.instead));
        }
        let what = format!("{object} {}", item.field);
        let _ = writeln!(page, "| {} | {} | {} |", cell(what.trim()), item.verdict.word(), text);
    }
}

fn settings(page: &mut String, controller: &ControllerReport) {
    let _ = write!(
        page,
        "\n## {} (class {})\n\n| setting | verdict | field | |\n|---|---|---|---|\n",
        cell(&controller.object),
        cell(&controller.classes.join(", "))
    );
    for setting in &controller.settings {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            cell(&setting.setting),
            setting.verdict.word(),
            cell(&setting.field),
            prose(&setting.message)
        );
    }
    let _ =
        write!(page, "\nThe GatewayInstance that says the same:\n\n```yaml\n{}\n```\n", controller.instance.trim_end());
}

/// A sentence of ours, which may quote what a stranger wrote: no cell ends in it, and no element begins.
fn prose(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// What a stranger wrote, as code.
fn cell(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", text.replace('`', "'").replace('|', "\\|")) }
}
