//! What our codec makes of the bytes of one connection.

use bulkhead_http1::{
    Decoder, Field, HeadLimits, MAX_FIELDS, Progress, RequestHead, ResponseFraming, ResponseHead, Version,
    parse_request, parse_response,
};

use crate::compare::{End, Message, Pairs, View, pairs};

/// The bytes as a client sent them before it stopped sending.
pub(crate) fn requests(mut bytes: &[u8]) -> View {
    let mut view = View::default();
    loop {
        let mut head = RequestHead::default();
        let len = match parse_request(bytes, &HeadLimits::default(), &mut head) {
            Ok(Progress::Complete(len)) => len,
            Ok(Progress::Partial) => return view.ended(End::Waits),
            Err(refusal) => return view.ended(End::Refused(refusal.name().to_owned())),
        };
        let target = String::from_utf8_lossy(head.target.bytes(bytes));
        let method = String::from_utf8_lossy(head.method.bytes(bytes));
        let start = format!("{method} {target} {}", version(head.version));
        let fields = fields(bytes, &head.fields);
        let mut decoder = Decoder::new(head.framing);
        decoder.limit_trailers(MAX_FIELDS - head.fields.len());
        let (content, trailers, rest, end) = content(decoder, &bytes[len..]);
        view.messages.push(Message { start, fields, content, trailers });
        match end {
            Some(end) => return view.ended(end),
            None if !head.persistent => return view.ended(End::Over),
            None => bytes = rest,
        }
    }
}

/// The bytes as a backend sent them, before it closed the connection, in answer to HEAD or GET.
pub(crate) fn response(mut bytes: &[u8], to_head: bool) -> View {
    let mut view = View::default();
    loop {
        let mut head = ResponseHead::default();
        let len = match parse_response(bytes, &HeadLimits::default(), to_head, &mut head) {
            Ok(Progress::Complete(len)) => len,
            Ok(Progress::Partial) => return view.ended(End::Waits),
            Err(refusal) => return view.ended(End::Refused(refusal.name().to_owned())),
        };
        if head.status < 200 && head.status != 101 {
            bytes = &bytes[len..];
            continue;
        }
        let start = format!("{} {}", version(head.version), head.status);
        let fields = fields(bytes, &head.fields);
        let mut decoder = Decoder::for_response(head.framing);
        decoder.limit_trailers(MAX_FIELDS - head.fields.len());
        let (content, trailers, _, end) = content(decoder, &bytes[len..]);
        view.messages.push(Message { start, fields, content, trailers });
        let end = end.filter(|_| head.framing != ResponseFraming::UntilClose).unwrap_or(End::Over);
        return view.ended(end);
    }
}

/// The content, unless it is broken; the trailers; what follows; what ends the connection.
fn content(mut decoder: Decoder, bytes: &[u8]) -> (Option<Vec<u8>>, Pairs, &[u8], Option<End>) {
    let mut buffer = bytes.to_vec();
    match decoder.decode(&mut buffer) {
        Err(refusal) => (None, Vec::new(), b"", Some(End::Refused(refusal.name().to_owned()))),
        Ok(_) if decoder.finish().is_err() => (None, Vec::new(), b"", Some(End::Waits)),
        Ok(decoded) => {
            let trailers = pairs(decoder.trailers().iter());
            (Some(buffer[..decoded.content].to_vec()), trailers, &bytes[decoded.consumed..], None)
        }
    }
}

fn fields(bytes: &[u8], fields: &[Field]) -> Pairs {
    pairs(fields.iter().map(|field| (field.name.of(bytes), field.value.of(bytes))))
}

fn version(version: Version) -> &'static str {
    match version {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    }
}
