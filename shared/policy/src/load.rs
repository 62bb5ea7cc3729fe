//! From files to a [`Policy`]: everything that one file says of another, or one value of the next, is checked here.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::ids::{GroupName, PersonId, ProfileName};
use countersign_domain::review::{Gate, Level, Reviewer, Rules};
use countersign_domain::time::Seconds;
use sha2::{Digest as _, Sha256};

use crate::alias::Alias;
use crate::error::PolicyError;
use crate::evaluate::together;
use crate::files::{self, AGENTS, OutcomeWord, PEOPLE, PROFILES, ProfileEntry};
use crate::size::too_large;
use crate::span::{Span, show};
use crate::{Answer, Person, Policy, Profile, Registration, Route};

type Members = BTreeMap<GroupName, BTreeSet<PersonId>>;

/// The workflow waits at most 90 days; the rest is for what is late.
const LONGEST_LIFE: u64 = 80 * 86_400;

/// So many levels at most: each is a round of cards.
const MOST_LEVELS: usize = 16;

/// So many gates of one review at most: a person reads them all.
const MOST_PROFILES: usize = 8;

impl Policy {
    /// The policy that these files, by name within their directory, make.
    ///
    /// Its digest is SHA-256 over all of them, known or not, in byte order of their names: for each the length of
    /// the name and the name, the length of the content and the content, lengths as 8 bytes, big-endian.
    ///
    /// # Errors
    /// The first thing that is wrong. Then there is no policy, and everything is to be denied.
    pub fn load(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, PolicyError> {
        let (people, aliases) = people(files::read(files, PEOPLE)?)?;
        let members = members(people.values());
        let directory = Directory { people: &people, members: &members };
        let agents = directory.agents(files::read(files, AGENTS)?)?;

        let files::Profiles { route, profile } = files::read(files, PROFILES)?;
        let profiles = profile
            .into_iter()
            .map(|(name, entry)| Ok((name.clone(), directory.profile(name, entry)?)))
            .collect::<Result<BTreeMap<ProfileName, Profile>, PolicyError>>()?;
        let default = profiles.iter().find(|(name, _)| name.as_str() == "default").map(|(_, p)| p.clone());
        let default = default.ok_or_else(|| {
            invalid(PROFILES, "profile.default", "is missing; what no route matches is reviewed under it")
        })?;
        fits(&default, &[], || "profile.default".to_owned())?;
        let routes = routes(route, &profiles)?;
        let levels = profiles.values().flat_map(|profile| &profile.gate.levels);
        let channels = levels.flat_map(|level| &level.channels).cloned().collect();
        Ok(Self { digest: digest(files), people, aliases, members, agents, routes, default, channels })
    }
}

fn digest(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    for part in files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

type PeopleAndAliases = (BTreeMap<PersonId, Person>, BTreeMap<Alias, PersonId>);

fn people(file: files::People) -> Result<PeopleAndAliases, PolicyError> {
    let mut people = BTreeMap::new();
    let mut owners: BTreeMap<Alias, PersonId> = BTreeMap::new();
    for (id, entry) in file.person {
        if entry.name.trim().is_empty()
            || entry.name.chars().count() > 100
            || entry.name.contains(char::is_control)
        {
            let problem = "is not a name; write 1 to 100 characters without control characters";
            return Err(invalid(PEOPLE, format!("person.{id}.name"), problem));
        }
        for (i, alias) in entry.aliases.iter().enumerate() {
            if let Some(owner) = owners.insert(alias.comparable(), id.clone()) {
                let problem =
                    format!("{alias} is an alias of {owner} already; an alias names one person, once");
                return Err(invalid(PEOPLE, format!("person.{id}.aliases[{i}]"), problem));
            }
        }
        let person =
            Person { id: id.clone(), name: entry.name, groups: entry.groups, aliases: entry.aliases };
        people.insert(id, person);
    }
    Ok((people, owners))
}

fn members<'a>(people: impl Iterator<Item = &'a Person>) -> Members {
    let mut members = Members::new();
    for person in people {
        for group in &person.groups {
            members.entry(group.clone()).or_default().insert(person.id.clone());
        }
    }
    members
}

/// The people that these reviewers are. A group or person that is not there is nobody.
pub(crate) fn resolve<'a>(
    members: &Members,
    reviewers: impl IntoIterator<Item = &'a Reviewer>,
) -> BTreeSet<PersonId> {
    let mut people = BTreeSet::new();
    for reviewer in reviewers {
        match reviewer {
            Reviewer::Group(group) => people.extend(members.get(group).into_iter().flatten().cloned()),
            Reviewer::Person(id) => {
                people.insert(id.clone());
            }
        }
    }
    people
}

