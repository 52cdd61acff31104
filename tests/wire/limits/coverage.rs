//! Which tests hold each bound, and why one is not tested at the bound, one above and ten times above on both versions of HTTP.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bulkhead_model::limits::{self, Limit, Unit};

/// How closely a bound is tested.
enum How {
    /// At it, one above, ten times above.
    Exactly,
    /// A time or a rate: kept, and not kept so long that it were none. A machine that is busy makes no promise about more.
    InTime,
    /// Both sides of it, but for this reason not each of the three.
    Loosely(&'static str),
}

use How::{Exactly, InTime, Loosely};

/// Names of tests, those of HTTP/1.1 before those of HTTP/2.
type Row = (&'static Limit, How, &'static [&'static str]);

const WAITS: &str = "nothing is refused: that the sender waits, and that all of it arrives, is what can be seen";

#[rustfmt::skip]
const CLIENT: &[Row] = &[
    (&limits::CONNECTIONS, Exactly, &["a_gateway_has_so_many_connections", "the_number_of_connections_follows_from_memory"]),
    (&limits::PROXY_HEADER, Exactly, &["a_proxy_protocol_header_has_so_many_bytes_and_no_more"]),
    (&limits::TLS_HANDSHAKE, InTime, &["a_handshake_that_stalls_is_timed_out_however_far_it_is"]),
    (&limits::FIRST_BYTE, InTime, &["a_connection_must_say_something_soon", "a_connection_on_which_nothing_is_asked_is_closed"]),
    (&limits::HEAD_TIME, InTime, &["a_head_must_arrive_in_time_however_it_drips"]),
    (&limits::HEAD_BYTES, Exactly, &["a_head_has_so_many_bytes_and_no_more", "a_header_list_has_so_many_bytes_and_no_more"]),
    (&limits::TARGET_BYTES, Exactly, &["a_target_has_so_many_bytes_and_no_more"]),
    (&limits::FIELDS, Exactly, &["a_head_has_so_many_fields_and_no_more"]),
    (&limits::CONTENT_BYTES, Exactly, &["content_has_so_many_bytes_and_no_more"]),
    (&limits::CONTENT_IDLE, InTime, &["content_must_go_on_arriving"]),
    (&limits::CONTENT_RATE, InTime, &["content_must_not_trickle_in", "a_trickle_is_found_out_and_a_poor_connection_is_not"]),
    (&limits::RESPONSE_STALL, InTime, &["a_client_that_does_not_take_its_response_is_given_up", "a_client_that_never_opens_its_window_is_given_up"]),
    (&limits::RESPONSE_PROGRESS, Exactly, &["drops_are_no_progress_until_they_are_a_drink", "a_window_that_opens_by_single_bytes_is_no_progress"]),
    (&limits::KEEP_ALIVE_IDLE, InTime, &["an_idle_connection_is_closed_without_a_word", "a_ping_is_not_a_request"]),
    (&limits::KEEP_ALIVE_REQUESTS, Loosely("a connection that is closed carries no tenfold"), &["a_connection_takes_so_many_requests"]),
    (&limits::KEEP_ALIVE_AGE, InTime, &["a_connection_that_is_old_enough_is_closed_with_its_next_response"]),
    (&limits::CONTENT_BUFFER, Loosely(WAITS), &["content_is_passed_on_in_both_directions_whatever_its_size", "a_flood_is_shed_and_what_it_held_is_given_back"]),
    (&limits::UNSENT, Loosely("the kernel keeps it"), &["a_flood_is_shed_and_what_it_held_is_given_back"]),
];

#[rustfmt::skip]
const HTTP2: &[Row] = &[
    (&limits::H2_STREAMS, Exactly, &["a_connection_has_so_many_streams_at_once_and_no_more"]),
    (&limits::H2_HEADER_LIST, Exactly, &["a_header_list_has_so_many_bytes_and_no_more"]),
    (&limits::H2_STREAM_WINDOW, Exactly, &["a_client_may_send_so_much_ahead_and_no_more"]),
    (&limits::H2_CONNECTION_WINDOW, Loosely(WAITS), &["content_waits_for_the_window_of_its_stream_and_of_its_connection"]),
    (&limits::H2_SEND_BUFFER, Loosely(WAITS), &["a_response_of_any_size_waits_for_its_client_and_for_nobody_else"]),
    (&limits::H2_CONNECTION_STORE, Loosely(WAITS), &["a_client_that_reads_nothing_has_so_much_held_for_it_and_no_more"]),
    (&limits::H2_STREAM_STORE, Loosely(WAITS), &["a_response_goes_on_although_others_hold_all_that_may_wait", "whoever_holds_nothing_gets_a_little_when_others_hold_everything"]),
    (&limits::H2_RESET_BURST, Exactly, &["requests_are_taken_back_so_often_at_once_and_no_more"]),
    (&limits::H2_RESET_RATE, InTime, &["requests_are_taken_back_so_often_at_once_and_no_more", "requests_that_are_taken_back_at_once_end_their_connection"]),
    (&limits::H2_UNSEEN_RESETS, Exactly, &["requests_that_nobody_has_seen_are_taken_back_so_often_and_no_more"]),
    (&limits::H2_OWN_RESETS, Exactly, &["streams_are_reset_for_what_their_client_does_so_often_and_no_more"]),
    (&limits::H2_SETTINGS_BURST, Exactly, &["settings_are_changed_so_often_at_once_and_no_more"]),
    (&limits::H2_SETTINGS_RATE, InTime, &["settings_are_changed_so_often_at_once_and_no_more"]),
    (&limits::H2_CONTROL_BURST, Loosely("one more is earned while a thousand are looked at; the meter by itself is exact"), &["control_frames_come_so_often_at_once_and_no_more", "what_is_counted_does_not_depend_on_where_reads_end"]),
    (&limits::H2_CONTROL_RATE, InTime, &["control_frames_come_so_often_at_once_and_no_more", "frames_that_only_make_work_end_their_connection"]),
    (&limits::H2_PING, InTime, &["a_client_that_does_not_say_that_it_is_there_is_taken_for_gone"]),
    (&limits::H2_PONG, InTime, &["a_client_that_does_not_say_that_it_is_there_is_taken_for_gone"]),
];

#[rustfmt::skip]
const ROUTES: &[Row] = &[
    (&limits::EXPRESSION_BYTES, Exactly, &["an_expression_has_so_many_bytes_and_no_more"]),
    (&limits::EXPRESSION_AUTOMATON, Loosely("what it takes follows from what is written"), &["what_would_have_to_remember_too_much_is_refused_alone_and_divided_together"]),
    (&limits::EXPRESSION_AUTOMATA, Loosely("what it takes follows from what is written"), &["what_has_no_room_with_its_own_is_refused_and_others_keep_theirs"]),
    (&limits::EXPRESSION_NAMESPACES, Exactly, &["a_host_has_room_for_the_expressions_of_so_many_namespaces_and_the_oldest_have_it"]),
    (&limits::EXPRESSION_ROOM_EACH, Loosely("tested with less room"), &["a_namespace_and_a_lane_have_so_much_room_and_who_was_there_first_keeps_it"]),
    (&limits::EXPRESSION_ROOM, Loosely("tested with less room"), &["a_namespace_and_a_lane_have_so_much_room_and_who_was_there_first_keeps_it"]),
    (&limits::EXPRESSION_PATH, Exactly, &["a_path_with_expressions_has_so_many_bytes_and_no_more"]),
    (&limits::EXPRESSION_STEPS, Loosely("a path is never ten times as long"), &["the_dearest_path_takes_less_than_a_millisecond_and_leads_nowhere"]),
    (&limits::EXPRESSION_TRIES, Loosely("how much is tried follows from what is written"), &["groups_that_cost_too_much_are_not_looked_for"]),
    (&limits::PASSWORDS, Loosely("who comes takes the place of who has many"), &["one_list_has_so_many_places_and_no_lists_together_leave_none_to_another"]),
    (&limits::PASSWORDS_EACH, Exactly, &["one_list_of_users_cannot_take_every_place"]),
    (&limits::PASSWORD_TIME, InTime, &["a_check_is_not_waited_for_longer_than_there_is_patience", "a_check_that_takes_longer_than_a_head_may_is_waited_for"]),
    (&limits::QUESTION_BYTES, Exactly, &["a_question_has_so_many_bytes_made_of_a_request_and_no_more"]),
    (&limits::CUSTOM_FIELDS_BYTES, Exactly, &["the_fields_of_an_ingress_have_so_many_bytes_together_and_no_more"]),
    (&limits::FORCED_SPANS_BURST, Exactly, &["who_is_not_trusted_has_so_many_requests_recorded_and_no_more"]),
    (&limits::FORCED_SPANS_RATE, InTime, &["who_is_not_trusted_has_so_many_requests_recorded_and_no_more"]),
    (&limits::WAITING_SPANS, Exactly, &["so_many_bytes_of_spans_wait_for_a_collector_and_no_more"]),
];

#[rustfmt::skip]
const UPSTREAM: &[Row] = &[
    (&limits::REQUESTS_PER_ENDPOINT, Exactly, &["an_endpoint_has_no_more_requests_in_flight_than_it_may_have"]),
    (&limits::CONNECT, InTime, &["an_endpoint_that_lets_nobody_in_is_given_up"]),
    (&limits::TRIES, Loosely("a request that is refused by all it may try has been refused by ten times as many"), &["an_endpoint_that_refuses_connections_is_passed_over"]),
    (&limits::SEND, InTime, &["a_backend_that_takes_nothing_is_given_up", "a_backend_that_never_opens_its_window_or_never_answers_is_given_up"]),
    (&limits::READ, InTime, &["a_backend_that_answers_late_is_given_up", "a_backend_that_never_opens_its_window_or_never_answers_is_given_up"]),
    (&limits::RESPONSE_HEAD_BYTES, Exactly, &["every_response_reaches_its_client_whole_or_visibly_broken"]),
    (&limits::RESPONSE_FIELDS, Exactly, &["every_response_reaches_its_client_whole_or_visibly_broken"]),
    (&limits::INTERIM, Exactly, &["every_response_reaches_its_client_whole_or_visibly_broken", "interim_responses_are_counted"]),
    (&limits::MAX_IDLE, Loosely("nothing is refused: those beyond it are closed"), &["of_too_many_connections_the_unused_are_closed"]),
    (&limits::KEEP_ALIVE, InTime, &["a_sweep_closes_the_old_and_forgets_empty_endpoints", "an_unused_connection_is_kept_for_as_long_as_it_may_and_a_used_one_longer"]),
    (&limits::SHARED, Loosely("nothing is refused: another connection is opened"), &["requests_share_a_connection_up_to_what_the_backend_allows"]),
    (&limits::SHARED_AGE, InTime, &["an_unused_connection_is_kept_for_as_long_as_it_may_and_a_used_one_longer"]),
    (&limits::SHARED_RESET_BURST, Loosely("nothing is refused: another connection is opened"), &["a_connection_on_which_much_is_taken_back_takes_no_more_and_does_it_late"]),
    (&limits::SHARED_RESET_RATE, InTime, &["requests_that_are_taken_back_now_and_then_leave_a_connection_as_it_is"]),
    (&limits::SHARED_RESET_DELAY, InTime, &["a_connection_on_which_much_is_taken_back_takes_no_more_and_does_it_late"]),
    (&limits::RESPONSE_WINDOW, Loosely(WAITS), &["a_response_of_any_size_waits_for_its_client_and_for_nobody_else"]),
    (&limits::SHARED_WINDOW, Loosely(WAITS), &["a_client_that_takes_back_all_it_asks_for_hurts_nobody_else_on_a_shared_connection"]),
    (&limits::REQUEST_BUFFER, Loosely(WAITS), &["a_request_ends_although_its_backend_has_no_window_left"]),
    (&limits::RESPONSE_HEADER_LIST, Exactly, &["a_backends_header_list_has_so_many_bytes_and_no_more"]),
    (&limits::SILENCE, InTime, &["a_backend_that_only_keeps_silent_is_asked_ever_more_seldom"]),
    (&limits::ANSWER, InTime, &["a_backend_that_does_not_answer_a_ping_is_given_up"]),
];

fn rows() -> impl Iterator<Item = &'static Row> {
    CLIENT.iter().chain(HTTP2).chain(ROUTES).chain(UPSTREAM)
}

/// Every source file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, found),
            Some(kind) if kind == "rs" => found.push(path),
            _ => {}
        }
    }
}

