//! Objects larger than one value, and what is left when nobody finishes them.

use bytes::Bytes;
use keyward::storage::{
    Batch, Expect, MAX_VALUE_BYTES, Storage, StorageError,
    chunks::{Object, ObjectId, ObjectWriter, Orphans},
};

use super::{Subject, support::*};

const AREA: &str = "large";

/// Three chunks of different length.
fn pieces(seed: u8) -> [Bytes; 3] {
    [MAX_VALUE_BYTES, 1, 70_000].map(|len| (0..len).map(|n| (n as u8).wrapping_mul(31) ^ seed).collect())
}

async fn begin<'a, S: Storage>(store: &'a S, id: u8) -> (Object, ObjectWriter<'a>) {
    let object = Object::new(AREA, ObjectId([id; 16]));
    let mut writer = ObjectWriter::new(store, object.clone());
    for (index, piece) in pieces(id).into_iter().enumerate() {
        assert_eq!(writer.next_path().unwrap(), object.chunk(index as u32).unwrap());
        writer.push(piece).await.unwrap();
    }
    (object, writer)
}

async fn write<S: Storage>(store: &S, id: u8) -> Object {
    let (object, writer) = begin(store, id).await;
    let mut batch = put(&[(&format!("manifest/{id}"), "sealed")]);
    assert_eq!(writer.claim(&mut batch).unwrap(), 3);
    store.commit(batch).await.unwrap();
    object
}

async fn is_whole<S: Storage>(store: &S, object: &Object, id: u8) -> bool {
    for (index, piece) in pieces(id).into_iter().enumerate() {
        if object.read(store, index as u32).await.unwrap() != Some(piece) {
            return false;
        }
    }
    object.read(store, 3).await.unwrap().is_none()
}

async fn is_gone<S: Storage>(store: &S, id: u8) -> bool {
    paths(store, &format!("{AREA}/{}/", ObjectId([id; 16])), None, 10).await.is_empty()
}

pub async fn a_large_object_is_read_back<S: Subject>() {
    let subject = S::fresh().await;
    let object = write(subject.store(), 1).await;
    assert!(is_whole(subject.store(), &object, 1).await);
}

pub async fn an_object_without_its_manifest_is_collected<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let (_, writer) = begin(store, 1).await;
    drop(writer);
    let mut orphans = Orphans::new(AREA);
    assert_eq!(orphans.collect(store).await.unwrap(), 0);
    assert_eq!(orphans.collect(store).await.unwrap(), 1);
    assert!(is_gone(store, 1).await);
    assert_eq!(orphans.collect(store).await.unwrap(), 0);
}

pub async fn a_claimed_object_is_kept<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let mut orphans = Orphans::new(AREA);
    let kept = write(store, 2).await;
    begin(store, 1).await;
    begin(store, 3).await;
    let collected = orphans.collect(store).await.unwrap() + orphans.collect(store).await.unwrap();
    assert_eq!(collected, 2);
    assert!(is_whole(store, &kept, 2).await);
}

pub async fn a_released_object_is_collected<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let object = write(store, 1).await;
    let mut batch = delete(&["manifest/1"]);
    object.release(&mut batch).unwrap();
    store.commit(batch).await.unwrap();
    let mut orphans = Orphans::new(AREA);
    orphans.collect(store).await.unwrap();
    assert_eq!(orphans.collect(store).await.unwrap(), 1);
    assert!(is_gone(store, 1).await);
}

pub async fn a_collected_object_cannot_be_claimed<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let (_, writer) = begin(store, 1).await;
    let mut orphans = Orphans::new(AREA);
    orphans.collect(store).await.unwrap();
    orphans.collect(store).await.unwrap();
    let mut batch = put(&[("manifest/1", "sealed")]);
    writer.claim(&mut batch).unwrap();
    assert!(matches!(store.commit(batch).await, Err(StorageError::Conflict(_))));
    assert!(get(store, "manifest/1").await.is_none());
}

pub async fn an_object_under_way_has_one_pass_of_grace<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let mut orphans = Orphans::new(AREA);
    let (object, writer) = begin(store, 1).await;
    orphans.collect(store).await.unwrap();
    let mut batch = put(&[("manifest/1", "sealed")]);
    writer.claim(&mut batch).unwrap();
    store.commit(batch).await.unwrap();
    for _ in 0..3 {
        assert_eq!(orphans.collect(store).await.unwrap(), 0);
    }
    assert!(is_whole(store, &object, 1).await);
    // An id is used once.
    let mut again = ObjectWriter::new(store, object);
    assert!(matches!(again.push(Bytes::new()).await, Err(StorageError::Conflict(_))));
    assert!(matches!(again.claim(&mut Batch::default()), Err(StorageError::Malformed(_))));
}

pub async fn nothing_else_is_collected<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let id = ObjectId([7; 16]);
    let others = [
        "large".to_owned(),
        "large/".to_owned(),
        "large/odd".to_owned(),
        format!("large/{id}"),
        format!("large/{id}/zzzzzzzz"),
        format!("large/{id}/00000000/0"),
        format!("large0/{id}/00000000"),
        "large/not-an-id/00000000".to_owned(),
    ];
    for at in &others {
        store.commit(expecting(put(&[(at, "x")]), at, Expect::Absent)).await.unwrap();
    }
    let mut orphans = Orphans::new(AREA);
    orphans.collect(store).await.unwrap();
    assert_eq!(orphans.collect(store).await.unwrap(), 0);
    for at in &others {
        assert!(get(store, at).await.is_some(), "{at}");
    }
}
