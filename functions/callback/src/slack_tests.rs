//! Presses and forms while Slack, the table or the workflow is slow or fails: an answer in time, and a true one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign_app::commit::{With, execute};
use countersign_app::memory::{MemorySecret, Op, tokio_now};
use countersign_app::ports::Table;
use countersign_app::sample;
use countersign_app::store::{Stored, Token};
use countersign_chat::slack::interaction::SlackUser;
use countersign_chat::slack::{ChatError, MemoryChat, Message};
use countersign_domain::request::Command;
use countersign_domain::{Digest, Status};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::*;
use crate::handler::tests::{Memory, PEOPLE, Policy, app, asked};

/// A workspace whose answers take a while.
#[derive(Clone, Default)]
struct Slow {
    chat: Arc<MemoryChat>,
    users_info: Duration,
    open_view: Duration,
    ephemeral: Duration,
}

impl Chat for Slow {
    async fn post(&self, channel: &str, message: &Message) -> Result<Place, ChatError> {
        self.chat.post(channel, message).await
    }
    async fn update(&self, place: &Place, message: &Message) -> Result<(), ChatError> {
        self.chat.update(place, message).await
    }
    async fn ephemeral(&self, channel: &str, user: &str, words: &str) -> Result<(), ChatError> {
        sleep(self.ephemeral).await;
        self.chat.ephemeral(channel, user, words).await
    }
    async fn open_view(&self, trigger_id: &str, view: &View) -> Result<(), ChatError> {
        sleep(self.open_view).await;
        self.chat.open_view(trigger_id, view).await
    }
    async fn users_info(&self, user: &str) -> Result<Value, ChatError> {
        sleep(self.users_info).await;
        self.chat.users_info(user).await
    }
}

const EVER: Duration = Duration::from_secs(60);
const SIGNING: &str = "0123456789abcdef0123456789abcdef";

/// A request that waits for Alice, in a stack where one thing may be slow.
struct Stack {
    app: Memory<Slow>,
    slow: Slow,
    secret: MemorySecret,
    policy: Policy,
    presses: AtomicU32,
}

impl Stack {
    async fn new(test: &str, slow: Slow) -> Self {
        let policy = Policy::new(&format!("slack-{test}"));
        let mut app = app::<Slow>(&policy);
        let alice = json!({"id": "U0ALICE", "team_id": "T0OURS", "deleted": false, "is_bot": false,
            "is_restricted": false, "is_ultra_restricted": false});
        slow.chat.add_user("U0ALICE", alice);
        let (secret, chat) = (MemorySecret::new("xoxb-1", SIGNING), slow.clone());
        app.slack = LazySlack::new(Some(secret.read()), move |_| Ok(chat.clone()), tokio_now);
        asked(&app, 1).await;
        let token = Token { n: 0, retry: 0, token: "waits".into() };
        app.tokens.put(&sample::id(1), &token, now()).await.unwrap();
        app.workflow.wait("waits");
        Self { app, slow, secret, policy, presses: AtomicU32::new(0) }
    }

    async fn stored(&self) -> Stored {
        self.app.table.state(&sample::id(1)).await.unwrap().unwrap()
    }

    async fn status(&self) -> Status {
        self.stored().await.request.status
    }

    async fn about(&self) -> About {
        let whole = self.app.table.whole(&sample::id(1)).await.unwrap().unwrap();
        About::card(&card(&whole, None).unwrap())
    }

    /// Another press or form than those before.
    fn another(&self) -> Digest {
        Digest::of(&self.presses.fetch_add(1, Ordering::Relaxed).to_be_bytes())
    }

    /// Presses a button. Gives the status of the answer, which always comes in time.
    async fn press(&self, decision: Decision, about: &About) -> u16 {
        self.deliver_press(decision, about, self.another()).await
    }

