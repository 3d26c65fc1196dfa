//! The contract of `Storage`, held by every implementation: [`suite!`] makes one test of each promise for each.
//!
//! A new implementation is a [`Subject`] and one more line of `suite!` below.

mod chunks;
mod commits;
mod crash;
mod limits;
mod lists;
mod races;
mod restart;
mod support;
mod watches;

use std::future::Future;

use keyward::storage::{Embedded, Memory, OpenMode, Storage, StoreKind};

/// An implementation under test: a fresh, empty store of its own, gone when dropped.
pub trait Subject: Send + Sync + 'static {
    /// The store.
    type Store: Storage;
    /// An empty store.
    fn fresh() -> impl Future<Output = Self> + Send;
    /// The store.
    fn store(&self) -> &Self::Store;
}

/// A subject whose content outlives the process.
pub trait Durable: Subject + Sized {
    /// Closes the store and opens the same one again.
    fn reopen(self) -> impl Future<Output = Self> + Send;
}

struct InMemory(Memory);

impl Subject for InMemory {
    type Store = Memory;
    async fn fresh() -> Self {
        Self(Memory::new())
    }
    fn store(&self) -> &Memory {
        &self.0
    }
}

pub struct InFile {
    store: Embedded,
    directory: tempfile::TempDir,
}

impl Subject for InFile {
    type Store = Embedded;
    async fn fresh() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Embedded::open(&directory.path().join("store"), PRODUCTION).unwrap();
        Self { store, directory }
    }
    fn store(&self) -> &Embedded {
        &self.store
    }
}

impl Durable for InFile {
    async fn reopen(self) -> Self {
        let Self { store, directory } = self;
        drop(store);
        let store = Embedded::open(&directory.path().join("store"), PRODUCTION).unwrap();
        Self { store, directory }
    }
}

pub const PRODUCTION: OpenMode = OpenMode { kind: StoreKind::Production };

/// One test of each promise for `$subject`, in a module `$name`.
macro_rules! suite {
    ($name:ident, $subject:ident, [$($module:ident :: {$($promise:ident),+ $(,)?}),+ $(,)?]) => {
        mod $name {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    super::super::$module::$promise::<super::super::$subject>().await;
                })+
            })+
        }
    };
}

macro_rules! suites {
    ($($name:ident: $subject:ident),+) => {
        $(suite!($name, $subject, [
            commits::{
                a_commit_is_read_back, a_failed_expectation_changes_nothing, expectations_see_the_state_before_the_batch,
                a_deletion_can_expect_a_revision, deleting_nothing_is_no_error, a_batch_that_changes_nothing_is_judged,
                a_dropped_commit_is_whole_or_absent, revisions_grow, values_are_kept_byte_for_byte,
            },
            races::{
                one_of_many_creators_wins, no_increment_is_lost, transfers_keep_the_sum,
            },
            lists::{
                a_hundred_thousand_keys_are_paged, prefixes_are_compared_byte_for_byte, a_page_begins_after_its_mark,
                limits_of_a_list_hold,
            },
            limits::{
                a_batch_at_every_limit_is_taken, too_many_operations_are_refused, too_many_bytes_are_refused,
                too_large_a_value_is_refused, a_path_changed_twice_is_refused, too_many_expectations_are_refused,
            },
            watches::{
                a_watch_shows_each_commit_once_in_order, a_watch_from_an_old_revision_catches_up,
                a_watch_shows_only_its_prefix, a_slow_watcher_is_told_to_resync, a_future_revision_is_told_to_resync,
                a_quiet_watch_gives_signs_of_life, refused_batches_are_not_shown, a_commit_is_shown_whole,
                a_watch_ends_with_its_store, many_watchers_see_the_same,
            },
            chunks::{
                a_large_object_is_read_back, an_object_without_its_manifest_is_collected, a_claimed_object_is_kept,
                a_released_object_is_collected, a_collected_object_cannot_be_claimed, an_object_under_way_has_one_pass_of_grace,
                nothing_else_is_collected,
            },
        ]);)+
    };
}

suites!(memory: InMemory, embedded: InFile);

suite!(embedded_durable, InFile, [
    restart::{
        everything_is_there_after_a_restart, revisions_go_on_after_a_restart, a_watch_across_a_restart_is_told_to_resync,
    },
]);
