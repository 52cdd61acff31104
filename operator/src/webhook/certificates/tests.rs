use super::*;

const NAME: &str = "bulkhead-webhook.bulkhead-system.svc";

fn names() -> Vec<String> {
    vec![NAME.to_owned()]
}

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn made(now: Timestamp) -> Result<Pair, Error> {
    Pair::make(&names(), now)
}

fn days(days: u32) -> Duration {
    DAY * days
}

/// The next state, where there is one.
fn step(chest: &Chest, now: Timestamp) -> Option<Chest> {
    chest.step(NAME, now, || made(now)).expect("a certificate can be made")
}

#[test]
fn a_certificate_is_believed_for_its_name_and_its_time_only() {
    let pair = made(start()).expect("a certificate");
    assert!(pair.check(NAME, start()).is_ok());
    assert!(pair.check(NAME, start() - SKEW / 2).is_ok(), "a clock that is behind");
    assert!(pair.check(NAME, start() + days(89)).is_ok());
    assert!(pair.check(NAME, start() + days(91)).is_err());
    assert!(pair.check("other.bulkhead-system.svc", start()).is_err());
    let other = made(start()).expect("a certificate");
    let mixed = |pair: Pair| pair.check(NAME, start()).expect_err("a mixture").to_string();
    mixed(Pair { authority: other.authority.clone(), ..pair.clone() });
    mixed(Pair { key: other.key.clone(), ..pair.clone() });
    mixed(Pair { certificate: "none".to_owned(), ..pair });
}

#[test]
fn a_certificate_is_renewed_in_three_steps_and_every_one_shown_was_believed_before() {
    let first = Chest::new(made(start()).expect("a certificate"), start());
    assert_eq!(step(&first, start() + days(59)), None);

    let renewing = start() + days(61);
    let staged = step(&first, renewing).expect("a next one");
    let next = staged.next.clone().expect("a next one");
    assert_eq!(staged.serving, first.serving, "it is not shown before it is believed");
    assert!(
        staged.bundle().contains(next.authority.trim()) && staged.bundle().contains(first.serving.authority.trim())
    );
    assert_eq!(step(&staged, renewing + SETTLE / 2), None);

    let serving = renewing + SETTLE;
    let shown = step(&staged, serving).expect("it is shown");
    assert_eq!((&shown.serving, &shown.next), (&next, &None));
    assert!(shown.bundle().contains(first.serving.authority.trim()), "a replica may still show the old one");
    assert_eq!(step(&shown, serving + KEEP / 2), None);

    let forgotten = step(&shown, serving + KEEP).expect("it is forgotten");
    assert_eq!(forgotten.bundle().trim(), next.authority.trim());
    assert_eq!(step(&forgotten, serving + days(50)), None);
}

#[test]
fn over_years_the_certificate_shown_is_always_good_and_its_authority_told_for_long_enough() {
    let mut now = start();
    let mut chest = Chest::new(made(now).expect("a certificate"), now);
    let mut told = vec![(now, chest.bundle())];
    // Looks come at odd times: every seven hours.
    for _ in 0..1300 {
        now += Duration::from_secs(7 * 3600);
        if let Some(after) = step(&chest, now) {
            if after.serving != chest.serving {
                let before = told.iter().rev().find(|(when, _)| now.duration_since(*when).unsigned_abs() >= SETTLE);
                let (_, bundle) = before.expect("something was told before");
                assert!(bundle.contains(after.serving.authority.trim()), "shown before it was told");
                assert!(after.bundle().contains(chest.serving.authority.trim()), "forgotten while it may be shown");
            }
            chest = after;
            told.push((now, chest.bundle()));
        }
        assert!(chest.serving.check(NAME, now).is_ok());
        assert!(chest.bundle().matches("BEGIN CERTIFICATE").count() <= 2);
    }
    assert!(told.len() > 12, "only {} steps in a year", told.len());
}

#[test]
fn what_is_worth_nothing_is_replaced_at_once() {
    let good = made(start()).expect("a certificate");
    let bad = Pair { certificate: "none".to_owned(), ..good.clone() };
    let replaced = step(&Chest::new(bad.clone(), start()), start()).expect("another");
    assert!(replaced.serving.check(NAME, start()).is_ok());
    assert_eq!((&replaced.next, &replaced.retired), (&None, &None));

    let staged = Chest { next: Some(good.clone()), ..Chest::new(bad.clone(), start()) };
    assert_eq!(step(&staged, start()), Some(Chest::new(good.clone(), start())));

    // After a long sleep.
    let late = start() + days(400);
    let replaced = step(&Chest { next: Some(good.clone()), ..Chest::new(good.clone(), start()) }, late);
    assert!(replaced.expect("another").serving.check(NAME, late).is_ok());

    // A next one that is none is dropped.
    let spoilt = Chest { next: Some(bad), ..Chest::new(good.clone(), start()) };
    assert_eq!(step(&spoilt, start()).map(|chest| chest.next), Some(None));
}

#[test]
fn a_step_that_was_made_at_no_known_time_or_in_the_future_was_made_now() {
    let pair = made(start()).expect("a certificate");
    for changed in [None, Some(start() + days(1))] {
        let chest = Chest { next: Some(pair.clone()), changed, ..Chest::new(pair.clone(), start()) };
        let after = step(&chest, start()).expect("a time");
        assert_eq!(after, Chest { changed: Some(start()), ..chest });
    }
}

#[test]
fn no_key_is_in_what_is_written_for_people() {
    let pair = made(start()).expect("a certificate");
    let text = format!("{:?}", Chest::new(pair.clone(), start()));
    assert!(!text.contains("PRIVATE"), "{text}");
    assert!(pair.key.contains("PRIVATE"));
}
