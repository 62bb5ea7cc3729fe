//! The workflow as a view: started while the request is open, and told by somebody, in whatever order a token is
//! kept and people decide.

use countersign_app::commit::{With, execute};
use countersign_app::memory::{Held, MemoryTable, MemoryTokens, MemoryWorkflow, Op, Woken};
use countersign_app::ports::{PortError, Table, Tokens};
use countersign_app::resume::{Told, is_over, keep, next_look, start, tell};
use countersign_app::sample::{SOURCE, allow, at, decide, id, review};
use countersign_app::store::{Stored, Token, WorkflowMark};
use countersign_domain::Status;
use countersign_domain::event::Decision;
use countersign_domain::request::Command;
use futures::join;

use crate::given::{asked, decided, done, state, withdraw};

fn token(n: u32, retry: u32) -> Token {
    Token { n, retry, token: format!("token {n}.{retry}") }
}

#[derive(Default)]
struct Stack {
    table: MemoryTable,
    tokens: MemoryTokens,
    workflow: MemoryWorkflow,
}

impl Stack {
    /// A task of the workflow begins: it waits, and its token is kept.
    async fn keep(&self, token: &Token) -> Result<Option<Stored>, PortError> {
        self.workflow.wait(&token.token);
        keep(&self.table, &self.tokens, &self.workflow, &id(1), token, at(1)).await
    }

    async fn tell(&self) -> Result<Told, PortError> {
        tell(&self.tokens, &self.workflow, &state(&self.table, &id(1)).await).await
    }

    fn woken(&self) -> Vec<(String, Status)> {
        let woken = self.workflow.woken();
        woken.into_iter().map(|Woken { token, status, .. }| (token, status)).collect()
    }
}

/// Lets one call after the other through, each when it is there, and each done before the next.
async fn drive(held: Vec<Held>) {
    for (n, mut call) in held.into_iter().enumerate() {
        let there = tokio::time::timeout(std::time::Duration::from_secs(10), call.reached());
        there.await.unwrap_or_else(|_| panic!("call {n} does not come in its turn"));
        call.release();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

/// Whoever keeps a token stores it and then reads the state; whoever decides commits and then reads the token.
#[tokio::test]
async fn in_every_order_the_task_is_told_once() {
    let (keeper, decider) = ([Op::PutToken, Op::State], [Op::Commit, Op::GetToken]);
    // The places of the keeper's two calls among the four.
    for (first, second) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
        let stack = Stack::default();
        let open = asked(&stack.table, 1, review(&[])).await;
        let (mut kept, mut decided) = (keeper.into_iter(), decider.into_iter());
        let mut next = |place| if place == first || place == second { kept.next() } else { decided.next() };
        let order: Vec<Op> = (0..4).filter_map(&mut next).collect();
        let hold = |op: &Op| match op {
            Op::PutToken | Op::GetToken => stack.tokens.faults.hold_next(*op),
            _ => stack.table.faults.hold_next(*op),
        };
        let held = order.iter().map(hold).collect();

        let first_token = token(0, 0);
        let keeps = stack.keep(&first_token);
        let decides = async {
            let approve = decide(&open.request, "alice", Decision::Approve, None);
            let stored = execute(&stack.table, SOURCE, open.clone(), approve, With::default(), at(2)).await;
            tell(&stack.tokens, &stack.workflow, &stored.unwrap()).await.unwrap()
        };
        let (kept, told, ()) = join!(keeps, decides, drive(held));
        assert_eq!(stack.woken(), [("token 0.0".to_owned(), Status::Approved)], "{order:?}");
        let kept_first =
            order.iter().position(|op| *op == Op::PutToken) < order.iter().position(|op| *op == Op::GetToken);
        assert_eq!(told, if kept_first { Told::Done } else { Told::NoToken }, "{order:?}");
        assert!(kept.unwrap().is_some(), "{order:?}");
        assert_eq!(stack.tell().await, Ok(Told::Done), "{order:?}: relay tells it again");
        assert_eq!(stack.woken().len(), 1, "{order:?}");
    }
}

#[tokio::test]
async fn a_task_is_told_only_what_is_over() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&[])).await;
    let stored = stack.keep(&token(0, 0)).await.unwrap().unwrap();
    assert_eq!((stored.request.status, stack.woken()), (Status::Pending, vec![]));
    decided(&stack.table, &id(1), "alice", Decision::RequestInfo, Some("Why?"), at(2)).await;
    stack.keep(&token(0, 1)).await.unwrap();
    assert_eq!(stack.woken(), [], "the agent owes an answer: people are not done");
    for status in Status::ALL {
        assert_eq!(is_over(*status), !matches!(status, Status::Pending | Status::NeedsInfo), "{status}");
    }
    let nobody = Stack::default();
    assert_eq!(nobody.keep(&token(0, 0)).await, Ok(None));
    assert_eq!(nobody.woken(), []);
}

