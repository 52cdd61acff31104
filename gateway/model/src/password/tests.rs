use super::*;

const LONG: &str = "a much longer password than sixteen bytes, indeed: ünïcode";
const HUNTER: &str = "hunter2";

/// Written by `openssl passwd` and by libxcrypt.
const WRITTEN: [(&str, &str); 21] = [
    (HUNTER, "$apr1$saltsalt$r/QcFGT5pNL28bNkeDMHR."),
    (LONG, "$apr1$x$dbaAsXFRKTeS/vmHO2TfU/"),
    ("", "$apr1$abcd$xc0GS6mcK/RPjawIVUTD1/"),
    (HUNTER, "$1$saltsalt$ZliGyAN3DciDHEkDboonh/"),
    (LONG, "$1$x$CbJaieInaL/wcLSOQ.bfm1"),
    ("", "$1$abcd$CwbBDotm4UoKv5fATTtzT."),
    (HUNTER, "$5$saltsalt$OIdfjX.u4Y3SJ4I2bX8w5BMf1VAUhHABNUirScDzZi3"),
    (LONG, "$5$x$NchXt0kxmqCRd7rfo4qAqs3d/12m126muW/ZGXCTiv5"),
    (HUNTER, "$5$rounds=1234$saltstring$6A5uuvsBeniZknnyjcaWmKIO3yUW8Qv5V5h1jMWgRnB"),
    ("", "$5$rounds=1234$saltstring$lPpT0iMCqSH4dP2SvfTPDkFwL/0ke0UAJYT/L8G.qQ0"),
    (HUNTER, "$6$saltsalt$8iYtNHxjWRl.NF6oNZ5tF.iKFlQREaXBLlSmZKP6dy9l5z3vsooWNW0/GZ6Nej73/TFug6pIPSqbJoCT6dfnj."),
    (LONG, "$6$x$CUl0iQvKSehlCwHnY5TNa3bsxJ/C1tUYtZSAZC673NXnG/Nfq9k./EFTiApO151TWftr7CCBDBHAdHe/FYRel0"),
    (HUNTER, "$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8."),
    ("", "$2y$05$abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m"),
    (LONG, "$2y$05$abcdefghijklmnopqrstuuKHXRPlp7pyKBpY.gfCF/uEzue.b7ni2"),
    (HUNTER, "$2b$04$......................kqsx/caaQ2ooGaGUPBIUMKYjFvRA7Wi"),
    (LONG, "$2b$04$......................g5cjEOdINwdfNwwRJapLdMp/sEcUI.G"),
    (HUNTER, "$2a$04$......................kqsx/caaQ2ooGaGUPBIUMKYjFvRA7Wi"),
    (HUNTER, "{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0="),
    (HUNTER, "{SSHA}gK+fFFujqnweTpwCQ7Sp02gQxCJzYWx0"),
    ("", "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
];

#[test]
fn hashes_that_other_programs_write_are_of_their_passwords_and_of_no_other() {
    for (password, text) in WRITTEN {
        let hash = PasswordHash::parse(text.as_bytes()).unwrap_or_else(|bad| panic!("{text} {bad}"));
        assert!(hash.is_of(password.as_bytes()), "{password:?} {text}");
        for other in ["hunter3", "hunter2 ", "Hunter2", "x"] {
            assert!(!hash.is_of(other.as_bytes()), "{other:?} {text}");
        }
        assert!(!hash.is_of(text.as_bytes()), "{text}");
        assert!(!format!("{hash:?}").contains('$'), "a hash must not end up in a log");
    }
}

#[test]
fn bcrypt_looks_at_seventy_two_bytes() {
    let hash = PasswordHash::parse(b"$2y$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q").unwrap();
    assert!(hash.is_of(&[b'x'; 90]) && hash.is_of(&[b'x'; 72]) && !hash.is_of(&[b'x'; 71]));
}

#[test]
fn what_is_no_hash_is_not_taken() {
    for text in [
        "",
        "hunter2",
        "{PLAIN}hunter2",
        "{SHA}",
        "{SHA}aGVsbG8=",
        "{SSHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=",
        "ab0ozUNIgzCZ.",
        "$",
        "$$",
        "$2y$05$",
        "$2y$5x$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.",
        "$2y$03$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.",
        "$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.a",
        "$2x$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.",
        "$apr1$saltsaltsalt$r/QcFGT5pNL28bNkeDMHR.",
        "$apr1$saltsalt$r/QcFGT5pNL28bNkeDMHR",
        "$apr1$saltsalt$r/QcFGT5pNL28bNkeDMH:.",
        "$5$rounds=12$saltstring$6A5uuvsBeniZknnyjcaWmKIO3yUW8Qv5V5h1jMWgRnB",
        "$5$rounds=-1$saltstring$6A5uuvsBeniZknnyjcaWmKIO3yUW8Qv5V5h1jMWgRnB",
        "$6$saltsalt$OIdfjX.u4Y3SJ4I2bX8w5BMf1VAUhHABNUirScDzZi3",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl",
    ] {
        assert_eq!(PasswordHash::parse(text.as_bytes()), Err(BadHash::Unknown), "{text}");
    }
    assert_eq!(PasswordHash::parse(&[b'a'; 1 << 20]), Err(BadHash::Unknown));
}

#[test]
fn a_hash_that_takes_too_long_is_not_taken() {
    for text in [
        "$2y$15$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.",
        "$2y$31$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.",
        "$5$rounds=999999999$saltstring$6A5uuvsBeniZknnyjcaWmKIO3yUW8Qv5V5h1jMWgRnB",
    ] {
        assert_eq!(PasswordHash::parse(text.as_bytes()), Err(BadHash::Costly), "{text}");
    }
}
