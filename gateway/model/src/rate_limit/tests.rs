use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn of(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn zone(bounds: Bounds) -> Arc<Zone> {
    Arc::new(Zone::new(bounds, Arc::default()))
}

fn a_second(limit: u32, burst: u64) -> Bounds {
    Bounds { per_second: Some(Rate::per_second(of(limit), burst)), ..Bounds::default() }
}

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn at(millis: u64) -> Moment {
    // Not at the beginning of time: a process has run for a while.
    Moment::from_micros((1_000_000 + millis) * 1000)
}

fn passes(zone: &Arc<Zone>, client: IpAddr, now: Moment, asked: usize) -> usize {
    (0..asked).filter(|_| zone.enter(client, now).is_ok()).count()
}

#[test]
fn a_burst_and_one_more_pass_at_once_and_then_as_many_as_the_rate_says() {
    let zone = zone(a_second(2, 10));
    assert_eq!(passes(&zone, CLIENT, at(0), 100), 11);
    assert_eq!(passes(&zone, CLIENT, at(499), 100), 0);
    assert_eq!(passes(&zone, CLIENT, at(500), 100), 1);
    assert_eq!(passes(&zone, CLIENT, at(2500), 100), 4);
    assert_eq!(passes(&zone, CLIENT, at(3_600_000), 100), 11, "after an hour the bucket is empty");
}

#[test]
fn without_a_burst_requests_pass_one_by_one() {
    let zone = zone(a_second(10, 0));
    assert_eq!(passes(&zone, CLIENT, at(0), 5), 1);
    assert_eq!(passes(&zone, CLIENT, at(100), 5), 1);
}

#[test]
fn a_request_has_to_keep_both_rates_and_is_charged_by_neither_if_it_fails_one() {
    let per_minute = Some(Rate::per_minute(of(60), 2));
    let zone = zone(Bounds { per_second: Some(Rate::per_second(of(1), 5)), per_minute, connections: None });
    assert_eq!(passes(&zone, CLIENT, at(0), 50), 3);
    // Had the others been charged for the second, it would be full.
    assert_eq!(passes(&zone, CLIENT, at(1000), 50), 1);
}

#[test]
fn who_is_refused_is_told_when_to_come_again() {
    let minute = Bounds { per_minute: Some(Rate::per_minute(of(6), 0)), ..Bounds::default() };
    let limit = RateLimit { zone: zone(minute), exempt: [].into(), status: 429, says_when: true };
    assert!(limit.admit(CLIENT, at(0)).is_ok());
    let refused = limit.admit(CLIENT, at(2500)).unwrap_err();
    assert_eq!((refused.status, refused.denial), (429, Some(Denial::RateLimited)));
    assert_eq!(refused.fields, [("Retry-After", b"8".to_vec())]);
    let silent = RateLimit { status: 503, says_when: false, ..limit };
    let refused = silent.admit(CLIENT, at(2500)).unwrap_err();
    assert_eq!((refused.status, refused.fields.len()), (503, 0));
}

#[test]
fn exempt_networks_are_not_counted() {
    let block = Network { address: "192.0.2.0".parse().unwrap(), prefix: 24 };
    let limit = RateLimit { zone: zone(a_second(1, 0)), exempt: [block].into(), status: 429, says_when: true };
    assert!((0..100).all(|_| limit.admit(CLIENT, at(0)).is_ok()));
    let other = "198.51.100.1".parse().unwrap();
    assert_eq!((0..100).filter(|_| limit.admit(other, at(0)).is_ok()).count(), 1);
}

#[test]
fn so_many_requests_may_be_there_at_once_and_no_more() {
    let zone = zone(Bounds { connections: Some(of(2)), ..Bounds::default() });
    let first = zone.enter(CLIENT, at(0)).unwrap();
    let second = zone.enter(CLIENT, at(0)).unwrap();
    assert!(first.is_some() && second.is_some());
    assert_eq!(zone.enter(CLIENT, at(0)).unwrap_err().denial, Denial::ConnectionsLimited);
    assert!(zone.enter("192.0.2.8".parse().unwrap(), at(0)).is_ok());
    drop(first);
    let third = zone.enter(CLIENT, at(0)).unwrap();
    assert!(zone.enter(CLIENT, at(0)).is_err());
    drop((second, third));
    assert_eq!(zone.space().known(), 0, "nobody is remembered who is not there");
}

#[test]
fn all_addresses_of_a_network_that_is_one_clients_are_one_client() {
    let zone = zone(a_second(1, 0));
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(zone.enter(address("2001:db8:0:1::1"), at(0)).is_ok());
    assert!(zone.enter(address("2001:db8:0:1:ffff::9"), at(0)).is_err());
    assert!(zone.enter(address("2001:db8:0:2::1"), at(0)).is_ok());
    assert!(zone.enter(address("192.0.2.1"), at(0)).is_ok());
    assert!(zone.enter(address("192.0.2.2"), at(0)).is_ok());
    assert!(zone.enter(address("::ffff:192.0.2.2"), at(0)).is_err(), "the same client, written otherwise");
}

/// Hosts of one provider hold a /32, which is four billion clients.
#[test]
fn a_client_with_any_number_of_addresses_does_not_fill_the_memory() {
    let zone = zone(a_second(1, 5));
    for network in 0..200_000_u128 {
        let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) | (network << 64));
        assert!(zone.enter(address.into(), at(0)).is_ok());
    }
    assert!((32_000..=65_536).contains(&zone.space().known()), "{}", zone.space().known());
    let space = Arc::clone(zone.space());
    drop(zone);
    assert_eq!(space.known(), 0);
}