/// Who there is, to check names against.
struct Directory<'a> {
    people: &'a BTreeMap<PersonId, Person>,
    members: &'a Members,
}

impl Directory<'_> {
    fn known(
        &self,
        file: &'static str,
        key: impl Fn() -> String,
        reviewer: &Reviewer,
    ) -> Result<(), PolicyError> {
        let problem = match reviewer {
            Reviewer::Group(group) if !self.members.contains_key(group) => {
                format!(
                    "nobody in people.toml is in group {group}; mend the name, or add it to somebody's groups"
                )
            }
            Reviewer::Person(id) if !self.people.contains_key(id) => {
                format!("people.toml has no person {id}; mend the id, or add [person.{id}]")
            }
            _ => return Ok(()),
        };
        Err(invalid(file, key(), problem))
    }

    fn agents(&self, file: files::Agents) -> Result<Vec<Registration>, PolicyError> {
        let holders = |key: String, holders: Vec<files::Holder>| {
            for holder in &holders {
                self.known(AGENTS, || key.clone(), &holder.0)?;
            }
            Ok(resolve(self.members, holders.iter().map(|holder| &holder.0)))
        };
        let registration = |(i, entry): (usize, files::AgentEntry)| {
            let pattern = entry.pattern;
            if !["aws:", "oidc:"].iter().any(|kind| pattern.as_str().starts_with(kind)) {
                let problem = format!("{pattern} fits no agent; begin it with aws: or oidc:");
                return Err(invalid(AGENTS, format!("agent[{i}].pattern"), problem));
            }
            if entry.owners.is_empty() {
                let problem = "is empty; name the people who answer for this agent";
                return Err(invalid(AGENTS, format!("agent[{i}].owners"), problem));
            }
            let owners = holders(format!("agent[{i}].owners"), entry.owners)?;
            let can_act_as = holders(format!("agent[{i}].can_act_as"), entry.can_act_as)?;
            Ok(Registration { pattern, owners, can_act_as })
        };
        file.agent.into_iter().enumerate().map(registration).collect()
    }

    fn profile(&self, name: ProfileName, entry: ProfileEntry) -> Result<Profile, PolicyError> {
        let at = |key: &str| format!("profile.{name}.{key}");
        let rules = rules(&entry, at)?;
        let quorum = entry.quorum.0;
        let levels = self.levels(entry, rules.review_for, at)?;
        let eligible = resolve(self.members, levels.iter().flat_map(|level| &level.reviewers)).len();
        for (key, count) in [("quorum", quorum), ("rejects", rules.rejects)] {
            if usize::from(count) > eligible {
                let problem = format!("{count} people are needed, but its reviewers are only {eligible}");
                return Err(invalid(PROFILES, at(key), problem));
            }
        }
        Ok(Profile { gate: Gate { profile: name, quorum, levels }, rules })
    }

    fn levels(
        &self,
        entry: ProfileEntry,
        review_for: Seconds,
        at: impl Fn(&str) -> String,
    ) -> Result<Vec<Level>, PolicyError> {
        for (key, empty) in
            [("reviewers", entry.reviewers.is_empty()), ("channels", entry.channels.is_empty())]
        {
            if empty {
                return Err(invalid(PROFILES, at(key), "is empty; then nobody would ever be asked"));
            }
        }
        if entry.levels.len() >= MOST_LEVELS {
            return Err(invalid(PROFILES, at("levels"), format!("more than {} levels", MOST_LEVELS - 1)));
        }
        let mut levels =
            vec![Level { after: Seconds(0), reviewers: entry.reviewers, channels: entry.channels }];
        for (i, level) in entry.levels.into_iter().enumerate() {
            let Span(after) = level.after;
            let problem = if levels.last().is_some_and(|earlier| earlier.after >= after) {
                "levels begin one after the other: write a longer time than that of the level before"
            } else if after >= review_for {
                "the review is over by then: write a time shorter than review_for"
            } else if level.reviewers.is_empty() && level.channels.is_empty() {
                "the level adds nothing: name reviewers or channels"
            } else {
                levels.push(Level { after, reviewers: level.reviewers, channels: level.channels });
                continue;
            };
            return Err(invalid(PROFILES, at(&format!("levels[{i}]")), problem));
        }
        for (i, level) in levels.iter().enumerate() {
            let key = || if i == 0 { at("reviewers") } else { at(&format!("levels[{}].reviewers", i - 1)) };
            level.reviewers.iter().try_for_each(|reviewer| self.known(PROFILES, key, reviewer))?;
        }
        Ok(levels)
    }
}

