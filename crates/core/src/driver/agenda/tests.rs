use super::*;

fn owner(name: &str) -> LivenessMark {
    LivenessMark::WebLock { lock_name: name.into() }
}

fn lease(id: &str, holder: &str) -> Rc<ProcessLease> {
    let json = serde_json::json!({
        "processId": id,
        "owner": {"ownerId": holder, "incarnationId": holder, "liveness": {"kind": "web_lock", "lockName": holder}},
        "leaseToken": "token", "fencingToken": 1, "claimedAtMs": 0, "expiresAtMs": 30_000
    });
    Rc::new(serde_json::from_value(json).unwrap())
}

/// The processes to be read, which are being read from here on.
fn due(agenda: &mut Agenda) -> Vec<String> {
    agenda.take_due(10_000).iter().map(ToString::to_string).collect()
}

/// The processes to be begun, in that order.
fn begun(agenda: &mut Agenda) -> Vec<String> {
    std::iter::from_fn(|| agenda.take_next()).map(|next| next.id.to_string()).collect()
}

/// An agenda with a process `p` that is being read.
fn reading() -> Agenda {
    let mut agenda = Agenda::default();
    assert!(agenda.notify(&"p".into(), 0));
    assert_eq!(due(&mut agenda), ["p"]);
    agenda
}

#[test]
fn a_process_that_changed_is_read_once_however_often_it_is_notified_before_that() {
    let mut agenda = Agenda::default();
    assert!(agenda.notify(&"p".into(), 0));
    assert!(!agenda.notify(&"p".into(), 1) && !agenda.offer(&"p".into()));
    assert_eq!(due(&mut agenda), ["p"]);
    assert!(!agenda.has_due());
}

#[test]
fn processes_are_read_in_the_order_in_which_they_changed_and_in_batches() {
    let mut agenda = Agenda::default();
    ["c", "a", "b"].iter().for_each(|id| assert!(agenda.notify(&(*id).into(), 0)));
    assert_eq!(agenda.take_due(2), ["c".into(), "a".into()]);
    assert_eq!(due(&mut agenda), ["b"]);
}

#[test]
fn a_process_that_changes_while_it_is_read_is_read_again_unless_it_is_to_be_begun() {
    let id = &"p".into();
    let left_alone: [fn(&mut Agenda, &ProcessId); 4] = [
        |agenda, id| agenda.ignore(id, 5_000),
        |agenda, id| agenda.forget(id),
        |agenda, id| agenda.defer(id, 5_000),
        |agenda, id| assert!(!agenda.defer_unhandled(id, 0)),
    ];
    for leave in left_alone {
        let mut agenda = reading();
        assert!(!agenda.notify(id, 1));
        leave(&mut agenda, id);
        assert_eq!(due(&mut agenda), ["p"]);
    }
    let mut agenda = reading();
    agenda.notify(id, 1);
    agenda.make_ready(id, false, 0, 0);
    assert!(!agenda.has_due(), "the claim sees the change");
    assert_eq!(begun(&mut agenda), ["p"]);
}

#[test]
fn a_process_that_is_left_alone_is_read_when_its_time_comes() {
    let mut agenda = reading();
    agenda.defer(&"p".into(), 5_000);
    agenda.read_what_is_due(4_999);
    assert!(!agenda.has_due());
    agenda.read_what_is_due(5_000);
    assert_eq!(due(&mut agenda), ["p"]);
}

#[test]
fn a_process_that_is_left_alone_and_changes_all_the_time_is_read_once_a_second() {
    let (mut agenda, id) = (reading(), &"p".into());
    agenda.defer(id, 60_000);
    let mut read_at = Vec::new();
    for now in (100..=3_000).step_by(100) {
        agenda.notify(id, now);
        if !due(&mut agenda).is_empty() {
            read_at.push(now);
            agenda.defer(id, 60_000);
        }
    }
    assert_eq!(read_at, [100, 1_100, 2_100]);
    agenda.notify(id, 3_050);
    agenda.read_what_is_due(3_099);
    assert!(!agenda.has_due());
    agenda.read_what_is_due(3_100);
    assert_eq!(due(&mut agenda), ["p"], "the last change is not left for a minute");
}

