//! One request on one page: who asked, what exactly, under which policy, who decided and how they were known, what
//! ran, and where each step stands in the log.

use std::collections::BTreeMap;

use countersign_domain::event::{Ballot, Event, Fact, RevokedBecause, Vote};
use countersign_domain::review::{Evaluation, Gate, Outcome, Rules};
use countersign_domain::{Digest, Status};

use crate::page::{Html, document, facts, table};
use crate::story::{Story, deed, evidence, plain, word};

/// What is known of a story's leaves, and from where.
#[derive(Debug, Clone, Default)]
pub struct Proved {
    /// The log.
    pub origin: String,
    /// The size of the checkpoint that they were checked against.
    pub size: u64,
    /// Its root, as it is written in checkpoints.
    pub root: String,
    /// Which keys signed it, of those that the auditor trusts.
    pub signers: Vec<String>,
    /// Of the leaves of the page, those under that root.
    pub proved: Vec<u64>,
    /// The name of the proof that lies beside the page.
    pub file: String,
}

/// How the request was drawn.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// The auditor's seed.
    pub seed: String,
    /// Its place in the draw, from 1.
    pub place: usize,
    /// How many were drawn.
    pub of: usize,
    /// How many requests with an execution the pack is about.
    pub population: usize,
}

/// The page.
pub fn page(story: &Story, proved: &Proved, drawn: &Drawn) -> String {
    let mut body = header(story, drawn);
    let exceptions = story.fold.exceptions();
    if !exceptions.is_empty() {
        let lines = exceptions.iter().map(|line| Html::element("div", "", Html::text(line)));
        let mut note = Html::own("<strong>To look at</strong>");
        note.push(Html::join(lines, ""));
        body.push(Html::element("div", "note alert", note));
    }
    for (title, content) in [
        ("The ask", ask(story)),
        ("Policy", policy(story)),
        ("Decision", decision(story)),
        ("Execution", execution(story)),
        ("Every event", timeline(story, proved)),
        ("Proof", proof(story, proved)),
    ] {
        let mut section = Html::element("h2", "", Html::text(title));
        section.push(content);
        body.push(Html::element("section", "", section));
    }
    document(&format!("{} · Countersign", story.id), &body)
}

fn header(story: &Story, drawn: &Drawn) -> Html {
    let request = story.fold.request.as_ref();
    let status = request.map_or("life not readable", |request| request.status.as_str());
    let good = request.is_some_and(|r| matches!(r.status, Status::Succeeded | Status::Approved));
    let mut title = Html::text(&request.map_or(String::new(), |request| request.action.clone()));
    title.push(Html::own(" "));
    title.push(Html::element("span", if good { "status good" } else { "status" }, Html::text(status)));
    let mut head = Html::element("h1", "", title);
    head.push(Html::element("p", "", Html::code(story.id.as_str())));
    let (place, of, population) = (drawn.place, drawn.of, drawn.population);
    let line =
        format!("Sample {place} of {of}, drawn from {population} requests that ran. Seed: {}", drawn.seed);
    head.push(Html::element("p", "", Html::text(&line)));
    Html::element("header", "", head)
}

