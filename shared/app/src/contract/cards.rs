//! Claims on cards: reserved once, raised by each claim, written by the last claimant alone.

use countersign_domain::Digest;
use countersign_domain::ids::ChannelName;

use super::fixture::opened;
use crate::ports::Table;
use crate::sample::{at, channel, id, review};
use crate::store::CardRecord;

pub(super) async fn a_card_is_one_claimants_at_a_time<T: Table>(table: &T) {
    let (one, two) = (channel("slack:C0ONE"), channel("sns"));
    opened(table, 1, "deploy", review(&["slack:C0ONE", "sns"]), at(0)).await;
    opened(table, 2, "deploy", review(&["slack:C0ONE"]), at(0)).await;
    let new = |channel: &ChannelName| CardRecord::new(channel.clone(), 1);
    let cards = async |n: u32| table.whole(&id(n)).await.unwrap().unwrap().cards;

    // A new card is reserved once.
    let first = table.claim_card(&id(1), &new(&one), at(0), at(5)).await.unwrap().unwrap();
    let reserved = CardRecord {
        channel: one.clone(),
        n: 1,
        version: 1,
        posted: None,
        shows: None,
        due: Some(at(5)),
        tries: 0,
    };
    assert_eq!(first, reserved);
    assert_eq!(cards(1).await, std::slice::from_ref(&reserved));
    assert_eq!(table.claim_card(&id(1), &new(&one), at(9), at(14)).await, Ok(None), "it is there already");
    assert_eq!(cards(1).await, std::slice::from_ref(&reserved));

    // Other channels and requests have cards of their own.
    assert!(table.claim_card(&id(1), &new(&two), at(0), at(5)).await.unwrap().is_some());
    assert!(table.claim_card(&id(2), &new(&one), at(0), at(5)).await.unwrap().is_some());
    assert_eq!((cards(1).await.len(), cards(2).await.len()), (2, 1));

    // Nor is another card on the same channel the same card.
    let again = CardRecord::new(one.clone(), 2);
    let reserved_again = table.claim_card(&id(1), &again, at(0), at(0)).await.unwrap().unwrap();
    assert_eq!(reserved_again, CardRecord { version: 1, due: Some(at(0)), ..again.clone() });
    assert_eq!(table.claim_card(&id(1), &again, at(9), at(14)).await, Ok(None), "it is there already");
    assert_eq!(cards(1).await.iter().filter(|card| card.channel == one).count(), 2);

    // A claim holds until it runs out.
    assert_eq!(table.claim_card(&id(1), &first, at(4), at(9)).await, Ok(None));
    let second = table.claim_card(&id(1), &first, at(5), at(10)).await.unwrap().unwrap();
    assert_eq!(second, CardRecord { version: 2, due: Some(at(10)), ..first.clone() });
    assert_eq!(table.claim_card(&id(1), &first, at(99), at(104)).await, Ok(None), "read before the claim");

    // Only the last claimant writes.
    let posted = |card: &CardRecord, ts: &str| CardRecord {
        posted: Some(("C0ONE".into(), ts.into())),
        shows: Some(Digest::of(ts.as_bytes())),
        due: None,
        tries: 3,
        ..card.clone()
    };
    let find = async || cards(1).await.into_iter().find(|card| card.channel == one && card.n == 1).unwrap();
    assert_eq!(table.release_card(&id(1), &posted(&first, "1.1")).await, Ok(false));
    assert_eq!(find().await, second);
    let done = posted(&second, "1.2");
    assert_eq!(table.release_card(&id(1), &done).await, Ok(true));
    assert_eq!(find().await, done);

    // A released card can be claimed at once, and keeps what it shows.
    let third = table.claim_card(&id(1), &done, at(6), at(11)).await.unwrap().unwrap();
    assert_eq!(third, CardRecord { version: 3, due: Some(at(11)), ..done.clone() });
    assert_eq!(table.release_card(&id(1), &done).await, Ok(false), "its claim is not the last any more");
    let later = CardRecord { due: Some(at(60)), ..third };
    assert_eq!(table.release_card(&id(1), &later).await, Ok(true));
    assert_eq!(table.claim_card(&id(1), &later, at(59), at(64)).await, Ok(None), "not before its time");
    assert!(table.claim_card(&id(1), &later, at(60), at(65)).await.unwrap().is_some());

    // What the claimant read is written back with the claim, whatever it made of it.
    let read = cards(1).await.into_iter().find(|card| card.channel == one && card.n == 1).unwrap();
    let forced = CardRecord { shows: None, due: None, ..read.clone() };
    let claimed = table.claim_card(&id(1), &forced, at(61), at(61)).await.unwrap().unwrap();
    assert_eq!(claimed, CardRecord { version: read.version + 1, due: Some(at(61)), ..forced });
    assert_eq!(find().await, claimed);

    let unknown = CardRecord { channel: channel("slack:C0TWO"), ..later };
    assert_eq!(table.release_card(&id(1), &unknown).await, Ok(false), "nobody claimed it");
    assert_eq!(table.claim_card(&id(1), &unknown, at(99), at(104)).await, Ok(None));
}
