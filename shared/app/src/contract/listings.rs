//! Listings: their order and their pages.

use countersign_domain::request::Command;
use countersign_domain::{AgentId, Code, RequestId, Status};

use super::fixture::{moved, opened};
use crate::ports::Table;
use crate::sample::{agent, allow, at, deny, id, review};
use crate::store::{AgentEffect, Page};

/// Every page of a listing, from its beginning to its end.
async fn all(mut page: impl AsyncFnMut(Option<&str>) -> Page, limit: usize) -> Vec<RequestId> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..50 {
        let part = page(cursor.as_deref()).await;
        assert!(
            part.requests.len() <= limit,
            "a page of {} where {limit} were asked for",
            part.requests.len()
        );
        found.extend(part.requests.into_iter().map(|stored| stored.request.id));
        match part.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
    panic!("a listing without an end: {found:?}");
}

fn ids(numbers: &[u32]) -> Vec<RequestId> {
    numbers.iter().map(|n| id(*n)).collect()
}

pub(super) async fn live_requests_are_listed_by_agent<T: Table>(table: &T) {
    let withdraw = |role: &str| Command::Withdraw { agent: agent(role), reason: None };
    let ended = AgentEffect::Ended { rejected: false };
    for n in [1, 2, 4] {
        opened(table, n, "deploy", review(&[]), at(n)).await;
    }
    opened(table, 3, "deploy", allow(), at(3)).await;
    opened(table, 5, "deploy", deny(Code::PolicyDenied), at(5)).await;
    opened(table, 6, "other", review(&[]), at(6)).await;
    let second = table.state(&id(2)).await.unwrap().unwrap();
    moved(table, &second, withdraw("deploy"), ended, at(7)).await;

    let check = async |of: Option<&AgentId>, limit: u32, expect: Vec<RequestId>| {
        let page = async |cursor: Option<&str>| table.live(of, cursor, limit).await.unwrap();
        let found = all(page, usize::try_from(limit).unwrap_or(usize::MAX)).await;
        assert_eq!(found, expect, "{of:?}, {limit} a page");
    };
    let (deploy, other) = (agent("deploy"), agent("other"));
    for limit in [1, 2, 3, 100] {
        check(Some(&deploy), limit, ids(&[4, 3, 1])).await;
        check(Some(&other), limit, ids(&[6])).await;
        check(Some(&agent("nobody")), limit, Vec::new()).await;
        // Of all agents: each once, and newest first within an agent.
        let greater_first = if deploy > other { ids(&[4, 3, 1, 6]) } else { ids(&[6, 4, 3, 1]) };
        check(None, limit, greater_first).await;
    }
    let page = table.live(Some(&deploy), None, 10_000).await.unwrap();
    assert_eq!((page.requests.len(), page.next), (3, None), "a page has a greatest size of its own");
    assert_eq!(page.requests[0], table.state(&id(4)).await.unwrap().unwrap());
}

pub(super) async fn an_agents_requests_are_listed_newest_first<T: Table>(table: &T) {
    let deploy = agent("deploy");
    for n in 1..=4 {
        opened(table, n, "deploy", review(&[]), at(n)).await;
    }
    opened(table, 9, "other", review(&[]), at(5)).await;
    for n in [5, 7] {
        opened(table, n, "deploy", deny(Code::PolicyDenied), at(n)).await;
    }
    // The order is that of asking, which an id's clock need not have.
    opened(table, 6, "deploy", allow(), at(8)).await;

    let check = async |status: Option<Status>, limit: u32, expect: &[u32]| {
        let page = async |cursor: Option<&str>| table.of_agent(&deploy, status, cursor, limit).await.unwrap();
        let found = all(page, usize::try_from(limit).unwrap_or(usize::MAX)).await;
        assert_eq!(found, ids(expect), "{status:?}, {limit} a page");
    };
    for limit in [1, 3, 7, 100] {
        check(None, limit, &[6, 7, 5, 4, 3, 2, 1]).await;
        check(Some(Status::Denied), limit, &[7, 5]).await;
        check(Some(Status::Pending), limit, &[4, 3, 2, 1]).await;
        check(Some(Status::Consumed), limit, &[]).await;
    }
    assert_eq!(
        table.of_agent(&agent("nobody"), None, None, 10).await.unwrap(),
        Page { requests: vec![], next: None }
    );
}

pub(super) async fn a_foreign_cursor_begins_anew<T: Table>(table: &T) {
    let (deploy, other) = (agent("deploy"), agent("other"));
    for n in 1..=3 {
        opened(table, n, "deploy", review(&[]), at(n)).await;
        opened(table, n + 10, "other", review(&[]), at(n)).await;
    }
    let live =
        async |of: Option<&AgentId>, cursor: &str| table.live(of, Some(cursor), 10).await.unwrap().requests;
    let its =
        async |of: &AgentId, cursor: &str| table.of_agent(of, None, Some(cursor), 10).await.unwrap().requests;
    let next = async |of: Option<&AgentId>| table.live(of, None, 1).await.unwrap().next.unwrap();
    let of_agent = table.of_agent(&other, None, None, 1).await.unwrap().next.unwrap();
    let of_live = next(Some(&other)).await;
    assert_eq!(live(Some(&other), &of_live).await.len(), 2, "its own cursor goes on");
    assert_eq!(its(&other, &of_agent).await.len(), 2, "its own cursor goes on");

    for cursor in ["", "rubbish", "cnViYmlzaA", "%00", of_agent.as_str()] {
        assert_eq!(live(Some(&deploy), cursor).await.len(), 3, "live after {cursor:?}");
        assert_eq!(live(None, cursor).await.len(), 6, "live of all after {cursor:?}");
    }
    assert_eq!(live(Some(&deploy), &of_live).await.len(), 3, "another agent's cursor");
    for cursor in ["", "rubbish", of_live.as_str()] {
        assert_eq!(its(&deploy, cursor).await.len(), 3, "of the agent after {cursor:?}");
    }
    // A cursor that was made for another agent shows this agent's requests or fewer, never the other's.
    assert!(its(&deploy, &of_agent).await.iter().all(|stored| stored.request.agent == deploy));
}
