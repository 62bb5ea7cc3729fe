//! Cards converge on the request as it is, whatever chat does meanwhile.

use std::sync::LazyLock;

use countersign_app::cards::{Cards, Converged};
use countersign_app::commit::{With, execute};
use countersign_app::log::LogHead;
use countersign_app::memory::{MemoryNotice, MemoryTable, Op, tokio_now};
use countersign_app::ports::{PortError, Table};
use countersign_app::sample::{
    SOURCE, allow, ask, at, channel, consume, id, origin, review, review_with, words,
};
use countersign_app::slack::LazySlack;
use countersign_app::store::CardRecord;
use countersign_chat::slack::{ChatError, MemoryChat};
use countersign_domain::event::Decision;
use countersign_domain::ids::Origin;
use countersign_domain::leaf::Head;
use countersign_domain::request::{Command, NewRevision};
use countersign_domain::review::{Level, Outcome};
use countersign_domain::time::Seconds;
use countersign_domain::{Fact, Status, Time};

use crate::gate::GateChat;
use crate::given::{asked, decided, done, events, kinds, state, whole, withdraw};

static LOG: LazyLock<Origin> = LazyLock::new(origin);

/// A stack with a workspace.
#[derive(Default)]
pub struct Stack {
    pub table: MemoryTable,
    pub chat: GateChat,
    pub notice: MemoryNotice,
}

impl Stack {
    /// Brings the cards of the request number 1 up to date.
    pub async fn converge(&self, now: Time) -> Result<Option<Converged>, PortError> {
        self.cards().converge(&id(1), now).await
    }

    fn cards(&self) -> Cards<'_, MemoryTable, MemoryChat, MemoryNotice> {
        Cards {
            table: &self.table,
            chat: &self.chat,
            notice: &self.notice,
            policy: None,
            source: SOURCE,
            log: &LOG,
        }
    }

    /// The same where it must work; gives when a card must be tried again.
    pub async fn due(&self, now: Time) -> Option<Time> {
        let converged = self.converge(now).await.unwrap().unwrap();
        assert_eq!(converged.stored, state(&self.table, &id(1)).await, "the request as it is");
        converged.due
    }

    /// Every message: its channel, what it says first, and how often it was updated.
    pub fn shown(&self) -> Vec<(String, String, u32)> {
        let first =
            |blocks: &[serde_json::Value]| blocks[0]["text"]["text"].as_str().unwrap_or_default().to_owned();
        let messages = self.chat.messages().into_iter();
        messages.map(|kept| (kept.place.channel, first(&kept.message.blocks), kept.updates)).collect()
    }

    /// The types of the request's events after those of asking.
    pub async fn kinds(&self) -> Vec<&'static str> {
        kinds(&self.table, &id(1)).await.split_off(2)
    }

    /// The one card of the request.
    pub async fn card(&self) -> CardRecord {
        let cards = whole(&self.table, &id(1)).await.cards;
        assert_eq!(cards.len(), 1, "{cards:?}");
        cards.into_iter().next().unwrap()
    }
}

pub const ONE: &str = "C0ONE";
pub const NEEDED: &str = "Approval needed";

pub fn message(channel: &str, headline: &str, updates: u32) -> (String, String, u32) {
    (channel.to_owned(), headline.to_owned(), updates)
}

fn unreachable() -> ChatError {
    ChatError::Unreachable("no answer".into())
}

fn refused(code: &str) -> ChatError {
    ChatError::Refused { code: code.to_owned(), needed: None }
}

