//! What the annotations of an Ingress say about the handshakes of its hosts.

use bulkhead_model::tls::TlsWish;

use super::reader::{Reader, key};
use super::row::{Group, Row, State, Use};
use crate::cipher_list::{self, Reading};
use crate::code::FindingCode;
use crate::findings::quote;

/// Which ciphers of TLS 1.2 are spoken.
pub(crate) const CIPHERS: &str = "ssl-ciphers";
/// Whether the gateway chooses among them rather than the client.
pub(crate) const ORDER: &str = "ssl-prefer-server-ciphers";
/// Words of a list that a message repeats.
const MAX_SHOWN: usize = 6;

pub(super) const ROWS: &[Row] = &[
    Row::new(CIPHERS, Group::Tls, Use::Should, State::Obeyed).of_host(),
    Row::new(ORDER, Group::Tls, Use::Should, State::Obeyed).of_host(),
];

/// Reads what an Ingress says of the handshakes of its hosts.
pub(crate) fn read(reader: &mut Reader<'_, '_>) -> TlsWish {
    let server_order = reader.preference(ORDER, "clients choose among the ciphers, as ever");
    let Some(list) = reader.written(CIPHERS) else { return TlsWish { server_order, ..TlsWish::default() } };
    let Reading { ciphers, left_out } = cipher_list::read(list);
    let names = || {
        let shown: Vec<String> = left_out.iter().take(MAX_SHOWN).map(|word| quote(word)).collect();
        let more = if left_out.len() > MAX_SHOWN { " and others" } else { "" };
        format!("{}{more}", shown.join(", "))
    };
    if ciphers.is_none() {
        reader.notes.add(FindingCode::CiphersRefused, &key(CIPHERS), || {
            let why = if left_out.is_empty() { String::new() } else { format!(" ({} are not spoken)", names()) };
            format!("This list leaves no cipher of TLS 1.2 that is spoken{why}, so handshakes go on as if it were not there.")
        });
    } else if !left_out.is_empty() {
        reader.notes.add(FindingCode::CiphersLeftOut, &key(CIPHERS), || {
            format!("Of this list, {} are not spoken, and handshakes do without.", names())
        });
    }
    TlsWish { ciphers, server_order, ..TlsWish::default() }
}
