//! An audit for people: a table of all Ingresses, then what needs to be known of each.

use std::fmt::Write as _;

use bulkhead_compile::FindingCode;
use bulkhead_compile::annotation::PREFIX;

use super::settings::{ControllerReport, SettingReport};
use super::verdict::{Audit, Counts, IngressReport, Item, Verdict};
use crate::table::align;

/// Columns that a paragraph takes: what half a wide screen or a mail has.
const WIDTH: usize = 100;

/// Everything, with colours or without.
pub(super) fn page(audit: &Audit, colours: bool) -> String {
    let paint = Paint(colours);
    let mut page = String::new();
    if audit.ingresses.is_empty() {
        let _ = writeln!(page, "No Ingresses to audit: {}.", why_none(audit));
    } else {
        page.push_str(&table(audit));
        let _ = writeln!(page, "\n{}", sentence(audit));
    }
    for ingress in audit.ingresses.iter().filter(|ingress| ingress.verdict != Verdict::Honoured) {
        paragraph(&mut page, paint, ingress);
    }
    if !audit.others.is_empty() {
        page.push_str("\nOther objects\n");
        for other in &audit.others {
            item(&mut page, paint, &other.item, &format!("{}: {}", other.object, other.item.field));
        }
    }
    audit.controllers.iter().for_each(|controller| settings(&mut page, paint, controller));
    for remark in &audit.remarks {
        let _ = writeln!(page, "\n{}", crate::table::printable(remark));
    }
    page
}

/// Why nothing was judged.
pub(super) fn why_none(audit: &Audit) -> String {
    let named = |class: &String| if class.is_empty() { "none at all".to_owned() } else { class.clone() };
    let classes: Vec<String> = audit.classes.iter().map(named).collect();
    match &audit.wanted {
        _ if classes.is_empty() && !audit.problems.is_empty() => "what could be read holds none".to_owned(),
        _ if classes.is_empty() => "there are none".to_owned(),
        Some(wanted) => format!("none is of the class {wanted}; those that there are name {}", classes.join(", ")),
        None => format!("all are of classes that are Bulkhead's own ({})", classes.join(", ")),
    }
}

fn table(audit: &Audit) -> String {
    let row = |name: String, class: &str, counts: &Counts| {
        let Counts { honoured, not_checked, approximated, ignored, refused } = counts;
        let [honoured, not_checked, approximated, ignored, refused] =
            [honoured, not_checked, approximated, ignored, refused].map(ToString::to_string);
        [name, class.to_owned(), honoured, approximated, ignored, refused, not_checked]
    };
    let name = |ingress: &IngressReport| format!("{}/{}", ingress.namespace, ingress.name);
    let mut rows: Vec<[String; 7]> =
        audit.ingresses.iter().map(|ingress| row(name(ingress), &ingress.class, &ingress.counts)).collect();
    rows.push(row("total".to_owned(), "", &audit.items));
    align(["INGRESS", "CLASS", "HONOURED", "APPROXIMATED", "IGNORED", "REFUSED", "NOT CHECKED"], &rows)
}

