//! What an agent and a reviewer see of a request in each status.

use countersign_app::memory::MemoryTable;
use countersign_app::ports::Table;
use countersign_app::sample::{
    actor, agent, allow, at, consume, decide, deny, id, review, review_with, reviewers, words,
};
use countersign_app::view::{RequestView, ReviewView};
use countersign_domain::event::{Decision, ExecutionOutcome, RevokedBecause};
use countersign_domain::refusal::Code;
use countersign_domain::request::Command;
use countersign_domain::{Status, Time};
use serde_json::json;

use crate::given::{asked, decided, done, report, state, whole, withdraw};

/// Takes a new request to the status, the way that most requests get there.
async fn reach(table: &MemoryTable, status: Status) -> Time {
    let id = id(1);
    let two = || review_with(&["slack:C0ONE"], |gate, _| gate.quorum = 2);
    match status {
        Status::Denied => {
            asked(table, 1, deny(Code::PolicyDenied)).await;
        }
        Status::Pending => {
            asked(table, 1, two()).await;
            decided(table, &id, "alice", Decision::Approve, Some("Fine by me."), at(60)).await;
        }
        Status::NeedsInfo | Status::Withdrawn => {
            asked(table, 1, review(&["slack:C0ONE"])).await;
            decided(table, &id, "alice", Decision::RequestInfo, Some("Why all of it?"), at(60)).await;
            if status == Status::Withdrawn {
                done(table, &id, Command::Tick, &[], at(1860)).await;
            }
        }
        Status::Rejected => {
            asked(table, 1, two()).await;
            decided(table, &id, "alice", Decision::Approve, Some("Fine by me."), at(60)).await;
            decided(table, &id, "bob", Decision::Reject, Some("Wrong bucket."), at(120)).await;
        }
        Status::Expired | Status::Undeliverable => {
            asked(table, 1, review(&["slack:C0ONE"])).await;
            if status == Status::Expired {
                let to = countersign_app::sample::channel("slack:C0ONE");
                done(table, &id, Command::RecordSent { to }, &[], at(1)).await;
            }
            done(table, &id, Command::Tick, &[], at(3600)).await;
        }
        Status::Approved | Status::Lapsed | Status::Revoked => {
            asked(table, 1, two()).await;
            decided(table, &id, "alice", Decision::Approve, None, at(60)).await;
            decided(table, &id, "bob", Decision::Approve, Some("Go ahead."), at(120)).await;
            if status == Status::Lapsed {
                done(table, &id, Command::Tick, &[], at(1020)).await;
            }
            if status == Status::Revoked {
                let (reason, because) =
                    (words("It is the wrong bucket after all."), RevokedBecause::Person(actor("bob")));
                let command = Command::Revoke { because, groups: reviewers(), reason: Some(reason.hash()) };
                done(table, &id, command, &[&reason], at(180)).await;
            }
        }
        Status::Consumed | Status::Succeeded | Status::Failed | Status::Unknown => {
            let evaluation = if status == Status::Failed { review(&[]) } else { allow() };
            asked(table, 1, evaluation).await;
            if status == Status::Failed {
                decided(table, &id, "alice", Decision::Approve, Some("Go ahead."), at(60)).await;
            }
            let command = consume(&state(table, &id).await.request, "deploy");
            done(table, &id, command, &[], at(180)).await;
            let outcome = match status {
                Status::Succeeded => Some(ExecutionOutcome::Succeeded),
                Status::Failed => Some(ExecutionOutcome::Failed),
                Status::Unknown => Some(ExecutionOutcome::Unknown),
                _ => None,
            };
            if let Some(outcome) = outcome {
                done(table, &id, report(outcome), &[], at(240)).await;
            }
        }
    }
    let reached = state(table, &id).await;
    assert_eq!(reached.request.status, status);
    reached.request.changed.at
}

#[tokio::test]
async fn a_request_is_seen_in_each_status() {
    for status in Status::ALL {
        let table = MemoryTable::default();
        let now = reach(&table, *status).await;
        let whole = whole(&table, &id(1)).await;
        let seen = json!({
            "agent": RequestView::of(&whole, now),
            "agent_in_a_listing": RequestView::listed(&whole.stored, now),
            "reviewer": ReviewView::of(&whole, now),
        });
        insta::assert_json_snapshot!(status.as_str(), seen);
    }
}

#[tokio::test]
async fn a_request_past_its_deadline_is_overdue_until_somebody_records_the_end() {
    let table = MemoryTable::default();
    asked(&table, 1, review(&[])).await;
    let check = async |now: u32, overdue: bool| {
        let view = RequestView::of(&whole(&table, &id(1)).await, at(now));
        assert_eq!((view.status, view.overdue), (Status::Pending, overdue), "{now}");
    };
    check(3599, false).await;
    check(3600, true).await;
}

/// What people wrote stands beside their decision and no other's words do.
#[tokio::test]
async fn nobodys_words_are_taken_for_the_decisions() {
    // Revoked without a word, just after somebody else's vote, or after the agent's answer.
    let comment = async |table: &MemoryTable| {
        let view = RequestView::of(&whole(table, &id(1)).await, at(999));
        let decision = view.decision.expect("people or a freeze decided");
        (decision.decision, decision.by.len(), decision.comment)
    };
    let table = MemoryTable::default();
    asked(&table, 1, review_with(&[], |gate, _| gate.quorum = 2)).await;
    decided(&table, &id(1), "alice", Decision::Approve, Some("Fine by me."), at(60)).await;
    done(&table, &id(1), Command::void(at(1)), &[], at(70)).await;
    assert_eq!(comment(&table).await, (Status::Revoked, 0, None));

    let table = MemoryTable::default();
    asked(&table, 1, review(&[])).await;
    decided(&table, &id(1), "alice", Decision::RequestInfo, Some("Why?"), at(60)).await;
    let answer = words("Because I say so.");
    let respond = Command::Respond { agent: agent("deploy"), answer: answer.hash(), revision: None };
    done(&table, &id(1), respond, &[&answer], at(65)).await;
    done(&table, &id(1), Command::void(at(1)), &[], at(70)).await;
    assert_eq!(comment(&table).await, (Status::Revoked, 0, None));

    let table = MemoryTable::default();
    let asked = asked(&table, 1, review(&[])).await;
    let silent = decide(&asked.request, "alice", Decision::Approve, None);
    done(&table, &id(1), silent, &[], at(60)).await;
    assert_eq!(comment(&table).await, (Status::Approved, 1, None));
}

#[tokio::test]
async fn an_erased_request_is_seen_without_its_words() {
    let table = MemoryTable::default();
    asked(&table, 1, review(&[])).await;
    decided(&table, &id(1), "bob", Decision::Reject, Some("Wrong bucket."), at(60)).await;
    table.erase(&id(1));
    let seen = serde_json::to_string(&ReviewView::of(&whole(&table, &id(1)).await, at(61))).unwrap();
    for gone in ["Wrong bucket", "s3://", "reports", "mallory", "scheduler", "arguments", "justification"] {
        assert!(!seen.contains(gone), "{gone} in {seen}");
    }
    assert!(seen.contains("rejected") && seen.contains("bob"));
    let withdrawn = table.of_agent(&agent("deploy"), None, None, 10).await.unwrap().requests;
    assert_eq!(withdrawn.len(), 1);
    let refused = withdraw(None);
    assert!(countersign_domain::decide(Some(&withdrawn[0].request), refused, at(70)).is_err());
}