#[test]
fn all_zones_together_know_no_more_than_there_is_room_for() {
    let space = Arc::new(Space::of(1000));
    let zones: Vec<Arc<Zone>> = (0..20).map(|_| Arc::new(Zone::new(a_second(1, 5), Arc::clone(&space)))).collect();
    for client in 0..5000_u32 {
        for zone in &zones {
            zone.enter(Ipv4Addr::from_bits(client).into(), at(0)).unwrap();
        }
    }
    // Each of the parts of a zone may know its last client beyond it.
    assert!(space.known() <= 1000 + 20 * 16, "{}", space.known());
    drop(zones);
    assert_eq!(space.known(), 0);
}

#[test]
fn who_keeps_asking_stays_limited_however_many_others_come() {
    let zone = zone(Bounds { connections: Some(of(1)), ..a_second(1, 0) });
    let held = zone.enter(CLIENT, at(0)).unwrap();
    for client in 0..300_000_u32 {
        drop(zone.enter(Ipv4Addr::from_bits(client).into(), at(0)));
        if client % 1000 == 0 {
            assert_eq!(zone.enter(CLIENT, at(0)).unwrap_err().denial, Denial::ConnectionsLimited);
        }
    }
    drop(held);
    assert_eq!(zone.enter(CLIENT, at(0)).unwrap_err().denial, Denial::RateLimited);
}

#[test]
fn threads_count_together() {
    let zone = zone(a_second(1, 99));
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| passes(&zone, CLIENT, at(0), 1000))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 100);
}

proptest! {
    /// In no span of time do more requests pass than the rate allows for it, and the burst and one beyond.
    #[test]
    fn the_rate_is_never_exceeded(limit in 1_u32..50, burst in 0_u64..20, steps in proptest::collection::vec(0_u64..400, 1..200)) {
        let zone = zone(a_second(limit, burst));
        let (mut now, mut passed) = (0, Vec::new());
        for step in steps {
            now += step;
            if zone.enter(CLIENT, at(now)).is_ok() {
                passed.push(now);
            }
        }
        for (nth, begin) in passed.iter().enumerate() {
            for (count, end) in passed[nth..].iter().enumerate() {
                // The interval is whole nanoseconds, which is less than one request in a million too short.
                let allowed = (end - begin) as f64 / 1000.0 * f64::from(limit) * 1.000_001 + burst as f64 + 1.0;
                prop_assert!((count + 1) as f64 <= allowed, "{} in {} ms", count + 1, end - begin);
            }
        }
    }

    /// Whoever keeps to the rate is never refused.
    #[test]
    fn whoever_keeps_the_rate_passes(limit in 1_u32..1000, burst in 0_u64..5) {
        let zone = zone(a_second(limit, burst));
        let pause = Duration::from_secs(1).div_f64(f64::from(limit)) + Duration::from_micros(1);
        let mut now = at(0);
        for _ in 0..100 {
            prop_assert!(zone.enter(CLIENT, now).is_ok());
            now = now.after(pause);
        }
    }
}
