//! What is too large is refused before anything is written.

use bytes::Bytes;
use keyward::storage::{Batch, Expect, MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS, MAX_VALUE_BYTES, Storage, StorageError};

use super::{Subject, support::*};

pub async fn a_batch_at_every_limit_is_taken<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    // Two values of the greatest size less the bytes of 100 paths of four bytes.
    let large = Bytes::from(vec![7; MAX_VALUE_BYTES]);
    let rest = Bytes::from(vec![8; MAX_BATCH_BYTES - MAX_VALUE_BYTES - 4 * MAX_BATCH_OPERATIONS]);
    let mut put = vec![(path("p/00"), large.clone()), (path("p/01"), rest)];
    put.extend((2..MAX_BATCH_OPERATIONS).map(|n| (path(&format!("p/{n:02}")), Bytes::new())));
    let expect = (0..MAX_BATCH_OPERATIONS).map(|n| (path(&format!("p/{n:02}")), Expect::Absent)).collect();
    let batch = Batch { expect, put, delete: Vec::new() };
    assert_eq!(batch.bytes(), MAX_BATCH_BYTES);
    store.commit(batch).await.unwrap();
    assert_eq!(get(store, "p/00").await.unwrap().value, large);
    assert_eq!(paths(store, "p/", None, 1_000).await.len(), MAX_BATCH_OPERATIONS);
}

pub async fn too_many_operations_are_refused<S: Subject>() {
    let half = MAX_BATCH_OPERATIONS / 2;
    let put = (0..half).map(|n| (path(&format!("p/{n}")), Bytes::new())).collect();
    let delete = (0..=half).map(|n| path(&format!("d/{n}"))).collect();
    refused::<S>(Batch { put, delete, ..Batch::default() }, MAX_BATCH_OPERATIONS + 1).await;
}

pub async fn too_many_bytes_are_refused<S: Subject>() {
    let mut put: Vec<_> =
        (0..2).map(|n| (path(&format!("p/{n}")), Bytes::from(vec![0; MAX_VALUE_BYTES - 3]))).collect();
    put.push((path("q"), Bytes::new()));
    refused::<S>(Batch { put, ..Batch::default() }, MAX_BATCH_BYTES + 1).await;
}

pub async fn too_large_a_value_is_refused<S: Subject>() {
    let put = vec![(path("p"), Bytes::from(vec![0; MAX_VALUE_BYTES + 1]))];
    refused::<S>(Batch { put, ..Batch::default() }, MAX_VALUE_BYTES + 1).await;
}

pub async fn too_many_expectations_are_refused<S: Subject>() {
    let expect = (0..=MAX_BATCH_OPERATIONS).map(|n| (path(&format!("p/{n}")), Expect::Absent)).collect();
    refused::<S>(Batch { expect, ..put(&[("p", "1")]) }, MAX_BATCH_OPERATIONS + 1).await;
}

pub async fn a_path_changed_twice_is_refused<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let twice =
        [put(&[("p", "1"), ("p", "2")]), Batch { delete: vec![path("p")], ..put(&[("p", "1")]) }, delete(&["p", "p"])];
    for batch in twice {
        assert!(matches!(store.commit(batch).await, Err(StorageError::Malformed(_))));
    }
    assert!(paths(store, "", None, 10).await.is_empty());
}

async fn refused<S: Subject>(batch: Batch, found: usize) {
    let subject = S::fresh().await;
    let store = subject.store();
    match store.commit(batch).await {
        Err(StorageError::TooLarge { size, .. }) => assert_eq!(size, found),
        other => panic!("{other:?}"),
    }
    assert!(paths(store, "", None, 10).await.is_empty());
    assert_eq!(store.revision().await.unwrap().0, 0);
}