#[test]
fn a_process_that_is_ignored_is_read_once_a_second_while_it_changes_and_forgotten_when_it_does_not() {
    let (mut agenda, id) = (reading(), &"p".into());
    agenda.ignore(id, 60_000);
    assert!(agenda.notify(id, 100));
    due(&mut agenda);
    agenda.ignore(id, 60_100);
    assert!(!agenda.notify(id, 200));
    agenda.read_what_is_due(1_100);
    assert_eq!(due(&mut agenda), ["p"]);
    agenda.ignore(id, 61_100);
    agenda.read_what_is_due(61_100);
    assert!(!agenda.has_due() && agenda.entries.is_empty());
}

#[test]
fn what_is_read_again_on_demand_is_not_held_back_by_its_notifications() {
    let (mut agenda, id) = (reading(), &"p".into());
    agenda.defer(id, 60_000);
    agenda.notify(id, 100);
    due(&mut agenda);
    agenda.defer(id, 60_000);
    assert!(!agenda.notify(id, 200));
    agenda.read_again(id);
    assert_eq!(due(&mut agenda), ["p"]);
}

#[test]
fn what_has_begun_goes_first_and_then_the_oldest() {
    let mut agenda = Agenda::default();
    for (id, has_begun, created_at_ms) in
        [("new", false, 30), ("old", false, 10), ("lost", true, 40), ("b", false, 20), ("a", false, 20)]
    {
        agenda.offer(&id.into());
        due(&mut agenda);
        agenda.make_ready(&id.into(), has_begun, 0, created_at_ms);
    }
    assert_eq!(agenda.next_has_begun(), Some(true));
    assert_eq!(begun(&mut agenda), ["lost", "old", "a", "b", "new"]);
    assert_eq!(agenda.next_has_begun(), None);
}

#[test]
fn all_that_a_dead_owner_held_is_taken_over_without_a_read_and_nothing_of_others() {
    let mut agenda = Agenda::default();
    for (id, holder) in [("p", "dead"), ("q", "alive"), ("r", "dead")] {
        agenda.defer_to(lease(id, holder), 30_000);
    }
    agenda.offer(&"new".into());
    due(&mut agenda);
    agenda.make_ready(&"new".into(), false, 0, 0);
    agenda.take_over(&owner("dead"));
    let next: Vec<_> = std::iter::from_fn(|| agenda.take_next()).collect();
    let dead = |id: &str| Next { id: id.into(), dead: Some(lease(id, "dead")) };
    assert_eq!(next, [dead("p"), dead("r"), Next { id: "new".into(), dead: None }]);
}

#[test]
fn what_changed_since_its_holder_was_seen_is_read_before_it_is_taken_over() {
    let (mut agenda, id) = (Agenda::default(), &"p".into());
    agenda.defer_to(lease("p", "dead"), 30_000);
    agenda.notify(id, 0);
    agenda.take_over(&owner("dead"));
    assert_eq!(begun(&mut agenda), [""; 0]);
    assert_eq!(due(&mut agenda), ["p"]);
}

#[test]
fn what_was_found_of_a_process_that_is_taken_over_by_then_does_not_count() {
    let (mut agenda, id) = (Agenda::default(), &"p".into());
    agenda.defer_to(lease("p", "dead"), 30_000);
    agenda.notify(id, 0);
    due(&mut agenda);
    assert!(agenda.is_reading(id));
    agenda.take_over(&owner("dead"));
    assert!(!agenda.is_reading(id));
}

