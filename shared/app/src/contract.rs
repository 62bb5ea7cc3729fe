//! What every implementation of a port must do, as one suite per port. It runs over the ports in memory and over the
//! adapters, so that a test of a step says something about the stack.
//!
//! `fresh` makes an implementation that nobody has used. The suites panic, with the place and what differs, where the
//! contract is broken. They do not wait for indexes: run them where an index is as new as its table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test suite that happens to be a library"
)]

use countersign_domain::RequestId;

use crate::ports::{Archive, Ledger, Notice, Observations, Sealer, Signer, Table, Tokens, Workflow};
use crate::store::Token;

mod agents;
mod around;
mod cards;
mod commits;
mod fixture;
mod ledger;
mod listings;
mod races;
mod sealing;
mod signing;
mod views;

/// The table.
pub async fn table<T: Table>(fresh: impl AsyncFn() -> T) {
    on(fresh().await, async |table| commits::nothing_is_there_to_begin_with(table).await).await;
    on(fresh().await, async |table| commits::a_commit_is_read_back_as_it_was_written(table).await).await;
    on(fresh().await, async |table| commits::a_commit_is_all_or_nothing(table).await).await;
    on(fresh().await, async |table| commits::the_first_word_holds_for_an_hour(table).await).await;
    on(fresh().await, async |table| commits::a_key_a_callback_and_a_cool_down_are_kept(table).await).await;
    on(fresh().await, async |table| commits::what_is_erased_is_gone_and_the_events_stay(table).await).await;
    on(fresh().await, async |table| commits::many_and_long_events_come_back_in_order(table).await).await;
    on(fresh().await, async |table| agents::a_record_counts_what_its_agent_asks(table).await).await;
    on(fresh().await, async |table| agents::a_mark_keeps_what_is_older_from_being_consumed(table).await)
        .await;
    on(fresh().await, async |table| agents::a_record_is_written_on_the_events_read(table).await).await;
    on(fresh().await, async |table| views::a_view_moves_without_the_version(table).await).await;
    on(fresh().await, async |table| views::what_is_due_comes_longest_overdue_first(table).await).await;
    on(fresh().await, async |table| cards::a_card_is_one_claimants_at_a_time(table).await).await;
    on(fresh().await, async |table| listings::live_requests_are_listed_by_agent(table).await).await;
    on(fresh().await, async |table| listings::an_agents_requests_are_listed_newest_first(table).await).await;
    on(fresh().await, async |table| listings::a_foreign_cursor_begins_anew(table).await).await;
    on(fresh().await, async |table| races::one_of_many_writers_wins(table).await).await;
    on(fresh().await, async |table| races::one_of_many_openers_wins(table).await).await;
    on(fresh().await, async |table| races::asks_do_not_stop_a_freeze(table).await).await;
    on(fresh().await, async |table| races::one_of_many_claimants_wins(table).await).await;
    on(fresh().await, async |table| races::an_ask_is_that_of_its_state(table).await).await;
}

/// The table as the log sees it.
pub async fn ledger<T: Table + Ledger>(fresh: impl AsyncFn() -> T) {
    on(fresh().await, async |table| ledger::what_is_pending_is_listed_by_subject(table).await).await;
    on(fresh().await, async |table| ledger::events_are_sealed_once_and_in_order(table).await).await;
    on(fresh().await, async |table| ledger::a_log_grows_on_what_was_read(table).await).await;
    on(fresh().await, async |table| ledger::a_transaction_takes_a_hundred_items(table).await).await;
    on(fresh().await, async |table| ledger::a_recovery_moves_the_line_and_voids(table).await).await;
    on(fresh().await, async |table| ledger::one_of_many_archivers_wins(table).await).await;
}

/// One check on a table of its own. On the heap: all of them in one future would not fit a thread's stack.
async fn on<T>(table: T, check: impl AsyncFnOnce(&T)) {
    Box::pin(check(&table)).await;
}

/// The token table.
pub async fn tokens<K: Tokens>(fresh: impl AsyncFn() -> K) {
    around::only_a_newer_token_replaces(&fresh().await).await;
    around::one_of_many_tokens_stays(&fresh().await).await;
}

/// The workflow service. `wait` starts the request's execution number 0 and gives the token under which a task of it
/// waits.
pub async fn workflow<W: Workflow>(fresh: impl AsyncFn() -> W, wait: impl AsyncFn(&W, &RequestId) -> Token) {
    around::an_execution_is_started_once(&fresh().await).await;
    around::a_task_is_resumed_once(&fresh().await, wait).await;
}

/// The topic.
pub async fn notice<N: Notice>(fresh: impl AsyncFn() -> N) {
    around::a_notice_is_taken(&fresh().await).await;
}

/// The archive.
pub async fn archive<A: Archive>(fresh: impl AsyncFn() -> A) {
    around::an_object_is_written_once(&fresh().await).await;
    around::one_of_many_writers_of_an_object_wins(&fresh().await).await;
    around::the_current_object_is_replaced_as_read(&fresh().await).await;
}

/// The signer.
pub async fn signer<S: Signer>(fresh: impl AsyncFn() -> S) {
    signing::a_signature_verifies_and_is_always_the_same(&fresh().await).await;
    signing::two_keys_are_two(&fresh().await, &fresh().await).await;
    signing::only_a_message_that_fits_is_signed(&fresh().await).await;
}

/// What an archiver makes of [`crate::sample::id`]`(1)`, which has two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archiver {
    /// It seals the request, which policy allowed.
    Seals,
    /// It seals the request, which is open.
    SealsAnOpenAsk,
    /// The log is halted.
    IsHalted,
    /// The archive does not answer it.
    Fails,
    /// It finds no such request.
    KnowsNothing,
    /// It answers after a minute.
    IsLate,
}

/// Who puts events into the log. `behind` gives a sealer with such an archiver behind it.
pub async fn sealer<S: Sealer>(behind: impl AsyncFn(Archiver) -> S) {
    sealing::what_the_archiver_does_is_told(&behind).await;
    sealing::who_is_late_is_not_waited_for(&behind).await;
}

/// A witness's memory.
pub async fn observations<O: Observations>(fresh: impl AsyncFn() -> O) {
    signing::a_checkpoint_is_remembered_as_read(&fresh().await).await;
    signing::one_of_many_observers_wins(&fresh().await).await;
}
