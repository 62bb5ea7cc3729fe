//! Erasing: what goes, what stays, and others who are faster.

use countersign_app::commit::{With, erase, execute};
use countersign_app::memory::{MemoryTable, Op};
use countersign_app::ports::{Ledger, PortError, Table};
use countersign_app::sample::{
    SOURCE, actor, agent, allow, at, channel, consume, id, origin, review_with, words,
};
use countersign_app::store::{Stored, Words};
use countersign_domain::event::{Decision, ExecutionOutcome};
use countersign_domain::leaf::Subject;
use countersign_domain::request::Command;
use countersign_domain::review::ADMINS;

use crate::cards::{ONE, Stack, message};
use crate::given::{ask, asked, decided, done, kinds, state, whole};

fn command(reason: Option<&Words>) -> Command {
    let groups = [ADMINS.parse().unwrap()].into();
    Command::Erase { by: actor("alice"), groups, reason: reason.map(Words::hash) }
}

async fn erased(table: &MemoryTable, reason: Option<&Words>, now: u32) -> Stored {
    let whole = whole(table, &id(1)).await;
    erase(table, SOURCE, whole, command(reason), reason, at(now)).await.unwrap()
}

#[tokio::test]
async fn arguments_texts_and_the_cool_down_go_and_every_leaf_stays() {
    let table = MemoryTable::default();
    asked(&table, 1, review_with(&["sns"], |_, rules| rules.cool_down.0 = 900)).await;
    let before = state(&table, &id(1)).await;
    let (no, ask_hash) = (words("No."), ask().action.ask_hash(&agent("deploy")));
    let reject = countersign_app::sample::decide(&before.request, "bob", Decision::Reject, Some(&no));
    let with = With { words: vec![&no], ask_hash: Some(ask_hash.clone()), ..With::default() };
    execute(&table, SOURCE, before, reject, with, at(1)).await.unwrap();
    assert!(table.cooling(&ask_hash, at(2)).await.unwrap());

    let subject = Subject::Request(id(1));
    let leaves = table.events(&subject).await.unwrap();
    let why = words("They asked for it.");
    let stored = erased(&table, Some(&why), 2).await;
    assert_eq!(stored.request.erased, Some(at(2)));
    let after = whole(&table, &id(1)).await;
    assert_eq!(after.ask, None);
    assert_eq!(after.texts.into_iter().collect::<Vec<_>>(), [(stored.version(), why)]);
    assert!(!table.cooling(&ask_hash, at(2)).await.unwrap());
    let events = table.events(&subject).await.unwrap();
    assert_eq!(events[..leaves.len()], leaves);
    assert_eq!(kinds(&table, &id(1)).await.split_off(leaves.len()), ["data.erased"]);
    let unsealed = table.unsealed(&subject).await.unwrap();
    assert_eq!(unsealed.events.len(), events.len(), "it goes into the log with the rest");
    assert_eq!(erased(&table, None, 3).await, stored, "again");
    assert_eq!(table.log_head(&origin()).await, Ok(None));
}

#[tokio::test]
async fn what_comes_after_leaves_no_words_and_what_comes_meanwhile_goes_too() {
    let table = MemoryTable::default();
    asked(&table, 1, allow()).await;
    let first = state(&table, &id(1)).await;
    done(&table, &id(1), consume(&first.request, "deploy"), &[], at(1)).await;
    // While it is erased, another is faster; all that is there then goes.
    table.faults.fail_next(Op::Commit, PortError::Conflict);
    erased(&table, None, 2).await;
    let detail = words("It took Ann's file.");
    let report = Command::Report {
        by: agent("deploy"),
        outcome: ExecutionOutcome::Failed,
        detail: Some(detail.hash()),
    };
    done(&table, &id(1), report, &[&detail], at(3)).await;
    assert!(whole(&table, &id(1)).await.texts.is_empty());
    assert_eq!(kinds(&table, &id(1)).await.split_off(3), ["data.erased", "execution.failed"]);
}

#[tokio::test]
async fn the_cards_of_an_erased_request_show_that_and_no_argument() {
    let stack = Stack::default();
    asked(&stack.table, 1, review_with(&["slack:C0ONE"], |_, _| ())).await;
    assert_eq!(stack.due(at(1)).await, None);
    decided(&stack.table, &id(1), "bob", Decision::Reject, Some("No, not to Ann."), at(2)).await;
    stack.due(at(2)).await;
    let shown = || serde_json::to_string(&stack.chat.messages()[0].message).unwrap();
    assert!(shown().contains("reports-public") && shown().contains("not to Ann"));
    erased(&stack.table, None, 3).await;
    assert_eq!(stack.due(at(3)).await, None);
    assert_eq!(stack.shown(), [message(ONE, "✘ Rejected", 2)]);
    assert!(
        shown().contains("Erased:") && !shown().contains("reports-public") && !shown().contains("not to Ann")
    );
    assert_eq!(stack.card().await.channel, channel("slack:C0ONE"));
}