/// How many Ingresses come to what.
pub(super) fn sentence(audit: &Audit) -> String {
    let Counts { honoured, not_checked, approximated, ignored, refused } = audit.total;
    let many = |count: usize| if count == 1 { "1 Ingress".to_owned() } else { format!("{count} Ingresses") };
    let parts = [
        (honoured, "as it is"),
        (approximated, "with a difference"),
        (ignored, "without an annotation that does nothing"),
        (refused, "refused until it is changed"),
        (not_checked, "as it is if what was not read is right"),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    format!("{}: {}.", many(audit.ingresses.len()), parts.join(", "))
}

fn paragraph(page: &mut String, paint: Paint, ingress: &IngressReport) {
    let class = if ingress.class.is_empty() { "no class".to_owned() } else { format!("class {}", ingress.class) };
    let title = format!("{}/{}", ingress.namespace, ingress.name);
    let _ = writeln!(page, "\n{} ({class}): {}", paint.bold(&title), paint.verdict(ingress.verdict));
    let told: Vec<&Item> = ingress.items.iter().filter(|item| item.verdict != Verdict::Honoured).collect();
    for alike in told.chunk_by(|a, b| is_alike(a, b)) {
        match alike {
            [one] => item(page, paint, one, short(&one.field)),
            [first, ..] => {
                let fields: Vec<&str> = alike.iter().map(|item| short(&item.field)).collect();
                let _ = write!(page, "  {}: ", paint.verdict(first.verdict));
                page.push_str(wrapped(&fields.join(", "), 4).trim_start());
                [alike_sentence(first), &first.remedy].iter().for_each(|text| page.push_str(&wrapped(text, 4)));
            }
            [] => {}
        }
    }
}

/// Whether two annotations fare the same, so that one paragraph does for both.
fn is_alike(a: &Item, b: &Item) -> bool {
    let plain = |item: &Item| {
        let codes = [FindingCode::AnnotationNotServed, FindingCode::AnnotationOnCanary, FindingCode::PolicyNotServed];
        item.directives.is_empty() && codes.iter().any(|code| is(item, *code))
    };
    plain(a) && plain(b) && (a.verdict, &a.code, &a.remedy) == (b.verdict, &b.code, &b.remedy)
}

fn is(item: &Item, code: FindingCode) -> bool {
    item.code.as_deref() == Some(code.as_str())
}

/// What findings say of each annotation that does nothing, once for all of them.
fn alike_sentence(item: &Item) -> &'static str {
    match item.verdict {
        _ if is(item, FindingCode::AnnotationOnCanary) => {
            "They are not looked at: this Ingress is a canary, and all but its share is as the Ingress says whose traffic it takes a share of."
        }
        Verdict::Refused => {
            "They may ask for a protection, which is not offered, so every route of this Ingress answers 503."
        }
        _ => "They are not obeyed: the routes of this Ingress are served without them.",
    }
}

/// An annotation without the prefix that they all have.
fn short(field: &str) -> &str {
    field.strip_prefix(PREFIX).unwrap_or(field)
}

fn item(page: &mut String, paint: Paint, item: &Item, field: &str) {
    let field = if field.is_empty() { "the whole object" } else { field };
    let _ = writeln!(page, "  {}: {field}", paint.verdict(item.verdict));
    for text in [&item.message, &item.remedy].into_iter().filter(|text| !text.is_empty()) {
        page.push_str(&wrapped(text, 4));
    }
    for directive in &item.directives {
        page.push_str(&wrapped(&format!("{}: {}", directive.name, directive.instead), 6));
    }
}

fn settings(page: &mut String, paint: Paint, controller: &ControllerReport) {
    let classes = controller.classes.join(", ");
    let _ = writeln!(page, "\n{} (class {classes}), as settings of a lane", paint.bold(&controller.object));
    let (plain, told): (Vec<&SettingReport>, Vec<&SettingReport>) =
        controller.settings.iter().partition(|one| one.verdict == Verdict::Honoured && one.field.is_empty());
    for setting in told {
        let field = if setting.field.is_empty() { String::new() } else { format!(" → {}", setting.field) };
        let _ = writeln!(page, "  {}: {}{field}", paint.verdict(setting.verdict), setting.setting);
        if !setting.message.is_empty() {
            page.push_str(&wrapped(&setting.message, 4));
        }
    }
    if !plain.is_empty() {
        let list: Vec<&str> = plain.iter().map(|one| one.setting.as_str()).collect();
        let _ = write!(page, "  nothing to do: ");
        page.push_str(wrapped(&list.join(", "), 4).trim_start());
    }
    page.push_str("\n  The GatewayInstance that says the same:\n\n");
    controller.instance.lines().for_each(|line| {
        let _ = writeln!(page, "    {line}");
    });
}

/// A text in lines of [`WIDTH`], behind `indent` spaces.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column == 0 || column + 1 + length > WIDTH {
            if column > 0 {
                lines.push('\n');
            }
            let _ = write!(lines, "{:indent$}{word}", "");
            column = indent + length;
        } else {
            let _ = write!(lines, " {word}");
            column += 1 + length;
        }
    }
    lines + "\n"
}

/// Colours where there is a terminal.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn verdict(self, verdict: Verdict) -> String {
        let colour = match verdict {
            Verdict::Honoured => "32",
            Verdict::NotChecked => "36",
            Verdict::Approximated | Verdict::Ignored => "33",
            Verdict::Refused => "31",
        };
        self.with(colour, verdict.word())
    }

    /// ECMA-48, "select graphic rendition".
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
