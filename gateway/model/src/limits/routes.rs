//! Bounds on what Ingress authors have done for each request.

use super::Counter::{Fault, Metric, Nowhere};
use super::{Limit, Unit, count, kib, seconds};

/// What is answered by whatever begins as a path does that cannot be looked for.
const CLOSED: &str = "503 for whatever begins as it does, and the finding `BadExpression`";
/// The same, where it is not the path that is to blame.
const NO_ROOM: &str = "503 for whatever begins as a path does that has no room, and the finding `NoRoomForExpression`";

/// Twenty times what people write.
pub const EXPRESSION_BYTES: Limit =
    Limit::new("bytes of a path that is a regular expression", kib(2), "", CLOSED, Fault("policy_not_served"));
/// Those of people take less than one.
pub const EXPRESSION_AUTOMATON: Limit =
    Limit::new("bytes of the automaton of such a path", kib(64), "", CLOSED, Fault("policy_not_served"));
/// One is enough for a thousand paths, unless they match in very many ways at once.
pub const EXPRESSION_AUTOMATA: Limit = Limit::new(
    "automata that the regular expressions of a namespace are combined into, on one host",
    count(2),
    "",
    NO_ROOM,
    Fault("policy_not_served"),
);
/// Many more than share a host.
pub const EXPRESSION_NAMESPACES: Limit = Limit::new(
    "namespaces that have regular expressions on one host",
    count(32),
    "",
    NO_ROOM,
    Fault("policy_not_served"),
);
/// Ten thousand paths.
pub const EXPRESSION_ROOM_EACH: Limit = Limit::new(
    "bytes of the automata of all regular expressions of a namespace, each for itself",
    kib(8 << 10),
    "",
    NO_ROOM,
    Fault("policy_not_served"),
);
/// Combined they take less, and never more than eight times as much.
pub const EXPRESSION_ROOM: Limit = Limit::new(
    "bytes of the automata of all regular expressions of a lane, each for itself",
    kib(32 << 10),
    "",
    NO_ROOM,
    Fault("policy_not_served"),
);
/// What a target may have by default.
pub const EXPRESSION_PATH: Limit = Limit::new(
    "bytes of a path on a host with regular expressions",
    kib(8),
    "",
    "414 unless an `Exact` path is equal",
    Fault("path_too_costly"),
);
/// A third of a millisecond. Most automata know after some bytes that a path is none of theirs.
pub const EXPRESSION_STEPS: Limit = Limit::new(
    "bytes of such a path times automata that have to look at them",
    count(32 << 10),
    "",
    "414 unless an `Exact` path is equal",
    Fault("path_too_costly"),
);
/// Half a millisecond. People's expressions take some tries for each byte of a path.
pub const EXPRESSION_TRIES: Limit = Limit::new(
    "tries to find out what the groups of a regular expression have matched of a path",
    count(64 << 10),
    "",
    "414",
    Fault("path_too_costly"),
);
/// At the usual 50 ms each, what two threads do in under two seconds.
pub const PASSWORDS: Limit =
    Limit::new("passwords that wait to be checked", count(64), "", "503", Fault("authentication_busy"));
/// A half. Where all places are taken, namespaces that have more of them give some up, and lists of one namespace among themselves.
pub const PASSWORDS_EACH: Limit =
    Limit::new("passwords among them for one list of users", count(32), "", "503", Fault("authentication_busy"));
/// Longer than a hundred usual checks take, and shorter than people wait.
pub const PASSWORD_TIME: Limit =
    Limit::new("wait until a password has been checked", seconds(5), "", "503", Fault("authentication_busy"));
/// What a browser's largest head may have, and thus more than a service is told. A value of a client can be written many times.
pub const QUESTION_BYTES: Limit = Limit::new(
    "bytes that `auth-url`, `auth-request-redirect` and `auth-proxy-set-headers` make of one request",
    kib(32),
    "",
    "500",
    Fault("service_unclear"),
);
/// Several times what people write. A client that reads nothing has those of each of its streams held for it.
pub const CUSTOM_FIELDS_BYTES: Limit = Limit::new(
    "bytes of the names and values that `custom-headers` sets on every response of an Ingress",
    kib(16),
    "",
    "503, and the finding `ResponseFieldsBroken`",
    Fault("policy_not_served"),
);

/// Traces that clients want recorded. Whoever debugs sends a few requests, and another service that is traced is trusted by its address.
pub const FORCED_SPANS_BURST: Limit = Limit::new(
    "requests at once whose clients, not trusted by address, want them recorded, on one thread",
    count(100),
    "",
    "nothing: those beyond it are recorded by the share of the lane",
    Nowhere,
);
/// The same for ever.
pub const FORCED_SPANS_RATE: Limit = Limit::new(
    "requests in a second whose clients, not trusted by address, want them recorded, on one thread",
    (10, Unit::PerSecond),
    "",
    "nothing: those beyond it are recorded by the share of the lane",
    Nowhere,
);
/// Some ten thousand spans: what a busy lane makes while its collector restarts.
pub const WAITING_SPANS: Limit = Limit::new(
    "bytes of spans of a process that wait for their collector",
    kib(4 << 10),
    "",
    "nothing: spans are dropped",
    Metric("bulkhead_spans_dropped_total"),
);

/// All of them, in the order in which a request meets them.
pub(super) const ROUTES: [&Limit; 17] = [
    &EXPRESSION_BYTES,
    &EXPRESSION_AUTOMATON,
    &EXPRESSION_AUTOMATA,
    &EXPRESSION_NAMESPACES,
    &EXPRESSION_ROOM_EACH,
    &EXPRESSION_ROOM,
    &EXPRESSION_PATH,
    &EXPRESSION_STEPS,
    &EXPRESSION_TRIES,
    &PASSWORDS,
    &PASSWORDS_EACH,
    &PASSWORD_TIME,
    &QUESTION_BYTES,
    &CUSTOM_FIELDS_BYTES,
    &FORCED_SPANS_BURST,
    &FORCED_SPANS_RATE,
    &WAITING_SPANS,
];
