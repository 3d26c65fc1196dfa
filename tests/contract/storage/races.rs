//! Many at once.

use std::sync::Arc;

use bytes::Bytes;
use keyward::storage::{Batch, Expect, Storage, StorageError};
use tokio::task::JoinSet;

use super::{Subject, support::*};

const TASKS: usize = 32;

pub async fn one_of_many_creators_wins<S: Subject>() {
    let subject = Arc::new(S::fresh().await);
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let subject = Arc::clone(&subject);
            tasks.spawn(async move {
                let at = format!("token/{round}");
                let batch = expecting(put(&[(&at, &task.to_string())]), &at, Expect::Absent);
                match subject.store().commit(batch).await {
                    Ok(_) => Some(task),
                    Err(StorageError::Conflict(_)) => None,
                    Err(error) => panic!("{error}"),
                }
            });
        }
        let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(text(subject.store(), &format!("token/{round}")).await.unwrap(), winners[0].to_string());
    }
}

pub async fn no_increment_is_lost<S: Subject>() {
    const EACH: u64 = 25;
    let subject = Arc::new(S::fresh().await);
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let subject = Arc::clone(&subject);
        tasks.spawn(async move {
            for _ in 0..EACH {
                change(subject.store(), &["counter"], |values| values[0] += 1).await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(number(subject.store(), "counter").await, TASKS as u64 * EACH);
}

pub async fn transfers_keep_the_sum<S: Subject>() {
    const ACCOUNTS: usize = 8;
    let subject = Arc::new(S::fresh().await);
    for account in 0..ACCOUNTS {
        change(subject.store(), &[&format!("account/{account}")], |values| values[0] = 1_000).await;
    }
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let subject = Arc::clone(&subject);
        tasks.spawn(async move {
            for round in 0..15 {
                let from = format!("account/{}", (task + round) % ACCOUNTS);
                let to = format!("account/{}", (task + round * 3 + 1) % ACCOUNTS);
                if from != to {
                    change(subject.store(), &[&from, &to], |values| {
                        values[0] -= 1;
                        values[1] += 1;
                    })
                    .await;
                }
            }
        });
    }
    tasks.join_all().await;
    let mut sum = 0;
    for account in 0..ACCOUNTS {
        sum += number(subject.store(), &format!("account/{account}")).await;
    }
    assert_eq!(sum, 1_000 * ACCOUNTS as u64);
}

async fn number(store: &impl Storage, at: &str) -> u64 {
    text(store, at).await.unwrap().parse().unwrap()
}

/// Reads, changes and commits against what was read, until nobody was faster.
async fn change(store: &impl Storage, at: &[&str], apply: impl Fn(&mut [u64])) {
    loop {
        let mut batch = Batch::default();
        let mut values = Vec::new();
        for at in at {
            let entry = get(store, at).await;
            let expect = entry.as_ref().map_or(Expect::Absent, |entry| Expect::At(entry.revision));
            batch.expect.push((path(at), expect));
            values.push(entry.map_or(0, |entry| std::str::from_utf8(&entry.value).unwrap().parse().unwrap()));
        }
        apply(&mut values);
        batch.put = at.iter().zip(values).map(|(at, value)| (path(at), Bytes::from(value.to_string()))).collect();
        match store.commit(batch).await {
            Ok(_) => return,
            Err(StorageError::Conflict(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
