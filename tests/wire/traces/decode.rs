//! Reads what a collector is sent, by the letter of Protocol Buffers and of `opentelemetry/proto/collector/trace/v1`, and by nothing of the
//! gateway's own.

use std::collections::BTreeMap;

/// One span, as far as tests look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) trace: String,
    pub(super) span: String,
    /// Empty: it has none.
    pub(super) parent: String,
    pub(super) name: String,
    pub(super) kind: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    /// `StatusCode`; 0: unset.
    pub(super) status: u64,
    pub(super) flags: u64,
    /// Numbers are written in decimal.
    pub(super) attributes: BTreeMap<String, String>,
    /// Attributes of its resource.
    pub(super) resource: BTreeMap<String, String>,
}

enum Value<'m> {
    Number(u64),
    Bytes(&'m [u8]),
}

/// The fields of a message, by their numbers.
fn fields(mut message: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let mut fixed = |bytes: usize| {
            let (number, rest) = message.split_at(bytes);
            message = rest;
            number.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
        };
        let value = match key & 7 {
            0 => Value::Number(varint(&mut message)),
            1 => Value::Number(fixed(8)),
            5 => Value::Number(fixed(4)),
            2 => {
                let length = usize::try_from(varint(&mut message)).unwrap();
                let (bytes, rest) = message.split_at(length);
                message = rest;
                Value::Bytes(bytes)
            }
            kind => panic!("a field of kind {kind}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn varint(message: &mut &[u8]) -> u64 {
    let length = message.iter().position(|byte| byte & 0x80 == 0).expect("an end of a number") + 1;
    let (number, rest) = message.split_at(length);
    *message = rest;
    assert!(
        length <= 10 && (length == 1 || number[length - 1] != 0),
        "a number that is not written as short as it can be"
    );
    number.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
}

/// All spans of an `ExportTraceServiceRequest`.
pub(super) fn spans(request: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource_spans in messages(request, 1) {
        let resource: BTreeMap<_, _> =
            messages(resource_spans, 1).flat_map(|resource| messages(resource, 1)).map(attribute).collect();
        for span in messages(resource_spans, 2).flat_map(|scope_spans| messages(scope_spans, 2)) {
            spans.push(Span { resource: resource.clone(), ..one(span) });
        }
    }
    spans
}

/// The messages in a field that may be there several times.
fn messages(message: &[u8], field: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter(move |(number, _)| *number == field).map(move |(_, value)| match value {
        Value::Bytes(bytes) => bytes,
        Value::Number(_) => panic!("field {field} is a number"),
    })
}

fn one(message: &[u8]) -> Span {
    let mut span = Span::default();
    for (number, value) in fields(message) {
        match (number, value) {
            (1, Value::Bytes(id)) => span.trace = hexadecimal(id, 16),
            (2, Value::Bytes(id)) => span.span = hexadecimal(id, 8),
            (4, Value::Bytes(id)) => span.parent = hexadecimal(id, 8),
            (5, Value::Bytes(name)) => span.name = text(name),
            (6, Value::Number(kind)) => span.kind = kind,
            (7, Value::Number(nanos)) => span.start = nanos,
            (8, Value::Number(nanos)) => span.end = nanos,
            (9, Value::Bytes(message)) => span.attributes.extend([attribute(message)]),
            (15, Value::Bytes(status)) => {
                span.status = fields(status)
                    .iter()
                    .find_map(|field| match field {
                        (3, Value::Number(code)) => Some(*code),
                        _ => None,
                    })
                    .unwrap_or_default();
            }
            (16, Value::Number(flags)) => span.flags = flags,
            (number, _) => panic!("field {number} in a span"),
        }
    }
    span
}

fn attribute(message: &[u8]) -> (String, String) {
    let name = messages(message, 1).next().map(text).unwrap();
    let value = messages(message, 2).next().unwrap();
    let value = match fields(value).into_iter().next() {
        Some((1, Value::Bytes(value))) => text(value),
        Some((3, Value::Number(value))) => value.to_string(),
        _ => panic!("a value of {name} that is neither text nor number"),
    };
    (name, value)
}

/// A text that is no UTF-8 has the whole batch refused.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn hexadecimal(id: &[u8], length: usize) -> String {
    assert!(id.len() == length && id.iter().any(|byte| *byte != 0), "{id:?}");
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
