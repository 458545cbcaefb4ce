//! The list of the cases, and what makes tests of it.

/// Makes a test of each case of the conformance suite, over a fresh [`Place`](crate::Place) of its own.
#[macro_export]
macro_rules! conformance {
    ($place:expr) => {
        $crate::each_case! { [$crate::tests_of_cases] $place }
        $crate::each_case_of_proofs! { [$crate::tests_of_cases] $place }
        $crate::each_case_inside! { [$crate::tests_of_cases] $place }
    };
}

/// Hands the list of the cases that any registry passes to another macro of this crate, behind what is given.
#[doc(hidden)]
#[macro_export]
macro_rules! each_case {
    ([$($macro:tt)*] $($given:expr)?) => {
        $($macro)*! { $($given;)?
            registering: [
                a_registered_process_runs_from_now_on,
                what_was_registered_is_read_back,
                every_kind_of_input_is_read_back,
                a_blank_id_is_refused,
                an_unknown_process_is_an_absence_and_not_an_error,
                the_core_event_types_are_added,
                a_core_type_that_the_caller_declares_stays_as_declared,
                a_core_terminal_type_cannot_be_declared_with_another_meaning,
                a_blank_event_type_name_is_refused,
                an_event_type_declared_twice_is_refused,
                a_terminal_type_must_say_what_waiters_get_unless_it_completes,
                an_uncompilable_schema_is_refused,
                provenance_defaults_to_the_host,
                an_external_process_is_labelled_by_its_metadata,
                a_tool_call_is_named_after_its_tool,
                an_engine_process_is_of_its_engines_kind,
                a_session_turn_is_labelled_by_its_request,
                a_blank_kind_is_refused,
                a_registration_is_hashed_over_its_canonical_form,
                registering_the_same_again_returns_the_stored_record,
                registering_an_ended_process_again_returns_its_outcome,
                registering_otherwise_is_a_conflict,
                a_conflict_says_where_the_registrations_first_differ,
                schemas_that_are_too_large_too_deep_or_too_many_are_refused,
                an_event_type_of_too_many_selectors_is_refused,
                a_selector_that_makes_too_much_of_any_payload_is_refused,
                two_tabs_that_register_alike_share_one_process,
                two_tabs_that_register_differently_have_one_winner,
                a_registration_grants_nothing,
            ]
            moving: [
                an_imported_process_is_what_was_exported,
                what_is_imported_continues_where_it_stood,
                what_is_imported_is_found_by_lists_filters_and_counts,
                importing_again_changes_nothing,
                other_content_under_the_id_is_a_conflict,
                an_ended_process_is_imported_with_its_end,
                a_lease_is_not_imported_and_fencing_tokens_rise_above_those_of_before,
                acknowledged_wakes_stay_acknowledged_and_others_do_not,
                other_ids_stand_wherever_the_process_names_them,
                a_parent_that_is_here_learns_of_an_imported_child,
                a_parent_need_not_be_here,
                one_process_of_a_key_has_begun_whatever_is_imported,
                a_process_whose_time_has_not_come_waits_for_it_as_before,
                an_import_is_counted_as_a_change_and_notified,
                two_tabs_that_import_one_process_put_it_there_once,
                what_registering_would_refuse_is_refused,
                a_log_that_no_registry_wrote_is_refused,
                events_that_no_driver_wrote_are_refused,
                what_lies_beside_a_process_must_fit_it,
                numbers_beyond_reason_are_refused,
            ]
            listing: [
                a_list_holds_what_runs_waiting_included,
                a_list_can_be_of_one_state_or_of_any,
                a_list_can_be_of_those_that_wait_or_do_not,
                a_process_moves_between_lists_as_it_changes,
                a_list_can_be_of_one_kind,
                a_list_can_be_of_one_definition_compared_as_json,
                all_filters_must_fit_at_once,
                lists_are_in_id_order_by_code_unit,
                a_page_begins_after_its_cursor_and_holds_its_limit,
                pages_of_every_filter_join_without_gap_or_repeat,
                the_non_terminal_are_those_that_have_not_ended_in_pages_too,
                a_listed_record_is_the_whole_record,
                a_list_can_be_of_all_that_have_some_labels,
                a_list_can_be_of_the_children_of_one_process,
                a_list_can_be_of_one_version_and_of_what_is_paused_or_is_not,
                a_list_can_be_in_the_order_of_age_either_way,
                a_page_by_age_begins_behind_its_cursor_whatever_became_of_that,
                a_cursor_of_no_process_is_refused_in_an_order_by_age,
                pages_of_every_filter_and_order_join_without_gap_or_repeat,
                a_count_is_that_of_the_list_for_every_filter,
                a_label_moves_between_lists_with_its_process_and_is_gone_with_it,
            ]
            forking: [
                a_fork_of_a_whole_log_lacks_its_end_and_what_asked_for_that,
                a_fork_goes_on_as_a_process_of_its_own,
                a_fork_causes_none_of_the_wakes_of_its_source,
                a_fork_from_the_start_has_an_empty_log_and_may_have_another_input,
                an_input_of_another_shape_makes_no_fork,
                the_fork_repeated_is_the_stored_record_and_another_one_a_conflict,
                a_fork_of_what_is_unknown_or_before_an_unknown_step_is_refused,
                a_fork_counts_its_types_however_many_there_are,
                a_fork_queues_behind_the_processes_of_its_key,
            ]
            marking: [
                the_first_external_reference_is_stored,
                the_same_external_reference_again_changes_nothing,
                another_external_reference_is_a_conflict,
                a_conflict_of_external_references_says_where_they_differ,
                a_mark_on_an_unknown_process_is_an_error,
                a_waiting_process_says_so_and_still_runs,
                a_wait_replaces_the_one_before,
                a_cleared_wait_is_gone,
                clearing_where_nothing_waits_changes_nothing,
                an_ended_process_cannot_wait,
                the_end_of_a_process_ends_its_wait,
            ]
            ending: [
                completing_appends_the_terminal_event_of_that_state,
                completing_alike_again_is_a_replay,
                completing_otherwise_in_the_same_state_is_a_replay_conflict,
                completing_in_another_state_is_already_terminal,
                completing_what_an_event_ended_is_already_terminal,
                completing_an_unknown_process_is_an_error,
                an_output_of_a_wrong_shape_is_refused,
                two_tabs_that_complete_differently_have_one_winner,
                completing_under_a_lease_releases_it,
                completing_under_a_lease_again_is_a_replay,
                a_lease_that_matches_in_all_but_one_thing_completes_nothing,
                an_expired_lease_completes_nothing,
                a_lease_completes_until_the_last_millisecond,
                a_released_lease_completes_nothing,
                a_lease_that_was_taken_over_completes_nothing,
                a_renewed_lease_still_completes_with_the_lease_as_it_was,
                a_leased_process_can_still_be_completed_by_the_host,
            ]
            pruning: [
                only_what_was_updated_before_the_cutoff_is_pruned,
                live_processes_are_never_pruned,
                a_late_event_puts_pruning_off,
                the_report_counts_processes_and_their_events,
                a_pruned_process_is_unknown_everywhere,
                everything_that_belonged_to_a_pruned_process_is_gone,
                a_pruned_id_may_be_registered_otherwise,
                no_wake_id_repeats_in_a_later_life_of_an_id,
                an_id_that_reads_as_a_later_life_of_another_shares_no_wake_id_with_it,
                fencing_tokens_go_on_rising_after_a_prune,
                fencing_tokens_go_on_rising_after_a_prune_under_a_lease,
                pruning_ticks_every_pruned_process,
                a_waiter_learns_at_once_that_its_process_was_pruned,
                a_wait_does_not_go_on_in_the_next_life_of_an_id,
                a_prune_of_more_than_one_batch_is_whole,
                pruning_leaves_other_processes_whole,
                deleting_removes_one_process_that_has_ended_with_all_that_belongs_to_it,
                deleting_one_that_has_not_ended_takes_force_and_ends_its_lease_and_its_waits,
                deleting_an_unknown_process_is_refused_with_force_too,
            ]
            feed: [
                the_feed_begins_with_everything_in_change_order,
                an_empty_store_has_an_empty_feed,
                a_row_changed_twice_stands_once_at_its_last_place,
                nothing_new_gives_nothing_and_the_same_cursor,
                every_change_of_a_row_is_in_the_feed,
                a_point_of_another_database_begins_anew_and_says_so,
                what_changes_no_row_is_not_in_the_feed,
                pruned_ids_are_in_the_feed,
                an_id_registered_again_is_no_longer_removed,
                the_feed_pages_without_gap_or_repeat,
                a_reader_in_another_tab_misses_nothing,
                one_commit_that_changes_several_rows_gives_each_its_own_place,
            ]
            counting: [
                events_are_counted_by_type_however_many_types_there_are,
                appends_of_one_turn_and_of_two_tabs_are_counted_in_their_order,
                a_log_of_many_types_is_read_by_any_of_them,
                the_next_life_of_an_id_begins_its_counts_anew,
                signals_of_too_many_undeclared_names_are_refused_and_known_ones_go_on,
            ]
            appending: [
                sequences_count_from_one_without_gaps,
                appends_of_two_tabs_interleave_densely,
                appends_of_one_tab_are_stored_in_call_order,
                an_absent_payload_is_null,
                an_event_is_stored_whole,
                an_append_updates_its_record,
                an_append_to_an_unknown_process_is_refused,
                an_undeclared_event_type_is_refused,
                an_event_type_may_have_any_name,
                ends_and_cancel_requests_need_a_replay_key,
                an_append_of_another_shape_is_refused,
                an_append_is_judged_in_the_order_of_the_contract,
                a_payload_that_its_schema_refuses_is_not_appended,
                a_registration_read_back_keeps_its_schemas,
                a_core_type_declared_with_a_schema_is_held_to_it,
                late_events_may_follow_the_end,
                a_second_end_is_refused,
                a_cancel_request_asks_and_ends_nothing,
                asking_twice_for_one_reason_is_recorded_once,
                an_ended_process_may_still_be_asked_to_stop,
                an_append_under_a_lease_needs_that_lease,
                an_append_under_a_lease_keeps_the_lease,
                two_tabs_that_append_under_one_key_store_one_event,
            ]
            replaying: [
                a_replay_answers_the_stored_event_and_inserts_nothing,
                a_replay_is_compared_as_json,
                an_absent_payload_replays_a_null_one,
                other_content_under_a_known_key_is_a_conflict,
                a_replay_conflict_says_what_is_stored,
                keys_of_different_processes_have_nothing_to_do_with_each_other,
                a_replay_answers_after_the_end_too,
                a_replay_under_a_lost_lease_still_answers,
            ]
            meaning: [
                a_selector_can_take_the_whole_payload,
                a_selector_can_point_into_the_payload,
                a_pointer_that_finds_nothing_refuses_the_append,
                a_selector_can_be_a_constant,
                a_selector_can_tell_whether_something_is_there,
                a_template_is_filled_in_one_pass,
                a_template_field_that_finds_nothing_refuses_the_append,
                a_selector_of_an_unknown_form_is_refused_at_registration,
                a_completing_type_without_selector_succeeds_with_its_payload,
                a_selected_await_output_is_used_as_it_is,
                a_selected_value_becomes_the_outcome_of_its_state,
                what_an_event_means_is_settled_when_it_is_appended,
                a_text_that_would_be_too_long_refuses_the_append_before_it_is_made,
            ]
            waking: [
                an_event_wakes_always_where_no_condition_is_declared,
                empty_values_do_not_wake_and_numbers_always_do,
                a_condition_that_finds_nothing_refuses_the_append,
                an_input_that_is_not_needed_is_not_selected,
                a_dedupe_key_is_the_events_identity_a_selected_text_or_fixed,
                a_wake_with_a_target_is_delivered,
                a_wake_id_is_the_documented_hash,
                a_wake_goes_to_the_records_target_unless_the_request_names_one,
                a_wake_without_a_target_is_stored_and_not_delivered,
                an_event_that_does_not_wake_has_no_delivery,
                a_replay_gives_the_same_delivery,
                wakes_that_dedupe_alike_share_an_id_per_target,
                a_wake_target_of_a_wrong_shape_is_refused,
                a_wake_target_that_reads_as_a_frame_of_another_session_is_refused,
                a_wake_is_listed_until_it_is_acknowledged,
                acknowledging_is_idempotent_and_takes_any_sequence,
                an_acknowledged_wake_stays_so_when_it_is_replayed,
            ]
            reading: [
                events_after_a_sequence_are_strictly_after_and_ascending,
                events_are_limited_from_the_front,
                events_can_be_of_some_types_merged_in_order,
                events_of_more_types_than_a_log_has_are_found_among_them,
                a_type_is_not_confused_with_one_it_begins,
                a_log_is_not_confused_with_that_of_a_process_it_begins,
                recent_events_are_the_last_ones_ascending,
                events_are_counted_by_type_up_to_a_sequence,
                an_empty_log_reads_as_empty,
                every_read_of_a_log_refuses_an_unknown_process,
                a_read_sees_what_was_written_in_calls_before_it,
                reads_of_one_turn_have_each_their_own_answer,
            ]
            granting: [
                a_grant_names_its_scope_session_and_process,
                an_unknown_process_cannot_be_granted,
                granting_again_replaces_the_descriptor,
                an_ended_process_may_be_granted,
                revoking_is_idempotent,
                a_handle_is_held_by_its_very_scope,
                a_scopes_handles_are_listed_in_id_order_ended_ones_included,
                a_processs_holders_are_listed_by_session,
                a_transfer_moves_handles_with_their_descriptors,
                a_transfer_of_one_handle_that_is_not_there_moves_none,
                a_transfer_onto_a_handle_or_onto_itself_leaves_one,
                handles_leave_process_and_log_alone,
                a_scope_that_could_be_taken_for_another_is_refused,
            ]
            sessions: [
                a_deleted_session_holds_nothing_in_any_frame,
                sessions_of_similar_names_are_left_alone,
                live_processes_are_orphaned_or_preserved_and_listed_in_order,
                wakes_no_longer_go_to_a_deleted_session,
                deleting_a_session_deletes_and_cancels_no_process,
                acknowledged_wakes_stay_acknowledged_when_their_session_is_deleted,
                deleting_a_session_again_finds_nothing,
                a_session_without_wake_target_can_be_registered_alike_after_deletion,
                a_session_id_that_is_blank_or_reads_as_a_frame_is_refused,
            ]
            leasing: [
                an_unknown_process_cannot_be_leased,
                an_ended_process_cannot_be_leased,
                a_free_process_is_acquired_on_the_first_fence,
                a_released_process_is_acquired_on_a_higher_fence,
                an_expired_lease_is_taken_over_on_a_higher_fence,
                a_lease_is_held_until_its_last_millisecond,
                the_same_incarnation_extends_its_lease,
                the_same_incarnation_gets_a_higher_fence_once_its_lease_expired,
                another_incarnation_of_the_same_owner_is_somebody_else,
                two_tabs_that_claim_at_once_have_one_winner,
                fences_of_different_processes_have_nothing_to_do_with_each_other,
                renewing_extends_the_lease_and_nothing_else,
                only_the_exact_unexpired_lease_is_renewed,
                a_released_or_lost_lease_is_not_renewed,
                releasing_with_another_token_changes_nothing,
                releasing_twice_is_fine_and_does_not_touch_the_next_holder,
                an_expired_lease_is_still_shown_and_a_released_one_is_not,
                a_holder_that_is_not_proven_dead_is_left_alone,
                an_opaque_holder_is_never_proven_dead,
                only_the_observed_holder_is_replaced,
                a_holder_is_replaced_only_by_the_lock_that_it_chose_itself,
                an_expired_or_released_holder_needs_no_proof,
                a_lease_time_out_of_range_is_refused,
                an_owner_without_a_name_is_refused,
            ]
            viewing: [
                a_session_sees_what_is_granted_to_it_and_nothing_else,
                a_frame_and_its_session_see_each_their_own,
                a_sessions_list_holds_what_runs_unless_asked_otherwise,
                a_sessions_list_is_narrowed_as_any_other,
                a_session_signals_and_cancels_what_is_granted_to_it,
                a_signal_under_an_id_is_sent_once,
                every_process_takes_signals_undeclared_and_declared_ones_as_declared,
                what_is_taken_back_is_unknown_at_once,
                a_wait_of_a_session_resolves_as_any_other,
                a_wait_of_a_session_for_an_event_may_end_with_the_process,
                a_grant_that_is_taken_back_ends_a_wait_when_it_looks_next,
                a_pruned_process_that_is_registered_again_is_not_the_one_that_was_granted,
                a_view_for_a_scope_that_could_be_taken_for_another_is_refused,
            ]
            waiting: [
                every_change_of_a_row_ticks_once_after_its_commit,
                what_changes_no_row_does_not_tick,
                the_outcome_of_an_ended_process_is_there_at_once,
                a_wait_resolves_when_its_process_ends,
                a_polling_wait_resolves_within_its_back_off,
                an_end_written_by_another_tab_is_found_within_a_second,
                waiting_for_an_unknown_process_is_an_error,
                a_wait_for_an_event_takes_the_first_that_fits,
                a_wait_for_an_event_skips_what_does_not_fit,
                a_wait_for_an_event_outlasts_the_end_of_its_process,
                a_wait_until_the_end_gives_up_at_the_end,
                a_wait_until_the_end_still_finds_what_came_before_or_after_it,
                a_wait_that_is_given_up_leaves_process_hub_and_clock_alone,
                a_wait_that_takes_too_long_times_out,
                many_waiters_on_one_process_all_resolve,
                a_feed_gives_every_event_once_in_order,
                a_feed_of_some_types_gives_only_those,
            ]
            showing: [
                the_sink_is_shown_every_appended_event,
                the_sink_is_not_shown_what_was_refused_or_replayed,
                the_sink_is_not_shown_completions,
                the_sink_is_not_shown_what_another_tab_appends,
                the_sink_is_shown_each_process_in_append_order,
            ]
            gathering: [
                appends_called_at_once_are_dense_and_in_the_order_of_their_calls,
                a_read_sees_every_one_of_many_writes_called_before_it,
                a_read_sees_a_write_called_before_it_even_where_another_read_came_first,
                operations_called_at_once_succeed_and_fail_each_for_itself,
                operations_called_at_once_build_on_those_before_them,
                appends_under_one_key_called_at_once_store_one_event,
                a_session_deleted_amid_other_calls_loses_what_was_granted_before,
                a_prune_amid_other_calls_takes_what_ended_before,
            ]
            attaching: [
                what_is_attached_is_listed_by_the_record_and_read_back,
                attachments_are_no_part_of_what_is_compared,
                an_attachment_replaces_one_of_its_name_in_its_place_and_comes_last_otherwise,
                an_attachment_that_is_taken_off_is_gone_and_taking_it_off_again_changes_nothing,
                attaching_changes_the_process_and_appends_no_event,
                what_is_attached_beside_other_calls_is_there_and_so_is_what_they_wrote,
                attachments_of_names_and_processes_that_begin_alike_are_apart,
                an_attachment_is_written_under_the_lease_alone_where_one_is_given,
                nothing_is_attached_to_an_ended_process_and_what_is_there_can_be_read_and_taken_off,
                attachments_go_with_their_process_and_are_not_those_of_its_next_life,
                a_fork_has_the_attachments_of_its_source_and_keeps_them_without_it,
                a_process_has_a_thousand_attachments_at_most,
                what_has_no_name_or_no_process_is_not_attached,
            ]
            batching: [
                processes_registered_together_are_there_in_their_order,
                nothing_together_is_nothing,
                one_registration_that_is_refused_refuses_all_and_is_named_by_its_place,
                registrations_made_together_see_those_before_them,
                events_appended_together_are_dense_and_in_their_order,
                one_event_that_is_refused_refuses_all_and_is_named_by_its_place,
                events_appended_together_see_those_before_them,
                the_sink_is_shown_events_appended_together_in_their_order,
                events_that_two_tabs_append_together_do_not_mix,
            ]
            policing: [
                a_policy_is_read_back_as_it_was_given,
                a_policy_is_no_part_of_what_is_compared,
                a_policy_that_makes_no_sense_is_refused_and_nothing_is_registered,
                a_process_waits_for_a_start_that_is_to_come_and_for_none_that_has_passed,
                a_process_whose_key_is_taken_is_the_one_that_has_it_where_that_is_wanted,
                a_process_whose_key_is_taken_is_refused_where_that_is_wanted,
                pending_processes_of_a_key_are_replaced_and_those_of_other_keys_are_not,
                a_debounced_process_starts_after_the_last_of_a_row_and_not_too_late_after_the_first,
                a_child_needs_a_parent_that_has_not_ended,
                the_children_of_a_process_are_asked_to_stop_when_it_ends_in_whatever_way,
                the_children_of_a_process_that_is_deleted_are_asked_to_stop,
                a_paused_process_says_so_until_it_is_resumed,
                what_has_ended_or_is_unknown_cannot_be_paused,
                a_pause_takes_the_lease_from_its_holder,
            ]
            closing: [
                a_closed_registry_refuses_everything_with_closed,
                a_store_fault_ends_a_wait,
                a_refusal_leaves_the_registry_working,
            ]
            reserving: [
                a_key_that_begins_like_one_of_the_drivers_is_refused,
                a_key_that_only_looks_like_one_of_the_drivers_is_the_callers_own,
                an_end_under_the_key_of_a_completion_is_that_completion,
                an_end_of_another_type_cannot_take_the_key_of_a_completion,
                a_cancel_request_under_the_key_of_its_reason_is_that_request,
                a_signal_under_the_key_of_its_name_and_id_is_that_signal,
                the_events_of_the_driver_cannot_be_appended_by_others,
                the_events_of_the_driver_cannot_be_declared,
                a_process_knows_which_event_types_it_takes,
                signals_of_so_many_undeclared_names_are_taken_and_no_more,
            ]
            naming: [
                a_registration_with_a_name_that_is_too_long_is_refused_by_its_path,
                a_registration_with_the_longest_names_is_kept,
                a_label_that_is_taken_from_a_longer_text_is_its_beginning,
                an_append_with_a_name_that_is_too_long_is_refused,
                marks_handles_and_leases_with_names_that_are_too_long_are_refused,
                a_name_of_white_space_of_any_kind_is_blank,
            ]
        }
    };
}