    async fn deliver_press(&self, decision: Decision, about: &About, once: Digest) -> u16 {
        let trigger_id = "1.2.3".into();
        let press = Click { decision, about: about.clone(), by: by(), place: place(), trigger_id, once };
        let begun = Instant::now();
        let answer = click(&self.app, &ours(), press, Budget::start(), now()).await;
        assert!(begun.elapsed() <= Duration::from_millis(2_510), "{:?}", begun.elapsed());
        answer.unwrap_or_else(Into::into).status()
    }

    /// Submits a form. Gives its answer, which always comes in time.
    async fn submit(&self, decision: Decision, about: &About) -> Value {
        self.deliver_form(decision, about, self.another()).await
    }

    async fn deliver_form(&self, decision: Decision, about: &About, once: Digest) -> Value {
        let text = Some("so be it".into());
        let form = Submission {
            decision,
            about: about.clone(),
            by: by(),
            place: place(),
            text,
            view_id: "V0".into(),
            once,
        };
        let begun = Instant::now();
        let answer = submission(&self.app, &ours(), form, Budget::start(), now()).await.unwrap();
        assert!(begun.elapsed() <= Duration::from_millis(2_510), "{:?}", begun.elapsed());
        assert_eq!(answer.status(), 200);
        serde_json::from_str(answer.body()).unwrap()
    }

    /// Alice asks by API, and the agent answers without new arguments.
    async fn ask_and_answer(&self) {
        let question = sample::words("why?");
        let mut stored = self.stored().await;
        let ask = sample::decide(&stored.request, "alice", Decision::RequestInfo, Some(&question));
        let answer = sample::words("so");
        let agent = sample::agent("deploy");
        let respond = Command::Respond { agent, answer: answer.hash(), revision: None };
        for (command, words) in [(ask, &question), (respond, &answer)] {
            let with = With { words: vec![words], ..With::default() };
            stored = execute(&self.app.table, sample::SOURCE, stored, command, with, now()).await.unwrap();
        }
    }

    /// What Alice was told, in one.
    fn told(&self) -> String {
        self.slow.chat.whispers().into_iter().map(|whisper| whisper.words).collect()
    }
}

fn by() -> By {
    let user = SlackUser { team: "T0OURS".into(), enterprise: None, id: "U0ALICE".into() };
    By { user, app: "A0OURS".into() }
}

fn ours() -> Workspace {
    Workspace { team: "T0OURS".into(), enterprise: None, app: "A0OURS".into() }
}

fn place() -> Place {
    Place { channel: "C0ONE".into(), ts: "1.2".into() }
}

fn unavailable() -> PortError {
    PortError::Unavailable("no answer".into())
}

