//! An auditor who knows the design and has the leaves, and nothing else: deliberately naive, on JSON alone, sharing
//! no code with the decider. It says what is wrong where something ran, or could have run, that should not have.

use std::collections::BTreeSet;

use serde_json::Value;

/// What may stand after an end: notes of what went on around it.
const NOTES: [&str; 5] =
    ["notification.sent", "notification.failed", "decision.refused", "execution.refused", "data.erased"];

const ENDS: [&str; 8] = [
    "request.denied",
    "request.expired",
    "request.withdrawn",
    "request.revoked",
    "request.undeliverable",
    "request.lapsed",
    "decision.rejected",
    "execution.consumed",
];

const OUTCOMES: [&str; 3] = ["execution.succeeded", "execution.failed", "execution.unknown"];

/// Judges the leaves of one request and of its agents, in the order of their commits.
pub fn audit(journal: &[Value]) -> Result<(), String> {
    let leaves: Vec<&Value> =
        journal.iter().filter(|leaf| text(leaf, "/subject").starts_with("req_")).collect();
    for (i, leaf) in leaves.iter().enumerate() {
        let before = &leaves[..i];
        let kind = kind(leaf);
        expect((kind == "request.created") == (i == 0), "it is created once, first")?;
        if let Some(end) = before.iter().find(|leaf| ENDS.contains(&self::kind(leaf))) {
            let outcome = OUTCOMES.contains(&kind) && self::kind(end) == "execution.consumed";
            expect(outcome || NOTES.contains(&kind), "an end is final")?;
            if kind == "data.erased" {
                let admin = list(leaf, "/data/groups").iter().any(|group| group == "admins");
                expect(admin, "admins erase, and nobody else")?;
                expect(before.iter().all(|leaf| self::kind(leaf) != kind), "it is erased once")?;
            }
            if outcome {
                let first = before.iter().all(|leaf| !OUTCOMES.contains(&self::kind(leaf)));
                expect(first, "there is one outcome")?;
                expect(text(leaf, "/data/by") == text(end, "/data/by"), "who ran says how it ended")?;
            }
            continue;
        }
        expect(!OUTCOMES.contains(&kind), "what did not run has no outcome")?;
        expect(kind != "data.erased", "what may still run is not erased")?;
        match kind {
            "decision.approved" => approved(before, leaf)?,
            "execution.consumed" => consumed(before, leaf)?,
            _ => {}
        }
    }
    not_void(journal)
}

/// Every gate met, by people distinct and free to decide, on this digest and revision, in time.
fn approved(before: &[&Value], decision: &Value) -> Result<(), String> {
    let (policy, since) = policy(before)?;
    expect(text(policy, "/data/outcome") == "review", "people approve what policy lets them review")?;
    expect(text(decision, "/data/digest") == current(before), "the approval is of what is asked now")?;
    let deadline = deadline(before[0], policy, since)?;
    expect(time(decision) < deadline, "the approval is in time")?;
    expect(open_question(since).is_none(), "the agent owes an answer")?;

    let votes: Vec<&&Value> = since.iter().filter(|leaf| kind(leaf) == "vote.cast").collect();
    let rejects = votes.iter().filter(|vote| text(vote, "/data/ballot") == "reject").count();
    expect((rejects as u64) < number(policy, "/data/rules/rejects").max(1), "people said no")?;
    let gates = list(policy, "/data/gates");
    expect(!gates.is_empty(), "nobody was to be asked")?;
    for gate in gates {
        let mut people = BTreeSet::new();
        for (i, leaf) in since.iter().enumerate() {
            if kind(leaf) != "vote.cast" || text(leaf, "/data/ballot") != "approve" {
                continue;
            }
            let person = text(leaf, "/data/person");
            expect(text(leaf, "/data/digest") == current(before), "the vote is on what is asked now")?;
            expect(free(before[0], policy, person), "the person is bound to the agent")?;
            expect(open_question(&since[..i]).is_none(), "a vote while the agent owes an answer")?;
            expect(signed_in(policy, leaf), "the sign-in was too old")?;
            let counts = list(leaf, "/data/gates").contains(&gate["profile"]);
            if counts && may_decide(gate, leaf, review_time(policy, &since[..i], leaf)) {
                expect(people.insert(person), "a person counts twice in a gate")?;
            }
        }
        expect(people.len() as u64 >= number(gate, "/quorum").max(1), "a gate is not met")?;
    }
    Ok(())
}

/// An approval that stands, by policy or by people, used by whom it is for, on this digest, in time.
fn consumed(before: &[&Value], run: &Value) -> Result<(), String> {
    let (policy, since) = policy(before)?;
    let until = match text(policy, "/data/outcome") {
        "allow" => time(policy) + 1000 * number(policy, "/data/approval_ttl") as i64,
        "review" => {
            let decision = since.iter().find(|leaf| kind(leaf) == "decision.approved");
            let decision = decision.ok_or("nobody approved")?;
            time(decision) + 1000 * number(policy, "/data/rules/approval_ttl") as i64
        }
        _ => return Err("policy denied it".into()),
    };
    expect(time(run) < until, "the approval was over")?;
    expect(text(run, "/data/digest") == current(before), "what ran is not what was approved")?;
    let by = text(run, "/data/by");
    let asked = before[0];
    expect(by == text(asked, "/data/agent") || by == text(asked, "/data/executor"), "it ran for a stranger")
}

