use super::*;
use crate::seal::{Drill, drill};

async fn drilled(paths: &[NewPath]) -> Drill {
    drill(&Cloud::default().made(paths).await.record)
}

#[tokio::test]
async fn two_of_three_clouds_and_three_of_five_people_survive_four_losses() {
    let table = drilled(&[clouds(), people()]).await;
    assert_eq!(table.survives_any, 4, "two clouds and three people must be gone");
    assert!(table.single_losses.iter().all(|loss| loss.survived));
    assert_eq!(table.single_losses.len(), 8);
    assert_eq!(table.fatal.len(), 30, "3 pairs of clouds times 10 triples of people");
    assert_eq!(table.coalitions[0].path, name("clouds"));
    assert_eq!(table.coalitions[0].smallest.len(), 2);
    assert_eq!(table.coalitions[1].of.len(), 5);
    assert!(table.alone.is_empty());
}

#[tokio::test]
async fn a_single_point_of_failure_and_one_who_opens_alone_are_named() {
    let table = drilled(&[NewPath { name: name("file"), k: 1, members: vec![key_member("disk", "k1")] }]).await;
    assert_eq!(table.survives_any, 0);
    assert_eq!(table.alone, ["fake k1"]);
    assert_eq!(table.fatal[0].lost, ["fake k1"]);
    assert!(!table.single_losses[0].survived);
}

#[tokio::test]
async fn a_key_that_is_in_two_paths_is_lost_in_both() {
    let one = NewPath { name: name("one"), k: 2, members: vec![key_member("a", "k1"), key_member("b", "k2")] };
    let two = NewPath { name: name("two"), k: 2, members: vec![key_member("a", "k1"), key_member("c", "k3")] };
    let table = drilled(&[one, two]).await;
    assert_eq!(table.survives_any, 0);
    assert_eq!(table.fatal.iter().map(|loss| loss.lost.join(" ")).collect::<Vec<_>>(), ["fake k1"]);
}
