//! The smaller ports: tokens, workflow, notices, archive.

use countersign_domain::{RequestId, Status};
use futures::future::join_all;

use crate::log::Keep;
use crate::ports::{Archive, Execution, Notice, Resumed, Tokens, Workflow};
use crate::sample::{at, id};
use crate::store::Token;

fn token(n: u32, retry: u32, token: &str) -> Token {
    Token { n, retry, token: token.to_owned() }
}

pub(super) async fn only_a_newer_token_replaces<K: Tokens>(tokens: &K) {
    assert_eq!(tokens.get(&id(1)).await, Ok(None));
    let check = async |new: Token, stays: bool, there: &Token| {
        let what = format!("{new:?}");
        assert_eq!(tokens.put(&id(1), &new, at(9_000_000)).await, Ok(stays), "{what}");
        assert_eq!(tokens.get(&id(1)).await.unwrap().as_ref(), Some(there), "{what}");
    };
    let first = token(0, 1, "first");
    check(first.clone(), true, &first).await;
    check(token(0, 1, "the same again"), false, &first).await;
    check(token(0, 0, "an earlier try"), false, &first).await;
    let retried = token(0, 2, "a later try");
    check(retried.clone(), true, &retried).await;
    let restarted = token(1, 0, "a later execution");
    check(restarted.clone(), true, &restarted).await;
    check(token(0, 9, "an earlier execution"), false, &restarted).await;
    let late = token(10, 0, "numbers, not texts");
    check(late.clone(), true, &late).await;
    check(token(9, 10, "an earlier execution"), false, &late).await;
    assert_eq!(tokens.get(&id(2)).await, Ok(None), "another request has none");
}

pub(super) async fn one_of_many_tokens_stays<K: Tokens>(tokens: &K) {
    let all: Vec<_> = (0..8).map(|n| token(0, 0, &format!("token {n}"))).collect();
    let request = id(1);
    let stored = join_all(all.iter().map(|token| tokens.put(&request, token, at(9_000_000)))).await;
    let won: Vec<_> =
        stored.into_iter().zip(&all).filter_map(|(won, token)| won.unwrap().then_some(token)).collect();
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(tokens.get(&request).await.unwrap().as_ref(), won.first().copied());
}

pub(super) async fn an_execution_is_started_once<W: Workflow>(workflow: &W) {
    let check = async |of: &RequestId, n: u32, exists: bool| {
        let found = workflow.describe(of, n).await.unwrap();
        assert_eq!(found != Execution::Missing, exists, "execution {n} of {of}: {found:?}");
    };
    check(&id(1), 0, false).await;
    workflow.start(&id(1), 0).await.unwrap();
    check(&id(1), 0, true).await;
    workflow.start(&id(1), 0).await.unwrap();
    check(&id(1), 1, false).await;
    check(&id(2), 0, false).await;
    workflow.start(&id(1), 1).await.unwrap();
    check(&id(1), 1, true).await;
    let same = id(3);
    let starts = join_all((0..4).map(|_| workflow.start(&same, 0))).await;
    assert!(starts.iter().all(Result::is_ok), "that another was first is as good: {starts:?}");
}

pub(super) async fn a_task_is_resumed_once<W: Workflow>(
    workflow: &W,
    wait: impl AsyncFn(&W, &RequestId) -> Token,
) {
    let rubbish = token(0, 0, "not a token");
    assert_eq!(workflow.resume(&id(1), &rubbish, Status::Approved).await, Ok(Resumed::InvalidToken));
    let waiting = wait(workflow, &id(1)).await;
    assert_eq!(workflow.describe(&id(1), 0).await, Ok(Execution::Running));
    assert_eq!(workflow.resume(&id(1), &waiting, Status::Approved).await, Ok(Resumed::Resumed));
    assert_eq!(workflow.resume(&id(1), &waiting, Status::Approved).await, Ok(Resumed::Closed));

    let waiting = wait(workflow, &id(2)).await;
    let request = id(2);
    let all = join_all((0..4).map(|_| workflow.resume(&request, &waiting, Status::Rejected))).await;
    let count = |result| all.iter().filter(|r| **r == Ok(result)).count();
    assert_eq!((count(Resumed::Resumed), count(Resumed::Closed)), (1, 3), "{all:?}");
}

pub(super) async fn a_notice_is_taken<N: Notice>(notice: &N) {
    assert_eq!(
        notice.publish("Countersign: approval needed", "An agent asks.\n\nRequest: …\n").await,
        Ok(())
    );
}

pub(super) async fn an_object_is_written_once<A: Archive>(archive: &A) {
    let key = "events/req/000001.jsonl.gz";
    let check = async |key: &str, bytes: &[u8], there: Option<&[u8]>| {
        let found = archive.put_if_absent(key, bytes.to_vec(), Keep::Always).await.unwrap();
        assert_eq!(found.as_deref(), there, "{key}");
    };
    check(key, b"first", None).await;
    check(key, b"second", Some(b"first")).await;
    check(key, b"first", Some(b"first")).await;
    check("events/req/000002.jsonl.gz", b"", None).await;
    check("events/req/000002.jsonl.gz", b"more", Some(b"")).await;
    let long: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    check("long", &long, None).await;
    check("long", b"short", Some(&long)).await;
    assert_eq!(archive.oldest(key).await.unwrap().as_deref(), Some(b"first".as_slice()));
    assert_eq!(archive.oldest("events/req/00000").await.unwrap(), None, "the beginning of another's key");
    archive.derive("copy", b"one".to_vec()).await.unwrap();
    archive.derive("copy", b"two".to_vec()).await.unwrap();
}

pub(super) async fn one_of_many_writers_of_an_object_wins<A: Archive>(archive: &A) {
    let puts = (0..8_u8).map(|n| archive.put_if_absent("key", vec![n], Keep::Always));
    let found = join_all(puts).await.into_iter().map(|there| there.unwrap()).collect::<Vec<_>>();
    let winner = found.iter().position(Option::is_none).expect("one wins");
    let winner = u8::try_from(winner).unwrap();
    for (n, there) in (0_u8..).zip(&found) {
        let expected = (n != winner).then(|| vec![winner]);
        assert_eq!(there, &expected, "writer {n}: {found:?}");
    }
}

pub(super) async fn the_current_object_is_replaced_as_read<A: Archive>(archive: &A) {
    let replace = async |bytes: &[u8], read: Option<&str>| {
        archive.replace("checkpoint", bytes.to_vec(), read).await.unwrap()
    };
    let current = async || archive.current("checkpoint").await.unwrap();
    assert_eq!(current().await, None);
    assert!(!replace(b"one", Some("\"00000000000000000000000000000000\"")).await, "nothing is there");
    assert!(replace(b"one", None).await);
    let first = current().await.expect("it was written");
    assert_eq!(first.bytes, b"one");
    assert!(!replace(b"two", None).await, "something is there");
    assert!(replace(b"two", Some(&first.tag)).await);
    assert!(!replace(b"three", Some(&first.tag)).await, "it is no longer as read");
    assert_eq!(current().await.map(|current| current.bytes), Some(b"two".to_vec()));
    assert_eq!(archive.oldest("checkpoint").await.unwrap().as_deref(), Some(b"one".as_slice()));
}