fn ask(story: &Story) -> Html {
    let mut rows = Vec::new();
    let mut revisions = Vec::new();
    for (_, event) in story.facts() {
        match &event.fact {
            Fact::Created {
                agent,
                agent_name,
                action,
                digest,
                executor,
                on_behalf_of,
                expires_in,
                justification,
            } => {
                rows.push(("Agent", with_dim(agent_name, agent.as_str())));
                rows.push(("Asked at", Html::text(&event.time.to_string())));
                let people = on_behalf_of.iter().map(|(person, verified)| {
                    format!("{person} ({})", if *verified { "by a token" } else { "the agent's claim" })
                });
                let people: Vec<_> = people.collect();
                rows.push(("On behalf of", Html::text(&people.join(", "))));
                rows.push((
                    "To be run by",
                    executor.as_ref().map(|e| Html::code(e.as_str())).unwrap_or_default(),
                ));
                rows.push(("Action", Html::code(action)));
                let shorter = expires_in.map(|asked| span(asked.0)).unwrap_or_default();
                rows.push(("Time it asked for", Html::text(&shorter)));
                rows.push(("Justification", hashed(justification.as_ref())));
                revisions.push((1, digest.clone()));
            }
            Fact::Revised { revision, digest, .. } => revisions.push((*revision, digest.clone())),
            _ => {}
        }
    }
    let recorded: &BTreeMap<_, _> = &story.fold.recorded;
    let mut body = Html::default();
    let values = recorded.iter().map(|(name, value)| {
        let mut line = Html::element("span", "dim", Html::text(&format!("{name}  ")));
        line.push(Html::text(&plain(value)));
        line
    });
    body.push(facts(rows));
    if recorded.is_empty() {
        body.push(Html::own(
            "<p class=\"dim\">No field is in the log in clear. The digest binds target and arguments.</p>",
        ));
    } else {
        body.push(Html::own(
            "<p class=\"dim\">In the log in clear, as policy says. The digest binds all of it:</p>",
        ));
        body.push(Html::element("pre", "", Html::join(values, "\n")));
    }
    let digests = revisions.into_iter().map(|(revision, digest)| {
        let mut line = Html::code(digest.as_str());
        line.push(Html::element("span", "dim", Html::text(&format!(" revision {revision}"))));
        line
    });
    body.push(facts([("Digest", Html::join(digests, "<br>"))]));
    body
}

fn policy(story: &Story) -> Html {
    let Some(Event { fact: Fact::Evaluated { evaluation, valid_until, .. }, .. }) = &story.fold.evaluated
    else {
        return Html::own("<p>No answer of policy is recorded.</p>");
    };
    let Evaluation { policy_digest, determining, outcome, excluded } = evaluation;
    let mut rows = vec![
        ("Answer", Html::element("strong", "", Html::text(outcome.as_str()))),
        ("Because of", Html::join(determining.iter().map(|name| Html::code(name)), ", ")),
        ("Policy files", Html::code(policy_digest)),
    ];
    let mut gates_table = Html::default();
    match outcome {
        Outcome::Deny { code } => rows.push(("Code", Html::code(&word(code)))),
        Outcome::Allow { .. } => {
            let until = valid_until.map(|until| until.to_string()).unwrap_or_default();
            rows.push(("May run until", Html::text(&until)));
        }
        Outcome::Review { gates, rules } => {
            rows.push(("Rules", Html::text(&rules_of(rules))));
            gates_table = table("", &["Gate", "Approvals needed", "Who may decide"], gates.iter().map(gate));
        }
    }
    let excluded = excluded.iter().map(|(person, relations)| {
        let why: Vec<_> = relations.iter().map(word).collect();
        Html::text(&format!("{person} ({})", why.join(", ")))
    });
    rows.push(("May not decide", Html::join(excluded, "<br>")));
    let mut body = facts(rows);
    body.push(gates_table);
    body
}

fn rules_of(rules: &Rules) -> String {
    let mut parts = vec![
        format!("{} to decide", span(rules.review_for.0)),
        format!("{} to run after the approval", span(rules.approval_ttl.0)),
        match rules.rejects {
            0 | 1 => "one reject ends it".to_owned(),
            rejects => format!("{rejects} rejects end it"),
        },
        format!("sign-in by API not older than {}", span(rules.max_auth_age.0)),
    ];
    if rules.require_comment {
        parts.push("an approval needs a comment".to_owned());
    }
    parts.join("; ")
}

fn gate(gate: &Gate) -> Vec<Html> {
    let levels = gate.levels.iter().map(|level| {
        let who: Vec<_> = level.reviewers.iter().map(ToString::to_string).collect();
        let after =
            if level.after.0 == 0 { String::new() } else { format!(" (after {})", span(level.after.0)) };
        Html::text(&format!("{}{after}", who.join(", ")))
    });
    vec![Html::code(gate.profile.as_str()), Html::text(&gate.quorum.to_string()), Html::join(levels, "<br>")]
}

