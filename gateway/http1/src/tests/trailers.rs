//! What may follow content, and what of it goes further.

use super::chunks::decode_with;
use super::{get, request};
use crate::{Decoder, Framing, Name, Refusal, Trailers, may_trail, write_last_chunk};

/// The trailers that may pass, of content that ends with these lines.
fn passed(lines: &str) -> Result<String, Refusal> {
    let bytes = format!("1\r\nx\r\n0\r\n{lines}\r\n");
    let of = |step| {
        let mut decoder = Decoder::new(Framing::Chunked);
        let (content, consumed) = decode_with(&mut decoder, bytes.as_bytes(), step)?;
        assert_eq!((content, consumed), (b"x".to_vec(), bytes.len()));
        Ok(String::from_utf8_lossy(decoder.trailers().as_bytes()).into_owned())
    };
    let whole = of(usize::MAX);
    assert_eq!(whole, of(1), "depends on reads: {lines:?}");
    whole
}

#[test]
fn trailers_pass_by_name_and_are_written_anew() {
    let cases = [
        ("", ""),
        ("Grpc-Status: 0\r\n", "Grpc-Status: 0\r\n"),
        ("GRPC-STATUS:\t0 \t\r\ngrpc-message:  a b : \r\n", "GRPC-STATUS: 0\r\ngrpc-message: a b :\r\n"),
        ("Grpc-Message:\r\nDigest: \t\r\n", "Grpc-Message: \r\nDigest: \r\n"),
        ("Server-Timing: a;dur=1\r\nServer-Timing: b\r\n", "Server-Timing: a;dur=1\r\nServer-Timing: b\r\n"),
        ("X: 1\r\nRepr-Digest: sha-256=:a=:\r\nY: 2\r\n", "Repr-Digest: sha-256=:a=:\r\n"),
        ("Content-Digest: \u{e9}\r\n", "Content-Digest: \u{e9}\r\n"),
        ("Grpc-Status-Details-Bin: AA\r\n", "Grpc-Status-Details-Bin: AA\r\n"),
        ("Grpc_Status: 0\r\nGrpc-Statu: 0\r\nGrpc-Statuss: 0\r\n", ""),
    ];
    for (lines, expected) in cases {
        assert_eq!(passed(lines).as_deref(), Ok(expected), "{lines:?}");
    }
}

#[test]
fn no_trailer_says_where_a_message_ends_where_it_goes_or_who_asks() {
    for &name in Name::KNOWN {
        let harmless = ["Content-Digest", "Digest", "Repr-Digest", "Server-Timing"].contains(&name.as_str())
            || name.as_str().starts_with("Grpc-");
        for name in [name.as_str().to_owned(), name.as_str().to_ascii_lowercase()] {
            assert_eq!(may_trail(name.as_bytes(), false), harmless, "{name}");
            assert_eq!(may_trail(name.as_bytes(), true), harmless, "{name}");
            assert_eq!(passed(&format!("{name}: 1\r\n")).unwrap().is_empty(), !harmless, "{name}");
        }
    }
    assert!(!may_trail(b"x-cost", false) && may_trail(b"x-cost", true), "metadata of a gRPC application");
    for claim in ["x-forwarded-user", "x_real_ip", "X.Forwarded.For", "ssl-client-x", "true_client_ip"] {
        assert!(!may_trail(claim.as_bytes(), true), "{claim}");
    }
    assert!(may_trail(b"x_cost.total", true), "gRPC names have these signs");
    assert!(!may_trail(b"x cost", true) && !may_trail(b"", true) && !may_trail(b":status", true));
}

/// What follows content is read up to a bound as well: as in Traefik CVE-2026-26998.
#[test]
fn a_trailer_section_is_bounded_whether_or_not_it_passes() {
    for (name, passes) in [("A", false), ("Digest", true)] {
        let line = |bytes: usize| format!("{name}: {}\r\n", "x".repeat(bytes - name.len() - 4));
        assert_eq!(passed(&line(16 << 10)).unwrap().len(), if passes { 16 << 10 } else { 0 });
        assert_eq!(passed(&line((16 << 10) + 1)), Err(Refusal::TrailersTooLarge));
        assert_eq!(passed(&(line(8 << 10) + &line((8 << 10) + 1))), Err(Refusal::TrailersTooLarge));
        assert!(passed(&line(20).repeat(100)).is_ok());
        assert_eq!(passed(&line(20).repeat(101)), Err(Refusal::TooManyFields));
    }
    assert_eq!(passed(&"A".repeat(20 << 10)), Err(Refusal::TrailersTooLarge), "a name without an end");
}

