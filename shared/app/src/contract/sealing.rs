//! The sealer: what it tells of an archiver that does its work, does not, or is late.

use std::time::Duration;

use crate::contract::Archiver;
use crate::ports::{Seal, SealError, Sealer};
use crate::sample::id;

/// Longer than an archiver takes here that answers at all.
const LONG: Duration = Duration::from_secs(20);

pub(super) async fn what_the_archiver_does_is_told<S: Sealer>(behind: impl AsyncFn(Archiver) -> S) {
    let seal = async |archiver| behind(archiver).await.seal(&id(1), LONG).await;
    let Ok(Seal { events, receipt: Some(receipt) }) = seal(Archiver::Seals).await else {
        panic!("an allowed ask has a receipt");
    };
    assert!(events == 2 && !receipt.is_empty(), "{events} {receipt}");
    assert_eq!(seal(Archiver::SealsAnOpenAsk).await, Ok(Seal { events: 2, receipt: None }));
    assert_eq!(seal(Archiver::IsHalted).await, Err(SealError::Halted));
    for archiver in [Archiver::Fails, Archiver::KnowsNothing] {
        let told = seal(archiver).await;
        assert!(matches!(told, Err(SealError::Unavailable(_))), "{archiver:?}: {told:?}");
    }
}

pub(super) async fn who_is_late_is_not_waited_for<S: Sealer>(behind: impl AsyncFn(Archiver) -> S) {
    let began = std::time::Instant::now();
    let late = behind(Archiver::IsLate).await.seal(&id(1), Duration::from_millis(200)).await;
    assert!(matches!(late, Err(SealError::Unavailable(_))), "{late:?}");
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
}
