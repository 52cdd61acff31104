use proptest::prelude::*;

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn parent(values: &[&str]) -> Option<Parent> {
    Parent::of(values.iter().map(|value| value.as_bytes()))
}

#[test]
fn a_parent_is_believed_only_if_it_is_written_as_the_format_says() {
    let cases = [
        (format!("00-{TRACE}-{SPAN}-01"), Some(true)),
        (format!("00-{TRACE}-{SPAN}-00"), Some(false)),
        (format!("00-{TRACE}-{SPAN}-03"), Some(true)),
        (format!("00-{TRACE}-{SPAN}-fe"), Some(false)),
        // Later versions: what they begin with, and what they may add.
        (format!("cc-{TRACE}-{SPAN}-01"), Some(true)),
        (format!("01-{TRACE}-{SPAN}-01-what-the-future-holds"), Some(true)),
        (format!("01-{TRACE}-{SPAN}-01-"), Some(true)),
        (format!("01-{TRACE}-{SPAN}-01.more"), None),
        (format!("01-{TRACE}-{SPAN}-0"), None),
        (format!("00-{TRACE}-{SPAN}-01-more"), None),
        (format!("00-{TRACE}-{SPAN}-01-"), None),
        (format!("ff-{TRACE}-{SPAN}-01"), None),
        (format!("00-{}-{SPAN}-01", "0".repeat(32)), None),
        (format!("00-{TRACE}-{}-01", "0".repeat(16)), None),
        (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None),
        (format!("0A-{TRACE}-{SPAN}-01"), None),
        (format!("00-{TRACE}-{SPAN}-0G"), None),
        (format!("00-{TRACE}-{SPAN}-1"), None),
        (format!("00_{TRACE}_{SPAN}_01"), None),
        (format!("00-{SPAN}-{TRACE}-01"), None),
        (format!(" 00-{TRACE}-{SPAN}-01"), None),
        (format!("00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01"), None),
        (format!("00-{TRACE}+{SPAN}-01"), None),
        ("é".repeat(40), None),
        ("-".repeat(55), None),
        ("0".repeat(1 << 20), None),
        (String::new(), None),
    ];
    for (text, is_sampled) in cases {
        let text: &str = &text;
        assert_eq!(
            parent(&[text]).map(|parent| parent.is_sampled()),
            is_sampled,
            "{}",
            &text.get(..80).unwrap_or(text)
        );
    }
}

#[test]
fn two_parents_are_none() {
    let text = format!("00-{TRACE}-{SPAN}-01");
    assert!(parent(&[&text]).is_some());
    assert_eq!(parent(&[&text, &text]), None);
    assert_eq!(parent(&[]), None);
}

#[test]
fn a_trace_goes_on_with_a_new_span() {
    let context = |flags: &str| {
        let parent = parent(&[&format!("00-{TRACE}-{SPAN}-{flags}")]).unwrap();
        TraceContext::go_on(parent, NonZeroU64::new(0xabc).unwrap(), parent.is_sampled())
    };
    let told = |flags| String::from_utf8(context(flags).traceparent().to_vec()).unwrap();
    assert_eq!(told("01"), format!("00-{TRACE}-0000000000000abc-01"));
    assert_eq!(told("03"), format!("00-{TRACE}-0000000000000abc-03"));
    assert_eq!(told("fc"), format!("00-{TRACE}-0000000000000abc-00"), "flags that nobody knows are not passed on");
    assert_eq!(context("01").parent, NonZeroU64::new(0xb7ad_6b71_6920_3331));
}

#[test]
fn a_state_that_nobody_could_read_is_known() {
    let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    for (values, is_one) in [
        (vec!["congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"], true),
        (vec!["congo=t61rcWkgMzE", " rojo=1 "], true),
        (vec!["fw529a3039@dt=FfAAAAGY,0a=b"], true),
        (vec!["", ",,"], true),
        (vec!["Congo=1"], false),
        (vec!["congo"], false),
        (vec!["congo="], false),
        (vec!["=1"], false),
        (vec!["a=b=c"], false),
        (vec!["a=\u{7f}"], false),
        (vec!["a=é"], false),
        (vec![&many(32)], true),
        (vec![&many(33)], false),
        (vec![&many(20), &many(20)], false),
        (vec![&format!("a={}", "b".repeat(256))], true),
        (vec![&format!("a={}", "b".repeat(257))], false),
        (vec![&format!("{}=b", "a".repeat(257))], false),
    ] {
        assert_eq!(is_tracestate(values.iter().map(|value| value.as_bytes())), is_one, "{values:?}");
    }
}

proptest! {
    #[test]
    fn whatever_a_client_writes_is_read_or_refused(text in "\\PC{0,80}|[0-9a-f-]{50,60}") {
        if let Some(parent) = parent(&[&text]) {
            let context = TraceContext::go_on(parent, NonZeroU64::MIN, true);
            let written = context.traceparent();
            prop_assert_eq!(&written[3..35], &text.as_bytes()[3..35]);
        }
    }

    #[test]
    fn what_is_written_is_read_again(trace in 1_u128.., span in 1_u64.., is_sampled: bool) {
        let (trace, span) = (NonZeroU128::new(trace).unwrap(), NonZeroU64::new(span).unwrap());
        let written = TraceContext::begin(trace, span, is_sampled).traceparent();
        let read = Parent::of(std::iter::once(&written[..])).unwrap();
        prop_assert_eq!(read, Parent { trace, span, is_sampled, is_random: true });
    }
}