fn decision(story: &Story) -> Html {
    let mut votes: Vec<(u64, &Vote)> = Vec::new();
    let mut rows = Vec::new();
    let mut refused = Vec::new();
    for (entry, event) in story.facts() {
        match &event.fact {
            Fact::VoteCast { vote, .. } => votes.push((entry.index, vote)),
            Fact::Approved { valid_until, latency_ms, .. } => {
                rows.push((
                    "Approved",
                    Html::text(&format!("{}, {} after the ask", event.time, millis(*latency_ms))),
                ));
                rows.push(("May run until", Html::text(&valid_until.to_string())));
            }
            Fact::Rejected { latency_ms, .. } => {
                rows.push((
                    "Rejected",
                    Html::text(&format!("{}, {} after the ask", event.time, millis(*latency_ms))),
                ));
            }
            Fact::Revoked { because, groups, .. } => {
                let groups: Vec<_> = groups.iter().map(|g| g.as_str()).collect();
                let who = match because {
                    RevokedBecause::Person(actor) => format!(
                        "{}, by {} of {} ({})",
                        event.time,
                        actor.person,
                        groups.join(", "),
                        evidence(&actor.evidence)
                    ),
                    other => format!("{}, because of {}", event.time, word(other)),
                };
                rows.push(("Revoked", Html::text(&who)));
            }
            Fact::DecisionRefused(_) => {
                let deed = deed(&event.fact);
                refused
                    .push(Html::text(&format!("{}: {} ({})", deed.actor, deed.decision, deed.authenticated)));
            }
            _ => {}
        }
    }
    if votes.is_empty() {
        rows.insert(0, ("People", Html::text("nobody voted")));
    }
    rows.push(("Decisions refused", Html::join(refused, "<br>")));
    let mut body = facts(rows);
    if !votes.is_empty() {
        let head = ["Person", "Vote", "Counts in", "How the person was known", "Saw", "Comment"];
        body.push(table("", &head, votes.into_iter().map(|(_, vote)| vote_row(vote))));
    }
    body
}

fn vote_row(vote: &Vote) -> Vec<Html> {
    let gates: Vec<_> = vote.gates.iter().map(|g| g.as_str()).collect();
    let groups: Vec<_> = vote.groups.iter().map(|g| g.as_str()).collect();
    let mut person = Html::element("strong", "", Html::text(vote.actor.person.as_str()));
    if !groups.is_empty() {
        person.push(Html::own("<br>"));
        person.push(Html::element("span", "dim", Html::text(&format!("of {}", groups.join(", ")))));
    }
    let mut ballot = Html::element("span", if vote.ballot == Ballot::Approve { "good" } else { "bad" }, {
        Html::text(&word(&vote.ballot))
    });
    ballot.push(Html::own("<br>"));
    ballot.push(Html::element("span", "dim whole", Html::text(&vote.at.to_string())));
    vec![
        person,
        ballot,
        Html::text(&gates.join(", ")),
        Html::text(&evidence(&vote.actor.evidence)),
        short_hash(vote.shown.as_ref()),
        short_hash(vote.comment.as_ref()),
    ]
}

fn execution(story: &Story) -> Html {
    let approved = story.fold.request.as_ref().map(|request| &request.digest);
    let mut rows = Vec::new();
    for (_, event) in story.facts() {
        match &event.fact {
            Fact::Consumed { by, digest, .. } => {
                rows.push(("Right to run given", Html::text(&event.time.to_string())));
                rows.push(("To", Html::code(by.as_str())));
                rows.push(("For the digest", Html::code(digest.as_str())));
                let same = approved == Some(digest);
                let says = if same { "the same as the approved one" } else { "NOT THE APPROVED ONE" };
                rows.push((
                    "Which is",
                    Html::element("span", if same { "good" } else { "bad" }, Html::text(says)),
                ));
            }
            Fact::Succeeded { by, detail } | Fact::Failed { by, detail } | Fact::Unknown { by, detail } => {
                let line = format!("{}, {}", event.fact.kind().trim_start_matches("execution."), event.time);
                rows.push(("Outcome, as reported", Html::text(&line)));
                rows.push(("By", Html::code(by.as_str())));
                rows.push(("Detail", hashed(detail.as_ref())));
            }
            Fact::ExecutionRefused { by, code } => {
                rows.push(("Attempt refused", Html::text(&format!("{}: {} ({by})", event.time, word(code)))));
            }
            _ => {}
        }
    }
    if rows.is_empty() {
        return Html::own("<p>The right to run was never given.</p>");
    }
    facts(rows)
}