#[tokio::test(start_paused = true)]
async fn a_press_counts_and_wakes_the_workflow() {
    let stack = Stack::new("counts", Slow::default()).await;
    assert_eq!(stack.press(Decision::Approve, &stack.about().await).await, 200);
    assert_eq!((stack.status().await, stack.told()), (Status::Approved, String::new()));
    assert_eq!(stack.app.workflow.woken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_shown_before_an_answer_decides_nothing() {
    for decision in [Decision::Approve, Decision::Reject] {
        let stack = Stack::new(&format!("answered-{decision:?}"), Slow::default()).await;
        let before = stack.about().await;
        stack.ask_and_answer().await;
        assert_eq!(before.digest, stack.about().await.digest);
        assert_eq!(stack.press(decision, &before).await, 200);
        assert!(stack.told().contains("answered since"), "{}", stack.told());
        assert_eq!(stack.slow.chat.views(), [], "nobody types what will not be taken");
        let answer = stack.submit(decision, &before).await;
        assert!(answer.to_string().contains("answered since"), "{answer}");
        assert_eq!(stack.status().await, Status::Pending);
        stack.submit(decision, &stack.about().await).await;
        assert!(!stack.status().await.is_open(), "what shows the answer counts");
    }
}

/// Nobody knows Alice's account, or Bob is the reviewer and not she.
fn people_before() -> [String; 2] {
    let bob = PEOPLE.replace("'platform', ", "").replace("['data']", "['data', 'platform']");
    [PEOPLE.replace("/U0ALICE", "/U0OTHER"), bob]
}

#[tokio::test(start_paused = true)]
async fn a_refused_press_is_done_with_even_if_the_person_may_decide_later() {
    for (n, people) in people_before().iter().enumerate() {
        for decision in [Decision::Approve, Decision::Reject] {
            let stack = Stack::new(&format!("refused-{n}-{decision:?}"), Slow::default()).await;
            let about = stack.about().await;
            stack.policy.write("people.toml", people);
            // The first is recorded; the second adds nothing to the record.
            let presses = [stack.another(), stack.another()];
            for once in &presses {
                assert_eq!(stack.deliver_press(decision, &about, once.clone()).await, 200);
            }
            assert_eq!((stack.slow.chat.whispers().len(), stack.stored().await.version()), (2, 3));
            stack.policy.write("people.toml", PEOPLE);
            for once in presses {
                assert_eq!(stack.deliver_press(decision, &about, once).await, 200, "{people} {decision:?}");
            }
            assert_eq!(stack.status().await, Status::Pending, "{people}");
            assert_eq!((stack.slow.chat.whispers().len(), stack.slow.chat.views().len()), (2, 0), "{people}");
            assert_eq!(stack.press(decision, &about).await, 200, "a new press counts");
            let counted = stack.status().await == Status::Approved || stack.slow.chat.views().len() == 1;
            assert!(counted, "{people} {decision:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_form_is_done_with_even_if_the_person_may_decide_later() {
    for (n, people) in people_before().iter().enumerate() {
        let stack = Stack::new(&format!("refused-form-{n}"), Slow::default()).await;
        let (about, once) = (stack.about().await, stack.another());
        stack.policy.write("people.toml", people);
        stack.deliver_form(Decision::Reject, &about, once.clone()).await;
        stack.policy.write("people.toml", PEOPLE);
        assert_eq!(stack.deliver_form(Decision::Reject, &about, once).await, close());
        assert_eq!(stack.status().await, Status::Pending, "{people}");
        stack.submit(Decision::Reject, &about).await;
        assert_eq!(stack.status().await, Status::Rejected, "a new form counts");
    }
}

#[tokio::test(start_paused = true)]
async fn deliveries_of_a_refused_press_at_once_are_answered_alike() {
    let stack = Stack::new("refused-at-once", Slow::default()).await;
    stack.policy.write("people.toml", &people_before()[1]);
    let (about, once) = (stack.about().await, stack.another());
    let deliver = || stack.deliver_press(Decision::Approve, &about, once.clone());
    assert_eq!(tokio::join!(deliver(), deliver(), deliver()), (200, 200, 200));
    assert_eq!(stack.stored().await.version(), 3, "recorded once");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_between_reading_and_writing_stops_the_decision() {
    let stack = Stack::new("answered-between", Slow::default()).await;
    let before = stack.stored().await;
    stack.ask_and_answer().await;
    let mut command = sample::decide(&before.request, "alice", Decision::Approve, None);
    if let Command::Decide(decide) = &mut command {
        decide.answers = Some(0);
    }
    let done = execute(&stack.app.table, sample::SOURCE, before, command, With::default(), now()).await;
    assert!(
        matches!(done, Err(CommitError::Refused { refusal: Refusal::Answered, .. })),
        "decided again on the newer state: {done:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_press_after_the_token_was_renewed_counts() {
    let stack = Stack::new("renewed", Slow::default()).await;
    stack.slow.chat.fail_next(ChatError::Refused { code: "token_revoked".into(), needed: None });
    stack.app.slack.get().await.unwrap();
    stack.secret.set("xoxb-2", SIGNING);
    assert_eq!(stack.press(Decision::Approve, &stack.about().await).await, 200);
    assert_eq!(stack.status().await, Status::Approved);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_looked_up_in_time_decides_nothing_and_is_told() {
    let stack = Stack::new("unknown-person", Slow { users_info: EVER, ..Slow::default() }).await;
    let about = stack.about().await;
    assert_eq!(stack.press(Decision::Approve, &about).await, 503);
    assert!(stack.told().contains("Nothing was decided"), "{}", stack.told());
    assert_eq!(stack.submit(Decision::Reject, &about).await, refuse(NOTHING));
    assert_eq!((stack.status().await, stack.app.table.faults.calls(Op::Commit)), (Status::Pending, 1));

    let stack = Stack::new("slow-table", Slow { ephemeral: EVER, ..Slow::default() }).await;
    let _held = stack.app.table.faults.hold_next(Op::Whole);
    assert_eq!(stack.press(Decision::Approve, &about).await, 503, "Slack shows that it failed");
    assert_eq!(stack.status().await, Status::Pending);
}

#[tokio::test(start_paused = true)]
async fn a_view_that_does_not_open_is_told() {
    let stack = Stack::new("no-view", Slow { open_view: EVER, ..Slow::default() }).await;
    assert_eq!(stack.press(Decision::Reject, &stack.about().await).await, 503);
    assert!(stack.told().contains("Nothing was decided"), "{}", stack.told());
}

#[tokio::test(start_paused = true)]
async fn a_decision_stands_while_the_workflow_is_slow() {
    for op in [Op::GetToken, Op::Resume] {
        let stack = Stack::new(&format!("slow-{op:?}"), Slow::default()).await;
        let faults = if op == Op::Resume { &stack.app.workflow.faults } else { &stack.app.tokens.faults };
        let _held = faults.hold_next(op);
        assert_eq!(stack.press(Decision::Approve, &stack.about().await).await, 200);
        assert_eq!((stack.status().await, stack.told()), (Status::Approved, String::new()), "{op:?}");
    }
    let stack = Stack::new("slow-form", Slow::default()).await;
    let _held = stack.app.workflow.faults.hold_next(Op::Resume);
    assert_eq!(stack.submit(Decision::Reject, &stack.about().await).await, close());
    assert_eq!(stack.status().await, Status::Rejected);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_the_api_does_not_wait_for_the_workflow() {
    let stack = Stack::new("slow-api", Slow::default()).await;
    let _held = stack.app.workflow.faults.hold_next(Op::Resume);
    let begun = Instant::now();
    crate::decide::wake(&stack.app, &Stored { request: approved(&stack).await, ..stack.stored().await })
        .await;
    assert!(begun.elapsed() <= Duration::from_millis(2_010), "{:?}", begun.elapsed());
}

async fn approved(stack: &Stack) -> countersign_domain::request::Request {
    let mut request = stack.stored().await.request;
    request.status = Status::Approved;
    request
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_know_whether_a_decision_was_recorded_is_told_just_that() {
    async fn check(test: &str, fault: impl Fn(&Memory<Slow>), after: Status) {
        let stack = Stack::new(test, Slow::default()).await;
        fault(&stack.app);
        assert_eq!(stack.press(Decision::Approve, &stack.about().await).await, 503, "{test}");
        let told = stack.told();
        assert!(told.contains("did not learn whether") && !told.contains("Nothing"), "{test}: {told}");
        assert_eq!(stack.status().await, after, "{test}");
    }
    check("lost", |app| app.table.faults.lose_next(Op::Commit), Status::Approved).await;
    check("failed", |app| app.table.faults.fail_next(Op::Commit, unavailable()), Status::Pending).await;
    check("slow", |app| std::mem::forget(app.table.faults.hold_next(Op::Commit)), Status::Pending).await;

    let stack = Stack::new("lost-form", Slow::default()).await;
    stack.app.table.faults.lose_next(Op::Commit);
    assert_eq!(stack.submit(Decision::Reject, &stack.about().await).await, refuse(UNKNOWN));
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_to_others_is_told_that_nothing_was_decided() {
    let stack = Stack::new("conflict", Slow::default()).await;
    (0..10).for_each(|_| stack.app.table.faults.fail_next(Op::Commit, PortError::Conflict));
    assert_eq!(stack.press(Decision::Approve, &stack.about().await).await, 503);
    assert!(stack.told().contains("Nothing was decided"), "{}", stack.told());
    assert_eq!(stack.status().await, Status::Pending);
}
