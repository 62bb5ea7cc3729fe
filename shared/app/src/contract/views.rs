//! What views write: `due` and the workflow's mark.

use countersign_domain::event::Decision;
use countersign_domain::{RequestId, Time};

use super::fixture::{Step, moved, opened, state};
use countersign_domain::leaf::Head;

use crate::ports::Table;
use crate::sample::{at, decide, id, review, words};
use crate::store::{AgentEffect, Stored, WorkflowMark};

pub(super) async fn a_view_moves_without_the_version<T: Table>(table: &T) {
    let first = opened(table, 1, "deploy", review(&[]), at(0)).await;
    let seen = Some(Time::from_millis(at(7).millis() + 8));
    let mark = WorkflowMark { n: 1, seen, looks: 5, resumed: false };
    let check = async |read: &Stored, due: Option<Time>, mark: WorkflowMark, moves: bool| {
        let before = state(table, &id(1)).await;
        let view = before.view + 1;
        let expected = if moves { Stored { due, workflow: mark, view, ..before } } else { before };
        assert_eq!(table.set_view(read, due, mark).await, Ok(moves), "{read:?} {due:?}");
        let after = state(table, &id(1)).await;
        assert_eq!(after, expected, "{read:?} {due:?}");
        after
    };
    let other = |seq: u32| Stored { head: Head { seq, ..first.head }, ..first.clone() };
    check(&other(first.version() - 1), Some(at(9)), mark, false).await;
    check(&other(first.version() + 1), None, mark, false).await;
    let mut read = check(&first, Some(at(9)), mark, true).await;
    // Who read before another looked may not move it, not even where that left it as it was.
    check(&first, None, mark, false).await;
    let resumed = WorkflowMark { resumed: true, ..WorkflowMark::default() };
    for (due, mark) in [(None, resumed), (Some(at(12)), mark), (Some(at(12)), mark)] {
        let before = read;
        read = check(&before, due, mark, true).await;
        check(&before, Some(at(99)), mark, false).await;
    }

    // Who read before the view moved may still commit; who looked before the commit may not move the view.
    let question = words("Why?");
    let command = decide(&first.request, "alice", Decision::RequestInfo, Some(&question));
    let second = moved(table, &first, command, AgentEffect::None, at(20)).await;
    check(&first, Some(at(99)), mark, false).await;
    check(&second, Some(at(99)), mark, true).await;
}

pub(super) async fn what_is_due_comes_longest_overdue_first<T: Table>(table: &T) {
    let after = |seconds: u32, millis: i64| Time::from_millis(at(seconds).millis() + millis);
    let make = async |n: u32, due: Option<Time>| {
        let stored = opened(table, n, "deploy", review(&[]), at(0)).await;
        assert_eq!(table.set_view(&stored, due, WorkflowMark::default()).await, Ok(true));
    };
    make(1, Some(after(30, 0))).await;
    make(2, Some(after(10, 0))).await;
    make(3, None).await;
    make(4, Some(after(20, 1))).await;
    let check = async |until: Time, limit: u32, expect: &[u32]| {
        let expect: Vec<RequestId> = expect.iter().map(|n| id(*n)).collect();
        let part = table.due(until, None, limit).await.unwrap();
        assert_eq!(part.items, expect, "until {until}, at most {limit}");
        // Part after part it is all of it, each once.
        let (mut all, mut cursor) = (part.items, part.next);
        while let Some(next) = cursor {
            let part = table.due(until, Some(&next), limit).await.unwrap();
            all.extend(part.items);
            cursor = part.next;
        }
        assert_eq!(all, table.due(until, None, 100).await.unwrap().items, "until {until}, {limit} a part");
        assert_eq!(table.due(until, Some("rubbish"), limit).await.unwrap().items, expect, "begins anew");
    };
    check(after(9, 999), 10, &[]).await;
    check(after(10, 0), 10, &[2]).await;
    // Never before its time, and once the second is full.
    check(after(20, 0), 10, &[2]).await;
    check(after(20, 1), 10, &[2]).await;
    check(after(21, 0), 10, &[2, 4]).await;
    check(after(99, 0), 10, &[2, 4, 1]).await;
    check(after(99, 0), 2, &[2, 4]).await;
    check(after(99, 0), 1, &[2]).await;

    // What ended may be due as well; what is owed no more is not.
    let first = state(table, &id(2)).await;
    let reason = words("No.");
    let reject = Step::then(&first, decide(&first.request, "bob", Decision::Reject, Some(&reason)), at(1));
    let rejected = Step { after: Stored { due: Some(at(25)), ..reject.after }, leaves: reject.leaves };
    table.commit(rejected.on(Some(&first))).await.unwrap();
    check(after(99, 0), 10, &[4, 2, 1]).await;
    let ended = state(table, &id(2)).await;
    table.set_view(&ended, None, ended.workflow).await.unwrap();
    check(after(99, 0), 10, &[4, 1]).await;
}
