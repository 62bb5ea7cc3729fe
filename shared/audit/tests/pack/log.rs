//! A log as the archiver publishes it, made here: lives by the rules, commits of a few leaves, every checkpoint signed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use countersign_domain::event::{Actor, Ballot, Evidence, RefusedDecision, Vote};
use countersign_domain::ids::Origin;
use countersign_domain::leaf::{Head, Leaf, Place, Subject};
use countersign_domain::review::{Evaluation, Gate, Level, Outcome, Relation, Reviewer, Rules};
use countersign_domain::time::Seconds;
use countersign_domain::{AgentId, Code, Digest, Event, Fact, RequestId, Time};
use countersign_tlog::note::{Algorithm, VerifyError};
use countersign_tlog::{Checkpoint, Edge, VerifierKey};
use ed25519_dalek::{Signer as _, SigningKey};

pub const ORIGIN: &str = "prod.123456789012.eu-west-1/countersign";

/// 2026-07-01T00:00:00Z.
pub const START: i64 = 1_782_864_000_000;

pub fn at(minutes: i64) -> Time {
    Time::from_millis(START + minutes * 60_000)
}

pub fn request(number: u64) -> RequestId {
    let base = "01KB1Y2Z3M4N5P6Q7R8S9T";
    format!("req_{base}{number:04}").parse().unwrap()
}

pub fn agent() -> AgentId {
    AgentId::of("role", "123456789012", "deploy")
}

fn hash(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// How a request goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Goes {
    /// Two people approve, it runs well.
    Well,
    /// As `Well`, and its owner tried to approve it as well.
    WithRefusal,
    /// One person says no.
    Rejected,
    /// Policy lets it run; no outcome is reported.
    Allowed,
    /// It is given out to run and nobody approved it.
    Forged,
}

/// A log under way in a directory.
pub struct Log {
    pub dir: PathBuf,
    key: SigningKey,
    edge: Edge,
    heads: BTreeMap<String, Head>,
    rno: u64,
    waiting: Vec<Vec<u8>>,
    /// Every leaf so far.
    pub leaves: Vec<Vec<u8>>,
}

impl Log {
    /// A log that has begun, in this directory.
    pub fn begin(dir: &Path) -> Self {
        Self::with_key(dir, 7)
    }

    pub fn with_key(dir: &Path, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let mut log = Self {
            dir: dir.to_owned(),
            key,
            edge: Edge::default(),
            heads: BTreeMap::new(),
            rno: 0,
            waiting: Vec::new(),
            leaves: Vec::new(),
        };
        let fact = Fact::LogGenesis { origin: ORIGIN.parse().unwrap(), key: log.vkey(), after: None };
        log.own(0, fact);
        log.commit();
        log
    }

    pub fn vkey(&self) -> String {
        let public = self.key.verifying_key().to_bytes();
        VerifierKey::new(ORIGIN, Algorithm::Ed25519, &public).unwrap().to_string()
    }

    /// The text of a policy that trusts it.
    pub fn policy(&self) -> String {
        format!("log {}\nquorum none\n", self.vkey())
    }

    pub fn own(&mut self, minute: i64, fact: Fact) {
        let origin: Origin = ORIGIN.parse().unwrap();
        self.record(Subject::Log(origin), None, Event { time: at(minute), fact });
    }

    pub fn heartbeat(&mut self, minute: i64) {
        self.own(minute, Fact::LogHeartbeat {});
        self.commit();
    }

    /// A whole life, from this minute on, in commits of a few leaves.
    pub fn life(&mut self, number: u64, minute: i64, goes: &Goes, target: &str) {
        self.rno += 1;
        let rno = self.rno;
        for (count, event) in life(number, minute, goes, target).into_iter().enumerate() {
            self.record(Subject::Request(request(number)), Some(rno), event);
            if count % 3 == 2 {
                self.commit();
            }
        }
        self.commit();
    }

    fn record(&mut self, subject: Subject, rno: Option<u64>, event: Event) {
        let head = self.heads.entry(subject.to_string()).or_insert(Head::EMPTY);
        let place = Place { source: "urn:countersign:prod", subject: &subject, rno };
        let leaf = Leaf::make(&place, head, &event).unwrap();
        *head = leaf.head();
        self.waiting.push(leaf.bytes);
    }

    /// Publishes what waits.
    pub fn commit(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let leaves = std::mem::take(&mut self.waiting);
        let files = self.edge.append(&leaves).unwrap();
        self.leaves.extend(leaves);
        for (bundle, bytes) in files.bundles {
            self.write(&bundle.path(), &bytes);
        }
        for (tile, bytes) in files.tiles {
            self.write(&tile.path(), &bytes);
        }
        let note = self.signed(&Checkpoint::new(ORIGIN, self.edge.size(), self.edge.root()).unwrap());
        self.write(&format!("checkpoints/{:020}", self.edge.size()), note.as_bytes());
        self.write("checkpoint", note.as_bytes());
    }