#[tokio::test]
async fn the_first_post_is_recorded_once_and_then_updated() {
    let stack = Stack::default();
    asked(&stack.table, 1, review_with(&["slack:C0ONE"], |gate, _| gate.quorum = 2)).await;
    assert_eq!(stack.due(at(1)).await, None);
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 0)]);
    assert_eq!(stack.kinds().await, ["notification.sent"]);
    let card = stack.card().await;
    assert_eq!((card.posted, card.due, card.tries), (Some((ONE.into(), "1.000000".into())), None, 0));

    assert_eq!(stack.due(at(2)).await, None);
    assert_eq!(stack.chat.calls(), 1, "it shows the request as it is");
    decided(&stack.table, &id(1), "alice", Decision::Approve, None, at(3)).await;
    assert_eq!(stack.due(at(3)).await, None);
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 1)], "one vote of two");
    decided(&stack.table, &id(1), "bob", Decision::Approve, None, at(4)).await;
    assert_eq!(stack.due(at(4)).await, None);
    assert_eq!(stack.shown(), [message(ONE, "✔ Approved, not used yet", 2)]);
    assert_eq!(stack.kinds().await, ["notification.sent", "vote.cast", "vote.cast", "decision.approved"]);
    assert_eq!(stack.converge(at(5)).await.unwrap().unwrap().stored, state(&stack.table, &id(1)).await);
}

#[tokio::test]
async fn chat_that_is_down_is_recorded_once_and_heals() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    stack.chat.set_down(Some(unreachable()));
    // The wait doubles up to a minute.
    let mut now = 1;
    for wait in [2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(stack.due(at(now)).await, Some(at(now + wait)));
        let calls = stack.chat.calls();
        assert_eq!(stack.due(at(now + wait - 1)).await, Some(at(now + wait)), "not before its time");
        assert_eq!(stack.chat.calls(), calls);
        now += wait;
    }
    assert_eq!(stack.kinds().await, ["notification.failed"]);
    let failed = events(&stack.table, &id(1)).await.pop().unwrap().fact;
    let expected = Fact::NotificationFailed { to: channel("slack:C0ONE"), error: "unreachable".into() };
    assert_eq!(failed, expected);
    assert_eq!((stack.card().await.tries, stack.shown().len()), (7, 0));

    stack.chat.set_down(None);
    assert_eq!(stack.due(at(now)).await, None);
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 0)]);
    assert_eq!(stack.kinds().await, ["notification.failed", "notification.sent"]);
    assert_eq!(stack.card().await.tries, 0);
}

#[tokio::test]
async fn each_failure_has_its_own_wait() {
    async fn check(error: ChatError, word: &str, wait: u32) {
        let stack = Stack::default();
        asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
        stack.chat.fail_next(error.clone());
        assert_eq!(stack.due(at(1)).await, Some(at(1 + wait)), "{error}");
        let event = events(&stack.table, &id(1)).await.pop().unwrap();
        assert_eq!(event.fact, Fact::NotificationFailed { to: channel("slack:C0ONE"), error: word.into() });
        assert_eq!(stack.due(at(wait)).await, Some(at(1 + wait)), "{error}: not before its time");
        assert_eq!(stack.chat.calls(), 1, "{error}");
        assert_eq!(stack.due(at(1 + wait)).await, None, "{error}");
    }
    check(ChatError::RateLimited { retry_after: Seconds(37) }, "ratelimited", 37).await;
    check(ChatError::RateLimited { retry_after: Seconds(300) }, "ratelimited", 300).await;
    check(refused("channel_not_found"), "channel_not_found", 60).await;
    check(refused("internal_error"), "internal_error", 2).await;
    check(ChatError::Malformed("ok"), "malformed", 2).await;
    check(ChatError::NoSecret, "no_secret", 2).await;
}

#[tokio::test]
async fn a_stack_without_chat_says_so_and_keeps_its_notices() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE", "sns"])).await;
    let none = LazySlack::<MemoryChat>::new(None, |_| Ok(MemoryChat::new()), tokio_now);
    let cards = Cards {
        chat: &none,
        table: &stack.table,
        notice: &stack.notice,
        policy: None,
        source: SOURCE,
        log: &LOG,
    };
    let converged = cards.converge(&id(1), at(1)).await.unwrap().unwrap();
    assert_eq!(converged.due, Some(at(61)));
    assert_eq!(stack.kinds().await, ["notification.failed", "notification.sent"]);
    let published = stack.notice.published();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].subject, "Countersign: approval needed");
    for words_of_the_agents in ["s3.sync", "reports", "The reports of last year", "mallory", "build-4711"] {
        assert!(!published[0].text.contains(words_of_the_agents), "{}", published[0].text);
    }
    assert!(published[0].text.contains(id(1).as_str()));
    // A notice cannot be changed, so nothing more is said when the request ends.
    done(&stack.table, &id(1), withdraw(None), &[], at(2)).await;
    cards.converge(&id(1), at(2)).await.unwrap();
    assert_eq!(stack.notice.published(), published);
}