#[test]
fn every_limit_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    ["tests/wire", "gateway/compile/src", "gateway/proxy/src", "gateway/model/src"]
        .iter()
        .for_each(|folder| sources(&root.join(folder), &mut files));
    let mut tests = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let mut lines = text.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let named =
                |line: &str| Some(line.trim_start_matches("async ").strip_prefix("fn ")?.split('(').next()?.to_owned());
            if line == "#[test]" || line.starts_with("#[tokio::test") {
                tests.extend(lines.peek().and_then(|next| named(next)));
            }
        }
    }
    let known: Vec<&str> = rows().map(|(limit, ..)| limit.name).collect();
    let wanted: Vec<&str> = limits::all().map(|limit| limit.name).collect();
    assert_eq!(known, wanted);
    for (limit, how, named) in rows() {
        assert!(!named.is_empty(), "{}", limit.name);
        for name in *named {
            assert!(tests.contains(*name), "{}: there is no test {name}", limit.name);
        }
        let timed = matches!(limit.unit, Unit::Milliseconds | Unit::PerSecond | Unit::BytesPerSecond);
        assert_eq!(timed, matches!(how, InTime), "{}", limit.name);
        if let Loosely(reason) = how {
            assert!(!reason.is_empty(), "{}", limit.name);
        }
    }
}
