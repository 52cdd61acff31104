//! What is written down about requests.

use bulkhead_model::Template;
use bulkhead_model::tracing::Spans;

use super::reader::{Reader, Stake};
use super::row::{Group, Row, State, Use};

const ACCESS_LOG: &str = "enable-access-log";

const REWRITE_LOG: State = State::Ignored(
    "Remove the annotation: there is no log of rewrites. The built-in backend of `bulkhead up` answers with the path that it got.",
);
const SWITCH: State = State::Approximated(
    "The lane says whether there are traces at all, by `tracing.endpoint`: where it has one, `false` leaves out the requests of the Ingress, and where it has none, `true` asks for nothing.",
);
const NAME: State = State::Approximated(
    "Variables of nginx about its own servers and upstreams, such as `$service_name`, are not known.",
);
const TRUST: State = State::Approximated(
    "Of clients that are not trusted by address, a thread records ten requests a second because they ask for it; beyond that, the lane's `tracing.sampleRatio` decides.",
);

const TRACES: &str = "enable-opentelemetry";
const SPAN_NAME: &str = "opentelemetry-operation-name";
const TRUSTS: &str = "opentelemetry-trust-incoming-span";

pub(super) const ROWS: &[Row] = &[
    Row::new(ACCESS_LOG, Group::Observation, Use::Must, State::Obeyed),
    Row::new(TRACES, Group::Observation, Use::Should, SWITCH),
    Row::new("enable-rewrite-log", Group::Observation, Use::Rare, REWRITE_LOG),
    Row::new(SPAN_NAME, Group::Observation, Use::Should, NAME),
    Row::new(TRUSTS, Group::Observation, Use::Should, TRUST),
];

/// Whether requests have no line in the access log.
pub(super) fn unlogged(reader: &mut Reader<'_, '_>) -> bool {
    reader.switch(ACCESS_LOG, Stake::Comfort) == Some(false)
}

/// What the spans of requests are, if not as the lane has it.
pub(super) fn spans(reader: &mut Reader<'_, '_>) -> Option<Box<Spans>> {
    let spans = Spans {
        off: reader.switch(TRACES, Stake::Comfort) == Some(false),
        begins: reader.switch(TRUSTS, Stake::Comfort) == Some(false),
        name: name(reader),
    };
    (spans != Spans::default()).then(|| Box::new(spans))
}

fn name(reader: &mut Reader<'_, '_>) -> Option<Template> {
    let text = reader.text(SPAN_NAME, Stake::Comfort)?;
    match Template::parse(text) {
        Ok(template) => Some(template),
        Err(error) => reader.bad(SPAN_NAME, Stake::Comfort, &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::findings::Notes;
    use crate::name::Name;

    fn read(annotations: &[(&str, &str)]) -> (Option<Spans>, Vec<String>) {
        let key = |name: &&str| format!("nginx.ingress.kubernetes.io/{name}");
        let annotations: BTreeMap<_, _> =
            annotations.iter().map(|(name, value)| (key(name), (*value).to_owned())).collect();
        let name = Name { namespace: "mill".into(), name: "a".into() };
        let mut notes = Notes::new("Ingress", &name);
        let spans = spans(&mut Reader::new(&annotations, "mill", &mut notes)).map(|spans| *spans);
        (spans, notes.into_list().into_iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn what_spans_are_is_read_and_what_cannot_be_is_said() {
        let spans = |off, begins, name| Some(Spans { off, begins, name });
        for (annotations, expected, codes) in [
            (&[][..], None, 0),
            (&[(TRACES, "true"), (TRUSTS, "true")], None, 0),
            (&[(TRACES, "False")], spans(true, false, None), 0),
            (&[(TRUSTS, "0")], spans(false, true, None), 0),
            (&[(SPAN_NAME, "shop $uri")], spans(false, false, Template::parse("shop $uri").ok()), 0),
            (&[(SPAN_NAME, "$service_name")], None, 1),
            (&[(SPAN_NAME, "a\r\nb")], None, 1),
            (&[(SPAN_NAME, &*"x".repeat(1 << 20))], None, 1),
            (&[(TRACES, "maybe"), (TRUSTS, "\u{1b}")], None, 2),
        ] {
            let (spans, found) = read(annotations);
            assert_eq!(
                (spans, found),
                (expected, vec!["AnnotationUnreadable".to_owned(); codes]),
                "{annotations:.80?}"
            );
        }
    }
}