#[test]
fn a_trailer_section_has_as_many_fields_as_its_head_leaves() {
    let decode = |limit: usize, trailers: usize| {
        let mut decoder = Decoder::new(Framing::Chunked);
        decoder.limit_trailers(limit);
        decode_with(&mut decoder, format!("0\r\n{}\r\n", "Digest: a\r\n".repeat(trailers)).as_bytes(), 7).map(|_| ())
    };
    assert_eq!(decode(3, 3), Ok(()));
    assert_eq!(decode(3, 4), Err(Refusal::TooManyFields));
    assert_eq!((decode(0, 0), decode(0, 1)), (Ok(()), Err(Refusal::TooManyFields)));
    assert_eq!((decode(1000, 100), decode(1000, 101)), (Ok(()), Err(Refusal::TooManyFields)));
    let mut sized = Decoder::new(Framing::Sized(1));
    sized.limit_trailers(0);
    assert_eq!(decode_with(&mut sized, b"x", 1), Ok((b"x".to_vec(), 1)));
}

#[test]
fn trailers_from_elsewhere_pass_by_the_same_rules() {
    let mut trailers = Trailers::default();
    assert!(trailers.is_empty() && trailers.iter().next().is_none());
    let offered: [(&[u8], &[u8]); 6] = [
        (b"grpc-status", b" 0 "),
        (b"host", b"evil"),
        (b"x-cost", b"3"),
        (b"digest", b"a\r\nHost: evil"),
        (b"digest", &[b'x'; 16 << 10]),
        (b"server-timing", b""),
    ];
    for (name, value) in offered {
        trailers.push(name, value, true);
    }
    assert_eq!(trailers.as_bytes(), b"grpc-status: 0\r\nx-cost: 3\r\nserver-timing: \r\n");
    let fields: Vec<(&[u8], &[u8])> = trailers.iter().collect();
    assert_eq!(fields, [(&b"grpc-status"[..], &b"0"[..]), (b"x-cost", b"3"), (b"server-timing", b"")]);
}

#[test]
fn written_trailers_are_read_again() {
    let mut trailers = Trailers::default();
    trailers.push(b"Grpc-Status", b"13", false);
    trailers.push(b"Grpc-Message", b"a: b", false);
    let (mut out, mut none) = (Vec::new(), Vec::new());
    write_last_chunk(&mut out, &trailers);
    write_last_chunk(&mut none, &Trailers::default());
    assert_eq!(none, crate::LAST_CHUNK);
    let mut decoder = Decoder::new(Framing::Chunked);
    assert_eq!(decode_with(&mut decoder, &out, 3), Ok((Vec::new(), out.len())));
    assert!(decoder.trailers().iter().eq(trailers.iter()));
}

#[test]
fn a_client_takes_trailers_if_it_says_so() {
    let takes = |version: &str, lines: &str| {
        request(format!("GET / {version}\r\nHost: a\r\n{lines}\r\n").as_bytes()).unwrap().trailers
    };
    assert!(takes("HTTP/1.1", "TE: trailers\r\nConnection: TE\r\n"));
    assert!(takes("HTTP/1.1", "te: gzip;q=0.5, Trailers\r\n"));
    assert!(takes("HTTP/1.1", "TE: gzip\r\nTE: trailers\r\n"));
    assert!(!takes("HTTP/1.1", "TE: gzip, xtrailers\r\n"));
    assert!(!takes("HTTP/1.1", "Trailer: Digest\r\n"));
    assert!(!takes("HTTP/1.0", "TE: trailers\r\n"));
    assert!(!request(&get("")).unwrap().trailers);
}
