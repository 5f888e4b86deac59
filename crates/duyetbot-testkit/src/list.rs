//! Every check by name, once: for [`crate::conformance`], and for one test each.
use futures::future::BoxFuture;

use crate::backend::Backend;

/// A check on one backend: it panics where the sentence does not hold.
pub type Check = for<'a> fn(&'a dyn Backend) -> BoxFuture<'a, ()>;

/// Makes one test of each check, in modules by subject.
///
/// `block_on` is a path to what runs a future to its end, `backend` an expression that makes a [`Backend`], evaluated
/// once a test.
///
/// ```
/// use duyetbot_core::{MemoryStore, SettableClock, Storage};
/// use duyetbot_testkit::{Backend, conformance_tests};
/// use std::sync::Arc;
///
/// #[derive(Default)]
/// struct Memory(Arc<SettableClock>);
///
/// #[async_trait::async_trait]
/// impl Backend for Memory {
///     async fn open(&self) -> Arc<dyn Storage> {
///         Arc::new(MemoryStore::new(self.0.clone()))
///     }
///     fn clock(&self) -> Arc<SettableClock> {
///         self.0.clone()
///     }
/// }
///
/// conformance_tests!(block_on = futures::executor::block_on, backend = Memory::default());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance_tests {
    (block_on = $block_on:path, backend = $backend:expr $(,)?) => {
        $crate::each_check! { one_test_each [$block_on, $backend] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! one_test_each {
    ([$block_on:path, $backend:expr] $($module:ident { $($check:ident,)* })*) => {$(
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(#[test]
            fn $check() {
                let backend = $backend;
                $block_on($crate::$module::$check(&backend));
            })*
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! list_of_checks {
    ([] $($module:ident { $($check:ident,)* })*) => {
        vec![$($((
            concat!(stringify!($module), "::", stringify!($check)),
            (|backend| Box::pin($crate::$module::$check(backend))) as $crate::Check,
        ),)*)*]
    };
}

/// Every check with its sentence.
pub fn checks() -> Vec<(&'static str, Check)> {
    crate::each_check! { list_of_checks [] }
}

#[doc(hidden)]
#[macro_export]
macro_rules! each_check {
    ($callback:ident $arguments:tt) => {
        $crate::$callback! {
            $arguments
            commits {
                a_commit_writes_its_session_messages_and_counters,
                every_field_of_a_message_comes_back,
                a_message_counts_the_bytes_of_its_row,
                the_new_messages_of_a_commit_get_consecutive_places_and_the_session_the_last,
                messages_without_a_named_parent_follow_the_head_and_each_other,
                a_message_may_hang_under_one_of_its_own_commit,
                a_commit_whose_parent_is_no_more_the_head_is_a_branch,
                a_person_who_named_the_parent_moves_the_head,
                another_root_of_a_session_is_a_branch,
                the_head_moves_from_the_first_new_messages_parent_to_the_last_new_message,
                creating_a_session_that_is_there_leaves_its_fields,
                updated_is_the_stores_now,
                a_commit_to_an_unknown_session_without_create_is_not_found,
                other_content_under_a_stored_id_is_a_conflict_and_nothing_is_overwritten,
                a_message_stored_in_another_session_is_a_conflict,
                a_missing_parent_is_a_conflict,
                a_refused_commit_writes_nothing_at_all,
                what_no_store_could_take_is_invalid,
                a_commit_takes_its_session_out_of_the_bin,
                a_commit_makes_a_completed_session_active_and_leaves_a_paused_one,
            }
            opens {
                an_open_writes_the_runs_row_and_the_sessions_run_with_it,
                a_run_is_opened_once_and_never_again,
                an_open_beside_an_active_run_is_refused,
                a_message_that_opens_no_run_is_stored_beside_an_active_one,
                an_open_after_a_run_ended_begins_another,
                an_opens_checkpoint_may_name_calls,
            }
            repeats {
                a_second_commit_of_the_same_messages_changes_nothing,
                a_repeat_answers_with_seq_head_and_run_as_they_stand_now,
                parent_created_and_usage_are_not_compared,
                no_limit_binds_a_repeat,
                another_active_run_does_not_refuse_a_repeat,
                a_repeat_leaves_its_session_in_the_bin,
                a_steps_repeat_is_not_stale_though_it_ended_the_run,
                a_steps_repeat_does_not_take_the_checkpoint_back,
                a_steps_repeat_by_an_older_epoch_is_stale,
                a_commit_without_messages_makes_its_session_once,
                a_step_without_messages_ends_its_run_once,
                a_step_without_messages_that_lets_its_run_go_on_is_no_repeat,
                a_step_without_messages_to_another_end_is_stale,
                messages_of_a_commit_that_are_stored_already_are_left_alone,
            }
            order {
                a_stale_step_is_stale_before_its_content_differs,
                a_stale_step_is_stale_before_it_is_a_repeat,
                a_stale_step_is_stale_before_its_session_is_erased_or_unknown,
                a_stale_step_is_stale_before_its_parent_is_missing,
                content_differs_before_all_is_stored,
                content_differs_before_the_session_is_unknown_or_erased,
                content_differs_before_limits_runs_and_parents,
                a_session_is_erased_or_unknown_before_limits_and_parents,
                limits_answer_in_the_order_sessions_messages_bytes,
                a_limit_answers_before_runs_and_parents,
                an_active_run_answers_before_a_missing_parent,
            }
            limits {
                as_many_sessions_as_the_limit_are_allowed_and_no_more,
                as_many_messages_as_the_limit_are_allowed_and_no_more,
                as_many_bytes_as_the_limit_are_allowed_and_no_more,
                only_new_messages_count,
                what_lies_in_the_bin_does_not_count_until_it_comes_back,
                erasing_makes_room_at_the_limit,
                no_limit_binds_a_step,
                owners_share_no_limit,
            }
            quota {
                a_distinct_blob_counts_once_until_it_is_dropped,
                blobs_and_messages_share_one_limit_at_its_edge,
                the_same_blob_again_is_taken_at_the_limit,
                what_a_run_makes_is_stored_over_the_limit,
                of_fifty_sessions_at_once_as_many_as_are_left_begin,
                of_fifty_messages_at_once_as_many_as_are_left_are_stored,
                of_fifty_bytes_and_blobs_at_once_as_many_as_fit_are_stored,
            }
            accounts {
                a_person_is_added_once_with_all_that_was_said,
                the_same_id_with_another_address_or_login_is_a_conflict,
                an_address_belongs_to_one_person_whatever_its_case,
                a_login_belongs_to_one_person,
                what_no_store_could_take_of_a_person_is_invalid,
                a_refused_person_leaves_nothing_behind,
                of_fifty_who_take_one_address_at_once_one_gets_it,
                walking_the_pages_of_people_gives_everybody_once_the_latest_first,
                the_beginning_of_an_id_finds_at_most_two_people,
            }
            users {
                a_person_without_an_account_is_not_found,
                a_profile_changes_what_is_named_and_nothing_else,
                the_same_profile_again_changes_nothing,
                what_no_store_could_take_of_a_profile_is_invalid,
                a_login_is_linked_once_and_finds_its_person,
                a_login_of_another_person_is_not_linked,
                the_first_login_of_an_invited_person_vouches_for_them_and_the_id_stays,
            }
            tokens {
                a_token_signs_its_person_in_as_what_it_is,
                an_unknown_a_revoked_and_an_expired_token_get_one_answer,
                a_token_expires_at_its_moment_and_not_before,
                the_same_token_again_answers_it_as_it_stands,
                a_token_id_or_hash_that_is_stored_otherwise_is_a_conflict,
                what_no_store_could_take_of_a_token_is_invalid,
                of_fifty_tokens_at_once_as_many_as_are_left_are_made,
                tokens_come_the_newest_first,
                another_persons_tokens_are_neither_seen_nor_revoked,
                a_use_is_noted_at_most_once_a_step_and_by_nothing_else,
            }
            usage {
                the_usage_of_days_is_their_sum_first_and_last_included,
                the_usage_of_another_owner_does_not_count,
            }
            departures {
                an_erased_person_is_gone_at_once,
                an_erasing_goes_on_until_it_is_done_and_then_nobody_is_found,
                a_sweep_finishes_an_erasing_that_was_begun,
                nothing_is_written_under_the_id_of_an_erased_person_for_good,
                the_run_of_an_erased_person_is_stale_and_nobody_takes_it_over,
                the_logins_and_the_address_of_an_erased_person_are_free,
                erasing_a_person_leaves_everybody_else,
                who_has_no_account_is_not_erased,
                no_word_of_an_erased_person_is_left_in_the_files_after_a_sweep,
            }
            steps {
                a_step_stores_its_message_and_moves_its_run,
                what_steps_used_counts_once_on_the_day_of_their_commit,
                what_is_copied_in_does_not_count_as_used,
                a_step_that_ends_its_run_clears_the_sessions_run_and_ends_the_lease,
                a_step_clears_the_draft_the_decisions_and_the_wish_to_stop,
                a_step_of_another_epoch_is_stale,
                a_dead_holders_late_step_is_refused,
                a_step_of_a_run_that_is_not_running_is_stale,
                a_lease_that_is_over_but_was_not_taken_still_holds,
                a_step_under_a_head_that_moved_is_a_branch,
                a_step_takes_its_session_out_of_the_bin,
                a_run_of_one_session_leaves_another_alone,
            }
            runs {
                every_save_renews_the_lease,
                a_draft_is_appended_chunk_by_chunk,
                a_checkpoint_replaces_the_one_before_and_keeps_the_draft,
                wait_moves_the_run_to_waiting_with_an_expiry_and_no_lease,
                a_save_of_another_epoch_is_stale_and_changes_nothing,
                a_dead_holders_save_is_refused_a_text_flush_too,
                a_save_into_a_run_that_is_not_running_is_stale,
                a_save_renews_a_lease_that_is_over_but_was_not_taken,
                a_lease_is_over_at_its_moment_and_not_before,
                the_holder_learns_of_a_wish_to_stop_by_its_next_save,
                whoever_claims_a_run_learns_of_a_wish_to_stop_that_was_asked_before,
                an_ended_run_stays_as_it_ended_when_it_is_asked_to_stop,
                the_holder_learns_of_a_far_watcher_for_as_long_as_it_said,
                what_is_asked_of_an_unknown_run_is_not_found,
            }
            waits {
                the_decision_that_leaves_none_open_moves_the_run_to_queued,
                a_queued_run_that_nobody_claims_for_a_lease_is_expired,
                the_same_decision_again_answers_the_state_as_it_is,
                another_decision_on_a_decided_call_is_a_conflict,
                a_decision_on_a_call_that_does_not_wait_is_a_conflict,
                a_step_makes_an_old_decision_a_conflict,
                waiting_anew_begins_without_decisions,
                a_decision_on_an_unknown_run_is_not_found,
                waiting_runs_are_listed_newest_first,
                a_wait_that_is_over_stays_until_somebody_ends_it,
            }
            claims {
                a_run_whose_lease_is_over_is_taken_with_all_that_it_goes_on_from,
                a_run_whose_holder_is_gone_is_taken_before_its_lease_is_over,
                a_queued_run_is_taken_at_its_place_with_its_decisions,
                one_run_is_taken_in_whatever_place_also_while_it_waits,
                there_is_nothing_to_take_of_an_ended_or_unknown_run,
                of_several_runs_the_one_opened_first_is_taken_whoever_owns_it,
                of_two_claims_at_once_one_gets_it,
                the_draft_is_only_what_the_holder_before_had_flushed,
                the_scope_that_a_claim_answers_is_that_of_the_runs_row,
                the_holders_of_places_are_those_of_their_running_runs,
                a_probe_changes_nothing_that_can_be_read,
            }
            paths {
                a_path_runs_from_the_head_backwards_and_is_answered_oldest_first,
                a_path_from_a_tip_shows_its_branch,
                an_empty_session_gives_an_empty_path,
                a_path_of_an_unknown_session_or_tip_is_not_found,
                a_message_of_another_session_is_not_found,
                all_messages_come_by_their_places_on_all_branches,
                what_lies_in_the_bin_can_still_be_read,
                a_commit_of_many_messages_is_read_whole,
            }
            sessions {
                an_unknown_or_erased_session_is_not_found,
                a_session_in_the_bin_is_answered_marked,
                sessions_come_the_latest_updated_first,
                walking_the_pages_gives_each_session_once_also_of_one_moment,
                a_session_that_does_not_change_is_met_once_while_others_do,
                there_is_a_next_page_only_where_there_is_more,
                a_page_holds_fifty_unless_another_number_is_asked_and_never_over_a_thousand,
                a_cursor_that_we_did_not_make_is_invalid,
                a_list_shows_active_and_paused_sessions_unless_states_are_named,
                a_list_shows_the_bin_or_what_lies_outside_it,
                a_list_of_a_place_shows_what_was_begun_there,
                a_title_is_found_whatever_its_case_and_no_pattern,
                the_beginning_of_an_id_finds_at_most_two_by_id,
            }
            fields {
                each_field_is_set_and_read_back,
                updated_is_now_or_what_the_change_says,
                the_same_value_again_changes_nothing,
                this_call_is_the_last_writer_though_the_clock_went_back,
                a_stamp_is_the_stores_now_or_one_more_than_the_one_it_replaces,
                a_field_of_an_unknown_session_is_not_found,
                a_head_that_is_no_message_of_the_session_is_invalid,
                metadata_that_is_no_object_is_invalid,
                the_bin_gives_count_and_bytes_back_exactly_once,
            }
            erase {
                an_erased_session_leaves_no_rows_index_or_counts,
                erasing_again_or_the_unknown_is_not_found,
                erasing_from_the_bin_gives_counts_back_exactly_once,
                a_commit_to_an_erased_session_is_a_conflict,
                a_message_of_an_erased_session_may_be_written_elsewhere,
                an_active_run_ends_with_its_session_and_its_holder_is_stale,
                the_same_id_of_another_owner_stays,
                a_blob_goes_with_the_last_row_that_names_it,
                a_sweep_erases_what_lay_in_the_bin_long_enough_of_every_owner,
                what_came_back_from_the_bin_is_not_swept,
                no_word_of_an_erased_session_is_left_in_the_files_after_a_sweep,
                erasing_one_owners_session_leaves_the_others_index,
            }
            feed {
                a_page_carries_the_row_of_every_session_that_a_message_in_it_belongs_to,
                walking_the_feed_gives_every_change_with_pages_of_any_size,
                a_feed_without_changes_stays_where_it_is,
                what_lies_in_the_bin_is_in_the_feed_marked,
                messages_at_places_leave_out_the_bin_and_what_is_not_there,
                an_owner_that_never_wrote_has_zeros,
            }
            search {
                a_term_is_found_in_pieces_and_in_contexts_newest_first,
                a_prefix_finds_every_term_that_begins_so_each_piece_once,
                at_most_so_many_pieces_a_column_the_newest,
                among_given_pieces_only_those_are_asked_about,
                many_pieces_can_be_asked_about_at_once,
                no_term_is_query_syntax,
                words_of_the_query_language_are_terms_like_any_other,
                terms_of_any_script_are_found,
                the_bin_is_not_left_out_of_postings,
                a_message_is_indexed_in_its_own_commit_and_once,
                sixty_four_pieces_of_a_message_are_told_apart,
            }
            blobs {
                bytes_come_back_as_they_were_put,
                the_same_bytes_again_answer_the_same,
                an_unknown_blob_is_not_found,
                a_blob_that_no_row_names_is_dropped_after_a_day,
                a_blob_put_again_is_kept_for_another_day,
                the_checkpoint_of_a_run_that_has_not_ended_names_blobs,
                a_blob_is_not_named_by_words_of_the_index,
            }
            owners {
                reading_what_is_another_owners_is_not_found,
                lists_and_counters_hold_nothing_of_another_owner,
                the_feed_holds_nothing_of_another_owner,
                a_search_finds_nothing_of_another_owner,
                what_is_another_owners_cannot_be_changed,
                another_owners_run_cannot_be_seen_or_moved,
                another_owner_cannot_save_into_a_run,
                a_blob_of_another_owner_is_not_found,
                the_same_ids_are_two_rows_with_two_owners,
                two_actors_of_one_owner_see_the_same,
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    #[test]
    fn every_check_is_on_the_list() {
        let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/suite");
        let mut written = BTreeSet::new();
        for entry in fs::read_dir(suite).unwrap() {
            let path = entry.unwrap().path();
            let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let names = text.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
            written.extend(names.map(|name| format!("{module}::{name}")));
        }
        let listed: BTreeSet<String> = checks().into_iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(listed, written);
    }
}