/// Nothing was given out that a freeze, recorded before, had voided.
fn not_void(journal: &[Value]) -> Result<(), String> {
    let Some(run) = journal.iter().position(|leaf| kind(leaf) == "execution.consumed") else { return Ok(()) };
    let asked = journal.iter().find(|leaf| kind(leaf) == "request.created").ok_or("it was never asked")?;
    let parties = [text(asked, "/data/agent"), text(&journal[run], "/data/by")];
    let void = journal[..run].iter().any(|leaf| {
        let freeze = kind(leaf) == "agent.frozen" && parties.contains(&text(leaf, "/subject"));
        freeze && time(asked) <= instant(text(leaf, "/data/void_before"))
    });
    expect(!void, "it was void")
}

/// The latest answer of policy, which must be on the ask as it stands, and what came after it.
fn policy<'a>(before: &'a [&'a Value]) -> Result<(&'a Value, &'a [&'a Value]), String> {
    let last =
        before.iter().rposition(|leaf| kind(leaf) == "policy.evaluated").ok_or("policy was not asked")?;
    expect(text(before[last], "/data/digest") == current(before), "policy was not asked about this")?;
    Ok((before[last], &before[last + 1..]))
}

/// The digest of the revision as it stands.
fn current<'a>(before: &[&'a Value]) -> &'a str {
    let asks = ["request.created", "request.revised"];
    before.iter().rfind(|leaf| asks.contains(&kind(leaf))).map_or("", |leaf| text(leaf, "/data/digest"))
}

/// The time to decide from policy's answer on, longer by every pause; no pauses above the cap.
fn deadline(asked: &Value, policy: &Value, since: &[&Value]) -> Result<i64, String> {
    let wanted = asked.pointer("/data/expires_in").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let span = number(policy, "/data/rules/review_for").min(wanted) as i64;
    let paused = paused(since);
    expect(paused <= 1000 * number(policy, "/data/rules/answer_within") as i64, "too long a pause")?;
    Ok(time(policy) + 1000 * span + paused)
}

fn paused(since: &[&Value]) -> i64 {
    let mut asked = None;
    let mut paused = 0;
    for leaf in since {
        match kind(leaf) {
            "info.requested" => asked = Some(time(leaf)),
            "info.supplied" => paused += asked.take().map_or(0, |asked| (time(leaf) - asked).max(0)),
            _ => {}
        }
    }
    paused
}

fn open_question<'a>(since: &[&'a Value]) -> Option<&'a Value> {
    let last = since.iter().rfind(|leaf| kind(leaf).starts_with("info."))?;
    (kind(last) == "info.requested").then_some(last)
}

/// How long the review had gone on at the vote, pauses apart, by whichever clock says the most.
fn review_time(policy: &Value, since: &[&Value], vote: &Value) -> i64 {
    let at = |(i, leaf): (usize, &&Value)| time(leaf) - time(policy) - paused(&since[..i]);
    since.iter().chain([&vote]).enumerate().map(at).max().unwrap_or_default().max(0)
}

fn may_decide(gate: &Value, vote: &Value, review_time: i64) -> bool {
    let groups = list(vote, "/data/groups");
    let begun = |level: &&Value| 1000 * number(level, "/after") as i64 <= review_time;
    list(gate, "/levels").iter().filter(begun).flat_map(|level| list(level, "/reviewers")).any(|reviewer| {
        match reviewer.as_str().unwrap_or_default().split_once(':') {
            Some(("person", person)) => person == text(vote, "/data/person"),
            Some(("group", group)) => groups.iter().any(|g| g.as_str() == Some(group)),
            _ => false,
        }
    })
}

fn free(asked: &Value, policy: &Value, person: &str) -> bool {
    let named =
        |leaf: &Value, pointer: &str| leaf.pointer(pointer).is_some_and(|map| map.get(person).is_some());
    !named(policy, "/data/excluded") && !named(asked, "/data/on_behalf_of")
}

fn signed_in(policy: &Value, vote: &Value) -> bool {
    let age = 1000 * number(policy, "/data/rules/max_auth_age") as i64;
    let auth_time = vote.pointer("/data/auth_time").and_then(Value::as_str).map(instant);
    text(vote, "/data/channel") == "slack" || auth_time.is_some_and(|at| time(vote) - at <= age)
}

fn kind(leaf: &Value) -> &str {
    text(leaf, "/type")
}

fn time(leaf: &Value) -> i64 {
    instant(text(leaf, "/time"))
}

fn instant(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().map_or(i64::MAX / 4, jiff::Timestamp::as_millisecond)
}

fn text<'a>(leaf: &'a Value, pointer: &str) -> &'a str {
    leaf.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(leaf: &Value, pointer: &str) -> u64 {
    leaf.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} of {leaf}"))
}

fn list<'a>(leaf: &'a Value, pointer: &str) -> &'a [Value] {
    leaf.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn expect(holds: bool, wrong: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong.to_owned()) }
}