/// Hands the list of the cases that any registry passes whose owners can be proven dead, to another macro of this crate, each topic
/// behind the reason why it is not for the others.
#[doc(hidden)]
#[macro_export]
macro_rules! each_case_of_proofs {
    ([$($macro:tt)*] $($given:expr)?) => {
        $($macro)*! { $($given;)?
            "replaces an owner by the lock of a browser that it has no more, and a store over a network knows a lease's end alone":
            leasing: [
                fences_rise_across_release_reclaim_and_expiry,
                a_holder_proven_dead_is_replaced_before_its_lease_expires,
                a_race_to_replace_a_dead_holder_has_one_winner,
                that_an_owner_is_gone_is_found_whatever_the_limit_and_waited_for_no_longer_than_that,
                leases_leave_record_log_and_hub_alone,
            ]
        }
    };
}

/// Hands the list of the cases that no interface but Rust's own can run to another macro of this crate, each topic behind the
/// reason for that.
#[doc(hidden)]
#[macro_export]
macro_rules! each_case_inside {
    ([$($macro:tt)*] $($given:expr)?) => {
        $($macro)*! { $($given;)?
            "what drivers write: callers in JavaScript have a driver, and none of its operations":
            forking: [
                a_fork_begins_before_the_record_of_a_step,
            ]
            "what drivers write: callers in JavaScript have a driver, and none of its operations":
            attempting: [
                the_first_attempt_has_number_1_and_a_lease,
                attempts_are_counted_over_release_takeover_and_expiry,
                what_is_claimed_by_hand_is_no_attempt_and_forgets_none,
                attempts_start_over_with_a_new_registration_and_fences_go_on,
                an_attempt_at_what_is_unknown_or_has_ended_is_over_and_changes_nothing,
                an_attempt_at_what_somebody_holds_is_busy_and_not_counted,
                an_attempt_takes_over_from_the_dead_holder_that_was_observed_and_from_no_other,
                two_tabs_that_begin_an_attempt_at_once_have_one_winner,
                what_is_not_to_be_run_again_is_ended_and_released_by_the_second_attempt,
                what_is_not_to_be_run_again_and_is_registered_anew_is_run,
                what_was_asked_to_stop_before_it_was_ever_begun_is_ended_as_cancelled_without_a_run,
                what_was_begun_and_is_asked_to_stop_is_run_again_for_its_runner_to_tidy_up,
                a_process_that_is_held_elsewhere_is_not_ended_by_a_request_to_stop,
                what_a_lost_attempt_writes_is_refused_and_leaves_no_trace,
                a_run_that_waits_is_said_and_shown_to_do_so_in_one_change,
                a_wait_that_another_run_goes_on_with_has_lasted_since_the_first_and_is_said_once,
                a_wait_that_is_over_leaves_the_other_one_shown,
                a_wait_is_refused_without_the_lease_even_where_it_was_said_before,
                an_ended_process_enters_no_wait_though_a_lease_of_it_is_held,
                each_outcome_of_a_wait_is_told_in_the_log_with_the_waits_it_came_before,
                a_wait_for_any_of_several_signals_is_shown_with_all_of_them,
                a_timer_is_set_once_and_comes_out_once_its_time_has_come,
                a_failed_attempt_of_a_step_is_told_with_the_time_of_the_next_and_the_last_one_as_its_end,
                nothing_is_told_of_a_step_that_fails_after_a_cancel_request_or_without_the_lease,
                a_wait_for_a_process_is_shown_under_the_lease_since_the_first_run_that_waited,
                many_leases_are_renewed_at_once_and_the_lost_ones_are_named,
                a_lease_that_has_ended_is_not_renewed_with_others_though_nobody_took_it,
                renewing_does_not_count_as_an_attempt_nor_forget_any,
            ]
            "begins attempts and settles what is due, which drivers do":
            beginning: [
                pending_processes_are_found_by_priority_then_age_then_id,
                turns_go_on_behind_any_of_them_and_with_the_next_kind,
                a_process_is_not_begun_before_its_time,
                a_process_is_begun_at_its_time_even_before_a_driver_settled_that,
                the_next_time_at_which_something_is_due_is_known,
                a_process_of_any_kind_fails_at_its_deadline,
                a_deadline_takes_the_lease_of_a_run_in_progress,
                a_process_whose_deadline_has_passed_is_ended_by_its_claim,
                a_run_that_throws_without_a_policy_ends_its_process,
                a_run_that_throws_is_retried_by_its_policy_up_to_its_last_attempt,
                an_error_may_ask_for_another_attempt_or_refuse_it,
                what_is_thrown_after_a_cancel_request_is_not_retried,
                a_process_that_is_asked_to_stop_waits_for_no_retry,
                a_throw_without_the_lease_is_refused_and_recorded_nowhere,
                a_throw_behind_the_end_of_its_process_is_refused_and_changes_nothing,
                a_process_that_is_lost_to_crashes_without_progress_is_not_begun_for_ever,
                what_a_lost_run_recorded_counts_as_progress,
                a_run_that_is_handed_back_is_not_lost_to_a_crash,
                a_run_whose_tab_turns_out_to_live_was_not_lost_to_a_crash,
                what_requires_the_network_is_begun_by_a_host_that_is_not_offline,
                a_paused_process_is_not_begun_and_what_is_due_takes_effect_when_it_is_resumed,
                the_deadline_of_a_paused_process_goes_on,
                one_process_of_a_key_runs_at_a_time_and_the_others_follow_in_order,
                the_process_that_goes_first_is_begun_first_whichever_is_claimed_first,
                a_retry_is_not_overtaken_by_others_of_its_key,
                what_may_not_begin_yet_lets_others_of_its_key_go_first,
                a_pause_of_the_first_of_a_key_lets_the_next_one_begin,
                a_key_is_freed_by_every_end_of_the_process_that_holds_it,
                all_of_a_key_may_end_at_one_time,
                the_running_process_of_a_key_is_asked_to_stop_where_that_is_wanted,
                two_tabs_that_claim_two_processes_of_one_key_have_one_winner,
                a_child_that_was_never_begun_is_ended_as_cancelled_when_its_parent_ends,
                a_child_is_registered_under_the_lease_of_its_parent_and_no_longer,
            ]
            "writes streams as a driver does, for which runs alone are in JavaScript":
            streaming: [
                indexes_go_on_over_all_attempts_whose_numbers_chunks_carry,
                chunks_of_a_stream_that_is_resumed_carry_the_attempt_of_those_before,
                streams_of_a_process_are_apart,
                streams_are_listed_with_what_is_known_of_each,
                a_stream_changes_its_process_at_its_first_opening_and_never_again,
                a_stream_is_opened_and_written_under_the_lease_alone,
                nothing_is_put_into_a_stream_behind_the_end_of_its_process,
                a_reader_begins_at_any_index_and_ends_behind_the_last_chunk,
                a_stream_of_many_rows_is_read_in_pages,
                a_reader_waits_for_a_stream_that_is_not_there_and_ends_with_its_process,
                a_reader_of_an_unknown_process_is_refused,
                a_reader_does_not_follow_an_id_into_its_next_life,
                streams_are_pruned_with_their_process_and_begin_anew_with_its_next_life,
                chunks_that_are_kept_until_then_are_gone_when_their_process_has_ended,
                the_last_opening_says_how_long_chunks_are_kept,
                a_closed_stream_is_open_again_where_a_later_attempt_opens_it,
                a_fork_has_none_of_the_streams,
            ]
            "changes the rows behind the registry's back":
            replaying: [
                a_record_that_missed_its_end_is_repaired_by_the_replay,
                a_record_that_missed_its_end_is_repaired_by_an_append_too,
                a_counter_at_its_end_refuses_what_would_take_it_further,
            ]
            "asks the store for the change numbers of one commit":
            gathering: [
                operations_called_at_once_take_each_their_own_change_numbers,
            ]
            "asks what only the change poller asks":
            feed: [
                changed_ids_are_named_unless_they_are_too_many_or_their_beginning_is_unknown,
            ]
            "is about the text of a cursor, and calls no registry":
            feed: [
                a_cursor_is_a_text_that_reads_back,
            ]
            "is about what can be read as a filter, and calls no registry":
            listing: [
                a_filter_or_page_of_another_shape_is_refused,
            ]
            "an engine is attached to a driver in JavaScript, not to an awaiter":
            waiting: [
                an_attached_engine_is_asked_only_about_what_has_not_ended,
            ]
            "another tab in JavaScript hears of changes over a channel, which no case can hold back":
            waiting: [
                another_tab_does_not_tick_before_it_hears_of_a_change,
            ]
            "is about batches of a feed, which JavaScript gives as single events":
            waiting: [
                a_feed_until_the_end_ends_with_the_terminal_event,
            ]
            "looks up a blank id, which JavaScript refuses":
            registering: [
                a_blank_id_is_of_no_process,
            ]
        }
    };
}