fn timeline(story: &Story, proved: &Proved) -> Html {
    let first = story.facts().next().map(|(_, event)| event.time);
    let rows = story.entries.iter().map(|entry| {
        let event = entry.event.as_ref();
        let since = event.zip(first).map(|(event, first)| millis(event.time.millis_since(first)));
        let deed = event.map(|event| deed(&event.fact)).unwrap_or_default();
        let said = [deed.actor, deed.decision].into_iter().filter(|part| !part.is_empty());
        let is_proved = proved.proved.contains(&entry.index);
        let (class, says) = if is_proved { ("good", "in the log") } else { ("bad", "NOT PROVED") };
        vec![
            Html::text(&entry.index.to_string()),
            Html::text(&event.map(|event| event.time.to_string()).unwrap_or_default()),
            Html::text(&since.map(|since| format!("+{since}")).unwrap_or_default()),
            Html::code(event.map_or("not readable", |event| event.fact.kind())),
            Html::text(&said.collect::<Vec<_>>().join(": ")),
            Html::element("span", "whole", short(&String::from(entry.hash))),
            Html::element("span", "whole", Html::element("span", class, Html::text(says))),
        ]
    });
    table("timeline", &["Index", "Time (UTC)", "Since", "Event", "Who, what", "Leaf hash", "Proof"], rows)
}

fn proof(story: &Story, proved: &Proved) -> Html {
    let all = story.entries.iter().all(|entry| proved.proved.contains(&entry.index));
    let (class, says) = if all {
        ("good", "Every event above was found under the signed root below.")
    } else {
        ("bad", "NOT EVERY EVENT ABOVE IS UNDER THE SIGNED ROOT BELOW.")
    };
    let mut body = Html::element("p", class, Html::text(says));
    body.push(facts([
        ("Log", Html::code(&proved.origin)),
        ("Checkpoint", Html::text(&format!("{} entries", proved.size))),
        ("Root", Html::code(&proved.root)),
        ("Signed by", Html::join(proved.signers.iter().map(|key| Html::code(key)), "<br>")),
        ("Proof to check alone", Html::code(&proved.file)),
        (
            "Leaf of that proof",
            story.decision().map(|e| Html::code(&String::from(e.hash))).unwrap_or_default(),
        ),
    ]));
    body.push(Html::own(
        "<p class=\"dim\">Reasons, comments and questions are in the log as salted hashes only. The proof shows that \
         the log holds these events, not that the people behind the accounts acted of their own will, nor what the \
         executor did beyond what it reported.</p>",
    ));
    body
}

fn with_dim(text: &str, dim: &str) -> Html {
    let mut html = Html::text(text);
    html.push(Html::own(" "));
    html.push(Html::element("span", "dim", Html::code(dim)));
    html
}

fn hashed(digest: Option<&Digest>) -> Html {
    let Some(digest) = digest else { return Html::default() };
    let mut html = Html::own("<span class=\"dim\">salted hash </span>");
    html.push(Html::code(digest.as_str()));
    html
}

fn short_hash(digest: Option<&Digest>) -> Html {
    let whole = |digest: &Digest| short(digest.as_str().trim_start_matches("sha256:"));
    let content = digest.map_or_else(|| Html::own("<span class=\"dim\">none</span>"), whole);
    Html::element("span", "whole", content)
}

fn short(hex: &str) -> Html {
    Html::code(&hex.chars().take(10).chain(['…']).collect::<String>())
}

/// Seconds in the largest units that say them.
fn span(seconds: u32) -> String {
    match seconds {
        0 => "0 s".to_owned(),
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

fn millis(millis: u64) -> String {
    match millis / 1000 {
        s if s < 120 => format!("{}.{:03} s", s, millis % 1000),
        s if s < 7200 => format!("{} min {} s", s / 60, s % 60),
        s => format!("{} h {} min", s / 3600, s / 60 % 60),
    }
}
