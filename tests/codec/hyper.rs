//! The same bytes to hyper and to us: every difference is one that is listed with its reason.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tokio::runtime::{Builder, Runtime};

use crate::compare::difference;
use crate::disagreements::{Disagreement, OF_BACKENDS, OF_CLIENTS, SERVER_AS_A_WHOLE};
use crate::grammar::{backend_bytes, client_bytes};
use crate::refused::{CHUNKS, REQUESTS, RESPONSES};
use crate::{ours, theirs};

const CHUNKED_REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED_RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Bytes that both read alike, and whole, although a careless reader would not.
#[rustfmt::skip]
const READ_ALIKE: &[&[u8]] = &[
    b"GET /[a]?f[b]={c}|^`\\ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\xc3\xa9?\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET //evil/x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%zz;x/.. HTTP/1.1\r\nHost: [::1]:1\r\n\r\n",
    b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\nHost: a\r\n\r\nGET /3 HTTP/1.0\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: x, CLOSE\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"M!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\nN!#$%&'*+-.^_`|~: \xff\t\x80 \r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n1;x=\"y\"\r\na\r\n0\r\nDigest: b \r\nX: 1\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
];

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// The difference about what a client sends.
fn of_client(runtime: &Runtime, bytes: &[u8]) -> Option<String> {
    difference(&ours::requests(bytes), &runtime.block_on(theirs::requests(bytes)))
}

/// The difference about what a backend sends.
fn of_backend(runtime: &Runtime, bytes: &[u8], to_head: bool) -> Option<String> {
    difference(&ours::response(bytes, to_head), &runtime.block_on(theirs::response(bytes, to_head)))
}

fn is_listed(list: &[Disagreement], difference: &str) -> bool {
    difference == SERVER_AS_A_WHOLE || list.iter().any(|listed| listed.name() == difference)
}

/// Bytes that are too long to be written down.
fn long_ones(head: &[u8], chunked: &[u8]) -> Vec<Vec<u8>> {
    let long = |len| "x".repeat(len);
    vec![
        [head, format!("X: {}\r\n\r\n", long(33 << 10)).as_bytes()].concat(),
        [chunked, format!("1;{}\r\nx\r\n0\r\n\r\n", long(1100)).as_bytes()].concat(),
        [chunked, format!("0\r\n{}\r\n", "X: 1\r\n".repeat(100)).as_bytes()].concat(),
    ]
}

#[test]
fn what_tests_refuse_hyper_refuses_or_a_reason_is_listed_and_no_reason_without_a_case() {
    let runtime = runtime();
    let mut clients: Vec<Vec<u8>> = REQUESTS.iter().map(|(bytes, _)| bytes.to_vec()).collect();
    let mut backends: Vec<Vec<u8>> = RESPONSES.iter().map(|(bytes, _)| bytes.to_vec()).collect();
    clients.extend(CHUNKS.iter().map(|(bytes, _)| [CHUNKED_REQUEST, bytes].concat()));
    backends.extend(CHUNKS.iter().map(|(bytes, _)| [CHUNKED_RESPONSE, bytes].concat()));
    clients.extend(long_ones(b"GET / HTTP/1.1\r\nHost: a\r\n", CHUNKED_REQUEST));
    backends.extend(long_ones(b"HTTP/1.1 200 OK\r\n", CHUNKED_RESPONSE));
    clients.push(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(9 << 10)).into_bytes());
    clients.push(b"OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
    backends.push(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n".to_vec());
    backends.push(b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 3\r\n\r\n".to_vec());

    let of_clients: BTreeSet<String> = clients.iter().filter_map(|bytes| of_client(&runtime, bytes)).collect();
    let of_backends: BTreeSet<String> = [false, true]
        .iter()
        .flat_map(|to_head| backends.iter().map(move |bytes| (bytes, *to_head)))
        .filter_map(|(bytes, to_head)| of_backend(&runtime, bytes, to_head))
        .collect();
    let named = |list: &[Disagreement]| list.iter().map(Disagreement::name).collect::<BTreeSet<_>>();
    assert_eq!(of_clients, &named(OF_CLIENTS) | &BTreeSet::from([SERVER_AS_A_WHOLE.to_owned()]));
    assert_eq!(of_backends, named(OF_BACKENDS));
    assert!(OF_CLIENTS.iter().chain(OF_BACKENDS).all(|listed| !listed.because.is_empty()));
}

#[test]
fn what_both_accept_is_the_same_to_both() {
    let runtime = runtime();
    for bytes in READ_ALIKE {
        assert_eq!(of_client(&runtime, bytes), None, "{}", bytes.escape_ascii());
        let view = ours::requests(bytes);
        assert!(view.messages.iter().all(|message| message.content.is_some()), "{view:?}");
        assert!(!view.messages.is_empty(), "{}", bytes.escape_ascii());
    }
}

fn judge(list: &[Disagreement], bytes: &[u8], difference: Option<String>) -> Result<(), TestCaseError> {
    let Some(difference) = difference else { return Ok(()) };
    prop_assert!(is_listed(list, &difference), "{difference} is not listed: {}", bytes.escape_ascii());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// hyper reads what clients send as we do, or the way in which it does not is listed.
    #[test]
    fn no_bytes_of_a_client_mean_something_else_to_hyper(bytes in client_bytes()) {
        judge(OF_CLIENTS, &bytes, of_client(&runtime(), &bytes))?;
    }

    /// The same for what backends send.
    #[test]
    fn no_bytes_of_a_backend_mean_something_else_to_hyper(bytes in backend_bytes(), to_head: bool) {
        judge(OF_BACKENDS, &bytes, of_backend(&runtime(), &bytes, to_head))?;
    }
}