#[test]
fn a_lease_is_outlasted_once_its_time_is_over_unless_it_was_renewed() {
    let mut agenda = Agenda::default();
    let held = lease("p", "other");
    agenda.defer_to(held.clone(), 30_000);
    assert!(!agenda.has_outlasted(&held, 29_999));
    agenda.read_what_is_due(30_000);
    due(&mut agenda);
    assert!(agenda.has_outlasted(&held, 30_000));
    let renewed = ProcessLease { expires_at_ms: 60_000, ..(*held).clone() };
    assert!(!agenda.has_outlasted(&renewed, 30_000));
}

#[test]
fn a_process_is_unhandled_once_it_was_seen_so_for_five_seconds_on_end() {
    let (mut agenda, id) = (reading(), &"p".into());
    assert!(!agenda.defer_unhandled(id, 1_000));
    agenda.read_what_is_due(6_000);
    due(&mut agenda);
    assert!(agenda.defer_unhandled(id, 6_000));
    agenda.defer(id, 7_000);
    agenda.read_what_is_due(7_000);
    due(&mut agenda);
    assert!(!agenda.defer_unhandled(id, 7_000), "it had a holder since");
}

#[test]
fn what_is_held_elsewhere_by_now_is_not_begun() {
    let (mut agenda, id) = (reading(), &"p".into());
    agenda.make_ready(id, false, 0, 0);
    agenda.defer_to(lease("p", "other"), 30_000);
    assert_eq!(begun(&mut agenda), [""; 0]);
    agenda.make_ready(id, false, 0, 0);
    agenda.forget(id);
    assert_eq!(begun(&mut agenda), [""; 0]);
}

#[test]
fn of_many_pending_processes_the_oldest_are_kept_and_the_next_pass_finds_the_others() {
    let mut agenda = Agenda::default();
    for number in (0..1_000).rev() {
        let id = &format!("p{number:03}").into();
        agenda.offer(id);
        due(&mut agenda);
        agenda.make_ready(id, false, 0, number);
    }
    assert_eq!((agenda.entries.len(), agenda.ready.len()), (MOST_READY, MOST_READY));
    assert!(agenda.has_dropped());
    agenda.begins_pass();
    assert!(!agenda.has_dropped());
    let kept: Vec<_> = (0..MOST_READY).map(|number| format!("p{number:03}")).collect();
    assert_eq!(begun(&mut agenda), kept);
}

#[test]
fn of_many_changed_processes_no_more_are_kept_than_are_read_soon() {
    let mut agenda = Agenda::default();
    for number in 0..5_000 {
        agenda.notify(&format!("p{number}").into(), 0);
    }
    assert_eq!(due(&mut agenda).len(), MOST_DUE);
    assert!(agenda.has_dropped());
}

#[test]
fn what_has_begun_is_never_dropped() {
    let mut agenda = Agenda::default();
    (0..1_000).for_each(|number| agenda.defer_to(lease(&number.to_string(), "dead"), 30_000));
    agenda.take_over(&owner("dead"));
    assert!(!agenda.has_dropped());
    assert_eq!(begun(&mut agenda).len(), 1_000);
}

#[test]
fn the_next_page_is_wanted_while_few_processes_are_ready_or_to_be_read() {
    let mut agenda = Agenda::default();
    for number in 0..FEW {
        assert!(agenda.has_room());
        agenda.offer(&number.to_string().into());
    }
    assert!(!agenda.has_room());
    let id = due(&mut agenda).remove(0).as_str().into();
    assert!(agenda.has_room(), "what is being read may turn out not to be pending");
    agenda.make_ready(&id, false, 0, 0);
    assert_eq!(begun(&mut agenda), ["0"]);
}

#[test]
fn after_changes_that_were_missed_all_that_is_left_alone_is_read() {
    let mut agenda = Agenda::default();
    ["a", "b"].iter().for_each(|id| agenda.defer(&(*id).into(), 60_000));
    agenda.read_all_again();
    let mut all = due(&mut agenda);
    all.sort_unstable();
    assert_eq!(all, ["a", "b"]);
}
