use proptest::prelude::*;

use super::State::{Failed, Moving, Settled, Waiting};
use super::*;

/// Both lanes of an instance: its name, its wave, the state of east-west and of north-south.
fn instance(name: &str, wave: i32, states: [State; 2]) -> Vec<Member> {
    let lanes = [LaneName::EastWest, LaneName::NorthSouth];
    let member = |(lane, state)| Member { wave, namespace: "infra".to_owned(), instance: name.to_owned(), lane, state };
    lanes.into_iter().zip(states).map(member).collect()
}

/// Who goes, as `instance/lane`; or who stops all.
fn turn(fleet: &[Vec<Member>], at_once: usize) -> Result<Vec<String>, String> {
    let members: Vec<_> = fleet.iter().flatten().cloned().collect();
    let name = |member: &Member| format!("{}/{}", member.instance, member.lane);
    match next(&members, at_once) {
        Turn::Go(members) => Ok(members.into_iter().map(name).collect()),
        Turn::Stopped(member) => Err(name(member)),
    }
}

#[test]
fn lower_waves_come_first_and_east_west_before_north_south() {
    let fleet = |test: [State; 2], shop: [State; 2]| [instance("shop", 5, shop), instance("test", 0, test)];
    let cases = [
        (fleet([Waiting; 2], [Waiting; 2]), vec!["test/east-west"]),
        (fleet([Moving, Waiting], [Waiting; 2]), vec![]),
        (fleet([Settled, Waiting], [Waiting; 2]), vec!["test/north-south"]),
        (fleet([Settled, Moving], [Waiting; 2]), vec![]),
        (fleet([Settled; 2], [Waiting; 2]), vec!["shop/east-west"]),
        (fleet([Settled; 2], [Settled; 2]), vec![]),
    ];
    for (fleet, expected) in cases {
        assert_eq!(turn(&fleet, 3), Ok(expected.into_iter().map(str::to_owned).collect()), "{fleet:?}");
    }
}

#[test]
fn so_many_instances_of_a_wave_go_at_once_and_those_under_way_go_on_first() {
    let fleet = [
        instance("a", 0, [Settled, Waiting]),
        instance("b", 0, [Waiting; 2]),
        instance("c", 0, [Moving, Waiting]),
        instance("d", 0, [Waiting; 2]),
    ];
    assert_eq!(turn(&fleet, 2), Ok(vec!["a/north-south".to_owned()]));
    assert_eq!(turn(&fleet, 3), Ok(vec!["a/north-south".to_owned(), "b/east-west".to_owned()]));
}

#[test]
fn one_that_fails_stops_all_that_wait() {
    let fleet = [instance("a", 3, [Settled, Failed]), instance("b", 0, [Waiting; 2])];
    assert_eq!(turn(&fleet, 9), Err("a/north-south".to_owned()));
}

#[test]
fn a_lane_that_is_alone_in_its_instance_needs_no_other() {
    let alone = instance("a", 0, [Waiting; 2]).split_off(1);
    assert_eq!(turn(&[alone], 1), Ok(vec!["a/north-south".to_owned()]));
}

fn any_state() -> impl Strategy<Value = State> {
    prop_oneof![Just(Waiting), Just(Moving), Just(Settled)]
}

proptest! {
    /// Whatever order lanes settle in, a fleet without failures comes to its end, never with more instances under way than allowed, and
    /// never with one of a later wave while one of an earlier has not settled.
    #[test]
    fn a_fleet_without_failures_comes_to_its_end_in_order(
        waves in prop::collection::vec(0..3_i32, 1..6),
        at_once in 1..4_usize,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let mut members: Vec<_> =
            waves.iter().enumerate().flat_map(|(n, wave)| instance(&format!("i{n}"), *wave, [Waiting; 2])).collect();
        for pick in picks {
            let go: Vec<_> = match next(&members, at_once) {
                Turn::Go(go) => go.into_iter().cloned().collect(),
                Turn::Stopped(_) => Vec::new(),
            };
            for member in &mut members {
                if go.contains(member) {
                    member.state = Moving;
                }
            }
            prop_assert!(under_way(&members.iter().collect::<Vec<_>>()).len() <= at_once);
            let moving = members.iter().filter(|member| member.state == Moving).map(|member| member.wave).max();
            let behind = members.iter().filter(|member| member.state != Settled).map(|member| member.wave).min();
            prop_assert!(moving.is_none_or(|moving| Some(moving) == behind));
            let moving: Vec<_> = members.iter_mut().filter(|member| member.state == Moving).collect();
            if moving.is_empty() {
                break;
            }
            let chosen = pick.index(moving.len());
            for (place, member) in moving.into_iter().enumerate() {
                if place == chosen {
                    member.state = Settled;
                }
            }
        }
        prop_assert!(members.iter().all(|member| member.state == Settled));
    }

    /// No more instances are under way than allowed unless they were already.
    #[test]
    fn nobody_begins_beyond_what_is_allowed(
        states in prop::collection::vec((0..3_i32, any_state(), any_state()), 1..6),
        at_once in 0..4_usize,
    ) {
        let members: Vec<_> = states
            .iter()
            .enumerate()
            .flat_map(|(n, (wave, east, north))| instance(&format!("i{n}"), *wave, [*east, *north]))
            .collect();
        let all: Vec<_> = members.iter().collect();
        let begun = under_way(&all);
        if let Turn::Go(go) = next(&members, at_once) {
            let new = go.iter().filter(|member| !begun.contains(&of_instance(member))).count();
            prop_assert!(new == 0 || begun.len() + new <= at_once.max(begun.len()));
        }
    }
}