#[tokio::test]
async fn a_topic_that_is_down_is_tried_again() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["sns"])).await;
    stack.notice.faults.fail_next(Op::Publish, PortError::Unavailable("no answer".into()));
    assert_eq!(stack.due(at(1)).await, Some(at(3)));
    assert_eq!(stack.due(at(3)).await, None);
    assert_eq!(stack.kinds().await, ["notification.failed", "notification.sent"]);
    assert_eq!(stack.notice.published().len(), 1);
}

#[tokio::test]
async fn one_channel_does_not_hold_up_another() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE", "slack:C0TWO"])).await;
    stack.chat.fail_next(unreachable());
    assert_eq!(stack.due(at(1)).await, Some(at(3)));
    assert_eq!(stack.shown(), [message("C0TWO", NEEDED, 0)]);
    assert_eq!(stack.kinds().await, ["notification.failed", "notification.sent"]);
    assert_eq!(stack.due(at(3)).await, None);
    assert_eq!(stack.shown(), [message("C0TWO", NEEDED, 0), message(ONE, NEEDED, 0)]);
}

#[tokio::test]
async fn a_message_that_is_gone_is_posted_again() {
    async fn check(error: ChatError, expect: &[(String, String, u32)], due: Option<u32>) {
        let stack = Stack::default();
        asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
        assert_eq!(stack.due(at(1)).await, None);
        decided(&stack.table, &id(1), "alice", Decision::RequestInfo, Some("Why?"), at(2)).await;
        stack.chat.fail_next(error.clone());
        assert_eq!(stack.due(at(2)).await, due.map(at), "{error}");
        assert_eq!(stack.shown(), expect, "{error}");
        let posted = stack.card().await.posted;
        let last = stack.chat.messages().pop().map(|kept| (kept.place.channel, kept.place.ts));
        assert_eq!(posted, last, "{error}: the newest message is the card");
        assert_eq!(
            stack.kinds().await.iter().filter(|kind| **kind == "notification.sent").count(),
            1,
            "{error}"
        );
    }
    let waiting = "Waiting for the agent's answer";
    let again = [message(ONE, NEEDED, 0), message(ONE, waiting, 0)];
    check(refused("message_not_found"), &again, None).await;
    check(refused("edit_window_closed"), &again, None).await;
    check(refused("cant_update_message"), &again, None).await;
    check(refused("is_archived"), &again[..1], Some(62)).await;
    check(unreachable(), &again[..1], Some(4)).await;
}

#[tokio::test]
async fn an_ended_request_gets_no_new_card() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE", "slack:C0TWO"])).await;
    stack.chat.fail_next(refused("channel_not_found"));
    assert_eq!(stack.due(at(1)).await, Some(at(61)));
    done(&stack.table, &id(1), withdraw(None), &[], at(2)).await;
    assert_eq!(stack.due(at(61)).await, None, "the reserved card is owed no more");
    let withdrawn = "✘ Withdrawn by the agent, or not answered in time";
    assert_eq!(stack.shown(), [message("C0TWO", withdrawn, 1)]);

    let never = Stack::default();
    asked(&never.table, 1, review(&["slack:C0ONE"])).await;
    done(&never.table, &id(1), withdraw(None), &[], at(2)).await;
    assert_eq!((never.due(at(3)).await, never.chat.calls()), (None, 0));
}

