//! What may go wrong around the operator, what must hold then, and the tests that show it.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use bulkhead_tests::cluster::Cluster;
use bulkhead_tests::suite::{Test, test};

pub(crate) fn tests() -> Vec<Test<Cluster>> {
    vec![test(every_proof_is_a_test_of_this_level)]
}

/// A fault, what must hold, and tests by module and name.
type Proof = (&'static str, &'static str, &'static [&'static str]);

const PROOFS: &[Proof] = &[
    (
        "death after any write of a reconcile",
        "the next one comes to the same objects, and leaves none",
        &[
            "faults::an_operator_that_dies_after_any_number_of_writes_comes_to_the_same_objects_and_leaves_none",
            "crash::an_operator_that_is_killed_again_and_again_comes_to_the_same_objects",
        ],
    ),
    (
        "nothing changes",
        "nothing is written",
        &["quiet::a_steady_instance_is_not_written_to_and_a_new_operator_changes_nothing"],
    ),
    (
        "watches that end, are torn in the middle of an event, or are gone (410)",
        "nothing is lost, and nothing deleted that was merely unseen",
        &["weather::watches_that_break_in_any_way_lose_nothing_and_delete_nothing"],
    ),
    ("a list that never comes", "it is asked for again", &["weather::a_list_that_never_comes_is_asked_for_again"]),
    (
        "a view of the cluster that is late",
        "nothing is deleted or made anew for it",
        &["weather::what_is_not_seen_yet_is_neither_deleted_nor_made_anew"],
    ),
    (
        "conflicts, and others who change what is ours",
        "they are told of, and not fought",
        &[
            "fights::somebody_who_changes_an_object_again_and_again_is_told_of_and_not_fought",
            "storm::whatever_befalls_its_requests_the_operator_comes_to_what_is_wanted_and_rests",
        ],
    ),
    (
        "429, 500 and 503",
        "calls are few, and everything is as wanted soon after",
        &["weather::an_api_server_that_refuses_everything_is_asked_seldom"],
    ),
    (
        "calls that are slow or hang",
        "other instances go on",
        &[
            "weather::an_instance_whose_calls_are_slow_or_hang_holds_up_no_other",
            "fairness::a_storm_in_one_class_delays_no_other_instance",
        ],
    ),
    (
        "an API server that is away",
        "gateways serve on and stay ready",
        &["outage::gateways_serve_on_and_stay_ready_while_the_api_server_hangs"],
    ),
    (
        "a leader that dies, halts for longer than its Lease, or loses the right to it",
        "one acts at most, and another one takes over in 20 s",
        &[
            "leader::another_replica_takes_over_when_the_leader_dies_halts_or_leaves_and_never_two_act",
            "startup::an_operator_that_may_not_renew_its_lease_ends_and_leads_once_it_may_again",
        ],
    ),
    (
        "operators of two versions",
        "they do not fight, and no pod is restarted",
        &["versions::operators_of_two_versions_take_turns_and_no_pod_is_restarted"],
    ),
    (
        "objects that somebody deletes, edits or takes the labels from",
        "they are as they were; what belongs to others is never taken over",
        &[
            "drift::every_deleted_child_is_made_again",
            "drift::an_edited_child_is_put_right",
            "drift::a_child_that_lost_its_labels_is_labelled_again",
            "drift::an_object_of_somebody_else_is_never_taken_over",
        ],
    ),
    (
        "deletion at any moment, with the operator away, with a class or a namespace that ends",
        "the instance goes, and everything of it",
        &[
            "deletion::instances_deleted_while_they_are_created_leave_nothing",
            "deletion::an_instance_deleted_while_no_operator_runs_is_cleaned_up_when_one_does",
            "deletion::a_class_that_somebody_holds_does_not_hold_its_instance",
            "deletion::a_deleted_namespace_takes_its_instance_and_everything_of_it_along",
            "deletion::a_deleted_instance_leaves_nothing_and_what_it_shared_stays",
        ],
    ),
    (
        "a namespace that ends, quotas, Pod Security",
        "the lane says why, others go on, and it recovers by itself",
        &[
            "refusals::an_instance_in_a_namespace_that_ends_makes_no_noise",
            "refusals::a_quota_of_pods_is_told_by_the_lane_it_concerns_and_recovered_from",
            "lifecycle::a_quota_that_refuses_objects_is_told_and_recovered_from",
            "refusals::pods_that_pod_security_refuses_are_told_and_recovered_from",
        ],
    ),
    (
        "a definition that comes late",
        "it is waited for",
        &["startup::an_operator_that_starts_before_its_kind_is_defined_waits_for_it"],
    ),
    (
        "others who write the status of an Ingress",
        "theirs is left alone, and nobody is fought",
        &[
            "addresses::the_status_of_ingresses_of_others_is_theirs_until_asked_for",
            "fights::somebody_who_overwrites_the_status_of_an_ingress_is_not_fought",
        ],
    ),
    (
        "rights that are withdrawn and returned",
        "no restart is needed",
        &["refusals::rights_that_are_withdrawn_and_returned_are_told_and_need_no_restart"],
    ),
    (
        "any of these, drawn by lot, then calm",
        "everything is as wanted, and writes stop",
        &["storm::whatever_befalls_its_requests_the_operator_comes_to_what_is_wanted_and_rests"],
    ),
    (
        "classes given by lot",
        "no route, certificate or key comes to another lane",
        &["leaks::whatever_classes_ingresses_name_no_route_certificate_or_key_comes_to_another_lane"],
    ),
];

async fn every_proof_is_a_test_of_this_level(_: &Cluster) -> Result<()> {
    let all: BTreeSet<String> = crate::tests().into_iter().map(|test| test.listed().name().to_owned()).collect();
    for (fault, holds, proofs) in PROOFS {
        ensure!(!proofs.is_empty(), "nothing shows that with {fault} {holds}");
        for proof in *proofs {
            ensure!(all.contains(*proof), "{fault}: there is no test {proof}");
        }
    }
    Ok(())
}