/// A test of each case.
#[doc(hidden)]
#[cfg(not(target_family = "wasm"))]
#[macro_export]
macro_rules! tests_of_cases {
    ($place:expr; $($($why:literal:)? $topic:ident: [$($case:ident,)*])*) => {$($(
        #[test]
        fn $case() {
            $crate::at_once($crate::conformance::run($place, stringify!($topic), stringify!($case)));
        }
    )*)*};
}

/// A test of each case.
#[doc(hidden)]
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! tests_of_cases {
    ($place:expr; $($($why:literal:)? $topic:ident: [$($case:ident,)*])*) => {$($(
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $case() {
            $crate::conformance::run($place, stringify!($topic), stringify!($case)).await;
        }
    )*)*};
}

/// A test of each case through an interface to the registry that is not Rust's own: `$tabs` opens its tabs. The cases that reach
/// inside are ignored, each with its reason; and behind `without proofs` those that replace an owner which is proven dead.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! conformance_through {
    ($tabs:expr) => {
        $crate::each_case! { [$crate::tests_through] $tabs }
        $crate::each_case_of_proofs! { [$crate::tests_through] $tabs }
        $crate::each_case_inside! { [$crate::ignored_cases] }
    };
    ($tabs:expr, without proofs) => {
        $crate::each_case! { [$crate::tests_through] $tabs }
        $crate::each_case_of_proofs! { [$crate::ignored_cases] }
        $crate::each_case_inside! { [$crate::ignored_cases] }
    };
}

/// A test of each case.
#[doc(hidden)]
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! tests_through {
    ($tabs:expr; $($($why:literal:)? $topic:ident: [$($case:ident,)*])*) => {$($(
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $case() {
            $crate::conformance::run_through($tabs, stringify!($topic), stringify!($case)).await;
        }
    )*)*};
}

/// A test of each case, that is not run.
#[doc(hidden)]
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! ignored_cases {
    ($($why:tt: $topic:ident: [$($case:ident,)*])*) => {$($(
        #[wasm_bindgen_test::wasm_bindgen_test]
        #[ignore = $why]
        async fn $case() {}
    )*)*};
}