#[tokio::test]
async fn a_card_of_an_ended_request_is_given_up_but_not_for_want_of_a_token() {
    async fn tries(error: ChatError) -> (usize, Vec<(String, String, u32)>) {
        let stack = Stack::default();
        asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
        assert_eq!(stack.due(at(1)).await, None);
        done(&stack.table, &id(1), withdraw(None), &[], at(2)).await;
        stack.chat.set_down(Some(error));
        let (mut tries, mut now) = (1, at(2));
        while let (Some(due), true) = (stack.due(now).await, tries < 9) {
            (tries, now) = (tries + 1, due);
        }
        stack.chat.set_down(None);
        assert_eq!(stack.due(now + Seconds(3600)).await, None);
        (tries, stack.shown())
    }
    assert_eq!(tries(refused("is_archived")).await, (5, vec![message(ONE, NEEDED, 0)]));
    let shown = vec![message(ONE, "✘ Withdrawn by the agent, or not answered in time", 1)];
    assert_eq!(tries(refused("token_revoked")).await, (9, shown.clone()));
    assert_eq!(tries(unreachable()).await, (9, shown));
}

#[tokio::test]
async fn the_next_level_is_shown_where_it_says() {
    let stack = Stack::default();
    let evaluation = review_with(&["slack:C0ONE"], |gate, _| {
        let first = gate.levels[0].clone();
        gate.levels.push(Level { after: Seconds(600), channels: [channel("slack:C0TWO")].into(), ..first });
    });
    asked(&stack.table, 1, evaluation).await;
    assert_eq!(stack.due(at(599)).await, None);
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 0)]);
    done(&stack.table, &id(1), Command::Tick, &[], at(600)).await;
    assert_eq!(stack.due(at(600)).await, None);
    assert_eq!(stack.shown(), [message(ONE, NEEDED, 1), message("C0TWO", NEEDED, 0)]);
    assert_eq!(stack.kinds().await, ["notification.sent", "request.escalated", "notification.sent"]);
}

#[tokio::test]
async fn who_votes_again_for_a_gate_that_opens_later_stands_on_the_card_once() {
    let table = MemoryTable::default();
    let mut evaluation = review(&["slack:C0ONE"]);
    let Outcome::Review { gates, .. } = &mut evaluation.outcome else { panic!("a review") };
    let mut later = gates[0].clone();
    later.profile = "security".parse().unwrap();
    later.levels.push(Level { after: Seconds(600), ..later.levels[0].clone() });
    later.levels[0].reviewers = ["person:dora".parse().unwrap()].into();
    gates.push(later);
    asked(&table, 1, evaluation).await;
    decided(&table, &id(1), "alice", Decision::Approve, None, at(1)).await;
    done(&table, &id(1), Command::Tick, &[], at(600)).await;
    decided(&table, &id(1), "alice", Decision::Approve, None, at(601)).await;
    let card = countersign_app::cards::card(&whole(&table, &id(1)).await, None).unwrap();
    assert_eq!(card.state.headline(), "✔ Approved, not used yet");
    assert_eq!(card.votes.iter().map(|v| v.person.as_str()).collect::<Vec<_>>(), ["alice"]);
}

#[tokio::test]
async fn new_arguments_that_policy_allows_leave_no_card_open() {
    let stack = Stack::default();
    asked(&stack.table, 1, review_with(&["slack:C0ONE"], |gate, _| gate.quorum = 2)).await;
    decided(&stack.table, &id(1), "alice", Decision::Approve, None, at(1)).await;
    decided(&stack.table, &id(1), "bob", Decision::RequestInfo, Some("All of it?"), at(2)).await;
    assert_eq!(stack.due(at(2)).await, None);
    let before = state(&stack.table, &id(1)).await;
    let (answer, ask) = (words("Only the summary."), ask("s3://reports-public/summary"));
    let revision = NewRevision {
        digest: ask.action.digest(&before.request.agent, &ask.nonce),
        justification: None,
        evaluation: allow(),
        recorded: Default::default(),
    };
    let command = Command::Respond {
        agent: before.request.agent.clone(),
        answer: answer.hash(),
        revision: Some(Box::new(revision)),
    };
    let with = With { words: vec![&answer], ask: Some(&ask), ..With::default() };
    execute(&stack.table, SOURCE, before, command, with, at(3)).await.unwrap();
    assert_eq!(stack.due(at(3)).await, None);
    assert_eq!(stack.shown(), [message(ONE, "✔ Approved by policy, not used yet", 1)]);
    let shown = serde_json::to_string(&stack.chat.messages()[0].message.blocks).unwrap();
    assert!(shown.contains("reports-public/summary") && shown.contains("Only the summary."), "{shown}");
    for gone in ["Approvals", "alice", "action_id"] {
        assert!(!shown.contains(gone), "{gone}: {shown}");
    }
    done(&stack.table, &id(1), consume(&state(&stack.table, &id(1)).await.request, "deploy"), &[], at(4))
        .await;
    assert_eq!(stack.due(at(4)).await, None);
    assert_eq!(stack.shown(), [message(ONE, "✔ Approved and running", 2)]);
}