#[tokio::test]
async fn the_newest_task_is_told_and_an_old_one_no_more() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&[])).await;
    stack.keep(&token(0, 0)).await.unwrap();
    stack.workflow.close("token 0.0");
    stack.keep(&token(0, 1)).await.unwrap();
    stack.keep(&token(0, 0)).await.unwrap();
    done(&stack.table, &id(1), withdraw(None), &[], at(3)).await;
    assert_eq!(stack.tell().await, Ok(Told::Done));
    assert_eq!(stack.woken(), [("token 0.1".to_owned(), Status::Withdrawn)]);

    // A later execution comes after the end: whoever keeps its token tells it, although relay told the older one.
    let stored = stack.keep(&token(1, 0)).await.unwrap().unwrap();
    assert_eq!(stored.request.status, Status::Withdrawn);
    assert_eq!(stack.woken()[1..], [("token 1.0".to_owned(), Status::Withdrawn)]);
    // A task older than the token on record would wait for ever if only the newest were told.
    stack.keep(&token(0, 7)).await.unwrap();
    assert_eq!(stack.woken()[2..], [("token 0.7".to_owned(), Status::Withdrawn)]);
    assert_eq!(stack.tokens.get(&id(1)).await.unwrap(), Some(token(1, 0)));
}

#[tokio::test]
async fn what_the_services_do_not_do_is_told_again() {
    let stack = Stack::default();
    asked(&stack.table, 1, review(&[])).await;
    stack.keep(&token(0, 0)).await.unwrap();
    decided(&stack.table, &id(1), "alice", Decision::Approve, None, at(2)).await;
    let down = PortError::Unavailable("no answer".into());
    stack.tokens.faults.fail_next(Op::GetToken, down.clone());
    assert_eq!(stack.tell().await, Err(down.clone()));
    stack.workflow.faults.fail_next(Op::Resume, down.clone());
    assert_eq!(stack.tell().await, Err(down.clone()));
    assert_eq!(stack.woken(), []);
    stack.workflow.faults.lose_next(Op::Resume);
    assert!(stack.tell().await.is_err());
    assert_eq!(stack.tell().await, Ok(Told::Done), "it was told, though nobody heard so");
    assert_eq!(stack.woken().len(), 1);

    // The task fails where its token cannot be kept or told, and the workflow tries it again.
    for (op, kept) in [(Op::PutToken, false), (Op::State, true), (Op::Resume, true)] {
        let faults = match op {
            Op::PutToken => &stack.tokens.faults,
            Op::State => &stack.table.faults,
            _ => &stack.workflow.faults,
        };
        faults.fail_next(op, down.clone());
        let retried = Token { retry: 10 + u32::from(kept), ..token(0, 0) };
        assert_eq!(stack.keep(&retried).await, Err(down.clone()), "{op:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_the_services_is_an_alarm_only_while_it_matters() {
    let stack = Stack::default();
    let open = asked(&stack.table, 1, review(&[])).await;
    let tell = async |stored: &Stored| tell(&stack.tokens, &stack.workflow, stored).await.unwrap();
    assert_eq!(tell(&open).await, Told::NoToken);
    stack.tokens.put(&id(1), &token(0, 0), at(9)).await.unwrap();
    assert_eq!(tell(&open).await, Told::Invalid);
    let approved = decided(&stack.table, &id(1), "alice", Decision::Approve, None, at(2)).await;
    assert_eq!(tell(&approved).await, Told::Invalid, "its task would wait for 90 days");
    let ended = done(&stack.table, &id(1), Command::Tick, &[], at(2 + 900)).await;
    assert_eq!((ended.request.status, tell(&ended).await), (Status::Lapsed, Told::Done));
}

#[tokio::test]
async fn a_workflow_is_started_once_and_restarted_less_and_less_often() {
    enum Is {
        Missing,
        Running,
        Ended,
    }
    use Is::{Ended, Missing, Running};
    async fn check(
        what: &str,
        mark: (u32, u32, Option<u32>),
        is: Is,
        now: u32,
        expect: (u32, u32, Option<u32>),
        calls: (u32, u32),
    ) {
        let (table, workflow) = (MemoryTable::default(), MemoryWorkflow::default());
        let stored = asked(&table, 1, review(&[])).await;
        let marked = |(n, looks, seen): (u32, u32, Option<u32>)| WorkflowMark {
            n,
            seen: seen.map(at),
            looks,
            resumed: false,
        };
        use countersign_app::ports::Workflow;
        match is {
            Missing => {}
            Running => workflow.start(&id(1), mark.0).await.unwrap(),
            Ended => workflow.end(&id(1), mark.0),
        }
        let before = workflow.faults.calls(Op::Start);
        let stored = Stored { workflow: marked(mark), ..stored };
        assert_eq!(start(&workflow, &stored, at(now)).await, Ok(marked(expect)), "{what}");
        let started = workflow.faults.calls(Op::Start) - before;
        assert_eq!((workflow.faults.calls(Op::Describe), started), calls, "{what}: looked, started");
        let runs = calls == (0, 0)
            || workflow.describe(&id(1), expect.0).await == Ok(countersign_app::ports::Execution::Running);
        assert!(runs, "{what}");
    }
    check("never seen and not there", (0, 0, None), Missing, 0, (0, 0, Some(0)), (1, 1)).await;
    check("started by whoever made the request", (0, 0, None), Running, 0, (0, 0, Some(0)), (1, 0)).await;
    check("seen lately", (0, 0, Some(0)), Ended, 59, (0, 0, Some(0)), (0, 0)).await;
    check("it runs still", (0, 0, Some(0)), Running, 60, (0, 1, Some(60)), (1, 0)).await;
    check("what runs is looked at half as often", (0, 1, Some(60)), Ended, 179, (0, 1, Some(60)), (0, 0))
        .await;
    check("and again", (0, 1, Some(60)), Running, 180, (0, 2, Some(180)), (1, 0)).await;
    check("once an hour in the end", (0, 9, Some(0)), Ended, 3599, (0, 9, Some(0)), (0, 0)).await;
    check("a new one is looked at sooner", (0, 9, Some(0)), Ended, 3600, (1, 0, Some(3600)), (1, 1)).await;
    check("it ended although people are not done", (0, 0, Some(0)), Ended, 60, (1, 0, Some(60)), (1, 1))
        .await;
    check("a start that never came about", (1, 0, Some(0)), Missing, 120, (1, 0, Some(120)), (1, 1)).await;
    check("the second waits twice as long", (1, 0, Some(0)), Ended, 119, (1, 0, Some(0)), (0, 0)).await;
    check("then it is restarted", (1, 0, Some(0)), Ended, 120, (2, 0, Some(120)), (1, 1)).await;
    check("an hour is the longest wait", (9, 0, Some(0)), Ended, 3599, (9, 0, Some(0)), (0, 0)).await;
    check("and no longer", (9, 0, Some(0)), Ended, 3600, (10, 0, Some(3600)), (1, 1)).await;
    assert_eq!(next_look(&WorkflowMark::default()), None, "never seen: look now");
    assert_eq!(
        next_look(&WorkflowMark { n: u32::MAX, seen: Some(at(0)), looks: 1, resumed: false }),
        Some(at(3600))
    );
}

#[tokio::test]
async fn nothing_is_started_for_what_is_over() {
    let (table, workflow) = (MemoryTable::default(), MemoryWorkflow::default());
    let stored = asked(&table, 1, allow()).await;
    assert_eq!(start(&workflow, &stored, at(99)).await, Ok(stored.workflow));
    assert_eq!((workflow.started(), workflow.faults.calls(Op::Describe)), (vec![], 0));

    let open = asked(&table, 2, review(&[])).await;
    let down = PortError::Unavailable("no answer".into());
    workflow.faults.fail_next(Op::Describe, down.clone());
    assert_eq!(start(&workflow, &open, at(0)).await, Err(down.clone()));
    workflow.faults.fail_next(Op::Start, down.clone());
    assert_eq!(start(&workflow, &open, at(0)).await, Err(down));
    workflow.faults.lose_next(Op::Start);
    assert!(start(&workflow, &open, at(0)).await.is_err());
    let mark = start(&workflow, &open, at(0)).await.unwrap();
    assert_eq!((mark.n, workflow.started()), (0, vec![(id(2), 0)]), "it had been started after all");
    table.set_view(&open, None, mark).await.unwrap();
}
