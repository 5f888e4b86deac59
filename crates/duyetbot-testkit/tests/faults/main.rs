//! The suite can fail: each planted fault is caught, by the sentence that it breaks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod faulty;
mod people;
mod rates;

use async_trait::async_trait;
use duyetbot_core::{MemoryStore, SettableClock, Storage, Timestamp};
use duyetbot_testkit::{Backend, conformance, same_answers};
use faulty::{Fault, Faulty};
use futures::{FutureExt, executor::block_on};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

struct Planted {
    fault: Fault,
    clock: Arc<SettableClock>,
}

impl Planted {
    fn new(fault: Fault) -> Self {
        Planted { fault, clock: Arc::new(SettableClock::new(Timestamp(0))) }
    }
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(Faulty::new(MemoryStore::new(self.clock.clone()), self.fault))
    }
}

#[async_trait]
impl Backend for Planted {
    async fn open(&self) -> Arc<dyn Storage> {
        self.store()
    }
    fn clock(&self) -> Arc<SettableClock> {
        self.clock.clone()
    }
}

/// What the suite says of a store with this fault; none where it holds.
fn verdict(fault: Fault) -> Option<String> {
    let backend = Planted::new(fault);
    let ran = block_on(AssertUnwindSafe(conformance(&backend)).catch_unwind());
    ran.err().map(|panic| *panic.downcast::<String>().unwrap())
}

fn is_caught_by(fault: Fault, sentence: &str) {
    let verdict = verdict(fault).unwrap_or_else(|| panic!("{fault:?} is not caught"));
    let named = verdict.lines().any(|line| line.starts_with(&format!("{sentence}: ")));
    assert!(named, "{fault:?} is not caught by {sentence}, but so:\n{verdict}");
}

#[test]
fn a_store_without_a_fault_passes() {
    assert_eq!(verdict(Fault::None), None);
}

macro_rules! caught {
    ($($name:ident: $fault:ident by $sentence:literal;)*) => {$(
        #[test]
        fn $name() {
            is_caught_by(Fault::$fault, $sentence);
        }
    )*};
}

caught! {
    a_text_flush_without_a_fence:
        FlushWithoutFence by "runs::a_dead_holders_save_is_refused_a_text_flush_too";
    counts_given_back_twice:
        CountGivenBackTwice by "fields::the_bin_gives_count_and_bytes_back_exactly_once";
    a_limit_off_by_one:
        LimitOffByOne by "limits::as_many_messages_as_the_limit_are_allowed_and_no_more";
    a_foreign_message_that_can_be_read:
        ForeignRead by "owners::reading_what_is_another_owners_is_not_found";
    a_claim_that_two_get:
        ClaimByTwo by "claims::of_two_claims_at_once_one_gets_it";
    a_repeat_that_is_fresh:
        RepeatIsFresh by "repeats::a_second_commit_of_the_same_messages_changes_nothing";
    a_limit_that_binds_a_repeat:
        LimitBindsRepeat by "repeats::no_limit_binds_a_repeat";
    other_content_that_is_taken_for_a_repeat:
        ContentNotCompared by "commits::other_content_under_a_stored_id_is_a_conflict_and_nothing_is_overwritten";
    parents_checked_before_runs:
        ParentBeforeRun by "order::an_active_run_answers_before_a_missing_parent";
    a_draft_of_all_epochs:
        DraftOfAllEpochs by "claims::the_draft_is_only_what_the_holder_before_had_flushed";
    pages_that_lose_sessions_of_one_moment:
        PageLosesTies by "sessions::walking_the_pages_gives_each_session_once_also_of_one_moment";
    a_cursor_of_another_owner_that_is_taken:
        ForeignCursor by "sessions::a_cursor_that_we_did_not_make_is_invalid";
    a_lease_that_lasts_a_moment_longer:
        LeaseOverLate by "runs::a_lease_is_over_at_its_moment_and_not_before";
    a_wish_to_stop_that_is_lost:
        StopForgotten by "runs::the_holder_learns_of_a_wish_to_stop_by_its_next_save";
    a_feed_without_the_rows_of_its_messages:
        FeedWithoutRows by "feed::a_page_carries_the_row_of_every_session_that_a_message_in_it_belongs_to";
    a_term_that_is_a_prefix:
        TermIsPrefix by "search::a_term_is_found_in_pieces_and_in_contexts_newest_first";
    a_blob_that_outlives_its_session:
        BlobOutlives by "erase::a_blob_goes_with_the_last_row_that_names_it";
    a_path_with_the_newest_first:
        PathReversed by "paths::a_path_runs_from_the_head_backwards_and_is_answered_oldest_first";
    a_limit_of_blobs_off_by_one:
        BlobLimitOffByOne by "quota::blobs_and_messages_share_one_limit_at_its_edge";
    a_blob_that_counts_twice:
        BlobCountedTwice by "quota::a_distinct_blob_counts_once_until_it_is_dropped";
    an_address_that_two_people_have:
        EmailCaseMatters by "accounts::an_address_belongs_to_one_person_whatever_its_case";
    pages_that_lose_people_of_one_moment:
        PageOfPeopleLosesTies by "accounts::walking_the_pages_of_people_gives_everybody_once_the_latest_first";
    a_token_that_outlives_its_revocation:
        TokenOutlivesRevocation by "tokens::an_unknown_a_revoked_and_an_expired_token_get_one_answer";
    a_use_that_is_noted_by_signing_in:
        SigningInIsNoted by "tokens::a_use_is_noted_at_most_once_a_step_and_by_nothing_else";
    a_login_that_is_taken_over:
        LinkTakesOver by "users::a_login_of_another_person_is_not_linked";
    a_period_of_one_day:
        OneDayOnly by "usage::the_usage_of_days_is_their_sum_first_and_last_included";
    a_blob_that_outlives_its_person:
        BlobOutlives by "departures::an_erased_person_is_gone_at_once";
    an_erased_id_that_is_only_unknown:
        ErasedIdIsNotFound by "departures::nothing_is_written_under_the_id_of_an_erased_person_for_good";
}

fn differs_from_a_good_store(fault: Fault) {
    let planted = Planted::new(fault);
    let good = Planted { fault: Fault::None, clock: planted.clock.clone() };
    let play = || same_answers(|| good.store(), || planted.store(), &planted.clock, block_on, 3000);
    let panic = catch_unwind(AssertUnwindSafe(play)).expect_err("no difference was found");
    let words = panic.downcast::<String>().unwrap();
    assert!(words.starts_with("the stores differ"), "{words}");
}

#[test]
fn histories_tell_a_good_store_from_a_bad_one() {
    for fault in [
        Fault::FlushWithoutFence,
        Fault::CountGivenBackTwice,
        Fault::LimitOffByOne,
        Fault::ClaimByTwo,
        Fault::ParentBeforeRun,
        Fault::DraftOfAllEpochs,
        Fault::BlobOutlives,
        Fault::TermIsPrefix,
    ] {
        differs_from_a_good_store(fault);
    }
}