#[tokio::test]
async fn a_post_that_could_not_be_recorded_is_recorded_later() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&["slack:C0ONE"])).await;
    let down = PortError::Unavailable("no answer".into());
    stack.table.faults.fail_next(Op::Commit, down.clone());
    assert_eq!(stack.converge(at(1)).await, Err(down));
    assert_eq!((stack.shown().len(), stack.kinds().await.len()), (1, 0), "posted, and not recorded");
    assert_eq!(stack.due(at(2)).await, None);
    assert_eq!(stack.kinds().await, ["notification.sent"]);
    assert_eq!(stack.chat.calls(), 1);
    // Otherwise a request that people saw would end as one that reached nobody.
    let ended = done(&stack.table, &id(1), Command::Tick, &[], at(3600)).await;
    assert_eq!(ended.request.status, Status::Expired);
}

#[tokio::test]
async fn there_is_no_card_of_what_nobody_decides_or_was_erased() {
    let stack = Stack::default();
    assert_eq!(stack.converge(at(1)).await, Ok(None), "there is no such request");
    asked(&stack.table, 1, allow()).await;
    assert_eq!(stack.due(at(1)).await, None);

    let erased = Stack::default();
    asked(&erased.table, 1, review(&["slack:C0ONE"])).await;
    erased.table.erase(&id(1));
    assert_eq!(erased.due(at(1)).await, None);
    assert_eq!((stack.chat.calls(), erased.chat.calls()), (0, 0));
    assert_eq!(erased.table.state(&id(1)).await.unwrap().unwrap().request.status, Status::Pending);
}

#[tokio::test]
async fn a_card_says_how_the_log_stands_and_a_new_leaf_touches_no_card() {
    let stack = Stack::default();
    asked(&stack.table, 1, review_with(&["slack:C0ONE"], |_, _| ())).await;
    let head = |size| LogHead {
        size,
        root: [0x3f; 32],
        published: size,
        batch: Vec::new(),
        chain: Head::EMPTY,
        said: at(0),
    };
    let shown = || serde_json::to_string(&stack.chat.messages()[0].message).unwrap();
    stack.table.restore_head(&LOG, Some(head(1234)));
    assert_eq!(stack.due(at(1)).await, None);
    assert!(shown().contains("Log: 1234 leaves, root 3f3f3f3f3f3f3f3f…"), "{}", shown());
    stack.table.restore_head(&LOG, Some(head(1300)));
    assert_eq!((stack.due(at(2)).await, stack.chat.calls()), (None, 1));
    // With its next change it says what is by then; without the log it does without.
    decided(&stack.table, &id(1), "alice", Decision::Approve, None, at(3)).await;
    assert_eq!(stack.due(at(3)).await, None);
    assert!(shown().contains("Log: 1300 leaves"), "{}", shown());
    stack.table.faults.fail_next(Op::LogHead, PortError::Unavailable("down".into()));
    done(&stack.table, &id(1), withdraw(None), &[], at(4)).await;
    assert_eq!(stack.due(at(4)).await, None);
    assert!(shown().contains("Withdrawn") && !shown().contains("Log:"), "{}", shown());
}