    pub fn signed(&self, checkpoint: &Checkpoint) -> String {
        let key: VerifierKey = self.vkey().parse().unwrap();
        let mut note = checkpoint.note().unwrap();
        note.sign(&key, None, |bytes| Ok::<_, VerifyError>(self.key.sign(bytes).to_bytes())).unwrap();
        note.to_string()
    }

    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Four lives in the first day, heartbeats, and another life in the second: what most tests look at.
pub fn ordinary(dir: &Path) -> Log {
    let mut log = Log::begin(dir);
    log.heartbeat(60);
    log.life(1, 100, &Goes::Well, "s3://reports/2026-06/");
    log.heartbeat(120);
    log.life(2, 160, &Goes::Rejected, "=HYPERLINK(\"https://evil.example\",\"<script>alert(1)</script>\")");
    log.heartbeat(180);
    log.heartbeat(240);
    log.life(3, 280, &Goes::Allowed, "s3://cache/");
    log.heartbeat(300);
    log.life(4, 340, &Goes::WithRefusal, "s3://payroll/<img src=x onerror=alert(1)>\u{202e}gpj");
    log.heartbeat(360);
    (420..1560).step_by(60).for_each(|minute| log.heartbeat(minute));
    log.life(5, 1570, &Goes::Well, "s3://reports/2026-07/");
    log.heartbeat(1630);
    log
}

fn slack(person: &str) -> Actor {
    let evidence = Evidence::Slack { workspace: "T0SPACE".into() };
    Actor { person: person.parse().unwrap(), evidence }
}

fn api(person: &str, auth_time: Time) -> Actor {
    let evidence = Evidence::Api {
        issuer: "https://idp.example".into(),
        auth_time: Some(auth_time),
        amr: ["mfa".to_owned(), "pwd".to_owned()].into(),
    };
    Actor { person: person.parse().unwrap(), evidence }
}

fn gate(profile: &str, quorum: u8, group: &str) -> Gate {
    let reviewers = BTreeSet::from([Reviewer::Group(group.parse().unwrap())]);
    let channels = BTreeSet::from(["slack:C0DATA".parse().unwrap()]);
    let levels = vec![Level { after: Seconds(0), reviewers, channels }];
    Gate { profile: profile.parse().unwrap(), quorum, levels }
}

fn rules() -> Rules {
    Rules {
        review_for: Seconds(3600),
        approval_ttl: Seconds(900),
        answer_within: Seconds(600),
        rejects: 1,
        require_comment: false,
        max_auth_age: Seconds(900),
        cool_down: Seconds(0),
        record: BTreeSet::from(["target".into()]),
    }
}

fn vote(actor: Actor, ballot: Ballot, gate: &str, group: &str, at: Time) -> Vote {
    Vote {
        actor,
        ballot,
        gates: BTreeSet::from([gate.parse().unwrap()]),
        groups: BTreeSet::from([group.parse().unwrap()]),
        shown: Some(hash("what was shown")),
        comment: (ballot == Ballot::Reject).then(|| hash("because")),
        at,
    }
}

fn life(number: u64, minute: i64, goes: &Goes, target: &str) -> Vec<Event> {
    let digest = hash(&format!("revision of {number}"));
    let mut events = Vec::new();
    let mut add = |minute: i64, fact: Fact| events.push(Event { time: at(minute), fact });
    add(
        minute,
        Fact::Created {
            agent: agent(),
            agent_name: "aws:123456789012:role/deploy".into(),
            action: "s3.sync".into(),
            digest: digest.clone(),
            executor: None,
            on_behalf_of: BTreeMap::from([("frank".parse().unwrap(), true)]),
            expires_in: None,
            justification: Some(hash("why")),
        },
    );
    let allowed = *goes == Goes::Allowed;
    let outcome = if allowed {
        Outcome::Allow { approval_ttl: Seconds(900), record: BTreeSet::from(["target".into()]) }
    } else {
        Outcome::Review {
            gates: vec![gate("data", 1, "ops"), gate("security", 1, "security")],
            rules: rules(),
        }
    };
    add(
        minute,
        Fact::Evaluated {
            revision: 1,
            digest: digest.clone(),
            evaluation: Evaluation {
                policy_digest: hash("policy").into(),
                determining: vec!["route s3.*".into()],
                outcome,
                excluded: BTreeMap::from([("gil".parse().unwrap(), BTreeSet::from([Relation::Owner]))]),
            },
            recorded: BTreeMap::from([("target".into(), target.into())]),
            valid_until: allowed.then(|| at(minute) + Seconds(900)),
        },
    );
    let consumed = Fact::Consumed { by: agent(), digest: digest.clone(), attempt: hash("attempt") };
    if allowed {
        add(minute, consumed);
        return events;
    }
    add(minute, Fact::NotificationSent { to: "slack:C0DATA".parse().unwrap() });
    if *goes == Goes::Forged {
        add(minute + 1, consumed);
        return events;
    }
    if *goes == Goes::WithRefusal {
        add(
            minute + 1,
            Fact::DecisionRefused(RefusedDecision {
                person: Some("gil".parse().unwrap()),
                evidence: Some(Evidence::Slack { workspace: "T0SPACE".into() }),
                decision: Some(countersign_domain::event::Decision::Approve),
                digest: Some(digest.clone()),
                code: Code::SelfApprovalDenied,
                relations: BTreeSet::from([Relation::Owner]),
            }),
        );
    }
    if *goes == Goes::Rejected {
        let vote = vote(slack("ann"), Ballot::Reject, "data", "ops", at(minute + 2));
        add(minute + 2, Fact::VoteCast { digest: digest.clone(), vote: vote.clone() });
        add(minute + 2, Fact::Rejected { digest, votes: vec![vote], latency_ms: 120_000 });
        return events;
    }
    let first = vote(slack("ann"), Ballot::Approve, "data", "ops", at(minute + 2));
    let second = vote(api("eve", at(minute)), Ballot::Approve, "security", "security", at(minute + 3));
    add(minute + 2, Fact::VoteCast { digest: digest.clone(), vote: first.clone() });
    add(minute + 3, Fact::VoteCast { digest: digest.clone(), vote: second.clone() });
    let valid_until = at(minute + 3) + Seconds(900);
    let votes = vec![first, second];
    add(minute + 3, Fact::Approved { digest, votes, valid_until, latency_ms: 180_000 });
    add(minute + 4, consumed);
    add(minute + 5, Fact::Succeeded { by: agent(), detail: Some(hash("done")) });
    events
}