fn rules(entry: &ProfileEntry, at: impl Fn(&str) -> String) -> Result<Rules, PolicyError> {
    let times = [
        ("review_for", entry.review_for),
        ("approval_ttl", entry.approval_ttl),
        ("answer_within", entry.answer_within),
        ("max_auth_age", entry.max_auth_age),
    ];
    for (key, Span(time)) in times {
        if time == Seconds(0) {
            return Err(invalid(PROFILES, at(key), "no time at all; write at least \"1s\""));
        }
    }
    let life: u64 = times[..3].iter().map(|(_, Span(time))| u64::from(time.0)).sum();
    if life > LONGEST_LIFE {
        let problem = format!(
            "review_for, approval_ttl and answer_within are {} together; they may be 80d: shorten one",
            show(life)
        );
        return Err(invalid(PROFILES, at("review_for"), problem));
    }
    for field in &entry.record {
        if field != "target" && field.strip_prefix("arguments.").is_none_or(str::is_empty) {
            let problem = format!("{field:?} is no field; write target or arguments.<top-level field>");
            return Err(invalid(PROFILES, at("record"), problem));
        }
    }
    Ok(Rules {
        review_for: entry.review_for.0,
        approval_ttl: entry.approval_ttl.0,
        answer_within: entry.answer_within.0,
        rejects: entry.rejects.0,
        require_comment: entry.require_comment,
        max_auth_age: entry.max_auth_age.0,
        cool_down: entry.cool_down.0,
        record: entry.record.clone(),
    })
}

fn routes(
    entries: Vec<files::RouteEntry>,
    profiles: &BTreeMap<ProfileName, Profile>,
) -> Result<Vec<Route>, PolicyError> {
    let mut routes: Vec<Route> = Vec::new();
    for (i, entry) in entries.into_iter().enumerate() {
        let at = |key: &str| format!("route[{i}].{key}");
        if let Some(n) = routes.iter().position(|earlier| earlier.action.covers(&entry.action)) {
            let problem = format!("route[{n}] ({}) takes all of {} already", routes[n].action, entry.action);
            return Err(invalid(PROFILES, at("action"), problem + "; put this one before it, or remove it"));
        }
        let mut named = Vec::new();
        for name in &entry.profiles {
            let problem = || format!("there is no profile {name}; mend the name, or add [profile.{name}]");
            let profile = profiles.get(name).ok_or_else(|| invalid(PROFILES, at("profiles"), problem()))?;
            named.push(profile.clone());
        }
        let mut named = named.into_iter();
        let answer = match (entry.outcome, named.next()) {
            (OutcomeWord::Allow, None) => Answer::Allow,
            (OutcomeWord::Deny, None) => Answer::Deny,
            (OutcomeWord::Review, Some(first)) => {
                let rest: Vec<Profile> = named.collect();
                if rest.len() >= MOST_PROFILES {
                    let problem = format!("more than {MOST_PROFILES}; merge some into one profile");
                    return Err(invalid(PROFILES, at("profiles"), problem));
                }
                fits(&first, &rest, || at("profiles"))?;
                Answer::Review(first, rest)
            }
            (OutcomeWord::Review, None) => {
                let problem = "is missing; name at least one profile, e.g. profiles = [\"default\"]";
                return Err(invalid(PROFILES, at("profiles"), problem));
            }
            (OutcomeWord::Allow | OutcomeWord::Deny, Some(_)) => {
                let problem = "nobody is asked here; remove it, or write outcome = \"review\"";
                return Err(invalid(PROFILES, at("profiles"), problem));
            }
        };
        routes.push(Route { action: entry.action, answer });
    }
    Ok(routes)
}

/// Whether every review under these profiles fits the log.
fn fits(first: &Profile, rest: &[Profile], key: impl Fn() -> String) -> Result<(), PolicyError> {
    let (gates, rules) = together(first, rest);
    too_large(&gates, &rules).map_or(Ok(()), |problem| Err(invalid(PROFILES, key(), problem)))
}

fn invalid(file: &'static str, key: impl Into<String>, problem: impl Into<String>) -> PolicyError {
    PolicyError::Invalid { file, key: key.into(), problem: problem.into() }
}
